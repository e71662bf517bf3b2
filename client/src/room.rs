//! A room as a client sees it, kept true by the packets that arrive. Pure: no connection, no clock.

use crate::view::{BoardView, View};
use malpan_protocol::{
    Ack, BoardSize, Cell, Door, GameName, Joined, MAX_SEATS, Member, Name, RoomId, RoomTitle, Seat, SeatCount, Seen,
    ServerPacket, StateBytes, UpdateBytes, WireError,
};

/// A room from the inside: who is there, and the game as `V` shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Room<V = BoardView> {
    id: RoomId,
    title: RoomTitle,
    seats: SeatCount,
    own_seat: Option<Seat>,
    names: [Option<Name>; MAX_SEATS],
    away: [bool; MAX_SEATS],
    incarnation: u32,
    owner: Option<Seat>,
    door: Door,
    view: V,
    event: u64,
    batch: u64,
    skipped_batches: u64,
}

/// Someone's piece on the shared board.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Piece<'a> {
    /// The player's name.
    pub name: &'a Name,
    /// Where it stands.
    pub cell: Cell,
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
    /// Another game is played in that room.
    #[error("the room plays {0}")]
    WrongGame(GameName),
    /// The game's part of a packet is not of that game.
    #[error(transparent)]
    Game(#[from] WireError),
}

impl<V: View> Room<V> {
    /// The room that was just joined, or is watched from now on.
    ///
    /// # Errors
    /// [`RoomError::WrongGame`] where `V` is not its game, [`RoomError::Game`] where its state cannot be read.
    pub fn new(joined: &Joined) -> Result<Self, RoomError> {
        if joined.game != V::GAME {
            return Err(RoomError::WrongGame(joined.game));
        }
        let mut names = [const { None }; MAX_SEATS];
        for Member { seat, name } in &joined.members {
            names[seat.index()] = Some(name.clone());
        }
        Ok(Self {
            id: joined.room,
            title: joined.title.clone(),
            seats: joined.seats,
            own_seat: joined.seat,
            names,
            away: [false; MAX_SEATS],
            incarnation: joined.incarnation,
            owner: None,
            door: Door::Open,
            view: view(&joined.state)?,
            event: joined.event,
            batch: joined.batch,
            skipped_batches: 0,
        })
    }

    /// Takes in one packet. Packets that do not concern what the room looks like change nothing.
    ///
    /// # Errors
    /// [`RoomError`] where the packet contradicts what came before; the room is then out of step for good.
    pub fn apply(&mut self, packet: &ServerPacket) -> Result<(), RoomError> {
        match packet {
            ServerPacket::Entered(entered) => {
                self.follow(entered.event)?;
                let Member { seat, name } = &entered.member;
                let place = &mut self.names[seat.index()];
                if place.is_some() {
                    return Err(RoomError::WrongSeat(*seat));
                }
                *place = Some(name.clone());
                self.update(&entered.updates)?;
            }
            ServerPacket::Left(left) => {
                self.follow(left.event)?;
                self.names[left.seat.index()].take().ok_or(RoomError::WrongSeat(left.seat))?;
                self.away[left.seat.index()] = false;
                self.update(&left.updates)?;
                self.view.left(left.seat);
            }
            ServerPacket::Happened(happened) => {
                self.follow(happened.event)?;
                self.check_acks(happened.ack.as_slice())?;
                self.update(&happened.updates)?;
            }
            ServerPacket::Chat(said) | ServerPacket::Emote(said) => self.follow(said.event)?,
            ServerPacket::About(about) if about.room == self.id => {
                self.check_owner(about.owner)?;
                (self.owner, self.door) = (about.owner, about.door);
            }
            ServerPacket::Owner { event, seat } => {
                self.follow(*event)?;
                self.check_owner(*seat)?;
                self.owner = *seat;
            }
            ServerPacket::Signal(signal) => self.follow(signal.event)?,
            &ServerPacket::Away { event, seat } => {
                self.follow(event)?;
                self.mark(seat, true)?;
            }
            &ServerPacket::Back { event, seat } => {
                self.follow(event)?;
                self.mark(seat, false)?;
            }
            ServerPacket::Absent { seats } => seats.iter().try_for_each(|&seat| self.mark(seat, true))?,
            ServerPacket::Updates(updates) => {
                self.skipped_batches += updates.batch.saturating_sub(self.batch + 1);
                self.batch = updates.batch;
                self.stand_at(updates.event)?;
                self.check_acks(&updates.acks)?;
                self.update(&updates.updates)?;
            }
            ServerPacket::Snapshot(snapshot) => {
                self.skipped_batches += snapshot.batch.saturating_sub(self.batch);
                self.batch = snapshot.batch;
                self.stand_at(snapshot.event)?;
                self.check_acks(&snapshot.acks)?;
                self.view = view(&snapshot.state)?;
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

    /// The client's own seat; `None` where it only watches.
    #[must_use]
    pub fn own_seat(&self) -> Option<Seat> {
        self.own_seat
    }

    /// Who sits there.
    #[must_use]
    pub fn name(&self, seat: Seat) -> Option<&Name> {
        self.names[seat.index()].as_ref()
    }

    /// Everyone with a seat, by seat.
    pub fn members(&self) -> impl Iterator<Item = (Seat, &Name)> {
        Seat::all(self.seats).filter_map(|seat| Some((seat, self.name(seat)?)))
    }

    /// Whether the connection of who sits there was lost, and the seat is kept for them.
    #[must_use]
    pub fn is_away(&self, seat: Seat) -> bool {
        self.away[seat.index()]
    }

    /// What has been seen so far, for coming back after a lost connection.
    #[must_use]
    pub fn seen(&self) -> Seen {
        Seen { room: self.id, incarnation: self.incarnation, event: self.event }
    }

    /// The seat of the room's owner, who may put others out. `None` where it is nobody's.
    #[must_use]
    pub fn owner(&self) -> Option<Seat> {
        self.owner
    }

    /// How one comes in.
    #[must_use]
    pub fn door(&self) -> Door {
        self.door
    }

    /// The game.
    #[must_use]
    pub fn view(&self) -> &V {
        &self.view
    }

    /// The number of the last event.
    #[must_use]
    pub fn event(&self) -> u64 {
        self.event
    }

    /// How many batches of updates the server left out because this client fell behind.
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

    /// Whoever was away comes back, and the other way round.
    fn mark(&mut self, seat: Seat, away: bool) -> Result<(), RoomError> {
        let mark = &mut self.away[seat.index()];
        if self.names[seat.index()].is_none() || std::mem::replace(mark, away) == away {
            return Err(RoomError::WrongSeat(seat));
        }
        Ok(())
    }

    fn stand_at(&self, event: u64) -> Result<(), RoomError> {
        if event != self.event {
            return Err(RoomError::EventGap { expected: self.event, found: event });
        }
        Ok(())
    }

    /// Whoever owns the room sits in it.
    fn check_owner(&self, owner: Option<Seat>) -> Result<(), RoomError> {
        match owner.filter(|owner| self.name(*owner).is_none()) {
            Some(owner) => Err(RoomError::WrongSeat(owner)),
            None => Ok(()),
        }
    }

    /// Nothing is acknowledged to a seat in which nobody sits.
    fn check_acks(&self, acks: &[Ack]) -> Result<(), RoomError> {
        match acks.iter().find(|ack| self.name(ack.seat).is_none()) {
            Some(ack) => Err(RoomError::WrongSeat(ack.seat)),
            None => Ok(()),
        }
    }

    fn update(&mut self, updates: &UpdateBytes) -> Result<(), RoomError> {
        for update in updates.values() {
            self.view.update(update?);
        }
        Ok(())
    }
}

impl Room<BoardView> {
    /// The board's size.
    #[must_use]
    pub fn board(&self) -> BoardSize {
        self.view.size()
    }

    /// The piece of a seat, if someone sits there.
    #[must_use]
    pub fn piece(&self, seat: Seat) -> Option<Piece<'_>> {
        Some(Piece { name: self.name(seat)?, cell: self.view.cell(seat)? })
    }

    /// The client's own piece; `None` where it only watches.
    #[must_use]
    pub fn own_piece(&self) -> Option<Piece<'_>> {
        self.piece(self.own_seat?)
    }

    /// Every piece, by seat.
    pub fn pieces(&self) -> impl Iterator<Item = (Seat, Piece<'_>)> {
        Seat::all(self.seats).filter_map(|seat| Some((seat, self.piece(seat)?)))
    }
}

fn view<V: View>(state: &StateBytes) -> Result<V, WireError> {
    Ok(V::new(state.decode()?))
}

#[cfg(test)]
#[path = "room_tests.rs"]
mod tests;
