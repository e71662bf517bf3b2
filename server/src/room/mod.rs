//! Rooms: one task each, which owns the board and tells the members.
//!
//! ```text
//! Hold::send -> inbox (bounded; the only place where a session waits)
//!   task.rs: take everything waiting -> rules -> batch.rs: events and moves, encoded once
//!     -> flush at once after a pause, else once per tick -> each member's send queue
//! ```
//!
//! Invariant: a room never waits for a session. What a member's queue does not take ends that member's session or is
//! left out for it, as the class of the packet says.

mod batch;
#[cfg(test)]
mod failure_tests;
mod members;
mod task;

use crate::{directory::Directory, ending::Ending};
use futures::FutureExt;
use malpan_net::{SessionHandle, Shard};
use malpan_protocol::{
    BoardSize, ChatText, Direction, LeaveReason, Name, RoomId, RoomTitle, Seat, SeatCount, SignalPayload,
};
use std::{panic::AssertUnwindSafe, time::Duration};
use tokio::sync::{mpsc, oneshot};

/// Where a room listens.
pub(crate) type Inbox = mpsc::Sender<Message>;

/// How a room is made.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RoomSetup {
    pub(crate) board: BoardSize,
    pub(crate) seats: SeatCount,
    /// The least time between two flushes; zero flushes whatever was waiting at once.
    pub(crate) tick: Duration,
    /// Messages that may wait.
    pub(crate) inbox: usize,
}

/// What a room is told.
#[derive(Debug)]
pub(crate) enum Message {
    /// Someone sits down on a reserved seat.
    Join { seat: Seat, newcomer: Newcomer },
    /// Someone is gone. `done` is told once nothing more will be sent to them.
    Leave { seat: Seat, reason: LeaveReason, done: Option<oneshot::Sender<()>> },
    /// A player's step.
    Step { seat: Seat, seq: u32, direction: Direction },
    /// A player's line of chat.
    Chat { seat: Seat, text: ChatText },
    /// A player's match data for the room.
    Signal { seat: Seat, payload: SignalPayload },
    /// A member who lagged has caught up.
    Recovered { seat: Seat },
    /// Send what is held back; dropping `_done` says that it was.
    Flush { _done: mpsc::Sender<()> },
    /// Panic.
    #[cfg(test)]
    Fault,
}

impl Message {
    /// The room has failed: whoever wanted to sit down is sent away.
    fn turn_away(self) {
        if let Self::Join { newcomer, .. } = self {
            newcomer.session.close(Ending::RoomFailed.into());
        }
    }
}

/// Who sits down.
#[derive(Debug)]
pub(crate) struct Newcomer {
    pub(crate) name: Name,
    pub(crate) session: SessionHandle,
}

/// Spawns a room on `shard`. It ends when the directory has closed it.
pub(crate) fn spawn(id: RoomId, title: RoomTitle, setup: RoomSetup, directory: Directory, shard: &Shard) -> Inbox {
    let (sender, inbox) = mpsc::channel(setup.inbox);
    let room = task::Room::new(id, title, setup, directory);
    drop(shard.spawn(supervise(room, inbox)));
    sender
}

/// Runs a room; a panic in it ends the room, not the shard, and its members and those on their way in are told.
async fn supervise(mut room: task::Room, mut inbox: mpsc::Receiver<Message>) {
    let id = room.id();
    tracing::debug!(room = id.0, "room opened");
    if AssertUnwindSafe(room.run(&mut inbox)).catch_unwind().await.is_err() {
        tracing::error!(room = id.0, "a panic ended the room");
        room.fail(&mut inbox).await;
    }
    tracing::debug!(room = id.0, "room closed");
}
