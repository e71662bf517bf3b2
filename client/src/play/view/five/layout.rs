//! Where five in a row is drawn: how large its cells are, which of them are in view, and what stands around them.

use crate::play::view::board::first;
use malpan_client::protocol::{Cell, game::five::SIDE};
use ratatui::layout::Rect;

/// Sizes of a cell in columns and rows, the nicest first. In the last, neighbours share the column between them.
const CELLS: [(u16, u16); 3] = [(5, 2), (3, 1), SHARED];
const SHARED: (u16, u16) = (2, 1);
/// For the numbers of the rows, at the left; those of the columns take one row, at the top.
const LABELS: u16 = 2;
const ALL: u16 = SIDE as u16;

/// How the board lies in its area.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Layout {
    /// A cell's columns and rows.
    pub(super) cell: (u16, u16),
    /// The first cell in view.
    pub(super) first: Cell,
    /// Cells in view.
    pub(super) columns: u16,
    /// Cells in view.
    pub(super) rows: u16,
    /// Whether rows and columns have their numbers.
    pub(super) has_labels: bool,
    /// Whether there is a frame around all.
    pub(super) has_frame: bool,
}

impl Layout {
    /// The largest cells with which the whole board fits into `area`; else the smallest, around the cursor.
    pub(super) fn choose(area: Rect, cursor: Cell) -> Self {
        let whole = |cell, (has_labels, has_frame)| Self {
            cell,
            first: Cell { x: 0, y: 0 },
            columns: ALL,
            rows: ALL,
            has_labels,
            has_frame,
        };
        let around = [(true, true), (true, false), (false, true), (false, false)];
        let choices = CELLS.into_iter().flat_map(|cell| around.map(|around| whole(cell, around)));
        choices.into_iter().find(|layout| layout.fits(area)).unwrap_or_else(|| Self::scrolled(area, cursor))
    }

    fn scrolled(area: Rect, cursor: Cell) -> Self {
        let has_labels = area.width > 12 && area.height > 4;
        let (left, top) = if has_labels { (LABELS, 1) } else { (0, 0) };
        // One column more for the mark after the last cell.
        let columns = ((area.width - left).saturating_sub(1) / SHARED.0).min(ALL);
        let rows = ((area.height - top) / SHARED.1).min(ALL);
        let first = Cell { x: first(cursor.x, columns, ALL), y: first(cursor.y, rows, ALL) };
        Self { cell: SHARED, first, columns, rows, has_labels, has_frame: false }
    }

    fn fits(&self, area: Rect) -> bool {
        let (width, height) = self.size();
        width <= area.width && height <= area.height
    }

    /// Columns and rows that all of it takes.
    pub(super) fn size(&self) -> (u16, u16) {
        let (left, top) = self.margin();
        let (right, bottom) = if self.has_frame { (1, 1) } else { (0, 0) };
        let shared = u16::from(self.cell == SHARED);
        (left + self.columns * self.cell.0 + shared + right, top + self.rows * self.cell.1 + bottom)
    }

    /// Columns and rows before the first cell.
    fn margin(&self) -> (u16, u16) {
        let frame = u16::from(self.has_frame);
        if self.has_labels { (frame + LABELS, frame + 1) } else { (frame, frame) }
    }

    /// Where the letter of the cell in this column and row of the view stands. There is a column on either side of it.
    pub(super) fn letter(&self, area: Rect, column: u16, row: u16) -> (u16, u16) {
        let (left, top) = self.margin();
        let within = if self.cell == SHARED { 1 } else { self.cell.0 / 2 };
        (area.x + left + column * self.cell.0 + within, area.y + top + row * self.cell.1)
    }

    /// The cells in view, with their columns and rows in it.
    pub(super) fn cells(self) -> impl Iterator<Item = (Cell, u16, u16)> {
        (0..self.rows).flat_map(move |row| {
            (0..self.columns).map(move |column| (Cell { x: self.x(column), y: self.y(row) }, column, row))
        })
    }

    /// The board's column that this one of the view shows.
    pub(super) fn x(&self, column: u16) -> u8 {
        self.first.x + as_u8(column)
    }

    /// The board's row that this one of the view shows.
    pub(super) fn y(&self, row: u16) -> u8 {
        self.first.y + as_u8(row)
    }
}

fn as_u8(index: u16) -> u8 {
    u8::try_from(index).expect("there are 15 rows and columns")
}

#[cfg(test)]
mod tests {
    use super::Layout;
    use malpan_client::protocol::{Cell, game::five::SIDE};
    use ratatui::layout::Rect;

    #[test]
    fn the_largest_cells_that_fit_are_chosen() {
        let choose = |width, height| {
            let layout = Layout::choose(Rect::new(0, 0, width, height), Cell { x: 7, y: 7 });
            assert_eq!(layout.columns * layout.rows, 225, "all of it");
            (layout.cell, layout.has_labels, layout.has_frame)
        };
        assert_eq!(choose(88, 36), ((5, 2), true, true));
        assert_eq!(choose(52, 18), ((3, 1), true, true));
        assert_eq!(choose(52, 17), ((3, 1), true, false));
        assert_eq!(choose(39, 16), ((2, 1), true, false));
        assert_eq!(choose(31, 15), ((2, 1), false, false));
    }

    #[test]
    fn the_cursor_is_in_view_and_nothing_outside_the_area() {
        for width in 3..90 {
            for height in 1..40 {
                let area = Rect::new(5, 3, width, height);
                for at in 0..SIDE {
                    let cursor = Cell { x: at, y: SIDE - 1 - at };
                    let layout = Layout::choose(area, cursor);
                    let (taken_width, taken_height) = layout.size();
                    assert!(taken_width <= width && taken_height <= height, "{width}x{height}: {layout:?}");
                    let (_, column, row) = layout.cells().find(|(cell, ..)| *cell == cursor).expect("it is in view");
                    let (x, y) = layout.letter(area, column, row);
                    assert!(x > area.x && x + 1 < area.right() && y >= area.y && y < area.bottom(), "{layout:?}");
                }
            }
        }
    }
}
