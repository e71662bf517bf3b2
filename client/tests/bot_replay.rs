//! Recording a run and sending it again: what reached the server the second time is what reached it the first time.

#![allow(clippy::unwrap_used, reason = "every function here is a test's")]

mod running_bot;

use bytes::BytesMut;
use malpan_client::protocol::{ClientPacket, ServerCodec};
use malpan_e2e::TestServer;
use running_bot::{assert_done, bot, count};
use std::{
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use tokio_util::codec::Decoder;

/// Stands before a server and keeps what clients send it, connection by connection.
struct Wiretap {
    address: String,
    heard: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Wiretap {
    async fn before(server: &TestServer) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let (upstream, notes) = (server.address(), Arc::clone(&heard));
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let index = {
                    let mut notes = notes.lock().unwrap();
                    notes.push(Vec::new());
                    notes.len() - 1
                };
                tokio::spawn(listen_in(client, upstream.clone(), Arc::clone(&notes), index));
            }
        });
        Self { address, heard }
    }

    /// What was said on each connection, as lines that are the same for the same run; sorted, since connections of several
    /// threads have no order.
    fn said(&self) -> Vec<Vec<String>> {
        let mut said: Vec<Vec<String>> = self.heard.lock().unwrap().iter().map(|bytes| told(bytes)).collect();
        said.sort();
        said
    }
}

async fn listen_in(client: TcpStream, upstream: String, notes: Arc<Mutex<Vec<Vec<u8>>>>, index: usize) {
    let server = TcpStream::connect(upstream).await.unwrap();
    for stream in [&client, &server] {
        stream.set_nodelay(true).unwrap();
    }
    let ((mut from_client, mut to_client), (mut from_server, mut to_server)) =
        (client.into_split(), server.into_split());
    tokio::spawn(async move {
        let _ = tokio::io::copy(&mut from_server, &mut to_client).await;
        let _ = to_client.shutdown().await;
    });
    let mut buffer = [0; 4096];
    while let Ok(read @ 1..) = from_client.read(&mut buffer).await {
        notes.lock().unwrap()[index].extend_from_slice(&buffer[..read]);
        if to_server.write_all(&buffer[..read]).await.is_err() {
            break;
        }
    }
    let _ = to_server.shutdown().await;
}

/// Frames as lines: without pongs, tokens, and what is another in each run of names and rooms.
fn told(bytes: &[u8]) -> Vec<String> {
    let (mut bytes, mut codec, mut lines) = (BytesMut::from(bytes), ServerCodec::new(), Vec::new());
    while let Some(packet) = codec.decode(&mut bytes).unwrap() {
        let own = |name: &str| name.rsplit('-').next().unwrap().to_owned();
        lines.push(match packet {
            ClientPacket::Pong { .. } => continue,
            ClientPacket::Guest { name } => format!("guest {}", own(name.as_str())),
            ClientPacket::Register { name, .. } => format!("register {}", own(name.as_str())),
            ClientPacket::Login { name, .. } => format!("login {}", own(name.as_str())),
            ClientPacket::Resume { seen, .. } => format!("resume {}", seen.is_some()),
            packet => format!("{packet:?}"),
        });
    }
    assert!(bytes.is_empty(), "half a frame is left");
    lines
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replay_sends_what_was_sent() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("run.rec");
    let file = file.to_str().unwrap();
    let start = || TestServer::start(|config| config.limits.resume_grace = Duration::from_secs(30)).unwrap();

    let first = start();
    let wire = Wiretap::before(&first).await;
    let mix = ["--scenario", "walk:12,chat:6@2,arena:4,resume:4@1,churn:3@1,login:2@1", "--duration", "3s"];
    let (code, json, stderr) = bot(&wire.address, &[&mix[..], &["--record", file]].concat()).await;
    assert_done(code, &json);
    assert!(stderr.contains("recorded "), "{stderr}");
    first.stop().await;
    let recorded = wire.said();
    assert_eq!(count(&json, "record.connections"), recorded.len() as u64);
    assert_eq!(count(&json, "record.bytes"), std::fs::metadata(file).unwrap().len());
    let resumes = recorded.iter().flatten().filter(|line| line.starts_with("resume")).count();
    assert!(resumes == 12 && recorded.iter().flatten().any(|line| line.starts_with("register")), "{resumes}");

    let second = start();
    let wire = Wiretap::before(&second).await;
    let (code, json, stderr) = bot(&wire.address, &["--replay", file]).await;
    assert_done(code, &json);
    second.stop().await;
    let replayed = wire.said();
    assert_eq!(replayed.len(), recorded.len());
    for (replayed, recorded) in replayed.iter().zip(&recorded) {
        assert_eq!(replayed, recorded);
    }
    let frames = recorded.iter().flatten().count() as u64;
    assert_eq!((count(&json, "replay.frames.due"), count(&json, "replay.frames.sent")), (frames, frames), "{json:#}");
    assert_eq!(json["replay"]["recording"]["whole"], true);
    assert_eq!(count(&json, "players.asked"), recorded.len() as u64);
    assert_eq!(
        (count(&json, "players.connected"), count(&json, "players.lost")),
        (recorded.len() as u64, 0),
        "{json:#}"
    );
    // Every resume brought somebody back, and nothing was denied that was not then.
    assert_eq!(count(&json, "replay.frames.without_token"), 0);
    assert_eq!(count(&json, "replay.received.frames_by.resumed"), resumes as u64, "{json:#}");
    let mut denied = json["players"]["denied_by"].clone();
    // Who says goodbye before a slower server has made the account, as a replay does, has none to sign in to.
    denied.as_object_mut().unwrap().remove("wrong_credentials");
    assert_eq!(denied, json["replay"]["recording"]["received"]["denied_by"], "{json:#}");
    let messages = |name: &str| count(&json["scenarios"][0], &format!("messages.{name}"));
    assert!(messages("sent") > 200 && messages("unanswered") == 0, "{json:#}");
    assert_eq!((messages("due"), messages("acked") + messages("refused")), (messages("sent"), messages("sent")));
    assert!(stderr.contains("recorded  replayed"), "the table goes to stderr: {stderr}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everyone_says_goodbye_however_many_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("run.rec");
    let file = file.to_str().unwrap();
    let server = TestServer::start(|_| {}).unwrap();
    let (code, json, _) =
        bot(&server.address(), &["--scenario", "idle:300", "--duration", "100ms", "--record", file]).await;
    assert_done(code, &json);
    let (code, json, _) = bot(&server.address(), &["--replay", file]).await;
    assert_done(code, &json);
    // Hello, guest, join and goodbye of each; and a full socket would have voided the replay.
    assert_eq!((count(&json, "replay.frames.due"), count(&json, "replay.frames.sent")), (1_200, 1_200), "{json:#}");
    // That they come is said before the recorded window; that they go is after it.
    let measured = count(&json, "slip_ms.count");
    assert!((1..=300).contains(&measured), "{measured}");
    assert_eq!(count(&json, "players.connected"), 300);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_players_are_as_hostile_again() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("run.rec");
    let file = file.to_str().unwrap();
    let mix = ["--scenario", "walk:10,garbage:2,reset:2,stalled:1,flood:1", "--duration", "2s"];
    let server = TestServer::start(|_| {}).unwrap();
    let (_, json, _) = bot(&server.address(), &[&mix[..], &["--record", file]].concat()).await;
    server.stop().await;
    let attempts: u64 = (1..=4).map(|part| count(&json["scenarios"][part], "attack.connected")).sum();
    assert_eq!(count(&json, "record.connections"), attempts + 10, "{json:#}");

    let server = TestServer::start(|_| {}).unwrap();
    let (_, json, _) = bot(&server.address(), &["--replay", file]).await;
    assert_eq!(count(&json, "players.connected"), attempts + 10, "{json:#}");
    // The walkers were spared, and the attackers were not.
    assert_eq!(count(&json, "players.lost"), 0, "{json:#}");
    assert!(count(&json, "players.denied_by.malformed") > 0, "{json:#}");
    assert!(count(&json, "replay.received.frames_by.kicked") > 0, "{json:#}");
    server.stop().await;

    // An address for documentation: nobody is there, and nothing is sent.
    let (code, _, stderr) = bot("192.0.2.1:7777", &["--replay", file]).await;
    assert!(code == 1 && stderr.contains("--i-own-this-server"), "{code}: {stderr}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_recording_that_was_cut_off_is_replayed_as_far_as_it_goes() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("run.rec");
    let server = TestServer::start(|_| {}).unwrap();
    let flags = ["--players", "5", "--duration", "500ms", "--record", file.to_str().unwrap()];
    let (code, json, _) = bot(&server.address(), &flags).await;
    assert_done(code, &json);
    let bytes = std::fs::read(&file).unwrap();
    std::fs::write(&file, &bytes[..bytes.len() * 3 / 4]).unwrap();
    let (code, json, stderr) = bot(&server.address(), &["--replay", file.to_str().unwrap()]).await;
    assert_done(code, &json);
    assert!(stderr.contains("was cut off"), "{stderr}");
    assert_eq!(json["replay"]["recording"]["whole"], false);
    assert_eq!(count(&json, "players.connected"), 5);
    assert!(count(&json, "replay.frames.due") > 15, "{json:#}");
    assert_eq!(count(&json, "replay.frames.due"), count(&json, "replay.frames.sent"), "{json:#}");
    // A condition on what only a replay has.
    let limit = ["--replay", file.to_str().unwrap(), "--limit", "connected=5,failed=0,replay.frames.sent>15"];
    let (code, json, _) = bot(&server.address(), &limit).await;
    assert_done(code, &json);
    let fails = ["--replay", file.to_str().unwrap(), "--fail-if", "p99>=0"];
    let (code, json, _) = bot(&server.address(), &fails).await;
    assert!(code == 3 || code == 4 && json["void"] == true, "{code}: {json:#}");
    server.stop().await;
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bot_that_is_killed_leaves_a_recording_behind() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("run.rec");
    let server = TestServer::start(|_| {}).unwrap();
    let mut running = tokio::process::Command::new(env!("CARGO_BIN_EXE_malpan"))
        .args(["bot", &server.address(), "--players", "10", "--duration", "10m", "--record", file.to_str().unwrap()])
        .stderr(std::process::Stdio::piped())
        .stdout(std::process::Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    // It says when players move.
    let mut said = String::new();
    while !said.contains(" sent, ") || said.contains(" 0 sent, ") && said.matches(" sent, ").count() < 2 {
        said.push(running.stderr.as_mut().unwrap().read_u8().await.unwrap().into());
    }
    running.kill().await.unwrap();
    let (code, json, stderr) = bot(&server.address(), &["--replay", file.to_str().unwrap()]).await;
    assert_done(code, &json);
    assert!(stderr.contains("was cut off"), "{stderr}");
    assert_eq!((count(&json, "players.connected"), count(&json, "players.lost")), (10, 0), "{json:#}");
    assert!(count(&json["scenarios"][0], "messages.sent") > 0, "{json:#}");
    server.stop().await;
}

#[tokio::test]
async fn what_cannot_be_recorded_or_replayed_is_told_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    // Nobody is there; it must not even be asked.
    let nowhere = "127.0.0.1:1";
    let told = async |flags: &[&str]| {
        let (code, _, stderr) = bot(nowhere, flags).await;
        (code, stderr)
    };
    let (code, stderr) = told(&["--record", &path("no/such/folder")]).await;
    assert!(code == 1 && stderr.contains("cannot write --record"), "{code}: {stderr}");
    let (code, stderr) = told(&["--replay", &path("nothing")]).await;
    assert!(code == 1 && stderr.contains("cannot replay"), "{code}: {stderr}");
    std::fs::write(path("foreign"), "{}").unwrap();
    let (code, stderr) = told(&["--replay", &path("foreign")]).await;
    assert!(code == 1 && stderr.contains("no recording of malpan bot"), "{code}: {stderr}");
    assert!(Path::new(&path("foreign")).metadata().unwrap().len() == 2, "it is only read");
    for others in [
        &["--scenario", "walk"][..],
        &["--players", "1"],
        &["--rate", "1"],
        &["--duration", "1s"],
        &["--seed", "1"],
        &["--find-capacity"],
        &["--record", "x"],
    ] {
        let (code, stderr) = told(&[&["--replay", "x"], others].concat()).await;
        assert!(code == 2, "{others:?}: {code}: {stderr}");
    }
    let (code, stderr) = told(&["--record", "x", "--find-capacity"]).await;
    assert!(code == 2, "{code}: {stderr}");
}

#[tokio::test]
async fn a_replay_to_nobody_is_a_failed_run() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("run.rec");
    let server = TestServer::start(|_| {}).unwrap();
    let flags = ["--players", "3", "--duration", "100ms", "--record", file.to_str().unwrap()];
    let (code, json, _) = bot(&server.address(), &flags).await;
    assert_done(code, &json);
    let address = server.address();
    server.stop().await;
    let (code, _, stderr) = bot(&address, &["--replay", file.to_str().unwrap()]).await;
    assert!(code == 1 && stderr.contains("no connection could be opened"), "{code}: {stderr}");
}
