//! The room against a simple model, over any actions: the production sessions, rooms and directory in memory. The test
//! `tests/room_model.rs` and the fuzz target `room` find the actions.

use crate::{MemoryServer, arrived, line, name, payload, positions, step};
use malpan_client::{Client, Room};
use malpan_protocol::{
    Audience, BoardSize, Cell, ClientPacket, Direction, JoinTarget, Manner, Name, ResumeToken, Resumption, RoomId,
    RoomPlan, RoomTitle, Seat, SeatCount, ServerPacket, SignalTarget, game::board::State,
};
use malpan_server::config::Config;
use std::{
    collections::{BTreeMap, HashSet},
    time::Duration,
};
use tokio::io::DuplexStream;

/// How many clients there are.
pub const CLIENTS: usize = 7;
const SEATS: u8 = 3;
const LONG: Duration = Duration::from_secs(3600);
/// No room has this number.
const NO_ROOM: RoomId = RoomId(9999);

/// What one of the clients does, by its number below [`CLIENTS`]. What it cannot do where it is, it leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Takes any seat.
    JoinAny(usize),
    /// Takes a seat in the room of another.
    JoinRoomOf(usize, usize),
    /// Watches the room of another.
    WatchRoomOf(usize, usize),
    /// Gives the seat back, or stops watching.
    Leave(usize),
    /// Asks for a step.
    Step(usize, Direction),
    /// Says a line.
    Chat(usize),
    /// Sends match data to the room.
    Signal(usize),
    /// Goes for good; another client comes in its place.
    Vanish(usize),
    /// Loses its connection.
    Lose(usize),
    /// Comes back, whether the connection was lost or lives.
    Return(usize),
    /// Does something, instead of saying it.
    Emote(usize),
    /// Opens a room of its own.
    Create(usize),
    /// Puts another out of its room.
    Remove(usize, usize),
    /// Gives its room to another.
    HandOver(usize, usize),
}

/// Plays these actions, in a runtime of its own with paused time.
///
/// # Panics
/// Where something is not as the model has it.
pub fn play(actions: &[Action]) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
    runtime.expect("a runtime needs no resources here").block_on(run(actions));
}

/// One client, what it sees of its room, and a board on which it replays the accepted steps by rules of its own.
struct Witness {
    name: Name,
    /// `None` while the connection is lost.
    client: Option<Client<DuplexStream>>,
    token: ResumeToken,
    seen: Option<(Room, Replay)>,
    /// Batches that it missed while it had no connection.
    missed_batches: u64,
    /// It is back: the next snapshot tells what it has missed.
    is_back: bool,
}

/// The model: nothing but what was accepted moves a piece. One that entered stands where the server put it.
struct Replay {
    board: BoardSize,
    pieces: BTreeMap<Seat, Cell>,
}

impl Witness {
    async fn connect(server: &mut MemoryServer, number: usize) -> Self {
        let name = name(&format!("w{number}"));
        let mut client = server.guest(name.as_str()).await.expect("a name that nobody has");
        let (early, end) = arrived(&mut client).await;
        assert!(early.is_empty() && end.is_none(), "{early:?}, {end:?}");
        let token = client.token().expect("it comes right behind the answer").clone();
        Self { name, client: Some(client), token, seen: None, missed_batches: 0, is_back: false }
    }

    /// Over a new connection, whatever has become of the old one.
    async fn comes_back(&mut self, server: &mut MemoryServer) {
        let seen = self.seen.as_ref().map(|(room, _)| room.seen());
        let mut client = server.connect().await.expect("there is room for it");
        let resumed = client.resume(self.token.clone(), seen).await.expect("it is expected back");
        assert_eq!(resumed.name, self.name);
        self.client = Some(client);
        match resumed.place {
            Resumption::Missed { room, .. } => {
                assert_eq!(Some(room), self.room());
                self.is_back = true;
            }
            // It has not heard that it was let in, or into another one.
            Resumption::Anew { .. } => self.seen = None,
            // It watched, or was put out, or has not heard that it was let go.
            Resumption::Lobby => self.seen = None,
        }
    }

    fn room(&self) -> Option<RoomId> {
        self.seen.as_ref().map(|(room, _)| room.id())
    }

    /// Whether it has a seat, and does not only watch.
    fn sits(&self) -> bool {
        self.seen.as_ref().is_some_and(|(room, _)| room.own_seat().is_some())
    }

    fn owns(&self) -> bool {
        self.seen.as_ref().is_some_and(|(room, _)| room.owner().is_some() && room.owner() == room.own_seat())
    }

    fn sends(&mut self, packet: &ClientPacket) {
        if let Some(client) = &mut self.client {
            client.send(packet).expect("a short packet");
        }
    }

    /// Writes what it has to say, and gives the connection up.
    async fn ends(&mut self, last: Option<&ClientPacket>) {
        last.into_iter().for_each(|packet| self.sends(packet));
        if let Some(mut client) = self.client.take() {
            client.flush().await.expect("the server reads it");
        }
    }

    /// Takes in what has arrived and checks each packet against what came before.
    async fn look(&mut self) {
        let Some(client) = &mut self.client else { return };
        let (packets, end) = arrived(client).await;
        assert!(end.is_none(), "{end:?}");
        self.token = client.token().expect("it came with the first answer").clone();
        for packet in packets {
            if let ServerPacket::Joined(joined) = &packet {
                let state: State = joined.state.decode().expect("the state of a board");
                let pieces: BTreeMap<_, _> = state.positions.iter().map(|p| (p.seat, p.cell)).collect();
                assert!(joined.members.iter().map(|member| &member.seat).eq(pieces.keys()));
                let room = Room::new(joined).expect("a board");
                self.missed_batches = 0;
                self.seen = Some((room, Replay { board: state.size, pieces }));
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
            // Gaps in event numbers, moves of empty seats, seats taken twice, who is away twice: Room::apply finds them.
            room.apply(&packet).expect("a packet that follows from those before");
            replay.apply(&packet);
            if let ServerPacket::Snapshot(snapshot) = &packet {
                assert!(std::mem::take(&mut self.is_back), "nobody lags here: {snapshot:?}");
                self.missed_batches = room.skipped_batches();
            }
            let own = room.own_seat();
            assert!(self.is_back || own.is_none_or(|own| !room.is_away(own)), "it is here: {packet:?}");
        }
        if let Some((room, replay)) = &self.seen {
            assert_eq!(room.skipped_batches(), self.missed_batches);
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
            ServerPacket::Snapshot(snapshot) => {
                let state: State = snapshot.state.decode().expect("the state of a board");
                self.pieces = state.positions.iter().map(|p| (p.seat, p.cell)).collect();
            }
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

/// Whether only those in a room may hear it.
pub(crate) fn is_of_a_room(packet: &ServerPacket) -> bool {
    use ServerPacket as P;
    let happens = matches!(
        packet,
        P::Entered(_) | P::Left(_) | P::Happened(_) | P::Chat(_) | P::Emote(_) | P::Signal(_) | P::Owner { .. }
    );
    let stands = matches!(packet, P::Updates(_) | P::Snapshot(_) | P::Refused(_) | P::About(_) | P::History(_));
    happens || stands || matches!(packet, P::Away { .. } | P::Back { .. } | P::Absent { .. })
}

async fn run(actions: &[Action]) {
    let mut config = Config::default();
    // Whoever has lost the connection comes back at the end, at the latest; and nobody is given up for silence.
    config.limits.resume_grace = LONG;
    (config.limits.silence, config.limits.ping_after) = (LONG, LONG / 2);
    config.limits.removed_for = Duration::ZERO;
    config.game.board = BoardSize::new(3, 2).expect("a valid size");
    config.game.seats = SeatCount::new(SEATS).expect("a valid count");
    // A room is gone with its last player: how long an empty one is kept is another test's.
    config.limits.empty_room_grace = Duration::ZERO;
    // Here nobody is sent away for doing too much at once.
    config.limits.rate_limit_strikes = 1000;
    let mut server = MemoryServer::new(config, 2);
    let mut witnesses = Vec::new();
    for number in 0..CLIENTS {
        witnesses.push(Witness::connect(&mut server, number).await);
    }
    let mut connected = CLIENTS;
    for (index, &action) in actions.iter().enumerate() {
        use Action as A;
        match action {
            A::JoinAny(who) if witnesses[who].room().is_none() => {
                witnesses[who].sends(&ClientPacket::Join { target: JoinTarget::Any });
            }
            A::JoinRoomOf(who, whose) if witnesses[who].room().is_none() => {
                let target = JoinTarget::Room(witnesses[whose].room().unwrap_or(NO_ROOM));
                witnesses[who].sends(&ClientPacket::Join { target });
            }
            A::WatchRoomOf(who, whose) if witnesses[who].room().is_none() => {
                let room = witnesses[whose].room().unwrap_or(NO_ROOM);
                witnesses[who].sends(&ClientPacket::Watch { room });
            }
            A::Leave(who) if witnesses[who].room().is_some() => witnesses[who].sends(&ClientPacket::Leave),
            A::Step(who, direction) if witnesses[who].sits() => {
                witnesses[who].sends(&step(1, direction));
                // Two in one flush now and then.
                if who % 2 == 0 {
                    witnesses[who].sends(&step(2, direction));
                }
            }
            A::Chat(who) if witnesses[who].sits() => witnesses[who].sends(&ClientPacket::Chat { text: line("hello") }),
            A::Emote(who) if witnesses[who].sits() => {
                let (to, manner, text) = (Audience::Room, Manner::Emote, line("waves"));
                witnesses[who].sends(&ClientPacket::Say { to, manner, text });
            }
            A::Signal(who) if witnesses[who].sits() => {
                witnesses[who].sends(&ClientPacket::Signal { to: SignalTarget::Room, payload: payload(&[7; 44]) });
            }
            A::Create(who) if witnesses[who].room().is_none() => {
                let title = RoomTitle::new("mine").expect("a title");
                let plan = RoomPlan { game: None, title, seats: None, board: None, password: None };
                witnesses[who].sends(&ClientPacket::CreateRoom(Box::new(plan)));
            }
            A::Remove(who, whose) if witnesses[who].owns() => {
                let name = witnesses[whose].name.clone();
                witnesses[who].sends(&ClientPacket::Remove { name });
            }
            A::HandOver(who, whose) if witnesses[who].owns() => {
                let name = witnesses[whose].name.clone();
                witnesses[who].sends(&ClientPacket::HandOver { name });
            }
            A::Vanish(who) if witnesses[who].client.is_some() => {
                witnesses[who].ends(Some(&ClientPacket::Bye)).await;
                witnesses[who] = Witness::connect(&mut server, connected).await;
                connected += 1;
            }
            A::Lose(who) => witnesses[who].ends(None).await,
            A::Return(who) => witnesses[who].comes_back(&mut server).await,
            _ => continue,
        }
        // Some steps and lines fall into one tick, so that batches hold more than one thing. What changes a seat is waited
        // for: a step on a seat that is asked for and not yet given is out of order.
        if changes_a_seat(action) || index % 3 == 0 {
            settle(&mut witnesses).await;
        }
    }
    for witness in &mut witnesses {
        if witness.client.is_none() {
            witness.comes_back(&mut server).await;
        }
    }
    settle(&mut witnesses).await;
    agree(&server, &witnesses);
}

fn changes_a_seat(action: Action) -> bool {
    use Action as A;
    let comes_or_goes = matches!(action, A::JoinAny(_) | A::JoinRoomOf(..) | A::WatchRoomOf(..) | A::Leave(_));
    comes_or_goes || matches!(action, A::Create(_) | A::Remove(..) | A::Lose(_) | A::Return(_))
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
        for view in views {
            assert_eq!(view.pieces().collect::<Vec<_>>(), first);
            assert_eq!(view.event(), views[0].event());
            assert_eq!(view.owner(), views[0].owner());
            assert!(view.members().all(|(seat, _)| !view.is_away(seat)), "everyone is back");
        }
        let seats: Vec<_> = views.iter().filter_map(|view| view.own_seat()).collect();
        assert_eq!(seats.len(), first.len(), "members are those who sit there");
        assert_eq!(seats.iter().collect::<HashSet<_>>().len(), seats.len());
        assert!(!seats.is_empty(), "a room closes with its last seat, whoever watches it");
    }
    assert_eq!(server.host().rooms(), rooms.len());
    assert_eq!(server.host().seats_taken(), witnesses.iter().filter(|witness| witness.sits()).count());
    assert_eq!((server.host().signed_in(), server.host().away()), (witnesses.len(), 0));
}
