//! Passwords that an operator gives: at a prompt, or on the standard input. Never as an argument, which every user could see.

use anyhow::{Context, anyhow, bail};
use malpan_protocol::Secret;
use std::io::{self, BufRead as _, IsTerminal as _, Read as _};
use zeroize::Zeroizing;

/// Asks for a new password: twice at a terminal, which does not show it; else it is the first line of the standard input.
pub(super) fn ask() -> anyhow::Result<Secret> {
    if !io::stdin().is_terminal() {
        let mut line = Zeroizing::new(String::with_capacity(2 * Secret::MAX_BYTES));
        let mut bounded = io::stdin().lock().take(Secret::MAX_BYTES as u64 + 2);
        bounded.read_line(&mut line).context("cannot read the password from the standard input")?;
        let line = line.trim_end_matches(['\r', '\n']);
        if line.is_empty() {
            bail!("there is no password: the first line of the standard input is empty");
        }
        return of(line);
    }
    let prompt =
        |text: &str| rpassword::prompt_password(text).map(Zeroizing::new).context("cannot ask for the password");
    let secret = of(&prompt("New password: ")?)?;
    if *prompt("The same again: ")? != *secret.expose() {
        bail!("these are two passwords; nothing was changed");
    }
    Ok(secret)
}

/// The password that `text` is. How long it is is not said.
fn of(text: &str) -> anyhow::Result<Secret> {
    Secret::new(text)
        .map_err(|_| anyhow!("a password has to have {} to {} bytes", Secret::MIN_BYTES, Secret::MAX_BYTES))
}
