//! The room browser, and the ways into rooms.

use crate::play::{
    browser::{RoomList, is_locked},
    game::Game,
    model::{Mode, Model},
    new_room::NewRoom,
    session::Goal,
};
use malpan_client::protocol::{JoinTarget, Part, RoomPassword, RoomQuery, RoomTitle};
use std::time::Instant;

/// The field of a form that asks for one thing alone.
const ONLY: usize = 0;

/// Shows the room list, or asks for it again.
pub(super) fn open(model: &mut Model, now: Instant) {
    let query = match &model.mode {
        Mode::Rooms(list) => list.query.clone(),
        _ => RoomQuery::ALL,
    };
    look_for(model, query, now);
}

/// Shows the rooms that are what `query` says. What stands in the list stays until the answer is here.
pub(super) fn look_for(model: &mut Model, query: RoomQuery, now: Instant) {
    match model.session.find_rooms(query.clone(), now) {
        Ok(()) if matches!(&model.mode, Mode::Rooms(list) if list.query == query) => {}
        Ok(()) => model.mode = Mode::Rooms(RoomList::new(query)),
        Err(why) => model.notify(why.to_string(), now),
    }
}

/// Asks what titles are looked for.
pub(super) fn open_filter(model: &mut Model) {
    if let Mode::Rooms(list) = &model.mode {
        model.mode = Mode::filter(list.clone());
    }
}

/// Looks for the titles that were asked for.
pub(super) fn filter(model: &mut Model, now: Instant) {
    let Mode::Filter { list, form } = &mut model.mode else { return };
    let title = match form.text(ONLY).trim() {
        "" => None,
        text => match text.parse::<RoomTitle>() {
            Ok(title) => Some(title),
            Err(why) => return form.ask_again(ONLY, why.to_string()),
        },
    };
    let query = RoomQuery { title, ..list.query.clone() };
    look_for(model, query, now);
}

/// Plans a room of the game at hand.
pub(super) fn open_new(model: &mut Model) {
    model.mode = Mode::NewRoom(NewRoom::new(model.session.game().unwrap_or(Game::Board)));
}

/// Chooses another room.
pub(super) fn choose(model: &mut Model, by: isize, now: Instant) {
    if let Mode::Rooms(list) = &mut model.mode {
        list.choose(by);
        more(model, now);
    }
}

/// Asks for the next page where it will soon be wanted.
pub(super) fn more(model: &mut Model, now: Instant) {
    let Mode::Rooms(list) = &model.mode else { return };
    if let Some(next) = list.more()
        && let Err(why) = model.session.find_rooms(next, now)
    {
        model.notify(why.to_string(), now);
    }
}

/// Takes a seat in the chosen room, or watches it; asks for its password first, where it has one.
pub(super) fn enter(model: &mut Model, part: Part, now: Instant) {
    let Mode::Rooms(list) = &model.mode else { return };
    let Some(entry) = list.room() else { return };
    let room = entry.room;
    match part {
        _ if is_locked(entry) => model.mode = Mode::unlock(room, part),
        Part::Seat => go(model, Goal::Join(JoinTarget::Room(room)), now),
        Part::Watch => go(model, Goal::Watch(room), now),
    }
}

/// Goes into the room whose password was asked for.
pub(super) fn unlock(model: &mut Model, now: Instant) {
    let Mode::Unlock { room, part, form } = &mut model.mode else { return };
    match RoomPassword::new(form.text(ONLY)) {
        Ok(password) => {
            let goal = Goal::Unlock { room: *room, part: *part, password };
            go(model, goal, now);
        }
        Err(why) => form.ask_again(ONLY, why.to_string()),
    }
}

/// Goes somewhere else.
pub(super) fn go(model: &mut Model, goal: Goal, now: Instant) {
    match model.session.go(goal, now) {
        Ok(()) => model.mode = Mode::Board,
        Err(why) => model.notify(why.to_string(), now),
    }
}
