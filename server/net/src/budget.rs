//! Rate limits. Pure: the caller says what time it is.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

/// How fast something may happen: `burst` at once, and one more per `interval`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    interval: Duration,
    /// How far ahead of its time one may be taken: what the rest of the burst takes to fill up.
    ahead: Duration,
}

impl Rate {
    /// `count` per `period` on average, of which up to `burst` may come at once.
    ///
    /// # Panics
    /// Where `count` or `burst` is 0: a thing that may never happen has no rate.
    #[must_use]
    pub fn new(count: u32, period: Duration, burst: u32) -> Self {
        assert!(count > 0 && burst > 0, "a rate allows something");
        let interval = period / count;
        Self { interval, ahead: interval * (burst - 1) }
    }

    /// `count` per second, as many at once.
    ///
    /// # Panics
    /// Where `count` is 0.
    #[must_use]
    pub fn per_second(count: u32) -> Self {
        Self::new(count, Duration::from_secs(1), count)
    }
}

/// What is left of a [`Rate`], as the time at which it would be whole again (the generic cell rate algorithm): one
/// word of state, no timer.
///
/// ```
/// use malpan_net::{Budget, Rate};
/// use std::time::{Duration, Instant};
///
/// // Five in five seconds, two of them at once.
/// let rate = Rate::new(5, Duration::from_secs(5), 2);
/// let (mut budget, now) = (Budget::default(), Instant::now());
/// assert!(budget.take(&rate, now) && budget.take(&rate, now));
/// assert!(!budget.take(&rate, now));
/// // A second later there is one more.
/// assert!(budget.take(&rate, now + Duration::from_secs(1)));
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct Budget {
    whole_at: Option<Instant>,
}

impl Budget {
    /// Takes one, if one is left at `now`.
    pub fn take(&mut self, rate: &Rate, now: Instant) -> bool {
        self.take_many(1, rate, now).is_ok()
    }

    /// Takes `count` at once, if one is left at `now`; what is not there is owed. The error says how long it will be until
    /// one is left.
    ///
    /// # Errors
    /// Where none is left.
    pub fn take_many(&mut self, count: u32, rate: &Rate, now: Instant) -> Result<(), Duration> {
        let wait = self.ready_in(rate, now);
        if !wait.is_zero() {
            return Err(wait);
        }
        let whole_at = self.whole_at.map_or(now, |at| at.max(now));
        self.whole_at = Some(whole_at + rate.interval.saturating_mul(count));
        Ok(())
    }

    /// How long it will be until one is left; zero where one is.
    #[must_use]
    pub fn ready_in(&self, rate: &Rate, now: Instant) -> Duration {
        let whole_in = self.whole_at.map_or(Duration::ZERO, |at| at.saturating_duration_since(now));
        whole_in.saturating_sub(rate.ahead)
    }
}

/// Counts offences within a sliding window.
#[derive(Debug, Default)]
pub struct Strikes {
    /// Empty, and so without memory of its own, for everyone who keeps to the rules.
    times: VecDeque<Instant>,
}

impl Strikes {
    /// Notes one at `now`. True when it is the `limit`th within `window`.
    pub fn strike(&mut self, limit: usize, window: Duration, now: Instant) -> bool {
        while self.times.front().is_some_and(|&at| now.saturating_duration_since(at) >= window) {
            self.times.pop_front();
        }
        self.times.push_back(now);
        self.times.len() >= limit
    }
}

#[cfg(test)]
mod tests {
    use super::{Budget, Rate, Strikes};
    use proptest::prelude::*;
    use std::time::{Duration, Instant};

    fn ms(n: u64) -> Duration {
        Duration::from_millis(n)
    }

    #[test]
    fn a_burst_then_the_rate() {
        let rate = Rate::new(20, ms(1000), 10);
        let (mut budget, start) = (Budget::default(), Instant::now());
        assert!((0..10).all(|_| budget.take(&rate, start)));
        assert!(!budget.take(&rate, start));
        assert!(!budget.take(&rate, start + ms(49)));
        assert!(budget.take(&rate, start + ms(50)));
        assert!(!budget.take(&rate, start + ms(50)));
        // A rest fills the burst up again, and no further.
        let later = start + ms(60_000);
        assert!((0..10).all(|_| budget.take(&rate, later)));
        assert!(!budget.take(&rate, later));
    }

    #[test]
    fn many_at_once_are_owed_and_the_wait_is_told() {
        let rate = Rate::new(10, ms(1000), 10);
        let (mut budget, start) = (Budget::default(), Instant::now());
        assert_eq!(budget.take_many(30, &rate, start), Ok(()));
        assert_eq!(budget.take_many(1, &rate, start), Err(ms(2100)));
        assert_eq!(budget.ready_in(&rate, start + ms(2000)), ms(100));
        assert!(!budget.take(&rate, start + ms(2099)) && budget.take(&rate, start + ms(2100)));
    }

    #[test]
    fn the_tenth_strike_in_the_window_counts() {
        let (mut strikes, start) = (Strikes::default(), Instant::now());
        assert!((0..9).all(|n| !strikes.strike(10, ms(10_000), start + ms(n))));
        // The first nine have left the window by then.
        assert!(!strikes.strike(10, ms(10_000), start + ms(10_100)));
        assert!((0..8).all(|n| !strikes.strike(10, ms(10_000), start + ms(10_200 + n))));
        assert!(strikes.strike(10, ms(10_000), start + ms(10_300)));
    }

    proptest! {
        /// Over any stretch of time no more pass than the burst and what the rate gives meanwhile.
        #[test]
        fn never_more_than_the_rate(count in 1u32..50, burst in 1u32..20, gaps in prop::collection::vec(0u64..200, 1..300)) {
            let rate = Rate::new(count, ms(1000), burst);
            let (mut budget, start) = (Budget::default(), Instant::now());
            let mut at = Duration::ZERO;
            let mut passed = Vec::new();
            for gap in gaps {
                at += ms(gap);
                if budget.take(&rate, start + at) {
                    passed.push(at);
                }
            }
            for (i, &from) in passed.iter().enumerate() {
                for (j, &to) in passed.iter().enumerate().skip(i) {
                    let allowed = f64::from(burst) + (to - from).as_secs_f64() * f64::from(count) + 1e-6;
                    prop_assert!((j - i + 1) as f64 <= allowed);
                }
            }
        }
    }
}
