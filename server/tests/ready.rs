//! How the server's process begins: the ready line, and what it says where there is no port for it.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod running;

use malpan_client::{Client, ConnectOptions};
use running::{Running, within};
use std::net::{SocketAddr, TcpListener};
use tokio::net::TcpStream;

#[tokio::test]
async fn the_ready_line_names_every_address_with_its_real_port() {
    let server = Running::start(&["--listen", "127.0.0.1:0", "--listen", "127.0.0.1:0"]).await;
    let addresses = server.addresses();
    let [first, second] = addresses[..] else { panic!("{}", server.ready) };
    assert!(first.port() != 0 && second.port() != 0 && first != second);
    assert_eq!(server.ready, format!("ready listen=127.0.0.1:{},127.0.0.1:{}", first.port(), second.port()));
    // Whoever has read it can connect: it is true when it is printed.
    for address in addresses {
        within(Client::connect(&address.to_string(), &ConnectOptions::default())).await.unwrap();
    }
}

#[tokio::test]
async fn the_ready_line_names_http_with_its_real_port() {
    let server = Running::start(&["--listen", "127.0.0.1:0", "--http", "127.0.0.1:0"]).await;
    let http: SocketAddr = server.listed("http").parse().unwrap();
    assert_ne!(http.port(), 0);
    assert_eq!(server.ready, format!("ready listen={} http={http}", server.addresses()[0]));
    within(TcpStream::connect(http)).await.unwrap();
}

#[tokio::test]
async fn a_port_in_use_is_a_message_that_says_what_to_do() {
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = other.local_addr().unwrap().to_string();
    for flag in ["--listen", "--http"] {
        // The other address is free, and is not served all the same.
        let ended = Running::spawn(&["--listen", "127.0.0.1:0", flag, &taken]).end().await;
        assert_eq!((ended.code, ended.out), (Some(1), Vec::new()));
        let message = ended.log.lines().last().unwrap();
        let expected = format!(
            "malpan-server: cannot listen on {taken}: the port is in use; stop the other server or choose another port with {flag}"
        );
        assert!(message.starts_with(&expected), "{}", ended.log);
        assert_eq!(ended.log.lines().count(), 1, "{}", ended.log);
    }
}

#[tokio::test]
async fn an_address_of_another_machine_is_a_message_too() {
    // Kept free for documentation: no machine has it.
    let ended = Running::spawn(&["--listen", "192.0.2.1:0"]).end().await;
    assert_eq!((ended.code, ended.out), (Some(1), Vec::new()));
    assert!(ended.log.contains("cannot listen on 192.0.2.1:0: this machine has no such address"), "{}", ended.log);
}
