//! A password, asked for at the terminal before the screen is taken.

use super::hidden::Hidden;
use anyhow::{Context, bail};
use crossterm::{
    event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers},
    terminal::{disable_raw_mode, enable_raw_mode},
};
use std::io::{Write, stderr};

/// Asks on stderr: stdout is plain mode's. The terminal shows nothing from before the question stands there, so that no key
/// of whoever is quick is seen.
pub(super) fn ask(question: &str) -> anyhow::Result<Hidden> {
    let mut hidden = Hidden::default();
    let unseen = Unseen::begin().context("cannot ask for the password")?;
    write!(stderr(), "{question}").and_then(|()| stderr().flush()).context("cannot ask for the password")?;
    let given = loop {
        let event = event::read().context("cannot read the password")?;
        if let Some(given) = key(&mut hidden, &event) {
            break given;
        }
    };
    drop(unseen);
    eprintln!();
    if !given {
        bail!("no password was given");
    }
    Ok(hidden)
}

/// While it lives, the terminal does not show what is typed.
struct Unseen;

impl Unseen {
    fn begin() -> std::io::Result<Self> {
        enable_raw_mode()?;
        Ok(Self)
    }
}

impl Drop for Unseen {
    fn drop(&mut self) {
        // There is nobody to tell: the terminal may be gone.
        let _ = disable_raw_mode();
    }
}

/// Takes in a key. At the end returns whether the password is given.
fn key(hidden: &mut Hidden, event: &Event) -> Option<bool> {
    let &Event::Key(KeyEvent { code, modifiers, kind, .. }) = event else { return None };
    if kind == KeyEventKind::Release {
        return None;
    }
    let with_control = modifiers.contains(KeyModifiers::CONTROL);
    match code {
        KeyCode::Enter => return Some(true),
        // What ends a pasted line.
        KeyCode::Char('j' | 'm') if with_control => return Some(true),
        KeyCode::Char('c' | 'd') if with_control => return Some(false),
        KeyCode::Char('u') if with_control => hidden.clear(),
        KeyCode::Backspace => hidden.pop(),
        KeyCode::Char(letter) if !with_control => hidden.push(letter),
        _ => {}
    }
    None
}

#[cfg(test)]
mod tests {
    use super::{Event, Hidden, KeyCode, KeyEvent, KeyEventKind, KeyModifiers, key};

    #[test]
    fn a_key_that_is_let_go_writes_and_ends_nothing() {
        let mut hidden = Hidden::default();
        for code in [KeyCode::Char('x'), KeyCode::Enter] {
            let release = KeyEvent::new_with_kind(code, KeyModifiers::NONE, KeyEventKind::Release);
            assert_eq!(key(&mut hidden, &Event::Key(release)), None);
        }
        assert_eq!(hidden.expose(), "");
    }

    #[test]
    fn keys_write_mend_and_end_a_password() {
        let mut hidden = Hidden::default();
        let mut press = |code, modifiers| {
            (key(&mut hidden, &Event::Key(KeyEvent::new(code, modifiers))), hidden.expose().to_owned())
        };
        let (plain, control) = (KeyModifiers::NONE, KeyModifiers::CONTROL);
        for (code, modifiers, end, text) in [
            (KeyCode::Char('비'), plain, None, "비"),
            (KeyCode::Char('B'), KeyModifiers::SHIFT, None, "비B"),
            (KeyCode::Char('u'), control, None, ""),
            (KeyCode::Char('u'), plain, None, "u"),
            (KeyCode::Up, plain, None, "u"),
            (KeyCode::Char('x'), control, None, "u"),
            (KeyCode::Char(' '), plain, None, "u "),
            (KeyCode::Backspace, plain, None, "u"),
            (KeyCode::Enter, plain, Some(true), "u"),
            (KeyCode::Char('j'), control, Some(true), "u"),
            (KeyCode::Char('c'), control, Some(false), "u"),
        ] {
            assert_eq!(press(code, modifiers), (end, text.to_owned()), "{code:?}");
        }
    }
}
