//! What was asked for and stands here already: who is in the room, the board, the connection.

use crate::play::{
    five::{Stone, stones},
    session::{Connection, Goal, Session, Table},
    words,
};
use malpan_client::{
    Room,
    protocol::{
        JoinTarget, Seat,
        game::five::{Outcome, Phase, SIDE, State},
    },
};

/// A line for each member: the own one is `you`. In five in a row it ends with the colour of their stones.
pub(super) fn members(table: &Table) -> Vec<String> {
    let line = |seat, name: &_| {
        let word = if Some(seat) == table.own_seat() { "you" } else { "member" };
        match table {
            Table::Board(_) => match table.cell(seat) {
                Some(cell) => format!("{word} {name} {cell}"),
                None => format!("{word} {name}"),
            },
            Table::Five(room) => {
                let stones = Stone::of(room.view(), seat).map_or("waiting", Stone::word);
                format!("{word} {name} {stones}")
            }
        }
    };
    table.members().map(|(seat, name)| line(seat, name)).collect()
}

/// The board of five in a row: a line that says how the game stands, and a line for each row.
pub(super) fn board(table: &Table) -> Vec<String> {
    let Some(room) = table.five() else {
        return vec!["error: only five in a row has a board to print; who tells where pieces stand".into()];
    };
    let mut rows = vec![vec!['.'; SIDE.into()]; SIDE.into()];
    for (cell, stone) in stones(room.view()) {
        // A stone off the board is a fault of the server; there is no place to show it.
        if let Some(place) = rows.get_mut(usize::from(cell.y)).and_then(|row| row.get_mut(usize::from(cell.x))) {
            *place = stone.letter();
        }
    }
    std::iter::once(heading(room)).chain(rows.into_iter().map(String::from_iter)).collect()
}

fn heading(room: &Room<State>) -> String {
    let state = room.view();
    let name = |seat: Seat| room.name(seat).map_or_else(|| "nobody".to_owned(), ToString::to_string);
    let size = format!("board {SIDE}x{SIDE}");
    if state.phase == Phase::Waiting {
        return format!("{size}, no game yet");
    }
    let [black, white] = [0, 1].map(|number| name(state.owner(number)));
    let last = state.stones.last().map_or_else(String::new, |cell| format!(", last {cell}"));
    let stands = match state.phase {
        Phase::Over(Outcome::Won { seat, by }) => format!("over {} won ({})", name(seat), words::victory(by)),
        Phase::Over(Outcome::Draw) => "over draw".into(),
        Phase::Waiting | Phase::Playing => format!("turn {}", state.to_move().map_or_else(String::new, name)),
    };
    format!("{size}, X black {black}, O white {white}, stones {}{last}, {stands}", state.stones.len())
}

/// The answer to `status`.
pub(super) fn status(session: &Session) -> String {
    let connection = match session.connection() {
        Connection::Online => "online",
        Connection::Connecting { .. } | Connection::Nameless => "connecting",
        Connection::Offline { .. } => "offline",
    };
    let place = match (session.going_to(), session.table()) {
        (Some(Goal::Join(JoinTarget::Room(room)) | Goal::Watch(room) | Goal::Unlock { room, .. }), _) => {
            format!("joining room {room}")
        }
        (Some(_), _) => "joining".into(),
        (None, Some(table)) if table.is_watched() => format!("watching room {}", table.id()),
        (None, Some(table)) => format!("room {}", table.id()),
        (None, None) => "lobby".into(),
    };
    let round_trip = match session.round_trip() {
        Some(time) => format!("round trip {:.1} ms", time.as_secs_f64() * 1000.0),
        None => "round trip unknown".into(),
    };
    format!("status {connection}, {place}, {round_trip}")
}
