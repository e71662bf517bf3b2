//! The room browser: the pages that have come, and which room is chosen.

use malpan_client::protocol::{Door, RoomEntry, RoomQuery};

/// Rooms before the end of what has come at which the next page is asked for.
const NEAR_THE_END: usize = 5;

/// The rooms that are looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RoomList {
    /// What is looked for, from the first page on.
    pub(crate) query: RoomQuery,
    /// The rooms seen so far.
    pub(crate) rooms: Vec<RoomEntry>,
    /// Which of them is chosen.
    pub(crate) chosen: usize,
    /// What brings the next page, if there is one.
    pub(crate) next: Option<RoomQuery>,
    /// Whether the first page has come.
    pub(crate) loaded: bool,
    /// Why it has not.
    pub(crate) problem: Option<String>,
}

impl RoomList {
    /// An empty list for what is looked for.
    pub(crate) fn new(query: RoomQuery) -> Self {
        Self { query, rooms: vec![], chosen: 0, next: None, loaded: false, problem: None }
    }

    /// Takes in a page.
    pub(crate) fn take(&mut self, rooms: Vec<RoomEntry>, first: bool, next: Option<RoomQuery>) {
        if first {
            self.rooms.clear();
        }
        self.rooms.extend(rooms);
        self.chosen = self.chosen.min(self.rooms.len().saturating_sub(1));
        (self.next, self.loaded, self.problem) = (next, true, None);
    }

    /// Chooses the room that is so many further down.
    pub(crate) fn choose(&mut self, by: isize) {
        self.chosen = self.chosen.saturating_add_signed(by).min(self.rooms.len().saturating_sub(1));
    }

    /// The room that is chosen.
    pub(crate) fn room(&self) -> Option<&RoomEntry> {
        self.rooms.get(self.chosen)
    }

    /// What to ask for because the end of what has come is near.
    pub(crate) fn more(&self) -> Option<RoomQuery> {
        self.next.clone().filter(|_| self.chosen + NEAR_THE_END >= self.rooms.len())
    }
}

/// Whether one has to know a password to come in.
pub(crate) fn is_locked(room: &RoomEntry) -> bool {
    room.door == Door::Password
}
