//! Whether the server lives, and whether it takes players.

use crate::{Answer, Running, within};
use malpan_client::protocol::JoinTarget;
use std::time::Duration;
use tokio::net::TcpStream;

fn said(answer: &Answer) -> (u16, &str) {
    (answer.status, answer.body.as_str())
}

#[tokio::test]
async fn a_server_that_serves_lives_and_is_ready() {
    let server = Running::start(|_| {});
    let health = server.get("/healthz").await;
    assert_eq!(said(&health), (200, "ok\n"));
    assert_eq!(health.header("content-type"), Some("text/plain; charset=utf-8"));
    assert_eq!(said(&server.get("/readyz").await), (200, "ready\n"));
}

#[tokio::test]
async fn a_server_that_drains_lives_and_is_not_ready_until_it_ends() {
    // Far more time than the test has patience for: it ends because the last player leaves.
    let mut server = Running::start(|config| config.drain = Duration::from_secs(600));
    let mut player = server.guest("plays on").await;
    within(player.join(JoinTarget::Any)).await.unwrap();
    server.ask_to_stop();
    let draining = within(async {
        loop {
            let answer = server.get("/readyz").await;
            if answer.status != 200 {
                break answer;
            }
        }
    })
    .await;
    assert_eq!(said(&draining), (503, "draining\n"));
    assert_eq!(said(&server.get("/healthz").await), (200, "ok\n"), "it serves whoever plays on");
    assert!(server.get("/metrics").await.body.contains("\nmalpan_draining 1\n"));

    within(player.bye()).await.unwrap();
    within(&mut server.running).await.unwrap();
    assert!(TcpStream::connect(server.http).await.is_err(), "it ends with the server");
}

#[tokio::test]
async fn a_request_that_is_on_its_way_does_not_hold_the_end_up() {
    let mut server = Running::start(|config| config.drain = Duration::ZERO);
    let _silent = within(TcpStream::connect(server.http)).await.unwrap();
    server.ask_to_stop();
    within(&mut server.running).await.unwrap();
}

#[tokio::test]
async fn other_paths_and_methods_are_told_apart() {
    let server = Running::start(|_| {});
    for path in ["/", "/health", "/healthz/", "/metrics/x", "/%2e%2e/metrics"] {
        let answer = server.get(path).await;
        assert_eq!(said(&answer), (404, "there are /healthz, /readyz and /metrics\n"), "{path}");
    }
    for path in ["/healthz", "/readyz", "/metrics"] {
        let answer = server.ask("POST", path).await;
        assert_eq!((answer.status, answer.header("allow")), (405, Some("GET,HEAD")), "{path}");
        let (head, get) = (server.ask("HEAD", path).await, server.get(path).await);
        assert_eq!((head.status, head.body.as_str()), (200, ""), "{path}");
        assert_eq!(head.header("content-type"), get.header("content-type"), "{path}");
    }
}

#[tokio::test]
async fn a_server_without_http_has_no_address_for_it() {
    let config = malpan_server::config::Config {
        listen: vec!["127.0.0.1:0".parse().unwrap()],
        http: malpan_server::config::AddressOrOff::Off,
        store: malpan_server::store::StoreAddress::Memory,
        shards: 1,
        ..Default::default()
    };
    assert_eq!(malpan_server::Server::start(config).unwrap().http_address(), None);
}
