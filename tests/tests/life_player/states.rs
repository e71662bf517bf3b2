//! Every packet in every state, held against the table in docs/protocol.md.

use crate::{State, hears, is_denied};
use malpan_client::{Client, Room};
use malpan_e2e::{MemoryServer, Wire, arrived, bytes_of, line, name, payload, step};
use malpan_protocol::{
    Audience, ClientCodec, ClientPacket, DenialCode, Direction, JoinTarget, LeaveReason, Manner, Part, PlayerId,
    ResumeToken, RoomFilter, RoomId, RoomPassword, RoomPlan, RoomQuery, RoomTitle, Secret, ServerCodec, ServerPacket,
    SignalTarget, SoftwareName, VersionRange,
};
use std::collections::BTreeMap;
use tokio::io::DuplexStream;
use tokio_util::codec::Decoder;

/// Every packet that a client may send, under its name in the document. `room` is one that can be watched.
fn every_packet(room: RoomId) -> Vec<(&'static str, ClientPacket)> {
    let client = SoftwareName::new("once more").unwrap();
    let secret = Secret::new("correct horse").unwrap();
    let say = |to| ClientPacket::Say { to, manner: Manner::Say, text: line("hello") };
    let title = RoomTitle::new("own").unwrap();
    let plan = RoomPlan { game: None, title, seats: None, board: None, password: None };
    vec![
        ("Hello", ClientPacket::Hello { versions: VersionRange::SUPPORTED, client }),
        ("Guest", ClientPacket::Guest { name: name("someone else") }),
        ("ListRooms", ClientPacket::ListRooms { after: RoomId(0), filter: RoomFilter::All }),
        ("OpenRoom", ClientPacket::OpenRoom { game: None, title: RoomTitle::new("new").unwrap(), seats: None }),
        ("Join", ClientPacket::Join { target: JoinTarget::Room(room) }),
        ("Leave", ClientPacket::Leave),
        ("Command", step(1, Direction::Down)),
        ("Chat", ClientPacket::Chat { text: line("hello") }),
        ("Signal", ClientPacket::Signal { to: SignalTarget::Room, payload: payload(b"x") }),
        ("Ping", ClientPacket::Ping { nonce: 7 }),
        ("Pong", ClientPacket::Pong { nonce: 7 }),
        ("Bye", ClientPacket::Bye),
        ("Watch", ClientPacket::Watch { room }),
        // A token that nobody has: what a good one brings is tested in tests/resume.
        ("Resume", ClientPacket::Resume { token: ResumeToken::new([7; 32]), seen: None }),
        ("Register", ClientPacket::Register { name: name("at home"), secret: secret.clone() }),
        ("Login", ClientPacket::Login { name: name("at home"), secret }),
        ("Say{Room}", say(Audience::Room)),
        ("Say{Lobby}", say(Audience::Lobby)),
        ("Say{Player}", say(Audience::Player(name("someone")))),
        ("ListLobby", ClientPacket::ListLobby { after: PlayerId(0) }),
        ("CreateRoom", ClientPacket::CreateRoom(Box::new(plan))),
        ("FindRooms", ClientPacket::FindRooms(Box::new(RoomQuery::ALL))),
        ("Unlock", ClientPacket::Unlock { room, part: Part::Seat, password: RoomPassword::new("any").unwrap() }),
        ("Remove", ClientPacket::Remove { name: name("witness") }),
        ("HandOver", ClientPacket::HandOver { name: name("witness") }),
    ]
}

/// What the document says of each packet: a word for each state, in the order of [`State::ALL`].
fn document() -> BTreeMap<String, Vec<String>> {
    let page = include_str!("../../../docs/protocol.md");
    let (_, table) = page.split_once("| packet | Connected | Greeted | Lobby | Seated | Watching |\n").unwrap();
    let rows = table.lines().skip(1).take_while(|line| line.starts_with('|'));
    rows.flat_map(|row| {
        let mut cells = row.trim_matches('|').split('|').map(str::trim);
        let names = cells.next().unwrap();
        let words: Vec<_> = cells.map(str::to_owned).collect();
        names.split(", ").map(move |name| (name.trim_matches('`').to_owned(), words.clone())).collect::<Vec<_>>()
    })
    .collect()
}

/// What an allowed packet is answered with; for some that is nothing, or the end.
fn is_answer(packet: &str, answer: &ServerPacket) -> bool {
    match packet {
        "Hello" => matches!(answer, ServerPacket::Welcome(_)),
        "Guest" | "Register" => matches!(answer, ServerPacket::SignedIn { .. }),
        "Login" => is_denied(answer, DenialCode::WrongCredentials),
        "Resume" => is_denied(answer, DenialCode::ResumeRefused),
        "ListRooms" => matches!(answer, ServerPacket::Rooms(_)),
        "FindRooms" => matches!(answer, ServerPacket::RoomList(_)),
        "ListLobby" => matches!(answer, ServerPacket::LobbyPage(_)),
        "Say{Lobby}" => matches!(answer, ServerPacket::LobbyChat(_)),
        "Say{Player}" => matches!(answer, ServerPacket::Whisper(_)),
        // The witness's room is nobody's.
        "Remove" | "HandOver" => is_denied(answer, DenialCode::NotOwner),
        "OpenRoom" | "CreateRoom" | "Join" | "Unlock" | "Watch" => matches!(answer, ServerPacket::Joined(_)),
        "Leave" => matches!(answer, ServerPacket::RoomLeft { .. }),
        "Command" => matches!(answer, ServerPacket::Updates(_)),
        "Chat" | "Say{Room}" => matches!(answer, ServerPacket::Chat(_)),
        "Signal" => matches!(answer, ServerPacket::Signal(_)),
        "Ping" => *answer == ServerPacket::Pong { nonce: 7 },
        _ => false,
    }
}

/// Someone who plays, and beside them one who is in a given state.
struct Scene {
    server: MemoryServer,
    witness: Client<DuplexStream>,
    view: Room,
    wire: Wire<DuplexStream>,
    state: State,
}

impl Scene {
    async fn new(state: State) -> Self {
        let mut server = MemoryServer::new(malpan_e2e::without_grace(), 2);
        let (witness, view) = server.player("witness").await.unwrap();
        let wire = Wire::new(server.stream().unwrap());
        let mut scene = Self { server, witness, view, wire, state };
        scene.wire.ask(&state.way("someone", scene.view.id())).await.unwrap();
        assert_eq!(hears(&mut scene.wire).await, (vec![], false), "{state:?} is reached");
        scene.witness_hears().await;
        scene
    }

    async fn witness_hears(&mut self) -> Vec<ServerPacket> {
        let (packets, end) = arrived(&mut self.witness).await;
        assert!(end.is_none(), "{end:?}");
        packets.iter().for_each(|packet| self.view.apply(packet).unwrap());
        packets
    }

    /// All that there is, is as before the other one came, and nobody has noticed anything but that they went.
    async fn nothing_was_done(&mut self, about: &str) {
        let heard = self.witness_hears().await;
        if self.state == State::Seated {
            let gone = matches!(&heard[..], [ServerPacket::Left(left)] if left.reason == LeaveReason::Kicked);
            assert!(gone, "{about}: {heard:?}");
        } else {
            assert_eq!(heard, [], "{about}");
        }
        let host = self.server.host();
        assert_eq!((host.signed_in(), host.rooms(), host.seats_taken()), (1, 1, 1), "{about}");
    }
}

#[test]
fn the_document_has_every_packet_and_no_other() {
    let documented: Vec<_> = document().into_keys().collect();
    let mut names: Vec<_> = every_packet(RoomId(1)).into_iter().map(|(name, _)| name).collect();
    // The number of each is its own, and the next one is nobody's: a new packet has to come into this test.
    let mut numbers: Vec<_> =
        every_packet(RoomId(1)).iter().map(|(_, packet)| bytes_of(std::slice::from_ref(packet))[2]).collect();
    numbers.sort_unstable();
    numbers.dedup();
    let count = u8::try_from(numbers.len()).unwrap();
    assert_eq!(numbers, (0..count).collect::<Vec<u8>>());
    for next in count..=250 {
        ServerCodec::new().decode(&mut [&[5, 0, next][..], &[0; 4]].concat().as_slice().into()).unwrap_err();
    }
    names.sort_unstable();
    assert_eq!(documented, names);
}

#[tokio::test(start_paused = true)]
async fn every_packet_in_every_state_does_as_the_document_says() {
    for (row, words) in document() {
        assert_eq!(words.len(), State::ALL.len());
        for (state, word) in State::ALL.into_iter().zip(&words) {
            let about = format!("{row} in {state:?}");
            let mut scene = Scene::new(state).await;
            let packets = every_packet(scene.view.id());
            let (_, packet) = packets.into_iter().find(|(name, _)| *name == row).unwrap();
            // And one behind it in the same write.
            let behind = ClientPacket::Ping { nonce: 99 };
            scene.wire.send(&[packet, behind]).await.unwrap();
            let (heard, ended) = hears(&mut scene.wire).await;
            let pong = ServerPacket::Pong { nonce: 99 };
            match word.as_str() {
                "yes" if row == "Bye" => assert_eq!((heard, ended), (vec![], true), "{about}"),
                "yes" if row == "Pong" => assert_eq!((heard, ended), (vec![pong], false), "{about}"),
                "yes" => {
                    assert!(heard.iter().any(|answer| is_answer(&row, answer)), "{about}: {heard:?}");
                    // What a room of one's own is comes right after it.
                    let more = usize::from(row == "CreateRoom");
                    assert!(heard.contains(&pong) && heard.len() == 2 + more && !ended, "{about}: {heard:?}");
                }
                "denied" => {
                    let code = match (row.as_str(), state) {
                        ("Say{Room}", State::Lobby) | ("Say{Lobby}", _) => DenialCode::NotHere,
                        _ => DenialCode::Watching,
                    };
                    let denied = is_denied(&heard[0], code);
                    assert!(denied && heard[1..] == [pong] && !ended, "{about}: {heard:?}");
                }
                "-" => {
                    let told = matches!(&heard[..], [only] if is_denied(only, DenialCode::OutOfOrder));
                    assert!(told && ended, "{about}: {heard:?}, ended: {ended}");
                    scene.nothing_was_done(&about).await;
                }
                other => panic!("{about}: the document says {other:?}"),
            }
        }
    }
}

/// What only the server says is no packet when it comes from a client: most of the numbers are none of a client's, and the
/// rest has another meaning.
#[tokio::test(start_paused = true)]
async fn a_packet_of_the_server_is_malformed_in_every_state() {
    for state in State::ALL {
        for kind in [13, 14, 15, 16, 23] {
            let mut scene = Scene::new(state).await;
            let about = format!("type {kind} in {state:?}");
            // The bytes of a Ping, a Pong, an Echo, a RoomLeft, and of nothing: a number and a small value.
            let mut frame = [2, 0, kind, 0].as_slice().into();
            if kind < 18 {
                assert!(ClientCodec::new().decode(&mut frame).unwrap().is_some(), "{about}: the server's own");
            }
            scene.wire.write(&[2, 0, kind, 0]).await.unwrap();
            let (heard, ended) = hears(&mut scene.wire).await;
            assert!(ended, "{about}");
            match heard.as_slice() {
                // To a stranger nothing is said.
                [] => assert_eq!(state, State::Connected, "{about}"),
                [only] => assert!(is_denied(only, DenialCode::Malformed), "{about}: {only:?}"),
                more => panic!("{about}: {more:?}"),
            }
            scene.nothing_was_done(&about).await;
        }
    }
}

/// Who has seen the room close may have sent more for it.
#[tokio::test(start_paused = true)]
async fn what_a_watcher_sends_to_a_room_that_has_closed_is_out_of_order_but_for_a_goodbye() {
    for (packet, may) in [(ClientPacket::Leave, true), (ClientPacket::Chat { text: line("hello?") }, false)] {
        let mut scene = Scene::new(State::Watching).await;
        scene.witness.leave().await.unwrap();
        scene.wire.send(&[packet, ClientPacket::Ping { nonce: 1 }]).await.unwrap();
        let (heard, ended) = hears(&mut scene.wire).await;
        let closed = heard.iter().filter(|packet| matches!(packet, ServerPacket::RoomLeft { .. }));
        assert_eq!(closed.count(), 1, "{heard:?}");
        let last = heard.last().unwrap();
        let as_it_should = if may {
            *last == ServerPacket::Pong { nonce: 1 } && !ended
        } else {
            is_denied(last, DenialCode::OutOfOrder) && ended
        };
        assert!(as_it_should, "{heard:?}");
    }
}
