//! One player in its room: where it walks, what it receives, what became of its steps. Pure: no connection, no clock.

use super::{
    ledger::Ledger,
    plan::{Plan, Rng},
    rooms::Stay,
    steps::{Steps, Why},
};
use malpan_client::{
    Room, RoomError,
    protocol::{
        Cell, Direction, Joined, MAX_SEATS, Refused, Seat, ServerPacket, Snapshot, Updates, game::board::Position,
    },
};
use rand::RngExt;

/// The most batches a server may leave out at once: nine hours of them at the default tick.
const MAX_LEFT_OUT: u64 = 1_000_000;

/// A seated player.
#[derive(Debug)]
pub(super) struct Member {
    player: u32,
    room: Room,
    own_seat: Seat,
    /// The room's book in the thread's [`Ledger`].
    book: usize,
    /// Which of the bot's players sits where: no stranger and no empty seat.
    owners: [Option<u32>; MAX_SEATS],
    /// Where the own piece stands once everything sent is done.
    heading: Cell,
    rng: Rng,
    steps: Steps,
    last_batch: u64,
    /// The last batch before the window opened.
    from_batch: u64,
    delivered: u64,
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
            owners[seat.index()] = plan.player_named(name);
        }
        let heading = room.piece(own_seat).map_or(Cell { x: 0, y: 0 }, |piece| piece.cell);
        Ok(Self {
            player,
            book: ledger.books.open(joined.room),
            room,
            own_seat,
            owners,
            heading,
            rng: plan.walk_rng(player),
            steps: Steps::default(),
            last_batch: joined.batch,
            from_batch: joined.batch,
            delivered: 0,
        })
    }

    /// The measured window opens: what is due counts from here.
    pub(super) fn open_window(&mut self) {
        self.from_batch = self.last_batch;
    }

    /// Chooses the next step, counts it as sent and returns its direction: a random one onto the board and no piece,
    /// as far as the player knows. A player that is boxed in steps against a neighbour and is refused, so that every
    /// move that is due is sent.
    pub(super) fn step(&mut self) -> Direction {
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
                ledger.refused += 1;
                self.settle_heading();
                Ok(())
            }
            ServerPacket::Entered(entered) => {
                self.room.apply(packet)?;
                self.owners[entered.member.seat.index()] = plan.player_named(&entered.member.name);
                Ok(())
            }
            ServerPacket::Left(left) => {
                self.room.apply(packet)?;
                let owner = self.owners[left.seat.index()].take();
                if let (Some(player), Some(_)) = (owner, at_ns) {
                    ledger.books.note_departure(self.book, player, self.last_batch);
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

    /// The time in the room, for [`settle`](super::rooms::settle). `seated`: whether it lasts.
    pub(super) fn stay(&self, seated: bool) -> Stay {
        Stay {
            player: self.player,
            room: self.room.id(),
            from_batch: self.from_batch,
            last_batch: self.last_batch,
            seated,
            delivered: self.delivered,
            accepted: self.steps.accepted(),
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
        let Some(at_ns) = at_ns else { return Ok(()) };

        let mut own_steps = 0;
        for ack in &updates.acks {
            let Some(owner) = self.owners[ack.seat.index()] else { continue };
            own_steps += 1;
            let Some(due_ns) = plan.due_ns(owner, ack.seq) else { return Err(Fault::Answer { seq: ack.seq }) };
            let latency_ns = at_ns.saturating_sub(due_ns);
            if ack.seat == self.own_seat {
                if !self.steps.acknowledge(ack.seq) {
                    return Err(Fault::Answer { seq: ack.seq });
                }
                ledger.acked += 1;
                ledger.timings.move_to_self.record_ns(latency_ns);
            } else {
                ledger.timings.move_to_others.record_ns(latency_ns);
            }
        }
        self.settle_heading();
        self.delivered += u64::from(own_steps);
        ledger.delivered += u64::from(own_steps);
        ledger.books.note_batch(self.book, updates.batch, own_steps);
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
            ledger.books.note_existence(self.book, snapshot.batch);
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
