//! How fast one client may do what.

use crate::config::LimitsConfig;
use malpan_net::{Budget, Rate, Strikes};
use std::time::{Duration, Instant};

/// Wrong passwords of rooms, over a connection's whole life, that are no strikes yet: people mistype.
const WRONG_PASSWORDS: u8 = 3;

/// The rates, the same for everyone.
#[derive(Debug)]
pub(crate) struct Rates {
    packets: Rate,
    steps: Rate,
    signals: Rate,
    chat: Rate,
    joins: Rate,
    rooms_opened: Rate,
    strikes: usize,
    strike_window: Duration,
}

impl Rates {
    pub(crate) fn new(limits: &LimitsConfig) -> Self {
        const SECOND: Duration = Duration::from_secs(1);
        const MINUTE: Duration = Duration::from_secs(60);
        let rooms_opened = limits.rooms_opened_per_minute.into();
        Self {
            packets: Rate::per_second(limits.packets_per_second.into()),
            steps: Rate::new(limits.steps_per_second.into(), SECOND, limits.step_burst.into()),
            signals: Rate::per_second(limits.signals_per_second.into()),
            chat: Rate::new(limits.chat_lines.into(), limits.chat_window, limits.chat_lines.into()),
            joins: Rate::new(limits.joins_per_second.into(), SECOND, limits.join_burst.into()),
            rooms_opened: Rate::new(rooms_opened, MINUTE, rooms_opened),
            strikes: limits.rate_limit_strikes.into(),
            strike_window: limits.strike_window,
        }
    }
}

/// What one client has left. Where nothing is, the error says how long it will be.
#[derive(Debug, Default)]
pub(crate) struct Budgets {
    packets: Budget,
    steps: Budget,
    signals: Budget,
    chat: Budget,
    joins: Budget,
    rooms_opened: Budget,
    strikes: Strikes,
    wrong_passwords: u8,
}

impl Budgets {
    /// Notes that a room's password was not right. True where it was too often not, and counts as a strike.
    pub(crate) fn wrong_password(&mut self) -> bool {
        self.wrong_passwords = self.wrong_passwords.saturating_add(1);
        self.wrong_passwords > WRONG_PASSWORDS
    }

    pub(crate) fn packet(&mut self, rates: &Rates, now: Instant) -> Result<(), Duration> {
        self.packets.take_many(1, &rates.packets, now)
    }

    pub(crate) fn step(&mut self, rates: &Rates, now: Instant) -> Result<(), Duration> {
        self.steps.take_many(1, &rates.steps, now)
    }

    pub(crate) fn signal(&mut self, rates: &Rates, now: Instant) -> Result<(), Duration> {
        self.signals.take_many(1, &rates.signals, now)
    }

    pub(crate) fn chat(&mut self, rates: &Rates, now: Instant) -> Result<(), Duration> {
        self.chat.take_many(1, &rates.chat, now)
    }

    /// For joining a room, for lists of rooms and people, and for what an owner asks for.
    pub(crate) fn join(&mut self, rates: &Rates, now: Instant) -> Result<(), Duration> {
        self.joins.take_many(1, &rates.joins, now)
    }

    pub(crate) fn open_room(&mut self, rates: &Rates, now: Instant) -> Result<(), Duration> {
        self.rooms_opened.take_many(1, &rates.rooms_opened, now)
    }

    /// Notes a request over one of the rates. True when it is one too many.
    pub(crate) fn strike(&mut self, rates: &Rates, now: Instant) -> bool {
        self.strikes.strike(rates.strikes, rates.strike_window, now)
    }
}

/// A wait for people, never told too short: `1.3 s`.
pub(crate) fn soon(wait: Duration) -> String {
    let tenths = wait.as_micros().div_ceil(100_000);
    format!("{}.{} s", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::soon;
    use std::time::Duration;

    #[test]
    fn a_wait_is_told_in_tenths_of_a_second_and_never_too_short() {
        assert_eq!(soon(Duration::from_micros(1)), "0.1 s");
        assert_eq!(soon(Duration::from_millis(1200)), "1.2 s");
        assert_eq!(soon(Duration::from_micros(1_200_001)), "1.3 s");
    }
}
