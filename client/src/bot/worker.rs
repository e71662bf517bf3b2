//! One thread of the bot: its players, its schedule, its notes.
//!
//! ```text
//! socket readable -> the player's task -> Worker::poll_player -> Member::take -> Ledger
//! each millisecond, and after each read -> Worker::send_due -> Schedule -> Member::step -> socket
//! ```
//!
//! Invariant: the worker is borrowed by one task at a time and never across an await. Sending what is due after each
//! read, too, keeps the schedule while a thousand sockets are readable at once.

use super::{
    cause,
    connect::Seated,
    ledger::{Ledger, count, sum},
    member::Member,
    outcome::Outcome,
    pacer::Schedule,
    player::Player,
    shared::Shared,
};
use malpan_client::protocol::ServerPacket;
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    task::{Context, Poll, ready},
};

/// The most moves sent before sockets are looked at again.
const MOVES_AT_ONCE: usize = 64;
/// How often a thread says how far it is, and the longest it sleeps.
const PUBLISH_EVERY_NS: u64 = 50_000_000;

/// One thread's state.
#[derive(Debug)]
pub(super) struct Worker {
    shared: Arc<Shared>,
    /// Which thread this is.
    index: usize,
    /// Everyone seated so far. A player's place here is its slot.
    players: Vec<Player>,
    ledger: Ledger,
    /// From when the window opened.
    run: Option<Run>,
    /// Moves that will not be answered any more, because their players were lost.
    abandoned: u64,
    published_ns: u64,
    longest_stall_ns: u64,
    /// Whether the notes were handed over: what comes now belongs to no run.
    judged: bool,
}

#[derive(Debug)]
struct Run {
    start_ns: u64,
    schedule: Schedule,
}

impl Worker {
    /// The thread with this index, without players.
    pub(super) fn new(shared: Arc<Shared>, index: usize) -> Self {
        Self {
            shared,
            index,
            players: Vec::new(),
            ledger: Ledger::default(),
            run: None,
            abandoned: 0,
            published_ns: 0,
            longest_stall_ns: 0,
            judged: false,
        }
    }

    /// Takes in a seated player and returns its slot.
    ///
    /// # Errors
    /// The cause by which it cannot play: the server gave it no seat, or one in another game than the board.
    pub(super) fn seat(&mut self, player: u32, seated: Seated) -> Result<usize, String> {
        let Seated { client, joined, took } = seated;
        let member = Member::new(player, &joined, &self.shared.plan, &mut self.ledger)
            .map_err(|fault| cause::of_fault(&fault))?;
        self.ledger.timings.connect.record_ns(super::plan::nanos(took));
        self.ledger.connected += 1;
        let tick_ms = client.welcome().limits.tick_ms;
        self.players.push(Player::new(player, client, member));
        let live = &self.shared.live[self.index];
        live.tick_ms.fetch_max(tick_ms.into(), Relaxed);
        live.connected.store(self.ledger.connected, Relaxed);
        Ok(self.players.len() - 1)
    }

    /// A player could not be seated.
    pub(super) fn fail(&mut self, cause: String) {
        count(&mut self.ledger.failed_by, cause);
        self.shared.live[self.index].failed.store(sum(&self.ledger.failed_by), Relaxed);
    }

    /// Reads and takes in all that came for a player. Ready when the player is lost, or the run is over.
    pub(super) fn poll_player(&mut self, slot: usize, cx: &mut Context<'_>) -> Poll<()> {
        while !self.judged {
            match ready!(self.poll_packet(slot, cx)) {
                Ok(packet) => {
                    let at_ns = self.shared.clock.now_ns();
                    self.open_window_at(at_ns);
                    if let Err(cause) = self.take(slot, &packet, at_ns) {
                        self.lose(slot, cause);
                        return Poll::Ready(());
                    }
                }
                Err(cause) => {
                    self.lose(slot, cause);
                    return Poll::Ready(());
                }
            }
        }
        Poll::Ready(())
    }

    /// Opens the window when its time has come, sends what is due, and says how far the thread is. Returns when to be
    /// called again: at once, where more is due.
    pub(super) fn tick(&mut self, expected_ns: u64) -> u64 {
        let now_ns = self.shared.clock.now_ns();
        self.longest_stall_ns = self.longest_stall_ns.max(now_ns.saturating_sub(expected_ns));
        self.open_window_at(now_ns);
        self.send_due();
        let now_ns = self.shared.clock.now_ns();
        if now_ns >= self.published_ns + PUBLISH_EVERY_NS {
            self.publish(now_ns);
        }
        let next_ns = match &self.run {
            Some(run) => run.schedule.next_ns().map(|next| run.start_ns + next),
            None => self.shared.window.start_ns(),
        };
        next_ns.map_or(u64::MAX, |next| next.max(now_ns)).min(now_ns + PUBLISH_EVERY_NS)
    }

    /// Ends the run on this thread and hands over the notes. The players stay seated.
    pub(super) fn judge(&mut self) -> Outcome {
        self.judged = true;
        let elapsed_ns = self.shared.plan.duration_ns().min(self.shared.window.cut_ns());
        let mut outcome = Outcome::new(std::mem::take(&mut self.ledger), self.longest_stall_ns);
        for player in &self.players {
            outcome.add(player, &self.shared.plan, elapsed_ns);
        }
        outcome
    }

    /// Lets every player say goodbye.
    pub(super) fn say_goodbye(&mut self) {
        self.players.iter_mut().for_each(Player::say_goodbye);
    }

    fn poll_packet(&mut self, slot: usize, cx: &mut Context<'_>) -> Poll<Result<ServerPacket, String>> {
        let polled = self.players[slot].poll_packet(cx);
        if polled.is_pending() {
            // The sockets that are readable at once may take longer than the next move may wait.
            self.send_due();
        }
        polled
    }

    fn take(&mut self, slot: usize, packet: &ServerPacket, at_ns: u64) -> Result<(), String> {
        let since_start = self.run.as_ref().map(|run| at_ns.saturating_sub(run.start_ns));
        let player = &mut self.players[slot];
        match packet {
            ServerPacket::Kicked { reason } => player.note_kick(*reason),
            ServerPacket::Denied(denial) => count(&mut self.ledger.denied_by, cause::snake(&denial.code)),
            packet => player
                .member
                .take(packet, since_start, &self.shared.plan, &mut self.ledger)
                .map_err(|fault| cause::of_fault(&fault))?,
        }
        Ok(())
    }

    fn lose(&mut self, slot: usize, cause: String) {
        let player = &mut self.players[slot];
        player.disconnect();
        self.abandoned += player.member.steps().open();
        count(&mut self.ledger.lost_by, cause);
    }

    /// Opens the window if it is due. Whoever receives an answer to a move has an open window: the move was sent
    /// after the start, and the clock is the same on all threads.
    fn open_window_at(&mut self, now_ns: u64) {
        if self.run.is_some() {
            return;
        }
        let Some(start_ns) = self.shared.window.start_ns().filter(|&start| start <= now_ns) else { return };
        for player in &mut self.players {
            player.open_window();
        }
        let slots = (0..).zip(&self.players).filter(|(_, player)| player.is_connected());
        let schedule = Schedule::new(&self.shared.plan, slots.map(|(slot, player)| (slot, player.number())));
        self.run = Some(Run { start_ns, schedule });
    }

    /// Sends moves that are due, up to a bound.
    fn send_due(&mut self) {
        let Some(run) = &mut self.run else { return };
        let mut now_ns = self.shared.clock.now_ns().saturating_sub(run.start_ns);
        if run.schedule.next_ns().is_none_or(|next| next > now_ns) {
            return;
        }
        run.schedule.cut(self.shared.window.cut_ns());
        for _ in 0..MOVES_AT_ONCE {
            let Some(due) = run.schedule.take_due(now_ns) else { return };
            if self.players[due.slot as usize].step() {
                self.ledger.sent += 1;
                now_ns = self.shared.clock.now_ns().saturating_sub(run.start_ns);
                self.ledger.timings.slip.record_ns(now_ns.saturating_sub(due.at_ns));
            }
        }
    }

    fn publish(&mut self, now_ns: u64) {
        self.published_ns = now_ns;
        let unsent = self.run.as_mut().map_or(0, |run| {
            run.schedule.cut(self.shared.window.cut_ns());
            u64::from(run.schedule.next_ns().is_some())
        });
        let answered = self.ledger.acked + self.ledger.refused + self.abandoned;
        let live = &self.shared.live[self.index];
        let store = |counter: &AtomicU64, value| counter.store(value, Relaxed);
        store(&live.lost, sum(&self.ledger.lost_by));
        store(&live.sent, self.ledger.sent);
        store(&live.delivered, self.ledger.delivered);
        store(&live.open, self.ledger.sent.saturating_sub(answered) + unsent);
    }
}
