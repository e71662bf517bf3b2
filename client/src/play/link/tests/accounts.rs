//! Accounts: signing in to them, coming back to them, and being sent away from them.

use super::{denied, name, next, online, start, telephone, token, welcome};
use crate::play::{
    identity::Identity,
    link::{Command, Link, LinkEvent, Problem, Start},
    testing::{Calls, Peer},
};
use malpan_client::protocol::{
    ClientPacket, DenialCode, KickReason, PlayerId, Resumed, Resumption, Secret, ServerPacket,
};
use std::time::Duration;
use tokio::{io::DuplexStream, time::timeout};

fn secret() -> Secret {
    Secret::new("correct horse").unwrap()
}

fn login() -> Identity {
    Identity::Login { name: name("Ann"), secret: secret() }
}

fn login_packet() -> ClientPacket {
    ClientPacket::Login { name: name("Ann"), secret: secret() }
}

/// The next connection after its hello.
async fn greeted(calls: &mut Calls) -> Peer<DuplexStream> {
    let mut peer = calls.accept().await;
    assert!(matches!(peer.next().await, Some(ClientPacket::Hello { .. })));
    peer.send(ServerPacket::Welcome(welcome())).await;
    peer
}

/// Takes a sign-in of this kind; gives the token, if any.
async fn sign_in(calls: &mut Calls, packet: ClientPacket) -> Peer<DuplexStream> {
    let mut peer = greeted(calls).await;
    assert_eq!(peer.next().await, Some(packet));
    peer.send(ServerPacket::SignedIn { player: PlayerId(1), name: name("Ann") }).await;
    peer
}

async fn refuse(calls: &mut Calls, code: DenialCode) {
    let mut peer = greeted(calls).await;
    peer.next().await;
    peer.send(denied(code)).await;
}

async fn is_lost(link: &mut Link) {
    let event = next(link).await;
    assert!(matches!(event, LinkEvent::Offline { .. }), "{event:?}");
}

#[tokio::test(start_paused = true)]
async fn an_account_is_made_once_and_signed_in_to_when_no_token_brings_it_back() {
    let (dial, mut calls) = telephone();
    let identity = Identity::Register { name: name("Ann"), secret: secret() };
    let mut link = Link::spawn(dial, identity, Start::AtOnce);
    let register = ClientPacket::Register { name: name("Ann"), secret: secret() };
    let mut peer = sign_in(&mut calls, register).await;
    peer.send(ServerPacket::Token { token: token(1) }).await;
    peer.send(ServerPacket::Draining { seconds: 1 }).await;
    assert_eq!(next(&mut link).await, online("Ann"));
    assert!(matches!(next(&mut link).await, LinkEvent::Packet(_)), "and the token before it");
    drop(peer);
    is_lost(&mut link).await;

    // The token first.
    let mut peer = greeted(&mut calls).await;
    assert_eq!(peer.next().await, Some(ClientPacket::Resume { token: token(1), seen: None }));
    let place = Resumption::Lobby;
    peer.send(ServerPacket::Token { token: token(2) }).await;
    peer.send(ServerPacket::Resumed(Resumed { player: PlayerId(1), name: name("Ann"), place })).await;
    assert!(matches!(next(&mut link).await, LinkEvent::Back { .. }));
    drop(peer);
    is_lost(&mut link).await;

    // And the password where the server has forgotten it.
    let mut peer = greeted(&mut calls).await;
    peer.next().await;
    peer.send(denied(DenialCode::ResumeRefused)).await;
    assert_eq!(peer.next().await, Some(login_packet()), "the same name is not registered again");
    peer.send(ServerPacket::SignedIn { player: PlayerId(1), name: name("Ann") }).await;
    assert_eq!(next(&mut link).await, online("Ann"));
}

#[tokio::test(start_paused = true)]
async fn whoever_was_sent_away_for_good_stays_away_and_is_told_why() {
    for (reason, said) in [
        (KickReason::SignedInElsewhere, "you have signed in from elsewhere"),
        (KickReason::Banned, "the operator has banned this account"),
        (KickReason::AccountDeleted, "the operator has deleted this account"),
    ] {
        let (dial, mut calls) = telephone();
        let mut link = Link::spawn(dial, login(), Start::Ask);
        assert!(matches!(next(&mut link).await, LinkEvent::SignInAsked { .. }));
        link.send(Command::SignIn(login()));
        let mut peer = sign_in(&mut calls, login_packet()).await;
        peer.send(ServerPacket::Kicked { reason }).await;
        drop(peer);
        assert_eq!(next(&mut link).await, online("Ann"));
        assert_eq!(next(&mut link).await, LinkEvent::Packet(ServerPacket::Kicked { reason }));
        assert_eq!(next(&mut link).await, LinkEvent::Failed { why: said.into(), unreachable: false });
        assert_eq!(link.next().await, None, "nobody comes back");
    }
}

#[tokio::test(start_paused = true)]
async fn a_password_that_has_changed_meanwhile_is_not_tried_for_ever() {
    let (dial, mut calls) = telephone();
    let mut link = Link::spawn(dial, login(), Start::AtOnce);
    drop(sign_in(&mut calls, login_packet()).await);
    assert_eq!(next(&mut link).await, online("Ann"));
    is_lost(&mut link).await;
    refuse(&mut calls, DenialCode::Busy).await;
    is_lost(&mut link).await;
    refuse(&mut calls, DenialCode::WrongCredentials).await;
    let failed = LinkEvent::Failed { why: "wrong name or password".into(), unreachable: false };
    assert_eq!(next(&mut link).await, failed);
}

#[tokio::test(start_paused = true)]
async fn without_anyone_to_ask_a_refusal_at_first_gives_up() {
    for code in [DenialCode::WrongCredentials, DenialCode::Busy, DenialCode::Insecure] {
        let (dial, mut calls) = telephone();
        let mut link = Link::spawn(dial, login(), Start::AtOnce);
        refuse(&mut calls, code).await;
        assert!(matches!(next(&mut link).await, LinkEvent::Failed { unreachable: false, .. }), "{code:?}");
    }
    let (dial, mut calls) = telephone();
    let taken = Identity::Register { name: name("Ann"), secret: secret() };
    let mut link = Link::spawn(dial, taken, Start::AtOnce);
    refuse(&mut calls, DenialCode::NameTaken).await;
    let failed = LinkEvent::Failed { why: "someone has that name".into(), unreachable: false };
    assert_eq!(next(&mut link).await, failed);
}

#[tokio::test(start_paused = true)]
async fn whoever_can_be_asked_is_asked_first_and_after_each_refusal() {
    let (dial, mut calls) = telephone();
    let guest = Identity::Guest { name: name("KeenOwl42"), generated: true };
    let mut link = Link::spawn(dial, guest.clone(), Start::Ask);
    assert_eq!(link.next().await, Some(LinkEvent::SignInAsked { like: guest, problem: None }));
    assert!(timeout(Duration::from_secs(600), calls.accept()).await.is_err(), "no connection waits for the person");
    for code in [DenialCode::WrongCredentials, DenialCode::TooSoon, DenialCode::ServerFull] {
        link.send(Command::SignIn(login()));
        refuse(&mut calls, code).await;
        let LinkEvent::SignInAsked { like, problem: Some(Problem { code: told, .. }) } = next(&mut link).await else {
            panic!("it should ask after {code:?}")
        };
        assert_eq!((like, told), (login(), Some(code)));
    }
    link.send(Command::SignIn(login()));
    let _peer = sign_in(&mut calls, login_packet()).await;
    assert_eq!(next(&mut link).await, online("Ann"));
}

#[tokio::test(start_paused = true)]
async fn a_server_that_is_not_there_is_told_to_whoever_can_try_again() {
    let (dial, calls) = telephone();
    drop(calls);
    let mut link = Link::spawn(dial, login(), Start::AtOnceAndAsk);
    let problem = Some(Problem { code: None, why: "connection refused".into() });
    assert_eq!(next(&mut link).await, LinkEvent::SignInAsked { like: login(), problem });
}

#[tokio::test(start_paused = true)]
async fn a_guest_comes_back_as_a_guest() {
    let (mut link, mut calls) = start("Ann", false);
    drop(calls.sign_in().await);
    assert_eq!(next(&mut link).await, online("Ann"));
    is_lost(&mut link).await;
    let mut peer = greeted(&mut calls).await;
    assert_eq!(peer.next().await, Some(ClientPacket::Guest { name: name("Ann") }));
}

#[tokio::test(start_paused = true)]
async fn whoever_is_asked_for_after_a_loss_does_not_come_back_as_who_was_there_before() {
    let (dial, mut calls) = telephone();
    let mut link = Link::spawn(dial, Identity::guest(name("Ann")), Start::Ask);
    assert!(matches!(next(&mut link).await, LinkEvent::SignInAsked { .. }));
    link.send(Command::SignIn(Identity::guest(name("Ann"))));
    let mut peer = sign_in(&mut calls, ClientPacket::Guest { name: name("Ann") }).await;
    peer.send(ServerPacket::Token { token: token(1) }).await;
    peer.send(ServerPacket::Draining { seconds: 1 }).await;
    assert_eq!(next(&mut link).await, online("Ann"));
    assert!(matches!(next(&mut link).await, LinkEvent::Packet(_)));
    drop(peer);
    is_lost(&mut link).await;
    // The token is too old, and in the end the name is someone else's.
    loop {
        let mut peer = greeted(&mut calls).await;
        assert!(matches!(peer.next().await, Some(ClientPacket::Resume { .. })));
        peer.send(denied(DenialCode::ResumeRefused)).await;
        assert_eq!(peer.next().await, Some(ClientPacket::Guest { name: name("Ann") }));
        peer.send(denied(DenialCode::NameTaken)).await;
        match next(&mut link).await {
            LinkEvent::Offline { .. } => {}
            LinkEvent::SignInAsked { problem: Some(_), .. } => break,
            event => panic!("{event:?}"),
        }
    }
    link.send(Command::SignIn(login()));
    refuse_login(&mut calls).await;
    assert!(matches!(next(&mut link).await, LinkEvent::SignInAsked { problem: Some(_), .. }), "and is asked again");
}

async fn refuse_login(calls: &mut Calls) {
    let mut peer = greeted(calls).await;
    assert_eq!(peer.next().await, Some(login_packet()), "without the token");
    peer.send(denied(DenialCode::WrongCredentials)).await;
}
