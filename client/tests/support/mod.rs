//! A server that does just enough to prove the bot: hello, guest, join, and each legal step as a batch of its own,
//! at once. What it does wrong on purpose, its script says.

use futures::{SinkExt, StreamExt};
use malpan_client::protocol::{
    game::board::{self, Position, Refusal},
    *,
};
use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    thread,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{mpsc, oneshot},
};
use tokio_util::codec::Framed;

/// What the server does otherwise than a good one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Script {
    /// Nothing.
    #[default]
    Good,
    /// The third batch of the first room is left out for this seat; a snapshot stands for it.
    LeavesOutFor(u8),
    /// The third batch of the first room is left out for everyone; snapshots stand for it.
    LeavesOutForAll,
    /// Everyone is denied at the door.
    IsFull,
    /// The first player on seat 1 is kicked at the third batch of its room.
    KicksSeat1,
    /// Everyone is cut off at the third batch.
    ClosesAll,
    /// No step is answered.
    Hangs,
}

/// A running server; it ends when this is dropped.
#[derive(Debug)]
pub(crate) struct ScriptedServer {
    pub(crate) address: SocketAddr,
    _stop: oneshot::Sender<()>,
}

type Outbox = mpsc::UnboundedSender<ServerPacket>;

struct Member {
    name: Name,
    cell: Cell,
    outbox: Outbox,
}

#[derive(Default)]
struct Room {
    members: [Option<Member>; MAX_SEATS],
    event: u64,
    batch: u64,
}

struct World {
    script: Script,
    seats: u8,
    rooms: Vec<Room>,
}

impl ScriptedServer {
    /// Starts a server whose rooms have this many seats.
    pub(crate) fn start(script: Script, seats: u8) -> Self {
        let (stop, stopped) = oneshot::channel();
        let (told, address) = std::sync::mpsc::channel();
        thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
                told.send(listener.local_addr().unwrap()).unwrap();
                tokio::select! {
                    () = accept(listener, Arc::new(Mutex::new(World { script, seats, rooms: Vec::new() }))) => {}
                    _ = stopped => {}
                }
            });
        });
        Self { address: address.recv().unwrap(), _stop: stop }
    }
}

async fn accept(listener: TcpListener, world: Arc<Mutex<World>>) {
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        stream.set_nodelay(true).unwrap();
        tokio::spawn(serve(stream, Arc::clone(&world)));
    }
}

async fn serve(stream: TcpStream, world: Arc<Mutex<World>>) {
    let mut frames = Framed::new(stream, ServerCodec::new());
    let (outbox, mut inbox) = mpsc::unbounded_channel();
    let mut name = None;
    let mut place = None;
    loop {
        tokio::select! {
            biased;
            packet = inbox.recv() => {
                let Some(packet) = packet else { break };
                let last = matches!(packet, ServerPacket::Kicked { .. } | ServerPacket::Denied(_));
                if frames.send(&packet).await.is_err() || last {
                    break;
                }
            }
            packet = frames.next() => {
                let Some(Ok(packet)) = packet else { break };
                let mut world = world.lock().unwrap();
                match packet {
                    ClientPacket::Hello { .. } => drop(outbox.send(world.welcome())),
                    ClientPacket::Guest { name: asked } => {
                        name = Some(asked.clone());
                        let _ = outbox.send(ServerPacket::SignedIn { player: PlayerId(1), name: asked });
                    }
                    ClientPacket::Join { .. } => place = Some(world.join(name.clone().unwrap(), outbox.clone())),
                    ClientPacket::Command { seq, command } => {
                        world.step(place.unwrap(), seq, command.decode().unwrap());
                    }
                    ClientPacket::Bye => break,
                    other => panic!("the bot sent {other:?}"),
                }
            }
        }
    }
    if let Some((room, seat)) = place {
        world.lock().unwrap().remove(room, seat, LeaveReason::Disconnected);
    }
}

impl World {
    fn welcome(&self) -> ServerPacket {
        if self.script == Script::IsFull {
            let reason = Reason::new("no room for anyone").unwrap();
            return ServerPacket::Denied(Denial { code: DenialCode::ServerFull, reason });
        }
        let limits = Limits {
            frame_bytes: 1024,
            packets_per_second: 100,
            steps_per_second: 20,
            step_burst: 10,
            signals_per_second: 10,
            tick_ms: 0,
            silence_seconds: 30,
        };
        ServerPacket::Welcome(Welcome { version: 1, server: SoftwareName::new("scripted").unwrap(), limits })
    }

    fn join(&mut self, name: Name, outbox: Outbox) -> (usize, Seat) {
        let seats = SeatCount::new(self.seats).unwrap();
        let free = |room: &Room| Seat::all(seats).find(|seat| room.members[seat.index()].is_none());
        let index = self.rooms.iter().position(|room| free(room).is_some()).unwrap_or_else(|| {
            self.rooms.push(Room::default());
            self.rooms.len() - 1
        });
        let room = &mut self.rooms[index];
        let seat = free(room).unwrap();
        let cell = (0..64).map(|n| Cell { x: n % 8, y: n / 8 }).find(|&cell| !room.is_taken(cell)).unwrap();
        room.event += 1;
        let member = malpan_client::protocol::Member { seat, name: name.clone() };
        let updates = UpdateBytes::of(&Position { seat, cell }).unwrap();
        room.tell(&ServerPacket::Entered(Entered { event: room.event, member, updates }));
        room.members[seat.index()] = Some(Member { name, cell, outbox: outbox.clone() });
        let members: Vec<_> = room.seated().map(|(seat, member)| member.as_seen(seat)).collect();
        let joined = Joined {
            room: RoomId(u32::try_from(index + 1).unwrap()),
            title: RoomTitle::new("scripted").unwrap(),
            seats,
            game: GameName::BOARD,
            seat: Some(seat),
            members: members.try_into().unwrap(),
            incarnation: 1,
            event: room.event,
            batch: room.batch,
            state: room.state(),
        };
        let _ = outbox.send(ServerPacket::Joined(joined));
        (index, seat)
    }

    fn step(&mut self, (index, seat): (usize, Seat), seq: u32, direction: Direction) {
        let (script, room) = (self.script, &mut self.rooms[index]);
        let Some(member) = &room.members[seat.index()] else { return };
        if script == Script::Hangs {
            return;
        }
        let why = match member.cell.step(direction).filter(|&to| board_size().contains(to)) {
            None => Refusal::OffBoard,
            Some(to) if room.is_taken(to) => Refusal::Taken,
            Some(to) => return room.accept(script, index, seat, seq, to),
        };
        let why = RefusalBytes::of(&why).unwrap();
        let _ = member.outbox.send(ServerPacket::Refused(Refused { seq, why: RefusalReason::Rules(why) }));
    }

    fn remove(&mut self, index: usize, seat: Seat, reason: LeaveReason) {
        self.rooms[index].remove(seat, reason);
    }
}

impl Room {
    fn accept(&mut self, script: Script, index: usize, seat: Seat, seq: u32, to: Cell) {
        self.members[seat.index()].as_mut().unwrap().cell = to;
        self.batch += 1;
        let (event, batch, acks) = (self.event, self.batch, vec![Ack { seat, seq }]);
        let updates = UpdateBytes::of(&Position { seat, cell: to }).unwrap();
        let good = ServerPacket::Updates(Updates { event, batch, updates, acks: acks.clone().try_into().unwrap() });
        let state = self.state();
        let instead = ServerPacket::Snapshot(Snapshot { event, batch, state, acks: acks.try_into().unwrap() });
        let is_third_of_first = index == 0 && self.batch == 3;
        for (member_seat, member) in self.seated() {
            let left_out = match script {
                Script::LeavesOutForAll => is_third_of_first,
                Script::LeavesOutFor(seat) => is_third_of_first && member_seat.index() == usize::from(seat),
                _ => false,
            };
            let _ = member.outbox.send(if left_out { &instead } else { &good }.clone());
        }
        let all: Vec<_> = self.seated().map(|(seat, _)| seat).collect();
        let kicked: &[Seat] = match script {
            Script::KicksSeat1 if is_third_of_first => &all[1..2],
            Script::ClosesAll if self.batch == 3 => &all,
            _ => &[],
        };
        let reason = if kicked.len() == 1 { KickReason::SlowConsumer } else { KickReason::Stopping };
        for &seat in kicked {
            self.kick(seat, reason);
        }
    }

    fn kick(&mut self, seat: Seat, reason: KickReason) {
        let member = self.members[seat.index()].as_ref().unwrap();
        let _ = member.outbox.send(ServerPacket::Kicked { reason });
        self.remove(seat, LeaveReason::Kicked);
    }

    fn remove(&mut self, seat: Seat, reason: LeaveReason) {
        if self.members[seat.index()].take().is_some() {
            self.event += 1;
            self.tell(&ServerPacket::Left(Left { event: self.event, seat, reason, updates: UpdateBytes::new() }));
        }
    }

    fn tell(&self, packet: &ServerPacket) {
        for (_, member) in self.seated() {
            let _ = member.outbox.send(packet.clone());
        }
    }

    fn seated(&self) -> impl Iterator<Item = (Seat, &Member)> {
        let seats = Seat::all(SeatCount::new(10).unwrap());
        seats.filter_map(|seat| Some((seat, self.members[seat.index()].as_ref()?)))
    }

    fn state(&self) -> StateBytes {
        let positions = self.seated().map(|(seat, member)| Position { seat, cell: member.cell }).collect::<Vec<_>>();
        StateBytes::of(&board::State { size: board_size(), positions: positions.try_into().unwrap() }).unwrap()
    }

    fn is_taken(&self, cell: Cell) -> bool {
        self.seated().any(|(_, member)| member.cell == cell)
    }
}

impl Member {
    fn as_seen(&self, seat: Seat) -> malpan_client::protocol::Member {
        malpan_client::protocol::Member { seat, name: self.name.clone() }
    }
}

fn board_size() -> BoardSize {
    BoardSize::new(8, 8).unwrap()
}
