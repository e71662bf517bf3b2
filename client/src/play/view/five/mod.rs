//! The board of five in a row: X and O, which everyone can tell apart without colours; the last stone in `( )`, the
//! stones that won in `* *`, the cursor in `[ ]`.

mod layout;
mod status;

pub(super) use status::{hint, place};

use super::Theme;
use crate::play::five::{Stone, stones, winning_stones};
use layout::Layout;
use malpan_client::protocol::{Cell, game::five::State};
use ratatui::{
    Frame,
    buffer::Buffer,
    layout::Rect,
    style::{Modifier, Style},
    widgets::Block,
};
use std::collections::HashMap;

const EMPTY: char = '.';

/// Draws the board at the top left of `area` and returns the part of it that it takes.
pub(super) fn draw(
    frame: &mut Frame<'_>,
    area: Rect,
    state: &State,
    cursor: Cell,
    is_online: bool,
    theme: Theme,
) -> Rect {
    let layout = Layout::choose(area, cursor);
    let (width, height) = layout.size();
    let taken = Rect { width, height, ..area };
    if layout.has_frame {
        frame.render_widget(Block::bordered().title(" five in a row "), taken);
    }
    let buffer = frame.buffer_mut();
    if layout.has_labels {
        draw_labels(buffer, taken, &layout, theme);
    }
    draw_stones(buffer, taken, &layout, state, theme);
    draw_marks(buffer, taken, &layout, state, cursor, theme);
    if !is_online {
        // What is shown is what was last seen.
        buffer.set_style(taken, theme.dim());
    }
    taken
}

fn draw_labels(buffer: &mut Buffer, area: Rect, layout: &Layout, theme: Theme) {
    for column in 0..layout.columns {
        let (x, y) = layout.letter(area, column, 0);
        let number = layout.x(column);
        // Where two digits would touch the next number, the second one is enough.
        let label = if layout.cell.0 < 3 { format!("{}", number % 10) } else { number.to_string() };
        buffer.set_string(x - u16::from(label.len() > 1), y - 1, label, theme.dim());
    }
    for row in 0..layout.rows {
        let (x, y) = layout.letter(area, 0, row);
        let left = x - layout.cell.0 / 2 - 2;
        buffer.set_string(left, y, format!("{:>2}", layout.y(row)), theme.dim());
    }
}

fn draw_stones(buffer: &mut Buffer, area: Rect, layout: &Layout, state: &State, theme: Theme) {
    let stones: HashMap<Cell, Stone> = stones(state).collect();
    for (cell, column, row) in layout.cells() {
        let (x, y) = layout.letter(area, column, row);
        let (letter, style) =
            stones.get(&cell).map_or((EMPTY, theme.dim()), |stone| (stone.letter(), theme.stone(*stone)));
        if letter != EMPTY && layout.cell.0 > 2 {
            buffer.set_style(Rect { x: x - 1, y, width: 3, height: 1 }, style);
        }
        buffer.set_string(x, y, letter.to_string(), style);
    }
}

/// The marks lie beside the letters. Where two meet, the later one counts.
fn draw_marks(buffer: &mut Buffer, area: Rect, layout: &Layout, state: &State, cursor: Cell, theme: Theme) {
    let mut mark = |marked: Cell, [before, after]: [&str; 2], style: Style| {
        let Some((_, column, row)) = layout.cells().find(|(cell, ..)| *cell == marked) else { return };
        let (x, y) = layout.letter(area, column, row);
        buffer.set_style(Rect { x, y, width: 1, height: 1 }, style);
        buffer.set_string(x - 1, y, before, style);
        buffer.set_string(x + 1, y, after, style);
    };
    if let Some(last) = state.stones.last() {
        mark(*last, ["(", ")"], Style::new().add_modifier(Modifier::BOLD));
    }
    for won in winning_stones(state) {
        mark(won, ["*", "*"], theme.won());
    }
    mark(cursor, ["[", "]"], Style::new().add_modifier(Modifier::BOLD));
}
