//! Players whose machine is off, or the way to it cut: no packet of theirs comes any more, not even one that confirms what
//! is sent to them. The others in the room see them go, whatever is on its way.

use crate::{running::within, watched::Watched};
use malpan_client::{
    Client, Room,
    protocol::{ChatText, LeaveReason, ServerPacket},
};
use socket2::{SockFilter, SockRef};
use std::time::{Duration, Instant};
use tokio::{io::AsyncReadExt, net::TcpStream};

const SILENCE: Duration = Duration::from_secs(3);
/// What a probe's interval, the sweep and a busy machine may take longer.
const SLACK: Duration = Duration::from_secs(3);

/// From now on the kernel drops whatever comes for this socket before it looks at it, as if it had never come.
fn cut_off(stream: &TcpStream) {
    const RETURN_A_CONSTANT: u16 = 6;
    SockRef::from(stream).attach_filter(&[SockFilter::new(RETURN_A_CONSTANT, 0, 0, 0)]).unwrap();
}

/// How long it takes until the others in the room see one go.
async fn until_one_has_left(client: &mut Client, room: &mut Room) -> Duration {
    let since = Instant::now();
    loop {
        let packet = within(client.next()).await.unwrap();
        room.apply(&packet).unwrap();
        if let ServerPacket::Left(left) = packet {
            assert_eq!(left.reason, LeaveReason::Disconnected);
            return since.elapsed();
        }
    }
}

/// Someone who sits in the witness's room, connected to one port or the other.
enum Neighbour {
    Malpan(Box<Client>),
    Lecture(TcpStream),
}

impl Neighbour {
    async fn of(server: &Watched, lecture: bool) -> Self {
        if !lecture {
            return Self::Malpan(Box::new(server.player("cut off").await.0));
        }
        let mut stream = within(TcpStream::connect(server.lecture())).await.unwrap();
        // It has its seat when it is told of it.
        within(stream.read_u8()).await.unwrap();
        Self::Lecture(stream)
    }

    fn stream(&self) -> &TcpStream {
        match self {
            Self::Malpan(client) => client.get_ref().tcp(),
            Self::Lecture(stream) => stream,
        }
    }
}

#[tokio::test]
async fn players_of_both_protocols_who_are_cut_off_are_gone_whether_something_is_on_its_way_or_not() {
    let server = Watched::start("[limits]\nping_after = \"1s\"\nsilence = \"3s\"").await;
    let empty = server.standing().await;
    for (lecture, write_pending) in [(false, false), (false, true), (true, false), (true, true)] {
        let (mut witness, mut room) = server.player("witness").await;
        let neighbour = Neighbour::of(&server, lecture).await;
        assert_eq!(server.page().await.value("malpan_rooms"), 1.0, "both sit in one room");
        cut_off(neighbour.stream());
        if write_pending {
            witness.chat(ChatText::new("are you there?").unwrap()).unwrap();
            witness.flush().await.unwrap();
        }
        let after = until_one_has_left(&mut witness, &mut room).await;
        println!("lecture {lecture}, write pending {write_pending}: gone after {after:?}");
        assert!(after <= SILENCE + SLACK, "lecture {lecture}, write pending {write_pending}: gone after {after:?}");
        within(witness.bye()).await.unwrap();
        server.settles_to(&empty).await;
        // Until now: what comes late must find nobody.
        drop(neighbour);
    }
    let page = server.page().await;
    assert_eq!(page.value("malpan_sessions_closed_total{reason=\"silent\"}"), 2.0);
    assert_eq!(page.value("malpan_sessions_closed_total{reason=\"disconnected\"}"), 2.0, "the kernel gave them up");
}
