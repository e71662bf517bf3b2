//! Rooms: one task each, which owns the game and tells the members.
//!
//! ```text
//! Hold::send -> inbox (bounded; the only place where a session waits)
//!   task.rs: take everything waiting -> the game's rules -> batch.rs: events and updates, encoded once
//!     -> flush at once after a pause, else once per tick -> each member's send queue
//! ```
//!
//! Invariant: a room never waits for a session. What a member's queue does not take ends that member's session or is
//! left out for it, as the class of the packet says.

mod batch;
#[cfg(test)]
mod closing_tests;
mod dialect;
#[cfg(test)]
mod failure_tests;
mod history;
mod members;
mod ownership;
mod ring;
#[cfg(test)]
mod stale_tests;
mod task;
mod ticket;

use crate::{
    directory::Directory,
    ending::Ending,
    metrics::Metrics,
    saving::{Lock, Record, Saver, WhoReturns},
    store::RoomChange,
};
pub(crate) use dialect::{Dialect, Recipient};
use malpan_game::{Game, Released};
use malpan_net::{CaughtPanic, SessionId, Shard, catch_panic};
use malpan_protocol::{
    BoardSize, ChatText, CommandBytes, Door, LeaveReason, Manner, Name, PlayerId, RoomId, RoomTitle, Seat, SeatCount,
    Seen, SignalPayload,
};
pub(crate) use ring::RingLimits;
use ring::{Missed, Ring};
use std::{pin::pin, time::Duration};
pub(crate) use task::OwnersWish;
pub(crate) use ticket::Ticket;
use tokio::sync::{mpsc, oneshot};

/// Where a room listens.
pub(crate) type Inbox = mpsc::Sender<Message>;

/// How a room is made.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RoomSetup {
    pub(crate) seats: SeatCount,
    /// The least time between two flushes; zero flushes whatever was waiting at once.
    pub(crate) tick: Duration,
    /// Messages that may wait.
    pub(crate) inbox: usize,
    /// How long it is kept once everyone has left.
    pub(crate) empty_grace: Duration,
    /// The size of board that was asked for.
    pub(crate) board: Option<BoardSize>,
    /// How one comes in.
    pub(crate) door: Door,
    /// Whether it belongs to someone.
    pub(crate) owned: bool,
    /// What is kept for those who come back.
    pub(crate) kept: RingLimits,
    /// The most bytes of missed events that a client is sent at once: its queue has to take them.
    pub(crate) replay: usize,
}

/// A room that is about to open.
#[derive(Debug)]
pub(crate) struct Opening {
    pub(crate) id: RoomId,
    pub(crate) title: RoomTitle,
    pub(crate) setup: RoomSetup,
    pub(crate) seed: u64,
    pub(crate) directory: Directory,
    pub(crate) metrics: Metrics,
    /// Where its task runs.
    pub(crate) shard: Shard,
    /// How often it was loaded, and once more.
    pub(crate) incarnation: u32,
    /// Its password.
    pub(crate) lock: Option<Lock>,
    pub(crate) saver: Saver,
    /// What was saved of it, where it was there before.
    pub(crate) earlier: Option<Record>,
}

/// What a room is told. `from` is the session that says it: by the time it is heard, someone else may have the seat.
#[derive(Debug)]
pub(crate) enum Message {
    /// Someone sits down on a reserved seat, or begins to watch.
    Join { seat: Option<Seat>, newcomer: Newcomer },
    /// Someone is gone. `done` is told once nothing more will be sent to them.
    Leave { who: Who, from: SessionId, reason: LeaveReason, done: Option<oneshot::Sender<()>> },
    /// The connection of who sits there is lost; they may come back.
    Away { seat: Seat, from: SessionId },
    /// Who sat there over the session `before` is back.
    Resume { seat: Seat, before: SessionId, returning: Returning },
    /// A player's command to the game.
    Command { seat: Seat, from: SessionId, seq: u32, command: CommandBytes },
    /// A player's line of chat.
    Chat { seat: Seat, from: SessionId, manner: Manner, text: ChatText },
    /// A player's match data for the room.
    Signal { seat: Seat, from: SessionId, payload: SignalPayload },
    /// Someone who lagged has caught up.
    Recovered { who: Who },
    /// The owner puts someone out, or gives them the room.
    Own { seat: Seat, from: SessionId, wish: OwnersWish, name: Name },
    /// The last seat was given back by someone who had not sat down, or the server stops: the room is empty, or has closed.
    Vacant(Released),
    /// The server ends: send what is held back, save how it stands, and let nothing happen any more. Dropping `_done` says that
    /// it is done.
    Finish { _done: mpsc::Sender<()> },
    /// Panic.
    #[cfg(test)]
    Fault,
}

/// Someone in a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Who {
    /// Who sits there.
    Seat(Seat),
    /// Who watches over this session.
    Watcher(SessionId),
}

impl Message {
    /// The room has failed: whoever wanted to come in is sent away.
    fn turn_away(self) {
        if let Self::Join { newcomer: Newcomer { to, .. }, .. } | Self::Resume { returning: Returning { to, .. }, .. } =
            self
        {
            to.close(Ending::RoomFailed.into());
        }
    }
}

/// Who comes in.
#[derive(Debug)]
pub(crate) struct Newcomer {
    pub(crate) name: Name,
    pub(crate) to: Recipient,
    /// `None` where they cannot come back after the server was started again.
    pub(crate) player: Option<WhoReturns>,
}

/// Who comes back.
#[derive(Debug)]
pub(crate) struct Returning {
    pub(crate) player: PlayerId,
    pub(crate) name: Name,
    pub(crate) to: Recipient,
    pub(crate) seen: Option<Seen>,
}

/// Spawns a room that plays by what `rules` makes, on the room's own thread. It ends when the directory has closed it.
pub(crate) fn spawn<G: Game>(rules: impl FnOnce() -> G + Send + 'static, opening: Opening) -> Inbox {
    let (sender, inbox) = mpsc::channel(opening.setup.inbox);
    let shard = opening.shard.clone();
    drop(shard.spawn(supervise(rules, opening, inbox)));
    sender
}

/// Runs a room; a panic in it ends the room, not the shard, and its members and those on their way in are told.
async fn supervise<G: Game>(rules: impl FnOnce() -> G, opening: Opening, mut inbox: mpsc::Receiver<Message>) {
    let (id, directory, metrics, saver) =
        (opening.id, opening.directory.clone(), opening.metrics.clone(), opening.saver.clone());
    let failed = |panic: CaughtPanic| {
        metrics.room_failed();
        tracing::error!(
            room = id.0,
            game = %G::NAME,
            panic = panic.message(),
            place = panic.place(),
            backtrace = panic.backtrace(),
            "a panic ended the room"
        );
        // It would meet the same again.
        saver.room(RoomChange::SetAside { id, why: format!("a panic: {}", panic.message()) });
    };
    let rules = async {
        let mut game = rules();
        opening.earlier.as_ref().map_or(Ok(()), |earlier| task::restore(&mut game, earlier)).map(|()| game)
    };
    let game = match catch_panic(pin!(rules)).await {
        Ok(Ok(game)) => game,
        Ok(Err(why)) => {
            metrics.room_failed();
            tracing::error!(room = id.0, game = %G::NAME, why, "a room is set aside");
            saver.room(RoomChange::SetAside { id, why });
            return task::turn_away(&directory, id, &mut inbox).await;
        }
        Err(panic) => {
            failed(panic);
            return task::turn_away(&directory, id, &mut inbox).await;
        }
    };
    let mut room = task::Room::new(game, opening);
    tracing::debug!(room = id.0, game = %G::NAME, "room opened");
    let ended = catch_panic(pin!(room.run(&mut inbox))).await;
    if let Err(panic) = ended {
        failed(panic);
        room.fail(&mut inbox).await;
    }
    tracing::debug!(room = id.0, "room closed");
}
