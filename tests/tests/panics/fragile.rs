//! Rules that panic where they are told to.

use malpan_game::{Effects, Game};
use malpan_protocol::{GameName, Seat};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// The game that panics.
pub(crate) const FRAGILE: GameName = GameName::constant("fragile");
/// What its panics say.
pub(crate) const FAULT: &str = "a fault, as a test wants it";

/// Where the rules can be called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Place {
    TakeSeat,
    LeaveSeat,
    Apply,
    Tick,
    Snapshot,
}

/// Panics at a place, once a command has named it.
#[derive(Debug, Default)]
pub(crate) struct Fragile {
    armed: Option<Place>,
}

impl Fragile {
    fn at(&self, place: Place) {
        assert!(self.armed != Some(place), "{FAULT}");
    }
}

impl Game for Fragile {
    const NAME: GameName = FRAGILE;
    const TICK: Option<Duration> = Some(Duration::from_millis(20));
    type Command = Place;
    type Update = ();
    type Refusal = ();
    type Snapshot = ();
    type Saved = ();

    fn take_seat(&mut self, _: Duration, _: Seat) -> Effects<()> {
        self.at(Place::TakeSeat);
        Effects::none()
    }

    fn leave_seat(&mut self, _: Duration, _: Seat) -> Effects<()> {
        self.at(Place::LeaveSeat);
        Effects::none()
    }

    fn apply(&mut self, _: Duration, _: Seat, place: Place) -> Result<Effects<()>, ()> {
        self.armed = Some(place);
        self.at(Place::Apply);
        Ok(Effects::none())
    }

    fn tick(&mut self, _: Duration) -> Effects<()> {
        self.at(Place::Tick);
        Effects::none()
    }

    fn snapshot(&self) {
        self.at(Place::Snapshot);
    }
}
