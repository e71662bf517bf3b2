//! How fast one client may do what.

use crate::config::LimitsConfig;
use malpan_net::{Budget, Rate, Strikes};
use std::time::{Duration, Instant};

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

/// What one client has left.
#[derive(Debug, Default)]
pub(crate) struct Budgets {
    packets: Budget,
    steps: Budget,
    signals: Budget,
    chat: Budget,
    joins: Budget,
    rooms_opened: Budget,
    strikes: Strikes,
}

impl Budgets {
    pub(crate) fn packet(&mut self, rates: &Rates, now: Instant) -> bool {
        self.packets.take(&rates.packets, now)
    }

    pub(crate) fn step(&mut self, rates: &Rates, now: Instant) -> bool {
        self.steps.take(&rates.steps, now)
    }

    pub(crate) fn signal(&mut self, rates: &Rates, now: Instant) -> bool {
        self.signals.take(&rates.signals, now)
    }

    pub(crate) fn chat(&mut self, rates: &Rates, now: Instant) -> bool {
        self.chat.take(&rates.chat, now)
    }

    /// For joining a room and for listing rooms: both look through all of them.
    pub(crate) fn join(&mut self, rates: &Rates, now: Instant) -> bool {
        self.joins.take(&rates.joins, now)
    }

    pub(crate) fn open_room(&mut self, rates: &Rates, now: Instant) -> bool {
        self.rooms_opened.take(&rates.rooms_opened, now)
    }

    /// Notes a request over one of the rates. True when it is one too many.
    pub(crate) fn strike(&mut self, rates: &Rates, now: Instant) -> bool {
        self.strikes.strike(rates.strikes, rates.strike_window, now)
    }
}
