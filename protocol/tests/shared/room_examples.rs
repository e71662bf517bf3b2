//! What the document's examples of chat and of own rooms mean.

use super::examples::{Table, seat, title};
use malpan_protocol::*;

pub(super) fn to_server() -> Table<ClientPacket> {
    use ClientPacket as P;
    let say = |to, manner, text| P::Say { to, manner, text: line(text) };
    let plan = RoomPlan {
        game: None,
        title: title("Friday"),
        seats: Some(SeatCount::new(4).unwrap()),
        board: Some(BoardSize::new(12, 6).unwrap()),
        password: Some(RoomPassword::new("sesame").unwrap()),
    };
    let open =
        RoomPlan { game: Some(GameName::FIVE), title: title("오목"), seats: None, board: None, password: None };
    let query = RoomQuery {
        after: RoomId(0),
        seats: RoomFilter::Open,
        door: Some(Door::Open),
        game: Some(GameName::BOARD),
        title: Some(title("fri")),
    };
    let password = RoomPassword::new("sesame").unwrap();
    vec![
        ("Say", vec![say(Audience::Room, Manner::Emote, "waves")]),
        ("Say/lobby", vec![say(Audience::Lobby, Manner::Say, "hi")]),
        ("Say/player", vec![say(Audience::Player(name("Bo")), Manner::Say, "hi")]),
        ("ListLobby", vec![P::ListLobby { after: PlayerId(0) }]),
        ("CreateRoom", vec![P::CreateRoom(Box::new(plan))]),
        ("CreateRoom/plain", vec![P::CreateRoom(Box::new(open))]),
        ("FindRooms", vec![P::FindRooms(Box::new(query))]),
        ("FindRooms/all", vec![P::FindRooms(Box::new(RoomQuery::ALL))]),
        ("Unlock", vec![P::Unlock { room: RoomId(300), part: Part::Seat, password }]),
        ("Remove", vec![P::Remove { name: name("Bo") }]),
        ("HandOver", vec![P::HandOver { name: name("Bo") }]),
    ]
}

pub(super) fn to_client() -> Table<ServerPacket> {
    use ServerPacket as P;
    let lines = vec![
        PastLine { name: name("Bo"), manner: Manner::Say, text: line("hi") },
        PastLine { name: name("Ann"), manner: Manner::Emote, text: line("waves") },
    ];
    let whisper = Whisper { from: name("Ann"), to: name("Bo"), manner: Manner::Say, text: line("hi") };
    let page = LobbyPage { total: 2, names: vec![name("Ann"), name("Bo")].try_into().unwrap(), next: None };
    let entry = RoomEntry {
        room: RoomId(300),
        title: title("Friday"),
        game: GameName::BOARD,
        taken: 3,
        seats: SeatCount::new(4).unwrap(),
        watchers: 0,
        door: Door::Password,
        owner: Some(name("Ann")),
    };
    let rooms = RoomList { rooms: vec![entry].try_into().unwrap(), next: Some(RoomId(300)) };
    let nothing = RoomList { rooms: List::new(), next: None };
    vec![
        ("Emote", vec![P::Emote(Chatted { event: 46, seat: seat(2), text: line("waves") })]),
        ("LobbyChat", vec![P::LobbyChat(LobbyChat { name: name("Ann"), manner: Manner::Say, text: line("hi") })]),
        ("Whisper", vec![P::Whisper(whisper)]),
        ("History", vec![P::History(History { room: RoomId(300), lines: lines.try_into().unwrap() })]),
        ("LobbyPage", vec![P::LobbyPage(page)]),
        ("RoomList", vec![P::RoomList(rooms)]),
        ("RoomList/none", vec![P::RoomList(nothing)]),
        ("About", vec![P::About(About { room: RoomId(300), owner: Some(seat(0)), door: Door::Password })]),
        ("Owner", vec![P::Owner { event: 47, seat: Some(seat(2)) }]),
        ("Removed", vec![P::Removed { room: RoomId(300), by: name("Ann") }]),
    ]
}

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

fn line(text: &str) -> ChatText {
    ChatText::new(text).unwrap()
}
