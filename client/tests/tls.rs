//! The programs over TLS, against the real server: who is trusted, and what is said where it does not work.

#![allow(clippy::unwrap_used, reason = "every function here is a test's")]

use assert_cmd::Command;
use malpan_client::{Client, ConnectOptions};
use malpan_e2e::{Certificates, PATIENCE, TestServer};
use std::{
    fs,
    io::{Read, Write},
    net::{SocketAddr, TcpListener},
    thread,
};
use tempfile::{TempDir, tempdir};

/// Runs `malpan` to its end, with this input. Returns its exit status, its output and its errors.
fn malpan(args: &[&str], input: &str) -> (i32, String, String) {
    end(Command::new(env!("CARGO_BIN_EXE_malpan")).args(args), input)
}

/// As [`malpan`], on a machine that trusts the certificates in this file.
fn malpan_where_one_trusts(ca: &str, args: &[&str], input: &str) -> (i32, String, String) {
    end(
        Command::new(env!("CARGO_BIN_EXE_malpan")).args(args).env("SSL_CERT_FILE", ca).env_remove("SSL_CERT_DIR"),
        input,
    )
}

fn end(command: &mut Command, input: &str) -> (i32, String, String) {
    let output = command.write_stdin(input).timeout(PATIENCE).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().expect("not killed"), text(output.stdout), text(output.stderr))
}

/// A server with TLS, and what it is trusted by.
fn server(
    certificates: impl FnOnce(&std::path::Path) -> std::io::Result<Certificates>,
) -> (TempDir, Certificates, TestServer) {
    let folder = tempdir().unwrap();
    let certificates = certificates(folder.path()).unwrap();
    let server = TestServer::start(|config| config.tls = certificates.config()).unwrap();
    (folder, certificates, server)
}

/// What `malpan play` says where it cannot.
fn failure(address: &str, flags: &[&str]) -> String {
    let (code, out, err) = malpan(&[&["play", address, "--name", "Ann", "--plain"], flags].concat(), "");
    assert_eq!((code, out.as_str()), (1, ""), "{err}");
    err
}

/// A server that answers whatever comes with these bytes, and closes.
fn answering(bytes: &'static [u8]) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            // Read, so that no reset overtakes the answer.
            let _ = stream.read(&mut [0; 1024]);
            let _ = stream.write_all(bytes);
        }
    });
    address
}

#[tokio::test(flavor = "multi_thread")]
async fn one_plays_over_tls_by_name_and_by_address() {
    let (_folder, certificates, server) = server(Certificates::write);
    let port = server.address().rsplit_once(':').unwrap().1.to_owned();
    for host in ["127.0.0.1", "localhost"] {
        let address = format!("{host}:{port}");
        let args = ["play", &address, "--name", "Ann", "--plain", "--tls", "--ca", &certificates.file("ca.pem")];
        let (code, out, err) = malpan(&args, "chat hello\nquit\n");
        assert_eq!((code, err.as_str()), (0, ""), "{out}");
        assert!(out.contains("Ann: hello"), "{out}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_bot_plays_over_tls() {
    let (_folder, certificates, server) = server(Certificates::write);
    let ca = certificates.file("ca.pem");
    let address = server.address();
    let flags = ["--players", "12", "--rate", "5", "--duration", "600ms", "--threads", "2", "--json", "-"];
    let (code, out, err) = malpan(&[&["bot", &address, "--tls", "--ca", &ca], &flags[..]].concat(), "");
    // 4: void, where the machine is too busy to keep the schedule.
    assert!(code == 0 || code == 4, "{err}");
    let json: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(json["players"]["connected"], 12, "{json:#}");
    assert_eq!((&json["players"]["lost"], &json["positions"]["missing"]), (&0.into(), &0.into()), "{json:#}");
    assert!(json["positions"]["delivered"].as_u64().unwrap() > 0, "{json:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_not_trusted_is_not_played_with() {
    let (_folder, _, server) = server(Certificates::write);
    let other = tempdir().unwrap();
    let other = Certificates::write(other.path()).map(|other| other.file("ca.pem")).map(|ca| (ca, other));
    let (ca, _kept) = other.unwrap();
    let said = failure(&server.address(), &["--tls", "--ca", &ca]);
    let expected = "the server's certificate is not signed by anyone trusted; give its CA with --ca";
    assert!(said.contains(expected), "{said}");
    // The bot counts it under a name of its own.
    let bot = ["bot", &server.address(), "--players", "1", "--tls", "--ca", &ca, "--json", "-"];
    let (code, out, _) = malpan(&bot, "");
    let json: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, &json["players"]["failed_by"]["unknown_issuer"]), (1, &1.into()), "{json:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_for_another_host_is_not_taken() {
    let folder = tempdir().unwrap();
    let certificates = Certificates::write(folder.path()).unwrap();
    // All of 127.0.0.0/8 is this machine; the certificate is for the first address of it.
    let server = TestServer::start(|config| {
        config.listen = vec!["127.0.0.2:0".parse().unwrap()];
        config.tls = certificates.config();
    });
    let said = failure(&server.unwrap().address(), &["--tls", "--ca", &certificates.file("ca.pem")]);
    assert!(said.contains("the server's certificate is not for 127.0.0.2"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_may_be_for_a_name_that_is_given() {
    let folder = tempdir().unwrap();
    let certificates = Certificates::write(folder.path()).unwrap();
    let server = TestServer::start(|config| {
        config.listen = vec!["127.0.0.2:0".parse().unwrap()];
        config.tls = certificates.config();
    });
    let (address, ca) = (server.as_ref().unwrap().address(), certificates.file("ca.pem"));
    let trusting = ["--tls", "--ca", &ca, "--tls-name"];
    let play = [&["play", &address, "--name", "Ann", "--plain"], &trusting[..], &["localhost"]].concat();
    let (code, out, err) = malpan(&play, "chat hello\nquit\n");
    assert!(code == 0 && out.contains("Ann: hello"), "{out}{err}");
    let bot = [&["bot", &address, "--players", "1", "--rate", "0", "--duration", "1s"], &trusting[..], &["localhost"]];
    let (code, out, err) = malpan(&bot.concat(), "");
    assert!(code == 0 || code == 4, "{out}{err}");
    let said = failure(&address, &[&trusting[..], &["game.example"]].concat());
    assert!(said.contains("the server's certificate is not for game.example"), "{said}");
    // And the library.
    let tls = certificates.trusted();
    let options = |name| ConnectOptions { tls: Some(tls.clone().named(name).unwrap()), ..ConnectOptions::default() };
    Client::connect(&address, &options("localhost")).await.unwrap();
    let other = Client::connect(&address, &options("game.example")).await.unwrap_err();
    assert_eq!(other.to_string(), "the server's certificate is not for game.example");
    for name in ["", "two words", "game.example:7777"] {
        let error = tls.clone().named(name).unwrap_err().to_string();
        assert_eq!(error, format!("{name} is no name that a certificate could be for"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_ca_one_trusts_whom_the_machine_trusts() {
    let (folder, certificates, server) = server(Certificates::write);
    let (address, ca) = (server.address(), certificates.file("ca.pem"));
    let play = ["play", &address, "--name", "Ann", "--plain", "--tls"];
    let (code, out, err) = malpan_where_one_trusts(&ca, &play, "chat hello\nquit\n");
    assert!(code == 0 && out.contains("Ann: hello"), "{out}{err}");
    let bot = ["bot", &address, "--players", "1", "--rate", "0", "--duration", "1s", "--tls"];
    let (code, out, err) = malpan_where_one_trusts(&ca, &bot, "");
    assert!(code == 0 || code == 4, "{out}{err}");
    let other = tempdir().unwrap();
    let others = Certificates::write(other.path()).unwrap().file("ca.pem");
    let (code, _, err) = malpan_where_one_trusts(&others, &play, "");
    assert!(code == 1 && err.contains("not signed by anyone trusted; give its CA with --ca"), "{err}");
    let nobody = folder.path().join("empty.pem");
    fs::write(&nobody, "").unwrap();
    let (code, _, err) = malpan_where_one_trusts(nobody.to_str().unwrap(), &play, "");
    assert!(code == 1 && err.contains("there is no certificate to trust on this machine"), "{err}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_certificate_is_not_taken() {
    let (_folder, certificates, server) = server(Certificates::expired);
    let said = failure(&server.address(), &["--tls", "--ca", &certificates.file("ca.pem")]);
    assert!(said.contains("the server's certificate has expired"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plain_client_is_told_that_the_port_speaks_tls() {
    let (_folder, _, server) = server(Certificates::write);
    let said = failure(&server.address(), &[]);
    assert!(said.contains("this port speaks TLS; connect with --tls"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_with_tls_is_told_that_the_port_speaks_none() {
    let folder = tempdir().unwrap();
    let ca = Certificates::write(folder.path()).unwrap().file("ca.pem");
    let server = TestServer::start(|_| {}).unwrap();
    let said = failure(&server.address(), &["--tls", "--ca", &ca]);
    let expected = "closed the connection: it does not speak TLS, or has no place";
    assert!(said.contains(&format!("the server at {} {expected}", server.address())), "{said}");
    // Not every server hangs up without a word.
    let other = answering(b"220 who are you?\r\n").to_string();
    let said = failure(&other, &["--tls", "--ca", &ca]);
    assert!(said.contains(&format!("the server at {other} does not speak TLS")), "{said}");
}

#[test]
fn an_alert_of_any_server_says_what_is_missing() {
    let said = failure(&answering(&[0x15, 0x03, 0x03, 0, 2, 2, 10]).to_string(), &[]);
    assert!(said.contains("the server speaks TLS; use --tls"), "{said}");
}

#[test]
fn a_ca_or_a_name_without_tls_is_a_usage_error_and_one_that_is_none_is_named() {
    let trusted = tempdir().unwrap();
    let ca = Certificates::write(trusted.path()).unwrap().file("ca.pem");
    for program in [&["play", "--plain"][..], &["bot"]] {
        for flag in [["--ca", "ca.pem"], ["--tls-name", "localhost"]] {
            let (code, _, err) = malpan(&[program, &flag].concat(), "");
            assert!(code == 2 && err.contains("--tls"), "{err}");
        }
        let (code, _, err) =
            malpan_where_one_trusts(&ca, &[program, &["--tls", "--tls-name", "two words"]].concat(), "");
        assert!(code == 1 && err.contains("--tls-name: two words is no name that"), "{err}");
        let (code, _, err) = malpan(&[program, &["--tls", "--ca", "absent.pem"]].concat(), "");
        assert!(code == 1 && err.contains("cannot read absent.pem"), "{err}");
    }
    let folder = tempdir().unwrap();
    let key = Certificates::write(folder.path()).unwrap().file("key.pem");
    let (code, _, err) = malpan(&["play", "--plain", "--tls", "--ca", &key], "");
    assert!(code == 1 && err.contains(&format!("--ca {key}: there is no certificate to trust in it")), "{err}");
}
