//! Who can be spoken to: everyone who is signed in, by name, and those of them who are in no room.
//!
//! Knows sessions and no room. The lock is held for a look or a change; whoever speaks to the whole lobby takes its people a
//! few at a time, and waits for none of them.

use malpan_net::{Budget, Delivery, Frame, Rate, SessionHandle, SessionId};
use malpan_protocol::{LOBBY_PAGE, LobbyPage, Name, PlayerId};
use std::{
    collections::{BTreeMap, HashMap},
    ops::Bound,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};
use tokio::task::yield_now;

/// People of the lobby who are spoken to before others of the thread have their turn.
const AT_ONCE: usize = 256;

/// Everyone who is signed in. Cheap to clone; all clones are the same people.
#[derive(Debug, Clone)]
pub(crate) struct People(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    /// How many times a second a line of the lobby is handed to someone.
    deliveries: Rate,
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    names: HashMap<String, PlayerId>,
    everyone: HashMap<PlayerId, Person>,
    lobby: BTreeMap<PlayerId, SessionHandle>,
    spoken: Budget,
}

/// Someone who can be spoken to.
#[derive(Debug, Clone)]
pub(crate) struct Person {
    pub(crate) name: Name,
    pub(crate) session: SessionHandle,
}

/// Someone whom others find, until this is dropped.
#[derive(Debug)]
pub(crate) struct Listener {
    people: People,
    player: PlayerId,
    session: SessionId,
    folded: String,
}

/// What brings someone back to the lobby. Keeps nobody here.
#[derive(Debug, Clone)]
pub(crate) struct WayBack {
    people: People,
    player: PlayerId,
    session: SessionId,
}

impl People {
    /// Nobody yet. `deliveries` is how many times a second a line of the lobby may be handed to someone.
    pub(crate) fn new(deliveries: usize) -> Self {
        let deliveries = u32::try_from(deliveries).unwrap_or(u32::MAX);
        Self(Arc::new(Shared { deliveries: Rate::per_second(deliveries), known: Mutex::default() }))
    }

    /// Someone signs in, and is in the lobby.
    pub(crate) fn arrive(&self, player: PlayerId, name: Name, session: SessionHandle) -> Listener {
        let (id, folded) = (session.id(), name.folded());
        let mut known = self.known();
        known.names.insert(folded.clone(), player);
        known.lobby.insert(player, session.clone());
        known.everyone.insert(player, Person { name, session });
        Listener { people: self.clone(), player, session: id, folded }
    }

    /// Who has that name.
    pub(crate) fn find(&self, name: &Name) -> Option<Person> {
        let known = self.known();
        known.names.get(&name.folded()).and_then(|player| known.everyone.get(player)).cloned()
    }

    /// The people of the lobby whose numbers are above `after`, one page.
    pub(crate) fn lobby(&self, after: PlayerId) -> LobbyPage {
        let known = self.known();
        let total = u32::try_from(known.lobby.len()).unwrap_or(u32::MAX);
        let mut above = known.lobby.range((Bound::Excluded(after), Bound::Unbounded)).map(|(player, _)| *player);
        let players: Vec<_> = above.by_ref().take(LOBBY_PAGE).collect();
        let next = above.next().and(players.last().copied());
        let names = players.iter().filter_map(|player| known.everyone.get(player)).map(|person| person.name.clone());
        LobbyPage {
            total,
            names: names.collect::<Vec<_>>().try_into().expect("a page has at most LOBBY_PAGE names"),
            next,
        }
    }

    /// Whether the lobby takes another line at `now`, which costs as many deliveries as there are people in it. Where it
    /// does not, the error is how long it will be before it does.
    pub(crate) fn may_speak(&self, now: Instant) -> Result<(), Duration> {
        let mut known = self.known();
        let listeners = u32::try_from(known.lobby.len()).unwrap_or(u32::MAX);
        known.spoken.take_many(listeners, &self.0.deliveries, now)
    }

    /// Hands a frame to everyone in the lobby who is not behind; returns how many took it.
    pub(crate) async fn tell_lobby(&self, frame: &Frame) -> usize {
        let (mut after, mut told) = (PlayerId(0), 0);
        loop {
            let some = self.some_of_the_lobby(after);
            let Some(&(last, _)) = some.last() else { return told };
            after = last;
            told += some.iter().filter(|(_, to)| to.send_droppable(frame.clone()) == Delivery::Queued).count();
            if some.len() < AT_ONCE {
                return told;
            }
            yield_now().await;
        }
    }

    fn some_of_the_lobby(&self, after: PlayerId) -> Vec<(PlayerId, SessionHandle)> {
        let known = self.known();
        let above = known.lobby.range((Bound::Excluded(after), Bound::Unbounded));
        above.take(AT_ONCE).map(|(player, session)| (*player, session.clone())).collect()
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Listener {
    /// They are on their way into a room.
    pub(crate) fn leave_lobby(&self) {
        let mut known = self.people.known();
        if known.is(self.player, self.session) {
            known.lobby.remove(&self.player);
        }
    }

    /// They are in no room any more.
    pub(crate) fn enter_lobby(&self) {
        self.way_back().take();
    }

    /// For a room, which may put them out.
    pub(crate) fn way_back(&self) -> WayBack {
        WayBack { people: self.people.clone(), player: self.player, session: self.session }
    }
}

impl WayBack {
    /// They are in the lobby, if they are here still.
    pub(crate) fn take(&self) {
        let mut known = self.people.known();
        if let Some(person) = known.everyone.get(&self.player).filter(|person| person.session.id() == self.session) {
            let session = person.session.clone();
            known.lobby.insert(self.player, session);
        }
    }
}

impl Known {
    /// Whether a player is here over that session, and not over a newer one.
    fn is(&self, player: PlayerId, session: SessionId) -> bool {
        self.everyone.get(&player).is_some_and(|person| person.session.id() == session)
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let mut known = self.people.known();
        // Whoever signed in again is here over another session, or under another number.
        if known.is(self.player, self.session) {
            known.everyone.remove(&self.player);
            known.lobby.remove(&self.player);
            if known.names.get(&self.folded) == Some(&self.player) {
                known.names.remove(&self.folded);
            }
        }
    }
}
