//! A room as a client sees it, kept true by the packets that arrive. Pure: no connection, no clock.

use malpan_protocol::{
    BoardSize, Cell, Joined, MAX_SEATS, Member, Moves, Name, RoomId, RoomTitle, Seat, SeatCount, ServerPacket,
};

/// Someone's piece.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// The player's name.
    pub name: Name,
    /// Where it stands.
    pub cell: Cell,
}

/// A room from the inside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Room {
    id: RoomId,
    title: RoomTitle,
    seats: SeatCount,
    board: BoardSize,
    own_seat: Seat,
    pieces: [Option<Piece>; MAX_SEATS],
    event: u64,
    batch: u64,
    skipped_batches: u64,
}

/// The server broke its own promise.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RoomError {
    /// An event is missing or came twice.
    #[error("event {found} where {expected} should follow")]
    EventGap {
        /// The number due.
        expected: u64,
        /// The number that came.
        found: u64,
    },
    /// Something was said of a seat in which nobody sits, or someone entered one that is taken.
    #[error("seat {0} is not as the packet says")]
    WrongSeat(Seat),
}

impl Room {
    /// The room that was just joined.
    #[must_use]
    pub fn new(joined: &Joined) -> Self {
        let mut pieces = [const { None }; MAX_SEATS];
        for Member { seat, name, cell } in &joined.members {
            pieces[seat.index()] = Some(Piece { name: name.clone(), cell: *cell });
        }
        Self {
            id: joined.room,
            title: joined.title.clone(),
            seats: joined.seats,
            board: joined.board,
            own_seat: joined.seat,
            pieces,
            event: joined.event,
            batch: joined.batch,
            skipped_batches: 0,
        }
    }

    /// Takes in one packet. Packets that do not concern what the room looks like change nothing.
    ///
    /// # Errors
    /// [`RoomError`] where the packet contradicts what came before; the room is then out of step for good.
    pub fn apply(&mut self, packet: &ServerPacket) -> Result<(), RoomError> {
        match packet {
            ServerPacket::Entered(entered) => {
                self.follow(entered.event)?;
                let Member { seat, name, cell } = &entered.member;
                let place = &mut self.pieces[seat.index()];
                if place.is_some() {
                    return Err(RoomError::WrongSeat(*seat));
                }
                *place = Some(Piece { name: name.clone(), cell: *cell });
            }
            ServerPacket::Left(left) => {
                self.follow(left.event)?;
                self.pieces[left.seat.index()].take().ok_or(RoomError::WrongSeat(left.seat))?;
            }
            ServerPacket::Chat(chat) => self.follow(chat.event)?,
            ServerPacket::Signal(signal) => self.follow(signal.event)?,
            ServerPacket::Moves(moves) => {
                self.skipped_batches += moves.batch.saturating_sub(self.batch + 1);
                self.place(moves)?;
            }
            ServerPacket::Snapshot(moves) => {
                self.skipped_batches += moves.batch.saturating_sub(self.batch);
                self.place(moves)?;
            }
            _ => {}
        }
        Ok(())
    }

    /// The room's number.
    #[must_use]
    pub fn id(&self) -> RoomId {
        self.id
    }

    /// The room's title.
    #[must_use]
    pub fn title(&self) -> &RoomTitle {
        &self.title
    }

    /// Seats in all.
    #[must_use]
    pub fn seats(&self) -> SeatCount {
        self.seats
    }

    /// The board's size.
    #[must_use]
    pub fn board(&self) -> BoardSize {
        self.board
    }

    /// The client's own seat.
    #[must_use]
    pub fn own_seat(&self) -> Seat {
        self.own_seat
    }

    /// The piece of a seat, if someone sits there.
    #[must_use]
    pub fn piece(&self, seat: Seat) -> Option<&Piece> {
        self.pieces[seat.index()].as_ref()
    }

    /// Everyone in the room, by seat.
    pub fn members(&self) -> impl Iterator<Item = (Seat, &Piece)> {
        Seat::all(self.seats).filter_map(|seat| Some((seat, self.piece(seat)?)))
    }

    /// The number of the last event.
    #[must_use]
    pub fn event(&self) -> u64 {
        self.event
    }

    /// How many batches of moves the server left out because this client fell behind.
    #[must_use]
    pub fn skipped_batches(&self) -> u64 {
        self.skipped_batches
    }

    fn follow(&mut self, event: u64) -> Result<(), RoomError> {
        let expected = self.event + 1;
        if event != expected {
            return Err(RoomError::EventGap { expected, found: event });
        }
        self.event = event;
        Ok(())
    }

    fn place(&mut self, moves: &Moves) -> Result<(), RoomError> {
        if moves.event != self.event {
            return Err(RoomError::EventGap { expected: self.event, found: moves.event });
        }
        for position in &moves.positions {
            let piece = self.pieces[position.seat.index()].as_mut().ok_or(RoomError::WrongSeat(position.seat))?;
            piece.cell = position.cell;
        }
        self.batch = moves.batch;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{Room, RoomError};
    use malpan_protocol::{
        Ack, BoardSize, Cell, Entered, Joined, LeaveReason, Left, Member, Moves, Name, Position, RoomId, RoomTitle,
        Seat, SeatCount, ServerPacket,
    };

    fn seat(index: u8) -> Seat {
        Seat::new(index).unwrap()
    }

    fn member(index: u8, x: u8) -> Member {
        Member { seat: seat(index), name: Name::new(&format!("p{index}")).unwrap(), cell: Cell { x, y: 0 } }
    }

    fn room() -> Room {
        Room::new(&Joined {
            room: RoomId(1),
            title: RoomTitle::new("test").unwrap(),
            seats: SeatCount::new(10).unwrap(),
            board: BoardSize::new(8, 8).unwrap(),
            seat: seat(0),
            members: vec![member(0, 0), member(1, 1)].try_into().unwrap(),
            incarnation: 1,
            event: 5,
            batch: 7,
        })
    }

    fn moves(event: u64, batch: u64, index: u8, cell: Cell) -> Moves {
        Moves {
            event,
            batch,
            positions: vec![Position { seat: seat(index), cell }].try_into().unwrap(),
            acks: vec![Ack { seat: seat(index), seq: 1 }].try_into().unwrap(),
        }
    }

    #[test]
    fn events_and_moves_keep_it_true() {
        let mut room = room();
        room.apply(&ServerPacket::Entered(Entered { event: 6, member: member(4, 3) })).unwrap();
        let to = Cell { x: 3, y: 1 };
        room.apply(&ServerPacket::Moves(moves(6, 8, 4, to))).unwrap();
        assert_eq!(room.piece(seat(4)).unwrap().cell, to);
        room.apply(&ServerPacket::Left(Left { event: 7, seat: seat(1), reason: LeaveReason::Left })).unwrap();
        assert_eq!(room.members().map(|(seat, _)| seat.index()).collect::<Vec<_>>(), [0, 4]);
        assert_eq!(room.skipped_batches(), 0);
    }

    #[test]
    fn a_missing_event_is_noticed() {
        let mut room = room();
        let left = ServerPacket::Left(Left { event: 7, seat: seat(1), reason: LeaveReason::Left });
        assert_eq!(room.apply(&left), Err(RoomError::EventGap { expected: 6, found: 7 }));
    }

    #[test]
    fn moves_of_an_empty_seat_are_noticed() {
        let moves = ServerPacket::Moves(moves(5, 8, 9, Cell { x: 0, y: 0 }));
        assert_eq!(room().apply(&moves), Err(RoomError::WrongSeat(seat(9))));
    }

    #[test]
    fn left_out_batches_are_counted() {
        let mut room = room();
        room.apply(&ServerPacket::Moves(moves(5, 10, 0, Cell { x: 1, y: 1 }))).unwrap();
        assert_eq!(room.skipped_batches(), 2);
        room.apply(&ServerPacket::Snapshot(moves(5, 12, 0, Cell { x: 2, y: 1 }))).unwrap();
        assert_eq!(room.skipped_batches(), 4);
    }
}
