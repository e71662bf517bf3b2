//! The directory of rooms: the lobby's reservations and where each room's task listens. One lock, held briefly.

mod hold;

use crate::{
    door::{Doors, Shut, Visitor},
    games::{Entry, Games},
    metrics::Metrics,
    room::{Inbox, Message, Opening, RingLimits, RoomSetup, Who},
    saving::{Lock, Record, Saver},
};
use futures::future::join_all;
use malpan_game::{JoinError, Lobby, OpenError, Opened, Place, Released, WatchError};
use malpan_net::{SessionId, Shard};
use malpan_protocol::{
    BoardSize, Door, GameName, Name, ROOMS_PER_PAGE, RoomFilter, RoomId, RoomList, RoomPlan, RoomQuery, RoomTitle,
    Rooms, SeatCount,
};
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{sync::mpsc, time::Instant};

pub(crate) use hold::Hold;
use hold::tell;

/// All rooms of a server. Cheap to clone; all clones are the same directory.
#[derive(Debug, Clone)]
pub(crate) struct Directory(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    games: Games,
    limits: RoomLimits,
    metrics: Metrics,
    /// Where rooms run; where there are none, each runs on the shard of whoever opened it.
    rules: Vec<Shard>,
    saver: Saver,
    rooms: Mutex<Open>,
}

/// What every room, and all of them together, are held to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RoomLimits {
    /// Rooms at once.
    pub(crate) rooms: usize,
    /// Who watches one room at once.
    pub(crate) watchers: usize,
    /// The least time between two flushes of a room.
    pub(crate) tick: Duration,
    /// Messages that may wait for a room.
    pub(crate) inbox: usize,
    /// How long a room is kept that everyone has left; zero closes it at once.
    pub(crate) empty_grace: Duration,
    /// How long a room keeps someone out whom its owner has put out.
    pub(crate) barred_for: Duration,
    /// What each keeps for those who come back.
    pub(crate) kept: RingLimits,
    /// The most bytes of that which a client is sent at once.
    pub(crate) replay: usize,
}

#[derive(Debug)]
struct Open {
    lobby: Lobby,
    /// In the order of the rooms' numbers, in which whatever concerns all of them is done: the same each time it is repeated.
    inboxes: BTreeMap<RoomId, Inbox>,
    doors: Doors,
    /// A seed for each room that opens.
    seeds: StdRng,
}

/// Why there is no place in a room.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoPlace {
    #[error(transparent)]
    Join(#[from] JoinError),
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error(transparent)]
    Watch(#[from] WatchError),
    #[error("room {0} plays a game that is not for watching")]
    NotWatchable(RoomId),
    #[error("this server has no game named {0}")]
    NoSuchGame(GameName),
    #[error("a room of {game} cannot have a board of {size}")]
    BoardNotAllowed { game: GameName, size: BoardSize },
    #[error(transparent)]
    Shut(#[from] Shut),
}

impl Directory {
    /// No rooms yet. They run on `rules`, or where that is empty on the shard of whoever opens them. `seed` is where the seeds
    /// of their games come from.
    pub(crate) fn new(
        games: Games,
        limits: RoomLimits,
        rules: Vec<Shard>,
        seed: u64,
        metrics: Metrics,
        saver: Saver,
    ) -> Self {
        let seeds = StdRng::seed_from_u64(seed);
        let lobby = Lobby::new(limits.rooms, !limits.empty_grace.is_zero());
        let open = Open { lobby, inboxes: BTreeMap::new(), doors: Doors::default(), seeds };
        Self(Arc::new(Shared { games, limits, metrics, rules, saver, rooms: Mutex::new(open) }))
    }

    /// Reserves a seat in a given room.
    pub(crate) fn reserve(&self, room: RoomId, visitor: Visitor<'_>) -> Result<Hold, NoPlace> {
        let mut open = self.open();
        open.doors.open(room, visitor)?;
        let place = open.lobby.reserve(room)?;
        Ok(self.hold(&open, place))
    }

    /// Reserves a seat in the fullest open room of a game on `shard`; of any shard while `shard` has so few sessions that
    /// its own would be a lonely room; in a new room on `shard` where there is none. `None` is the default game.
    pub(crate) fn reserve_any(
        &self,
        game: Option<GameName>,
        visitor: Visitor<'_>,
        shard: &Shard,
    ) -> Result<Hold, NoPlace> {
        let game = self.game(game)?;
        let mut open = self.open();
        let Open { lobby, doors, .. } = &mut *open;
        let few = shard.sessions() < game.seats.count();
        let own = (!few).then(|| shard.index());
        match lobby.reserve_any(game.name, own, |room| doors.open(room, visitor).is_ok()) {
            Some(place) => Ok(self.hold(&open, place)),
            None => self.open_room(&mut open, game, Wanted::of(game), shard),
        }
    }

    /// Opens a room on `shard` and reserves its first seat. `None` is the default game, and as many seats as it has.
    pub(crate) fn reserve_new(
        &self,
        game: Option<GameName>,
        title: RoomTitle,
        seats: Option<SeatCount>,
        shard: &Shard,
    ) -> Result<Hold, NoPlace> {
        let game = self.game(game)?;
        // More seats than the game has might be more than its rules can bear.
        let seats = seats.unwrap_or(game.seats).min(game.seats);
        self.open_room(&mut self.open(), game, Wanted { title: Some(title), seats, ..Wanted::of(game) }, shard)
    }

    /// As [`Directory::reserve_new`], of a room that belongs to whoever opens it.
    pub(crate) fn reserve_own(&self, plan: &RoomPlan, owner: &Name, shard: &Shard) -> Result<Hold, NoPlace> {
        let game = self.game(plan.game)?;
        let seats = plan.seats.unwrap_or(game.seats).min(game.seats);
        if let Some(size) = plan.board
            && !game.allows(size, seats)
        {
            return Err(NoPlace::BoardNotAllowed { game: game.name, size });
        }
        let lock = plan.password.as_ref().map(Lock::new);
        let wanted = Wanted { title: Some(plan.title.clone()), seats, board: plan.board, lock, owned: true };
        let door = wanted.door();
        let mut open = self.open();
        let hold = self.open_room(&mut open, game, wanted, shard)?;
        open.lobby.describe(hold.room(), door, Some(owner.clone()));
        Ok(hold)
    }

    /// Opens a room again as it was, on `shard`. The places of those who sat there, who are away now, in their order in the
    /// record; none where there are too many rooms, or this server has no such game.
    pub(crate) fn reopen(&self, room: RoomId, incarnation: u32, record: Record, shard: &Shard) -> Vec<Hold> {
        let was = &record.room;
        let Some(game) = self.0.games.find(was.game) else { return Vec::new() };
        let mut open = self.open();
        let taken = was.taken();
        let owner = was.members.iter().find(|member| Some(member.seat) == was.owner).map(|member| member.name.clone());
        let door = door(was.lock.as_ref());
        let opened = Opened {
            room,
            title: was.title.clone(),
            game: was.game,
            seats: was.seats,
            taken: taken.clone(),
            door,
            owner,
        };
        if open.lobby.reopen(opened, shard.index()).is_err() {
            return Vec::new();
        }
        if let Some(lock) = &was.lock {
            open.doors.lock(room, lock.clone());
        }
        self.0.saver.knows(room, was.saved_at);
        let opening = Opening {
            id: room,
            title: was.title.clone(),
            setup: self.setup(was.seats, was.board, door, was.owned),
            seed: open.seeds.random(),
            directory: self.clone(),
            metrics: self.0.metrics.clone(),
            shard: self.runs(room, shard).clone(),
            incarnation,
            lock: was.lock.clone(),
            saver: self.0.saver.clone(),
            earlier: Some(record),
        };
        open.inboxes.insert(room, game.open(opening));
        taken.into_iter().map(|seat| self.hold(&open, Place { room, seat }).left_behind()).collect()
    }

    /// Rooms up to this number were opened in earlier lives of the server.
    pub(crate) fn count_on_from(&self, last: u32) {
        self.open().lobby.count_on_from(last);
    }

    /// Reserves a place to watch a room from over a session.
    pub(crate) fn reserve_watch(
        &self,
        room: RoomId,
        visitor: Visitor<'_>,
        session: SessionId,
    ) -> Result<Hold, NoPlace> {
        let mut open = self.open();
        let game = open.lobby.game(room).ok_or(WatchError::NoSuchRoom(room))?;
        open.doors.open(room, visitor)?;
        if !self.game(Some(game))?.watchable {
            return Err(NoPlace::NotWatchable(room));
        }
        open.lobby.watch(room, self.0.limits.watchers)?;
        let inbox = open.inboxes[&room].clone();
        Ok(Hold::reserved(self.clone(), inbox, room, Who::Watcher(session)))
    }

    /// One page of rooms numbered above `after`.
    pub(crate) fn page(&self, after: RoomId, filter: RoomFilter) -> Rooms {
        let (rooms, next) = self.open().lobby.page(after, filter, ROOMS_PER_PAGE);
        Rooms { rooms: rooms.try_into().expect("a page has at most ROOMS_PER_PAGE rooms"), next }
    }

    /// One page of the rooms that are what `query` asks for.
    pub(crate) fn find(&self, query: &RoomQuery) -> RoomList {
        let (rooms, next) = self.open().lobby.find(query, ROOMS_PER_PAGE);
        RoomList { rooms: rooms.try_into().expect("a page has at most ROOMS_PER_PAGE rooms"), next }
    }

    /// A room belongs to another, or to nobody any more.
    pub(crate) fn set_owner(&self, room: RoomId, owner: Option<Name>) {
        self.open().lobby.set_owner(room, owner);
    }

    /// The owner of a room has put someone out, who stays out for a while.
    pub(crate) fn bar(&self, room: RoomId, name: &Name) {
        let until = Instant::now() + self.0.limits.barred_for;
        self.open().doors.bar(room, name, until);
    }

    /// How many rooms there are.
    pub(crate) fn rooms(&self) -> usize {
        self.open().lobby.rooms()
    }

    /// How many seats are taken or reserved.
    pub(crate) fn seats_taken(&self) -> usize {
        self.open().lobby.seats_taken()
    }

    /// Has every room send what it holds back for its next flush and save how it stands, and waits until all have. From then
    /// on nothing happens in them.
    pub(crate) async fn finish_rooms(&self) {
        let inboxes: Vec<_> = self.open().inboxes.values().cloned().collect();
        let (done, mut all_done) = mpsc::channel::<()>(1);
        // At once, so that a room whose inbox is full holds up no other. An error means that the room has ended, and with
        // nobody in it nothing is held back.
        join_all(inboxes.iter().map(|inbox| inbox.send(Message::Finish { _done: done.clone() }))).await;
        drop(done);
        // Nothing is ever sent: the channel ends when the last room has dropped its end.
        all_done.recv().await;
    }

    /// Gives a seat back that its room has cleared, or that nobody sat down on.
    pub(crate) fn release(&self, place: Place) -> Released {
        let mut open = self.open();
        let released = open.lobby.release(place);
        if released == Released::Closed {
            open.forget(place.room);
        }
        released
    }

    /// Closes a room that has been empty for long enough; false where someone is on the way to it.
    pub(crate) fn close_if_empty(&self, room: RoomId) -> bool {
        let mut open = self.open();
        let closed = open.lobby.close_if_empty(room);
        if closed {
            open.forget(room);
        }
        closed
    }

    /// From now on a room closes with its last seat; those that are empty close at once.
    pub(crate) fn keep_empty_rooms_no_more(&self) {
        let mut open = self.open();
        for room in open.lobby.keep_empty_no_more() {
            open.close(room);
        }
    }

    /// Someone watches a room no more.
    pub(crate) fn unwatch(&self, room: RoomId) {
        self.open().lobby.unwatch(room);
    }

    /// The games.
    pub(crate) fn games(&self) -> &Games {
        &self.0.games
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
        open.forget(room);
    }

    fn game(&self, name: Option<GameName>) -> Result<&Entry, NoPlace> {
        match name {
            None => Ok(self.0.games.default_game()),
            Some(name) => self.0.games.find(name).ok_or(NoPlace::NoSuchGame(name)),
        }
    }

    fn open_room(&self, open: &mut Open, game: &Entry, wanted: Wanted, shard: &Shard) -> Result<Hold, NoPlace> {
        if let Some(empty) = open.lobby.make_place() {
            open.close(empty);
        }
        let (mut named, door) = (None, wanted.door());
        let Wanted { title, seats, board, lock, owned } = wanted;
        let place = open.lobby.open(
            |room| named.insert(title.unwrap_or_else(|| room_title(game.name, room))).clone(),
            game.name,
            seats,
            shard.index(),
        )?;
        if let Some(lock) = &lock {
            open.doors.lock(place.room, lock.clone());
        }
        let opening = Opening {
            id: place.room,
            title: named.expect("the lobby names each room it opens"),
            setup: self.setup(seats, board, door, owned),
            seed: open.seeds.random(),
            directory: self.clone(),
            metrics: self.0.metrics.clone(),
            shard: self.runs(place.room, shard).clone(),
            incarnation: 1,
            lock,
            saver: self.0.saver.clone(),
            earlier: None,
        };
        open.inboxes.insert(place.room, game.open(opening));
        Ok(self.hold(open, place))
    }

    fn setup(&self, seats: SeatCount, board: Option<BoardSize>, door: Door, owned: bool) -> RoomSetup {
        let RoomLimits { tick, inbox, kept, replay, empty_grace, .. } = self.0.limits;
        RoomSetup { seats, tick, inbox, kept, replay, empty_grace, board, door, owned }
    }

    /// Where a room runs that someone on `shard` opens: rooms take the rules' threads in turn.
    fn runs<'a>(&'a self, room: RoomId, shard: &'a Shard) -> &'a Shard {
        match self.0.rules.len() {
            0 => shard,
            threads => &self.0.rules[room.0 as usize % threads],
        }
    }

    fn hold(&self, open: &Open, Place { room, seat }: Place) -> Hold {
        let inbox = open.inboxes[&room].clone();
        Hold::reserved(self.clone(), inbox, room, Who::Seat(seat))
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.0.rooms.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Open {
    /// The lobby has closed an empty room: its task is told.
    fn close(&mut self, room: RoomId) {
        if let Some(inbox) = self.forget(room) {
            tell(&inbox, Message::Vacant(Released::Closed));
        }
    }

    /// A room has closed, and nobody finds it any more.
    fn forget(&mut self, room: RoomId) -> Option<Inbox> {
        self.doors.remove(room);
        self.inboxes.remove(&room)
    }
}

/// What a new room is to be.
#[derive(Debug)]
struct Wanted {
    title: Option<RoomTitle>,
    seats: SeatCount,
    board: Option<BoardSize>,
    lock: Option<Lock>,
    owned: bool,
}

impl Wanted {
    /// Any room of that game.
    fn of(game: &Entry) -> Self {
        Self { title: None, seats: game.seats, board: None, lock: None, owned: false }
    }

    fn door(&self) -> Door {
        door(self.lock.as_ref())
    }
}

fn door(lock: Option<&Lock>) -> Door {
    lock.map_or(Door::Open, |_| Door::Password)
}

/// `Board 7`, `Five 8`.
fn room_title(game: GameName, room: RoomId) -> RoomTitle {
    let (first, rest) = game.as_str().split_at(1);
    RoomTitle::new(&format!("{}{rest} {room}", first.to_uppercase())).expect("a short title")
}
