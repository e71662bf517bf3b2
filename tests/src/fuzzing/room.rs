//! Actions of several members, against the model. Two bytes an action: what, and by whom.

use super::choices::Choices;
use crate::room_model::{Action, CLIENTS, play};
use malpan_protocol::Direction;

/// More than these tell nothing new, and take long.
const MOST_ACTIONS: usize = 120;

/// Any actions of the model's clients.
///
/// # Panics
/// Where something is not as the model has it.
pub fn room(data: &[u8]) {
    let mut choices = Choices::new(data);
    let mut actions = Vec::new();
    while !choices.is_empty() && actions.len() < MOST_ACTIONS {
        actions.push(action(&mut choices));
    }
    play(&actions);
}

fn action(choices: &mut Choices<'_>) -> Action {
    let (what, who) = (choices.byte() % 32, usize::from(choices.byte()));
    let (who, whose) = (who % CLIENTS, who / CLIENTS % CLIENTS);
    match what {
        0 | 1 => Action::JoinAny(who),
        2 => Action::JoinRoomOf(who, whose),
        3 => Action::WatchRoomOf(who, whose),
        4 => Action::Leave(who),
        5 => Action::Chat(who),
        6 => Action::Signal(who),
        7 => Action::Vanish(who),
        16 | 17 => Action::Lose(who),
        18..=20 => Action::Return(who),
        21 => Action::Emote(who),
        22 | 23 => Action::Create(who),
        24 | 25 => Action::Remove(who, whose),
        26 => Action::HandOver(who, whose),
        step => Action::Step(who, Direction::ALL[usize::from(step % 4)]),
    }
}
