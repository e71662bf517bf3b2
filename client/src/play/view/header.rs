//! The top line: where one is and who, and how the connection is.

use super::{Theme, text};
use crate::play::{model::Model, session::Connection};
use ratatui::{
    Frame,
    layout::Rect,
    style::{Modifier, Style},
    text::{Line, Span},
};

/// Draws the top line.
pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, model: &Model, theme: Theme) {
    let session = &model.session;
    let columns = usize::from(area.width);
    let (state, style) = state(model, theme);
    let mut right = format!("{state} ");
    let place = match session.table() {
        Some(table) if table.is_watched() => {
            format!(" room {} {}  watching  {} ", table.id(), table.title(), session.name())
        }
        Some(table) => format!(" room {} {}  {} ", table.id(), table.title(), session.name()),
        None if *session.connection() == Connection::Nameless => " malpan ".into(),
        None => format!(" malpan  {} ", session.name()),
    };
    let address = format!("{}  ", model.address);
    if text::width(&place) + text::width(&address) + text::width(&right) <= columns {
        right.insert_str(0, &address);
    }
    let right = text::clip(&right, columns);
    let left = text::fit(&place, columns - text::width(&right));
    let line =
        Line::from(vec![Span::styled(left, Style::new().add_modifier(Modifier::BOLD)), Span::styled(right, style)]);
    frame.render_widget(line, area);
}

fn state(model: &Model, theme: Theme) -> (String, Style) {
    match model.session.connection() {
        Connection::Online => match model.session.round_trip() {
            Some(time) => (format!("online {}", milliseconds(time)), theme.good()),
            None => ("online".into(), theme.good()),
        },
        Connection::Connecting { failures } if model.session.was_online() => {
            (format!("reconnecting, attempt {}", failures.max(&1)), theme.waiting())
        }
        Connection::Connecting { failures: 0 } => ("connecting".into(), theme.waiting()),
        Connection::Connecting { failures } => (format!("connecting, attempt {}", failures + 1), theme.waiting()),
        Connection::Nameless => ("not signed in".into(), theme.waiting()),
        Connection::Offline { .. } => ("offline".into(), theme.bad()),
    }
}

/// A round trip: below ten milliseconds with one decimal.
fn milliseconds(time: std::time::Duration) -> String {
    let ms = time.as_secs_f64() * 1000.0;
    if ms < 10.0 { format!("{ms:.1} ms") } else { format!("{ms:.0} ms") }
}
