//! One player in its room: what it sends, what it receives, what became of that. Pure: no connection, no clock.

use super::{
    ledger::{Ledger, PartLedger},
    message,
    plan::{Plan, Rng},
    rooms::Stay,
    scenario::{Kind, Scenario},
    steps::{Steps, Why},
};
use malpan_client::{
    Room, RoomError,
    protocol::{
        Cell, ChatText, Direction, Joined, MAX_SEATS, Refused, Seat, ServerPacket, SignalPayload, SignalTarget,
        Snapshot, Updates, game::board::Position,
    },
};
use rand::RngExt;

/// The most batches a server may leave out at once: nine hours of them at the default tick.
const MAX_LEFT_OUT: u64 = 1_000_000;
/// What comes so much after it was due is late, in nanoseconds.
const LATE_NS: u64 = 1_000_000_000;

/// A seated player.
#[derive(Debug)]
pub(super) struct Member {
    player: u32,
    scenario: Scenario,
    /// The player's part of the plan.
    part: usize,
    room: Room,
    own_seat: Seat,
    /// The room's book of each kind in the thread's [`Ledger`].
    books: [usize; Kind::ALL.len()],
    /// Which of the bot's players sits where: no stranger and no empty seat.
    owners: [Option<u32>; MAX_SEATS],
    /// Where the own piece stands once everything sent is done.
    heading: Cell,
    rng: Rng,
    steps: Steps,
    last_batch: u64,
    /// The last batch and the last event before the window opened.
    from_batch: u64,
    from_event: u64,
    /// By kind.
    delivered: [u64; Kind::ALL.len()],
}

/// What a player does next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Action {
    Step(Direction),
    Chat(ChatText),
    Signal(SignalTarget, SignalPayload),
}

/// Someone's message, as it was received.
struct Received {
    kind: Kind,
    from: u32,
    seq: u32,
    own: bool,
    at_ns: u64,
}

/// The server broke its own promise to this player.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Fault {
    /// Events or seats contradict what came before, or the game is not the board.
    #[error(transparent)]
    Room(#[from] RoomError),
    /// Batches are numbered upwards, and not by leaps.
    #[error("batch {found} after batch {last}")]
    Batch { last: u64, found: u64 },
    /// Each position has its acknowledgement.
    #[error("a batch of {positions} positions and {acks} acknowledgements")]
    Uneven { positions: usize, acks: usize },
    /// A step is answered once, and only when it was sent.
    #[error("an answer to step {seq}, which awaits none")]
    Answer { seq: u32 },
    /// Who joins gets a seat.
    #[error("joined without a seat")]
    NoSeat,
}

impl Member {
    /// The player that was just seated.
    ///
    /// # Errors
    /// [`Fault`] where it cannot play there.
    pub(super) fn new(player: u32, joined: &Joined, plan: &Plan, ledger: &mut Ledger) -> Result<Self, Fault> {
        let room: Room = Room::new(joined)?;
        let own_seat = room.own_seat().ok_or(Fault::NoSeat)?;
        let mut owners = [None; MAX_SEATS];
        for (seat, name) in room.members() {
            owners[seat.index()] = plan.member_named(name);
        }
        let heading = room.piece(own_seat).map_or(Cell { x: 0, y: 0 }, |piece| piece.cell);
        Ok(Self {
            player,
            scenario: plan.scenario_of(player),
            part: plan.part_of(player),
            books: Kind::ALL.map(|kind| ledger.books[kind as usize].open(joined.room)),
            from_event: joined.event,
            room,
            own_seat,
            owners,
            heading,
            rng: plan.walk_rng(player),
            steps: Steps::default(),
            last_batch: joined.batch,
            from_batch: joined.batch,
            delivered: [0; Kind::ALL.len()],
        })
    }

    /// The measured window opens: what is due counts from here.
    pub(super) fn open_window(&mut self, plan: &Plan, ledger: &mut Ledger) {
        (self.from_batch, self.from_event) = (self.last_batch, self.room.event());
        self.books = Kind::ALL.map(|kind| ledger.books[kind as usize].open(self.room.id()));
        self.delivered = [0; Kind::ALL.len()];
        self.steps.open_window();
        plan.count_from(self.player, self.steps.sent());
    }

    /// Chooses the next action and counts it as sent.
    pub(super) fn act(&mut self, ledger: &mut Ledger) -> Action {
        let part = &mut ledger.parts[self.part];
        part.sent += 1;
        match self.scenario {
            Scenario::Chat => Action::Chat(message::line(self.steps.send())),
            Scenario::Arena => {
                let seq = self.steps.send();
                // Half of them each, and of two players not the same half.
                let to = if (seq ^ self.player) & 1 == 0 { SignalTarget::Room } else { SignalTarget::Myself };
                part.echoes_due += u64::from(to == SignalTarget::Myself);
                Action::Signal(to, message::payload(seq))
            }
            _ => Action::Step(self.step()),
        }
    }

    /// The server denied a request. It names none; where players send nothing else, it was a message.
    pub(super) fn deny(&mut self, ledger: &mut Ledger) {
        if matches!(self.scenario, Scenario::Chat | Scenario::Arena) && self.steps.refuse_oldest() {
            ledger.parts[self.part].refused += 1;
        }
    }

    /// Chooses the next step, counts it as sent and returns its direction: a random one onto the board and no piece,
    /// as far as the player knows. A player that is boxed in steps against a neighbour and is refused, so that every
    /// move that is due is sent.
    fn step(&mut self) -> Direction {
        let board = self.room.board();
        let on_board = Choices::of(|direction| self.heading.step(direction).filter(|&to| board.contains(to)));
        let free = Choices::of(|direction| on_board.to(direction).filter(|&to| self.is_free(to)));
        self.steps.send();
        if let Some((direction, to)) = free.pick(&mut self.rng) {
            self.heading = to;
            return direction;
        }
        // A board of a single cell has no legal step at all.
        on_board.pick(&mut self.rng).map_or(Direction::Up, |(direction, _)| direction)
    }

    /// Takes in a packet that came `at_ns` after the window opened, or before it (`None`).
    ///
    /// # Errors
    /// [`Fault`] where it contradicts what came before; nothing further of this player can be counted.
    pub(super) fn take(
        &mut self,
        packet: &ServerPacket,
        at_ns: Option<u64>,
        plan: &Plan,
        ledger: &mut Ledger,
    ) -> Result<(), Fault> {
        match packet {
            ServerPacket::Updates(updates) => self.take_updates(packet, updates, at_ns, plan, ledger),
            ServerPacket::Snapshot(snapshot) => self.take_snapshot(packet, snapshot, at_ns, ledger),
            ServerPacket::Refused(Refused { seq, why }) => {
                if !self.steps.refuse(*seq, Why::of(why).map_err(RoomError::Game)?) {
                    return Err(Fault::Answer { seq: *seq });
                }
                ledger.parts[self.part].refused += 1;
                self.settle_heading();
                Ok(())
            }
            ServerPacket::Entered(entered) => {
                self.room.apply(packet)?;
                self.owners[entered.member.seat.index()] = plan.member_named(&entered.member.name);
                Ok(())
            }
            ServerPacket::Left(left) => self.take_departure(packet, left.seat, at_ns, ledger),
            // None of these players comes back.
            &ServerPacket::Away { seat, .. } => self.take_departure(packet, seat, at_ns, ledger),
            ServerPacket::Chat(said) => {
                self.room.apply(packet)?;
                let seq = message::seq_of_line(&said.text);
                self.take_message(Kind::Chat, said.event, said.seat, seq, at_ns, plan, ledger)
            }
            ServerPacket::Signal(signal) => {
                self.room.apply(packet)?;
                let seq = message::seq_of_payload(&signal.payload);
                self.take_message(Kind::Signal, signal.event, signal.seat, seq, at_ns, plan, ledger)
            }
            ServerPacket::Echo { payload } => {
                let seq = message::seq_of_payload(payload).filter(|&seq| self.steps.acknowledge(seq));
                if let (Some(seq), Some(at_ns)) = (seq, at_ns) {
                    let part = &mut ledger.parts[self.part];
                    part.done += 1;
                    part.echoes += 1;
                    if let Some(due_ns) = plan.due_ns(self.player, seq) {
                        let latency_ns = at_ns.saturating_sub(due_ns);
                        part.late += u64::from(latency_ns > LATE_NS);
                        part.named.entry("echo").or_default().record_ns(latency_ns);
                    }
                }
                Ok(())
            }
            _ => Ok(self.room.apply(packet)?),
        }
    }

    /// The player's own steps.
    pub(super) fn steps(&self) -> &Steps {
        &self.steps
    }

    /// The time in the room, for [`settle`](super::rooms::settle), as far as messages of a kind go. `seated`: whether it
    /// lasts.
    pub(super) fn stay(&self, kind: Kind, seated: bool) -> Stay {
        let (from_batch, last_batch) = match kind {
            Kind::Move => (self.from_batch, self.last_batch),
            Kind::Chat | Kind::Signal => (self.from_event, self.room.event()),
        };
        // Who sees an own event come back knows its number: no such event is unseen by everyone.
        let accepted = if kind == Kind::Move && self.scenario == Scenario::Walk { self.steps.accepted() } else { 0 };
        Stay {
            player: self.player,
            room: self.room.id(),
            from_batch,
            last_batch,
            seated,
            delivered: self.delivered[kind as usize],
            accepted,
        }
    }

    fn take_departure(
        &mut self,
        packet: &ServerPacket,
        seat: Seat,
        at_ns: Option<u64>,
        ledger: &mut Ledger,
    ) -> Result<(), Fault> {
        let last_event = self.room.event();
        self.room.apply(packet)?;
        let owner = self.owners[seat.index()].take();
        if let (Some(player), Some(_)) = (owner, at_ns) {
            for kind in Kind::ALL {
                let last = if kind == Kind::Move { self.last_batch } else { last_event };
                ledger.books[kind as usize].note_departure(self.books[kind as usize], player, last);
            }
        }
        Ok(())
    }

    #[allow(clippy::too_many_arguments, reason = "what a packet says, and where it is written down")]
    fn take_message(
        &mut self,
        kind: Kind,
        number: u64,
        seat: Seat,
        seq: Option<u32>,
        at_ns: Option<u64>,
        plan: &Plan,
        ledger: &mut Ledger,
    ) -> Result<(), Fault> {
        let from = self.owners[seat.index()].filter(|&player| plan.scenario_of(player).kind() == Some(kind));
        let (Some(from), Some(seq)) = (from, seq) else { return Ok(()) };
        let own = seat == self.own_seat;
        let awaited = own && self.steps.acknowledge(seq);
        let Some(at_ns) = at_ns else { return Ok(()) };
        self.receive(&Received { kind, from, seq, own, at_ns }, plan, ledger);
        ledger.books[kind as usize].note_batch(self.books[kind as usize], number, 1);
        ledger.parts[self.part].done += u64::from(awaited);
        Ok(())
    }

    /// Counts a message of one of the bot's players, and how long it took.
    fn receive(&mut self, message: &Received, plan: &Plan, ledger: &mut Ledger) {
        self.delivered[message.kind as usize] += 1;
        let part: &mut PartLedger = &mut ledger.parts[plan.part_of(message.from)];
        part.delivered += 1;
        // What was sent in an earlier window has no time in this one.
        let Some(due_ns) = plan.due_ns(message.from, message.seq) else { return };
        let latency_ns = message.at_ns.saturating_sub(due_ns);
        part.late += u64::from(latency_ns > LATE_NS);
        if message.own {
            part.to_self.record_ns(latency_ns);
        } else {
            part.to_others.record_ns(latency_ns);
            ledger.interval.main.record_ns(latency_ns);
        }
    }

    fn take_updates(
        &mut self,
        packet: &ServerPacket,
        updates: &Updates,
        at_ns: Option<u64>,
        plan: &Plan,
        ledger: &mut Ledger,
    ) -> Result<(), Fault> {
        // The room decodes the positions, and fails where they are none; counting them takes their length alone.
        let (positions, acks) = (updates.updates.len().div_ceil(Position::BYTES), updates.acks.len());
        if positions != acks {
            return Err(Fault::Uneven { positions, acks });
        }
        self.advance_to(updates.batch, self.last_batch + 1)?;
        self.room.apply(packet)?;
        let mut own_steps = 0;
        for ack in &updates.acks {
            let Some(from) = self.owners[ack.seat.index()] else { continue };
            own_steps += 1;
            let own = ack.seat == self.own_seat;
            if ack.seq == 0 || own && !self.steps.acknowledge(ack.seq) {
                return Err(Fault::Answer { seq: ack.seq });
            }
            let Some(at_ns) = at_ns else { continue };
            ledger.parts[self.part].done += u64::from(own);
            self.receive(&Received { kind: Kind::Move, from, seq: ack.seq, own, at_ns }, plan, ledger);
        }
        self.settle_heading();
        if at_ns.is_some() {
            ledger.books[Kind::Move as usize].note_batch(self.books[Kind::Move as usize], updates.batch, own_steps);
        }
        Ok(())
    }

    /// A snapshot says what became of the own steps, and delivers nothing.
    fn take_snapshot(
        &mut self,
        packet: &ServerPacket,
        snapshot: &Snapshot,
        at_ns: Option<u64>,
        ledger: &mut Ledger,
    ) -> Result<(), Fault> {
        self.advance_to(snapshot.batch, self.last_batch)?;
        self.room.apply(packet)?;
        if at_ns.is_some() {
            ledger.books[Kind::Move as usize].note_existence(self.books[Kind::Move as usize], snapshot.batch);
        }
        if let Some(ack) = snapshot.acks.iter().find(|ack| ack.seat == self.own_seat) {
            if u64::from(ack.seq) > self.steps.sent() {
                return Err(Fault::Answer { seq: ack.seq });
            }
            self.steps.catch_up(ack.seq);
        }
        self.settle_heading();
        Ok(())
    }

    fn advance_to(&mut self, batch: u64, lowest: u64) -> Result<(), Fault> {
        if batch < lowest || batch - lowest > MAX_LEFT_OUT {
            return Err(Fault::Batch { last: self.last_batch, found: batch });
        }
        self.last_batch = batch;
        Ok(())
    }

    /// With every step answered, the room knows best where the own piece stands.
    fn settle_heading(&mut self) {
        if self.steps.all_answered()
            && let Some(piece) = self.room.piece(self.own_seat)
        {
            self.heading = piece.cell;
        }
    }

    fn is_free(&self, cell: Cell) -> bool {
        self.room.pieces().all(|(seat, piece)| seat == self.own_seat || piece.cell != cell)
    }
}

/// The cells that the four directions lead to, where they may be gone to.
struct Choices([Option<Cell>; 4]);

impl Choices {
    fn of(to: impl FnMut(Direction) -> Option<Cell>) -> Self {
        Self(Direction::ALL.map(to))
    }

    fn to(&self, direction: Direction) -> Option<Cell> {
        self.0[direction as usize]
    }

    fn pick(&self, rng: &mut Rng) -> Option<(Direction, Cell)> {
        let open = || Direction::ALL.into_iter().filter_map(|direction| Some((direction, self.to(direction)?)));
        match open().count() {
            0 => None,
            count => open().nth(rng.random_range(0..count)),
        }
    }
}

#[cfg(test)]
#[path = "member_tests.rs"]
mod tests;
