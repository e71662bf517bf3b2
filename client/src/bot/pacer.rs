//! What is due next, over all players of one thread. Pure.

use super::plan::Plan;
use std::collections::BTreeMap;

/// The order in which a thread's players act.
#[derive(Debug)]
pub(super) struct Schedule {
    /// One for each period that players have.
    rounds: Vec<Rounds>,
    end_ns: u64,
}

/// Players of the same period: everyone once per period, sorted by phase, round after round. One cursor stands for what
/// would otherwise be a timer per player.
#[derive(Debug)]
struct Rounds {
    /// Phase and slot, by phase.
    order: Vec<(u64, u32)>,
    cursor: usize,
    period_ns: u64,
    /// When the round at the cursor began.
    round_ns: u64,
}

/// An action that is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Due {
    /// Whose, as an index into the thread's players.
    pub(super) slot: u32,
    /// When, in nanoseconds since the window opened.
    pub(super) at_ns: u64,
}

impl Schedule {
    /// The schedule of the players given with their slots, up to `end_ns` after the window opened.
    pub(super) fn new(plan: &Plan, players: impl IntoIterator<Item = (u32, u32)>, end_ns: u64) -> Self {
        let mut by_period: BTreeMap<u64, Vec<(u64, u32)>> = BTreeMap::new();
        for (slot, player) in players {
            if let Some(period) = plan.period_ns(player) {
                by_period.entry(period).or_default().push((plan.phase_ns(player), slot));
            }
        }
        let rounds = by_period.into_iter().map(|(period_ns, mut order)| {
            order.sort_unstable();
            Rounds { order, cursor: 0, period_ns, round_ns: 0 }
        });
        Self { rounds: rounds.collect(), end_ns }
    }

    /// When the next action is due, if one is before the end.
    pub(super) fn next_ns(&self) -> Option<u64> {
        self.rounds.iter().map(Rounds::next_ns).min().filter(|&at| at < self.end_ns)
    }

    /// Takes the next action that is due at `now_ns`.
    pub(super) fn take_due(&mut self, now_ns: u64) -> Option<Due> {
        let end_ns = self.end_ns;
        let next = self.rounds.iter_mut().min_by_key(|rounds| rounds.next_ns())?;
        let at_ns = next.next_ns();
        (at_ns <= now_ns && at_ns < end_ns).then(|| Due { slot: next.advance(), at_ns })
    }

    /// Ends the schedule at `end_ns`, or where it ended before.
    pub(super) fn cut(&mut self, end_ns: u64) {
        self.end_ns = self.end_ns.min(end_ns);
    }
}

impl Rounds {
    fn next_ns(&self) -> u64 {
        let (phase, _) = self.order[self.cursor];
        self.round_ns + phase
    }

    /// Goes on to the next, and returns whose turn it was.
    fn advance(&mut self) -> u32 {
        let (_, slot) = self.order[self.cursor];
        self.cursor += 1;
        if self.cursor == self.order.len() {
            self.cursor = 0;
            self.round_ns += self.period_ns;
        }
        slot
    }
}

#[cfg(test)]
mod tests {
    use super::Schedule;
    use crate::bot::plan::Plan;

    const END_NS: u64 = 2_000_000_000;

    fn plan(rate: f64) -> Plan {
        Plan::new(&"walk".parse().unwrap(), 50, Some(rate), 3, 0)
    }

    fn drain(schedule: &mut Schedule, now_ns: u64) -> Vec<(u32, u64)> {
        std::iter::from_fn(|| schedule.take_due(now_ns)).map(|due| (due.slot, due.at_ns)).collect()
    }

    #[test]
    fn every_move_comes_once_in_the_order_of_time_and_as_the_plan_says() {
        let plan = plan(5.0);
        let mut schedule = Schedule::new(&plan, (0..50).map(|player| (player, player)), END_NS);
        let moves = drain(&mut schedule, u64::MAX);
        assert!(moves.is_sorted_by_key(|&(_, at)| at));
        let mut sent = [0_u32; 50];
        for (slot, at) in moves {
            sent[slot as usize] += 1;
            assert_eq!(plan.due_ns(slot, sent[slot as usize]), Some(at));
        }
        for (player, sent) in (0..).zip(sent) {
            assert_eq!(u64::from(sent), plan.actions_before(player, END_NS));
        }
    }

    #[test]
    fn players_of_different_rates_come_in_the_order_of_time() {
        let plan = Plan::new(&"walk:1@7,chat:1@3".parse().unwrap(), 50, None, 3, 0);
        let mut schedule = Schedule::new(&plan, (0..50).map(|player| (player, player)), END_NS);
        let actions = drain(&mut schedule, u64::MAX);
        assert!(actions.is_sorted_by_key(|&(_, at)| at));
        for player in 0..50 {
            let times: Vec<_> = actions.iter().filter(|(slot, _)| *slot == player).map(|&(_, at)| at).collect();
            assert_eq!(times.len() as u64, plan.actions_before(player, END_NS));
            assert_eq!(times.last().copied(), plan.due_ns(player, u32::try_from(times.len()).unwrap()));
        }
    }

    #[test]
    fn nothing_is_early() {
        let plan = plan(5.0);
        let mut schedule = Schedule::new(&plan, [(7, 31)], END_NS);
        let phase = plan.phase_ns(31);
        assert_eq!(schedule.next_ns(), Some(phase));
        assert_eq!(drain(&mut schedule, phase - 1), []);
        assert_eq!(drain(&mut schedule, phase), [(7, phase)]);
        assert_eq!(schedule.next_ns(), Some(phase + 200_000_000));
    }

    #[test]
    fn a_cut_schedule_ends_there() {
        let plan = plan(5.0);
        let mut schedule = Schedule::new(&plan, [(0, 0)], END_NS);
        schedule.cut(plan.phase_ns(0) + 200_000_000);
        assert_eq!(drain(&mut schedule, u64::MAX).len(), 1);
        schedule.cut(u64::MAX);
        assert_eq!(schedule.next_ns(), None);
    }

    #[test]
    fn nothing_is_ever_due_at_rate_0_or_without_players() {
        assert_eq!(Schedule::new(&plan(0.0), [(0, 0)], END_NS).next_ns(), None);
        assert_eq!(Schedule::new(&plan(5.0), [], END_NS).next_ns(), None);
    }
}
