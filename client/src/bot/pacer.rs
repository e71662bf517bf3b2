//! Which move is due next, over all players of one thread. Pure.

use super::plan::Plan;

/// The order in which a thread's players move: everyone once per period, sorted by phase, round after round. One
/// cursor stands for what would otherwise be a timer per player.
#[derive(Debug)]
pub(super) struct Schedule {
    /// Phase and slot, by phase.
    order: Vec<(u64, u32)>,
    cursor: usize,
    period_ns: u64,
    /// When the round at the cursor began.
    round_ns: u64,
    end_ns: u64,
}

/// A move that is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Due {
    /// Whose, as an index into the thread's players.
    pub(super) slot: u32,
    /// When, in nanoseconds since the window opened.
    pub(super) at_ns: u64,
}

impl Schedule {
    /// The schedule of the players given with their slots.
    pub(super) fn new(plan: &Plan, players: impl IntoIterator<Item = (u32, u32)>) -> Self {
        let mut order: Vec<_> = match plan.period_ns() {
            Some(_) => players.into_iter().map(|(slot, player)| (plan.phase_ns(player), slot)).collect(),
            None => Vec::new(),
        };
        order.sort_unstable();
        let period_ns = plan.period_ns().unwrap_or(0);
        Self { order, cursor: 0, period_ns, round_ns: 0, end_ns: plan.duration_ns() }
    }

    /// When the next move is due, if one is before the end.
    pub(super) fn next_ns(&self) -> Option<u64> {
        let (phase, _) = self.order.get(self.cursor)?;
        Some(self.round_ns + phase).filter(|&at| at < self.end_ns)
    }

    /// Takes the next move that is due at `now_ns`.
    pub(super) fn take_due(&mut self, now_ns: u64) -> Option<Due> {
        let at_ns = self.next_ns().filter(|&at| at <= now_ns)?;
        let (_, slot) = self.order[self.cursor];
        self.cursor += 1;
        if self.cursor == self.order.len() {
            self.cursor = 0;
            self.round_ns += self.period_ns;
        }
        Some(Due { slot, at_ns })
    }

    /// Ends the schedule at `end_ns`, or where it ended before.
    pub(super) fn cut(&mut self, end_ns: u64) {
        self.end_ns = self.end_ns.min(end_ns);
    }
}

#[cfg(test)]
mod tests {
    use super::Schedule;
    use crate::bot::plan::Plan;
    use std::time::Duration;

    fn plan(rate: f64) -> Plan {
        Plan::new(50, rate, Duration::from_secs(2), 3, 0)
    }

    fn drain(schedule: &mut Schedule, now_ns: u64) -> Vec<(u32, u64)> {
        std::iter::from_fn(|| schedule.take_due(now_ns)).map(|due| (due.slot, due.at_ns)).collect()
    }

    #[test]
    fn every_move_comes_once_in_the_order_of_time_and_as_the_plan_says() {
        let plan = plan(5.0);
        let mut schedule = Schedule::new(&plan, (0..50).map(|player| (player, player)));
        let moves = drain(&mut schedule, u64::MAX);
        assert!(moves.is_sorted_by_key(|&(_, at)| at));
        let mut sent = [0_u32; 50];
        for (slot, at) in moves {
            sent[slot as usize] += 1;
            assert_eq!(plan.due_ns(slot, sent[slot as usize]), Some(at));
        }
        for (player, sent) in (0..).zip(sent) {
            assert_eq!(u64::from(sent), plan.moves_before(player, plan.duration_ns()));
        }
    }

    #[test]
    fn nothing_is_early() {
        let plan = plan(5.0);
        let mut schedule = Schedule::new(&plan, [(7, 31)]);
        let phase = plan.phase_ns(31);
        assert_eq!(schedule.next_ns(), Some(phase));
        assert_eq!(drain(&mut schedule, phase - 1), []);
        assert_eq!(drain(&mut schedule, phase), [(7, phase)]);
        assert_eq!(schedule.next_ns(), Some(phase + 200_000_000));
    }

    #[test]
    fn a_cut_schedule_ends_there() {
        let plan = plan(5.0);
        let mut schedule = Schedule::new(&plan, [(0, 0)]);
        schedule.cut(plan.phase_ns(0) + 200_000_000);
        assert_eq!(drain(&mut schedule, u64::MAX).len(), 1);
        schedule.cut(u64::MAX);
        assert_eq!(schedule.next_ns(), None);
    }

    #[test]
    fn nothing_is_ever_due_at_rate_0_or_without_players() {
        assert_eq!(Schedule::new(&plan(0.0), [(0, 0)]).next_ns(), None);
        assert_eq!(Schedule::new(&plan(5.0), []).next_ns(), None);
    }
}
