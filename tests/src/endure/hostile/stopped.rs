//! A room of ten who all flood it with signals, within what is allowed, and of whom nobody reads: five not at all, five
//! one byte a second.

use super::{
    End, Outcome, bytes,
    conversation::{ask, fresh_name},
};
use crate::{Wire, bytes_of, payload};
use malpan_client::protocol::{
    ClientPacket, Denial, DenialCode, JoinTarget, KickReason, RoomId, RoomTitle, ServerPacket, SignalTarget,
};
use std::{net::SocketAddr, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
    task::JoinSet,
    time::{MissedTickBehavior, interval, timeout},
};

/// How many there are in such a room.
pub const MEMBERS: u64 = 10;
/// Ten a second are allowed.
const SIGNAL_EVERY: Duration = Duration::from_millis(110);
/// One byte a second.
const TICKS_PER_BYTE: u32 = 9;
/// How long one goes on that is not cut.
const GIVES_UP_AFTER: Duration = Duration::from_secs(25);
/// As few bytes on the way as the system allows.
const RECEIVE_BUFFER: u32 = 2048;
const PATIENCE: Duration = Duration::from_secs(10);
/// Kicked, for being a slow consumer.
const LAST_WORD: [u8; 4] = [2, 0, 17, 0];

/// Attacks once, over ten connections.
pub async fn room_of_stopped_readers(to: SocketAddr) -> Vec<Outcome> {
    let (first, room) = match enter(to, None).await {
        Ok(entered) => entered,
        Err(end) => return vec![outcome(0, end)],
    };
    let mut members = JoinSet::new();
    members.spawn(flood(first, false));
    for number in 1..MEMBERS {
        members.spawn(async move {
            match enter(to, Some(room)).await {
                Ok((stream, _)) => flood(stream, number % 2 == 1).await,
                Err(end) => outcome(0, end),
            }
        });
    }
    members.join_all().await
}

fn outcome(frames: u64, end: End) -> Outcome {
    // Honest players may have come to that room before the others of the ten did.
    let expected = matches!(end, End::Cut | End::Kicked(KickReason::SlowConsumer) | End::NoRoom);
    Outcome { frames, signed_in: true, end, expected }
}

/// Takes a seat in that room, or in a new one.
///
/// # Errors
/// [`End::NoRoom`] where the room is full, [`End::Unreached`] where anything else is in the way.
pub(crate) async fn enter(to: SocketAddr, room: Option<RoomId>) -> Result<(TcpStream, RoomId), End> {
    let entered = timeout(PATIENCE, ask_for_a_seat(to, room)).await.ok().flatten();
    entered.unwrap_or(Err(End::Unreached))
}

async fn ask_for_a_seat(to: SocketAddr, room: Option<RoomId>) -> Option<Result<(TcpStream, RoomId), End>> {
    let socket = TcpSocket::new_v4().ok()?;
    socket.set_recv_buffer_size(RECEIVE_BUFFER).ok()?;
    let stream = socket.connect(to).await.ok()?;
    stream.set_nodelay(true).ok()?;
    let mut wire = Wire::new(stream);
    ask(&mut wire, bytes::hello()).await?;
    ask(&mut wire, ClientPacket::Guest { name: fresh_name() }).await?;
    let title = RoomTitle::new("nobody reads").expect("a valid constant");
    let request = match room {
        Some(room) => ClientPacket::Join { target: JoinTarget::Room(room) },
        None => ClientPacket::OpenRoom { game: None, title, seats: None },
    };
    match ask(&mut wire, request).await? {
        ServerPacket::Joined(joined) => Some(Ok((wire.into_stream(), joined.room))),
        ServerPacket::Denied(Denial { code: DenialCode::RoomFull, .. }) => Some(Err(End::NoRoom)),
        _ => None,
    }
}

/// A signal of the longest kind to the whole room.
pub(crate) fn signal() -> Vec<u8> {
    bytes_of(&[ClientPacket::Signal { to: SignalTarget::Room, payload: payload(&[0; 256]) }])
}

async fn flood(mut stream: TcpStream, reads_a_little: bool) -> Outcome {
    let signal = signal();
    let mut frames = 0;
    let mut ticks = interval(SIGNAL_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let until_it_is_cut = async {
        for tick in 1.. {
            ticks.tick().await;
            // An error is the end.
            stream.write_all(&signal).await?;
            frames += 1;
            if reads_a_little && tick % TICKS_PER_BYTE == 0 {
                stream.read_exact(&mut [0]).await?;
            }
        }
        std::io::Result::Ok(())
    };
    if timeout(GIVES_UP_AFTER, until_it_is_cut).await.is_err() {
        return outcome(frames, End::Uncut);
    }
    let mut rest = Vec::new();
    // A reset after the rest takes nothing from it.
    let _ = timeout(PATIENCE, stream.read_to_end(&mut rest)).await;
    outcome(frames, if rest.ends_with(&LAST_WORD) { End::Kicked(KickReason::SlowConsumer) } else { End::Cut })
}
