//! Strategies for what games say, as values and as the bytes that stand in packets.

use super::strategies::{cell, plain, seat};
use malpan_protocol::{
    BoardSize, CommandBytes, Direction, Encoded, MAX_SEATS, RefusalBytes, StateBytes, UpdateBytes,
    game::{
        board::{self, Position},
        five,
    },
};
use proptest::{collection::vec, option, prelude::*};
use serde::Serialize;

/// A command of a game that is known here, or of one that is not.
pub(crate) fn command_bytes() -> impl Strategy<Value = CommandBytes> {
    prop_oneof![2 => plain::<Direction>().prop_map(of), 2 => five_command().prop_map(of), 1 => any_bytes()]
}

/// A row of updates of such a game.
pub(crate) fn update_bytes() -> impl Strategy<Value = UpdateBytes> {
    prop_oneof![
        2 => vec(position(), 0..30).prop_map(row),
        2 => vec(five_update(), 0..4).prop_map(row),
        1 => any_bytes(),
    ]
}

/// A refusal of such a game.
pub(crate) fn refusal_bytes() -> impl Strategy<Value = RefusalBytes> {
    prop_oneof![
        2 => plain::<board::Refusal>().prop_map(of),
        2 => plain::<five::Refusal>().prop_map(of),
        1 => any_bytes(),
    ]
}

/// A state of such a game.
pub(crate) fn state_bytes() -> impl Strategy<Value = StateBytes> {
    prop_oneof![2 => board_state().prop_map(of), 2 => five_state().prop_map(of), 1 => any_bytes()]
}

/// A piece's place on the shared board.
pub(crate) fn position() -> impl Strategy<Value = Position> {
    (seat(), cell()).prop_map(|(seat, cell)| Position { seat, cell })
}

/// The shared board.
pub(crate) fn board_state() -> impl Strategy<Value = board::State> {
    let side = 1..=BoardSize::MAX_SIDE;
    (side.clone(), side, vec(position(), 0..=MAX_SEATS)).prop_map(|(width, height, positions)| board::State {
        size: BoardSize::new(width, height).unwrap(),
        positions: positions.try_into().unwrap(),
    })
}

/// A command of five in a row.
pub(crate) fn five_command() -> impl Strategy<Value = five::Command> {
    prop_oneof![cell().prop_map(five::Command::Place), Just(five::Command::Resign), Just(five::Command::Rematch)]
}

/// An update of five in a row.
pub(crate) fn five_update() -> impl Strategy<Value = five::Update> {
    use five::Update as U;
    prop_oneof![
        seat().prop_map(|black| U::Began { black }),
        (seat(), cell()).prop_map(|(seat, cell)| U::Placed { seat, cell }),
        outcome().prop_map(U::Over),
        seat().prop_map(|seat| U::RematchAsked { seat }),
    ]
}

/// How a game of five in a row can end.
pub(crate) fn outcome() -> impl Strategy<Value = five::Outcome> {
    let won = (seat(), plain::<five::Victory>()).prop_map(|(seat, by)| five::Outcome::Won { seat, by });
    prop_oneof![3 => won, 1 => Just(five::Outcome::Draw)]
}

/// Where a game of five in a row can stand.
pub(crate) fn phase() -> impl Strategy<Value = five::Phase> {
    prop_oneof![Just(five::Phase::Waiting), Just(five::Phase::Playing), outcome().prop_map(five::Phase::Over)]
}

/// Five in a row, with up to as many stones as there are cells.
pub(crate) fn five_state() -> impl Strategy<Value = five::State> {
    (phase(), seat(), vec(cell(), 0..=five::CELLS), option::of(seat())).prop_map(|(phase, black, stones, rematch)| {
        five::State { phase, black, stones: stones.try_into().unwrap(), rematch }
    })
}

/// The bytes of a game that nobody knows: few mostly, sometimes as many as there may be.
fn any_bytes<const MAX: usize>() -> impl Strategy<Value = Encoded<MAX>> {
    let length = prop_oneof![6 => 0..40_usize, 3 => 0..=MAX.min(300), 1 => Just(MAX)];
    length.prop_flat_map(|length| vec(any::<u8>(), length)).prop_map(row)
}

fn of<T: Serialize, const MAX: usize>(value: T) -> Encoded<MAX> {
    Encoded::of(&value).unwrap()
}

/// One value after the other; single bytes are themselves.
pub(crate) fn row<T: Serialize, const MAX: usize>(values: Vec<T>) -> Encoded<MAX> {
    let mut row = Encoded::new();
    values.iter().for_each(|value| row.push(value).unwrap());
    row
}
