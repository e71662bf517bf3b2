//! How long to wait before trying again.

use rand::{Rng, RngExt};
use std::time::Duration;

/// The first wait, before jitter.
const FIRST: Duration = Duration::from_millis(500);
/// The longest wait, before jitter.
const LONGEST: Duration = Duration::from_secs(15);

/// Waits that double, up to a bound. Each is shortened at random to between a half and the whole, so that clients which
/// lost the same server do not come back in one instant.
#[derive(Debug, Clone, Default)]
pub(crate) struct Backoff {
    failures: u32,
}

impl Backoff {
    /// The wait after one more failure.
    pub(crate) fn wait(&mut self, rng: &mut impl Rng) -> Duration {
        let doubled = FIRST.saturating_mul(1 << self.failures.min(16)).min(LONGEST);
        self.failures += 1;
        doubled.mul_f64(rng.random_range(0.5..=1.0))
    }

    /// Failures since the last success.
    pub(crate) fn failures(&self) -> u32 {
        self.failures
    }

    /// Begins anew, after a success that lasted.
    pub(crate) fn reset(&mut self) {
        self.failures = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::{Backoff, FIRST, LONGEST};
    use rand::{SeedableRng, rngs::SmallRng};

    #[test]
    fn waits_double_up_to_the_bound_with_jitter() {
        let mut backoff = Backoff::default();
        let mut rng = SmallRng::seed_from_u64(7);
        for failures in 0..40 {
            let whole = (FIRST * 2_u32.pow(failures.min(6))).min(LONGEST);
            let wait = backoff.wait(&mut rng);
            assert!(wait >= whole / 2 && wait <= whole, "after {failures} failures: {wait:?} of {whole:?}");
        }
        backoff.reset();
        assert!(backoff.wait(&mut rng) <= FIRST);
    }

    #[test]
    fn two_clients_wait_differently() {
        let wait = |seed| Backoff::default().wait(&mut SmallRng::seed_from_u64(seed));
        assert_ne!(wait(1), wait(2));
    }
}
