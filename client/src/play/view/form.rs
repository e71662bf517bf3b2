//! A form: a field a line, and what is wrong.

use super::{Theme, popup, status::draw_input, text};
use crate::play::form::{Field, Form, Value};
use ratatui::{
    Frame,
    layout::{Position, Rect},
    style::{Modifier, Style},
    text::{Line, Span},
};

const WIDTH: u16 = 56;
/// For the longest label and the space after it.
const LABEL: u16 = 10;
/// For a letter that is not shown.
const HIDDEN: &str = "*";

/// Draws the form in the middle of `area`.
pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, title: &str, keys: &'static str, form: &Form, theme: Theme) {
    let columns = usize::from(WIDTH.min(area.width)).saturating_sub(2);
    let (said, style) = match (&form.problem, form.waits) {
        (Some(problem), _) => (text::wrap(problem, columns), theme.bad()),
        (None, true) => (vec!["One moment...".into()], theme.waiting()),
        (None, false) => (vec![String::new()], Style::new()),
    };
    let fields = u16::try_from(form.shown().count()).expect("few fields");
    let lines = u16::try_from(said.len()).unwrap_or(u16::MAX);
    let height = fields.saturating_add(lines).saturating_add(2);
    let inside = popup::open(frame, area, WIDTH, height, text::clip(title, columns), keys);
    for ((field, is_written), row) in form.shown().zip(rows(inside)) {
        draw_field(frame, row, field, is_written, theme);
    }
    for (line, row) in said.into_iter().zip(rows(inside).skip(fields.into())) {
        frame.render_widget(Line::styled(line, style), row);
    }
}

/// The lines of `area`, each as an area of its own.
fn rows(area: Rect) -> impl Iterator<Item = Rect> {
    (area.top()..area.bottom()).map(move |y| Rect { y, height: 1, ..area })
}

fn draw_field(frame: &mut Frame<'_>, row: Rect, field: &Field, is_written: bool, theme: Theme) {
    let label_width = LABEL.min(row.width / 2);
    let weight = if is_written { Modifier::BOLD } else { Modifier::empty() };
    let label = text::fit(field.label, label_width.into());
    frame.render_widget(Line::styled(label, Style::new().add_modifier(weight)), row);
    let place = Rect { x: row.x + label_width, width: row.width - label_width, ..row };
    let columns = usize::from(place.width);
    let is_empty = match &field.value {
        Value::Text(input) => input.value().is_empty(),
        Value::Hidden(hidden) => hidden.len() == 0,
        Value::Choice { .. } => false,
    };
    if is_empty {
        let hint = if field.hint.is_empty() { String::new() } else { format!("({})", field.hint) };
        frame.render_widget(Line::styled(text::clip(&hint, columns), theme.dim()), place);
        if is_written {
            frame.set_cursor_position(Position { x: place.x, y: place.y });
        }
        return;
    }
    match &field.value {
        Value::Text(input) if is_written => draw_input(frame, place, "", input),
        Value::Text(input) => frame.render_widget(Line::raw(text::clip(input.value(), columns)), place),
        Value::Hidden(hidden) => draw_hidden(frame, place, hidden.len(), is_written),
        Value::Choice { of, chosen } => frame.render_widget(choice(of, *chosen, is_written, theme), place),
    }
}

/// A mark for each letter; where there are too many, the last ones.
fn draw_hidden(frame: &mut Frame<'_>, place: Rect, letters: usize, is_written: bool) {
    let shown = letters.min(usize::from(place.width).saturating_sub(1));
    frame.render_widget(Line::raw(HIDDEN.repeat(shown)), place);
    if is_written {
        let x = place.x + u16::try_from(shown).unwrap_or(0);
        frame.set_cursor_position(Position { x: x.min(place.right().saturating_sub(1)), y: place.y });
    }
}

/// All that can be chosen; brackets mark what is, where there are no colours too.
fn choice(of: &[&str], chosen: usize, is_written: bool, theme: Theme) -> Line<'static> {
    let spans = of.iter().enumerate().map(|(at, word)| {
        let (word, style) = match (at == chosen, is_written) {
            (true, true) => (format!("[{word}]"), theme.chosen()),
            (true, false) => (format!("[{word}]"), Style::new()),
            (false, _) => (format!(" {word} "), theme.dim()),
        };
        Span::styled(word, style)
    });
    spans.collect()
}
