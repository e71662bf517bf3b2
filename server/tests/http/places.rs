//! How many may ask at once.

use crate::{Running, answer, within};
use std::time::Duration;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

/// Connections that are served at once.
const PLACES: usize = 64;

#[tokio::test]
async fn whoever_finds_no_place_waits_for_one() {
    let server = Running::start(|_| {});
    let mut silent = Vec::new();
    for _ in 0..PLACES {
        silent.push(within(TcpStream::connect(server.http)).await.unwrap());
    }
    // The kernel takes the connection and the request; the server does not yet.
    let mut waits = within(TcpStream::connect(server.http)).await.unwrap();
    waits.write_all(b"GET /healthz HTTP/1.1\r\n\r\n").await.unwrap();
    let mut byte = [0];
    let early = timeout(Duration::from_millis(500), waits.read(&mut byte)).await;
    assert!(early.is_err(), "it was served although {PLACES} were there before: {early:?}");

    drop(silent.pop());
    let answer = answer(&mut waits).await;
    assert_eq!((answer.status, answer.body.as_str()), (200, "ok\n"));
}

#[tokio::test]
async fn the_silent_hold_up_neither_players_nor_who_asks() {
    let server = Running::start(|_| {});
    let mut silent = Vec::new();
    for _ in 1..PLACES {
        silent.push(within(TcpStream::connect(server.http)).await.unwrap());
    }
    server.guest("comes all the same").await;
    assert_eq!(server.get("/healthz").await.status, 200);
    // They are cut in time, each without a word.
    for mut stream in silent {
        assert_eq!(within(stream.read(&mut [0])).await.unwrap(), 0);
    }
}
