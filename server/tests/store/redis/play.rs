//! A whole server on a Redis that goes away, and a Redis that speaks TLS alone.

use super::{PATIENCE, server::Redis};
use malpan_client::{
    Client, ConnectOptions,
    protocol::{Direction, JoinTarget, Name, ServerPacket},
};
use malpan_server::{
    Server, Stop,
    config::{AddressOrOff, Config},
};
use std::{net::SocketAddr, path::Path, process::Command, time::Instant};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::{sleep, timeout},
};

async fn readyz(http: SocketAddr) -> String {
    let mut stream = TcpStream::connect(http).await.unwrap();
    stream.write_all(b"GET /readyz HTTP/1.1\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer.rsplit("\r\n").next().unwrap().trim_end().to_owned()
}

async fn until_readyz_says(http: SocketAddr, expected: &str) {
    let started = Instant::now();
    while readyz(http).await != expected {
        assert!(started.elapsed() < PATIENCE, "/readyz says {expected}");
        sleep(std::time::Duration::from_millis(20)).await;
    }
}

/// A step, and the server's word for it, whatever it says: it was played.
async fn plays(client: &mut Client) {
    client.step(Direction::Up).unwrap();
    client.flush().await.unwrap();
    loop {
        match timeout(PATIENCE, client.next()).await.expect("the room answers").unwrap() {
            ServerPacket::Updates { .. } | ServerPacket::Refused { .. } => return,
            _ => {}
        }
    }
}

#[tokio::test]
#[ignore = "needs redis-server"]
async fn players_play_on_while_it_is_away_and_the_server_is_ready_again_when_it_is_back() {
    let mut redis = Redis::start(&[]);
    let free = SocketAddr::from(([127, 0, 0, 1], 0));
    let config = Config {
        listen: vec![free],
        http: AddressOrOff::Address(free),
        store: redis.url("").parse().unwrap(),
        shards: 1,
        ..Config::default()
    };
    let server = Server::start(config).unwrap();
    let (address, http) = (server.addresses()[0].to_string(), server.http_address().unwrap());
    let running = tokio::spawn(server.run(std::future::pending::<Stop>()));
    until_readyz_says(http, "ready").await;
    let mut ann = Client::connect(&address, &ConnectOptions::default()).await.unwrap();
    ann.sign_in_guest(Name::new("Ann").unwrap()).await.unwrap();
    ann.join(JoinTarget::Any).await.unwrap();
    plays(&mut ann).await;

    redis.kill();
    until_readyz_says(http, "store").await;
    plays(&mut ann).await;
    redis.restart();
    until_readyz_says(http, "ready").await;
    plays(&mut ann).await;
    running.abort();
}

fn malpan_server(folder: &Path, roots: &Path, args: &[&str]) -> (String, i32) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_malpan-server"));
    let output = command.args(args).env_clear().env("SSL_CERT_FILE", roots).current_dir(folder).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (text(output.stdout) + &text(output.stderr), output.status.code().unwrap())
}

#[tokio::test]
#[ignore = "needs redis-server"]
async fn one_that_speaks_tls_is_spoken_to_where_its_certificate_is_good() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    for out in ["one", "another"] {
        let (said, code) = malpan_server(folder, folder, &["tls", "dev-cert", "--out", out]);
        assert_eq!(code, 0, "{said}");
    }
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string();
    let file = |name: &str| folder.join("one").join(name).to_str().unwrap().to_owned();
    let (cert, key, ca) = (file("cert.pem"), file("key.pem"), file("ca.pem"));
    let _redis = Redis::start(
        &[
            ["--tls-port", &port, "--tls-auth-clients", "no", "--tls-ca-cert-file", &ca].as_slice(),
            ["--tls-cert-file", &cert, "--tls-key-file", &key].as_slice(),
        ]
        .concat(),
    );
    let store = format!("rediss://127.0.0.1:{port}");
    let check = |roots: &str| malpan_server(folder, &folder.join(roots), &["store", "check", "--store", &store]);
    let (said, code) = check("one/ca.pem");
    assert_eq!((code, said.lines().last()), (0, Some("ok")), "{said}");
    let (said, code) = check("another/ca.pem");
    assert!(code == 1 && said.contains("ertificate"), "another's signature is not good: {said}");
}
