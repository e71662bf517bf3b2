//! The same over real sockets, with the real pool of threads.

use crate::{cheap, code, secret};
use malpan_e2e::{TestServer, name};
use malpan_protocol::{ClientPacket, DenialCode, ServerPacket};
use malpan_server::config::Config;
use std::time::Duration;
use tokio::time::timeout;

/// Generous: a busy machine is many times slower.
const WITHIN: Duration = Duration::from_secs(60);

#[tokio::test]
async fn many_sign_in_at_once_and_each_is_answered() {
    let server = TestServer::start(cheap).unwrap();
    let mut tasks = tokio::task::JoinSet::new();
    for index in 0..40 {
        let mut client = server.connect().await.unwrap();
        tasks.spawn(async move {
            let who = name(&format!("player {}", index % 20));
            // Of two who want the same name one gets it, and the other is told so.
            client.register(who, secret("correct horse")).await.map(|_| client)
        });
    }
    let answers = timeout(WITHIN, tasks.join_all()).await.unwrap();
    let (signed_in, refused): (Vec<_>, Vec<_>) = answers.into_iter().partition(Result::is_ok);
    assert_eq!((signed_in.len(), refused.len(), server.host().signed_in()), (20, 20, 20));
    assert!(refused.into_iter().all(|answer| code(answer) == DenialCode::NameTaken));
}

/// The hash is made on a thread of its own: whoever waits for one is written to.
#[tokio::test]
async fn who_plays_is_answered_while_others_sign_in() {
    let slow =
        |config: &mut Config| (config.accounts.argon2_memory_kib, config.accounts.argon2_iterations) = (1024, 100);
    let server = TestServer::start(slow).unwrap();
    let mut player = server.guest("player").await.unwrap();
    let mut slow = server.connect().await.unwrap();
    let signing_in =
        tokio::spawn(async move { slow.register(name("slow"), secret("correct horse")).await.map(|_| slow) });
    for nonce in 0..3 {
        player.send(&ClientPacket::Ping { nonce }).unwrap();
        let answer = timeout(WITHIN, player.next()).await.unwrap().unwrap();
        assert_eq!(answer, ServerPacket::Pong { nonce });
    }
    timeout(WITHIN, signing_in).await.unwrap().unwrap().unwrap();
}
