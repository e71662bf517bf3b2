//! The directory of rooms: the lobby's reservations and where each room's task listens. One lock, held briefly.

use crate::room::{self, Inbox, Message, RoomSetup};
use malpan_game::{JoinError, Lobby, OpenError, Place, Released};
use malpan_net::Shard;
use malpan_protocol::{LeaveReason, ROOMS_PER_PAGE, RoomFilter, RoomId, RoomTitle, Rooms, Seat, SeatCount};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::{mpsc, oneshot};

/// All rooms of a server. Cheap to clone; all clones are the same directory.
#[derive(Debug, Clone)]
pub(crate) struct Directory(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    setup: RoomSetup,
    rooms: Mutex<Open>,
}

#[derive(Debug)]
struct Open {
    lobby: Lobby,
    inboxes: HashMap<RoomId, Inbox>,
}

/// Why no seat was reserved.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoSeat {
    #[error(transparent)]
    Join(#[from] JoinError),
    #[error(transparent)]
    Open(#[from] OpenError),
}

impl Directory {
    /// No rooms yet; at most `max_rooms` at once, each set up alike.
    pub(crate) fn new(setup: RoomSetup, max_rooms: usize) -> Self {
        let open = Open { lobby: Lobby::new(max_rooms), inboxes: HashMap::new() };
        Self(Arc::new(Shared { setup, rooms: Mutex::new(open) }))
    }

    /// Reserves a seat in a given room.
    pub(crate) fn reserve(&self, room: RoomId) -> Result<Hold, NoSeat> {
        let mut open = self.open();
        let place = open.lobby.reserve(room)?;
        Ok(self.hold(&open, place))
    }

    /// Reserves a seat in the fullest open room of `shard`; of any shard while `shard` has so few sessions that its own
    /// would be a lonely room; in a new room on `shard` where there is none.
    pub(crate) fn reserve_any(&self, shard: &Shard) -> Result<Hold, NoSeat> {
        let mut open = self.open();
        let few = shard.sessions() < self.0.setup.seats.count();
        let own = Some(shard.index());
        let found = if few { open.lobby.reserve_any(None) } else { open.lobby.reserve_any(own) };
        match found {
            Some(place) => Ok(self.hold(&open, place)),
            None => self.open_room(&mut open, None, self.0.setup.seats, shard),
        }
    }

    /// Opens a room on `shard` and reserves its first seat.
    pub(crate) fn reserve_new(
        &self,
        title: RoomTitle,
        seats: Option<SeatCount>,
        shard: &Shard,
    ) -> Result<Hold, NoSeat> {
        // More seats than the server's own rooms have might be more than its board has cells.
        let most = self.0.setup.seats;
        self.open_room(&mut self.open(), Some(title), seats.unwrap_or(most).min(most), shard)
    }

    /// One page of rooms numbered above `after`.
    pub(crate) fn page(&self, after: RoomId, filter: RoomFilter) -> Rooms {
        let (rooms, next) = self.open().lobby.page(after, filter, ROOMS_PER_PAGE);
        Rooms { rooms: rooms.try_into().expect("a page has at most ROOMS_PER_PAGE rooms"), next }
    }

    /// How many rooms there are.
    pub(crate) fn rooms(&self) -> usize {
        self.open().lobby.rooms()
    }

    /// How many seats are taken or reserved.
    pub(crate) fn seats_taken(&self) -> usize {
        self.open().lobby.seats_taken()
    }

    /// Has every room send what it holds back for its next flush, and waits until all have.
    pub(crate) async fn flush_rooms(&self) {
        let inboxes: Vec<_> = self.open().inboxes.values().cloned().collect();
        let (done, mut all_done) = mpsc::channel::<()>(1);
        for inbox in inboxes {
            // An error means that the room has ended, and with nobody in it nothing is held back.
            let _ = inbox.send(Message::Flush { _done: done.clone() }).await;
        }
        drop(done);
        // Nothing is ever sent: the channel ends when the last room has dropped its end.
        all_done.recv().await;
    }

    /// Gives a seat back that its room has cleared, or that nobody sat down on.
    pub(crate) fn release(&self, place: Place) -> Released {
        let mut open = self.open();
        let released = open.lobby.release(place);
        if released == Released::Closed {
            open.inboxes.remove(&place.room);
        }
        released
    }

    /// Where a room listens.
    #[cfg(test)]
    pub(crate) fn inbox(&self, room: RoomId) -> Option<Inbox> {
        self.open().inboxes.get(&room).cloned()
    }

    /// Strikes out a room that failed.
    pub(crate) fn remove(&self, room: RoomId) {
        let mut open = self.open();
        open.lobby.remove(room);
        open.inboxes.remove(&room);
    }

    fn open_room(
        &self,
        open: &mut Open,
        title: Option<RoomTitle>,
        seats: SeatCount,
        shard: &Shard,
    ) -> Result<Hold, NoSeat> {
        let setup = RoomSetup { seats, ..self.0.setup };
        let mut named = None;
        let place = open.lobby.open(
            |room| named.insert(title.unwrap_or_else(|| board_title(room))).clone(),
            seats,
            shard.index(),
        )?;
        let title = named.expect("the lobby names each room it opens");
        let inbox = room::spawn(place.room, title, setup, self.clone(), shard);
        open.inboxes.insert(place.room, inbox);
        Ok(self.hold(open, place))
    }

    fn hold(&self, open: &Open, place: Place) -> Hold {
        let inbox = open.inboxes[&place.room].clone();
        Hold { directory: self.clone(), inbox, place, state: HoldState::Reserved }
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.0.rooms.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn board_title(room: RoomId) -> RoomTitle {
    RoomTitle::new(&format!("Board {room}")).expect("a short title")
}

/// A seat that is held: reserved at first, sat on later. Dropped, it is given back in whichever way its state asks.
#[derive(Debug)]
pub(crate) struct Hold {
    directory: Directory,
    inbox: Inbox,
    place: Place,
    state: HoldState,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum HoldState {
    /// The lobby keeps the seat; the room does not know of it.
    Reserved,
    /// The room was told that someone sits here.
    Seated,
    /// The room was told that nobody does.
    Left,
}

impl Hold {
    pub(crate) fn room(&self) -> RoomId {
        self.place.room
    }

    pub(crate) fn seat(&self) -> Seat {
        self.place.seat
    }

    /// Sits down; false where the room has failed. Waits while the room's inbox is full.
    pub(crate) async fn sit_down(&mut self, newcomer: room::Newcomer) -> bool {
        let seat = self.seat();
        let told = self.send(Message::Join { seat, newcomer }).await;
        if told {
            self.state = HoldState::Seated;
        }
        told
    }

    /// Sends to the room; false where it has failed, and with it the session of everyone whom it knew. Waits while the
    /// inbox is full, without allocating where it is not.
    pub(crate) async fn send(&self, message: Message) -> bool {
        match self.inbox.try_send(message) {
            Ok(()) => true,
            // Boxed: the wait is rare and must not make every session's task larger.
            Err(mpsc::error::TrySendError::Full(message)) => Box::pin(self.inbox.send(message)).await.is_ok(),
            Err(mpsc::error::TrySendError::Closed(_)) => false,
        }
    }

    /// Stands up, and waits until the room will send nothing more.
    pub(crate) async fn stand_up(mut self) {
        let (done, left) = oneshot::channel();
        let leave = Message::Leave { seat: self.seat(), reason: LeaveReason::Left, done: Some(done) };
        if self.send(leave).await {
            self.state = HoldState::Left;
            // An error means that the room failed meanwhile, which ends the session as well.
            let _ = left.await;
        }
    }

    /// Leaves because the connection ended.
    pub(crate) async fn vacate(mut self, reason: LeaveReason) {
        if self.state == HoldState::Seated && self.send(Message::Leave { seat: self.seat(), reason, done: None }).await
        {
            self.state = HoldState::Left;
        }
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        match self.state {
            HoldState::Left => {}
            HoldState::Reserved => {
                self.directory.release(self.place);
            }
            // Here only when the session's task panicked or was dropped: nobody is left to wait for the inbox.
            HoldState::Seated => {
                let leave = Message::Leave { seat: self.seat(), reason: LeaveReason::Disconnected, done: None };
                if let Err(mpsc::error::TrySendError::Full(leave)) = self.inbox.try_send(leave) {
                    let inbox = self.inbox.clone();
                    tokio::spawn(async move { inbox.send(leave).await });
                }
            }
        }
    }
}
