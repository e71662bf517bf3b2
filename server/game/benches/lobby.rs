//! How long one page of 2,000 rooms takes: so long the directory's lock is held. Prints percentiles; each call is timed,
//! because what matters is the slowest that others wait for.
#![allow(missing_docs, clippy::unwrap_used, clippy::cast_possible_truncation, reason = "a benchmark")]

use malpan_game::Lobby;
use malpan_protocol::{Door, GameName, Name, ROOMS_PER_PAGE, RoomFilter, RoomId, RoomQuery, RoomTitle, SeatCount};
use std::{hint::black_box, time::Instant};

const ROOMS: u32 = 2_000;
const CALLS: usize = 20_000;

fn main() {
    let lobby = full_lobby();
    let title = |text: &str| Some(RoomTitle::new(text).unwrap());
    let last = RoomId(ROOMS - 60);
    measure("the first page", &lobby, &RoomQuery::ALL);
    measure("the last page", &lobby, &RoomQuery { after: last, ..RoomQuery::ALL });
    measure("a free seat, which few have", &lobby, &RoomQuery { seats: RoomFilter::Open, ..RoomQuery::ALL });
    measure("a title that few have", &lobby, &RoomQuery { title: title("night 7"), ..RoomQuery::ALL });
    let nothing = RoomQuery {
        after: RoomId(0),
        seats: RoomFilter::Open,
        door: Some(Door::Open),
        game: Some(GameName::BOARD),
        title: title("no room is called so"),
    };
    measure("all at once, which none is", &lobby, &nothing);
    measure("a title that none has", &lobby, &RoomQuery { title: nothing.title.clone(), ..RoomQuery::ALL });
}

/// Mostly full rooms, with owners, some of them with a password.
fn full_lobby() -> Lobby {
    let mut lobby = Lobby::new(ROOMS as usize, true);
    for number in 0..ROOMS {
        let title = RoomTitle::new(&format!("Friday night {number}, 말판")).unwrap();
        let seats = SeatCount::new(if number % 50 == 0 { 3 } else { 2 }).unwrap();
        let place = lobby.open(|_| title, GameName::BOARD, seats, 0).unwrap();
        lobby.reserve(place.room).unwrap();
        let door = if number % 10 == 0 { Door::Password } else { Door::Open };
        lobby.describe(place.room, door, Some(Name::new(&format!("owner {number}")).unwrap()));
    }
    lobby
}

fn measure(what: &str, lobby: &Lobby, query: &RoomQuery) {
    let mut times: Vec<_> = (0..CALLS)
        .map(|_| {
            let begin = Instant::now();
            black_box(lobby.find(black_box(query), ROOMS_PER_PAGE));
            begin.elapsed()
        })
        .collect();
    times.sort_unstable();
    let at = |share: f64| times[(share * (CALLS - 1) as f64) as usize].as_secs_f64() * 1e6;
    println!("{what:<28} p50 {:6.1} us  p99 {:6.1} us  max {:6.1} us", at(0.5), at(0.99), at(1.0));
}
