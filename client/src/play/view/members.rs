//! Who is in the room.

use super::{Theme, board::badge, text};
use malpan_client::Room;
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
/// For a badge and the space after it.
const BADGE_WIDTH: usize = 4;

/// Draws the members, in a frame where there is room for one.
pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, room: &Room, theme: Theme) {
    if area.width < 8 || area.height == 0 {
        return;
    }
    let members = room.members().count();
    let mut inside = area;
    if usize::from(area.height) >= members + 2 {
        let word = if usize::from(area.width) >= WIDE { " players" } else { "" };
        let block = Block::bordered().title(format!("{word} {members}/{} ", room.seats()));
        inside = block.inner(area);
        frame.render_widget(block, area);
    }
    let columns = usize::from(inside.width);
    let lines: Vec<Line<'_>> = room
        .members()
        .map(|(seat, piece)| {
            let own = seat == room.own_seat();
            let weight = if own { Modifier::BOLD } else { Modifier::empty() };
            let cell = if columns >= WIDE { format!("{:>CELL_WIDTH$}", piece.cell.to_string()) } else { String::new() };
            let name = if own && columns >= WIDE { format!("{} (you)", piece.name) } else { piece.name.to_string() };
            let name = text::fit(&name, columns - BADGE_WIDTH - cell.len());
            Line::from(vec![
                Span::styled(badge(seat, own), theme.piece(seat, own)),
                Span::raw(" "),
                Span::styled(name, Style::new().add_modifier(weight)),
                Span::styled(cell, theme.dim()),
            ])
        })
        .collect();
    frame.render_widget(Paragraph::new(lines), inside);
}
