//! An honest player, and what it feels of what goes on around it.

use crate::running::within;
use malpan_client::{
    Client, ClientError, Room,
    protocol::{Direction, KickReason, ServerPacket},
};
use std::{
    future::Future,
    time::{Duration, Instant},
};
use tokio::time::sleep;

/// Between two steps: no faster than is allowed, at any tick.
const REST: Duration = Duration::from_millis(60);

/// Takes one step to and fro, and waits until it is settled; what else comes on the way is taken in. Returns whether the
/// server has said meanwhile that it is about to stop; fails where it ends.
pub(crate) async fn step(client: &mut Client, room: &mut Room) -> Result<bool, KickReason> {
    let mut draining = false;
    let to_and_fro = if room.own_piece().unwrap().cell.x == 0 { Direction::Right } else { Direction::Left };
    let seq = client.step(to_and_fro).unwrap();
    loop {
        let packet = within(client.next()).await.unwrap();
        room.apply(&packet).unwrap();
        match packet {
            ServerPacket::Updates(batch)
                if batch.acks.iter().any(|ack| (Some(ack.seat), ack.seq) == (room.own_seat(), seq)) =>
            {
                return Ok(draining);
            }
            // Someone stands there: that settles it as well.
            ServerPacket::Refused(refused) if refused.seq == seq => return Ok(draining),
            ServerPacket::Draining { .. } => draining = true,
            ServerPacket::Kicked { reason } => return Err(reason),
            _ => {}
        }
    }
}

/// Plays until `end`. Returns how long the slowest step took until it was settled, and what `end` brought.
pub(crate) async fn play_until<T, E: std::fmt::Debug>(
    client: &mut Client,
    room: &mut Room,
    end: &mut (impl Future<Output = Result<T, E>> + Unpin),
) -> (Duration, T) {
    let mut slowest = Duration::ZERO;
    loop {
        let began = Instant::now();
        step(client, room).await.unwrap();
        slowest = slowest.max(began.elapsed());
        tokio::select! {
            brought = &mut *end => return (slowest, brought.unwrap()),
            () = sleep(REST) => {}
        }
    }
}

/// Why the server ends the connection, which it does now.
pub(crate) async fn last_word(client: &mut Client) -> KickReason {
    loop {
        if let ServerPacket::Kicked { reason } = within(client.next()).await.unwrap() {
            assert!(matches!(within(client.next()).await, Err(ClientError::Closed)), "an orderly end");
            return reason;
        }
    }
}
