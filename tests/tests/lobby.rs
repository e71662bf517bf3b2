//! Names, versions and rooms, over real sockets: what is asked for before anyone plays.
#![allow(clippy::unwrap_used, reason = "a test")]

use malpan_client::{Client, ClientError, Connection, Room};
use malpan_e2e::{TestServer, arrived, line, name, within};
use malpan_protocol::{
    ClientPacket, DenialCode, JoinTarget, PlayerId, ROOMS_PER_PAGE, RoomFilter, RoomId, RoomPlan, RoomTitle, SeatCount,
    ServerPacket, SoftwareName, VersionRange,
};
use tokio::net::TcpStream;

fn code<T: std::fmt::Debug>(answer: Result<T, ClientError>) -> DenialCode {
    match answer {
        Err(ClientError::Denied(denial)) => denial.code,
        other => panic!("{other:?}"),
    }
}

fn seats(count: u8) -> Option<SeatCount> {
    Some(SeatCount::new(count).unwrap())
}

async fn open(client: &mut Client, title: &str, count: Option<SeatCount>) -> malpan_protocol::Joined {
    within(client.open_room(None, RoomTitle::new(title).unwrap(), count)).await.unwrap()
}

#[tokio::test]
async fn a_name_is_free_again_when_its_owner_is_gone() {
    let server = TestServer::start(|_| {}).unwrap();
    let ann = within(server.guest("Ann")).await.unwrap();
    let mut other = within(server.connect()).await.unwrap();
    // Case does not tell two names apart.
    for taken in ["Ann", "ANN", "aNN"] {
        assert_eq!(code(within(other.sign_in_guest(name(taken))).await), DenialCode::NameTaken, "{taken}");
    }
    drop(ann);
    let free = async {
        while server.host().signed_in() > 0 {
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        }
    };
    within(free).await;
    let (_, signed_in) = within(other.sign_in_guest(name("ANN"))).await.unwrap();
    assert_eq!(signed_in.as_str(), "ANN", "the spelling is the newcomer's own");
}

#[tokio::test]
async fn a_version_that_the_server_does_not_speak_is_denied() {
    let server = TestServer::start(|_| {}).unwrap();
    let newest = VersionRange::SUPPORTED.max;
    let foreign = [(0, 0), (newest + 1, u16::MAX), (newest, newest - 1)];
    for (min, max) in foreign {
        let stream = TcpStream::connect(server.address()).await.unwrap();
        let mut connection = Connection::new(stream);
        let client = SoftwareName::new("future/9").unwrap();
        connection.send(&ClientPacket::Hello { versions: VersionRange { min, max }, client }).unwrap();
        let packet = within(connection.next()).await.unwrap();
        assert!(matches!(&packet, ServerPacket::Denied(d) if d.code == DenialCode::Version), "{packet:?}");
        assert!(matches!(within(connection.next()).await, Err(ClientError::Closed)));
    }
    // One version in common is enough.
    let mut connection = Connection::new(TcpStream::connect(server.address()).await.unwrap());
    let (versions, client) = (VersionRange { min: 0, max: u16::MAX }, SoftwareName::new("").unwrap());
    connection.send(&ClientPacket::Hello { versions, client }).unwrap();
    let packet = within(connection.next()).await.unwrap();
    assert!(matches!(&packet, ServerPacket::Welcome(welcome) if welcome.version == newest), "{packet:?}");
}

#[tokio::test]
async fn a_room_has_the_seats_that_its_opener_asked_for() {
    let server = TestServer::start(|_| {}).unwrap();
    let mut opener = within(server.guest("opener")).await.unwrap();
    let room = open(&mut opener, "two", seats(2)).await;
    assert_eq!((room.title.as_str(), room.seats.count()), ("two", 2));
    let target = JoinTarget::Room(room.room);
    let mut second = within(server.guest("second")).await.unwrap();
    assert_eq!(within(second.join(target)).await.unwrap().members.len(), 2);
    let mut third = within(server.guest("third")).await.unwrap();
    assert_eq!(code(within(third.join(target)).await), DenialCode::RoomFull);
    assert_eq!(code(within(third.join(JoinTarget::Room(RoomId(999)))).await), DenialCode::NoSuchRoom);
    assert_eq!(code(within(third.join(JoinTarget::Room(RoomId(0)))).await), DenialCode::NoSuchRoom);
    // A denial costs nothing else: the next request is done.
    let own = open(&mut third, "default", None).await;
    assert_eq!(own.seats, malpan_server::config::Config::default().game.seats);
    assert_eq!(server.host().rooms(), 2);
    // A seat that is given back can be had again; a room that everyone left is gone.
    within(second.leave()).await.unwrap();
    within(third.leave()).await.unwrap();
    assert_eq!(within(third.join(target)).await.unwrap().seat.unwrap().index(), 1);
    assert_eq!(code(within(second.join(JoinTarget::Room(own.room))).await), DenialCode::NoSuchRoom);
}

#[tokio::test]
async fn the_room_list_comes_in_pages_and_can_leave_full_rooms_out() {
    const ROOMS: usize = ROOMS_PER_PAGE * 2 + 7;
    let server = TestServer::start(|config| config.limits.join_burst = 1000).unwrap();
    let (mut owners, mut full, mut roomy) = (Vec::new(), Vec::new(), Vec::new());
    for index in 0..ROOMS {
        let mut owner = within(server.guest(&format!("owner {index}"))).await.unwrap();
        // Every third room is full as soon as it is open.
        let count = if index % 3 == 0 { 1 } else { 4 };
        let room = open(&mut owner, &format!("room {index}"), seats(count)).await.room;
        if count == 1 { &mut full } else { &mut roomy }.push(room);
        owners.push(owner);
    }
    let mut reader = within(server.guest("reader")).await.unwrap();
    let mut everything = [full.clone(), roomy.clone()].concat();
    everything.sort();
    for (filter, expected) in [(RoomFilter::All, &everything), (RoomFilter::Open, &roomy)] {
        let (mut after, mut listed, mut pages) = (RoomId(0), Vec::new(), 0);
        loop {
            let page = within(reader.list_rooms(after, filter)).await.unwrap();
            pages += 1;
            for info in page.rooms.iter() {
                assert_eq!(info.taken, 1);
                assert_eq!(info.seats.count() == 1, full.contains(&info.room));
                assert!(info.title.as_str().starts_with("room "));
                listed.push(info.room);
            }
            match page.next {
                Some(next) => after = next,
                None => break,
            }
        }
        assert_eq!(&listed, expected);
        assert_eq!(pages, expected.len().div_ceil(ROOMS_PER_PAGE));
    }
    // Past the last there is an empty page, not an error.
    let beyond = within(reader.list_rooms(RoomId(u32::MAX), RoomFilter::All)).await.unwrap();
    assert!(beyond.rooms.is_empty() && beyond.next.is_none());
}

/// The client's own line comes back before the room lets it go.
#[tokio::test]
async fn nothing_of_an_old_room_is_taken_for_the_new_ones() {
    let server = TestServer::start(|config| {
        (config.limits.joins_per_second, config.limits.join_burst) = (10_000, 10_000);
    })
    .unwrap();
    let mut bob = within(server.guest("Bob")).await.unwrap();
    let title = RoomTitle::new("elsewhere").unwrap();
    let plan = RoomPlan { game: None, title, seats: None, board: None, password: None };
    let elsewhere = within(bob.create_room(plan)).await.unwrap().room;
    let mut ann = within(server.guest("Ann")).await.unwrap();
    let first = open(&mut ann, "the first", None).await.room;
    ann.chat(line("is anyone here?")).unwrap();
    assert_eq!(within(ann.leave()).await.unwrap(), first);
    let (told, _) = arrived(&mut ann).await;
    assert!(told.iter().all(|packet| !matches!(packet, ServerPacket::Chat(_))), "{told:?}");
    let mut room: Room = Room::new(&within(ann.join(JoinTarget::Room(elsewhere))).await.unwrap()).unwrap();
    bob.chat(line("yes")).unwrap();
    within(bob.flush()).await.unwrap();
    loop {
        let packet = within(ann.next()).await.unwrap();
        room.apply(&packet).unwrap();
        if let ServerPacket::Chat(said) = packet {
            assert_eq!(said.text.as_str(), "yes");
            break;
        }
    }
    within(ann.leave()).await.unwrap();
    // Put out before it asks for another room, and not told yet.
    within(ann.join(JoinTarget::Room(elsewhere))).await.unwrap();
    bob.remove(name("Ann")).unwrap();
    let in_the_lobby = async { while within(bob.list_lobby(PlayerId(0))).await.unwrap().names.is_empty() {} };
    within(in_the_lobby).await;
    open(&mut ann, "her own", None).await;
    ann.chat(line("alone at last")).unwrap();
    let mut was_removed = false;
    let told = async {
        loop {
            match ann.next().await.unwrap() {
                ServerPacket::Removed { room, .. } => was_removed |= room == elsewhere,
                ServerPacket::RoomLeft { room } => panic!("{room} was left before"),
                ServerPacket::Chat(_) => break,
                _ => {}
            }
        }
    };
    within(told).await;
    assert!(was_removed, "who was put out hears of it all the same");
}
