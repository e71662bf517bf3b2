//! The terminal, taken over and given back: at the end, on an error, and on a panic.

use crossterm::{
    cursor::Show,
    event::{DisableBracketedPaste, EnableBracketedPaste},
    execute,
    terminal::{EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode},
};
use ratatui::{Terminal, backend::CrosstermBackend};
use std::{
    env,
    ffi::OsStr,
    io::{self, Stdout, stdout},
    panic,
    sync::atomic::{AtomicBool, Ordering},
};

/// Whether the terminal is taken over. The panic hook and the guard may both give it back; once is enough.
static TAKEN: AtomicBool = AtomicBool::new(false);

/// The terminal while it is ours. Dropping it gives it back.
#[derive(Debug)]
pub(crate) struct Screen {
    terminal: Terminal<CrosstermBackend<Stdout>>,
}

impl Screen {
    /// Takes the terminal over: raw mode, the other screen, and pasted text told apart from keys.
    ///
    /// # Errors
    /// Where the terminal does not allow it; it is as before then.
    pub(crate) fn take() -> io::Result<Self> {
        give_back_on_panic();
        TAKEN.store(true, Ordering::SeqCst);
        let taken = enable_raw_mode().and_then(|()| {
            execute!(stdout(), EnterAlternateScreen)?;
            // An old Windows console cannot tell pasted text apart; it works without.
            let _ = execute!(stdout(), EnableBracketedPaste);
            Terminal::new(CrosstermBackend::new(stdout()))
        });
        match taken {
            Ok(terminal) => Ok(Self { terminal }),
            Err(error) => {
                give_back();
                Err(error)
            }
        }
    }

    /// What is drawn on.
    pub(crate) fn terminal(&mut self) -> &mut Terminal<CrosstermBackend<Stdout>> {
        &mut self.terminal
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        give_back();
    }
}

fn give_back() {
    if !TAKEN.swap(false, Ordering::SeqCst) {
        return;
    }
    // Each is tried even if one fails, and there is nobody to tell: the terminal may be gone.
    let _ = execute!(stdout(), DisableBracketedPaste);
    let _ = execute!(stdout(), LeaveAlternateScreen, Show);
    let _ = disable_raw_mode();
}

/// A panic's message must not be written into the other screen, where it would vanish.
fn give_back_on_panic() {
    let before = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        give_back();
        before(info);
    }));
}

/// Whether the terminal's font has more than the letters and lines that every console of Windows has, such as dots of
/// Braille. Colours are no question: everything here is drawn in the sixteen that each terminal has.
pub(crate) fn has_rich_font() -> bool {
    // Windows Terminal, an editor's terminal, and those that came from Unix say so; the console that Windows had before says
    // nothing.
    !cfg!(windows) || says_what_it_is(|name| env::var_os(name).is_some_and(|value| value != *OsStr::new("")))
}

fn says_what_it_is(is_set: impl Fn(&str) -> bool) -> bool {
    ["WT_SESSION", "TERM_PROGRAM", "TERM"].into_iter().any(is_set)
}

#[cfg(test)]
mod tests {
    use super::says_what_it_is;

    #[test]
    fn a_terminal_that_says_nothing_is_taken_for_an_old_console() {
        assert!(says_what_it_is(|name| name == "WT_SESSION"));
        assert!(says_what_it_is(|name| name == "TERM_PROGRAM"));
        assert!(!says_what_it_is(|_| false));
        assert!(!says_what_it_is(|name| name == "COLORTERM"));
    }
}
