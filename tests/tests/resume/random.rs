//! Over any breaks: nobody misses an event, hears one twice, or loses the seat.

use super::{Connection, follow, resume, settle};
use malpan_client::Room;
use malpan_e2e::{MemoryServer, arrived, line};
use malpan_protocol::{Direction, Resumption, ServerPacket};
use malpan_server::config::Config;
use proptest::prelude::*;
use std::time::Duration;
use tokio::{runtime::Builder, time::sleep};

#[derive(Debug, Clone, Copy)]
enum Action {
    /// Drops the connection.
    Lose(usize),
    /// Comes back, whether the connection was lost or not.
    Return(usize),
    Chat(usize),
    Step(usize, Direction),
    /// Takes in what has come.
    Look(usize),
    Pause(u64),
}

/// A player: the connection, if there is one, and the room as it was seen last.
struct Witness {
    client: Option<Connection>,
    room: Room,
    token: malpan_protocol::ResumeToken,
    /// The lines that were heard, each once.
    heard: Vec<String>,
}

const PLAYERS: usize = 3;

impl Witness {
    fn take_in(&mut self, packets: &[ServerPacket]) {
        for packet in packets {
            match packet {
                ServerPacket::Joined(joined) => self.room = Room::new(joined).unwrap(),
                // Gaps and repetitions: the room finds them.
                packet => self.room.apply(packet).unwrap(),
            }
            if let ServerPacket::Chat(chat) = packet {
                self.heard.push(chat.text.to_string());
            }
        }
        if let Some(token) = self.client.as_ref().and_then(Connection::token) {
            self.token = token.clone();
        }
    }

    async fn look(&mut self) {
        if let Some(client) = &mut self.client {
            let (packets, _) = arrived(client).await;
            self.take_in(&packets);
        }
    }

    /// True where everything came anew.
    async fn come_back(&mut self, server: &mut MemoryServer) -> bool {
        // What lies unread on the old connection is lost with it, unless it was read before.
        let (client, resumed) = resume(server, &self.token, Some(self.room.seen())).await.unwrap();
        self.client = Some(client);
        settle().await;
        self.look().await;
        match resumed.place {
            Resumption::Missed { .. } => false,
            Resumption::Anew { .. } => true,
            Resumption::Lobby => panic!("the seat is lost"),
        }
    }
}

async fn run(actions: &[Action], ring_events: usize) {
    let mut config = Config::default();
    config.limits.ring_events = ring_events;
    config.limits.resume_grace = Duration::from_secs(3600);
    (config.limits.silence, config.limits.ping_after) = (Duration::from_secs(3600), Duration::from_secs(1800));
    let mut server = MemoryServer::new(config, 3);
    let mut witnesses = Vec::new();
    for number in 0..PLAYERS {
        let (mut client, mut room) = server.player(&format!("w{number}")).await.unwrap();
        follow(&mut client, &mut room).await;
        let token = client.token().unwrap().clone();
        witnesses.push(Witness { client: Some(client), room, token, heard: Vec::new() });
    }
    for witness in &mut witnesses {
        witness.look().await;
    }
    let (mut said, mut anew) = (0, [false; PLAYERS]);
    for &action in actions {
        match action {
            Action::Lose(who) => {
                witnesses[who].look().await;
                witnesses[who].client = None;
            }
            Action::Return(who) => anew[who] |= witnesses[who].come_back(&mut server).await,
            Action::Chat(who) => {
                if let Some(client) = &mut witnesses[who].client {
                    said += 1;
                    client.chat(line(&said.to_string())).unwrap();
                    client.flush().await.unwrap();
                    // Within the rate of chat.
                    sleep(Duration::from_millis(1100)).await;
                }
            }
            Action::Step(who, direction) => {
                if let Some(client) = &mut witnesses[who].client {
                    client.step(direction).unwrap();
                    client.flush().await.unwrap();
                }
            }
            Action::Look(who) => witnesses[who].look().await,
            Action::Pause(ms) => sleep(Duration::from_millis(ms)).await,
        }
    }
    for (who, witness) in witnesses.iter_mut().enumerate() {
        anew[who] |= witness.come_back(&mut server).await;
    }
    settle().await;
    for witness in &mut witnesses {
        witness.look().await;
    }
    let all: Vec<_> = (1..=said).map(|number| number.to_string()).collect();
    for (who, witness) in witnesses.iter().enumerate() {
        if !anew[who] {
            assert_eq!(witness.heard, all, "player {who}");
        }
        let first = &witnesses[0].room;
        assert_eq!(witness.room.event(), first.event());
        assert_eq!(witness.room.pieces().collect::<Vec<_>>(), first.pieces().collect::<Vec<_>>());
    }
    assert_eq!((server.host().seats_taken(), server.host().away()), (PLAYERS, 0));
}

fn action() -> impl Strategy<Value = Action> {
    let who = || 0..PLAYERS;
    prop_oneof![
        2 => who().prop_map(Action::Lose),
        2 => who().prop_map(Action::Return),
        4 => who().prop_map(Action::Chat),
        3 => (who(), prop::sample::select(&Direction::ALL[..])).prop_map(|(who, way)| Action::Step(who, way)),
        2 => who().prop_map(Action::Look),
        1 => (1_u64..200).prop_map(Action::Pause),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn nobody_misses_anything(actions in prop::collection::vec(action(), 0..40), ring in prop_oneof![Just(256_usize), 1..12_usize]) {
        let runtime = Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        runtime.block_on(run(&actions, ring));
    }
}
