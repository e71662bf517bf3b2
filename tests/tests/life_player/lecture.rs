//! The lecture wire under the same attacks.

use crate::frames::{CUTS, HTTP, tls};
use malpan_client::{Client, Room};
use malpan_e2e::{MemoryServer, arrived, line};
use malpan_net::CloseReason;
use malpan_protocol::{LeaveReason, ServerPacket};
use malpan_server::config::Config;
use std::time::Duration;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream},
    time::{sleep, timeout},
};

/// A Malpan client on seat 0, and a lecture client on seat 1 of the same board.
struct Scene {
    server: MemoryServer,
    witness: Client<DuplexStream>,
    view: Room,
    lecture: DuplexStream,
}

impl Scene {
    async fn new() -> Self {
        let mut server = MemoryServer::new(malpan_e2e::without_grace(), 1);
        let (witness, view) = server.player("witness").await.unwrap();
        let lecture = server.lecture_stream_of(4096).unwrap();
        let mut scene = Self { server, witness, view, lecture };
        // Who sits there: itself, then the witness.
        assert_eq!(scene.hears().await, (12, false));
        scene.witness_hears().await;
        scene
    }

    /// How many bytes came, and whether the stream has ended.
    async fn hears(&mut self) -> (usize, bool) {
        sleep(Duration::from_millis(100)).await;
        let mut bytes = Vec::new();
        while let Ok(read) = timeout(Duration::from_millis(1), self.lecture.read_buf(&mut bytes)).await {
            if read.unwrap() == 0 {
                return (bytes.len(), true);
            }
        }
        (bytes.len(), false)
    }

    async fn witness_hears(&mut self) -> Vec<ServerPacket> {
        self.witness.flush().await.unwrap();
        sleep(Duration::from_millis(100)).await;
        let (packets, end) = arrived(&mut self.witness).await;
        assert!(end.is_none(), "{end:?}");
        packets.iter().for_each(|packet| self.view.apply(packet).unwrap());
        packets
    }

    /// The lecture client is gone for breaking a rule, and the board is the witness's.
    async fn is_over(&mut self, about: &str) -> Vec<ServerPacket> {
        assert!(self.hears().await.1, "{about}");
        let heard = self.witness_hears().await;
        let last = heard.last();
        assert!(
            matches!(last, Some(ServerPacket::Left(left)) if left.reason == LeaveReason::Kicked),
            "{about}: {heard:?}"
        );
        self.witness.chat(line("still here")).unwrap();
        assert!(matches!(self.witness_hears().await[..], [ServerPacket::Chat(_)]), "{about}");
        let host = self.server.host();
        assert_eq!((host.signed_in(), host.seats_taken(), host.rooms()), (1, 1, 1), "{about}");
        heard
    }
}

#[tokio::test(start_paused = true)]
async fn a_greeting_of_another_protocol_is_over_with_its_second_byte() {
    let [new, old] = tls();
    for greeting in [HTTP, &new, &old] {
        for cut in 1..greeting.len().min(CUTS) {
            let mut scene = Scene::new().await;
            let session = scene.server.newest_session().unwrap();
            scene.lecture.write_all(&greeting[..cut]).await.unwrap();
            if cut < 2 {
                assert_eq!(scene.hears().await, (0, false), "a size alone may become a packet");
            } else {
                scene.is_over(&format!("{cut} bytes of {greeting:02x?}")).await;
                assert_eq!(session.close_reason(), Some(CloseReason::Malformed));
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn every_size_that_a_type_does_not_have_is_over_at_once() {
    for kind in 0..=6_u8 {
        for size in [0, 1, 2, 3, 4, 5, 127, 128, 254, 255_u8] {
            let fits = match kind {
                1..=4 => size == 2,
                5 => size >= 2 && size % 2 == 0,
                _ => false,
            };
            let mut scene = Scene::new().await;
            scene.lecture.write_all(&[size, kind]).await.unwrap();
            if fits {
                assert!(!scene.hears().await.1, "size {size}, type {kind}");
            } else {
                scene.is_over(&format!("size {size}, type {kind}")).await;
            }
        }
    }
}

/// Steps are dropped, and from the packets' own budget on each further one is a strike, of which the tenth ends it; lines
/// of chat are strikes by themselves. Meanwhile the witness is answered.
#[tokio::test(start_paused = true)]
async fn a_flood_of_steps_or_lines_is_cut_off_and_the_others_play_on() {
    let limits = Config::default().limits;
    let line = [6, 5, b'h', 0, b'i', 0];
    let walk = [2, 4, 2, 3];
    for (about, packet, most_chat, most_moves) in [
        ("steps", &walk[..], 0, usize::from(limits.step_burst)),
        ("lines", &line, usize::from(limits.chat_lines), 0),
        ("both", &[walk.as_slice(), &line].concat(), usize::from(limits.chat_lines), usize::from(limits.step_burst)),
    ] {
        let mut scene = Scene::new().await;
        let flood = packet.repeat(2000);
        // An error is the end.
        let _ = scene.lecture.write_all(&flood).await;
        let heard = scene.is_over(about).await;
        let lines = heard.iter().filter(|packet| matches!(packet, ServerPacket::Chat(_))).count();
        let moves: usize = heard
            .iter()
            .map(|packet| if let ServerPacket::Updates(updates) = packet { updates.acks.len() } else { 0 })
            .sum();
        assert!(lines <= most_chat && moves <= most_moves, "{about}: {lines} lines, {moves} steps");
        assert!(lines + moves > 0, "{about}: nothing was done");
    }
}
