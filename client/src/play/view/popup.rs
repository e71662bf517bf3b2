//! What stands before the board for a while: a frame for it, the question for another name, the keys.

use super::{Theme, status::draw_input, text};
use crate::play::game::Game;
use malpan_client::protocol::Name;
use ratatui::{
    Frame,
    buffer::Buffer,
    layout::Rect,
    style::Style,
    text::Line,
    widgets::{Block, Clear, Paragraph},
};
use tui_input::Input;

const BOARD_KEYS: [(&str, &str); 12] = [
    ("arrows WASD hjkl", "move your piece"),
    ("Enter or t", "write a line of chat"),
    ("/", "/me /w /who /mute; /help tells all"),
    ("Tab or r", "rooms: join another"),
    ("n in the list", "open a new room of any game"),
    ("w, l in the list", "watch a room, go to the lobby"),
    ("f in the list", "only titles with this in them"),
    ("PageUp PageDown", "read older chat"),
    ("Esc", "back to the board"),
    ("?", "these keys"),
    ("q or Ctrl-C", "quit"),
    ("[0] (1)", "your piece, one who is away"),
];

const FIVE_KEYS: [(&str, &str); 14] = [
    ("arrows WASD hjkl", "move the cursor [ ]"),
    ("Enter or Space", "put a stone there"),
    ("x", "give up, after a question"),
    ("m", "play again"),
    ("t", "write a line of chat"),
    ("/", "/me /w /who /mute; /help tells all"),
    ("Tab or r", "rooms: join another"),
    ("n in the list", "open a new room of any game"),
    ("w, l in the list", "watch a room, go to the lobby"),
    ("f in the list", "only titles with this in them"),
    ("PageUp PageDown", "read older chat"),
    ("Esc", "back to the board"),
    ("q or Ctrl-C", "quit"),
    ("(X) *X*", "the last stone, the five that won"),
];

/// The question for another name.
pub(super) fn ask_name(
    frame: &mut Frame<'_>,
    area: Rect,
    taken: &Name,
    input: &Input,
    problem: Option<&str>,
    theme: Theme,
) {
    let inside = open(frame, area, 50, 4, " another name ", " Enter sign in  Esc quit ");
    let (text, style) = match problem {
        Some(problem) => (problem.to_owned(), theme.bad()),
        None => (format!("The name {taken} is taken."), Style::new()),
    };
    let [first, second] = [0, 1].map(|row| Rect { y: inside.y + row, height: 1, ..inside });
    frame.render_widget(Line::styled(text::clip(&text, usize::from(inside.width)), style), first.intersection(inside));
    if inside.height > 1 {
        draw_input(frame, second, "name> ", input);
    }
}

/// The keys.
pub(super) fn help(frame: &mut Frame<'_>, area: Rect, game: Game) {
    let keys = match game {
        Game::Board => &BOARD_KEYS[..],
        Game::Five => &FIVE_KEYS[..],
    };
    let height = u16::try_from(keys.len() + 2).expect("few keys");
    let inside = open(frame, area, 54, height, " keys ", " any key closes ");
    let lines: Vec<Line<'_>> = keys
        .iter()
        .map(|(key, meaning)| {
            let columns = usize::from(inside.width);
            Line::from(text::clip(&format!("{key:<17}{meaning}"), columns))
        })
        .collect();
    frame.render_widget(Paragraph::new(lines), inside);
}

/// Clears a frame of at most the given size in the middle of `area`, and returns its inside.
pub(super) fn open<'a>(
    frame: &mut Frame<'_>,
    area: Rect,
    width: u16,
    height: u16,
    title: impl Into<Line<'a>>,
    keys: &'static str,
) -> Rect {
    let (width, height) = (width.min(area.width), height.min(area.height));
    let outside = Rect { x: area.x + (area.width - width) / 2, y: area.y + (area.height - height) / 2, width, height };
    let block = Block::bordered().title(title).title_bottom(keys);
    let inside = block.inner(outside);
    cut_wide_letters(frame.buffer_mut(), outside);
    frame.render_widget(Clear, outside);
    frame.render_widget(block, outside);
    inside
}

/// A wide letter that begins one column before `area` would hide its frame.
fn cut_wide_letters(buffer: &mut Buffer, area: Rect) {
    let Some(before) = area.x.checked_sub(1) else { return };
    for y in area.top()..area.bottom() {
        let cell = &mut buffer[(before, y)];
        if text::width(cell.symbol()) > 1 {
            cell.set_symbol(" ");
        }
    }
}
