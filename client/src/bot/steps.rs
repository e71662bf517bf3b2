//! What became of one player's own steps, lines or signals. Pure.

use malpan_client::protocol::{RefusalReason, WireError, game::board::Refusal};
use std::collections::VecDeque;

/// Why a step was not done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Why {
    OffBoard,
    Taken,
    TooFast,
}

impl Why {
    /// What the packet says.
    ///
    /// # Errors
    /// [`WireError`] where that is no reason of the board.
    pub(super) fn of(reason: &RefusalReason) -> Result<Self, WireError> {
        Ok(match reason {
            RefusalReason::TooFast => Self::TooFast,
            RefusalReason::Rules(rules) => match rules.decode()? {
                Refusal::OffBoard => Self::OffBoard,
                Refusal::Taken => Self::Taken,
            },
        })
    }
}

/// How many steps were refused, by reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Refused {
    pub(super) off_board: u64,
    pub(super) taken: u64,
    pub(super) too_fast: u64,
}

impl Refused {
    /// Counts one more.
    pub(super) fn count(&mut self, why: Why) {
        match why {
            Why::OffBoard => self.off_board += 1,
            Why::Taken => self.taken += 1,
            Why::TooFast => self.too_fast += 1,
        }
    }

    /// For whatever reason.
    pub(super) fn sum(&self) -> u64 {
        self.off_board + self.taken + self.too_fast
    }

    /// Adds another's.
    pub(super) fn merge(&mut self, other: Self) {
        self.off_board += other.off_board;
        self.taken += other.taken;
        self.too_fast += other.too_fast;
    }
}

/// One player's steps.
#[derive(Debug, Default)]
pub(super) struct Steps {
    /// Numbers that were sent and of which nothing was heard, rising.
    open: VecDeque<u32>,
    sent: u32,
    /// How many of those before the window.
    before: u32,
    acked: u64,
    refused: Refused,
    /// The highest number known to be accepted.
    last_accepted: u32,
}

impl Steps {
    /// A window opens: what is counted begins anew, and the numbers go on.
    pub(super) fn open_window(&mut self) {
        self.before = self.sent;
        self.acked = 0;
        self.refused = Refused::default();
    }

    /// A step was sent; its number is the next one, and returned.
    pub(super) fn send(&mut self) -> u32 {
        self.sent += 1;
        self.open.push_back(self.sent);
        self.sent
    }

    /// A step was acknowledged in a batch. Returns whether an answer to it was awaited.
    pub(super) fn acknowledge(&mut self, seq: u32) -> bool {
        self.last_accepted = self.last_accepted.max(seq);
        let awaited = self.close(seq);
        self.acked += u64::from(awaited);
        awaited
    }

    /// A snapshot named this as the last accepted step: the earlier ones that are open were in batches left out.
    pub(super) fn catch_up(&mut self, seq: u32) {
        self.last_accepted = self.last_accepted.max(seq);
    }

    /// A step was refused. Returns whether an answer to it was awaited.
    pub(super) fn refuse(&mut self, seq: u32, why: Why) -> bool {
        let awaited = self.close(seq);
        if awaited {
            self.refused.count(why);
        }
        awaited
    }

    /// A request was denied, and the denial names none: it was the oldest that is open, as the server goes by their order.
    /// Returns whether one was.
    pub(super) fn refuse_oldest(&mut self) -> bool {
        self.open.pop_front().is_some()
    }

    /// How many were sent since the player was seated.
    pub(super) fn sent(&self) -> u64 {
        self.sent.into()
    }

    /// How many of those in the window.
    pub(super) fn sent_in_window(&self) -> u64 {
        (self.sent - self.before).into()
    }

    /// How many were refused.
    pub(super) fn refused(&self) -> Refused {
        self.refused
    }

    /// Whether nothing is open.
    pub(super) fn all_answered(&self) -> bool {
        self.open.is_empty()
    }

    /// How many neither an acknowledgement nor a refusal came for.
    pub(super) fn open(&self) -> u64 {
        self.open.len() as u64
    }

    /// How many were accepted, as far as this player knows: those acknowledged, and, at the end of a run, those open
    /// ones with a later number accepted. The server does a player's steps in order and always sends a refusal, so
    /// those stood in batches that were left out.
    pub(super) fn accepted(&self) -> u64 {
        self.acked + self.open.partition_point(|&seq| seq <= self.last_accepted) as u64
    }

    fn close(&mut self, seq: u32) -> bool {
        // Nearly always the first.
        if self.open.front() == Some(&seq) {
            self.open.pop_front();
            return true;
        }
        self.open.binary_search(&seq).is_ok_and(|index| self.open.remove(index).is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::{Steps, Why};
    use malpan_client::protocol::{RefusalBytes, RefusalReason, game::board::Refusal};

    fn sent(count: u32) -> Steps {
        let mut steps = Steps::default();
        (0..count).for_each(|_| _ = steps.send());
        steps
    }

    #[test]
    fn the_boards_reasons_are_read() {
        let rules = |refusal: Refusal| RefusalReason::Rules(RefusalBytes::of(&refusal).unwrap());
        assert_eq!(Why::of(&rules(Refusal::OffBoard)), Ok(Why::OffBoard));
        assert_eq!(Why::of(&rules(Refusal::Taken)), Ok(Why::Taken));
        assert_eq!(Why::of(&RefusalReason::TooFast), Ok(Why::TooFast));
        assert!(Why::of(&RefusalReason::Rules(RefusalBytes::of(&2u8).unwrap())).is_err());
    }

    #[test]
    fn each_step_is_answered_once() {
        let mut steps = sent(3);
        assert!(steps.acknowledge(1) && steps.refuse(2, Why::Taken) && steps.acknowledge(3));
        assert!(!steps.acknowledge(3) && !steps.refuse(1, Why::Taken) && !steps.acknowledge(4));
        assert_eq!((steps.sent(), steps.accepted(), steps.open(), steps.refused().taken), (3, 2, 0, 1));
    }

    #[test]
    fn a_step_before_an_accepted_one_was_accepted_unless_a_refusal_comes_late() {
        let mut steps = sent(5);
        steps.acknowledge(4);
        assert_eq!((steps.accepted(), steps.open()), (4, 4));
        steps.refuse(2, Why::TooFast);
        assert_eq!((steps.accepted(), steps.open()), (3, 3));
    }

    #[test]
    fn a_snapshot_tells_what_was_accepted_meanwhile() {
        let mut steps = sent(5);
        steps.acknowledge(1);
        steps.catch_up(4);
        assert_eq!((steps.accepted(), steps.open()), (4, 4));
    }
}
