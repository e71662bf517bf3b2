//! One thread of the bot: its players, its schedule, its notes.
//!
//! ```text
//! socket readable -> the player's task -> Worker::poll_player -> Member::take -> Ledger
//! each millisecond, and after each read -> Worker::send_due -> Schedule -> Member::act -> socket
//! a task of ops/ -> Worker::began, done, failed
//! ```
//!
//! Invariant: the worker is borrowed by one task at a time and never across an await. Sending what is due after each
//! read, too, keeps the schedule while a thousand sockets are readable at once.

use super::{
    cause,
    common::lock,
    connect::Seated,
    ledger::{Fates, Ledger, count},
    member::Member,
    outcome::Outcome,
    pacer::Schedule,
    plan::nanos,
    player::Player,
    scenario::Scenario,
    shared::{Shared, Window},
};
use malpan_client::protocol::ServerPacket;
use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

/// The most actions sent before sockets are looked at again.
const ACTIONS_AT_ONCE: usize = 64;
/// How often a thread says how far it is, and the longest it sleeps.
const PUBLISH_EVERY_NS: u64 = 50_000_000;
/// How often it tells what it measured meanwhile: each time all buckets of the histograms are added.
const TELL_EVERY_NS: u64 = 250_000_000;

/// One thread's state.
#[derive(Debug)]
pub(super) struct Worker {
    shared: Arc<Shared>,
    /// Which thread this is.
    index: usize,
    /// Everyone seated so far who acts in a room. A player's place here is its slot.
    players: Vec<Player>,
    /// Players whose tasks do the work themselves; see `ops`.
    operators: BTreeSet<u32>,
    /// Those of them who were there when the window opened.
    operators_in_window: Vec<u32>,
    ledger: Ledger,
    /// By part of the plan.
    fates: Vec<Fates>,
    /// While a window is open.
    run: Option<Run>,
    /// The last window that was judged.
    judged: u32,
    /// Actions that will not be answered any more, because their players were lost.
    abandoned: u64,
    /// What earlier windows had of what is told to others.
    told: Told,
    published_ns: u64,
    measured_ns: u64,
    longest_stall_ns: u64,
    over: bool,
}

#[derive(Debug)]
struct Run {
    window: Window,
    schedule: Schedule,
}

#[derive(Debug, Default)]
struct Told {
    sent: u64,
    delivered: u64,
    refused: u64,
    present: u64,
    failed: u64,
    lost: u64,
}

impl Worker {
    /// The thread with this index, without players.
    pub(super) fn new(shared: Arc<Shared>, index: usize) -> Self {
        let parts = shared.plan.parts().len();
        Self {
            shared,
            index,
            players: Vec::new(),
            operators: BTreeSet::new(),
            operators_in_window: Vec::new(),
            ledger: Ledger::new(parts),
            fates: vec![Fates::default(); parts],
            run: None,
            judged: 0,
            abandoned: 0,
            told: Told::default(),
            published_ns: 0,
            measured_ns: 0,
            longest_stall_ns: 0,
            over: false,
        }
    }

    /// Takes in a seated player and returns its slot.
    ///
    /// # Errors
    /// The cause by which it cannot play: the server gave it no seat, or one in another game than the board.
    pub(super) fn seat(&mut self, player: u32, seated: Seated) -> Result<usize, String> {
        let Seated { client, joined, took, .. } = seated;
        let member = Member::new(player, &joined, &self.shared.plan, &mut self.ledger)
            .map_err(|fault| cause::of_fault(&fault))?;
        let tick_ms = client.welcome().limits.tick_ms;
        self.players.push(Player::new(player, client, member));
        self.arrived(player, took, tick_ms);
        Ok(self.players.len() - 1)
    }

    /// Takes in a player whose own task does the work.
    pub(super) fn enlist(&mut self, player: u32) {
        self.operators.insert(player);
    }

    /// A player that does not stay was let in for the first time.
    pub(super) fn greeted(&mut self, player: u32) {
        self.fates[self.shared.plan.part_of(player)].connected += 1;
    }

    /// A player is there, after so long.
    pub(super) fn arrived(&mut self, player: u32, took: Duration, tick_ms: u16) {
        self.ledger.timings.connect.record_ns(nanos(took));
        self.fates[self.shared.plan.part_of(player)].connected += 1;
        self.told.present += 1;
        self.live().tick_ms.fetch_max(tick_ms.into(), Relaxed);
        self.live().present.store(self.told.present, Relaxed);
    }

    /// A player could not connect.
    pub(super) fn fail(&mut self, player: u32, cause: String) {
        self.note_error(&cause);
        count(&mut self.fates[self.shared.plan.part_of(player)].failed_by, cause);
        self.told.failed += 1;
        self.live().failed.store(self.told.failed, Relaxed);
    }

    /// A player that was there is lost.
    pub(super) fn lose(&mut self, player: u32, cause: String) {
        self.note_error(&cause);
        count(&mut self.fates[self.shared.plan.part_of(player)].lost_by, cause);
        self.told.lost += 1;
        self.left(player);
    }

    /// A player is no longer wanted, and leaves.
    pub(super) fn dismissed(&mut self, player: u32) {
        let fates = &mut self.fates[self.shared.plan.part_of(player)];
        fates.connected = fates.connected.saturating_sub(1);
        self.left(player);
    }

    /// A player is there no more.
    fn left(&mut self, player: u32) {
        self.operators.remove(&player);
        // Those who do not stay were not counted as there.
        if self.shared.plan.scenario_of(player) != Scenario::Login {
            self.told.present = self.told.present.saturating_sub(1);
        }
    }

    /// A request of a player was denied.
    pub(super) fn denied(&mut self, player: u32, cause: String) {
        self.note_error(&cause);
        count(&mut self.fates[self.shared.plan.part_of(player)].denied_by, cause);
    }

    /// An operation begins. `slip_ns`: how much later than it was due, where the player was free to begin it then.
    pub(super) fn began(&mut self, player: u32, slip_ns: Option<u64>) {
        self.ledger.parts[self.shared.plan.part_of(player)].sent += 1;
        if let Some(slip_ns) = slip_ns {
            self.ledger.timings.slip.record_ns(slip_ns);
            self.ledger.interval.slip.record_ns(slip_ns);
        }
    }

    /// An operation begins that nobody planned.
    pub(super) fn began_unplanned(&mut self, player: u32) {
        self.ledger.parts[self.shared.plan.part_of(player)].due += 1;
        self.began(player, None);
    }

    /// An operation is done; it took so long from when it was due.
    pub(super) fn done(&mut self, player: u32, name: &'static str, latency_ns: u64) {
        let part = &mut self.ledger.parts[self.shared.plan.part_of(player)];
        part.done += 1;
        part.named.entry(name).or_default().record_ns(latency_ns);
        self.ledger.interval.main.record_ns(latency_ns);
    }

    /// An operation failed.
    pub(super) fn failed(&mut self, player: u32, cause: String) {
        self.note_error(&cause);
        count(&mut self.ledger.parts[self.shared.plan.part_of(player)].failed_by, cause);
    }

    /// Reads and takes in all that came for a player. Ready when the player is lost or dismissed, or the run is over.
    pub(super) fn poll_player(&mut self, slot: usize, cx: &mut Context<'_>) -> Poll<()> {
        while !self.over && self.players[slot].is_open() {
            match ready!(self.poll_packet(slot, cx)) {
                Ok(_) if self.players[slot].is_leaving() => {}
                Err(_) if self.players[slot].is_leaving() => self.players[slot].disconnect(),
                Ok(packet) => {
                    let at_ns = self.shared.common.clock.now_ns();
                    self.open_window_at(at_ns);
                    if let Err(cause) = self.take(slot, &packet, at_ns) {
                        self.lose_slot(slot, cause);
                    }
                }
                Err(cause) => self.lose_slot(slot, cause),
            }
        }
        Poll::Ready(())
    }

    /// Opens and closes windows when their time has come, sends what is due, and says how far the thread is. Returns when
    /// to be called again: at once, where more is due.
    pub(super) fn tick(&mut self, expected_ns: u64) -> u64 {
        let now_ns = self.shared.common.clock.now_ns();
        self.longest_stall_ns = self.longest_stall_ns.max(now_ns.saturating_sub(expected_ns));
        self.open_window_at(now_ns);
        self.send_due();
        if let Some(window) = self.shared.window().filter(|window| window.number <= self.shared.judge.load(Relaxed)) {
            self.judge(&window);
        }
        let now_ns = self.shared.common.clock.now_ns();
        if now_ns >= self.published_ns + PUBLISH_EVERY_NS {
            self.publish(now_ns);
        }
        let next_ns = match &self.run {
            Some(run) => run.schedule.next_ns().map(|next| run.window.start_ns + next),
            None => self.next_window().map(|window| window.start_ns),
        };
        next_ns.map_or(u64::MAX, |next| next.max(now_ns)).min(now_ns + PUBLISH_EVERY_NS)
    }

    /// Lets players with this number or a higher one go.
    pub(super) fn dismiss_from(&mut self, first: u32) {
        for slot in 0..self.players.len() {
            let player = &mut self.players[slot];
            if player.number() >= first && player.is_connected() {
                let number = player.number();
                player.dismiss();
                self.dismissed(number);
            }
        }
    }

    /// Lets every player say goodbye: the run is over.
    pub(super) fn say_goodbye(&mut self) {
        self.over = true;
        self.players.iter_mut().for_each(Player::say_goodbye);
    }

    /// The window is over: hands over what the thread found in it. The players stay.
    fn judge(&mut self, window: &Window) {
        if self.judged >= window.number {
            return;
        }
        self.judged = window.number;
        let elapsed_ns = self.shared.end_ns(window);
        self.publish(self.shared.common.clock.now_ns());
        self.tell_what_was_measured();
        let parts = self.fates.len();
        let mut outcome = Outcome::new(std::mem::replace(&mut self.ledger, Ledger::new(parts)), self.longest_stall_ns);
        let opened = self.run.take().is_some();
        for player in self.players.iter().filter(|_| opened) {
            outcome.add(player, &self.shared.plan, elapsed_ns);
        }
        for player in self.operators_in_window.drain(..) {
            outcome.add_operator(player, &self.shared.plan, elapsed_ns);
        }
        for part in outcome.parts() {
            self.told.sent += part.sent;
            self.told.delivered += part.done_and_delivered();
            self.told.refused += part.given_up();
        }
        outcome.set_fates(std::mem::replace(&mut self.fates, vec![Fates::default(); parts]));
        // Those who stay are there from the beginning of the next window.
        let seated = self.players.iter().filter(|player| player.is_connected()).map(Player::number);
        for player in seated.chain(self.operators.iter().copied()) {
            self.fates[self.shared.plan.part_of(player)].connected += 1;
        }
        self.abandoned = 0;
        self.longest_stall_ns = 0;
        lock(&self.shared.outcomes).push(outcome);
    }

    fn live(&self) -> &super::common::Live {
        &self.shared.common.live[self.index]
    }

    fn note_error(&self, cause: &str) {
        count(&mut lock(&self.live().errors), cause.to_owned());
    }

    fn poll_packet(&mut self, slot: usize, cx: &mut Context<'_>) -> Poll<Result<ServerPacket, String>> {
        let polled = self.players[slot].poll_packet(cx);
        if polled.is_pending() {
            // The sockets that are readable at once may take longer than the next action may wait.
            self.send_due();
        }
        polled
    }

    fn take(&mut self, slot: usize, packet: &ServerPacket, at_ns: u64) -> Result<(), String> {
        let since_start = self.run.as_ref().map(|run| at_ns.saturating_sub(run.window.start_ns));
        let player = &mut self.players[slot];
        match packet {
            ServerPacket::Kicked { reason } => player.note_kick(*reason),
            ServerPacket::Denied(denial) => {
                let number = player.number();
                player.member.deny(&mut self.ledger);
                self.denied(number, cause::snake(&denial.code));
            }
            packet => player
                .member
                .take(packet, since_start, &self.shared.plan, &mut self.ledger)
                .map_err(|fault| cause::of_fault(&fault))?,
        }
        Ok(())
    }

    fn lose_slot(&mut self, slot: usize, cause: String) {
        let player = &mut self.players[slot];
        player.disconnect();
        self.abandoned += player.member.steps().open();
        let number = player.number();
        self.lose(number, cause);
    }

    /// The window that is known and not judged.
    fn next_window(&self) -> Option<Window> {
        self.shared.window().filter(|window| window.number > self.judged)
    }

    /// Opens the window if it is due. Whoever receives an answer to an action has an open window: the action was sent
    /// after the start, and the clock is the same on all threads.
    fn open_window_at(&mut self, now_ns: u64) {
        if self.run.is_some() {
            return;
        }
        let Some(window) = self.next_window().filter(|window| window.start_ns <= now_ns) else { return };
        for player in &mut self.players {
            player.open_window(&self.shared.plan, &mut self.ledger);
        }
        self.operators_in_window = self.operators.iter().copied().collect();
        let slots = (0..).zip(&self.players).filter(|(_, player)| player.is_connected());
        let slots = slots.map(|(slot, player)| (slot, player.number()));
        let schedule = Schedule::new(&self.shared.plan, slots, window.duration_ns);
        self.run = Some(Run { window, schedule });
    }

    /// Sends what is due, up to a bound.
    fn send_due(&mut self) {
        let Some(run) = &mut self.run else { return };
        let start_ns = run.window.start_ns;
        let mut now_ns = self.shared.common.clock.now_ns().saturating_sub(start_ns);
        if run.schedule.next_ns().is_none_or(|next| next > now_ns) {
            return;
        }
        run.schedule.cut(self.shared.cut_ns.load(Relaxed));
        for _ in 0..ACTIONS_AT_ONCE {
            let Some(due) = run.schedule.take_due(now_ns) else { return };
            if let Some(taken) = self.players[due.slot as usize].act(&mut self.ledger) {
                self.ledger.blocked += u64::from(!taken);
                now_ns = self.shared.common.clock.now_ns().saturating_sub(start_ns);
                let slip_ns = now_ns.saturating_sub(due.at_ns);
                self.ledger.timings.slip.record_ns(slip_ns);
                self.ledger.interval.slip.record_ns(slip_ns);
            }
        }
    }

    fn publish(&mut self, now_ns: u64) {
        self.published_ns = now_ns;
        if let Some(recorder) = &self.shared.recorder {
            recorder.hand_over(self.index);
        }
        if now_ns >= self.measured_ns + TELL_EVERY_NS {
            self.measured_ns = now_ns;
            self.tell_what_was_measured();
        }
        let unsent = self.run.as_mut().map_or(0, |run| {
            run.schedule.cut(self.shared.cut_ns.load(Relaxed));
            u64::from(run.schedule.next_ns().is_some())
        });
        let (mut sent, mut delivered, mut refused, mut open) = (0, 0, 0, 0);
        for part in &self.ledger.parts {
            sent += part.sent;
            delivered += part.done_and_delivered();
            refused += part.given_up();
            open += part.open();
        }
        let live = &self.shared.common.live[self.index];
        let store = |counter: &AtomicU64, value| counter.store(value, Relaxed);
        store(&live.present, self.told.present);
        store(&live.lost, self.told.lost);
        store(&live.sent, self.told.sent + sent);
        store(&live.delivered, self.told.delivered + delivered);
        store(&live.refused, self.told.refused + refused);
        store(&live.open, open.saturating_sub(self.abandoned) + unsent);
    }

    fn tell_what_was_measured(&mut self) {
        lock(&self.shared.common.live[self.index].interval).merge(&self.ledger.interval);
        self.ledger.interval.clear();
    }
}
