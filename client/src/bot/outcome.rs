//! What a thread hands over when a window is over, and what all threads' come to.

use super::{
    ledger::{Fates, Ledger, PartLedger},
    metrics::Timings,
    plan::Plan,
    player::Player,
    rooms::{self, Books, Positions, Stay},
    scenario::{Kind, Scenario},
    steps::Refused,
};

/// One thread's results.
#[derive(Debug)]
pub(super) struct Outcome {
    ledger: Ledger,
    fates: Vec<Fates>,
    /// By kind.
    stays: [Vec<Stay>; Kind::ALL.len()],
    totals: Totals,
}

/// Results of all threads.
#[derive(Debug, Default)]
pub(super) struct Totals {
    /// By part of the plan.
    pub(super) parts: Vec<PartTotals>,
    /// Moves accepted, those in batches that were left out for their players included, and refused, by why.
    pub(super) moves_accepted: u64,
    pub(super) moves_refused: Refused,
    /// Actions that were due to connected players and that the bot did not get round to sending.
    pub(super) unsent: u64,
    /// Actions that did not fit into the bot's own sockets.
    pub(super) blocked: u64,
    /// Bytes received and sent since the window opened.
    pub(super) bytes_received: u64,
    pub(super) bytes_sent: u64,
    /// Bytes that lay in the bot's own sockets when the window was judged.
    pub(super) unread_bytes: u64,
    /// The longest time that a thread came late to its own clock.
    pub(super) longest_stall_ns: u64,
    /// Latencies.
    pub(super) timings: Timings,
}

/// What one part of the plan came to.
#[derive(Debug, Default)]
pub(super) struct PartTotals {
    pub(super) fates: Fates,
    pub(super) ledger: PartLedger,
    /// What was due of its players' messages, to all of the bot's players who sit in rooms.
    pub(super) deliveries: Positions,
}

impl Outcome {
    /// The results of a thread without its players.
    pub(super) fn new(ledger: Ledger, longest_stall_ns: u64) -> Self {
        let totals = Totals { longest_stall_ns, ..Totals::default() };
        Self { ledger, fates: Vec::new(), stays: Default::default(), totals }
    }

    /// Adds a player who acts in a room. Actions fell due for `elapsed_ns`.
    pub(super) fn add(&mut self, player: &Player, plan: &Plan, elapsed_ns: u64) {
        if !player.is_in_window() {
            return;
        }
        let number = player.number();
        let totals = &mut self.totals;
        let steps = player.member.steps();
        let due = plan.actions_before(number, elapsed_ns);
        self.ledger.parts[plan.part_of(number)].due += due;
        if plan.scenario_of(number) == Scenario::Walk {
            totals.moves_accepted += steps.accepted();
            totals.moves_refused.merge(steps.refused());
        }
        if player.is_connected() {
            totals.unsent += due.saturating_sub(steps.sent_in_window());
        }
        let (received, sent) = player.traffic();
        totals.bytes_received += received;
        totals.bytes_sent += sent;
        totals.unread_bytes += player.unread_bytes();
        for kind in Kind::ALL {
            self.stays[kind as usize].push(player.member.stay(kind, player.is_connected()));
        }
    }

    /// Adds a player whose task does the work.
    pub(super) fn add_operator(&mut self, player: u32, plan: &Plan, elapsed_ns: u64) {
        self.ledger.parts[plan.part_of(player)].due += plan.actions_before(player, elapsed_ns);
    }

    /// What became of the players, by part.
    pub(super) fn set_fates(&mut self, fates: Vec<Fates>) {
        self.fates = fates;
    }

    /// The notes, by part.
    pub(super) fn parts(&self) -> impl Iterator<Item = &PartLedger> {
        self.ledger.parts.iter()
    }
}

impl Totals {
    /// What the threads' results come to.
    pub(super) fn of(outcomes: Vec<Outcome>, plan: &Plan) -> Self {
        let parts = plan.parts().len();
        let mut sum =
            Self { parts: std::iter::repeat_with(PartTotals::default).take(parts).collect(), ..Self::default() };
        let mut stays: [Vec<Stay>; Kind::ALL.len()] = Default::default();
        let mut books: [Vec<Books>; Kind::ALL.len()] = Default::default();
        for outcome in outcomes {
            sum.merge(&outcome);
            for (into, from) in stays.iter_mut().zip(outcome.stays) {
                into.extend(from);
            }
            for (into, from) in books.iter_mut().zip(outcome.ledger.books) {
                into.push(from);
            }
        }
        for (part, planned) in sum.parts.iter_mut().zip(plan.parts()) {
            if let Some(kind) = planned.scenario.kind() {
                part.deliveries = rooms::settle(&books[kind as usize], &stays[kind as usize]);
                part.add_echoes();
            }
        }
        sum
    }

    fn merge(&mut self, outcome: &Outcome) {
        for (into, (ledger, fates)) in self.parts.iter_mut().zip(outcome.ledger.parts.iter().zip(&outcome.fates)) {
            into.ledger.merge(ledger);
            into.fates.merge(fates);
        }
        let totals = &outcome.totals;
        self.moves_accepted += totals.moves_accepted;
        self.moves_refused.merge(totals.moves_refused);
        self.unsent += totals.unsent;
        self.blocked += outcome.ledger.blocked;
        self.bytes_received += totals.bytes_received;
        self.bytes_sent += totals.bytes_sent;
        self.unread_bytes += totals.unread_bytes;
        self.longest_stall_ns = self.longest_stall_ns.max(totals.longest_stall_ns);
        self.timings.merge(&outcome.ledger.timings);
    }

    /// Deliveries of all parts that went missing.
    pub(super) fn missing(&self) -> u64 {
        self.parts.iter().map(|part| part.deliveries.missing).sum()
    }
}

impl PartTotals {
    /// What a sender sends itself is due to it alone.
    fn add_echoes(&mut self) {
        let missing = self.ledger.echoes_due.saturating_sub(self.ledger.echoes);
        self.deliveries.due += self.ledger.echoes_due;
        self.deliveries.delivered += self.ledger.echoes;
        self.deliveries.missing += missing;
        self.deliveries.not_arrived += missing;
    }
}
