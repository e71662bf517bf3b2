//! One connection of each kind of attack.

use super::line::{Ended, Line};
use crate::bot::scenario::Scenario;
use malpan_client::protocol::{ClientPacket, CommandBytes, Direction};
use rand::{Rng as _, RngExt};
use std::{future::Future, time::Duration};
use tokio::time::sleep;

/// Between two bytes of who sends them one by one, slowly.
const SLOW_BYTE: Duration = Duration::from_secs(2);
/// Between two bytes of who sends them one by one and means well.
const FRAGMENT: Duration = Duration::from_millis(1);
/// Between two pings of who does not read, so as not to be taken for gone.
const KEEP_ALIVE: Duration = Duration::from_secs(5);
/// Moves of a flood that are written at once.
const FLOOD_MOVES: u32 = 64;
/// Moves of a whole game in fragments.
const FRAGMENT_MOVES: u32 = 10;

/// Runs the attack until it is over; returns why it ended.
pub(super) async fn attack(line: &mut Line<'_>, scenario: Scenario, player: u32, attempt: u32) -> Ended {
    let ended = match scenario {
        Scenario::Slowloris => slowloris(line).await,
        Scenario::Stalled => stalled(line).await,
        Scenario::Dribble => dribble(line).await,
        Scenario::Fragments => fragments(line).await,
        Scenario::Flood => flood(line).await,
        Scenario::Garbage => garbage(line, player.wrapping_add(attempt)).await,
        Scenario::HalfOpen => half_open(line).await,
        _ => reset(line).await,
    };
    ended.unwrap_or_else(|ended| ended)
}

/// Bytes of a hello, far apart, and never the last.
async fn slowloris(line: &mut Line<'_>) -> Result<Ended, Ended> {
    let hello = line.opening().swap_remove(0);
    let frame = line.frame(&hello);
    for byte in &frame[..frame.len() - 1] {
        line.write(&[*byte]).await?;
        until(line, sleep(SLOW_BYTE)).await?;
    }
    Ok(line.hear_out().await)
}

/// A seat, and nothing read from then on.
async fn stalled(line: &mut Line<'_>) -> Result<Ended, Ended> {
    line.narrow();
    line.enter().await?;
    for nonce in 0.. {
        line.say(&ClientPacket::Ping { nonce }).await?;
        sleep(KEEP_ALIVE).await;
    }
    Ok("done".into())
}

/// A seat, and one byte read a second.
async fn dribble(line: &mut Line<'_>) -> Result<Ended, Ended> {
    line.narrow();
    line.enter().await?;
    for nonce in 0.. {
        if nonce % 5 == 0 {
            line.say(&ClientPacket::Ping { nonce }).await?;
        }
        if line.read(1).await? == 0 {
            break;
        }
        line.forget();
        sleep(Duration::from_secs(1)).await;
    }
    Ok("closed".into())
}

/// A whole short game, each byte of it on its own.
async fn fragments(line: &mut Line<'_>) -> Result<Ended, Ended> {
    let mut packets = line.opening();
    packets.extend((1..=FRAGMENT_MOVES).map(step));
    for packet in packets {
        for byte in line.frame(&packet) {
            line.write(&[byte]).await?;
            until(line, sleep(FRAGMENT)).await?;
        }
        if matches!(packet, ClientPacket::Command { .. }) {
            // As many as are allowed.
            until(line, sleep(Duration::from_millis(100))).await?;
        }
    }
    line.say(&ClientPacket::Bye).await?;
    match line.hear_out().await {
        ended if ended == "closed" => Ok("served".into()),
        ended => Ok(ended),
    }
}

/// A seat, and moves as fast as they can be written.
async fn flood(line: &mut Line<'_>) -> Result<Ended, Ended> {
    line.enter().await?;
    let mut frames = Vec::new();
    for seq in 1..=FLOOD_MOVES {
        frames.extend_from_slice(&line.frame(&step(seq)));
    }
    loop {
        line.write(&frames).await?;
        line.count_frames(FLOOD_MOVES.into());
        until(line, tokio::task::yield_now()).await?;
    }
}

/// Noise: instead of a hello, and the next time after a sign-in.
async fn garbage(line: &mut Line<'_>, turn: u32) -> Result<Ended, Ended> {
    if turn % 2 == 1 {
        line.enter().await?;
    }
    let mut rng = line.rng();
    let mut noise = vec![0; rng.random_range(1..2_000)];
    rng.fill_bytes(&mut noise);
    line.write(&noise).await?;
    Ok(line.hear_out().await)
}

/// A seat, and not a byte from then on: what a client looks like whose cable was pulled.
async fn half_open(line: &mut Line<'_>) -> Result<Ended, Ended> {
    line.enter().await?;
    Ok(line.hear_out().await)
}

/// A seat, half a frame, and a reset.
async fn reset(line: &mut Line<'_>) -> Result<Ended, Ended> {
    line.enter().await?;
    let frame = line.frame(&step(1));
    line.write(&frame[..frame.len() / 2]).await?;
    line.reset();
    Ok("reset_by_the_attacker".into())
}

/// Hears what the server says until the work is done.
///
/// # Errors
/// Why the connection ended meanwhile.
async fn until(line: &mut Line<'_>, work: impl Future<Output = ()>) -> Result<(), Ended> {
    tokio::select! {
        biased;
        ended = line.hear_out() => Err(ended),
        () = work => Ok(()),
    }
}

fn step(seq: u32) -> ClientPacket {
    let direction = Direction::ALL[seq as usize % Direction::ALL.len()];
    ClientPacket::Command { seq, command: CommandBytes::of(&direction).expect("a step is short") }
}
