//! What a thread hands over at the end, and what all threads' come to.

use super::{
    ledger::{Causes, Ledger},
    metrics::Timings,
    plan::Plan,
    player::Player,
    rooms::{self, Books, Positions, Stay},
    steps::Refused,
};

/// One thread's results.
#[derive(Debug)]
pub(super) struct Outcome {
    ledger: Ledger,
    stays: Vec<Stay>,
    totals: Totals,
}

/// Results of all threads.
#[derive(Debug, Default)]
pub(super) struct Totals {
    /// Players seated, sooner or later.
    pub(super) connected: u64,
    /// Players that could not be seated, by why.
    pub(super) failed_by: Causes,
    /// Players lost after being seated, by why.
    pub(super) lost_by: Causes,
    /// Requests denied to seated players, by why.
    pub(super) denied_by: Causes,
    /// Moves that fell due for players who were there when the window opened.
    pub(super) moves_due: u64,
    /// Moves sent.
    pub(super) moves_sent: u64,
    /// Moves accepted.
    pub(super) moves_acked: u64,
    /// Moves refused.
    pub(super) moves_refused: Refused,
    /// Moves that were due to connected players and that the bot did not get round to sending.
    pub(super) moves_unsent: u64,
    /// Positions.
    pub(super) positions: Positions,
    /// Bytes received and sent since the window opened.
    pub(super) bytes_received: u64,
    pub(super) bytes_sent: u64,
    /// Bytes that lay in the bot's own sockets when the run was judged.
    pub(super) unread_bytes: u64,
    /// The longest time that a thread came late to its own clock.
    pub(super) longest_stall_ns: u64,
    /// Latencies.
    pub(super) timings: Timings,
}

impl Outcome {
    /// The results of a thread without its players.
    pub(super) fn new(ledger: Ledger, longest_stall_ns: u64) -> Self {
        Self { ledger, stays: Vec::new(), totals: Totals { longest_stall_ns, ..Totals::default() } }
    }

    /// Adds a player. Moves fell due for `elapsed_ns`.
    pub(super) fn add(&mut self, player: &Player, plan: &Plan, elapsed_ns: u64) {
        if !player.is_in_window() {
            return;
        }
        let totals = &mut self.totals;
        let steps = player.member.steps();
        let due = plan.moves_before(player.number(), elapsed_ns);
        totals.moves_due += due;
        totals.moves_sent += steps.sent();
        totals.moves_acked += steps.accepted();
        totals.moves_refused.merge(steps.refused());
        if player.is_connected() {
            totals.moves_unsent += due.saturating_sub(steps.sent());
        }
        let (received, sent) = player.traffic();
        totals.bytes_received += received;
        totals.bytes_sent += sent;
        totals.unread_bytes += player.unread_bytes();
        self.stays.push(player.member.stay(player.is_connected()));
    }
}

impl Totals {
    /// What the threads' results come to.
    pub(super) fn of(outcomes: Vec<Outcome>) -> Self {
        let mut sum = Self::default();
        let mut stays: Vec<Stay> = Vec::new();
        let mut books: Vec<Books> = Vec::new();
        for outcome in outcomes {
            sum.merge(&outcome.ledger, &outcome.totals);
            stays.extend(outcome.stays);
            books.push(outcome.ledger.books);
        }
        sum.positions = rooms::settle(&books, &stays);
        sum
    }

    fn merge(&mut self, ledger: &Ledger, totals: &Self) {
        self.connected += ledger.connected;
        for (into, from) in [
            (&mut self.failed_by, &ledger.failed_by),
            (&mut self.lost_by, &ledger.lost_by),
            (&mut self.denied_by, &ledger.denied_by),
        ] {
            for (cause, count) in from {
                *into.entry(cause.clone()).or_default() += count;
            }
        }
        self.moves_due += totals.moves_due;
        self.moves_sent += totals.moves_sent;
        self.moves_acked += totals.moves_acked;
        self.moves_refused.merge(totals.moves_refused);
        self.moves_unsent += totals.moves_unsent;
        self.bytes_received += totals.bytes_received;
        self.bytes_sent += totals.bytes_sent;
        self.unread_bytes += totals.unread_bytes;
        self.longest_stall_ns = self.longest_stall_ns.max(totals.longest_stall_ns);
        self.timings.merge(&ledger.timings);
    }
}
