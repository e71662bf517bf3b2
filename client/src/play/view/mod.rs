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
mod five;
mod form;
mod header;
mod log;
mod members;
mod popup;
mod rooms;
mod status;
mod text;
mod theme;

pub(crate) use theme::Theme;

use super::{
    game::Game,
    model::{Mode, Model},
    session::{Connection, Goal, Table},
};
use malpan_client::protocol::Part;
use ratatui::{
    Frame,
    layout::{Constraint, Layout, Rect},
    widgets::{Paragraph, Wrap},
};
use std::time::Instant;

/// Less than this shows nothing useful.
const LEAST: (u16, u16) = (20, 5);
/// Lines for why there is no board.
const NO_BOARD: u16 = 3;
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
        Mode::SignIn(sign_in) => {
            let title = format!(" play at {} ", model.address);
            let keys = " Enter play  Esc quit  Tab next  Left Right choose ";
            form::draw(frame, body, &title, keys, &sign_in.form, theme);
        }
        Mode::Rooms(list) => rooms::draw(frame, body, list, model, theme),
        Mode::Filter { list, form } => {
            rooms::draw(frame, body, list, model, theme);
            form::draw(frame, body, " rooms with this in their title ", " Enter look  Esc back ", form, theme);
        }
        Mode::NewRoom(new) => {
            let keys = " Enter open  Esc back  Tab next  Left Right choose ";
            form::draw(frame, body, " a new room ", keys, &new.form, theme);
        }
        Mode::Unlock { room, part, form } => {
            let what = if *part == Part::Seat { "" } else { "watch " };
            let title = format!(" {what}room {room} has a password ");
            form::draw(frame, body, &title, " Enter go in  Esc back ", form, theme);
        }
        Mode::AskName { taken, input, problem } => {
            popup::ask_name(frame, body, taken, input, problem.as_deref(), theme);
        }
        Mode::Help => popup::help(frame, body, model.session.game().unwrap_or(Game::Board)),
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
    let board = match model.session.table() {
        Some(table) => {
            let is_online = model.session.is_online();
            let board = match table {
                Table::Board(room) => board::draw(frame, space, room, is_online, theme),
                Table::Five(room) => {
                    // All of its rows are worth two lines of the log.
                    let space = Rect { height: area.height - least_log.min(2), ..space };
                    five::draw(frame, space, room.view(), model.cursor, is_online, theme)
                }
            };
            if sidebar > 0 {
                let gap = u16::from(board.width < space.width);
                let taken = board.width + gap;
                let beside = Rect { x: area.x + taken, width: area.width - taken, ..board };
                members::draw(frame, beside, table, theme);
            }
            board
        }
        // It is asked who shall be connected at all.
        None if *model.session.connection() == Connection::Nameless => return,
        None => draw_none(frame, Rect { width: area.width, ..space }, model),
    };
    let below = Rect { y: board.bottom(), height: area.bottom() - board.bottom(), ..area };
    log::draw(frame, below, &model.log, theme);
}

/// Says why there is no board, and returns the part of `area` that this takes. Most of it is left to what is said.
fn draw_none(frame: &mut Frame<'_>, area: Rect, model: &Model) -> Rect {
    let why = match (model.session.is_online(), model.session.going_to()) {
        (true, None) => "You are in the lobby. Tab lists the rooms; Enter talks to everyone here.".to_owned(),
        (true, Some(Goal::Watch(room))) => format!("Going to watch room {room}..."),
        (true, Some(_)) => "Taking a seat...".to_owned(),
        (false, _) => format!("Connecting to {}...", model.address),
    };
    let area = Rect { height: area.height.min(NO_BOARD), ..area };
    frame.render_widget(Paragraph::new(why).wrap(Wrap { trim: true }), area);
    area
}

#[cfg(test)]
mod tests;
