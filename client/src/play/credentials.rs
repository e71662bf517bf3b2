//! Who signs in, as the command line says it. A password is asked for at the terminal, which does not show it, or is the
//! first line of the standard input; never an argument, which every user of the machine could see.

use super::{identity::Identity, prompt};
use anyhow::{Context, bail};
use malpan_client::protocol::{Name, Secret};
use std::{
    fs::File,
    io::{IsTerminal, Read, stdin},
};
use zeroize::Zeroizing;

/// Flags.
#[derive(Debug, clap::Args)]
#[group(multiple = false)]
pub(crate) struct Credentials {
    /// Play as a guest of this name, 1 to 20 characters. Without it you are asked, or get a friendly one with --plain.
    #[arg(long)]
    name: Option<Name>,
    /// Sign in to the account of this name. Its password is asked for, or is the first line of stdin.
    #[arg(long, value_name = "NAME")]
    login: Option<Name>,
    /// Make an account of this name and sign in to it. Its password is asked for as with --login.
    #[arg(long, value_name = "NAME")]
    register: Option<Name>,
}

impl Credentials {
    /// Who signs in, where that is said; asks for the password, if it takes one.
    pub(crate) fn load(&self) -> anyhow::Result<Option<Identity>> {
        Ok(match self {
            Self { login: Some(name), .. } => {
                Some(Identity::Login { name: name.clone(), secret: password("Password: ", None)? })
            }
            Self { register: Some(name), .. } => {
                let secret = password("New password: ", Some("The same again: "))?;
                Some(Identity::Register { name: name.clone(), secret })
            }
            Self { name, .. } => name.clone().map(Identity::guest),
        })
    }
}

fn password(question: &str, again: Option<&str>) -> anyhow::Result<Secret> {
    if !stdin().is_terminal() {
        let mut input = unbuffered_stdin().context("cannot read the standard input")?;
        let line = first_line(&mut input).context("cannot read the password from the standard input")?;
        return Ok(Secret::new(std::str::from_utf8(&line).context("the password is not UTF-8")?)?);
    }
    let secret = Secret::new(prompt::ask(question)?.expose())?;
    if let Some(again) = again
        && prompt::ask(again)?.expose() != secret.expose()
    {
        bail!("these are two passwords");
    }
    Ok(secret)
}

/// The first line, without its end, and not a byte more: what follows is for others to read. More than the longest
/// password is cut off, which makes it too long.
fn first_line(input: &mut impl Read) -> std::io::Result<Zeroizing<Vec<u8>>> {
    let mut line = Zeroizing::new(Vec::with_capacity(Secret::MAX_BYTES + 2));
    let mut byte = [0];
    while line.len() < Secret::MAX_BYTES + 2 && input.read(&mut byte)? == 1 && byte[0] != b'\n' {
        line.push(byte[0]);
    }
    if line.last() == Some(&b'\r') {
        line.pop();
    }
    Ok(line)
}

/// Rust's own standard input reads ahead, and would keep the password in a buffer that nobody wipes.
#[cfg(unix)]
fn unbuffered_stdin() -> std::io::Result<File> {
    use std::os::fd::AsFd;
    Ok(stdin().as_fd().try_clone_to_owned()?.into())
}

#[cfg(windows)]
fn unbuffered_stdin() -> std::io::Result<File> {
    use std::os::windows::io::AsHandle;
    Ok(stdin().as_handle().try_clone_to_owned()?.into())
}

#[cfg(test)]
mod tests {
    use super::first_line;
    use malpan_client::protocol::Secret;

    #[test]
    fn the_password_is_the_first_line_and_the_rest_is_left_to_others() {
        for (text, password, rest) in [
            ("correct horse\nup\n", "correct horse", "up\n"),
            ("correct horse\r\nup\n", "correct horse", "up\n"),
            (" spaces count \n", " spaces count ", ""),
            ("no end", "no end", ""),
            ("", "", ""),
        ] {
            let mut input = text.as_bytes();
            assert_eq!(first_line(&mut input).unwrap().as_slice(), password.as_bytes(), "{text:?}");
            assert_eq!(input, rest.as_bytes(), "{text:?}");
        }
        let longest = "x".repeat(Secret::MAX_BYTES);
        assert_eq!(first_line(&mut format!("{longest}\r\n").as_bytes()).unwrap().len(), Secret::MAX_BYTES);
        let line = first_line(&mut "x".repeat(100_000).as_bytes()).unwrap();
        assert!(line.len() > Secret::MAX_BYTES, "it is refused as too long, not cut to what would do");
    }
}
