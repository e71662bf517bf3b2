//! The lobby: which rooms there are and which seats are free. One reservation at a time; the host holds a lock around
//! it.

use malpan_protocol::{
    Door, GameName, MAX_SEATS, Name, RoomEntry, RoomFilter, RoomId, RoomInfo, RoomQuery, RoomTitle, Seat, SeatCount,
};
use std::collections::BTreeMap;

/// Rooms that are looked at for one page, at the most: whoever asks for what no room has keeps nobody waiting.
const LOOKS_PER_PAGE: usize = 1000;

/// The rooms, their seats, and who watches. A reserved seat counts as taken, so a room with one cannot close under whoever
/// is on the way to it. Watchers keep no room open. A room without a seat taken may be kept for a while: until it is closed
/// it is as any other.
#[derive(Debug)]
pub struct Lobby {
    rooms: BTreeMap<RoomId, Entry>,
    last: u32,
    max_rooms: usize,
    keeps_empty: bool,
}

#[derive(Debug)]
struct Entry {
    title: RoomTitle,
    /// For whoever looks for a part of it.
    folded: Box<str>,
    game: GameName,
    shard: usize,
    seats: SeatCount,
    taken: [bool; MAX_SEATS],
    watchers: usize,
    door: Door,
    owner: Option<Name>,
}

/// A room that is opened again as it was when its server ended.
#[derive(Debug, Clone)]
pub struct Opened {
    /// Its number.
    pub room: RoomId,
    /// Its title.
    pub title: RoomTitle,
    /// What is played in it.
    pub game: GameName,
    /// How many seats it has.
    pub seats: SeatCount,
    /// Those that are taken.
    pub taken: Vec<Seat>,
    /// How one comes in.
    pub door: Door,
    /// Whose it is.
    pub owner: Option<Name>,
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
    /// It was the last seat, and the room is kept: [`Lobby::close_if_empty`] closes it.
    Empty,
    /// It was the last seat: the room is no longer listed and its number is never used again.
    Closed,
}

impl Lobby {
    /// No rooms yet; at most `max_rooms` at once. `keeps_empty` keeps those that everyone has left.
    #[must_use]
    pub fn new(max_rooms: usize, keeps_empty: bool) -> Self {
        Self { rooms: BTreeMap::new(), last: 0, max_rooms, keeps_empty }
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
        let title = title(room);
        let mut entry = Entry {
            folded: title.folded().into(),
            title,
            game,
            shard,
            seats,
            taken: [false; MAX_SEATS],
            watchers: 0,
            door: Door::Open,
            owner: None,
        };
        let seat = entry.reserve().expect("a new room has a free seat");
        self.rooms.insert(room, entry);
        Ok(Place { room, seat })
    }

    /// Opens a room on a shard as it was. Its number is not given again.
    ///
    /// # Errors
    /// [`OpenError`] where there are as many rooms as there may be, or one with that number.
    pub fn reopen(&mut self, opened: Opened, shard: usize) -> Result<(), OpenError> {
        let Opened { room, title, game, seats, taken: are_taken, door, owner } = opened;
        if self.rooms.len() >= self.max_rooms || self.rooms.contains_key(&room) {
            return Err(OpenError(self.rooms.len()));
        }
        self.count_on_from(room.0);
        let mut taken = [false; MAX_SEATS];
        are_taken.iter().for_each(|seat| taken[seat.index()] = true);
        let folded = title.folded().into();
        self.rooms.insert(room, Entry { title, folded, game, shard, seats, taken, watchers: 0, door, owner });
        Ok(())
    }

    /// Numbers up to `last` were given in an earlier life of the server.
    pub fn count_on_from(&mut self, last: u32) {
        self.last = self.last.max(last);
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

    /// Reserves a seat in the fullest room of `game` with a free one: on `shard` only, or where that is `None` on all. Rooms
    /// with a password are no part of it, nor those that `may_enter` says no to. `None` where there is no such room.
    pub fn reserve_any(
        &mut self,
        game: GameName,
        shard: Option<usize>,
        may_enter: impl Fn(RoomId) -> bool,
    ) -> Option<Place> {
        let open = |room: RoomId, entry: &Entry| {
            entry.game == game
                && entry.door == Door::Open
                && entry.has_free_seat()
                && shard.is_none_or(|shard| shard == entry.shard)
                && may_enter(room)
        };
        // The lowest number among equally full ones: people who come together meet.
        let (room, entry) = self
            .rooms
            .iter_mut()
            .rev()
            .filter(|(room, entry)| open(**room, entry))
            .max_by_key(|(_, entry)| entry.taken_count())?;
        Some(Place { room: *room, seat: entry.reserve()? })
    }

    /// Gives a seat back; a room without one closes, or is kept. A room that is not there (it failed) is closed already.
    pub fn release(&mut self, place: Place) -> Released {
        let Some(entry) = self.rooms.get_mut(&place.room) else { return Released::Closed };
        entry.taken[place.seat.index()] = false;
        if entry.taken_count() > 0 {
            return Released::Open;
        }
        if self.keeps_empty {
            return Released::Empty;
        }
        self.rooms.remove(&place.room);
        Released::Closed
    }

    /// Where there are as many rooms as there may be, closes one that is empty. Returns it.
    pub fn make_place(&mut self) -> Option<RoomId> {
        if !self.keeps_empty || self.rooms.len() < self.max_rooms {
            return None;
        }
        let room = self.rooms.iter().find(|(_, entry)| entry.taken_count() == 0).map(|(room, _)| *room)?;
        self.rooms.remove(&room);
        Some(room)
    }

    /// Closes a room in which no seat is taken; whether it is closed now.
    pub fn close_if_empty(&mut self, room: RoomId) -> bool {
        if self.rooms.get(&room).is_some_and(|entry| entry.taken_count() > 0) {
            return false;
        }
        self.rooms.remove(&room);
        true
    }

    /// From now on no room is kept without a seat taken. Returns those that were, which are closed.
    pub fn keep_empty_no_more(&mut self) -> Vec<RoomId> {
        self.keeps_empty = false;
        self.rooms.extract_if(.., |_, entry| entry.taken_count() == 0).map(|(room, _)| room).collect()
    }

    /// Says how one comes into a room, and whose it is.
    pub fn describe(&mut self, room: RoomId, door: Door, owner: Option<Name>) {
        if let Some(entry) = self.rooms.get_mut(&room) {
            (entry.door, entry.owner) = (door, owner);
        }
    }

    /// Says whose a room is.
    pub fn set_owner(&mut self, room: RoomId, owner: Option<Name>) {
        if let Some(entry) = self.rooms.get_mut(&room) {
            entry.owner = owner;
        }
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

    /// Up to `limit` rooms numbered above `after`, and where the next page begins, if there may be one.
    #[must_use]
    pub fn page(&self, after: RoomId, filter: RoomFilter, limit: usize) -> (Vec<RoomInfo>, Option<RoomId>) {
        let wanted = |entry: &Entry| filter == RoomFilter::All || entry.has_free_seat();
        self.list(after, limit, wanted, Entry::info)
    }

    /// As [`Lobby::page`], of the rooms that are what `query` asks for.
    #[must_use]
    pub fn find(&self, query: &RoomQuery, limit: usize) -> (Vec<RoomEntry>, Option<RoomId>) {
        let part = query.title.as_ref().map(RoomTitle::folded);
        let wanted = |entry: &Entry| {
            query.door.is_none_or(|door| door == entry.door)
                && query.game.is_none_or(|game| game == entry.game)
                && (query.seats == RoomFilter::All || entry.has_free_seat())
                && part.as_ref().is_none_or(|part| entry.folded.contains(part.as_str()))
        };
        self.list(query.after, limit, wanted, Entry::listed)
    }

    fn list<T>(
        &self,
        after: RoomId,
        limit: usize,
        wanted: impl Fn(&Entry) -> bool,
        show: impl Fn(&Entry, RoomId) -> T,
    ) -> (Vec<T>, Option<RoomId>) {
        let above = (std::ops::Bound::Excluded(after), std::ops::Bound::Unbounded);
        let (mut rooms, mut listed, mut looked_at) = (Vec::new(), after, after);
        for (looks, (&room, entry)) in self.rooms.range(above).enumerate() {
            if looks == LOOKS_PER_PAGE {
                return (rooms, Some(looked_at));
            }
            looked_at = room;
            if wanted(entry) {
                if rooms.len() == limit {
                    return (rooms, Some(listed));
                }
                rooms.push(show(entry, room));
                listed = room;
            }
        }
        (rooms, None)
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
        let (taken, watchers) = self.counts();
        RoomInfo { room, title: self.title.clone(), game: self.game, taken, seats: self.seats, watchers }
    }

    fn listed(&self, room: RoomId) -> RoomEntry {
        let (taken, watchers) = self.counts();
        let (title, owner) = (self.title.clone(), self.owner.clone());
        RoomEntry { room, title, game: self.game, taken, seats: self.seats, watchers, door: self.door, owner }
    }

    fn counts(&self) -> (u8, u8) {
        let taken = u8::try_from(self.taken_count()).expect("at most MAX_SEATS");
        (taken, u8::try_from(self.watchers).unwrap_or(u8::MAX))
    }
}

#[cfg(test)]
#[path = "lobby_tests.rs"]
mod tests;
