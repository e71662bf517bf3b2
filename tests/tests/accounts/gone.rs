//! Those who do not wait for their answers.

use crate::secret;
use malpan_client::Client;
use malpan_e2e::{TestServer, name};
use malpan_protocol::ClientPacket;
use malpan_server::config::Config;
use std::{num::NonZero, thread, time::Duration};
use tokio::time::{sleep, timeout};

/// Generous: a busy machine is many times slower.
const WITHIN: Duration = Duration::from_secs(60);
/// Fewer than the queue for a hash takes.
const WAITING: usize = 48;

/// Half a second and more, and so far longer than to see that someone has gone.
fn dear(config: &mut Config) {
    (config.accounts.argon2_memory_kib, config.accounts.argon2_iterations) = (8192, 100);
}

/// Waits until so many have names, be they signed in or on the way.
async fn until_named(server: &TestServer, count: usize) {
    timeout(WITHIN, async {
        while server.host().signed_in() != count {
            sleep(Duration::from_millis(5)).await;
        }
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn who_goes_while_a_password_waits_for_its_hash_leaves_its_place_to_others() {
    let server = TestServer::start(dear).unwrap();
    // As many as the server has for passwords.
    let threads = (thread::available_parallelism().map_or(1, NonZero::get) / 2).max(1);
    let mut clients = Vec::new();
    for _ in 0..threads + WAITING {
        clients.push(server.connect().await.unwrap());
    }
    for (index, client) in clients.iter_mut().enumerate() {
        register(client, index).await;
    }
    until_named(&server, threads + WAITING).await;
    drop(clients);
    // Not after as many hashes as there were people.
    until_named(&server, 0).await;
    let made = server.host().store().accounts(None, 1000).await.unwrap().len();
    assert!(made <= threads + WAITING / 2, "{made} were registered, though they had gone");
    // Theirs are not made any more: there is one hash before this one at most.
    let mut client = server.connect().await.unwrap();
    register(&mut client, 1000).await;
    timeout(WITHIN, client.next()).await.unwrap().unwrap();
    let all = server.host().store().accounts(None, 1000).await.unwrap().len();
    assert_eq!(all, made + 1);
}

async fn register(client: &mut Client, index: usize) {
    let packet = ClientPacket::Register { name: name(&format!("player {index}")), secret: secret("correct horse") };
    client.send(&packet).unwrap();
    client.flush().await.unwrap();
}
