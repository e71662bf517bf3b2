//! Who comes back, and who does not.

use super::{GRACE, Running, SAVED, life, settled};
use malpan_client::ClientError;
use malpan_e2e::name;
use malpan_protocol::{ClientPacket, DenialCode, JoinTarget, KickReason, Resumption, Secret, ServerPacket};
use malpan_server::{
    config::Config,
    store::{Ban, MemoryStore, SecretHash, Store},
};
use std::{sync::Arc, time::Duration};
use tokio::time::sleep;

#[test]
fn who_was_in_no_room_comes_back_to_the_lobby_under_the_same_name() {
    let store = Arc::default();
    let (token, player) = life(async {
        let server = Running::start(&store);
        let mut ann = server.connect().await;
        let (player, _) = ann.sign_in_guest(name("Ann")).await.unwrap();
        sleep(SAVED).await;
        settled(&mut ann).await;
        (ann.token().unwrap().clone(), player)
    });
    let token = life(async {
        let server = Running::start(&store);
        let (mut ann, resumed) = server.resume(&token, None).await.unwrap();
        assert_eq!((resumed.player, resumed.name.as_str(), resumed.place), (player, "Ann", Resumption::Lobby));
        settled(&mut ann).await;
        // Whoever never heard the answer comes once more with the same token.
        let (mut again, _) = server.resume(&token, None).await.unwrap();
        let heard = settled(&mut again).await;
        assert_eq!(heard, []);
        let newer = again.token().unwrap().clone();
        again.join(JoinTarget::Any).await.unwrap();
        assert!(server.is_refused(&token).await, "the newer one was used");
        sleep(SAVED).await;
        newer
    });
    life(async {
        let server = Running::start(&store);
        let (_, joined, _) = server.come_back(&token, None).await;
        assert_eq!(joined.members.len(), 1);
    });
}

#[test]
fn tokens_that_are_worth_nothing_bring_nobody_back() {
    let store: Arc<MemoryStore> = Arc::default();
    let (used, left, expired) = life(async {
        let server = Running::start(&store);
        let mut tokens = Vec::new();
        for who in ["used", "left", "late"] {
            let mut client = server.guest(who).await;
            settled(&mut client).await;
            tokens.push((client.token().unwrap().clone(), client));
        }
        let mut tokens = tokens.into_iter();
        // One that was renewed, one whose owner has said goodbye, one that is good.
        let (used, client) = tokens.next().unwrap();
        drop(client);
        let (mut client, _) = server.resume(&used, None).await.unwrap();
        client.join(JoinTarget::Any).await.unwrap();
        let (left, client) = tokens.next().unwrap();
        client.bye().await.unwrap();
        let (late, _late) = tokens.next().unwrap();
        sleep(SAVED).await;
        assert_eq!(store.check().await.unwrap().tokens, 2);
        (used, left, late)
    });
    life(async {
        let server = Running::start(&store);
        assert!(server.is_refused(&used).await && server.is_refused(&left).await);
        sleep(GRACE).await;
        assert!(server.is_refused(&expired).await, "nobody is expected any more");
        server.guest("late").await;
    });
}

/// Right after the start tokens are looked up in the store, which hears of what is worth nothing a little later.
#[test]
fn after_a_goodbye_or_a_broken_rule_a_token_is_worth_nothing_before_the_store_knows() {
    let store: Arc<MemoryStore> = Arc::default();
    life(async {
        let server = Running::start(&store);
        for packet in [ClientPacket::Bye, ClientPacket::Join { target: JoinTarget::Any }] {
            let mut ann = server.guest("ann").await;
            ann.join(JoinTarget::Any).await.unwrap();
            sleep(SAVED).await;
            settled(&mut ann).await;
            let token = ann.token().unwrap().clone();
            assert_eq!(store.check().await.unwrap().tokens, 1);
            // The one leaves, the other is out of order: it is in a room already.
            ann.send(&packet).unwrap();
            ann.flush().await.unwrap();
            sleep(Duration::from_millis(1)).await;
            assert!(server.is_refused(&token).await, "after {packet:?}");
            assert_eq!(store.check().await.unwrap().tokens, 1, "the store does not know yet");
            assert_eq!((server.host.signed_in(), server.host.away()), (0, 0));
            sleep(SAVED).await;
            assert_eq!(store.check().await.unwrap().tokens, 0);
            assert!(server.is_refused(&token).await);
        }
    });
}

/// What an operator does while the server is down holds when it is up.
#[test]
fn an_account_that_was_banned_or_has_another_password_meanwhile_does_not_come_back_by_token() {
    let store: Arc<MemoryStore> = Arc::default();
    let (banned, changed, kept) = life(async {
        let server = Running::start_with(&store, super::cheap_passwords, super::standard);
        let mut tokens = Vec::new();
        for who in ["banned", "changed", "kept"] {
            let mut client = server.connect().await;
            client.register(name(who), Secret::new("correct horse").unwrap()).await.unwrap();
            client.join(JoinTarget::Any).await.unwrap();
            tokens.push((client.token().unwrap().clone(), client));
        }
        sleep(SAVED).await;
        let id = |who| {
            let store = &store;
            async move { store.account_named(&name(who)).await.unwrap().unwrap().id }
        };
        let ban = Ban { reason: "cheats".into(), since: 1 };
        assert!(store.set_ban(id("banned").await, Some(ban)).await.unwrap());
        assert!(store.set_secret(id("changed").await, SecretHash::new("$argon2id$")).await.unwrap());
        let mut tokens = tokens.into_iter().map(|(token, _)| token);
        (tokens.next().unwrap(), tokens.next().unwrap(), tokens.next().unwrap())
    });
    life(async {
        let server = Running::start_with(&store, super::cheap_passwords, super::standard);
        assert!(server.is_refused(&banned).await && server.is_refused(&changed).await);
        let (mut kept, joined, _) = server.come_back(&kept, None).await;
        assert_eq!(joined.members.len(), 3, "their seats are kept for the grace time");
        // With the password they come back as well, and whoever has the seat for them is given up.
        let mut again = server.connect().await;
        again.login(name("kept"), Secret::new("correct horse").unwrap()).await.unwrap();
        let heard = settled_to_the_end(&mut kept).await;
        assert_eq!(heard, Some(KickReason::SignedInElsewhere));
    });
}

#[test]
fn where_accounts_are_required_meanwhile_no_guest_comes_back_and_their_seats_are_free() {
    let store: Arc<MemoryStore> = Arc::default();
    let (seated, lobby, account) = life(async {
        let server = Running::start_with(&store, super::cheap_passwords, super::standard);
        let mut seated = server.guest("seated").await;
        seated.join(JoinTarget::Any).await.unwrap();
        let mut lobby = server.guest("lobby").await;
        settled(&mut lobby).await;
        let mut account = server.connect().await;
        account.register(name("account"), Secret::new("correct horse").unwrap()).await.unwrap();
        account.join(JoinTarget::Any).await.unwrap();
        sleep(SAVED).await;
        [seated, lobby, account].map(|client| client.token().unwrap().clone()).into()
    });
    life(async {
        let no_guests = |config: &mut Config| {
            super::cheap_passwords(config);
            config.accounts.require_login = true;
        };
        let server = Running::start_with(&store, no_guests, super::standard);
        assert!(server.is_refused(&seated).await && server.is_refused(&lobby).await);
        let (mut account, joined, _) = server.come_back(&account, None).await;
        let left = settled(&mut account).await;
        let gone = left.iter().filter(|packet| matches!(packet, ServerPacket::Left(_))).count();
        assert_eq!((joined.members.len() - gone, server.host.seats_taken()), (1, 1));
    });
}

async fn settled_to_the_end(client: &mut super::Connection) -> Option<KickReason> {
    loop {
        match client.next().await {
            Ok(ServerPacket::Kicked { reason }) => return Some(reason),
            Ok(_) => {}
            Err(_) => return None,
        }
    }
}

#[test]
fn while_the_store_is_away_at_the_start_nobody_is_let_in_and_nothing_is_lost() {
    let store: Arc<MemoryStore> = Arc::default();
    let token = life(async {
        let server = Running::start(&store);
        let mut ann = server.guest("ann").await;
        ann.join(JoinTarget::Any).await.unwrap();
        sleep(SAVED).await;
        ann.token().unwrap().clone()
    });
    life(async {
        store.be_away(true);
        let server = Running::start(&store);
        let busy = |error: ClientError| matches!(error, ClientError::Denied(denial) if denial.code == DenialCode::Busy);
        assert!(busy(server.resume(&token, None).await.unwrap_err()));
        let mut bob = server.connect().await;
        assert!(busy(bob.sign_in_guest(name("bob")).await.unwrap_err()));
        assert!(server.host.is_loading());
        sleep(2 * GRACE + SAVED / 2).await;
        // Sign-ins could be answered at once, but the rooms are looked for once a second.
        store.be_away(false);
        assert!(busy(server.resume(&token, None).await.unwrap_err()));
        sleep(SAVED).await;
        assert!(!server.host.is_loading());
        sleep(GRACE - SAVED).await;
        server.come_back(&token, None).await;
    });
}
