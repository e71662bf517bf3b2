//! The room against a simple model, over random commands: the production sessions, rooms and directory in memory.
#![allow(clippy::unwrap_used, reason = "a test")]

use malpan_client::{Client, Room};
use malpan_e2e::{MemoryServer, arrived, positions};
use malpan_protocol::{
    BoardSize, Cell, ChatText, ClientPacket, Direction, JoinTarget, Name, RoomId, Seat, SeatCount, ServerPacket,
    SignalPayload, SignalTarget, game::board::State,
};
use malpan_server::config::Config;
use proptest::prelude::*;
use std::{
    collections::{BTreeMap, HashSet},
    time::Duration,
};
use tokio::io::DuplexStream;

const CLIENTS: usize = 7;
const SEATS: u8 = 3;

#[derive(Debug, Clone)]
enum Action {
    JoinAny(usize),
    JoinRoomOf(usize, usize),
    Leave(usize),
    Step(usize, Direction),
    Chat(usize),
    Signal(usize),
    Vanish(usize),
}

fn action() -> impl Strategy<Value = Action> {
    let who = || 0..CLIENTS;
    let direction = prop::sample::select(&Direction::ALL[..]);
    prop_oneof![
        3 => who().prop_map(Action::JoinAny),
        1 => (who(), who()).prop_map(|(who, whose)| Action::JoinRoomOf(who, whose)),
        1 => who().prop_map(Action::Leave),
        12 => (who(), direction).prop_map(|(who, direction)| Action::Step(who, direction)),
        1 => who().prop_map(Action::Chat),
        1 => who().prop_map(Action::Signal),
        1 => who().prop_map(Action::Vanish),
    ]
}

/// One client, what it sees of its room, and a board on which it replays the accepted steps by rules of its own.
struct Witness {
    client: Client<DuplexStream>,
    seen: Option<(Room, Replay)>,
}

/// The model: nothing but what was accepted moves a piece. One that entered stands where the server put it.
struct Replay {
    board: BoardSize,
    pieces: BTreeMap<Seat, Cell>,
}

impl Witness {
    async fn connect(server: &mut MemoryServer, name: usize) -> Self {
        let mut client = server.connect().await.unwrap();
        client.sign_in_guest(Name::new(&format!("w{name}")).unwrap()).await.unwrap();
        Self { client, seen: None }
    }

    fn room(&self) -> Option<RoomId> {
        self.seen.as_ref().map(|(room, _)| room.id())
    }

    fn sends(&mut self, packet: &ClientPacket) {
        self.client.send(packet).unwrap();
    }

    /// Takes in what has arrived and checks each packet against what came before.
    async fn look(&mut self) {
        let (packets, end) = arrived(&mut self.client).await;
        assert!(end.is_none(), "{end:?}");
        for packet in packets {
            if let ServerPacket::Joined(joined) = &packet {
                let state: State = joined.state.decode().unwrap();
                let pieces: BTreeMap<_, _> = state.positions.iter().map(|p| (p.seat, p.cell)).collect();
                assert!(joined.members.iter().map(|member| &member.seat).eq(pieces.keys()));
                self.seen = Some((Room::new(joined).unwrap(), Replay { board: state.size, pieces }));
                continue;
            }
            if let ServerPacket::RoomLeft { room } = packet {
                assert_eq!(self.room(), Some(room));
                self.seen = None;
                continue;
            }
            let Some((room, replay)) = &mut self.seen else {
                assert!(!is_of_a_room(&packet), "{packet:?} after the room was left");
                continue;
            };
            // Gaps in event numbers, moves of empty seats, seats taken twice: Room::apply finds them.
            room.apply(&packet).unwrap();
            replay.apply(&packet);
        }
        if let Some((room, replay)) = &self.seen {
            assert_eq!(room.skipped_batches(), 0);
            let cells: Vec<_> = room.pieces().map(|(_, piece)| piece.cell).collect();
            assert!(cells.len() <= usize::from(SEATS));
            assert_eq!(cells.iter().collect::<HashSet<_>>().len(), cells.len(), "two pieces on a cell");
            assert!(cells.iter().all(|&cell| room.board().contains(cell)));
            let replayed: Vec<_> = replay.pieces.values().copied().collect();
            assert_eq!(cells, replayed);
        }
    }
}

impl Replay {
    fn apply(&mut self, packet: &ServerPacket) {
        match packet {
            ServerPacket::Entered(entered) => {
                let [position] = positions(&entered.updates)[..] else { panic!("{entered:?}") };
                assert_eq!(position.seat, entered.member.seat);
                self.pieces.insert(position.seat, position.cell);
            }
            ServerPacket::Left(left) => drop(self.pieces.remove(&left.seat)),
            ServerPacket::Updates(batch) => {
                let moves = positions(&batch.updates);
                assert_eq!(moves.len(), batch.acks.len());
                for (position, ack) in moves.iter().zip(&batch.acks) {
                    assert_eq!(position.seat, ack.seat);
                    let from = self.pieces[&position.seat];
                    let mut reachable = Direction::ALL.into_iter().filter_map(|direction| from.step(direction));
                    assert!(reachable.any(|cell| cell == position.cell), "{from} to {} is no step", position.cell);
                    assert!(self.board.contains(position.cell));
                    assert!(self.pieces.values().all(|other| *other != position.cell), "onto a taken cell");
                    self.pieces.insert(position.seat, position.cell);
                }
            }
            _ => {}
        }
    }
}

fn is_of_a_room(packet: &ServerPacket) -> bool {
    use ServerPacket as P;
    matches!(packet, P::Entered(_) | P::Left(_) | P::Updates(_) | P::Snapshot(_) | P::Chat(_) | P::Signal(_))
}

async fn run(actions: Vec<Action>) {
    let mut config = Config::default();
    config.game.board = "3x2".parse().unwrap();
    config.game.seats = SeatCount::new(SEATS).unwrap();
    let mut server = MemoryServer::new(config, 2);
    let mut names = 0..;
    let mut witnesses = Vec::new();
    for _ in 0..CLIENTS {
        witnesses.push(Witness::connect(&mut server, names.next().unwrap()).await);
    }
    for (index, action) in actions.into_iter().enumerate() {
        let changes_seat = matches!(action, Action::JoinAny(_) | Action::JoinRoomOf(..) | Action::Leave(_));
        match action {
            Action::JoinAny(who) if witnesses[who].room().is_none() => {
                witnesses[who].sends(&ClientPacket::Join { target: JoinTarget::Any });
            }
            Action::JoinRoomOf(who, whose) if witnesses[who].room().is_none() => {
                let target = JoinTarget::Room(witnesses[whose].room().unwrap_or(RoomId(9999)));
                witnesses[who].sends(&ClientPacket::Join { target });
            }
            Action::Leave(who) if witnesses[who].room().is_some() => witnesses[who].sends(&ClientPacket::Leave),
            Action::Step(who, direction) if witnesses[who].room().is_some() => {
                witnesses[who].client.step(direction).unwrap();
                // Two in one flush now and then.
                if who % 2 == 0 {
                    witnesses[who].client.step(direction).unwrap();
                }
            }
            Action::Chat(who) if witnesses[who].room().is_some() => {
                witnesses[who].client.chat(ChatText::new("hello").unwrap()).unwrap();
            }
            Action::Signal(who) if witnesses[who].room().is_some() => {
                let payload = SignalPayload::new(&[7; 44]).unwrap();
                witnesses[who].client.signal(SignalTarget::Room, payload).unwrap();
            }
            Action::Vanish(who) => witnesses[who] = Witness::connect(&mut server, names.next().unwrap()).await,
            _ => continue,
        }
        // Some steps and lines fall into one tick, so that batches hold more than one thing. What changes a seat is waited
        // for: a step on a seat that is asked for and not yet given is out of order.
        if changes_seat || index % 3 == 0 {
            settle(&mut witnesses).await;
        }
    }
    settle(&mut witnesses).await;
    agree(&server, &witnesses);
}

/// Lets everything happen: with paused time, a sleep ends only when nothing else is left to do.
async fn settle(witnesses: &mut [Witness]) {
    for _ in 0..2 {
        for witness in witnesses.iter_mut() {
            witness.look().await;
        }
        tokio::time::sleep(Duration::from_millis(400)).await;
    }
    for witness in witnesses {
        witness.look().await;
    }
}

/// Everyone in a room sees the same, and the lobby counts what is there.
fn agree(server: &MemoryServer, witnesses: &[Witness]) {
    let mut rooms: BTreeMap<RoomId, Vec<&Room>> = BTreeMap::new();
    for (room, _) in witnesses.iter().filter_map(|witness| witness.seen.as_ref()) {
        rooms.entry(room.id()).or_default().push(room);
    }
    for views in rooms.values() {
        let first: Vec<_> = views[0].pieces().collect();
        assert_eq!(first.len(), views.len(), "members are those who sit there");
        for view in views {
            assert_eq!(view.pieces().collect::<Vec<_>>(), first);
            assert_eq!(view.event(), views[0].event());
        }
        let seats: HashSet<_> = views.iter().map(|view| view.own_seat()).collect();
        assert_eq!(seats.len(), views.len());
    }
    assert_eq!(server.host().rooms(), rooms.len());
    assert_eq!(server.host().seats_taken(), rooms.values().map(Vec::len).sum::<usize>());
    assert_eq!(server.host().signed_in(), witnesses.len());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn rooms_are_as_the_model(actions in prop::collection::vec(action(), 0..80)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        runtime.block_on(run(actions));
    }
}
