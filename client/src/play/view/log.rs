//! Chat and what happened, the newest at the bottom.

use super::{Theme, text, theme::Who};
use crate::play::log::{Log, LogLine};
use ratatui::{
    Frame,
    layout::Rect,
    style::{Modifier, Style},
    text::{Line, Span},
    widgets::{Block, Borders, Paragraph},
};

/// From this height on, a rule with a title divides the log from the board.
const TITLE_FROM_HEIGHT: u16 = 4;

/// Draws the log.
pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, log: &Log, theme: Theme) {
    let mut inside = area;
    if area.height >= TITLE_FROM_HEIGHT {
        let title = if log.is_scrolled() { " chat (scrolled back; PageDown) " } else { " chat " };
        let block = Block::new().borders(Borders::TOP).title(title);
        inside = block.inner(area);
        frame.render_widget(block, area);
    }
    let rows = usize::from(inside.height);
    // From the newest up, until the area is full.
    let mut lines: Vec<Line<'_>> = vec![];
    for entry in log.newest_first() {
        if lines.len() >= rows {
            break;
        }
        lines.extend(entry_lines(entry, usize::from(inside.width), theme).into_iter().rev());
    }
    lines.truncate(rows);
    lines.reverse();
    frame.render_widget(Paragraph::new(lines), inside);
}

fn entry_lines<'a>(entry: &LogLine, columns: usize, theme: Theme) -> Vec<Line<'a>> {
    match entry {
        LogLine::Event(text) => styled(&format!("* {text}"), columns, theme.dim()),
        LogLine::Past(text) => styled(&format!(" {text}"), columns, theme.dim()),
        LogLine::Emote(text) | LogLine::Lobby(text) => styled(&format!(" {text}"), columns, Style::new()),
        LogLine::Whisper(text) => styled(&format!(" {text}"), columns, theme.whisper()),
        LogLine::Chat { seat, name, text } => {
            let badge = seat.map_or_else(String::new, |seat| format!(" {seat} "));
            let name = format!(" {name}: ");
            let wrapped = text::wrap(&format!("{badge}{name}{text}"), columns);
            let mut lines: Vec<Line<'_>> = wrapped.into_iter().map(Line::from).collect();
            // The speaker is marked where the first line holds all of the mark.
            if let Some(rest) = lines[0].to_string().strip_prefix(&format!("{badge}{name}")) {
                let bold = Style::new().add_modifier(Modifier::BOLD);
                lines[0] = Line::from(vec![
                    Span::styled(badge, seat.map_or(Style::new(), |seat| theme.piece(seat, Who::Other))),
                    Span::styled(name, bold),
                    Span::raw(rest.to_owned()),
                ]);
            }
            lines
        }
    }
}

fn styled<'a>(text: &str, columns: usize, style: Style) -> Vec<Line<'a>> {
    text::wrap(text, columns).into_iter().map(|line| Line::styled(line, style)).collect()
}
