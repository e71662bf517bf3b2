//! Who is in the room.

use super::{Theme, board::badge, text, theme::Who};
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
/// After the name of whose room it is.
const OWNER: &str = " *";
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
            let who = Who::at(seat, table.own_seat(), table.is_away(seat));
            let (badge, state) = marks(table, seat, who, columns >= WIDE, theme);
            let state = if who == Who::Away { Span::styled(" away", theme.dim()) } else { state };
            let style = match who {
                Who::Own => Style::new().add_modifier(Modifier::BOLD),
                Who::Away => theme.dim(),
                Who::Other => Style::new(),
            };
            let owner = if Some(seat) == table.owner() { OWNER } else { "" };
            let name = if who == Who::Own && columns >= WIDE { format!("{name} (you)") } else { name.to_string() };
            let columns = columns - BADGE_WIDTH - state.content.len();
            let name = if columns > 2 * OWNER.len() {
                text::fit(&format!("{}{owner}", text::clip(&name, columns - owner.len())), columns)
            } else {
                text::fit(&name, columns)
            };
            Line::from(vec![badge, Span::raw(" "), Span::styled(name, style), state])
        })
        .collect();
    frame.render_widget(Paragraph::new(lines), inside);
}

/// A member's badge, and what is told at the end of the line. Both are ASCII.
fn marks(table: &Table, seat: Seat, who: Who, wide: bool, theme: Theme) -> (Span<'static>, Span<'static>) {
    match table {
        Table::Board(_) => {
            let cell = table.cell(seat).filter(|_| wide);
            let cell = cell.map_or_else(String::new, |cell| format!("{:>CELL_WIDTH$}", cell.to_string()));
            (Span::styled(badge(seat, who), theme.piece(seat, who)), Span::styled(cell, theme.dim()))
        }
        Table::Five(room) => {
            let stone = Stone::of(room.view(), seat);
            let letter = stone.map_or('-', Stone::letter);
            let badge = match who {
                Who::Own => format!("[{letter}]"),
                Who::Away | Who::Other => format!(" {letter} "),
            };
            let style = stone.map_or(theme.dim(), |stone| theme.stone(stone));
            let turn = if room.view().to_move() == Some(seat) { TURN[usize::from(!wide)] } else { "" };
            (Span::styled(badge, style), Span::styled(turn, theme.good()))
        }
    }
}
