//! Which tokens bring someone back, and which do not.

use super::{follow, is_refused, resume, resume_to, server, settle, token};
use malpan_client::ClientError;
use malpan_protocol::{ClientPacket, DenialCode, JoinTarget, ResumeToken, Resumption};
use std::collections::HashSet;

#[tokio::test(start_paused = true)]
async fn a_wrong_token_is_denied_and_touches_nothing() {
    let mut server = server();
    let (mut ann, mut room) = server.player("ann").await.unwrap();
    follow(&mut ann, &mut room).await;
    let mut bytes = *ann.token().unwrap().as_bytes();
    bytes[31] ^= 1;
    assert!(is_refused(resume(&mut server, &ResumeToken::new(bytes), Some(room.seen())).await));
    assert!(follow(&mut ann, &mut room).await.is_empty());
    assert_eq!((server.host().signed_in(), server.host().seats_taken()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn after_a_denial_another_try_is_welcome_until_there_were_too_many() {
    let mut server = server();
    let mut client = server.connect().await.unwrap();
    for _ in 0..9 {
        let denied = client.resume(ResumeToken::new([7; 32]), None).await;
        assert!(matches!(denied, Err(ClientError::Denied(denial)) if denial.code == DenialCode::ResumeRefused));
    }
    let last = client.resume(ResumeToken::new([7; 32]), None).await;
    assert!(matches!(last, Err(ClientError::Denied(denial)) if denial.code == DenialCode::TooManyAttempts));
    let mut client = server.connect().await.unwrap();
    assert!(client.resume(ResumeToken::new([7; 32]), None).await.is_err());
    client.sign_in_guest(malpan_e2e::name("ann")).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn each_resume_brings_a_new_token_and_the_old_one_is_good_until_the_client_is_heard() {
    let mut server = server();
    let (mut ann, mut room) = server.player("ann").await.unwrap();
    follow(&mut ann, &mut room).await;
    let first = ann.token().unwrap().clone();
    drop(ann);
    settle().await;
    // The answer was lost on the way: the client has the old token only.
    let (lost, _) = resume_to(&mut server, &first, &mut room).await;
    let never_seen = lost.token().unwrap().clone();
    drop(lost);
    settle().await;
    let (mut ann, _) = resume_to(&mut server, &first, &mut room).await;
    let second = ann.token().unwrap().clone();
    let tokens: HashSet<_> = [&first, &never_seen, &second].map(|token| *token.as_bytes()).into();
    assert_eq!(tokens.len(), 3);
    assert!(is_refused(resume(&mut server, &never_seen, None).await), "the answer that it came with is out of date");
    // Now it is heard over the new connection.
    ann.send(&ClientPacket::Ping { nonce: 1 }).unwrap();
    follow(&mut ann, &mut room).await;
    assert!(is_refused(resume(&mut server, &first, None).await), "replayed");
    drop(ann);
    settle().await;
    assert!(is_refused(resume(&mut server, &first, None).await), "replayed, after another loss");
    resume_to(&mut server, &second, &mut room).await;
}

#[tokio::test(start_paused = true)]
async fn a_goodbye_is_for_good() {
    let mut server = server();
    let (mut ann, mut room) = server.player("ann").await.unwrap();
    follow(&mut ann, &mut room).await;
    let token = ann.token().unwrap().clone();
    ann.bye().await.unwrap();
    settle().await;
    assert!(is_refused(resume(&mut server, &token, Some(room.seen())).await));
    assert_eq!((server.host().signed_in(), server.host().away(), server.host().seats_taken()), (0, 0, 0));
    server.guest("ann").await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn who_was_sent_away_for_breaking_a_rule_does_not_come_back() {
    let mut server = server();
    let (mut ann, mut room) = server.player("ann").await.unwrap();
    follow(&mut ann, &mut room).await;
    let token = ann.token().unwrap().clone();
    // Out of order: it is in a room.
    ann.send(&ClientPacket::Join { target: JoinTarget::Any }).unwrap();
    let _ = ann.flush().await;
    settle().await;
    assert!(is_refused(resume(&mut server, &token, Some(room.seen())).await));
    assert_eq!((server.host().away(), server.host().seats_taken()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_token_is_of_no_use_once_signed_in() {
    let mut server = server();
    let mut ann = server.guest("ann").await.unwrap();
    let anns = token(&mut ann).await;
    let mut bob = server.guest("bob").await.unwrap();
    let denied = bob.resume(anns.clone(), None).await;
    assert!(matches!(denied, Err(ClientError::Denied(denial)) if denial.code == DenialCode::OutOfOrder));
    settle().await;
    let (_ann, resumed) = resume(&mut server, &anns, None).await.unwrap();
    assert_eq!(resumed.place, Resumption::Lobby);
}
