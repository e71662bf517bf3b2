//! How many players a server holds: which number to try next. Pure.
//!
//! ```text
//! grow by half each time -> the limit breaks -> narrow between what held and what broke
//!   -> confirm, in long windows: up while it holds and down while it does not, until one holds and a little more does not
//! ```
//!
//! The short windows only find where to begin with the long ones: a machine that others use too has slow and quick moments, and
//! where it would be theirs to answer, the answer would be another each time.

/// Numbers of players are multiples of this: a room's seats.
const STEP: u32 = 10;
/// What held and what broke are close, in parts of what held: so fine is the answer.
const CLOSE: u32 = 20;
/// The most short windows with one number of players.
const MOST_WINDOWS: u32 = 5;
/// Long windows go up or down by a little, and by more after each so many that said the same: the short ones may have seen a
/// machine of another speed.
const PATIENCE: u32 = 2;
/// The most that they go up or down by at once, in parts of the number.
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
    /// What the short windows said until now; then what the long ones did.
    range: Range,
    /// The most that held in the short ones.
    narrowed: u32,
    /// What the short windows with the current number said, in order.
    windows: Vec<bool>,
    /// Long windows.
    confirmations: u32,
    end: Option<End>,
}

/// The most players that held, and the fewest above them that did not.
#[derive(Debug, Clone, Copy, Default)]
struct Range {
    held: Option<u32>,
    broken: Option<u32>,
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
        Self {
            ceiling,
            current,
            range: Range::default(),
            narrowed: 0,
            windows: Vec::new(),
            confirmations: 0,
            end: None,
        }
    }

    /// What to try, or how the search ended.
    pub(super) fn next(&self) -> Result<Try, End> {
        self.end.map_or(Ok(self.current), Err)
    }

    /// The most players with whom the limit has held so far.
    pub(super) fn held(&self) -> u32 {
        let unconfirmed = if self.range.broken.is_none() { self.narrowed } else { 0 };
        self.range.held.unwrap_or(unconfirmed)
    }

    /// A window with the current number of players held, or broke the limit. Returns whether the number is settled.
    pub(super) fn note(&mut self, held: bool) -> bool {
        if !self.settles(held) {
            return false;
        }
        self.windows.clear();
        let players = self.current.players;
        let known = if held { &mut self.range.held } else { &mut self.range.broken };
        *known = Some(players);
        match self.current.phase {
            Phase::Grow if held && players < self.ceiling => {
                let more = round(players + players / 2).max(players + STEP).min(self.ceiling);
                self.current = Try { players: more, phase: Phase::Grow };
            }
            Phase::Grow | Phase::Narrow => match self.range.middle() {
                Some(players) => self.current = Try { players, phase: Phase::Narrow },
                None => {
                    self.narrowed = self.held();
                    self.range = Range::default();
                    self.confirm(self.narrowed);
                }
            },
            Phase::Confirm => {
                self.confirmations += 1;
                self.go_on_confirming();
            }
        }
        true
    }

    /// A short window that breaks may have caught a hiccup, and one that holds while it is narrowed a moment in which the server
    /// lived on what was not yet queued: two in a row have to agree.
    fn settles(&mut self, held: bool) -> bool {
        if self.current.phase == Phase::Confirm || (self.current.phase == Phase::Grow && held) {
            return true;
        }
        self.windows.push(held);
        self.windows.ends_with(&[held, held]) || self.windows.len() >= MOST_WINDOWS as usize
    }

    fn go_on_confirming(&mut self) {
        let parts = (CLOSE >> ((self.confirmations - 1) / PATIENCE).min(5)).max(LARGEST_STEP);
        let step = |from: u32| round(from / parts).max(STEP);
        match (self.range.held, self.range.broken) {
            (Some(held), _) if held == self.ceiling => self.end = Some(End::Ceiling(held)),
            (Some(held), None) => self.confirm((held + step(held)).min(self.ceiling)),
            (None, Some(broken)) => self.confirm(broken.saturating_sub(step(broken))),
            (Some(held), Some(_)) => match self.range.middle() {
                Some(players) => self.confirm(players),
                None => self.end = Some(End::Found(held)),
            },
            (None, None) => unreachable!("each window holds or breaks"),
        }
    }

    fn confirm(&mut self, players: u32) {
        if players == 0 {
            self.end = Some(End::Nothing);
            return;
        }
        self.current = Try { players, phase: Phase::Confirm };
    }
}

impl Range {
    /// What to try between what held and what broke; `None` where they are close.
    fn middle(self) -> Option<u32> {
        let (held, broken) = (self.held.unwrap_or(0), self.broken?);
        let between = broken.saturating_sub(held);
        let middle = round(held + between / 2);
        (between > STEP.max(held / CLOSE) && held < middle && middle < broken).then_some(middle)
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
    fn what_does_not_hold_for_long_is_lowered() {
        let (end, _) =
            search(100, 20_000, |players, phase| players <= if phase == Phase::Confirm { 900 } else { 1_000 });
        assert!(matches!(end, End::Found(850..=900)), "{end:?}");
    }

    #[test]
    fn a_machine_that_becomes_slower_while_it_is_searched_holds_some_number_too() {
        let (end, windows) =
            search(100, 20_000, |players, phase| players <= if phase == Phase::Confirm { 2_000 } else { 8_000 });
        assert!(matches!(end, End::Found(1_900..=2_000)), "{end:?}");
        assert!(windows <= 40, "{windows}");
    }

    #[test]
    fn a_machine_that_was_slow_while_it_was_narrowed_is_not_held_to_that() {
        for (short, long, at_least) in [(5_000, 5_500, 5_225), (1_000, 8_000, 7_600)] {
            let (end, windows) =
                search(100, 20_000, |players, phase| players <= if phase == Phase::Confirm { long } else { short });
            let End::Found(found) = end else { panic!("{end:?}") };
            assert!((at_least..=long).contains(&found), "{found}");
            assert!(windows <= 40, "{windows}");
        }
        // Up to what is allowed.
        let (end, _) = search(100, 2_000, |players, phase| phase == Phase::Confirm || players <= 1_000);
        assert_eq!(end, End::Ceiling(2_000));
    }

    /// As machines do that others use too: slow for minutes, then quick.
    #[test]
    fn the_answer_lies_between_what_a_machine_holds_when_it_is_slow_and_when_it_is_quick() {
        for period in [2, 3, 5, 8, 13, 21] {
            for first in 0..period {
                let windows = Cell::new(first);
                let (end, _) = search(100, 20_000, |players, _| {
                    windows.set(windows.get() + 1);
                    players <= if windows.get() / period % 2 == 0 { 6_000 } else { 8_000 }
                });
                let End::Found(found) = end else { panic!("{period} {first}: {end:?}") };
                assert!((5_700..=8_000).contains(&found), "{period} {first}: {found}");
            }
        }
    }
}
