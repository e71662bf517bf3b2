//! A run in the terminal while it goes on.
//!
//! ```text
//! view.rs   what is drawn, from the samples and the status; knows no terminal
//! ```

mod view;

use super::screen::Status;
use crate::terminal;
use crossterm::event::{Event, EventStream, KeyCode, KeyEventKind, KeyModifiers};
use futures::{FutureExt, StreamExt};
use std::{
    io::{IsTerminal, stdin, stdout},
    time::{Duration, Instant},
};

/// How often it is drawn.
const DRAW_EVERY: Duration = Duration::from_millis(200);

/// The dashboard; the terminal is its own until it is dropped.
pub(super) struct Dashboard {
    screen: terminal::Screen,
    keys: EventStream,
    glyphs: view::Glyphs,
    title: String,
    /// Lines that stay.
    said: Vec<String>,
    drawn: Option<Instant>,
}

impl std::fmt::Debug for Dashboard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Dashboard").field("title", &self.title).finish_non_exhaustive()
    }
}

impl Dashboard {
    /// Takes the terminal over; `None` where there is none, or it does not allow it.
    pub(super) fn start(title: String) -> Option<Self> {
        if !stdout().is_terminal() || !stdin().is_terminal() {
            return None;
        }
        let screen = terminal::Screen::take().ok()?;
        let glyphs = if terminal::has_rich_font() { view::Glyphs::Rich } else { view::Glyphs::Plain };
        Some(Self { screen, keys: EventStream::new(), glyphs, title, said: Vec::new(), drawn: None })
    }

    /// Whether it is time to draw.
    pub(super) fn is_due(&self) -> bool {
        self.drawn.is_none_or(|drawn| drawn.elapsed() >= DRAW_EVERY)
    }

    /// Draws.
    pub(super) fn show(&mut self, status: &Status<'_>) {
        self.drawn = Some(Instant::now());
        let (title, said, glyphs) = (&self.title, &self.said, self.glyphs);
        // A terminal that is gone is no reason to end a run; its report is what counts.
        let _ = self.screen.terminal().draw(|frame| view::draw(frame, title, said, status, glyphs));
    }

    /// Shows a line that stays.
    pub(super) fn say(&mut self, line: String) {
        self.said.push(line);
    }

    /// Whether somebody pressed `q` or Ctrl-C meanwhile.
    pub(super) fn was_told_to_end(&mut self) -> bool {
        let mut told = false;
        while let Some(Some(Ok(event))) = self.keys.next().now_or_never() {
            told |= tells_to_end(&event);
        }
        told
    }
}

/// Whether somebody pressed `q` or Ctrl-C. Windows tells releases too: of a key that was pressed before the run, they are none.
fn tells_to_end(event: &Event) -> bool {
    let Event::Key(key) = event else { return false };
    let ctrl_c = key.code == KeyCode::Char('c') && key.modifiers.contains(KeyModifiers::CONTROL);
    key.kind == KeyEventKind::Press && (ctrl_c || key.code == KeyCode::Char('q'))
}

#[cfg(test)]
mod tests {
    use super::tells_to_end;
    use crossterm::event::{Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

    #[test]
    fn q_and_ctrl_c_end_it_when_they_are_pressed_and_not_when_they_are_let_go() {
        let told = |letter, modifiers, kind| {
            tells_to_end(&Event::Key(KeyEvent::new_with_kind(KeyCode::Char(letter), modifiers, kind)))
        };
        let (none, control) = (KeyModifiers::NONE, KeyModifiers::CONTROL);
        for (letter, modifiers) in [('q', none), ('c', control)] {
            assert!(told(letter, modifiers, KeyEventKind::Press));
            assert!(!told(letter, modifiers, KeyEventKind::Release));
        }
        assert!(!told('c', none, KeyEventKind::Press));
        assert!(!tells_to_end(&Event::Resize(80, 24)));
    }
}
