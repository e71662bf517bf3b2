//! What a room has to tell since its last flush: events and moves, each encoded once for everyone.

use crate::outgoing;
use bytes::BytesMut;
use malpan_net::Frame;
use malpan_protocol::{Ack, MAX_MOVES, Moves, Position, ServerPacket};

/// Bytes of events from which on a flush does not wait for its tick.
const EVENT_BYTES: usize = 8 * 1024;

/// The pending events and moves, and the numbers that they get.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    /// Encoded as they happen: they are shared anyway, and nothing about them changes until the flush.
    events: BytesMut,
    moves: Moves,
    event: u64,
    batch: u64,
    encoded: BytesMut,
}

/// One flush: at most two frames, shared by all members.
#[derive(Debug)]
pub(crate) struct Flush {
    /// Must be delivered.
    pub(crate) events: Option<Frame>,
    /// Latest wins.
    pub(crate) moves: Option<Frame>,
}

impl Batch {
    /// Adds an event, which gets the next number.
    pub(crate) fn event(&mut self, packet: impl FnOnce(u64) -> ServerPacket) {
        self.event += 1;
        outgoing::append(&packet(self.event), &mut self.events);
    }

    /// Adds an accepted step.
    pub(crate) fn moved(&mut self, position: Position, ack: Ack) {
        const ROOM: &str = "a full batch is flushed before the next step";
        self.moves.positions.push(position).expect(ROOM);
        self.moves.acks.push(ack).expect(ROOM);
    }

    /// Whether there is something to tell.
    pub(crate) fn is_pending(&self) -> bool {
        !self.events.is_empty() || !self.moves.positions.is_empty()
    }

    /// Whether it has to be told now, whatever the tick.
    pub(crate) fn is_full(&self) -> bool {
        self.events.len() >= EVENT_BYTES || self.moves.positions.len() >= MAX_MOVES
    }

    /// Takes what is pending, as frames: two allocations for each.
    pub(crate) fn flush(&mut self) -> Flush {
        let events = (!self.events.is_empty()).then(|| Frame::new(&self.events));
        self.events.clear();
        let moves = (!self.moves.positions.is_empty()).then(|| self.encode_moves());
        Flush { events, moves }
    }

    /// Encodes state that is not pending with the numbers that are current.
    pub(crate) fn snapshot(&self, state: impl Iterator<Item = (Position, Ack)>) -> Frame {
        let mut moves = Moves { event: self.event, batch: self.batch, ..Moves::default() };
        for (position, ack) in state {
            let fits = moves.positions.push(position).and_then(|()| moves.acks.push(ack));
            fits.expect("a room has fewer seats than a batch has places");
        }
        outgoing::frame(&ServerPacket::Snapshot(moves))
    }

    /// The number of the last event.
    pub(crate) fn last_event(&self) -> u64 {
        self.event
    }

    /// The number of the last batch of moves.
    pub(crate) fn last_batch(&self) -> u64 {
        self.batch
    }

    fn encode_moves(&mut self) -> Frame {
        self.batch += 1;
        let mut moves = std::mem::take(&mut self.moves);
        (moves.event, moves.batch) = (self.event, self.batch);
        let packet = ServerPacket::Moves(moves);
        self.encoded.clear();
        outgoing::append(&packet, &mut self.encoded);
        if let ServerPacket::Moves(mut moves) = packet {
            // The lists keep their memory for the next batch.
            moves.positions.clear();
            moves.acks.clear();
            self.moves = moves;
        }
        Frame::new(&self.encoded)
    }
}
