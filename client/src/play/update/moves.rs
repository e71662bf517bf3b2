//! The keys that play: steps on the shared board; the cursor and the stones in five in a row. A key that means nothing
//! in the game at hand does nothing.

use crate::play::{
    model::Model,
    session::{GameCommand, NotNow, Refusal, Table},
    words,
};
use malpan_client::protocol::{Cell, Direction, game::five};
use std::time::Instant;

/// While this stands in the status line, `y` gives the game up. Another key than the one that asks: a key that is held
/// down answers nothing.
const GIVE_UP: &str = "give the game up? y does";

/// Moves the own piece, or the cursor.
pub(super) fn step(model: &mut Model, direction: Direction, now: Instant) {
    if is_five(model) {
        model.clear_notice();
        let on_board = |cell: &Cell| cell.x < five::SIDE && cell.y < five::SIDE;
        model.cursor = model.cursor.step(direction).filter(on_board).unwrap_or(model.cursor);
        return;
    }
    match model.session.command(GameCommand::Step(direction), now) {
        // What was wrong with the step before is over.
        Ok(()) => model.clear_notice(),
        // A held key repeats faster than pieces may move. What is too much is left out: no need to mention it.
        Err(NotNow::TooFast) => {}
        Err(why) => model.notify(why.to_string(), now),
    }
}

/// Puts a stone where the cursor is.
pub(super) fn place(model: &mut Model, now: Instant) {
    // A held key puts no second stone.
    if is_five(model) && model.session.commands_pending() == 0 {
        command(model, five::Command::Place(model.cursor), now);
    }
}

/// Asks whether the game shall be given up.
pub(super) fn resign(model: &mut Model, now: Instant) {
    let Some(Table::Five(room)) = model.session.table() else { return };
    let question = if room.own_seat().is_none() {
        NotNow::Watching.to_string()
    } else if room.view().phase != five::Phase::Playing {
        words::refusal(Refusal::Five(five::Refusal::NoGame)).into()
    } else {
        GIVE_UP.into()
    };
    model.notify(question, now);
}

/// Answers the question that stands in the status line, if one does.
pub(super) fn yes(model: &mut Model, now: Instant) {
    if is_five(model) && model.notice(now).is_some_and(|notice| notice.text == GIVE_UP) {
        command(model, five::Command::Resign, now);
    }
}

/// Asks for another game.
pub(super) fn rematch(model: &mut Model, now: Instant) {
    if is_five(model) {
        command(model, five::Command::Rematch, now);
    }
}

fn command(model: &mut Model, command: five::Command, now: Instant) {
    match model.session.command(GameCommand::Five(command), now) {
        Ok(()) => model.clear_notice(),
        Err(why) => model.notify(why.to_string(), now),
    }
}

fn is_five(model: &Model) -> bool {
    model.session.table().is_some_and(|table| table.five().is_some())
}
