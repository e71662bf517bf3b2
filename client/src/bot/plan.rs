//! What a run sets out to do: how many players, when each moves, and what each is called. Pure.

use malpan_client::protocol::Name;
use rand::{RngExt, SeedableRng, rngs::Xoshiro256PlusPlus};
use std::time::Duration;

/// The generator of phases and walks. Its numbers are the same on every platform and for every `--threads`.
pub(super) type Rng = Xoshiro256PlusPlus;

/// The most players one run takes: what still fits a name.
pub(super) const MAX_PLAYERS: u32 = 1_000_000;

/// The plan of a run. Times are nanoseconds since the measured window opened.
///
/// Move `seq` of a player (counted from 1) is due at `phase + (seq - 1) * period`. A player sends every move that is
/// due and numbers them without gaps, so whoever sees an acknowledgement knows from this plan alone when that move was
/// due: threads share no state for it.
#[derive(Debug)]
pub(super) struct Plan {
    seed: u64,
    period_ns: Option<u64>,
    duration_ns: u64,
    phases_ns: Vec<u64>,
    name_prefix: String,
}

impl Plan {
    /// A plan for `players` who each make `rate` moves a second (0: none) for `duration`. `run` is a number that no
    /// run beside this one has: it goes into the names.
    pub(super) fn new(players: u32, rate: f64, duration: Duration, seed: u64, run: u32) -> Self {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "at least 1, and below 2^64 ns")]
        let period_ns = (rate > 0.0).then(|| (1e9 / rate).round().max(1.0) as u64);
        let phases_ns = match period_ns {
            Some(period) => (0..players).map(|player| player_rng(seed, player).random_range(0..period)).collect(),
            None => vec![0; players as usize],
        };
        Self { seed, period_ns, duration_ns: nanos(duration), phases_ns, name_prefix: format!("bot-{run:08x}-") }
    }

    /// How many players the run asks for.
    pub(super) fn players(&self) -> u32 {
        u32::try_from(self.phases_ns.len()).expect("made from a u32")
    }

    /// The time between two moves of a player, or `None` where nobody moves.
    pub(super) fn period_ns(&self) -> Option<u64> {
        self.period_ns
    }

    /// How long moves fall due.
    pub(super) fn duration_ns(&self) -> u64 {
        self.duration_ns
    }

    /// When the player's first move is due: uniform in the period, independent of everyone else's.
    pub(super) fn phase_ns(&self, player: u32) -> u64 {
        self.phases_ns[player as usize]
    }

    /// When the player's move `seq` was due. `None` for numbers that no move has.
    pub(super) fn due_ns(&self, player: u32, seq: u32) -> Option<u64> {
        let earlier = u64::from(seq.checked_sub(1)?);
        self.phase_ns(player).checked_add(self.period_ns?.checked_mul(earlier)?)
    }

    /// How many of the player's moves fall due before `end_ns`.
    pub(super) fn moves_before(&self, player: u32, end_ns: u64) -> u64 {
        let Some(period) = self.period_ns else { return 0 };
        end_ns.saturating_sub(self.phase_ns(player)).div_ceil(period)
    }

    /// The player's name: no other player of any run has it.
    pub(super) fn name(&self, player: u32) -> Name {
        Name::new(&format!("{}{player}", self.name_prefix)).expect("13 characters and at most 7 digits")
    }

    /// Which of this run's players has that name.
    pub(super) fn player_named(&self, name: &Name) -> Option<u32> {
        let player = name.as_str().strip_prefix(&self.name_prefix)?.parse().ok()?;
        (player < self.players()).then_some(player)
    }

    /// The generator of the player's directions.
    pub(super) fn walk_rng(&self, player: u32) -> Rng {
        let mut rng = player_rng(self.seed, player);
        // The first number was the phase; a walk must not depend on it.
        let _phase: u64 = rng.random();
        rng
    }
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
    use std::{collections::HashSet, time::Duration};

    const SECOND_NS: u64 = 1_000_000_000;

    fn plan(players: u32, rate: f64, seed: u64) -> Plan {
        Plan::new(players, rate, Duration::from_secs(10), seed, 0xabcd)
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
        assert_eq!(plan.moves_before(0, phase), 0);
        assert_eq!(plan.moves_before(0, phase + 1), 1);
        assert_eq!(plan.moves_before(0, phase + SECOND_NS), 4);
        assert_eq!(plan.moves_before(0, 10 * SECOND_NS), 40);
    }

    #[test]
    fn nobody_moves_at_rate_0() {
        let plan = plan(3, 0.0, 1);
        assert_eq!(plan.moves_before(2, u64::MAX), 0);
        assert_eq!(plan.due_ns(2, 1), None);
    }

    #[test]
    fn names_lead_back_to_their_players_and_to_no_others() {
        let plan = plan(super::MAX_PLAYERS, 0.0, 1);
        let last = super::MAX_PLAYERS - 1;
        assert_eq!(plan.name(last).as_str(), "bot-0000abcd-999999");
        let names: HashSet<Name> = (0..1_000).map(|player| plan.name(player)).collect();
        assert_eq!(names.len(), 1_000);
        assert_eq!(plan.player_named(&plan.name(last)), Some(last));
        for stranger in ["bot-0000abcd-1000000", "bot-0000abce-1", "bot-0000abcd-", "bot-0000abcd--1", "ann"] {
            assert_eq!(plan.player_named(&Name::new(stranger).unwrap()), None, "{stranger}");
        }
    }

    #[test]
    fn walks_differ_between_players() {
        use rand::RngExt;
        let plan = plan(2, 1.0, 1);
        assert_ne!(plan.walk_rng(0).random::<u64>(), plan.walk_rng(1).random::<u64>());
    }
}
