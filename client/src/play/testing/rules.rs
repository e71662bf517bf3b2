//! Just enough of the rules of five in a row, for one player against Bob, who answers at once and never wins.

use crate::play::five::winning_stones;
use malpan_client::{
    Room,
    protocol::{
        Cell, Seat,
        game::five::{Command, Outcome, Phase, Refusal, SIDE, State, Update, Victory, other},
    },
};

/// What a command does, or why it is refused.
pub(super) fn apply(room: &Room<State>, own: Seat, command: Command) -> Result<Vec<Update>, Refusal> {
    let state = room.view();
    match (command, state.phase) {
        (Command::Place(_) | Command::Resign, phase) if phase != Phase::Playing => Err(Refusal::NoGame),
        (Command::Place(cell), _) => place(state, own, cell),
        (Command::Resign, _) => Ok(vec![Update::Over(Outcome::Won { seat: other(own), by: Victory::Resignation })]),
        (Command::Rematch, Phase::Playing) => Err(Refusal::StillOn),
        (Command::Rematch, _) if room.name(other(own)).is_none() => Err(Refusal::NoOpponent),
        (Command::Rematch, _) => Ok(vec![Update::RematchAsked { seat: own }]),
    }
}

fn place(state: &State, own: Seat, cell: Cell) -> Result<Vec<Update>, Refusal> {
    if state.to_move() != Some(own) {
        return Err(Refusal::NotYourTurn);
    }
    if cell.x >= SIDE || cell.y >= SIDE {
        return Err(Refusal::OffBoard);
    }
    if state.stone(cell).is_some() {
        return Err(Refusal::Taken);
    }
    let placed = Update::Placed { seat: own, cell };
    let mut after = state.clone();
    after.apply(placed);
    let won = Update::Over(Outcome::Won { seat: own, by: Victory::Five });
    Ok(if winning_stones(&after).is_empty() { vec![placed] } else { vec![placed, won] })
}

/// What Bob does next: he plays again when asked, and puts stones that never touch along the lower edge.
pub(super) fn bob(room: &Room<State>, own: Seat) -> Option<Update> {
    let (state, bob) = (room.view(), other(own));
    room.name(bob)?;
    if state.rematch == Some(own) {
        return Some(Update::Began { black: other(state.black) });
    }
    let free = (0..SIDE).step_by(2).map(|x| Cell { x, y: SIDE - 1 }).find(|cell| state.stone(*cell).is_none());
    (state.to_move() == Some(bob)).then(|| Update::Placed { seat: bob, cell: free.expect("tests are short") })
}
