//! Two servers on one store: what is done to an account through the one, or to the store alone, holds at the other.

use super::{Connection, Running, SAVED, cheap_passwords, life, settled, standard};
use malpan_client::ClientError;
use malpan_e2e::name;
use malpan_protocol::{ClientPacket, KickReason, PlayerId, Secret, ServerPacket};
use malpan_server::store::{Ban, MemoryStore, SecretHash, Store};
use std::{sync::Arc, time::Duration};
use tokio::time::{sleep, timeout};

/// Within this each server has looked at the accounts of everyone who is signed in to it, where they are few.
const LOOKED: Duration = Duration::from_secs(11);

/// What an operator does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Change {
    Ban,
    Delete,
    Passwd,
}

impl Change {
    const ALL: [Self; 3] = [Self::Ban, Self::Delete, Self::Passwd];

    async fn make(self, store: &MemoryStore, account: PlayerId) {
        let done = match self {
            Self::Ban => store.set_ban(account, Some(Ban { reason: "cheats".into(), since: 1 })).await,
            Self::Delete => store.delete_account(account).await,
            Self::Passwd => store.set_secret(account, SecretHash::new("$argon2id$another")).await,
        };
        assert!(done.unwrap());
    }
}

fn server(store: &Arc<MemoryStore>) -> Running {
    Running::start_with(store, cheap_passwords, standard)
}

fn secret() -> Secret {
    Secret::new("correct horse").unwrap()
}

/// Registered at the one server and signed in at the other.
async fn player(registers: &Running, plays: &Running, who: &str) -> (Connection, PlayerId) {
    let mut first = registers.connect().await;
    first.register(name(who), secret()).await.unwrap();
    first.bye().await.unwrap();
    let mut client = plays.connect().await;
    let (number, _) = client.login(name(who), secret()).await.unwrap();
    settled(&mut client).await;
    (client, number)
}

#[test]
fn nobody_comes_back_to_an_account_that_was_changed_elsewhere() {
    for change in Change::ALL {
        let store: Arc<MemoryStore> = Arc::default();
        life(async {
            let (one, other) = (server(&store), server(&store));
            let (ann, anns_number) = player(&one, &other, "Ann").await;
            let (bob, bobs_number) = player(&one, &other, "Bob").await;
            let (carol, carols_number) = player(&one, &other, "Carol").await;
            let [anns, bobs, carols] = [&ann, &bob, &carol].map(|client| client.token().unwrap().clone());
            // The one is away, the other there still.
            drop(ann);
            sleep(Duration::from_millis(10)).await;
            assert_eq!(other.host.away(), 1);
            change.make(&store, anns_number).await;
            change.make(&store, bobs_number).await;
            assert!(other.is_refused(&anns).await && other.is_refused(&bobs).await, "{change:?}");
            sleep(Duration::from_millis(10)).await;
            assert_eq!((other.host.signed_in(), other.host.away()), (1, 0), "{change:?}");
            drop((bob, carol));
            let (_carol, resumed) = other.resume(&carols, None).await.unwrap();
            assert_eq!(resumed.player, carols_number, "nothing was done to her");
        });
    }
}

#[test]
fn whoever_is_signed_in_to_an_account_that_was_changed_elsewhere_is_found_before_long() {
    for change in Change::ALL {
        let store: Arc<MemoryStore> = Arc::default();
        life(async {
            let (one, other) = (server(&store), server(&store));
            let (mut ann, number) = player(&one, &other, "Ann").await;
            let (mut bob, _) = player(&one, &other, "Bob").await;
            let token = ann.token().unwrap().clone();
            change.make(&store, number).await;
            sleep(LOOKED).await;
            assert!(other.is_refused(&token).await, "{change:?}");
            let expected = match change {
                Change::Ban => KickReason::Banned,
                Change::Delete => KickReason::AccountDeleted,
                Change::Passwd => {
                    ann.send(&ClientPacket::Ping { nonce: 7 }).unwrap();
                    let heard = settled(&mut ann).await;
                    assert!(heard.contains(&ServerPacket::Pong { nonce: 7 }), "she plays on: {heard:?}");
                    return;
                }
            };
            assert_eq!(kicked(&mut ann).await, Some(expected));
            settled(&mut bob).await;
            assert_eq!(other.host.signed_in(), 1);
        });
    }
}

/// Why they were sent away; nothing where they are still there after a while.
async fn kicked(client: &mut Connection) -> Option<KickReason> {
    let told = async {
        loop {
            match client.next().await {
                Ok(ServerPacket::Kicked { reason }) => return Some(reason),
                Ok(_) => {}
                Err(ClientError::Closed) => return None,
                Err(error) => panic!("{error:?}"),
            }
        }
    };
    timeout(LOOKED, told).await.unwrap_or_default()
}

/// They are looked at a hundred and more at a time.
#[test]
fn of_many_who_are_signed_in_the_last_is_found_as_well() {
    let store: Arc<MemoryStore> = Arc::default();
    life(async {
        let (one, other) = (server(&store), server(&store));
        let mut players = Vec::new();
        for number in 0..300 {
            let mut client = other.connect().await;
            client.register(name(&format!("player {number}")), secret()).await.unwrap();
            players.push(client);
        }
        let account = store.account_named(&name("player 299")).await.unwrap().unwrap();
        Change::Ban.make(&store, account.id).await;
        sleep(LOOKED + Duration::from_secs(3)).await;
        assert_eq!(kicked(players.last_mut().unwrap()).await, Some(KickReason::Banned));
        assert_eq!((one.host.signed_in(), other.host.signed_in()), (0, 299));
    });
}

/// A token that was given before the ban is written after it.
#[test]
fn a_ban_holds_against_a_token_that_the_store_has_not_yet() {
    let store: Arc<MemoryStore> = Arc::default();
    let token = life(async {
        let (one, other) = (server(&store), server(&store));
        let (ann, number) = player(&one, &other, "Ann").await;
        sleep(SAVED).await;
        let (ann, _) = other.resume(ann.token().unwrap(), None).await.unwrap();
        Change::Ban.make(&store, number).await;
        // The server is killed before it looks.
        sleep(SAVED).await;
        assert_eq!(other.host.unsaved(), 0);
        ann.token().unwrap().clone()
    });
    life(async {
        assert!(server(&store).is_refused(&token).await);
    });
}

#[test]
fn while_the_store_is_away_the_owners_of_accounts_come_back_as_guests_do() {
    let store: Arc<MemoryStore> = Arc::default();
    life(async {
        let (one, other) = (server(&store), server(&store));
        let (ann, number) = player(&one, &other, "Ann").await;
        store.be_away(true);
        sleep(LOOKED).await;
        let (mut ann, resumed) = other.resume(ann.token().unwrap(), None).await.unwrap();
        assert_eq!(resumed.player, number);
        settled(&mut ann).await;
        store.be_away(false);
        Change::Ban.make(&store, number).await;
        sleep(LOOKED).await;
        assert_eq!(kicked(&mut ann).await, Some(KickReason::Banned), "it is looked for again");
    });
}
