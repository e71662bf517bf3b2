//! Passwords that an operator gives: at a prompt, or on the standard input. Never as an argument, which every user could see.

use anyhow::{Context, bail};
use malpan_protocol::Secret;
use std::io::{self, BufRead as _, IsTerminal as _, Read as _};
use zeroize::Zeroizing;

/// Asks for a new password: twice at a terminal, which does not show it; else it is the first line of the standard input.
pub(super) fn ask() -> anyhow::Result<Secret> {
    if !io::stdin().is_terminal() {
        let mut line = Zeroizing::new(String::with_capacity(2 * Secret::MAX_BYTES));
        let mut bounded = io::stdin().lock().take(Secret::MAX_BYTES as u64 + 2);
        bounded.read_line(&mut line).context("cannot read the password from the standard input")?;
        return Ok(Secret::new(line.trim_end_matches(['\r', '\n']))?);
    }
    let prompt =
        |text: &str| rpassword::prompt_password(text).map(Zeroizing::new).context("cannot ask for the password");
    let secret = Secret::new(&prompt("New password: ")?)?;
    if *prompt("The same again: ")? != *secret.expose() {
        bail!("these are two passwords; nothing was changed");
    }
    Ok(secret)
}
