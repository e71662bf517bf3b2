//! What a client may do in a time is the player's, not the connection's.

use super::{arrived, follow, resume_to, server, settle};
use malpan_client::{Client, ClientError};
use malpan_e2e::{line, to_the_end};
use malpan_protocol::{Direction, KickReason, RefusalReason, ServerPacket};
use tokio::io::DuplexStream;

/// Sends more steps at once than anyone may, and returns how many of them the game saw.
async fn steps_that_are_taken(client: &mut Client<DuplexStream>) -> usize {
    let (sent, mut too_fast) = (30, 0);
    for _ in 0..sent {
        client.step(Direction::Up).unwrap();
    }
    client.flush().await.unwrap();
    settle().await;
    for packet in arrived(client).await.0 {
        if let ServerPacket::Refused(refused) = packet {
            too_fast += usize::from(refused.why == RefusalReason::TooFast);
        }
    }
    sent - too_fast
}

#[tokio::test(start_paused = true)]
async fn who_takes_over_may_not_do_more_for_it() {
    let mut server = server();
    let (mut ann, mut room) = server.player("ann").await.unwrap();
    follow(&mut ann, &mut room).await;
    assert_eq!(steps_that_are_taken(&mut ann).await, 10);
    // Twenty a second, and less than half a second has passed since.
    for _ in 0..3 {
        let token = ann.token().unwrap().clone();
        let mut again = server.connect().await.unwrap();
        again.resume(token, None).await.unwrap();
        ann = again;
        assert!(steps_that_are_taken(&mut ann).await <= 7);
    }
}

#[tokio::test(start_paused = true)]
async fn who_comes_back_is_sent_away_for_what_was_done_before() {
    let mut server = server();
    let (mut ann, mut room) = server.player("ann").await.unwrap();
    follow(&mut ann, &mut room).await;
    // Five lines, and nine strikes.
    for number in 0..14 {
        ann.chat(line(&number.to_string())).unwrap();
    }
    let heard = follow(&mut ann, &mut room).await;
    assert_eq!(heard.iter().filter(|packet| matches!(packet, ServerPacket::Denied(_))).count(), 9, "{heard:?}");
    let token = ann.token().unwrap().clone();
    drop(ann);
    settle().await;
    let (mut ann, _) = resume_to(&mut server, &token, &mut room).await;
    ann.chat(line("one too many")).unwrap();
    ann.chat(line("and another")).unwrap();
    let (packets, end) = to_the_end(&mut ann).await;
    assert_eq!(packets.last(), Some(&ServerPacket::Kicked { reason: KickReason::Flooding }), "{packets:?}");
    assert!(matches!(end, ClientError::Closed));
}
