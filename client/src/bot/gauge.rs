//! What the server uses: from its process, or from its own metrics.

use super::process;
pub(super) use super::process::Usage;
use anyhow::{Context, Result, ensure};
use std::{str::FromStr, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

/// How long the server may take to tell its metrics.
const LIMIT: Duration = Duration::from_secs(2);
/// The most bytes of metrics that are read.
const MAX_BYTES: u64 = 4 << 20;

/// Where to look.
#[derive(Debug, Clone)]
pub(super) enum Gauge {
    /// A process on this machine.
    Process(u32),
    /// The server's metrics page.
    Metrics(MetricsUrl),
}

/// The address of a page of metrics: `http://HOST:PORT/PATH`, without `http://` and with `/metrics` where they are left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct MetricsUrl {
    host: String,
    path: String,
}

impl Gauge {
    /// What the server has used so far.
    ///
    /// # Errors
    /// Where there is no such process or page.
    pub(super) async fn read(&self) -> Result<Usage> {
        match self {
            Self::Process(pid) => process::read(*pid),
            Self::Metrics(url) => {
                let page = timeout(LIMIT, url.get()).await.context("it does not answer").and_then(|page| page);
                let page = page.with_context(|| format!("--server-metrics http://{}{}", url.host, url.path))?;
                usage_of(&page).with_context(|| {
                    format!(
                        "http://{}{} has no process_cpu_seconds_total and process_resident_memory_bytes",
                        url.host, url.path
                    )
                })
            }
        }
    }
}

impl MetricsUrl {
    async fn get(&self) -> Result<String> {
        let mut stream = TcpStream::connect(&self.host).await?;
        // HTTP/1.0: the answer is in one piece and ends with the connection.
        let request = format!("GET {} HTTP/1.0\r\nHost: {}\r\n\r\n", self.path, self.host);
        stream.write_all(request.as_bytes()).await?;
        let mut answer = String::new();
        stream.take(MAX_BYTES).read_to_string(&mut answer).await?;
        let (head, body) = answer.split_once("\r\n\r\n").context("the answer is not HTTP")?;
        let status = head.lines().next().unwrap_or_default();
        ensure!(status.split(' ').nth(1) == Some("200"), "the answer is {status:?}");
        Ok(body.to_owned())
    }
}

impl FromStr for MetricsUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let rest = text.strip_prefix("http://").unwrap_or(text);
        let (host, path) =
            rest.split_once('/').map_or((rest, "/metrics".into()), |(host, path)| (host, format!("/{path}")));
        let port = host.rsplit_once(':').and_then(|(_, port)| port.parse::<u16>().ok());
        if rest.contains("://") || rest.contains(char::is_whitespace) || port.is_none() {
            return Err("not http://HOST:PORT/PATH".into());
        }
        Ok(Self { host: host.into(), path })
    }
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "memory in KiB")]
fn usage_of(page: &str) -> Option<Usage> {
    let value = |name: &str| {
        let line = page.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '))?;
        line.split(' ').next()?.parse::<f64>().ok().filter(|value| value.is_finite() && *value >= 0.0)
    };
    let cpu = Duration::try_from_secs_f64(value("process_cpu_seconds_total")?).ok()?;
    Some(Usage { cpu, rss_kib: (value("process_resident_memory_bytes")? / 1024.0) as u64 })
}

#[cfg(test)]
mod tests {
    use super::{Gauge, MetricsUrl, usage_of};
    use std::time::Duration;
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
    };

    const PAGE: &str = "# HELP x\nprocess_cpu_seconds_total 12.5\nprocess_cpu_seconds_total_of_others 99\n\
                        process_resident_memory_bytes 2097152\n";

    #[test]
    fn a_page_tells_cpu_and_memory() {
        let usage = usage_of(PAGE).unwrap();
        assert_eq!((usage.cpu, usage.rss_kib), (Duration::from_millis(12_500), 2_048));
        assert!(usage_of("process_cpu_seconds_total 1\n").is_none());
        assert!(usage_of("process_cpu_seconds_total NaN\nprocess_resident_memory_bytes 1\n").is_none());
    }

    #[test]
    fn addresses_are_read_and_others_refused() {
        let url: MetricsUrl = "127.0.0.1:7780".parse().unwrap();
        assert_eq!((url.host.as_str(), url.path.as_str()), ("127.0.0.1:7780", "/metrics"));
        assert_eq!("http://[::1]:80/m".parse::<MetricsUrl>().unwrap().path, "/m");
        for bad in ["", "localhost", "https://a:1/", "a:x", "a b:1"] {
            assert!(bad.parse::<MetricsUrl>().is_err(), "{bad}");
        }
    }

    #[tokio::test]
    async fn a_server_that_answers_is_read_and_one_that_does_not_is_an_error() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let gauge = Gauge::Metrics(listener.local_addr().unwrap().to_string().parse().unwrap());
        let serve = async {
            for head in ["200 OK", "404 Not Found"] {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut request = [0; 512];
                let read = stream.read(&mut request).await.unwrap();
                assert!(request[..read].starts_with(b"GET /metrics HTTP/1.0\r\n"));
                stream.write_all(format!("HTTP/1.0 {head}\r\n\r\n{PAGE}").as_bytes()).await.unwrap();
            }
        };
        let read = async {
            assert_eq!(gauge.read().await.unwrap().rss_kib, 2_048);
            let error = format!("{:#}", gauge.read().await.unwrap_err());
            assert!(error.contains("404"), "{error}");
        };
        tokio::join!(serve, read);
    }
}
