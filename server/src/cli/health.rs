//! `malpan-server health`: what a container or a script asks, with no HTTP client beside the program.

use super::{EXIT_DONE, EXIT_FAILED, Flags, load};
use anyhow::{Context, bail};
use clap::Args;
use std::{
    env,
    io::{Read, Write},
    net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream},
    path::PathBuf,
    process::ExitCode,
    time::Duration,
};

/// Time for each step of asking: a server that takes longer is not well.
const STEP_WITHIN: Duration = Duration::from_secs(3);
/// Far more than any answer has.
const ANSWER_BYTES: u64 = 4096;

/// Whom to ask, and what.
#[derive(Debug, Clone, Args)]
pub struct HealthArgs {
    /// Whether it also takes players in: no while it drains or its store does not answer
    #[arg(long)]
    pub ready: bool,
    /// Where the server serves health and metrics [default: where one with these settings would]
    #[arg(long, value_name = "IP:PORT")]
    pub http: Option<String>,
    /// Configuration file of the server, in TOML
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

impl HealthArgs {
    /// Asks, and prints the answer.
    ///
    /// # Errors
    /// Where nobody answers; the error says where it was asked.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let flags = Flags { http: self.http, config: self.config, ..Flags::default() };
        let config = match load(&flags, env::vars_os()) {
            Ok(config) => config,
            Err(error) => {
                eprintln!("{error}");
                return Ok(error.exit_code().into());
            }
        };
        let Some(address) = config.http.address() else {
            bail!("a server whose `http` is off cannot be asked");
        };
        let address = reachable(address);
        let page = if self.ready { "/readyz" } else { "/healthz" };
        let answer = ask(address, page).with_context(|| format!("no server answers at {address}"))?;
        let (head, said) = answer.split_once("\r\n\r\n").context("what answers is no Malpan server")?;
        println!("{}", said.trim());
        let well = head.starts_with("HTTP/1.1 200 ");
        Ok(if well { EXIT_DONE } else { EXIT_FAILED }.into())
    }
}

/// Whoever listens on every address is asked on this machine's own.
fn reachable(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        address.set_ip(if address.is_ipv4() { Ipv4Addr::LOCALHOST.into() } else { Ipv6Addr::LOCALHOST.into() });
    }
    address
}

fn ask(address: SocketAddr, page: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, STEP_WITHIN)?;
    stream.set_read_timeout(Some(STEP_WITHIN))?;
    stream.set_write_timeout(Some(STEP_WITHIN))?;
    write!(stream, "GET {page} HTTP/1.1\r\nHost: {address}\r\n\r\n")?;
    let mut answer = String::new();
    // The server closes each connection behind its answer.
    stream.take(ANSWER_BYTES).read_to_string(&mut answer)?;
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use super::reachable;

    #[test]
    fn who_listens_everywhere_is_asked_on_this_machine() {
        for (listens, asked) in [
            ("0.0.0.0:7780", "127.0.0.1:7780"),
            ("[::]:7780", "[::1]:7780"),
            ("127.0.0.1:1", "127.0.0.1:1"),
            ("192.0.2.7:1", "192.0.2.7:1"),
        ] {
            assert_eq!(reachable(listens.parse().unwrap()).to_string(), asked);
        }
    }
}
