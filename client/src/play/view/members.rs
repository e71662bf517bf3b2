//! Who is in the room.

use super::{Theme, board::badge, text};
use crate::play::{five::Stone, session::Table};
use malpan_client::protocol::Seat;
use ratatui::{
    Frame,
    layout::Rect,
    style::{Modifier, Style},
    text::{Line, Span},
    widgets::{Block, Paragraph},
};

/// From this width on, cells are told too, and words instead of marks.
const WIDE: usize = 20;
/// For a cell such as `63,63`.
const CELL_WIDTH: usize = 6;
/// Whose turn it is: where it is wide, and where it is not.
const TURN: [&str; 2] = [" to move", "<"];
/// For a badge and the space after it.
const BADGE_WIDTH: usize = 4;

/// Draws the members, in a frame where there is room for one.
pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, table: &Table, theme: Theme) {
    if area.width < 8 || area.height == 0 {
        return;
    }
    let members = table.members().count();
    let mut inside = area;
    if usize::from(area.height) >= members + 2 {
        let word = if usize::from(area.width) >= WIDE { " players" } else { "" };
        let block = Block::bordered().title(format!("{word} {members}/{} ", table.seats()));
        inside = block.inner(area);
        frame.render_widget(block, area);
    }
    let columns = usize::from(inside.width);
    let lines: Vec<Line<'_>> = table
        .members()
        .map(|(seat, name)| {
            let own = Some(seat) == table.own_seat();
            let weight = if own { Modifier::BOLD } else { Modifier::empty() };
            let (badge, state) = marks(table, seat, own, columns >= WIDE, theme);
            let state = if table.is_away(seat) { Span::styled(" away", theme.dim()) } else { state };
            let name = if own && columns >= WIDE { format!("{name} (you)") } else { name.to_string() };
            let name = text::fit(&name, columns - BADGE_WIDTH - state.content.len());
            Line::from(vec![badge, Span::raw(" "), Span::styled(name, Style::new().add_modifier(weight)), state])
        })
        .collect();
    frame.render_widget(Paragraph::new(lines), inside);
}

/// A member's badge, and what is told at the end of the line. Both are ASCII.
fn marks(table: &Table, seat: Seat, own: bool, wide: bool, theme: Theme) -> (Span<'static>, Span<'static>) {
    match table {
        Table::Board(_) => {
            let cell = table.cell(seat).filter(|_| wide);
            let cell = cell.map_or_else(String::new, |cell| format!("{:>CELL_WIDTH$}", cell.to_string()));
            (Span::styled(badge(seat, own), theme.piece(seat, own)), Span::styled(cell, theme.dim()))
        }
        Table::Five(room) => {
            let stone = Stone::of(room.view(), seat);
            let letter = stone.map_or('-', Stone::letter);
            let badge = if own { format!("[{letter}]") } else { format!(" {letter} ") };
            let style = stone.map_or(theme.dim(), |stone| theme.stone(stone));
            let turn = if room.view().to_move() == Some(seat) { TURN[usize::from(!wide)] } else { "" };
            (Span::styled(badge, style), Span::styled(turn, theme.good()))
        }
    }
}
