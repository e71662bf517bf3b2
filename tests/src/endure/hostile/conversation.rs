//! One attack, from the connection to its end.

use super::{
    Attack, Stage,
    attacks::{Say, Then},
    bytes,
};
use crate::{Wire, bytes_of, name};
use malpan_client::protocol::{ClientPacket, DenialCode, KickReason, RoomFilter, RoomId, RoomTitle, ServerPacket};
use std::{
    net::SocketAddr,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};
use tokio::{
    net::TcpStream,
    time::{Instant, sleep, timeout},
};

/// How long the server may take to end what it has to end: longer than each of its own times.
const PATIENCE: Duration = Duration::from_secs(20);
/// After so long without an end, a flood goes on.
const QUIET: Duration = Duration::from_secs(1);
/// Between two bytes of one who is slow.
const BYTE_EVERY: Duration = Duration::from_millis(500);

/// How a hostile connection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// It did not come to where it wanted to attack.
    Unreached,
    /// There was no room to be watched.
    NoRoom,
    /// It left by itself.
    Left,
    /// The server ended it without a word.
    Cut,
    /// The server ended it and said so.
    Denied(DenialCode),
    /// The server ended it and said so.
    Kicked(KickReason),
    /// The server did not end it.
    Uncut,
}

/// What an attack came to.
#[derive(Debug, Clone, Copy)]
pub struct Outcome {
    /// Hostile frames, or beginnings of frames, that the kernel took.
    pub frames: u64,
    /// Whether they came after the sign-in.
    pub signed_in: bool,
    /// How it ended.
    pub end: End,
    /// Whether it may end so.
    pub expected: bool,
}

/// Attacks once.
pub async fn attack(to: SocketAddr, attack: &Attack) -> Outcome {
    let (frames, end) = match reach(to, attack).await {
        Some((_, RoomId(0))) if attack.stage == Stage::Watching => (0, End::NoRoom),
        Some((wire, room)) => go(wire, room, attack).await,
        None => (0, End::Unreached),
    };
    Outcome { frames, signed_in: attack.stage.is_signed_in(), end, expected: attack.ends.contains(&end) }
}

/// Connects and comes to the attack's state as an honest client does. The room is 0 where there is none.
async fn reach(to: SocketAddr, attack: &Attack) -> Option<(Wire<TcpStream>, RoomId)> {
    let stream = timeout(PATIENCE, TcpStream::connect(to)).await.ok()?.ok()?;
    stream.set_nodelay(true).ok()?;
    if attack.then == Then::Resets {
        stream.set_zero_linger().ok()?;
    }
    let mut wire = Wire::new(stream);
    let room = timeout(PATIENCE, walk(&mut wire, attack.stage)).await.ok()??;
    Some((wire, room))
}

async fn walk(wire: &mut Wire<TcpStream>, stage: Stage) -> Option<RoomId> {
    let nowhere = RoomId(0);
    if stage == Stage::Stranger {
        return Some(nowhere);
    }
    let welcome = ask(wire, bytes::hello()).await?;
    if stage == Stage::Greeted || !matches!(welcome, ServerPacket::Welcome(_)) {
        return matches!(welcome, ServerPacket::Welcome(_)).then_some(nowhere);
    }
    let ServerPacket::SignedIn { player, .. } = ask(wire, ClientPacket::Guest { name: fresh_name() }).await? else {
        return None;
    };
    match stage {
        Stage::Seated => {
            let title = RoomTitle::new("hostile").expect("a valid constant");
            match ask(wire, ClientPacket::OpenRoom { game: None, title, seats: None }).await? {
                ServerPacket::Joined(joined) => Some(joined.room),
                _ => None,
            }
        }
        Stage::Watching => {
            let ServerPacket::Rooms(page) =
                ask(wire, ClientPacket::ListRooms { after: nowhere, filter: RoomFilter::All }).await?
            else {
                return None;
            };
            // Others choose others: a room has places for few who watch.
            let Some(pick) = player.0.checked_rem(page.rooms.len() as u64) else { return Some(nowhere) };
            let room = page.rooms.get(usize::try_from(pick).ok()?)?.room;
            match ask(wire, ClientPacket::Watch { room }).await? {
                ServerPacket::Joined(_) => Some(room),
                _ => Some(nowhere),
            }
        }
        _ => Some(nowhere),
    }
}

/// A name that nobody has.
pub(super) fn fresh_name() -> malpan_client::protocol::Name {
    static LAST: AtomicU64 = AtomicU64::new(0);
    let number = LAST.fetch_add(1, Ordering::Relaxed);
    name(&format!("x{}-{number}", std::process::id()))
}

pub(super) async fn ask(wire: &mut Wire<TcpStream>, packet: ClientPacket) -> Option<ServerPacket> {
    wire.send(&[packet]).await.ok()?;
    wire.next().await.ok()?
}

/// Attacks from the state that was reached; returns the frames that were sent, and the end.
async fn go(mut wire: Wire<TcpStream>, room: RoomId, attack: &Attack) -> (u64, End) {
    let sent = match &attack.say {
        Say::Bytes(bytes) => wire.write(bytes).await.is_ok(),
        Say::Slowly(bytes) => drip(&mut wire, bytes).await,
        Say::WatchAgainAndAgain => wire.write(&again_and_again(room)).await.is_ok(),
    };
    let mut frames = if sent { attack.frames } else { 0 };
    if attack.then == Then::Resets {
        return (frames, End::Left);
    }
    if attack.then == Then::HangsUp && wire.hang_up().await.is_err() {
        return (frames, End::Cut);
    }
    let mut said = End::Cut;
    let start = Instant::now();
    while timeout(QUIET, listen(&mut wire, &mut said)).await.is_err() {
        if start.elapsed() > PATIENCE {
            return (frames, End::Uncut);
        }
        if let (Then::GoesOn, Say::Bytes(bytes)) = (attack.then, &attack.say)
            && wire.write(bytes).await.is_ok()
        {
            frames += attack.frames;
        }
    }
    (frames, said)
}

/// Three times out and in, as often as the budget lets it, and then in alone.
fn again_and_again(room: RoomId) -> Vec<u8> {
    let watch = ClientPacket::Watch { room };
    let out_and_in = bytes_of(&[ClientPacket::Leave, watch.clone()]).repeat(3);
    [out_and_in, bytes_of(&[ClientPacket::Leave]), bytes_of(&vec![watch; 14])].concat()
}

/// Byte by byte, until the server has had enough. True where at least one was taken.
async fn drip(wire: &mut Wire<TcpStream>, bytes: &[u8]) -> bool {
    let mut any = false;
    for byte in bytes {
        if wire.write(&[*byte]).await.is_err() {
            break;
        }
        any = true;
        // What comes now is the server's last word, which `listen` takes.
        sleep(BYTE_EVERY).await;
    }
    any
}

/// Reads to the end, and keeps what is said of it.
async fn listen(wire: &mut Wire<TcpStream>, said: &mut End) {
    // An error is a reset, and as much an end.
    while let Ok(Some(packet)) = wire.next().await {
        match packet {
            ServerPacket::Denied(denial) => *said = End::Denied(denial.code),
            ServerPacket::Kicked { reason } => *said = End::Kicked(reason),
            _ => {}
        }
    }
}
