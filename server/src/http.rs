//! Health and metrics over HTTP, for whoever watches the server: `/healthz`, `/readyz` and `/metrics`.
//!
//! It runs beside the acceptors and not on a shard, so a scrape takes no time from the players, and whoever connects here
//! takes no player's place. A connection is for one request and is bounded in all it may use, so a client that is slow
//! or silent holds nothing up but its own place.

use crate::metrics::{CONTENT_TYPE, Sources};
use axum::{
    Router,
    extract::State,
    http::{StatusCode, header},
    response::IntoResponse,
    routing::get,
};
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use std::{convert::Infallible, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpListener,
    task::JoinSet,
    time::{sleep, timeout},
};

/// Connections at once; further ones wait in the kernel until one of these has ended.
pub(crate) const CONNECTIONS: usize = 64;
/// Time from the connection to the end of the request's headers.
const HEADERS_WITHIN: Duration = Duration::from_secs(5);
/// Time for the whole of a connection, for whoever does not take the answer.
const CONNECTION_WITHIN: Duration = Duration::from_secs(10);
/// Headers of a request.
const HEADERS: usize = 64;
/// Bytes of a request's headers; the least that hyper takes.
const HEADER_BYTES: usize = 8 * 1024;
/// The pause after an error of the listener, of which having no file descriptor left is the usual one.
const PAUSE: Duration = Duration::from_millis(100);

/// Answers requests on `listener` as long as it is polled.
pub(crate) async fn serve(listener: TcpListener, sources: Sources) -> Infallible {
    let pages = pages(sources);
    let mut connections = JoinSet::new();
    loop {
        // What a connection ended with concerns nobody; a panic has printed itself.
        while connections.try_join_next().is_some() {}
        if connections.len() >= CONNECTIONS {
            connections.join_next().await;
            continue;
        }
        match listener.accept().await {
            Ok((stream, _)) => drop(connections.spawn(answer(stream, pages.clone()))),
            Err(error) => {
                tracing::debug!(%error, "an HTTP connection could not be accepted");
                sleep(PAUSE).await;
            }
        }
    }
}

/// Answers one request, if one comes in time.
async fn answer(stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static, pages: Router) {
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADERS_WITHIN)
        .max_headers(HEADERS)
        .max_buf_size(HEADER_BYTES)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(pages));
    // Where it fails the client is gone, too slow or no HTTP client: there is nobody to tell.
    let _ = timeout(CONNECTION_WITHIN, connection).await;
}

fn pages(sources: Sources) -> Router {
    Router::new()
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
        .fallback(async || (StatusCode::NOT_FOUND, "there are /healthz, /readyz and /metrics\n"))
        .with_state(Arc::new(sources))
}

async fn readyz(State(sources): State<Arc<Sources>>) -> impl IntoResponse {
    match () {
        () if sources.is_draining() => (StatusCode::SERVICE_UNAVAILABLE, "draining\n"),
        () if sources.is_loading() => (StatusCode::SERVICE_UNAVAILABLE, "loading\n"),
        () if !sources.store_is_well() => (StatusCode::SERVICE_UNAVAILABLE, "store\n"),
        () => (StatusCode::OK, "ready\n"),
    }
}

async fn metrics(State(sources): State<Arc<Sources>>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, CONTENT_TYPE)], sources.page())
}

#[cfg(test)]
mod tests {
    use super::{CONNECTION_WITHIN, HEADER_BYTES, HEADERS_WITHIN, answer, pages};
    use crate::{
        accounts::Pool,
        config::Config,
        games::Games,
        host::{Host, password_cost},
        metrics::Sources,
        resume::TokenSource,
        server::admission_limits,
        store::MemoryStore,
    };
    use malpan_net::Admission;
    use std::{sync::Arc, time::Duration};
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex},
        time::{Instant, sleep, timeout},
    };

    /// A client's end of a connection whose buffers hold so many bytes.
    async fn connect(bytes: usize) -> DuplexStream {
        let config = Config::default();
        let admission = Admission::new(admission_limits(&config));
        let sources = Sources::new(Host::new(config), admission, Arc::default(), Arc::new([]));
        let (ours, theirs) = duplex(bytes);
        tokio::spawn(answer(theirs, pages(sources)));
        ours
    }

    async fn rest(stream: &mut DuplexStream) -> String {
        let mut answer = String::new();
        let end = stream.read_to_string(&mut answer);
        timeout(CONNECTION_WITHIN * 2, end).await.expect("the connection ends").unwrap();
        answer
    }

    #[tokio::test]
    async fn a_server_is_ready_while_its_store_answers() {
        let (config, store) = (Config::default(), Arc::new(MemoryStore::default()));
        let admission = Admission::new(admission_limits(&config));
        let games = Games::standard(&config.game);
        let pool = Pool::on_the_spot(password_cost(&config));
        let host = Host::on(config, games, Vec::new(), 1, TokenSource::system(), store.clone(), pool);
        let pages = pages(Sources::new(host.clone(), admission, Arc::default(), Arc::new([])));
        host.expect_load();
        for (away, answer) in [(true, "loading\n"), (false, "ready\n"), (true, "store\n"), (false, "ready\n")] {
            store.be_away(away);
            // Where the store is away, an error.
            let _ = host.load(&[]).await;
            let (mut ours, theirs) = duplex(1024);
            tokio::spawn(super::answer(theirs, pages.clone()));
            ours.write_all(b"GET /readyz HTTP/1.1\r\n\r\n").await.unwrap();
            let said = rest(&mut ours).await;
            assert!(said.ends_with(answer) && said.contains(" 503 ") == away, "{said}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn who_says_nothing_is_cut() {
        let connected = Instant::now();
        assert_eq!(rest(&mut connect(1024).await).await, "");
        assert_eq!(connected.elapsed().as_secs(), HEADERS_WITHIN.as_secs());
    }

    #[tokio::test(start_paused = true)]
    async fn who_goes_on_for_ever_is_cut() {
        let mut stream = connect(1024).await;
        let connected = Instant::now();
        stream.write_all(b"GET /healthz HTTP/1.1\r\n").await.unwrap();
        // Each line is in time, and the last one never comes. An error is the cut.
        while stream.write_all(b"x: y\r\n").await.is_ok() {
            sleep(Duration::from_secs(1)).await;
        }
        let late = connected.elapsed() - HEADERS_WITHIN;
        assert!(late <= Duration::from_secs(1), "{late:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn who_does_not_take_the_answer_is_cut() {
        let mut stream = connect(1024).await;
        let connected = Instant::now();
        stream.write_all(b"GET /metrics HTTP/1.1\r\n\r\n").await.unwrap();
        sleep(CONNECTION_WITHIN + Duration::from_millis(10)).await;
        let answer = rest(&mut stream).await;
        assert_eq!(answer.len(), 1024, "what was in the buffers, and nothing after it");
        assert!(connected.elapsed() < CONNECTION_WITHIN + Duration::from_secs(1));
    }

    #[tokio::test(start_paused = true)]
    async fn headers_are_bounded() {
        let mut stream = connect(HEADER_BYTES * 2).await;
        let long = format!("GET /healthz HTTP/1.1\r\nx: {}\r\n\r\n", "y".repeat(HEADER_BYTES));
        stream.write_all(long.as_bytes()).await.unwrap();
        assert!(rest(&mut stream).await.starts_with("HTTP/1.1 431 "));

        let mut stream = connect(HEADER_BYTES * 2).await;
        let many = format!("GET /healthz HTTP/1.1\r\n{}\r\n", "x: y\r\n".repeat(super::HEADERS + 1));
        stream.write_all(many.as_bytes()).await.unwrap();
        assert!(rest(&mut stream).await.starts_with("HTTP/1.1 431 "));
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_is_for_one_request() {
        let mut stream = connect(1024).await;
        stream.write_all(b"GET /healthz HTTP/1.1\r\n\r\nGET /healthz HTTP/1.1\r\n\r\n").await.unwrap();
        let answer = rest(&mut stream).await;
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.contains("connection: close"), "{answer}");
        assert_eq!(answer.matches("HTTP/1.1").count(), 1, "{answer}");
    }
}
