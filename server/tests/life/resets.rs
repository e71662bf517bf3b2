//! Peers that reset, in every state of a connection: as ordinary as those that close.

use crate::{
    crowd::{frame, long_hello, reset},
    running::within,
    watched::{PATIENT, Watched},
};
use malpan_client::{
    Client, ConnectOptions, Room,
    protocol::{ClientPacket, Direction, JoinTarget, LeaveReason, Name, ServerPacket, SignalPayload, SignalTarget},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
};

/// The states; those from `Seated` on are in the witness's room, those from `Seated` to `Lecture` in a seat.
const STATES: [State; 10] = [
    State::NotAWord,
    State::HalfAHello,
    State::AnswerUnread,
    State::Greeted,
    State::InTheLobby,
    State::Watching,
    State::Seated,
    State::AmidAFlood,
    State::NotReading,
    State::Lecture,
];

#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
enum State {
    NotAWord,
    HalfAHello,
    AnswerUnread,
    Greeted,
    InTheLobby,
    Watching,
    Seated,
    AmidAFlood,
    NotReading,
    Lecture,
}

/// A stream whose buffers hold little.
async fn narrow(server: &Watched) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    within(socket.connect(server.address)).await.unwrap()
}

/// Comes into `state`, and resets.
async fn come_and_reset(server: &Watched, state: State, witness: &mut (Client, Room)) {
    let mut stream = match state {
        State::Lecture => within(TcpStream::connect(server.lecture())).await.unwrap(),
        _ => narrow(server).await,
    };
    let hello = long_hello();
    match state {
        State::NotAWord => return reset(&stream),
        State::HalfAHello => stream.write_all(&hello[..hello.len() / 2]).await.unwrap(),
        State::AnswerUnread => {
            stream.write_all(&hello).await.unwrap();
            stream.readable().await.unwrap();
        }
        // It has its place when it is told of it.
        State::Lecture => drop(within(stream.read_u8()).await.unwrap()),
        _ => {}
    }
    if matches!(state, State::HalfAHello | State::AnswerUnread | State::Lecture) {
        return reset(&stream);
    }
    let mut client = within(Client::handshake(stream, &ConnectOptions::default())).await.unwrap();
    if state >= State::InTheLobby {
        within(client.sign_in_guest(Name::new(&format!("{state:?}")).unwrap())).await.unwrap();
    }
    if state == State::Watching {
        within(client.watch(witness.1.id())).await.unwrap();
    } else if state >= State::Seated {
        within(client.join(JoinTarget::Room(witness.1.id()))).await.unwrap();
    }
    if state == State::AmidAFlood {
        let steps: Vec<u8> = (0..50)
            .flat_map(|number| {
                let payload = SignalPayload::new(&[number; 200]).unwrap();
                frame(&ClientPacket::Signal { to: SignalTarget::Room, payload })
            })
            .collect();
        client.get_ref().try_write(&steps).unwrap();
    }
    if state == State::NotReading {
        // What others say fills its buffers meanwhile.
        for _ in 0..10 {
            talk(witness).await;
        }
    }
    reset(client.get_ref());
}

/// The witness says something, and hears it.
async fn talk((client, room): &mut (Client, Room)) {
    client.step(if room.own_piece().unwrap().cell.x == 0 { Direction::Right } else { Direction::Left }).unwrap();
    client.signal(SignalTarget::Room, SignalPayload::new(&[7; 256]).unwrap()).unwrap();
    let own = room.own_seat().unwrap();
    hear(client, room, |packet| matches!(packet, ServerPacket::Signal(signal) if signal.seat == own)).await;
}

/// Takes in what comes until `wanted`.
async fn hear(client: &mut Client, room: &mut Room, wanted: impl Fn(&ServerPacket) -> bool) {
    loop {
        let packet = within(client.next()).await.unwrap();
        room.apply(&packet).unwrap();
        if wanted(&packet) {
            return;
        }
    }
}

#[tokio::test]
async fn a_reset_in_any_state_is_ordinary() {
    let server =
        Watched::start(&format!("[limits]\nsignals_per_second = 1000\npackets_per_second = 1000\n{PATIENT}")).await;
    let mut witness = server.player("witness").await;
    let before = server.standing().await;
    for (index, state) in STATES.into_iter().enumerate() {
        come_and_reset(&server, state, &mut witness).await;
        if state >= State::Seated {
            let (client, room) = &mut witness;
            let left = |packet: &ServerPacket| match packet {
                ServerPacket::Left(left) => {
                    assert_eq!(left.reason, LeaveReason::Disconnected, "{state:?}");
                    true
                }
                _ => false,
            };
            hear(client, room, left).await;
        }
        // Some reset before the server has so much as accepted them.
        let (all, times) = ("malpan_sessions_closed_total", index as f64 + 1.0);
        let page = server.until("it is noticed", |page| page.value(all) == times).await;
        assert_eq!(page.value("malpan_sessions_closed_total{reason=\"disconnected\"}"), times, "{state:?}");
        server.settles_to(&before).await;
    }
    // The witness has noticed nothing else, and plays on.
    talk(&mut witness).await;
    server.signal("TERM");
    within(witness.0.bye()).await.unwrap();
    let ended = server.end().await;
    assert_eq!(ended.code, Some(0));
    let complaints = ended.log.lines().filter(|line| line.contains("WARN") || line.contains("ERROR"));
    assert_eq!(complaints.collect::<Vec<_>>(), Vec::<&str>::new());
}
