//! Whose a room is. Pure.

use malpan_protocol::Seat;

/// Who sat down in which order, and which of them owns the room.
#[derive(Debug, Default)]
pub(super) struct Ownership {
    /// Whether the room is to have an owner while anyone sits in it.
    owned: bool,
    owner: Option<Seat>,
    /// The longest seated first.
    seated: Vec<Seat>,
}

impl Ownership {
    /// Nobody sits there yet. A room that is not `owned` is nobody's for good.
    pub(super) fn new(owned: bool) -> Self {
        Self { owned, ..Self::default() }
    }

    /// As it was: the longest seated first.
    pub(super) fn again(owned: bool, owner: Option<Seat>, seated: Vec<Seat>) -> Self {
        let mut ownership = Self { owned, owner, seated };
        ownership.succeed();
        ownership
    }

    pub(super) fn owner(&self) -> Option<Seat> {
        self.owner
    }

    /// Whether the room is to have an owner.
    pub(super) fn owned(&self) -> bool {
        self.owned
    }

    /// Who sits there, the longest seated first.
    pub(super) fn seated(&self) -> &[Seat] {
        &self.seated
    }

    /// Someone sits down. True where the owner is another now.
    pub(super) fn take_seat(&mut self, seat: Seat) -> bool {
        self.seated.push(seat);
        self.succeed()
    }

    /// Someone is gone. True where the owner is another now, or there is none any more.
    pub(super) fn leave_seat(&mut self, seat: Seat) -> bool {
        self.seated.retain(|other| *other != seat);
        if self.owner != Some(seat) {
            return false;
        }
        self.owner = None;
        self.succeed();
        true
    }

    /// The owner gives the room to another who sits there.
    pub(super) fn hand_over(&mut self, to: Seat) {
        debug_assert!(self.owned && self.seated.contains(&to), "the room has looked");
        self.owner = Some(to);
    }

    /// Where there is no owner, it is the longest seated.
    fn succeed(&mut self) -> bool {
        let successor = self.seated.first().copied().filter(|_| self.owned && self.owner.is_none());
        self.owner = self.owner.or(successor);
        successor.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::Ownership;
    use malpan_protocol::Seat;

    fn seat(index: u8) -> Seat {
        Seat::new(index).unwrap()
    }

    #[test]
    fn the_longest_seated_follows_the_owner() {
        let mut room = Ownership::new(true);
        assert!(room.take_seat(seat(0)));
        assert_eq!(room.owner(), Some(seat(0)));
        assert!(!room.take_seat(seat(1)) && !room.take_seat(seat(2)));
        assert!(!room.leave_seat(seat(1)), "that was not the owner");
        assert!(!room.take_seat(seat(1)), "who comes back is the last");
        assert!(room.leave_seat(seat(0)));
        assert_eq!(room.owner(), Some(seat(2)));
        room.hand_over(seat(1));
        assert!(!room.leave_seat(seat(2)));
        assert!(room.leave_seat(seat(1)));
        assert_eq!(room.owner(), None, "nobody is left");
        assert!(room.take_seat(seat(4)));
        assert_eq!(room.owner(), Some(seat(4)), "who finds it empty has it");
    }

    #[test]
    fn a_room_that_comes_back_has_its_owner_and_the_same_successors() {
        let mut room = Ownership::again(true, Some(seat(1)), vec![seat(2), seat(1), seat(0)]);
        assert_eq!((room.owner(), room.owned()), (Some(seat(1)), true));
        assert!(room.leave_seat(seat(1)));
        assert_eq!((room.owner(), room.seated()), (Some(seat(2)), &[seat(2), seat(0)][..]));
        assert_eq!(Ownership::again(true, None, vec![seat(3)]).owner(), Some(seat(3)));
        assert_eq!(Ownership::again(false, None, vec![seat(3)]).owner(), None);
    }

    #[test]
    fn a_room_that_is_nobodys_stays_so() {
        let mut room = Ownership::new(false);
        assert!(!room.take_seat(seat(0)) && !room.take_seat(seat(1)) && !room.leave_seat(seat(0)));
        assert_eq!(room.owner(), None);
    }
}
