//! The board: every cell a rectangle, every piece its seat's number and colour, the own one in brackets, and that of
//! someone away without a colour and in round ones.

use super::{Theme, text, theme::Who};
use malpan_client::{Piece, Room, protocol::Cell, protocol::Seat};
use ratatui::{Frame, buffer::Buffer, layout::Rect, style::Style, widgets::Block};
use std::collections::HashMap;

/// Sizes of a cell in columns and rows, the nicest first. The last must hold `[0]`.
const CELLS: [(u16, u16); 5] = [(10, 4), (8, 3), (6, 2), (5, 1), (3, 1)];
/// For an empty cell. ASCII, because a terminal set to Korean may draw a middle dot two columns wide.
const EMPTY: &str = ".";

/// Draws the board at the top left of `area` and returns the part of it that it takes.
pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, room: &Room, is_online: bool, theme: Theme) -> Rect {
    let view = Viewport::choose(area, room);
    let mut inside = Rect { width: view.columns * view.cell.0, height: view.rows * view.cell.1, ..area };
    let mut taken = inside;
    if inside.width + 2 <= area.width && inside.height + 2 <= area.height {
        taken = Rect { width: inside.width + 2, height: inside.height + 2, ..area };
        frame.render_widget(Block::bordered().title(view.title(room)), taken);
        (inside.x, inside.y) = (inside.x + 1, inside.y + 1);
    }
    draw_cells(frame.buffer_mut(), inside, &view, room, theme);
    if !is_online {
        // What is shown is what was last seen.
        frame.buffer_mut().set_style(inside, theme.dim());
    }
    taken
}

/// Which cells are in view, and how large.
#[derive(Debug, PartialEq, Eq)]
struct Viewport {
    cell: (u16, u16),
    left: u8,
    top: u8,
    columns: u16,
    rows: u16,
}

impl Viewport {
    /// The largest cells with which the whole board fits into `area`; else the smallest, around the own piece.
    fn choose(area: Rect, room: &Room) -> Self {
        let (width, height) = (u16::from(room.board().width()), u16::from(room.board().height()));
        let smallest = CELLS[CELLS.len() - 1];
        let fits = |&(w, h): &(u16, u16)| width * w <= area.width && height * h <= area.height;
        // A frame around it looks better than one size larger without.
        let framed = |&(w, h): &(u16, u16)| width * w + 2 <= area.width && height * h + 2 <= area.height;
        if let Some(cell) = CELLS.into_iter().find(framed).or_else(|| CELLS.into_iter().find(fits)) {
            return Self { cell, left: 0, top: 0, columns: width, rows: height };
        }
        let frame = if area.width > 8 && area.height > 5 { 2 } else { 0 };
        let columns = ((area.width - frame) / smallest.0).min(width);
        let rows = ((area.height - frame) / smallest.1).min(height);
        let own = room.own_seat().and_then(|own| room.piece(own)).map_or(Cell { x: 0, y: 0 }, |piece| piece.cell);
        Self { cell: smallest, left: first(own.x, columns, width), top: first(own.y, rows, height), columns, rows }
    }

    fn title(&self, room: &Room) -> String {
        let board = room.board();
        if self.columns == u16::from(board.width()) && self.rows == u16::from(board.height()) {
            return format!(" {board} ");
        }
        let (right, bottom) = (u16::from(self.left) + self.columns - 1, u16::from(self.top) + self.rows - 1);
        text::clip(
            &format!(" {},{} to {right},{bottom} of {board} ", self.left, self.top),
            usize::from(self.columns * self.cell.0),
        )
    }
}

/// The first of `seen` cells in view out of `all`, so that `own` is in their middle as far as the edges allow.
pub(super) fn first(own: u8, seen: u16, all: u16) -> u8 {
    let first = u16::from(own).saturating_sub(seen / 2).min(all - seen);
    u8::try_from(first).expect("a board has at most 64 cells a side")
}

fn draw_cells(buffer: &mut Buffer, area: Rect, view: &Viewport, room: &Room, theme: Theme) {
    let pieces: HashMap<Cell, (Seat, Piece<'_>)> =
        room.pieces().map(|(seat, piece)| (piece.cell, (seat, piece))).collect();
    let (width, height) = view.cell;
    for row in 0..view.rows {
        for column in 0..view.columns {
            let at = Rect { x: area.x + column * width, y: area.y + row * height, width, height };
            let cell = Cell { x: view.left + as_u8(column), y: view.top + as_u8(row) };
            match pieces.get(&cell) {
                Some((seat, piece)) => {
                    let who = Who::at(*seat, room.own_seat(), room.is_away(*seat));
                    draw_piece(buffer, at, *seat, piece, who, theme);
                }
                None => draw_text(buffer, at, (height - 1) / 2, EMPTY, theme.dim()),
            }
        }
    }
}

fn draw_piece(buffer: &mut Buffer, at: Rect, seat: Seat, piece: &Piece<'_>, who: Who, theme: Theme) {
    buffer.set_style(at, theme.piece(seat, who));
    draw_text(buffer, at, (at.height - 1) / 2, &badge(seat, who), Style::new());
    if at.height > 1 {
        // One column stays free: names in neighbouring cells must not run into each other where there are no colours.
        let at = Rect { width: at.width - 1, ..at };
        draw_text(buffer, at, (at.height - 1) / 2 + 1, piece.name.as_str(), Style::new());
    }
}

/// A seat's number in three columns: the own one in brackets, that of someone away in round ones.
pub(super) fn badge(seat: Seat, who: Who) -> String {
    match who {
        Who::Own => format!("[{seat}]"),
        Who::Away => format!("({seat})"),
        Who::Other => format!(" {seat} "),
    }
}

fn draw_text(buffer: &mut Buffer, at: Rect, row: u16, text: &str, style: Style) {
    buffer.set_string(at.x, at.y + row, text::center(text, at.width.into()), style);
}

fn as_u8(index: u16) -> u8 {
    u8::try_from(index).expect("a board has at most 64 cells a side")
}

#[cfg(test)]
mod tests {
    use super::{Viewport, first};
    use crate::play::testing::room_of;
    use malpan_client::protocol::{BoardSize, Cell};
    use ratatui::layout::Rect;

    #[test]
    fn the_own_piece_is_in_view_wherever_it_stands() {
        for seen in 1..=64 {
            for own in 0..64_u8 {
                let first = first(own, seen, 64);
                assert!(first <= own && u16::from(own) < u16::from(first) + seen, "{own} within {seen} from {first}");
                assert!(u16::from(first) + seen <= 64);
            }
        }
    }

    #[test]
    fn a_small_board_has_the_largest_cells_that_fit() {
        let room = room_of(BoardSize::new(8, 8).unwrap(), &[("Ann", Cell { x: 0, y: 0 })]);
        let cell = |width, height| Viewport::choose(Rect::new(0, 0, width, height), &room).cell;
        assert_eq!(cell(52, 18), (6, 2));
        assert_eq!(cell(88, 33), (8, 3));
        assert_eq!(cell(26, 8), (3, 1));
    }

    #[test]
    fn no_area_is_too_small() {
        let room = room_of(BoardSize::new(64, 64).unwrap(), &[("Ann", Cell { x: 63, y: 63 })]);
        for width in 3..70 {
            for height in 1..30 {
                let view = Viewport::choose(Rect::new(0, 0, width, height), &room);
                assert!(view.columns * view.cell.0 <= width && view.rows * view.cell.1 <= height);
                view.title(&room);
            }
        }
    }
}
