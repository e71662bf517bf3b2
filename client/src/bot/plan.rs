//! What a run sets out to do: how many players, what each does and when, and what each is called. Pure.

use super::scenario::{Mix, Part, Scenario};
use malpan_client::protocol::Name;
use rand::{RngExt, SeedableRng, rngs::Xoshiro256PlusPlus};
use std::{
    sync::atomic::{
        AtomicU32,
        Ordering::{Acquire, Release},
    },
    time::Duration,
};

/// The generator of phases and walks. Its numbers are the same on every platform and for every `--threads`.
pub(super) type Rng = Xoshiro256PlusPlus;

/// The most players one run takes: what still fits a name.
pub(super) const MAX_PLAYERS: u32 = 1_000_000;

/// The plan of a run. Times are nanoseconds since a measured window opened.
///
/// Action `seq` of a player (counted from 1 since it was seated) is due at `phase + (seq - 1 - before) * period`, where
/// `before` were due in earlier windows. A player sends every action that is due and numbers them without gaps, so whoever
/// sees one knows from this plan alone when it was due: threads share nothing else for it.
#[derive(Debug)]
pub(super) struct Plan {
    seed: u64,
    parts: Vec<PlannedPart>,
    players: Vec<Planned>,
    run: u32,
    name_prefix: String,
}

/// One scenario of the run.
#[derive(Debug, Clone, Copy)]
pub(super) struct PlannedPart {
    pub(super) scenario: Scenario,
    /// Actions per second and player.
    pub(super) rate: f64,
    /// The time between two of them; `None` where there is none.
    pub(super) period_ns: Option<u64>,
}

#[derive(Debug)]
struct Planned {
    phase_ns: u64,
    /// How many actions the player sent before this window: written by its own thread before the first of the window.
    before: AtomicU32,
    part: u8,
}

impl Plan {
    /// A plan for `players` of `mix`. `rate` goes before each scenario's own. `run` is a number that no run beside this one
    /// has: it goes into the names.
    pub(super) fn new(mix: &Mix, players: u32, rate: Option<f64>, seed: u64, run: u32) -> Self {
        let parts: Vec<_> = mix.parts().iter().map(|part| PlannedPart::new(part, rate)).collect();
        let planned = (0..).zip(mix.assign(players)).map(|(player, part)| {
            let period = parts[usize::from(part)].period_ns;
            let phase_ns = period.map_or(0, |period| player_rng(seed, player).random_range(0..period));
            Planned { phase_ns, before: AtomicU32::new(0), part }
        });
        Self { seed, players: planned.collect(), parts, run, name_prefix: name_prefix(run) }
    }

    /// How many players the run has at the most.
    pub(super) fn players(&self) -> u32 {
        u32::try_from(self.players.len()).expect("made from a u32")
    }

    /// The scenarios.
    pub(super) fn parts(&self) -> &[PlannedPart] {
        &self.parts
    }

    /// The index of the player's part.
    pub(super) fn part_of(&self, player: u32) -> usize {
        self.players[player as usize].part.into()
    }

    /// What the player does.
    pub(super) fn scenario_of(&self, player: u32) -> Scenario {
        self.parts[self.part_of(player)].scenario
    }

    /// The time between two actions of the player, or `None` where it does none.
    pub(super) fn period_ns(&self, player: u32) -> Option<u64> {
        self.parts[self.part_of(player)].period_ns
    }

    /// Whether anyone acts at all.
    pub(super) fn has_actions(&self) -> bool {
        self.parts.iter().any(|part| part.period_ns.is_some() || part.scenario == Scenario::Storm)
    }

    /// When the player's first action of a window is due: uniform in the period, independent of everyone else's.
    pub(super) fn phase_ns(&self, player: u32) -> u64 {
        self.players[player as usize].phase_ns
    }

    /// When the player's action `seq` was due. `None` for numbers that no action of this window has.
    pub(super) fn due_ns(&self, player: u32, seq: u32) -> Option<u64> {
        let planned = &self.players[player as usize];
        let earlier = u64::from(seq.checked_sub(1)?.checked_sub(planned.before.load(Acquire))?);
        planned.phase_ns.checked_add(self.period_ns(player)?.checked_mul(earlier)?)
    }

    /// A window opens, before which the player has sent so many actions since it was seated.
    pub(super) fn count_from(&self, player: u32, before: u64) {
        let before = u32::try_from(before).expect("a run is too short for so many");
        self.players[player as usize].before.store(before, Release);
    }

    /// How many of the player's actions fall due before `end_ns`.
    pub(super) fn actions_before(&self, player: u32, end_ns: u64) -> u64 {
        match self.period_ns(player) {
            Some(period) => end_ns.saturating_sub(self.phase_ns(player)).div_ceil(period),
            // All at once, and once.
            None => u64::from(self.scenario_of(player) == Scenario::Storm && end_ns > 0),
        }
    }

    /// The player's name: no other player of any run has it.
    pub(super) fn name(&self, player: u32) -> Name {
        Name::new(&format!("{}{player}", self.name_prefix)).expect("13 characters and at most 7 digits")
    }

    /// The name of a hostile player's connection: no other connection of any run has it, since the server keeps the names of
    /// those that broke for a while.
    pub(super) fn hostile_name(&self, player: u32, attempt: u32) -> Name {
        let name = format!("{}{:05x}{:05x}", hostile_prefix(self.run), player & 0xf_ffff, attempt & 0xf_ffff);
        Name::new(&name).expect("20 characters")
    }

    /// Which of this run's players has that name, if it is one that is due what happens in its room.
    pub(super) fn member_named(&self, name: &Name) -> Option<u32> {
        let player = name.as_str().strip_prefix(&self.name_prefix)?.parse().ok()?;
        (player < self.players() && self.scenario_of(player).is_seated()).then_some(player)
    }

    /// The generator of the player's directions.
    pub(super) fn walk_rng(&self, player: u32) -> Rng {
        let mut rng = player_rng(self.seed, player);
        // The first number was the phase; a walk must not depend on it.
        let _phase: u64 = rng.random();
        rng
    }
}

impl PlannedPart {
    fn new(part: &Part, rate: Option<f64>) -> Self {
        let own = part.rate.or(rate.filter(|_| part.scenario.default_rate() > 0.0 && !part.scenario.is_hostile()));
        let rate = own.unwrap_or(part.scenario.default_rate());
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "at least 1, and below 2^64 ns")]
        let period_ns = (rate > 0.0).then(|| (1e9 / rate).round().max(1.0) as u64);
        Self { scenario: part.scenario, rate, period_ns }
    }
}

/// What the names of a run's honest players begin with. It is as long for every run: a recording is sent again under other names.
pub(super) fn name_prefix(run: u32) -> String {
    format!("bot-{run:08x}-")
}

/// The same of its hostile ones.
pub(super) fn hostile_prefix(run: u32) -> String {
    format!("x{run:08x}-")
}

/// One player's own generator. The seed and the number share no bits, so neighbours are as independent as strangers:
/// `seed_from_u64` mixes them.
fn player_rng(seed: u64, player: u32) -> Rng {
    let mut run = Rng::seed_from_u64(seed);
    Rng::seed_from_u64(run.random::<u64>() ^ u64::from(player))
}

/// A duration in nanoseconds; it has to be shorter than 500 years.
pub(super) fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::Plan;
    use malpan_client::protocol::Name;
    use std::collections::HashSet;

    const SECOND_NS: u64 = 1_000_000_000;

    fn plan(players: u32, rate: f64, seed: u64) -> Plan {
        Plan::new(&"walk".parse().unwrap(), players, Some(rate), seed, 0xabcd)
    }

    #[test]
    fn phases_are_uniform_in_the_period() {
        let plan = plan(10_000, 5.0, 1);
        let mut tenths = [0_u32; 10];
        for player in 0..10_000 {
            let phase = plan.phase_ns(player);
            assert!(phase < SECOND_NS / 5);
            tenths[(phase * 10 / (SECOND_NS / 5)) as usize] += 1;
        }
        // 1,000 expected, a standard deviation of 30.
        assert!(tenths.iter().all(|count| (850..1150).contains(count)), "{tenths:?}");
    }

    #[test]
    fn neighbours_are_independent() {
        let plan = plan(10_000, 5.0, 1);
        let phase = |player| plan.phase_ns(player) as f64 / (SECOND_NS / 5) as f64 - 0.5;
        let covariance = (0..9_999).map(|player| phase(player) * phase(player + 1)).sum::<f64>() / 9_999.0;
        // Uniform variables have a variance of 1/12; the correlation's standard deviation is 0.01 here.
        assert!((covariance * 12.0).abs() < 0.05, "correlation {}", covariance * 12.0);
    }

    #[test]
    fn the_seed_decides_the_phases_and_nothing_else_does() {
        let phases = |players, seed| {
            let plan = plan(players, 5.0, seed);
            (0..100).map(|player| plan.phase_ns(player)).collect::<Vec<_>>()
        };
        assert_eq!(phases(100, 7), phases(5_000, 7));
        assert_ne!(phases(100, 7), phases(100, 8));
    }

    #[test]
    fn a_move_is_due_by_its_number() {
        let plan = plan(2, 4.0, 1);
        let phase = plan.phase_ns(1);
        assert_eq!(plan.due_ns(1, 0), None);
        assert_eq!(plan.due_ns(1, 1), Some(phase));
        assert_eq!(plan.due_ns(1, 9), Some(phase + 2 * SECOND_NS));
    }

    #[test]
    fn moves_are_those_before_the_end() {
        let plan = plan(1, 4.0, 1);
        let phase = plan.phase_ns(0);
        assert_eq!(plan.actions_before(0, phase), 0);
        assert_eq!(plan.actions_before(0, phase + 1), 1);
        assert_eq!(plan.actions_before(0, phase + SECOND_NS), 4);
        assert_eq!(plan.actions_before(0, 10 * SECOND_NS), 40);
    }

    #[test]
    fn nobody_moves_at_rate_0() {
        let plan = plan(3, 0.0, 1);
        assert_eq!(plan.actions_before(2, u64::MAX), 0);
        assert_eq!(plan.due_ns(2, 1), None);
    }

    #[test]
    fn names_lead_back_to_their_players_and_to_no_others() {
        let plan = plan(super::MAX_PLAYERS, 0.0, 1);
        let last = super::MAX_PLAYERS - 1;
        assert_eq!(plan.name(last).as_str(), "bot-0000abcd-999999");
        let names: HashSet<Name> = (0..1_000).map(|player| plan.name(player)).collect();
        assert_eq!(names.len(), 1_000);
        assert_eq!(plan.member_named(&plan.name(last)), Some(last));
        for stranger in ["bot-0000abcd-1000000", "bot-0000abce-1", "bot-0000abcd-", "bot-0000abcd--1", "ann"] {
            assert_eq!(plan.member_named(&Name::new(stranger).unwrap()), None, "{stranger}");
        }
    }

    #[test]
    fn walks_differ_between_players() {
        use rand::RngExt;
        let plan = plan(2, 1.0, 1);
        assert_ne!(plan.walk_rng(0).random::<u64>(), plan.walk_rng(1).random::<u64>());
    }
}
