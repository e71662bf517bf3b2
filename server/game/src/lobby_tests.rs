use super::{JoinError, LOOKS_PER_PAGE, Lobby, Opened, Place, Released, WatchError};
use malpan_protocol::{Door, GameName, Name, RoomFilter, RoomId, RoomQuery, RoomTitle, Seat, SeatCount};
use proptest::prelude::*;
use std::collections::HashSet;

const BOARD: GameName = GameName::BOARD;

fn title(room: RoomId) -> RoomTitle {
    RoomTitle::new(&format!("Board {room}")).unwrap()
}

fn anywhere(_: RoomId) -> bool {
    true
}

fn seats(count: u8) -> SeatCount {
    SeatCount::new(count).unwrap()
}

#[test]
fn a_room_is_opened_again_as_it_was_and_its_number_is_not_given_twice() {
    let mut lobby = Lobby::new(3, false);
    let taken = [1, 2].map(|index| Seat::new(index).unwrap());
    let opened = |room| Opened {
        room: RoomId(room),
        title: title(RoomId(room)),
        game: BOARD,
        seats: seats(3),
        taken: taken.to_vec(),
        door: Door::Password,
        owner: Some(Name::new("Ann").unwrap()),
    };
    lobby.reopen(opened(7), 1).unwrap();
    assert!(lobby.reopen(opened(7), 1).is_err(), "it is there already");
    lobby.reopen(opened(4), 1).unwrap();
    lobby.count_on_from(9);
    let (all, _) = lobby.find(&RoomQuery::ALL, 9);
    let listed: Vec<_> = all.iter().map(|room| (room.room.0, room.taken, room.door, room.owner.is_some())).collect();
    assert_eq!(listed, [(4, 2, Door::Password, true), (7, 2, Door::Password, true)]);
    assert_eq!(lobby.open(title, BOARD, seats(2), 0).unwrap().room, RoomId(10));
    assert!(lobby.reopen(opened(5), 0).is_err(), "there are as many as there may be");
    assert_eq!(lobby.reserve(RoomId(4)).unwrap().seat.index(), 0);
    assert_eq!(lobby.reserve(RoomId(4)), Err(JoinError::RoomFull(RoomId(4))));
    for seat in taken {
        let released = lobby.release(Place { room: RoomId(7), seat });
        assert_eq!(released == Released::Closed, seat == taken[1]);
    }
}

#[test]
fn quick_join_takes_the_fullest_open_room_of_the_shard() {
    let mut lobby = Lobby::new(10, false);
    let small = lobby.open(title, BOARD, seats(3), 0).unwrap().room;
    let fuller = lobby.open(title, BOARD, seats(3), 0).unwrap().room;
    lobby.reserve(fuller).unwrap();
    let elsewhere = lobby.open(title, BOARD, seats(10), 1).unwrap().room;
    for _ in 0..4 {
        lobby.reserve(elsewhere).unwrap();
    }
    assert_eq!(lobby.reserve_any(BOARD, Some(0), anywhere).unwrap().room, fuller);
    assert_eq!(lobby.reserve_any(BOARD, Some(0), anywhere).unwrap().room, small);
    assert_eq!(lobby.reserve_any(BOARD, None, anywhere).unwrap().room, elsewhere);
    assert_eq!(lobby.reserve_any(BOARD, Some(0), anywhere).unwrap().room, small);
    assert_eq!(lobby.reserve_any(BOARD, Some(0), anywhere), None);
}

#[test]
fn games_do_not_mix() {
    let mut lobby = Lobby::new(10, false);
    let five = lobby.open(title, GameName::FIVE, seats(2), 0).unwrap().room;
    assert_eq!(lobby.reserve_any(BOARD, None, anywhere), None);
    assert_eq!(lobby.reserve_any(GameName::FIVE, None, anywhere).unwrap().room, five);
    assert_eq!(lobby.game(five), Some(GameName::FIVE));
}

#[test]
fn watchers_are_bounded_and_keep_no_room_open() {
    let mut lobby = Lobby::new(1, false);
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
    let mut lobby = Lobby::new(1, false);
    let place = lobby.open(title, BOARD, seats(2), 0).unwrap();
    lobby.reserve(place.room).unwrap();
    lobby.remove(place.room);
    assert_eq!((lobby.rooms(), lobby.seats_taken(), lobby.game(place.room)), (0, 0, None));
    assert_eq!(lobby.release(place), Released::Closed, "who sat there is late");
    assert!(lobby.open(title, BOARD, seats(2), 0).is_ok(), "its place is free");
}

#[test]
fn a_room_without_seats_taken_is_gone_for_good() {
    let mut lobby = Lobby::new(1, false);
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
    let mut lobby = Lobby::new(100, false);
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
    let mut lobby = Lobby::new(3, false);
    let rooms = [0, 1, 2].map(|_| lobby.open(title, BOARD, seats(1), 0).unwrap().room);
    let (_, next) = lobby.page(RoomId(0), RoomFilter::All, 3);
    assert_eq!((lobby.page(RoomId(0), RoomFilter::All, 2).1, next), (Some(rooms[1]), None));
}

/// Every page of what is asked for.
fn all(lobby: &Lobby, query: &RoomQuery) -> Vec<RoomId> {
    let (mut query, mut found) = (query.clone(), Vec::new());
    loop {
        let (page, next) = lobby.find(&query, 3);
        found.extend(page.into_iter().map(|entry| entry.room));
        match next {
            Some(next) => query.after = next,
            None => return found,
        }
    }
}

#[test]
fn rooms_are_found_by_all_that_is_asked_for_at_once() {
    let mut lobby = Lobby::new(100, false);
    let named = |text: &str| RoomTitle::new(text).unwrap();
    let friday = lobby.open(|_| named("Friday night"), BOARD, seats(2), 0).unwrap().room;
    let locked = lobby.open(|_| named("FRIDAY for two"), BOARD, seats(2), 0).unwrap().room;
    lobby.describe(locked, Door::Password, Some(Name::new("Ann").unwrap()));
    let full = lobby.open(|_| named("friday alone"), BOARD, seats(1), 0).unwrap().room;
    let five = lobby.open(|_| named("Straße"), GameName::FIVE, seats(2), 0).unwrap().room;
    let ask = |adjust: &dyn Fn(&mut RoomQuery)| {
        let mut query = RoomQuery::ALL;
        adjust(&mut query);
        all(&lobby, &query)
    };
    assert_eq!(ask(&|_| {}), [friday, locked, full, five]);
    assert_eq!(ask(&|query| query.title = Some(named("friDAY"))), [friday, locked, full]);
    assert_eq!(ask(&|query| query.title = Some(named("STRASSE"))), [five], "folded, not only lowered");
    assert_eq!(ask(&|query| query.seats = RoomFilter::Open), [friday, locked, five]);
    assert_eq!(ask(&|query| query.door = Some(Door::Password)), [locked]);
    assert_eq!(ask(&|query| query.game = Some(GameName::FIVE)), [five]);
    let narrow = |query: &mut RoomQuery| {
        (query.title, query.door, query.seats) = (Some(named("day")), Some(Door::Open), RoomFilter::Open);
    };
    assert_eq!(ask(&narrow), [friday]);
    let (page, _) = lobby.find(&RoomQuery { door: Some(Door::Password), ..RoomQuery::ALL }, 9);
    assert_eq!(page[0].owner.as_ref().map(Name::as_str), Some("Ann"));
}

/// Whoever looks for what nobody has must not hold the lobby for as long as it takes to look at all rooms.
#[test]
fn one_page_looks_at_so_many_rooms_and_the_next_goes_on_from_there() {
    let mut lobby = Lobby::new(LOOKS_PER_PAGE * 3, false);
    let full = || seats(1);
    let rooms = LOOKS_PER_PAGE * 2 + 5;
    for _ in 0..rooms {
        lobby.open(title, BOARD, full(), 0).unwrap();
    }
    let last = lobby.open(title, BOARD, seats(2), 0).unwrap().room;
    let open = RoomQuery { seats: RoomFilter::Open, ..RoomQuery::ALL };
    let (page, next) = lobby.find(&open, 50);
    assert_eq!((page.len(), next), (0, Some(RoomId(u32::try_from(LOOKS_PER_PAGE).unwrap()))));
    assert_eq!(all(&lobby, &open), [last]);
    assert_eq!(all(&lobby, &RoomQuery::ALL).len(), rooms + 1);
}

#[test]
fn quick_join_passes_by_passwords_and_rooms_that_one_may_not_enter() {
    let mut lobby = Lobby::new(10, false);
    let locked = lobby.open(title, BOARD, seats(5), 0).unwrap().room;
    lobby.describe(locked, Door::Password, None);
    let barred = lobby.open(title, BOARD, seats(5), 0).unwrap().room;
    assert_eq!(lobby.reserve_any(BOARD, None, |room| room != barred), None);
    assert_eq!(lobby.reserve_any(BOARD, None, anywhere).unwrap().room, barred);
    assert!(lobby.reserve(locked).is_ok(), "its door is somebody else's to guard");
}

#[test]
fn a_room_that_is_kept_closes_only_while_it_is_empty() {
    let mut lobby = Lobby::new(10, true);
    let place = lobby.open(title, BOARD, seats(2), 0).unwrap();
    assert!(!lobby.close_if_empty(place.room), "someone sits there");
    assert_eq!(lobby.release(place), Released::Empty);
    assert_eq!(lobby.page(RoomId(0), RoomFilter::All, 9).0[0].taken, 0);
    assert_eq!(lobby.reserve_any(BOARD, None, anywhere).unwrap(), place, "it is as any other");
    assert!(!lobby.close_if_empty(place.room), "someone has come");
    assert_eq!(lobby.release(place), Released::Empty);
    assert!(lobby.close_if_empty(place.room));
    assert_eq!((lobby.rooms(), lobby.reserve(place.room)), (0, Err(JoinError::NoSuchRoom(place.room))));
    assert!(lobby.close_if_empty(place.room), "it is closed still");
}

#[test]
fn a_server_that_stops_keeps_no_room() {
    let mut lobby = Lobby::new(10, true);
    let [empty, taken] = [0, 1].map(|_| lobby.open(title, BOARD, seats(2), 0).unwrap());
    lobby.release(empty);
    assert_eq!(lobby.keep_empty_no_more(), [empty.room]);
    assert_eq!((lobby.rooms(), lobby.release(taken)), (1, Released::Closed));
}

proptest! {
    /// No seat is handed out twice, no room has more taken than it has seats, the counts agree, quick-join never leads behind
    /// a password, and a room without a seat taken is there exactly while it is kept.
    #[test]
    fn seats_are_unique(
        keeps_empty: bool,
        actions in prop::collection::vec((0u8..6, 0usize..30, 1u8..=10), 0..200),
    ) {
        let mut lobby = Lobby::new(5, keeps_empty);
        let mut held: Vec<Place> = Vec::new();
        let (mut empty, mut locked) = (HashSet::new(), HashSet::new());
        for (kind, pick, count) in actions {
            let place = match kind {
                0 => lobby.open(title, BOARD, seats(count), pick % 2).ok(),
                1 => {
                    let place = lobby.reserve_any(BOARD, (pick % 3 < 2).then_some(pick % 2), anywhere);
                    prop_assert!(place.is_none_or(|place| !locked.contains(&place.room)));
                    place
                }
                2 => held.get(pick).and_then(|place| lobby.reserve(place.room).ok()),
                3 => {
                    if let Some(place) = held.get(pick) {
                        lobby.describe(place.room, Door::Password, None);
                        locked.insert(place.room);
                    }
                    None
                }
                4 => {
                    if let Some(&room) = empty.iter().min() {
                        prop_assert!(lobby.close_if_empty(room));
                        empty.remove(&room);
                    }
                    None
                }
                _ => {
                    if pick < held.len() {
                        let place = held.swap_remove(pick);
                        let others = held.iter().any(|other| other.room == place.room);
                        let released = lobby.release(place);
                        prop_assert_eq!(released == Released::Open, others);
                        if released == Released::Empty {
                            prop_assert!(keeps_empty);
                            empty.insert(place.room);
                        }
                    }
                    None
                }
            };
            if let Some(place) = place {
                empty.remove(&place.room);
                held.push(place);
            }
            let unique: HashSet<_> = held.iter().map(|place| (place.room, place.seat)).collect();
            prop_assert_eq!(unique.len(), held.len());
            prop_assert_eq!(lobby.seats_taken(), held.len());
            let taken = held.iter().map(|place| place.room).collect::<HashSet<_>>();
            prop_assert_eq!(lobby.rooms(), taken.len() + empty.len());
            let (rooms, _) = lobby.page(RoomId(0), RoomFilter::All, 100);
            prop_assert!(rooms.iter().all(|info| usize::from(info.taken) <= info.seats.count()));
            let bare: HashSet<_> = rooms.iter().filter(|info| info.taken == 0).map(|info| info.room).collect();
            prop_assert_eq!(&bare, &empty);
        }
    }
}
