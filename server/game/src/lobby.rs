//! The lobby: which rooms there are and which seats are free. One reservation at a time; the host holds a lock around
//! it.

use malpan_protocol::{GameName, MAX_SEATS, RoomFilter, RoomId, RoomInfo, RoomTitle, Seat, SeatCount};
use std::collections::BTreeMap;

/// The rooms, their seats, and who watches. A reserved seat counts as taken, so a room with one cannot close under whoever
/// is on the way to it. Watchers keep no room open.
#[derive(Debug)]
pub struct Lobby {
    rooms: BTreeMap<RoomId, Entry>,
    last: u32,
    max_rooms: usize,
}

#[derive(Debug)]
struct Entry {
    title: RoomTitle,
    game: GameName,
    shard: usize,
    seats: SeatCount,
    taken: [bool; MAX_SEATS],
    watchers: usize,
}

/// A reserved seat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The room.
    pub room: RoomId,
    /// The seat in it.
    pub seat: Seat,
}

/// Why no seat in a given room was reserved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum JoinError {
    /// No room has that number, or not any more.
    #[error("there is no room {0}")]
    NoSuchRoom(RoomId),
    /// Every seat is taken.
    #[error("room {0} is full")]
    RoomFull(RoomId),
}

/// Why a room cannot be watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WatchError {
    /// No room has that number, or not any more.
    #[error("there is no room {0}")]
    NoSuchRoom(RoomId),
    /// As many watch it as may.
    #[error("as many watch room {0} as may")]
    Full(RoomId),
}

/// Why no room was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("there are {0} rooms, and no more are opened")]
pub struct OpenError(usize);

/// What became of a room when a seat was given back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Released {
    /// Others still have seats in it.
    Open,
    /// It was the last seat: the room is no longer listed and its number is never used again.
    Closed,
}

impl Lobby {
    /// No rooms yet; at most `max_rooms` at once.
    #[must_use]
    pub fn new(max_rooms: usize) -> Self {
        Self { rooms: BTreeMap::new(), last: 0, max_rooms }
    }

    /// Opens a room on a shard and reserves its first seat. The title is given the room's number.
    ///
    /// # Errors
    /// [`OpenError`] where there are as many rooms as there may be.
    pub fn open(
        &mut self,
        title: impl FnOnce(RoomId) -> RoomTitle,
        game: GameName,
        seats: SeatCount,
        shard: usize,
    ) -> Result<Place, OpenError> {
        let number = self.last.checked_add(1).filter(|_| self.rooms.len() < self.max_rooms);
        let room = RoomId(number.ok_or(OpenError(self.rooms.len()))?);
        self.last = room.0;
        let mut entry = Entry { title: title(room), game, shard, seats, taken: [false; MAX_SEATS], watchers: 0 };
        let seat = entry.reserve().expect("a new room has a free seat");
        self.rooms.insert(room, entry);
        Ok(Place { room, seat })
    }

    /// Reserves a seat in a given room: the free one with the lowest number.
    ///
    /// # Errors
    /// [`JoinError`] where there is no such room or seat.
    pub fn reserve(&mut self, room: RoomId) -> Result<Place, JoinError> {
        let entry = self.rooms.get_mut(&room).ok_or(JoinError::NoSuchRoom(room))?;
        let seat = entry.reserve().ok_or(JoinError::RoomFull(room))?;
        Ok(Place { room, seat })
    }

    /// Reserves a seat in the fullest room of `game` with a free one: on `shard` only, or where that is `None` on all.
    /// `None` where there is no such room.
    pub fn reserve_any(&mut self, game: GameName, shard: Option<usize>) -> Option<Place> {
        let open = |entry: &Entry| {
            entry.game == game && entry.has_free_seat() && shard.is_none_or(|shard| shard == entry.shard)
        };
        // The lowest number among equally full ones: people who come together meet.
        let (room, entry) = self
            .rooms
            .iter_mut()
            .rev()
            .filter(|(_, entry)| open(entry))
            .max_by_key(|(_, entry)| entry.taken_count())?;
        Some(Place { room: *room, seat: entry.reserve()? })
    }

    /// Gives a seat back; a room without one closes. A room that is not there (it failed) is closed already.
    pub fn release(&mut self, place: Place) -> Released {
        let Some(entry) = self.rooms.get_mut(&place.room) else { return Released::Closed };
        entry.taken[place.seat.index()] = false;
        if entry.taken_count() > 0 {
            return Released::Open;
        }
        self.rooms.remove(&place.room);
        Released::Closed
    }

    /// Counts one more who watches a room, of whom there may be `most`.
    ///
    /// # Errors
    /// [`WatchError`] where there is no such room, or no more may watch it.
    pub fn watch(&mut self, room: RoomId, most: usize) -> Result<(), WatchError> {
        let entry = self.rooms.get_mut(&room).ok_or(WatchError::NoSuchRoom(room))?;
        if entry.watchers >= most {
            return Err(WatchError::Full(room));
        }
        entry.watchers += 1;
        Ok(())
    }

    /// Someone watches no more. A room that is not there has closed meanwhile.
    pub fn unwatch(&mut self, room: RoomId) {
        if let Some(entry) = self.rooms.get_mut(&room) {
            entry.watchers -= 1;
        }
    }

    /// What is played in a room.
    #[must_use]
    pub fn game(&self, room: RoomId) -> Option<GameName> {
        self.rooms.get(&room).map(|entry| entry.game)
    }

    /// Strikes a room out, whoever sits there: it failed.
    pub fn remove(&mut self, room: RoomId) {
        self.rooms.remove(&room);
    }

    /// Up to `limit` rooms numbered above `after`, and where the next page begins, if there is one.
    #[must_use]
    pub fn page(&self, after: RoomId, filter: RoomFilter, limit: usize) -> (Vec<RoomInfo>, Option<RoomId>) {
        let wanted = |entry: &Entry| filter == RoomFilter::All || entry.has_free_seat();
        let above = (std::ops::Bound::Excluded(after), std::ops::Bound::Unbounded);
        let mut rooms: Vec<_> = self
            .rooms
            .range(above)
            .filter(|(_, entry)| wanted(entry))
            .take(limit + 1)
            .map(|(&room, entry)| entry.info(room))
            .collect();
        let more = rooms.len() > limit;
        rooms.truncate(limit);
        let next = rooms.last().map(|last| last.room).filter(|_| more);
        (rooms, next)
    }

    /// How many rooms there are.
    #[must_use]
    pub fn rooms(&self) -> usize {
        self.rooms.len()
    }

    /// How many seats are taken or reserved, in all rooms.
    #[must_use]
    pub fn seats_taken(&self) -> usize {
        self.rooms.values().map(Entry::taken_count).sum()
    }
}

impl Entry {
    fn reserve(&mut self) -> Option<Seat> {
        let seat = Seat::all(self.seats).find(|seat| !self.taken[seat.index()])?;
        self.taken[seat.index()] = true;
        Some(seat)
    }

    fn taken_count(&self) -> usize {
        self.taken.iter().filter(|&&taken| taken).count()
    }

    fn has_free_seat(&self) -> bool {
        self.taken_count() < self.seats.count()
    }

    fn info(&self, room: RoomId) -> RoomInfo {
        let taken = u8::try_from(self.taken_count()).expect("at most MAX_SEATS");
        let watchers = u8::try_from(self.watchers).unwrap_or(u8::MAX);
        RoomInfo { room, title: self.title.clone(), game: self.game, taken, seats: self.seats, watchers }
    }
}

#[cfg(test)]
mod tests {
    use super::{JoinError, Lobby, Place, Released, WatchError};
    use malpan_protocol::{GameName, RoomFilter, RoomId, RoomTitle, SeatCount};
    use proptest::prelude::*;
    use std::collections::HashSet;

    const BOARD: GameName = GameName::BOARD;

    fn title(room: RoomId) -> RoomTitle {
        RoomTitle::new(&format!("Board {room}")).unwrap()
    }

    fn seats(count: u8) -> SeatCount {
        SeatCount::new(count).unwrap()
    }

    #[test]
    fn quick_join_takes_the_fullest_open_room_of_the_shard() {
        let mut lobby = Lobby::new(10);
        let small = lobby.open(title, BOARD, seats(3), 0).unwrap().room;
        let fuller = lobby.open(title, BOARD, seats(3), 0).unwrap().room;
        lobby.reserve(fuller).unwrap();
        let elsewhere = lobby.open(title, BOARD, seats(10), 1).unwrap().room;
        for _ in 0..4 {
            lobby.reserve(elsewhere).unwrap();
        }
        assert_eq!(lobby.reserve_any(BOARD, Some(0)).unwrap().room, fuller);
        assert_eq!(lobby.reserve_any(BOARD, Some(0)).unwrap().room, small);
        assert_eq!(lobby.reserve_any(BOARD, None).unwrap().room, elsewhere);
        assert_eq!(lobby.reserve_any(BOARD, Some(0)).unwrap().room, small);
        assert_eq!(lobby.reserve_any(BOARD, Some(0)), None);
    }

    #[test]
    fn games_do_not_mix() {
        let mut lobby = Lobby::new(10);
        let five = lobby.open(title, GameName::FIVE, seats(2), 0).unwrap().room;
        assert_eq!(lobby.reserve_any(BOARD, None), None);
        assert_eq!(lobby.reserve_any(GameName::FIVE, None).unwrap().room, five);
        assert_eq!(lobby.game(five), Some(GameName::FIVE));
    }

    #[test]
    fn watchers_are_bounded_and_keep_no_room_open() {
        let mut lobby = Lobby::new(1);
        let place = lobby.open(title, BOARD, seats(1), 0).unwrap();
        lobby.watch(place.room, 1).unwrap();
        assert_eq!(lobby.watch(place.room, 1), Err(WatchError::Full(place.room)));
        assert_eq!(lobby.page(RoomId(0), RoomFilter::All, 9).0[0].watchers, 1);
        lobby.unwatch(place.room);
        lobby.watch(place.room, 1).unwrap();
        assert_eq!(lobby.release(place), Released::Closed);
        assert_eq!(lobby.watch(place.room, 1), Err(WatchError::NoSuchRoom(place.room)));
        lobby.unwatch(place.room);
    }

    #[test]
    fn a_room_that_failed_is_gone_with_all_its_seats() {
        let mut lobby = Lobby::new(1);
        let place = lobby.open(title, BOARD, seats(2), 0).unwrap();
        lobby.reserve(place.room).unwrap();
        lobby.remove(place.room);
        assert_eq!((lobby.rooms(), lobby.seats_taken(), lobby.game(place.room)), (0, 0, None));
        assert_eq!(lobby.release(place), Released::Closed, "who sat there is late");
        assert!(lobby.open(title, BOARD, seats(2), 0).is_ok(), "its place is free");
    }

    #[test]
    fn a_room_without_seats_taken_is_gone_for_good() {
        let mut lobby = Lobby::new(1);
        let first = lobby.open(title, BOARD, seats(2), 0).unwrap();
        assert!(lobby.open(title, BOARD, seats(2), 0).is_err());
        let second = lobby.reserve(first.room).unwrap();
        assert_eq!(lobby.reserve(first.room), Err(JoinError::RoomFull(first.room)));
        assert_eq!(lobby.release(first), Released::Open);
        assert_eq!(lobby.release(second), Released::Closed);
        assert_eq!(lobby.reserve(first.room), Err(JoinError::NoSuchRoom(first.room)));
        assert_ne!(lobby.open(title, BOARD, seats(2), 0).unwrap().room, first.room);
    }

    #[test]
    fn pages_cover_every_wanted_room_once() {
        let mut lobby = Lobby::new(100);
        for n in 0..25 {
            lobby.open(title, BOARD, seats(if n % 5 == 0 { 1 } else { 2 }), 0).unwrap();
        }
        for (filter, expected) in [(RoomFilter::All, 25), (RoomFilter::Open, 20)] {
            let (mut after, mut seen) = (RoomId(0), Vec::new());
            loop {
                let (page, next) = lobby.page(after, filter, 5);
                assert!(page.len() <= 5);
                seen.extend(page.into_iter().map(|info| info.room));
                match next {
                    Some(next) => after = next,
                    None => break,
                }
            }
            assert_eq!(seen.len(), expected);
            assert!(seen.is_sorted_by(|a, b| a < b));
        }
    }

    #[test]
    fn a_page_that_the_last_rooms_fill_is_the_last() {
        let mut lobby = Lobby::new(3);
        let rooms = [0, 1, 2].map(|_| lobby.open(title, BOARD, seats(1), 0).unwrap().room);
        let (_, next) = lobby.page(RoomId(0), RoomFilter::All, 3);
        assert_eq!((lobby.page(RoomId(0), RoomFilter::All, 2).1, next), (Some(rooms[1]), None));
    }

    proptest! {
        /// No seat is handed out twice, no room has more taken than it has seats, and the counts agree.
        #[test]
        fn seats_are_unique(actions in prop::collection::vec((0u8..4, 0usize..30, 1u8..=10), 0..200)) {
            let mut lobby = Lobby::new(5);
            let mut held: Vec<Place> = Vec::new();
            for (kind, pick, count) in actions {
                let place = match kind {
                    0 => lobby.open(title, BOARD, seats(count), pick % 2).ok(),
                    1 => lobby.reserve_any(BOARD, (pick % 3 < 2).then_some(pick % 2)),
                    2 => held.get(pick).and_then(|place| lobby.reserve(place.room).ok()),
                    _ => {
                        if pick < held.len() {
                            lobby.release(held.swap_remove(pick));
                        }
                        None
                    }
                };
                held.extend(place);
                let unique: HashSet<_> = held.iter().map(|place| (place.room, place.seat)).collect();
                prop_assert_eq!(unique.len(), held.len());
                prop_assert_eq!(lobby.seats_taken(), held.len());
                prop_assert_eq!(lobby.rooms(), held.iter().map(|place| place.room).collect::<HashSet<_>>().len());
                let (rooms, _) = lobby.page(RoomId(0), RoomFilter::All, 100);
                prop_assert!(rooms.iter().all(|info| usize::from(info.taken) <= info.seats.count()));
            }
        }
    }
}
