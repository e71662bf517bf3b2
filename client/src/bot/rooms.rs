//! How many positions were due to the bot's players, found at the end from what they saw. Pure.
//!
//! ```text
//! each thread:  Books    per room and batch: how many of its steps were the bot's own; who was seen leaving, and when
//! each player:  Stay     from which batch to which it sat there, what it received, which of its steps were accepted
//! all of them:  settle   one union per room -> due = accepted steps x members then seated
//! ```
//!
//! Invariant: due never depends on what one player failed to receive. A batch that one member saw is due to everyone
//! who was seated then; all members receive the same batches in the same order, so a batch number says who that was.
//! Moves of strangers (people, other bots) count neither as due nor as delivered, and neither do strangers as members.

use malpan_client::protocol::RoomId;
use std::collections::HashMap;

/// A batch that no member on this thread received (yet). No batch has so many moves.
const UNSEEN: u16 = u16::MAX;

/// One thread's notes on the rooms its players sit in. Two bytes a batch and room, so that an hour of 500 busy rooms
/// takes about 100 MB.
#[derive(Debug, Default)]
#[cfg_attr(test, derive(Clone))]
pub(super) struct Books {
    books: Vec<Book>,
    by_room: HashMap<RoomId, usize>,
}

#[derive(Debug)]
#[cfg_attr(test, derive(Clone))]
struct Book {
    room: RoomId,
    /// The number of the batch at index 0.
    first: u64,
    /// The bot's own steps in each batch, or [`UNSEEN`].
    batches: Vec<u16>,
    /// Which own player a member saw leave, and the last batch that this member had received before.
    departures: Vec<(u32, u64)>,
}

/// One player's time in a room, within the measured window.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stay {
    /// Who.
    pub(super) player: u32,
    /// Where.
    pub(super) room: RoomId,
    /// The last batch before the stay.
    pub(super) from_batch: u64,
    /// The last batch that the player knows of.
    pub(super) last_batch: u64,
    /// Whether it still sat there at the end. If not, others may have seen later batches before they saw it leave.
    pub(super) seated: bool,
    /// Own players' positions received in [`Updates`](malpan_client::protocol::Updates); snapshots not.
    pub(super) delivered: u64,
    /// The player's own steps that were accepted, those in batches that were left out for it included.
    pub(super) accepted: u64,
}

/// What was due and what came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Positions {
    /// Accepted steps x members then seated.
    pub(super) due: u64,
    /// How many of those came.
    pub(super) delivered: u64,
    /// How many did not.
    pub(super) missing: u64,
    /// How many of those stood in batches before the last one that their player received.
    pub(super) left_out: u64,
    /// How many stood in batches after that, while the player's connection held, and when it no longer did.
    pub(super) not_arrived: u64,
    pub(super) disconnected: u64,
    /// How many were in batches that nobody received.
    pub(super) never_sent: u64,
}

impl Books {
    /// The book of a room, opened where there is none. Returns its index.
    pub(super) fn open(&mut self, room: RoomId) -> usize {
        *self.by_room.entry(room).or_insert_with(|| {
            self.books.push(Book { room, first: 0, batches: Vec::new(), departures: Vec::new() });
            self.books.len() - 1
        })
    }

    /// A member received a batch with this many of the bot's own steps.
    pub(super) fn note_batch(&mut self, book: usize, batch: u64, own_steps: u16) {
        *self.books[book].entry(batch) = own_steps;
    }

    /// A member learnt that there was a batch, but not what was in it.
    pub(super) fn note_existence(&mut self, book: usize, batch: u64) {
        self.books[book].entry(batch);
    }

    /// A member that had received `after_batch` saw that an own player left.
    pub(super) fn note_departure(&mut self, book: usize, player: u32, after_batch: u64) {
        self.books[book].departures.push((player, after_batch));
    }
}

impl Book {
    fn entry(&mut self, batch: u64) -> &mut u16 {
        if self.batches.is_empty() {
            self.first = batch;
        }
        // A member that lags behind the one who opened the book.
        let before = usize::try_from(self.first.saturating_sub(batch)).expect("bounded by member.rs");
        if before > 0 {
            self.batches.splice(0..0, std::iter::repeat_n(UNSEEN, before));
            self.first = batch;
        }
        let index = usize::try_from(batch - self.first).expect("bounded by member.rs");
        if index >= self.batches.len() {
            self.batches.resize(index + 1, UNSEEN);
        }
        &mut self.batches[index]
    }
}

/// Joins the notes of all threads: what was due to everyone, and what of it came.
pub(super) fn settle(threads: &[Books], stays: &[Stay]) -> Positions {
    let mut rooms: HashMap<RoomId, (Vec<&Book>, Vec<&Stay>)> = HashMap::new();
    for book in threads.iter().flat_map(|thread| &thread.books) {
        rooms.entry(book.room).or_default().0.push(book);
    }
    for stay in stays {
        rooms.entry(stay.room).or_default().1.push(stay);
    }
    let mut sum = Positions::default();
    for (books, stays) in rooms.values() {
        let room = settle_room(books, stays);
        sum.due += room.due;
        sum.delivered += room.delivered;
        sum.missing += room.missing;
        sum.left_out += room.left_out;
        sum.not_arrived += room.not_arrived;
        sum.disconnected += room.disconnected;
        sum.never_sent += room.never_sent;
    }
    sum
}

fn settle_room(books: &[&Book], stays: &[&Stay]) -> Positions {
    let (first, steps) = union(books);
    // steps_until[i]: own steps in the batches before index i.
    let mut steps_until = vec![0_u64];
    for &own in &steps {
        let seen = if own == UNSEEN { 0 } else { u64::from(own) };
        steps_until.push(steps_until[steps_until.len() - 1] + seen);
    }
    let index_after = |batch: u64| {
        let index = (batch + 1).saturating_sub(first);
        usize::try_from(index).unwrap_or(usize::MAX).min(steps.len())
    };

    let mut positions = Positions::default();
    // Who sat where, as changes: +1 at the first index of a stay, -1 after its last.
    let mut changes = vec![0_i64; steps.len() + 1];
    for stay in stays {
        let (from, to) = (index_after(stay.from_batch), index_after(last_due_batch(stay, books)));
        let due = steps_until[to].saturating_sub(steps_until[from]);
        positions.due += due;
        positions.delivered += stay.delivered;
        let missing = due.saturating_sub(stay.delivered);
        positions.missing += missing;
        let after_the_last = steps_until[to].saturating_sub(steps_until[index_after(stay.last_batch).min(to)]);
        let after_the_last = after_the_last.min(missing);
        *if stay.seated { &mut positions.not_arrived } else { &mut positions.disconnected } += after_the_last;
        positions.left_out += missing - after_the_last;
        changes[from] += 1;
        changes[to.max(from)] -= 1;
    }

    // Steps that were accepted in batches which no member received: due to those who sat there then, or, where that
    // changed meanwhile, to the most there were.
    let accepted: u64 = stays.iter().map(|stay| stay.accepted).sum();
    let unseen_steps = accepted.saturating_sub(steps_until[steps.len()]);
    let unseen = unseen_steps * members_at_holes(&steps, &changes).unwrap_or(stays.len() as u64);
    positions.due += unseen;
    positions.missing += unseen;
    positions.never_sent += unseen;
    positions
}

/// The last batch that was due to a player.
fn last_due_batch(stay: &Stay, books: &[&Book]) -> u64 {
    if stay.seated {
        return u64::MAX - 1;
    }
    let departures = books.iter().flat_map(|book| &book.departures);
    let witnessed = departures.filter(|(player, _)| *player == stay.player).map(|&(_, after)| after).max();
    // Without a witness nobody can say what it missed after the last batch that it saw itself.
    witnessed.map_or(stay.last_batch, |after| after.max(stay.last_batch))
}

/// Every batch of a room that anyone saw: the number of the first and the own steps of each.
fn union(books: &[&Book]) -> (u64, Vec<u16>) {
    let seen = || books.iter().filter(|book| !book.batches.is_empty());
    let Some(first) = seen().map(|book| book.first).min() else { return (0, Vec::new()) };
    let mut steps = Vec::new();
    for book in seen() {
        let offset = usize::try_from(book.first - first).expect("bounded by member.rs");
        steps.resize(steps.len().max(offset + book.batches.len()), UNSEEN);
        for (own, &noted) in steps[offset..].iter_mut().zip(&book.batches) {
            if noted != UNSEEN {
                *own = noted;
            }
        }
    }
    (first, steps)
}

/// The most members there were at a batch that nobody received.
fn members_at_holes(steps: &[u16], changes: &[i64]) -> Option<u64> {
    let mut members = 0_i64;
    let seated = changes.iter().map(|change| {
        members += change;
        u64::try_from(members).expect("a stay ends after it begins")
    });
    steps.iter().zip(seated).filter(|&(&own, _)| own == UNSEEN).map(|(_, members)| members).max()
}

#[cfg(test)]
mod tests {
    use super::{Books, Positions, Stay};
    use malpan_client::protocol::RoomId;

    const ROOM: RoomId = RoomId(7);

    fn stay(player: u32, from_batch: u64, delivered: u64, accepted: u64) -> Stay {
        Stay { player, room: ROOM, from_batch, last_batch: from_batch, seated: true, delivered, accepted }
    }

    fn books(batches: impl IntoIterator<Item = (u64, u16)>) -> Books {
        let mut books = Books::default();
        let book = books.open(ROOM);
        for (batch, own_steps) in batches {
            books.note_batch(book, batch, own_steps);
        }
        books
    }

    /// The counts, without why some are missing.
    fn settle(threads: &[Books], stays: &[Stay]) -> (u64, u64, u64) {
        let Positions { due, delivered, missing, .. } = super::settle(threads, stays);
        (due, delivered, missing)
    }

    fn positions(due: u64, delivered: u64, missing: u64) -> (u64, u64, u64) {
        (due, delivered, missing)
    }

    #[test]
    fn why_something_is_missing_adds_up() {
        let mut books = books([(1, 2), (2, 1), (3, 3), (4, 1)]);
        books.note_departure(0, 2, 3);
        let stays = [
            // Everything but batch 2.
            Stay { last_batch: 4, ..stay(0, 0, 6, 7) },
            // Batches 3 and 4 are still on their way.
            Stay { last_batch: 2, ..stay(1, 0, 3, 0) },
            // Lost after batch 1; seen to leave after batch 3.
            Stay { last_batch: 1, seated: false, ..stay(2, 0, 2, 2) },
        ];
        let found = super::settle(&[books], &stays);
        // Two of the nine steps that were accepted stood in batches that nobody received.
        assert_eq!((found.left_out, found.not_arrived, found.disconnected, found.never_sent), (1, 4, 4, 6));
        assert_eq!(found.missing, 1 + 4 + 4 + 6);
        assert_eq!(found.due, found.delivered + found.missing);
    }

    #[test]
    fn due_is_accepted_steps_times_members() {
        let books = books([(11, 2), (12, 1), (13, 3)]);
        let stays = [stay(0, 10, 6, 4), stay(1, 10, 6, 2), stay(2, 10, 6, 0)];
        assert_eq!(settle(&[books], &stays), positions(18, 18, 0));
    }

    #[test]
    fn what_was_left_out_for_one_member_is_missing() {
        let books = books([(1, 2), (2, 1), (3, 3)]);
        let stays = [stay(0, 0, 6, 4), stay(1, 0, 5, 2)];
        assert_eq!(settle(&[books], &stays), positions(12, 11, 1));
    }

    #[test]
    fn two_threads_fill_each_others_gaps() {
        let (one, other) = (books([(1, 2), (3, 3)]), books([(2, 1), (3, 3), (4, 1)]));
        let stays = [stay(0, 0, 5, 5), stay(1, 0, 5, 2)];
        assert_eq!(settle(&[one, other], &stays), positions(14, 10, 4));
    }

    #[test]
    fn a_member_is_due_nothing_from_before_it_joined() {
        let books = books([(1, 2), (2, 1), (3, 3)]);
        let stays = [stay(0, 0, 6, 6), stay(1, 2, 3, 0)];
        assert_eq!(settle(&[books], &stays), positions(9, 9, 0));
    }

    #[test]
    fn a_member_is_due_nothing_from_after_it_left() {
        let mut books = books([(1, 2), (2, 1), (3, 3)]);
        let book = books.open(ROOM);
        books.note_departure(book, 1, 2);
        let gone = Stay { last_batch: 2, seated: false, ..stay(1, 0, 3, 1) };
        assert_eq!(settle(&[books], &[stay(0, 0, 6, 5), gone]), positions(9, 9, 0));
    }

    #[test]
    fn what_came_between_a_lost_members_last_batch_and_its_departure_is_missing() {
        let mut books = books([(1, 2), (2, 1), (3, 3)]);
        let book = books.open(ROOM);
        books.note_departure(book, 1, 2);
        let lost = Stay { last_batch: 1, seated: false, ..stay(1, 0, 2, 1) };
        assert_eq!(settle(&[books], &[stay(0, 0, 6, 5), lost]), positions(9, 8, 1));
    }

    #[test]
    fn the_last_witness_of_a_departure_counts() {
        let (mut one, mut other) = (books([(1, 1), (2, 1)]), books([(1, 1)]));
        one.note_departure(0, 2, 2);
        other.note_departure(0, 2, 1);
        let lost = Stay { last_batch: 1, seated: false, ..stay(2, 0, 1, 0) };
        let stays = [stay(0, 0, 2, 2), stay(1, 0, 2, 0), lost];
        assert_eq!(settle(&[one, other], &stays), positions(6, 5, 1));
    }

    #[test]
    fn a_lost_member_without_witness_is_due_what_it_saw() {
        let books = books([(1, 1), (2, 1)]);
        let stays = [stay(0, 0, 2, 2), Stay { last_batch: 1, seated: false, ..stay(1, 0, 1, 0) }];
        assert_eq!(settle(&[books], &stays), positions(3, 3, 0));
    }

    #[test]
    fn batches_that_nobody_received_are_found_by_the_steps_in_them() {
        let mut books = books([(1, 2)]);
        books.note_existence(0, 4);
        // Five steps accepted, two of them in a batch that was seen; the third member came after the gap.
        books.note_batch(0, 5, 1);
        let stays = [stay(0, 0, 3, 4), stay(1, 0, 3, 2), stay(2, 4, 1, 0)];
        assert_eq!(settle(&[books], &stays), positions(2 * 2 + 3 + 3 * 2, 7, 6));
    }

    #[test]
    fn steps_after_the_last_batch_that_anyone_knows_of_count_for_everyone() {
        assert_eq!(settle(&[], &[stay(0, 0, 0, 2), stay(1, 0, 0, 0)]), positions(4, 0, 4));
    }

    #[test]
    fn a_lagging_member_does_not_move_the_numbers() {
        let books = books([(5, 1), (3, 2), (4, 1)]);
        assert_eq!(settle(&[books], &[stay(0, 2, 4, 4), stay(1, 3, 2, 0)]), positions(6, 6, 0));
    }

    #[test]
    fn rooms_do_not_mix() {
        let mut books = books([(1, 2)]);
        let other = books.open(RoomId(8));
        books.note_batch(other, 1, 5);
        let stays = [stay(0, 0, 2, 2), Stay { room: RoomId(8), ..stay(1, 0, 5, 5) }];
        assert_eq!(settle(&[books], &stays), positions(7, 7, 0));
    }
}
