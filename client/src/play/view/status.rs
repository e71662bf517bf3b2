//! The bottom line: what is being written, what is wrong, or what can be done.

use super::{Theme, five, text};
use crate::play::{
    model::{Mode, Model},
    session::{Connection, Goal, Table},
};
use ratatui::{
    Frame,
    layout::{Position, Rect},
    style::Style,
    text::{Line, Span},
};
use std::time::Instant;
use tui_input::Input;

/// Draws the bottom line.
pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, model: &Model, theme: Theme, now: Instant) {
    if let Mode::Chat(input) = &model.mode {
        // A notice tells why a line was not sent, and gives way when the next key is pressed or it has stood a while.
        let prompt = match model.notice(now) {
            Some(notice) => format!("({}) say> ", notice.text),
            None => "say> ".into(),
        };
        return draw_input(frame, area, &prompt, input);
    }
    let left = place(model);
    let (message, style) = message(model, theme, now);
    let message = text::fit(&message, usize::from(area.width).saturating_sub(text::width(&left)));
    frame.render_widget(Line::from(vec![Span::raw(left), Span::styled(message, style)]), area);
}

/// Where one stands.
fn place(model: &Model) -> String {
    let Some(table) = model.session.table() else { return " ".into() };
    match (table, table.own_seat().and_then(|own| table.cell(own))) {
        (Table::Five(room), _) => five::place(room, model.cursor),
        (Table::Board(_), Some(cell)) => format!(" you {cell}  "),
        (Table::Board(_), None) => " ".into(),
    }
}

fn message(model: &Model, theme: Theme, now: Instant) -> (String, Style) {
    if let Connection::Offline { why, retry_at } = model.session.connection() {
        let seconds = retry_at.saturating_duration_since(now).as_secs_f64().ceil();
        return (format!("connection lost ({why}); reconnecting in {seconds:.0} s..."), theme.bad());
    }
    if let Connection::Connecting { .. } = model.session.connection()
        && model.session.was_online()
    {
        return ("reconnecting...".into(), theme.waiting());
    }
    if let Some(notice) = model.notice(now) {
        return (notice.text.clone(), if notice.is_good { theme.good() } else { theme.bad() });
    }
    if *model.session.connection() == Connection::Nameless {
        return (String::new(), Style::new());
    }
    match model.session.going_to() {
        Some(Goal::Watch(room)) => return (format!("going to watch room {room}..."), theme.waiting()),
        Some(_) => return ("taking a seat...".into(), theme.waiting()),
        None => {}
    }
    if let Some(stops_at) = model.session.stops_at() {
        let seconds = stops_at.saturating_duration_since(now).as_secs_f64().ceil();
        return (format!("the server stops within {seconds:.0} s"), theme.waiting());
    }
    match (model.session.table(), model.session.commands_pending()) {
        (Some(Table::Five(room)), 0) => five::hint(room, theme),
        (Some(Table::Five(_)), _) => ("your move is on its way".into(), theme.waiting()),
        (Some(table), 0) if table.is_watched() => ("? keys  Tab rooms  q quit".into(), theme.dim()),
        (_, 0) => ("? keys  Enter chat  Tab rooms  q quit".into(), theme.dim()),
        (_, 1) => ("a step is on its way".into(), theme.waiting()),
        (_, steps) => (format!("{steps} steps are on their way"), theme.waiting()),
    }
}

/// Draws a line that is being written, scrolled so that its cursor is in view.
pub(super) fn draw_input(frame: &mut Frame<'_>, area: Rect, prompt: &str, input: &Input) {
    let prompt = text::clip(prompt, usize::from(area.width / 2));
    let columns = usize::from(area.width) - text::width(&prompt);
    let scroll = input.visual_scroll(columns.saturating_sub(1));
    let shown = skip_columns(input.value(), scroll);
    let cursor = input.visual_cursor().saturating_sub(scroll) + text::width(&prompt);
    frame.render_widget(Line::from(vec![Span::raw(prompt), Span::raw(shown)]), area);
    let x = area.x + u16::try_from(cursor).unwrap_or(u16::MAX).min(area.width.saturating_sub(1));
    frame.set_cursor_position(Position { x, y: area.y });
}

/// `text` without its first `columns`; a wide letter that is cut in half is left out whole.
fn skip_columns(text: &str, columns: usize) -> String {
    let start = text.char_indices().find(|(at, _)| text::width(&text[..*at]) >= columns);
    start.map_or(String::new(), |(at, _)| text[at..].to_owned())
}
