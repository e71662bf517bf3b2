//! Frames that are none: in every state, whole and in part; and what they cost in memory.

use crate::{State, hears, is_denied};
use allocation_counter::measure;
use malpan_client::protocol::KickReason;
use malpan_e2e::{MemoryServer, Wire, arrived, garbage::tls_greeting};
use malpan_net::CloseReason;
use malpan_protocol::{DenialCode, LeaveReason, MAX_CLIENT_FRAME, RoomId, ServerPacket};
use malpan_server::config::Config;
use std::time::Duration;
use tokio::{
    io::DuplexStream,
    runtime::{Builder, Runtime},
    time::{Instant, sleep},
};

/// How late a deadline or a silence may be noticed.
const SWEEPS: Duration = Duration::from_millis(520);
/// So many places in which a greeting is cut: what comes later changes nothing any more.
pub(crate) const CUTS: usize = 60;
/// A request of the web.
pub(crate) const HTTP: &[u8] = b"GET / HTTP/1.1\r\nHost: example.org\r\nUser-Agent: curl\r\n\r\n";

/// A TLS ClientHello as of today, with a long key, and what an older client sent.
pub(crate) fn tls() -> [Vec<u8>; 2] {
    [1700, 512].map(tls_greeting)
}

/// A frame whose payload is this.
fn frame(payload: &[u8]) -> Vec<u8> {
    [&u16::try_from(payload.len()).unwrap().to_le_bytes()[..], payload].concat()
}

/// Bytes that can become no packet, in no state.
fn hopeless() -> Vec<(&'static str, Vec<u8>)> {
    let one_more = u16::try_from(MAX_CLIENT_FRAME + 1).unwrap().to_le_bytes();
    vec![
        ("length 0", vec![0, 0]),
        ("one over the cap", one_more.to_vec()),
        ("one over the cap, in full", [&one_more[..], &[1; MAX_CLIENT_FRAME + 1]].concat()),
        ("length 65,535", vec![0xff, 0xff]),
        ("length 65,535, and as much as there is", [&[0xff, 0xff][..], &[7; 4000]].concat()),
        ("a byte behind a packet", frame(&[5, 0])),
        ("a packet cut short", frame(&[0, 1])),
        ("an unknown type", frame(&[99])),
        ("a type of four bytes", frame(&[0xfc, 0xff, 0xff, 0xff, 0x7f])),
        ("a type that is no number", frame(&[0xff])),
        ("a text that claims 2^60 bytes", frame(&[1, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0x10, b'a'])),
        ("match data that claims 2^60 bytes", frame(&[8, 1, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0x10, 1])),
        ("a command that claims 65,535 bytes", frame(&[6, 1, 0xfb, 0xff, 0xff, 3])),
        ("a command of 257 bytes", frame(&[&[6, 1, 0xfb, 1, 1][..], &[3; 257]].concat())),
        ("a text that is no UTF-8", frame(&[1, 3, 0xff, 0xfe, 0xfd])),
        ("a name with an escape", frame(&[1, 4, 0x1b, b'[', b'2', b'J'])),
        ("a name with a line break", frame(&[1, 3, b'a', b'\n', b'b'])),
        ("a title with an escape", frame(&[3, 0, 4, 0x1b, b'[', b'2', b'J', 0])),
        ("a line of chat with an escape of one character", frame(&[7, 3, 0xc2, 0x9b, b'm'])),
        ("a hello from an escape", frame(&[0, 1, 1, 4, 0x1b, b'[', b'2', b'J'])),
        ("a game's name with an escape", frame(&[4, 2, 4, 0x1b, b'[', b'2', b'J'])),
        ("a request of the web", HTTP.to_vec()),
        ("a TLS greeting", tls()[0].clone()),
    ]
}

#[tokio::test(start_paused = true)]
async fn what_is_no_frame_ends_the_connection_in_every_state_and_is_told_to_clients_alone() {
    for state in State::ALL {
        for (about, bytes) in hopeless() {
            let about = format!("{about} in {state:?}");
            let mut server = MemoryServer::new(malpan_e2e::without_grace(), 1);
            let (mut witness, view) = server.player("witness").await.unwrap();
            let mut wire = Wire::new(server.stream().unwrap());
            wire.ask(&state.way("rude", view.id())).await.unwrap();
            let session = server.newest_session().unwrap();
            sleep(Duration::from_millis(100)).await;
            arrived(&mut witness).await;

            wire.write(&bytes).await.unwrap();
            let (heard, ended) = hears(&mut wire).await;
            assert!(ended && session.close_reason() == Some(CloseReason::Malformed), "{about}: {heard:?}");
            let told = heard.iter().filter(|packet| is_denied(packet, DenialCode::Malformed)).count();
            assert_eq!(told, usize::from(state != State::Connected), "{about}: {heard:?}");
            let others = heard.len() - told;
            // Whoever sits or watches hears of what went before.
            assert_eq!(others, 0, "{about}: {heard:?}");
            // Nothing of it reached anyone.
            let (packets, _) = arrived(&mut witness).await;
            match packets.as_slice() {
                [] => assert_ne!(state, State::Seated, "{about}"),
                [ServerPacket::Left(left)] => assert_eq!(left.reason, LeaveReason::Kicked, "{about}"),
                more => panic!("{about}: {more:?}"),
            }
        }
    }
}

/// However much of a greeting comes before it stops: nothing is said but that the time is over, nothing is kept for longer.
#[tokio::test(start_paused = true)]
async fn a_greeting_of_another_protocol_is_gone_by_the_deadline_wherever_it_stops() {
    let within = Config::default().limits.hello_within;
    let [new, old] = tls();
    for greeting in [HTTP, &new, &old] {
        for cut in 1..greeting.len().min(CUTS) {
            let mut server = MemoryServer::new(malpan_e2e::without_grace(), 1);
            let mut wire = Wire::new(server.stream().unwrap());
            let begun = Instant::now();
            wire.write(&greeting[..cut]).await.unwrap();
            let said = wire.to_the_end().await.unwrap();
            // The length of a frame, which none of these has, is two bytes.
            if cut < 2 {
                assert_eq!(said, [ServerPacket::Kicked { reason: KickReason::TooLate }]);
                assert!(begun.elapsed() <= within + SWEEPS, "{:?}", begun.elapsed());
            } else {
                assert_eq!((said, begun.elapsed()), (vec![], Duration::ZERO), "after {cut} bytes");
            }
        }
    }
}

/// The rest never comes. Before the sign-in its deadline ends that, after it the silence; and nobody is denied for it.
#[tokio::test(start_paused = true)]
async fn a_frame_of_1024_bytes_of_which_one_comes_is_waited_for_as_long_as_any_silence() {
    let limits = Config::default().limits;
    let limit = |state| match state {
        // Longer than a hello may be: not waited for at all.
        State::Connected => Duration::ZERO,
        State::Greeted => limits.sign_in_within,
        State::Lobby | State::Seated | State::Watching => limits.silence,
    };
    for state in State::ALL {
        let mut server = MemoryServer::new(malpan_e2e::without_grace(), 1);
        let (_witness, view) = server.player("witness").await.unwrap();
        let mut wire = Wire::new(server.stream().unwrap());
        wire.ask(&state.way("half", view.id())).await.unwrap();
        let begun = Instant::now();
        wire.write(&[0, 4, 7]).await.unwrap();
        let mut last = None;
        while let Some(packet) = wire.next().await.unwrap() {
            last = Some(packet);
        }
        let kicked = |reason| Some(ServerPacket::Kicked { reason });
        let expected = match state {
            State::Connected => None,
            State::Greeted => kicked(KickReason::TooLate),
            State::Lobby | State::Seated | State::Watching => kicked(KickReason::Silent),
        };
        assert_eq!(last, expected, "{state:?}");
        let late = begun.elapsed().saturating_sub(limit(state));
        assert!(
            begun.elapsed() >= limit(state) && late <= Duration::from_millis(600),
            "{state:?}: {:?}",
            begun.elapsed()
        );
    }
}

/// The heap that a server's sessions take at the most while this is sent to one of them, in bytes.
fn heap_for(runtime: &Runtime, server: &mut MemoryServer, number: usize, bytes: &[u8]) -> u64 {
    // A first one of the kind, so that buffers that the thread keeps are there.
    let mut wires = runtime.block_on(async {
        let mut wires = Vec::new();
        for index in 0..2 {
            let mut wire = Wire::new(server.stream().unwrap());
            let answers = wire.ask(&State::Lobby.way(&format!("p{number}-{index}"), RoomId(0))).await.unwrap();
            assert!(matches!(answers[1], ServerPacket::SignedIn { .. }), "{answers:?}");
            wires.push(wire);
        }
        wires[0].write(bytes).await.unwrap();
        sleep(Duration::from_millis(100)).await;
        wires
    });
    let info = measure(|| {
        runtime.block_on(async {
            wires[1].write(bytes).await.unwrap();
            sleep(Duration::from_millis(100)).await;
        });
    });
    info.bytes_max
}

/// What is claimed is not taken: counted on the one thread that does everything here, the client's buffers included.
#[test]
fn a_claimed_length_takes_no_memory() {
    let runtime = Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    let mut server = runtime.block_on(async { MemoryServer::new(malpan_e2e::without_grace(), 1) });
    for (number, (about, bytes)) in hopeless().into_iter().enumerate() {
        if bytes.len() <= 32 {
            let heap = heap_for(&runtime, &mut server, number, &bytes);
            assert!(heap <= 4096, "{about}: {heap} bytes for {}", bytes.len());
        }
    }
    // The longest frame that may be waited for.
    let heap = heap_for(&runtime, &mut server, 1000, &[0, 4, 7]);
    assert!(heap <= 2048, "{heap} bytes for the first byte of a frame of 1024");
}

/// A stream of whatever there is, one piece after the other as a slow link brings it, on a wire that never hears a word of
/// its own protocol.
#[tokio::test(start_paused = true)]
async fn half_a_greeting_holds_no_place_after_the_deadline() {
    let mut server = MemoryServer::new(malpan_e2e::without_grace(), 1);
    let mut wires: Vec<Wire<DuplexStream>> = Vec::new();
    for byte in [b'G', 0x16, 0, 1] {
        let mut wire = Wire::new(server.stream().unwrap());
        wire.write(&[byte]).await.unwrap();
        wires.push(wire);
    }
    assert_eq!(server.admission().pending(), 4);
    sleep(Config::default().limits.hello_within + Duration::from_secs(2)).await;
    assert_eq!((server.admission().pending(), server.admission().sessions()), (0, 0));
    for mut wire in wires {
        assert_eq!(wire.to_the_end().await.unwrap(), [ServerPacket::Kicked { reason: KickReason::TooLate }]);
    }
}
