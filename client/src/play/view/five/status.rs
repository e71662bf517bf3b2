//! What the bottom line says in five in a row: whose turn it is, or how it ended.

use crate::play::{five::Stone, view::Theme, words};
use malpan_client::{
    Room,
    protocol::{
        Cell, Seat,
        game::five::{Outcome, Phase, State},
    },
};
use ratatui::style::Style;

/// The own stones, where one has some, and the cursor.
pub(in crate::play::view) fn place(room: &Room<State>, cursor: Cell) -> String {
    let stone = room.own_seat().and_then(|seat| Stone::of(room.view(), seat));
    stone.map_or_else(|| format!(" {cursor}  "), |stone| format!(" {} {cursor}  ", stone.letter()))
}

/// How the game stands, and what can be done.
pub(in crate::play::view) fn hint(room: &Room<State>, theme: Theme) -> (String, Style) {
    let state = room.view();
    let is_own = |seat: Seat| room.own_seat() == Some(seat);
    let keys = match room.own_seat() {
        Some(_) => "? keys  t chat  Tab rooms  q quit",
        None => "? keys  Tab rooms  q quit",
    };
    match (state.phase, state.to_move()) {
        (_, Some(seat)) if is_own(seat) => ("your turn  Enter puts a stone  ? keys  q quit".into(), theme.good()),
        (_, Some(seat)) => (format!("{}'s turn  {keys}", name(room, seat)), theme.dim()),
        (Phase::Over(outcome), _) => (format!("{}  {}", ended(room, outcome), afterwards(room, keys)), theme.waiting()),
        _ => (format!("no opponent yet  {keys}"), theme.dim()),
    }
}

fn ended(room: &Room<State>, outcome: Outcome) -> String {
    match outcome {
        Outcome::Draw => "a draw".into(),
        Outcome::Won { seat, by } if room.own_seat() == Some(seat) => format!("you won ({})", words::victory(by)),
        Outcome::Won { seat, by } => format!("{} won ({})", name(room, seat), words::victory(by)),
    }
}

fn afterwards(room: &Room<State>, keys: &str) -> String {
    match (room.own_seat(), room.view().rematch) {
        (Some(_), _) if room.members().count() < 2 => format!("no opponent now  {keys}"),
        (Some(own), Some(asked)) if asked == own => "you asked for another game".into(),
        (Some(_), Some(asked)) => format!("{} wants another game: m plays", name(room, asked)),
        (Some(_), None) => "m plays again  ? keys  q quit".into(),
        (None, _) => keys.into(),
    }
}

fn name(room: &Room<State>, seat: Seat) -> String {
    room.name(seat).map_or_else(|| format!("seat {seat}"), ToString::to_string)
}
