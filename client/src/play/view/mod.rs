//! The screen: a pure function of the model, the theme and the time.
//!
//! ```text
//! header   room, name                                  connection, round trip
//! board                                 | members
//! log      chat and what happened
//! status   own cell, and a notice, a hint, or the line that is being written
//! ```
//!
//! Invariant: nothing here changes the model, and nothing is drawn outside the area given, whatever its size.

mod board;
mod header;
mod log;
mod members;
mod popup;
mod status;
mod text;
mod theme;

pub(crate) use theme::Theme;

use super::model::{Mode, Model};
use ratatui::{
    Frame,
    layout::{Constraint, Layout, Rect},
    widgets::Paragraph,
};
use std::time::Instant;

/// Less than this shows nothing useful.
const LEAST: (u16, u16) = (20, 5);
/// Below this width the members have no place beside the board.
const SIDEBAR_FROM_WIDTH: u16 = 36;

/// Draws the whole screen.
pub(crate) fn draw(frame: &mut Frame<'_>, model: &Model, theme: Theme, now: Instant) {
    let area = frame.area();
    if area.width < LEAST.0 || area.height < LEAST.1 {
        frame.render_widget(Paragraph::new("too small"), area);
        return;
    }
    let rows = [Constraint::Length(1), Constraint::Min(0), Constraint::Length(1)];
    let [header, body, status] = Layout::vertical(rows).areas(area);
    header::draw(frame, header, model, theme);
    draw_body(frame, body, model, theme);
    match &model.mode {
        Mode::Rooms(list) => popup::rooms(frame, body, list, model, theme),
        Mode::NewRoom(input) => popup::new_room(frame, body, input, theme),
        Mode::AskName { taken, input, problem } => {
            popup::ask_name(frame, body, taken, input, problem.as_deref(), theme);
        }
        Mode::Help => popup::help(frame, body, theme),
        Mode::Board | Mode::Chat(_) => {}
    }
    status::draw(frame, status, model, theme, now);
}

fn draw_body(frame: &mut Frame<'_>, area: Rect, model: &Model, theme: Theme) {
    let least_log = match area.height {
        0..8 => 0,
        8..16 => 2,
        16.. => 4,
    };
    let sidebar = match area.width {
        0..SIDEBAR_FROM_WIDTH => 0,
        width => (width * 7 / 20).min(32),
    };
    let space = Rect { width: area.width - sidebar, height: area.height - least_log, ..area };
    let board = match model.session.room() {
        Some(room) => {
            let board = board::draw(frame, space, room, model.session.is_online(), theme);
            if sidebar > 0 {
                let gap = u16::from(board.width < space.width);
                let taken = board.width + gap;
                let beside = Rect { x: area.x + taken, width: area.width - taken, ..board };
                members::draw(frame, beside, room, theme);
            }
            board
        }
        None => board::draw_none(frame, space, model),
    };
    let below = Rect { y: board.bottom(), height: area.bottom() - board.bottom(), ..area };
    log::draw(frame, below, &model.log, theme);
}

#[cfg(test)]
mod tests;
