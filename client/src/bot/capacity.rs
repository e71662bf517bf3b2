//! How many players a server holds: which number to try next. Pure.
//!
//! ```text
//! grow by half each time -> the limit breaks -> narrow between what held and what broke -> confirm the most that held
//! ```
//!
//! A number counts as held or broken when two windows in a row say so: one alone may have caught a hiccup, or a moment in
//! which the server lived on what was not yet queued.

/// Numbers of players are multiples of this: a room's seats.
const STEP: u32 = 10;
/// Narrowing ends where what held and what broke are so close, in parts of what held.
const CLOSE: u32 = 20;
/// The most windows with one number of players.
const MOST_WINDOWS: u32 = 5;
/// A number that does not hold to the end is lowered a little, and by more after each so many tries: a machine that has become
/// slower holds some number too.
const PATIENCE: u32 = 2;
/// The most that it is lowered by at once, in parts of it.
const LARGEST_STEP: u32 = 3;

/// What a try is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    Grow,
    Narrow,
    /// One long window.
    Confirm,
}

/// How many players to try next, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Try {
    pub(super) players: u32,
    pub(super) phase: Phase,
}

/// How a search ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// So many held, and a few more did not.
    Found(u32),
    /// As many as were allowed held.
    Ceiling(u32),
    /// Not even the fewest held.
    Nothing,
}

/// A search for the most players with whom the limit holds.
#[derive(Debug)]
pub(super) struct Search {
    ceiling: u32,
    current: Try,
    held: u32,
    broken: Option<u32>,
    /// What the windows with the current number said, in order.
    windows: Vec<bool>,
    confirmations: u32,
    end: Option<End>,
}

impl Phase {
    /// As reports name it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Grow => "grow",
            Self::Narrow => "narrow",
            Self::Confirm => "confirm",
        }
    }
}

impl Search {
    /// A search that begins with `first` players and goes no higher than `ceiling`.
    pub(super) fn new(first: u32, ceiling: u32) -> Self {
        let current = Try { players: first.min(ceiling), phase: Phase::Grow };
        Self { ceiling, current, held: 0, broken: None, windows: Vec::new(), confirmations: 0, end: None }
    }

    /// What to try, or how the search ended.
    pub(super) fn next(&self) -> Result<Try, End> {
        self.end.map_or(Ok(self.current), Err)
    }

    /// A window with the current number of players held, or broke the limit. Returns whether the number is settled.
    pub(super) fn note(&mut self, held: bool) -> bool {
        self.windows.push(held);
        let again = self.windows.len() >= 2 && self.windows[self.windows.len() - 2] == held;
        let enough = self.windows.len() >= MOST_WINDOWS as usize;
        if self.current.phase != Phase::Confirm && !again && !enough {
            return false;
        }
        self.windows.clear();
        let players = self.current.players;
        match (self.current.phase, held) {
            (Phase::Confirm, true) => {
                self.end = Some(if self.broken.is_none() { End::Ceiling(players) } else { End::Found(players) });
            }
            (Phase::Confirm, false) => {
                self.confirmations += 1;
                self.broken = Some(players);
                let parts = (CLOSE >> ((self.confirmations - 1) / PATIENCE).min(5)).max(LARGEST_STEP);
                let lower = round(players - players / parts).min(players - STEP.min(players));
                self.confirm(lower);
            }
            (_, true) => {
                self.held = players;
                self.go_on();
            }
            (_, false) => {
                self.broken = Some(players);
                self.go_on();
            }
        }
        true
    }

    /// The most players with whom the limit has held so far.
    pub(super) fn held(&self) -> u32 {
        self.held
    }

    fn go_on(&mut self) {
        let Some(broken) = self.broken else {
            if self.held == self.ceiling {
                return self.confirm(self.ceiling);
            }
            let players = round(self.held + self.held / 2).max(self.held + STEP).min(self.ceiling);
            self.current = Try { players, phase: Phase::Grow };
            return;
        };
        let between = broken.saturating_sub(self.held);
        let middle = round(self.held + between / 2);
        if between <= STEP.max(self.held / CLOSE) || middle <= self.held || middle >= broken {
            return self.confirm(self.held);
        }
        self.current = Try { players: middle, phase: Phase::Narrow };
    }

    fn confirm(&mut self, players: u32) {
        if players == 0 {
            self.end = Some(End::Nothing);
            return;
        }
        self.current = Try { players, phase: Phase::Confirm };
    }
}

fn round(players: u32) -> u32 {
    players / STEP * STEP
}

#[cfg(test)]
mod tests {
    use super::{End, Phase, Search};
    use std::cell::Cell;

    /// Searches a server that holds what `holds` says; returns the end and how many windows it took.
    fn search(first: u32, ceiling: u32, holds: impl Fn(u32, Phase) -> bool) -> (End, u32) {
        let mut search = Search::new(first, ceiling);
        for windows in 0..200 {
            match search.next() {
                Ok(next) => {
                    assert!(next.players <= ceiling && next.players > 0, "{next:?}");
                    search.note(holds(next.players, next.phase));
                }
                Err(end) => return (end, windows),
            }
        }
        panic!("no end");
    }

    #[test]
    fn the_limit_is_found_to_a_twentieth() {
        for limit in [10, 95, 150, 1_234, 9_876, 15_000] {
            let (end, windows) = search(100, 20_000, |players, _| players <= limit);
            let End::Found(found) = end else { panic!("{limit}: {end:?}") };
            assert!(found <= limit && limit - found <= 10.max(limit / 19), "{found} of {limit}");
            assert!(windows <= 50, "{windows}");
        }
    }

    #[test]
    fn a_server_that_holds_all_is_said_to_hold_the_ceiling() {
        assert_eq!(search(100, 3_000, |_, _| true).0, End::Ceiling(3_000));
        assert_eq!(search(100, 50, |_, _| true).0, End::Ceiling(50));
    }

    #[test]
    fn a_server_that_holds_nobody_ends_the_search() {
        assert_eq!(search(100, 3_000, |_, _| false).0, End::Nothing);
    }

    #[test]
    fn one_hiccup_is_no_limit() {
        let windows = Cell::new(0);
        let hiccup = |players, _| {
            windows.set(windows.get() + 1);
            windows.get() != 3 && players <= 1_000
        };
        let (end, _) = search(100, 20_000, hiccup);
        assert!(matches!(end, End::Found(950..=1_000)), "{end:?}");
    }

    #[test]
    fn what_does_not_hold_to_the_end_is_lowered() {
        let (end, _) =
            search(100, 20_000, |players, phase| players <= if phase == Phase::Confirm { 900 } else { 1_000 });
        assert!(matches!(end, End::Found(850..=900)), "{end:?}");
    }
    #[test]
    fn a_machine_that_becomes_slower_while_it_is_searched_holds_some_number_too() {
        let (end, windows) =
            search(100, 20_000, |players, phase| players <= if phase == Phase::Confirm { 2_000 } else { 8_000 });
        assert!(matches!(end, End::Found(1_300..=2_000)), "{end:?}");
        assert!(windows <= 40, "{windows}");
    }
}
