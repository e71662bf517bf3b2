//! Who may come into which room: passwords, and those who were put out.
//!
//! Only rooms that keep someone out have a door here. A password is kept as a salted hash ([`Lock`]): what is
//! in memory says nothing about what people use elsewhere.

use crate::saving::Lock;
use malpan_protocol::{Name, RoomId, RoomPassword};
use std::collections::{BTreeMap, VecDeque};
use tokio::time::Instant;

/// Players whom one room keeps out at once; then the one who was put out first may come again.
const MOST_BARRED: usize = 32;

/// The doors of all rooms that have one.
#[derive(Debug, Default)]
pub(crate) struct Doors(BTreeMap<RoomId, RoomDoor>);

#[derive(Debug, Default)]
struct RoomDoor {
    lock: Option<Lock>,
    /// By folded name, until when; the one who was put out first is the first.
    barred: VecDeque<(String, Instant)>,
}

/// Who wants to come in.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Visitor<'a> {
    pub(crate) name: &'a Name,
    pub(crate) password: Option<&'a RoomPassword>,
    pub(crate) now: Instant,
}

/// Why someone may not come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Shut {
    #[error("room {0} has a password")]
    PasswordRequired(RoomId),
    #[error("that is not the password of room {0}")]
    WrongPassword(RoomId),
    #[error("you were put out of room {room}; come again in {seconds} s")]
    Barred { room: RoomId, seconds: u64 },
}

impl Doors {
    /// A room has a password from now on.
    pub(crate) fn lock(&mut self, room: RoomId, lock: Lock) {
        self.0.entry(room).or_default().lock = Some(lock);
    }

    /// Someone is put out of a room until then.
    pub(crate) fn bar(&mut self, room: RoomId, name: &Name, until: Instant) {
        let barred = &mut self.0.entry(room).or_default().barred;
        let folded = name.folded();
        barred.retain(|(other, _)| *other != folded);
        if barred.len() == MOST_BARRED {
            barred.pop_front();
        }
        barred.push_back((folded, until));
    }

    /// Whether someone may come into a room.
    pub(crate) fn open(&self, room: RoomId, visitor: Visitor<'_>) -> Result<(), Shut> {
        let Some(door) = self.0.get(&room) else { return Ok(()) };
        if let Some(until) = door.barred(visitor) {
            let left = until - visitor.now;
            // Rounded up: whoever comes again then is let in.
            return Err(Shut::Barred { room, seconds: left.as_secs() + u64::from(left.subsec_nanos() > 0) });
        }
        match (&door.lock, visitor.password) {
            (None, _) => Ok(()),
            (Some(_), None) => Err(Shut::PasswordRequired(room)),
            (Some(lock), Some(password)) if lock.opens_with(password) => Ok(()),
            (Some(_), Some(_)) => Err(Shut::WrongPassword(room)),
        }
    }

    /// The room has closed.
    pub(crate) fn remove(&mut self, room: RoomId) {
        self.0.remove(&room);
    }
}

impl RoomDoor {
    /// Until when the visitor is kept out.
    fn barred(&self, visitor: Visitor<'_>) -> Option<Instant> {
        if self.barred.is_empty() {
            return None;
        }
        let folded = visitor.name.folded();
        self.barred.iter().find(|(name, until)| *name == folded && *until > visitor.now).map(|(_, until)| *until)
    }
}

#[cfg(test)]
mod tests {
    use super::{Doors, Lock, MOST_BARRED, Shut, Visitor};
    use malpan_protocol::{Name, RoomId, RoomPassword};
    use std::time::Duration;
    use tokio::time::Instant;

    const ROOM: RoomId = RoomId(7);

    fn name(text: &str) -> Name {
        Name::new(text).unwrap()
    }

    #[test]
    fn a_room_with_a_password_opens_to_whoever_knows_it() {
        let (mut doors, now, ann) = (Doors::default(), Instant::now(), name("Ann"));
        let password = |text| RoomPassword::new(text).unwrap();
        let visit =
            |doors: &Doors, password: Option<&RoomPassword>| doors.open(ROOM, Visitor { name: &ann, password, now });
        assert_eq!(visit(&doors, None), Ok(()));
        doors.lock(ROOM, Lock::new(&password("sesame")));
        assert_eq!(visit(&doors, None), Err(Shut::PasswordRequired(ROOM)));
        assert_eq!(visit(&doors, Some(&password("sesam"))), Err(Shut::WrongPassword(ROOM)));
        assert_eq!(visit(&doors, Some(&password("sesame"))), Ok(()));
        assert!(!format!("{doors:?}").contains("sesame"));
        doors.remove(ROOM);
        assert_eq!(visit(&doors, None), Ok(()));
    }

    #[test]
    fn whoever_was_put_out_stays_out_for_a_while_whatever_the_case_of_the_name() {
        let (mut doors, now) = (Doors::default(), Instant::now());
        doors.bar(ROOM, &name("Ann"), now + Duration::from_millis(1500));
        let visit = |text, at| doors.open(ROOM, Visitor { name: &name(text), password: None, now: at });
        assert_eq!(visit("aNN", now), Err(Shut::Barred { room: ROOM, seconds: 2 }));
        assert_eq!(visit("Bob", now), Ok(()));
        assert_eq!(visit("Ann", now + Duration::from_millis(1500)), Ok(()));
    }

    #[test]
    fn only_so_many_are_kept_out_and_the_first_may_come_again() {
        let (mut doors, now) = (Doors::default(), Instant::now());
        for number in 0..=MOST_BARRED {
            doors.bar(ROOM, &name(&format!("n{number}")), now + Duration::from_secs(60));
        }
        let may = |text| doors.open(ROOM, Visitor { name: &name(text), password: None, now }).is_ok();
        assert!(may("n0") && !may("n1") && !may(&format!("n{MOST_BARRED}")));
    }
}
