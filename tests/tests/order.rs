//! Which packet is allowed in which state, as `docs/protocol.md` has it: the table, and that what is not allowed has no
//! effect but its denial and the end of the connection.
#![allow(clippy::unwrap_used, reason = "a test")]

use malpan_client::{Client, ClientError, Connection, Room};
use malpan_e2e::{MemoryServer, arrived, bytes_of, line, name, payload, step};
use malpan_protocol::{
    Audience, ClientPacket, Denial, DenialCode, Direction, JoinTarget, LeaveReason, Manner, Part, PlayerId,
    ResumeToken, RoomFilter, RoomId, RoomPassword, RoomPlan, RoomQuery, RoomTitle, Secret, ServerCodec, ServerPacket,
    SignalTarget, SoftwareName, VersionRange,
};
use malpan_server::config::Config;
use std::time::Duration;
use tokio::io::DuplexStream;
use tokio_util::codec::Decoder;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Connected,
    Greeted,
    Lobby,
    Seated,
}

use State::{Connected, Greeted, Lobby, Seated};

const STATES: [State; 4] = [Connected, Greeted, Lobby, Seated];

/// The table of the document. A new packet does not compile until it stands here.
fn allowed_in(packet: &ClientPacket) -> &'static [State] {
    match packet {
        ClientPacket::Hello { .. } => &[Connected],
        ClientPacket::Guest { .. }
        | ClientPacket::Resume { .. }
        | ClientPacket::Register { .. }
        | ClientPacket::Login { .. } => &[Greeted],
        ClientPacket::ListRooms { .. } | ClientPacket::FindRooms(_) | ClientPacket::ListLobby { .. } => {
            &[Lobby, Seated]
        }
        // What is said to where one is not is denied, and the connection goes on.
        ClientPacket::Say { .. } => &[Lobby, Seated],
        ClientPacket::CreateRoom(_) | ClientPacket::Unlock { .. } => &[Lobby],
        ClientPacket::Remove { .. } | ClientPacket::HandOver { .. } => &[Seated],
        ClientPacket::OpenRoom { .. } | ClientPacket::Join { .. } | ClientPacket::Watch { .. } => &[Lobby],
        ClientPacket::Leave
        | ClientPacket::Command { .. }
        | ClientPacket::Chat { .. }
        | ClientPacket::Signal { .. } => &[Seated],
        ClientPacket::Ping { .. } | ClientPacket::Pong { .. } | ClientPacket::Bye => &[Greeted, Lobby, Seated],
    }
}

fn hello() -> ClientPacket {
    ClientPacket::Hello { versions: VersionRange::SUPPORTED, client: SoftwareName::new("test").unwrap() }
}

fn secret() -> Secret {
    Secret::new("correct horse").unwrap()
}

/// One of each type, and more where a field decides what is done.
fn packets() -> Vec<ClientPacket> {
    vec![
        hello(),
        ClientPacket::Guest { name: name("offender again") },
        ClientPacket::ListRooms { after: RoomId(0), filter: RoomFilter::All },
        ClientPacket::OpenRoom { game: None, title: RoomTitle::new("new").unwrap(), seats: None },
        ClientPacket::Join { target: JoinTarget::Any },
        ClientPacket::Join { target: JoinTarget::Room(RoomId(1)) },
        ClientPacket::Leave,
        step(1, Direction::Right),
        ClientPacket::Chat { text: line("hi") },
        ClientPacket::Signal { to: SignalTarget::Room, payload: payload(b"hi") },
        ClientPacket::Signal { to: SignalTarget::Myself, payload: payload(b"hi") },
        ClientPacket::Ping { nonce: 1 },
        ClientPacket::Pong { nonce: 1 },
        ClientPacket::Bye,
        ClientPacket::Watch { room: RoomId(1) },
        ClientPacket::Resume { token: ResumeToken::new([7; 32]), seen: None },
        ClientPacket::Register { name: name("at home"), secret: secret() },
        ClientPacket::Login { name: name("at home"), secret: secret() },
        ClientPacket::Say { to: Audience::Player(name("offender")), manner: Manner::Say, text: line("hi") },
        ClientPacket::ListLobby { after: PlayerId(0) },
        ClientPacket::CreateRoom(Box::new(RoomPlan {
            game: None,
            title: RoomTitle::new("own").unwrap(),
            seats: None,
            board: None,
            password: None,
        })),
        ClientPacket::FindRooms(Box::new(RoomQuery::ALL)),
        ClientPacket::Unlock { room: RoomId(1), part: Part::Seat, password: RoomPassword::new("any").unwrap() },
        ClientPacket::Remove { name: name("witness") },
        ClientPacket::HandOver { name: name("witness") },
    ]
}

/// A packet that is allowed in `state`, and has an effect that is seen.
fn fit_for(state: State) -> ClientPacket {
    match state {
        Connected => hello(),
        Greeted => ClientPacket::Guest { name: name("too late") },
        Lobby => ClientPacket::Join { target: JoinTarget::Any },
        Seated => ClientPacket::Chat { text: line("too late") },
    }
}

#[test]
fn every_type_is_listed() {
    // The decoder names how many types there are where it meets one that there is not.
    let mut unknown = bytes::BytesMut::from(&[1, 0, 250][..]);
    let mut decoder = ServerCodec::new();
    let error = decoder.decode(&mut unknown).unwrap_err().to_string();
    let mut types: Vec<_> = packets().iter().map(|packet| bytes_of(std::slice::from_ref(packet))[2]).collect();
    types.dedup();
    let count = u8::try_from(types.len()).unwrap();
    assert_eq!(types, (0..count).collect::<Vec<_>>());
    assert!(error.contains(&format!("0 <= i < {count}")), "{error}");
}

/// A connection in `state`, beside a witness who sits in the only room.
struct Scene {
    server: MemoryServer,
    witness: Client<DuplexStream>,
    view: Room,
    offender: Connection<DuplexStream>,
}

impl Scene {
    async fn with_offender(state: State) -> Self {
        let mut server = MemoryServer::new(Config::default(), 2);
        let (witness, view) = server.player("witness").await.unwrap();
        let mut offender = Connection::new(server.stream().unwrap());
        let way =
            [hello(), ClientPacket::Guest { name: name("offender") }, ClientPacket::Join { target: JoinTarget::Any }];
        for packet in way.iter().take(STATES.iter().position(|&s| s == state).unwrap()) {
            offender.send(packet).unwrap();
            offender.next().await.unwrap();
        }
        let mut scene = Self { server, witness, view, offender };
        let heard = scene.witness_hears().await;
        assert_eq!(heard.len(), usize::from(state == Seated), "{heard:?}");
        scene
    }

    /// What reaches the witness until nothing more happens.
    async fn witness_hears(&mut self) -> Vec<ServerPacket> {
        // With paused time it ends when nothing else is left to do.
        tokio::time::sleep(Duration::from_millis(500)).await;
        let (packets, end) = arrived(&mut self.witness).await;
        assert!(end.is_none(), "{end:?}");
        packets.iter().for_each(|packet| self.view.apply(packet).unwrap());
        packets
    }

    /// What is said to the offender, to the end of the connection, if it ends.
    async fn offender_hears(&mut self) -> (Vec<ServerPacket>, Option<ClientError>) {
        let mut packets = Vec::new();
        loop {
            match tokio::time::timeout(Duration::from_millis(500), self.offender.next()).await {
                Ok(Ok(packet)) => packets.push(packet),
                Ok(Err(end)) => return (packets, Some(end)),
                Err(_) => return (packets, None),
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_packet_out_of_order_is_denied_and_nothing_else_comes_of_it() {
    for state in STATES {
        for packet in packets().into_iter().filter(|packet| !allowed_in(packet).contains(&state)) {
            let about = format!("{packet:?} while {state:?}");
            let mut scene = Scene::with_offender(state).await;
            scene.offender.send(&packet).unwrap();
            // What follows it is not looked at any more, allowed as it would be.
            scene.offender.send(&fit_for(state)).unwrap();
            let (answer, end) = scene.offender_hears().await;
            let denied = |packet: &ServerPacket| {
                matches!(packet, ServerPacket::Denied(Denial { code: DenialCode::OutOfOrder, .. }))
            };
            assert!(answer.len() == 1 && denied(&answer[0]), "{about}: {answer:?}");
            assert!(matches!(end, Some(ClientError::Closed)), "{about}: {end:?}");
            let heard = scene.witness_hears().await;
            match heard.as_slice() {
                [] => assert_ne!(state, Seated, "{about}"),
                [ServerPacket::Left(left)] => {
                    assert_eq!((state, left.reason), (Seated, LeaveReason::Kicked), "{about}");
                }
                heard => panic!("{about}: {heard:?}"),
            }
            let host = scene.server.host();
            assert_eq!((host.signed_in(), host.rooms(), host.seats_taken()), (1, 1, 1), "{about}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_packet_in_order_is_not_denied() {
    for state in STATES {
        for packet in packets().into_iter().filter(|packet| allowed_in(packet).contains(&state)) {
            let about = format!("{packet:?} while {state:?}");
            let mut scene = Scene::with_offender(state).await;
            scene.offender.send(&packet).unwrap();
            let (answer, end) = scene.offender_hears().await;
            let denied = answer.iter().any(|packet| matches!(packet, ServerPacket::Denied(_)));
            // What is in order may be wrong all the same: there is no such account, nobody to come back as, and the room is
            // not theirs.
            let wrong = matches!(
                packet,
                ClientPacket::Login { .. }
                    | ClientPacket::Resume { .. }
                    | ClientPacket::Remove { .. }
                    | ClientPacket::HandOver { .. }
            );
            assert_eq!(denied, wrong, "{about}: {answer:?}");
            assert_eq!(end.is_some(), packet == ClientPacket::Bye, "{about}: {end:?}");
            // It was not simply dropped, either.
            let silent = matches!(packet, ClientPacket::Pong { .. } | ClientPacket::Bye);
            assert_eq!(answer.is_empty(), silent, "{about}: {answer:?}");
        }
    }
}
