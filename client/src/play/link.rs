//! The connection task: connects, signs in, carries packets both ways, and comes back after a loss.
//!
//! ```text
//! front end -> Command (bounded) -> task -> Client -> socket
//! front end <- LinkEvent (bounded) <- task <- Client <- socket
//! ```
//!
//! Invariant: between an `Online` and the next `Offline`, every packet of that connection is yielded, in order. While
//! the link is not online, packets to send are dropped: whoever sends them hears `Online` and begins anew.

mod judge;
mod pings;
mod seen;
mod stay;
mod task;

use super::{dial::Dial, identity::Identity};
use malpan_client::protocol::{ClientPacket, DenialCode, Name, Resumption, ServerPacket, Welcome};
use std::time::Duration;
use task::Task;
use tokio::{sync::mpsc, task::JoinHandle, time::timeout};

/// Commands and events that may wait.
const QUEUE: usize = 64;
/// For saying goodbye.
const BYE: Duration = Duration::from_secs(1);

/// What the front end asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Command {
    /// Sends a packet; dropped while not online.
    Send(ClientPacket),
    /// Answers [`LinkEvent::SignInAsked`] and [`LinkEvent::NameTaken`]: try this one.
    SignIn(Identity),
}

/// What the link tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum LinkEvent {
    /// It tries to connect.
    Connecting {
        /// Failures before, since the last connection that lasted.
        failures: u32,
    },
    /// Signed in.
    Online {
        /// The server's version and limits.
        welcome: Welcome,
        /// The name as the server has it.
        name: Name,
    },
    /// Signed in again as the same player, in the seat that was kept.
    Back {
        /// The server's version and limits.
        welcome: Welcome,
        /// The name, the same as before.
        name: Name,
        /// What became of the seat.
        place: Resumption,
    },
    /// A packet from the server.
    Packet(ServerPacket),
    /// A ping and its answer took this long.
    RoundTrip(Duration),
    /// The name belongs to someone else. The link waits for [`Command::SignIn`].
    NameTaken(Name),
    /// It shall be said who signs in. The link waits for [`Command::SignIn`].
    SignInAsked {
        /// Who was tried, or is proposed.
        like: Identity,
        /// Why that did not do, where it was tried.
        problem: Option<Problem>,
    },
    /// The connection is lost or was not made; the link tries again by itself.
    Offline {
        /// Why, for people.
        why: String,
        /// When it tries again.
        retry_in: Duration,
    },
    /// The link gave up and has ended: the first connection failed, or trying again cannot help.
    Failed {
        /// Why, for people.
        why: String,
        /// Whether there was no server to speak to at all.
        unreachable: bool,
    },
}

/// Why nobody could be signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    /// What the server said no with, if it was that.
    pub(crate) code: Option<DenialCode>,
    /// Why, for people.
    pub(crate) why: String,
}

/// When a link begins, and what it does when nobody can be signed in at first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Start {
    /// At once; it gives up.
    AtOnce,
    /// At once; it asks who shall be tried instead.
    AtOnceAndAsk,
    /// It asks first, and again.
    Ask,
}

/// A handle to the connection task.
#[derive(Debug)]
pub(crate) struct Link {
    commands: mpsc::Sender<Command>,
    events: mpsc::Receiver<LinkEvent>,
    task: JoinHandle<()>,
}

impl Link {
    /// Starts the task.
    pub(crate) fn spawn(dial: impl Dial, identity: Identity, start: Start) -> Self {
        let (commands, commands_due) = mpsc::channel(QUEUE);
        let (events_out, events) = mpsc::channel(QUEUE);
        let task = Task::new(dial, identity, start, commands_due, events_out);
        Self { commands, events, task: tokio::spawn(task.run()) }
    }

    /// The next event, or `None` when the task has ended. Cancel-safe.
    pub(crate) async fn next(&mut self) -> Option<LinkEvent> {
        self.events.recv().await
    }

    /// An event that waits already.
    pub(crate) fn try_next(&mut self) -> Option<LinkEvent> {
        self.events.try_recv().ok()
    }

    /// Hands a command to the task; `false` where its queue is full or it has ended. The task takes commands at once
    /// unless the front end itself leaves events lying, so that a full queue is rare and worth no waiting.
    pub(crate) fn send(&self, command: Command) -> bool {
        self.commands.try_send(command).is_ok()
    }

    /// As [`Link::send`], for packets. A packet for which there is no room is dropped: the session gives up what is
    /// never answered.
    pub(crate) fn send_all(&self, packets: Vec<ClientPacket>) {
        for packet in packets {
            self.send(Command::Send(packet));
        }
    }

    /// Says goodbye if it is online, and ends the task.
    pub(crate) async fn close(self) {
        let Self { commands, events, mut task } = self;
        drop((commands, events));
        // The task bounds its own goodbye; this bounds a task that panicked or hangs.
        if timeout(2 * BYE, &mut task).await.is_err() {
            task.abort();
        }
    }
}

/// The front end has dropped its handle: time to end.
struct Gone;

#[cfg(test)]
mod tests;
