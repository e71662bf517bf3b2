//! Asked to stop, the server gives everyone their due, whatever state they are in.

use crate::{
    crowd::long_hello,
    playing::{last_word, step},
    running::within,
    watched::{PATIENT, Watched},
};
use malpan_client::{
    ClientError, Connection,
    protocol::{ClientPacket, DenialCode, JoinTarget, KickReason, Name, ServerPacket},
};
use std::time::{Duration, Instant};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::sleep,
};

const DRAIN: Duration = Duration::from_secs(4);
/// The end of it that belongs to the goodbye.
const GOODBYE: Duration = Duration::from_secs(2);
/// What a busy machine may take longer than the server's own clock says.
const SLACK: Duration = Duration::from_secs(3);
const REST: Duration = Duration::from_millis(60);
const STOPPING: ServerPacket = ServerPacket::Kicked { reason: KickReason::Stopping };

/// Everything that comes from now on to the end of the connection.
async fn rest(mut connection: Connection<TcpStream>) -> Vec<ServerPacket> {
    let mut heard = Vec::new();
    loop {
        match within(connection.next()).await {
            Ok(packet) => heard.push(packet),
            Err(ClientError::Closed) => return heard,
            Err(other) => panic!("{other}"),
        }
    }
}

#[tokio::test]
async fn each_state_gets_its_due() {
    let server = Watched::start(&format!("drain = \"4s\"\n[limits]\n{PATIENT}")).await;
    let open = async |bytes: &[u8]| {
        let mut stream = within(TcpStream::connect(server.address)).await.unwrap();
        stream.write_all(bytes).await.unwrap();
        Connection::new(stream)
    };
    let hello = long_hello();
    let (silent, half) = (open(&[]).await, open(&hello[..9]).await);
    let mut greeted = open(&hello).await;
    assert!(matches!(within(greeted.next()).await.unwrap(), ServerPacket::Welcome(_)));
    let mut late = open(&hello).await;
    assert!(matches!(within(late.next()).await.unwrap(), ServerPacket::Welcome(_)));
    let (mut seated, mut room) = server.player("seated").await;
    let mut lobby = server.guest("lobby").await;
    let mut watching = server.guest("watches").await;
    within(watching.watch(room.id())).await.unwrap();
    let mut lecture = within(TcpStream::connect(server.lecture())).await.unwrap();
    within(lecture.read_u8()).await.unwrap();

    let asked = Instant::now();
    server.signal("TERM");
    for client in [&mut seated, &mut lobby, &mut watching] {
        let told = async {
            loop {
                match client.next().await.unwrap() {
                    ServerPacket::Draining { seconds } => break seconds,
                    // The lecture client has come in.
                    entered @ ServerPacket::Entered(_) => room.apply(&entered).unwrap_or_default(),
                    other => panic!("{other:?}"),
                }
            }
        };
        assert_eq!(within(told).await, 4);
    }
    // Who balances load is told; whoever comes all the same is not let in.
    assert_eq!((server.get("/readyz").await.0, server.get("/healthz").await.0), (503, 200));
    assert!(within(TcpStream::connect(server.address)).await.is_err());
    assert!(within(TcpStream::connect(server.lecture())).await.is_err());
    // Nobody takes a new place, whoever they are.
    let denied = within(lobby.join(JoinTarget::Any)).await.unwrap_err();
    assert!(matches!(&denied, ClientError::Denied(denial) if denial.code == DenialCode::Draining), "{denied:?}");
    late.send(&ClientPacket::Guest { name: Name::new("late").unwrap() }).unwrap();
    assert!(matches!(within(late.next()).await.unwrap(), ServerPacket::SignedIn { .. }));
    // Who signs in now is told as well, and how long there is left.
    let told = within(late.next()).await.unwrap();
    assert!(matches!(told, ServerPacket::Draining { seconds: 0..=4 }), "{told:?}");
    late.send(&ClientPacket::Join { target: JoinTarget::Any }).unwrap();
    let answer = within(late.next()).await.unwrap();
    assert!(matches!(&answer, ServerPacket::Denied(denial) if denial.code == DenialCode::Draining), "{answer:?}");
    // The seated play on, and all connections stay until the end.
    let mut steps = 0;
    let last = loop {
        match step(&mut seated, &mut room).await {
            Ok(_) => steps += 1,
            Err(reason) => break reason,
        }
        sleep(REST).await;
    };
    assert!(steps >= 5, "{steps} steps");
    assert_eq!(last, KickReason::Stopping);
    assert!(asked.elapsed() >= DRAIN - GOODBYE, "after {:?}", asked.elapsed());
    for (state, connection) in [("silent", silent), ("half a hello", half), ("greeted", greeted), ("late", late)] {
        assert_eq!(rest(connection).await, [STOPPING], "{state}");
    }
    for client in [&mut lobby, &mut watching] {
        assert_eq!(last_word(client).await, KickReason::Stopping);
    }
    // There is no word for it on the lecture wire.
    within(lecture.read_to_end(&mut Vec::new())).await.unwrap();
    let ended = server.end().await;
    assert_eq!((ended.code, ended.out), (Some(0), Vec::new()), "{}", ended.log);
    assert!(asked.elapsed() <= DRAIN + SLACK, "it took {:?}", asked.elapsed());
}
