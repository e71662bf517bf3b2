//! Rooms that do not come back.

use super::{Connection, Running, SAVED, life, settled, standard};
use malpan_client::ClientError;
use malpan_game::{Effects, Game, Unfit};
use malpan_protocol::{GameName, JoinTarget, KickReason, ResumeToken, Resumption, RoomId, Seat, ServerPacket};
use malpan_server::{
    Games,
    config::Config,
    store::{MemoryStore, RoomChange, SavedRoom, Store},
};
use std::{sync::Arc, time::Duration};
use tokio::time::sleep;

/// Two boards with one player each, by room.
fn two_boards(store: &Arc<MemoryStore>) -> Vec<(RoomId, ResumeToken)> {
    life(async {
        let server = Running::start(store);
        let mut boards = Vec::new();
        let mut players: Vec<Connection> = Vec::new();
        for who in ["ann", "bob"] {
            let mut client = server.guest(who).await;
            let title = who.parse().unwrap();
            let room = client.open_room(None, title, None).await.unwrap().room;
            boards.push((room, client.token().unwrap().clone()));
            players.push(client);
        }
        sleep(SAVED).await;
        boards
    })
}

fn spoil(store: &MemoryStore, spoil: impl FnOnce(&mut Vec<u8>)) {
    life(async {
        let SavedRoom { id, incarnation, record } = store.rooms().await.unwrap().remove(0);
        let mut record = record.to_vec();
        spoil(&mut record);
        let saved = SavedRoom { id, incarnation, record: record.into() };
        store.save_rooms(vec![RoomChange::Saved(saved)]).await.unwrap();
    });
}

/// The first does not come back, now or later; its player is in the lobby, and the other one on the board.
fn the_first_is_set_aside(store: &Arc<MemoryStore>, boards: &[(RoomId, ResumeToken)], why: &str) {
    life(async {
        let server = Running::start(store);
        let (_ann, resumed) = server.resume(&boards[0].1, None).await.unwrap();
        assert_eq!(resumed.place, Resumption::Lobby);
        let (_bob, joined, _) = server.come_back(&boards[1].1, None).await;
        assert_eq!(joined.room, boards[1].0);
        sleep(SAVED).await;
        let census = store.check().await.unwrap();
        assert!(
            matches!(&census.set_aside[..], [(room, found)] if *room == boards[0].0 && found.contains(why)),
            "{census:?}"
        );
        assert_eq!(census.rooms, 1);
    });
    life(async {
        let server = Running::start(store);
        sleep(SAVED).await;
        assert_eq!(server.host.rooms(), 1);
    });
}

#[test]
fn a_record_that_cannot_be_read_is_set_aside_and_the_others_come_back() {
    let store = Arc::default();
    let boards = two_boards(&store);
    spoil(&store, |record| record[3] = b'?');
    the_first_is_set_aside(&store, &boards, "cannot be read");
}

#[test]
fn a_board_in_a_state_that_its_rules_forbid_is_set_aside() {
    let store = Arc::default();
    let boards = two_boards(&store);
    // The last byte is where the one piece stands, from above.
    spoil(&store, |record| *record.last_mut().unwrap() = 200);
    the_first_is_set_aside(&store, &boards, "off the board");
}

#[test]
fn what_is_no_state_of_the_game_at_all_is_set_aside() {
    let store = Arc::default();
    let boards = two_boards(&store);
    spoil(&store, |record| record.push(0));
    the_first_is_set_aside(&store, &boards, "cannot be read");
}

const FRAIL: GameName = GameName::constant("frail");

/// Panics where it was told to: when it is loaded, or with the first command after that.
struct Frail {
    saves: bool,
    fails_on_load: bool,
    loaded: bool,
}

impl Game for Frail {
    const NAME: GameName = FRAIL;
    type Command = ();
    type Update = ();
    type Refusal = ();
    type Snapshot = ();
    type Saved = ();

    fn take_seat(&mut self, _: Duration, _: Seat) -> Effects<()> {
        Effects::none()
    }

    fn leave_seat(&mut self, _: Duration, _: Seat) -> Effects<()> {
        Effects::none()
    }

    fn apply(&mut self, _: Duration, _: Seat, (): ()) -> Result<Effects<()>, ()> {
        assert!(!self.loaded, "a fault, as a test wants it");
        Ok(Effects::none())
    }

    fn snapshot(&self) {}

    fn save(&self) -> Option<()> {
        self.saves.then_some(())
    }

    fn restore(&mut self, (): (), seated: &[Seat]) -> Result<(), Unfit> {
        assert!(!self.fails_on_load, "a fault on loading, as a test wants it");
        assert_eq!(seated.len(), 1);
        self.loaded = true;
        Ok(())
    }
}

fn frail(fails_on_load: bool) -> impl FnOnce(&Config) -> Games {
    move |_| Games::only(2, move |_| Frail { saves: true, fails_on_load, loaded: false })
}

fn frail_room(store: &Arc<MemoryStore>) -> ResumeToken {
    life(async {
        let server = Running::start_with(store, |_| {}, frail(false));
        let mut ann = server.guest("ann").await;
        ann.join(JoinTarget::Any).await.unwrap();
        sleep(SAVED).await;
        ann.token().unwrap().clone()
    })
}

fn set_aside_because(store: &MemoryStore, why: &str) {
    life(async {
        let census = store.check().await.unwrap();
        assert!(matches!(&census.set_aside[..], [(_, found)] if found.contains(why)), "{census:?}");
        assert_eq!(census.rooms, 0);
    });
}

#[test]
fn a_room_that_panics_when_it_is_loaded_is_set_aside() {
    let store = Arc::default();
    let token = frail_room(&store);
    life(async {
        let server = Running::start_with(&store, |_| {}, frail(true));
        sleep(SAVED).await;
        assert_eq!((server.host.rooms(), server.host.seats_taken()), (0, 0));
        let (_ann, resumed) = server.resume(&token, None).await.unwrap();
        assert_eq!(resumed.place, Resumption::Lobby);
    });
    set_aside_because(&store, "a fault on loading");
}

#[test]
fn a_room_whose_saved_state_panics_later_is_not_loaded_again() {
    let store = Arc::default();
    let token = frail_room(&store);
    life(async {
        let server = Running::start_with(&store, |_| {}, frail(false));
        let (mut ann, _, _) = server.come_back(&token, None).await;
        ann.command(&()).unwrap();
        ann.flush().await.unwrap();
        let kicked = loop {
            match ann.next().await {
                Ok(ServerPacket::Kicked { reason }) => break Ok(reason),
                Ok(_) => {}
                Err(error) => break Err::<KickReason, ClientError>(error),
            }
        };
        assert_eq!(kicked.unwrap(), KickReason::RoomFailed);
        sleep(SAVED).await;
    });
    set_aside_because(&store, "a fault, as a test wants it");
    life(async {
        let server = Running::start_with(&store, |_| {}, frail(false));
        sleep(SAVED).await;
        assert_eq!(server.host.rooms(), 0);
    });
}

#[test]
fn a_game_that_the_server_has_no_more_is_set_aside_and_so_are_rooms_beyond_the_limit() {
    let store: Arc<MemoryStore> = Arc::default();
    frail_room(&store);
    life(async {
        let server = Running::start(&store);
        sleep(SAVED).await;
        assert_eq!(server.host.rooms(), 0);
    });
    set_aside_because(&store, "no game named frail");

    let store: Arc<MemoryStore> = Arc::default();
    two_boards(&store);
    life(async {
        let server = Running::start_with(&store, |config| config.limits.rooms = 1, standard);
        sleep(SAVED).await;
        assert_eq!(server.host.rooms(), 1);
    });
    set_aside_because_of_limit(&store);
}

fn set_aside_because_of_limit(store: &MemoryStore) {
    life(async {
        let census = store.check().await.unwrap();
        assert!(matches!(&census.set_aside[..], [(RoomId(2), why)] if why.contains("limits.rooms")), "{census:?}");
    });
}

/// A game that does not outlive its server: who played it is in the lobby.
#[test]
fn a_game_that_saves_nothing_is_gone_with_its_server() {
    let fleeting = |_: &Config| Games::only(2, |_| Frail { saves: false, fails_on_load: false, loaded: false });
    let store: Arc<MemoryStore> = Arc::default();
    let token = life(async {
        let server = Running::start_with(&store, |_| {}, fleeting);
        let mut ann = server.guest("ann").await;
        ann.join(JoinTarget::Any).await.unwrap();
        settled(&mut ann).await;
        sleep(SAVED).await;
        assert_eq!(store.rooms().await.unwrap(), []);
        ann.token().unwrap().clone()
    });
    life(async {
        let server = Running::start_with(&store, |_| {}, fleeting);
        let (_ann, resumed) = server.resume(&token, None).await.unwrap();
        assert_eq!(resumed.place, Resumption::Lobby);
    });
}
