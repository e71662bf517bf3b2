//! The room browser.

use super::{Theme, popup, text};
use crate::play::{
    browser::{RoomList, is_locked},
    model::Model,
    session::Table,
};
use malpan_client::protocol::{Name, RoomEntry, RoomId};
use ratatui::{
    Frame,
    layout::Rect,
    style::Style,
    text::Line,
    widgets::{Paragraph, Wrap},
};

const WIDTH: u16 = 74;
/// From this width of the list on, it tells whose a room is and how many watch.
const WIDE: usize = 60;
/// Columns for an owner's name.
const OWNER: usize = 14;

/// Draws the list in the middle of `area`.
pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, list: &RoomList, model: &Model, theme: Theme) {
    let height = u16::try_from(list.rooms.len()).unwrap_or(u16::MAX).max(1).saturating_add(2);
    let keys = if area.width >= WIDTH {
        " Enter join  w watch  n new  f find  l lobby  r again  Esc back "
    } else {
        " Enter join n new f find ? more "
    };
    let inside = popup::open(frame, area, WIDTH, height, title(list), keys);
    if list.rooms.is_empty() {
        frame.render_widget(Paragraph::new(nothing(list)).wrap(Wrap { trim: true }), inside);
        return;
    }
    let (columns, rows) = (usize::from(inside.width), usize::from(inside.height));
    let here = model.session.table().map(Table::id);
    // The chosen one is in view.
    let first = list.chosen.saturating_sub(rows.saturating_sub(1));
    let lines: Vec<Line<'_>> = list
        .rooms
        .iter()
        .enumerate()
        .skip(first)
        .take(rows)
        .map(|(index, entry)| {
            let is_chosen = index == list.chosen;
            let style = if is_chosen { theme.chosen() } else { Style::new() };
            Line::styled(line(entry, is_chosen, here, model.session.name(), columns), style)
        })
        .collect();
    frame.render_widget(Paragraph::new(lines), inside);
}

fn title(list: &RoomList) -> String {
    match &list.query.title {
        Some(title) => format!(" rooms with \"{title}\" "),
        None => " rooms ".into(),
    }
}

fn nothing(list: &RoomList) -> String {
    match (&list.problem, list.loaded) {
        (Some(problem), _) => format!("{problem} (r asks again)"),
        (None, false) => "Asking for the rooms...".into(),
        (None, true) if list.next.is_some() => "Looking on...".into(),
        (None, true) if list.query.title.is_some() => "There is no such room. f looks for another.".into(),
        (None, true) => "There is no room yet. Press n to open one.".into(),
    }
}

/// One room. What a narrow terminal leaves out is whose it is and who watches.
fn line(entry: &RoomEntry, is_chosen: bool, here: Option<RoomId>, own: &Name, columns: usize) -> String {
    let mark = if is_chosen { '>' } else { ' ' };
    let number = format!("{mark} {:<4} ", entry.room.to_string());
    let mut notes = String::new();
    if here == Some(entry.room) {
        notes.push_str("here ");
    }
    if is_locked(entry) {
        notes.push_str("locked ");
    }
    if columns >= WIDE {
        if entry.watchers > 0 {
            notes.push_str(&format!("{} watching ", entry.watchers));
        }
        match &entry.owner {
            Some(owner) if owner == own => notes.push_str("yours "),
            Some(owner) => notes.push_str(&format!("by {} ", text::clip(owner.as_str(), OWNER))),
            None => {}
        }
    }
    let taken = format!("{}/{}", entry.taken, entry.seats);
    let right = format!(" {notes}{} {taken:>5} ", entry.game);
    let title = text::fit(entry.title.as_str(), columns.saturating_sub(number.len() + text::width(&right)));
    format!("{number}{title}{right}")
}
