//! What stands before the board for a while: the room list, questions, the keys.

use super::{Theme, status::draw_input, text};
use crate::play::{
    game::Game,
    model::{Model, RoomList},
    session::Table,
};
use malpan_client::protocol::Name;
use ratatui::{
    Frame,
    buffer::Buffer,
    layout::Rect,
    style::Style,
    text::Line,
    widgets::{Block, Clear, Paragraph, Wrap},
};
use tui_input::Input;

/// From this width of the room list on, it tells how many watch.
const WATCHERS_FROM_WIDTH: usize = 50;

const BOARD_KEYS: [(&str, &str); 10] = [
    ("arrows WASD hjkl", "move your piece"),
    ("Enter or t", "write a line of chat"),
    ("Tab or r", "rooms: join another"),
    ("n in the list", "open a new room of any game"),
    ("w in the list", "watch a room"),
    ("PageUp PageDown", "read older chat"),
    ("Esc", "back to the board"),
    ("?", "these keys"),
    ("q or Ctrl-C", "quit"),
    ("[0]", "your piece, in brackets"),
];

const FIVE_KEYS: [(&str, &str); 12] = [
    ("arrows WASD hjkl", "move the cursor [ ]"),
    ("Enter or Space", "put a stone there"),
    ("x", "give up, after a question"),
    ("m", "play again"),
    ("t", "write a line of chat"),
    ("Tab or r", "rooms: join another"),
    ("n in the list", "open a new room of any game"),
    ("w in the list", "watch a room"),
    ("PageUp PageDown", "read older chat"),
    ("Esc", "back to the board"),
    ("q or Ctrl-C", "quit"),
    ("(X) *X*", "the last stone, the five that won"),
];

/// The room list.
pub(super) fn rooms(frame: &mut Frame<'_>, area: Rect, list: &RoomList, model: &Model, theme: Theme) {
    let height = u16::try_from(list.rooms.len()).unwrap_or(u16::MAX).max(1).saturating_add(2);
    let inside = open(frame, area, 60, height, " rooms ", " Enter join  w watch  n new  Esc back  r again ");
    if list.rooms.is_empty() {
        let text = if list.loaded { "There is no room yet. Press n to open one." } else { "Asking for the rooms..." };
        frame.render_widget(Paragraph::new(text).wrap(Wrap { trim: true }), inside);
        return;
    }
    let own = model.session.table().map(Table::id);
    let rows = usize::from(inside.height).max(1);
    let columns = usize::from(inside.width);
    // The chosen room stays in view, in the middle where possible.
    let first = list.chosen.saturating_sub(rows / 2).min(list.rooms.len().saturating_sub(rows));
    let lines: Vec<Line<'_>> = list
        .rooms
        .iter()
        .enumerate()
        .skip(first)
        .take(rows)
        .map(|(index, info)| {
            let mark = if index == list.chosen { '>' } else { ' ' };
            let here = if own == Some(info.room) { "here " } else { "" };
            let watchers = match info.watchers {
                count @ 1.. if columns >= WATCHERS_FROM_WIDTH => format!("{count} watching "),
                _ => String::new(),
            };
            let taken = format!("{}/{}", info.taken, info.seats);
            let seats = format!(" {here}{watchers}{} {taken:>5} ", info.game);
            let number = format!("{mark} {:<4} ", info.room.to_string());
            let title = text::fit(info.title.as_str(), columns.saturating_sub(number.len() + seats.len()));
            let style = if index == list.chosen { theme.chosen() } else { Style::new() };
            Line::styled(format!("{number}{title}{seats}"), style)
        })
        .collect();
    frame.render_widget(Paragraph::new(lines), inside);
}

/// The question for a new room's title.
pub(super) fn new_room(frame: &mut Frame<'_>, area: Rect, game: Game, input: &Input) {
    let title = format!(" a new room: {} ", game.title());
    let inside = open(frame, area, 50, 3, title, " Enter open  Tab other game  Esc back ");
    draw_input(frame, inside, "title> ", input);
}

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
fn open<'a>(
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
