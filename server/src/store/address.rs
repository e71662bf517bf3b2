//! Which store: as an operator writes it.

use std::{
    env, fmt,
    path::{Path, PathBuf},
    str::FromStr,
};

/// The name of the file where no other is given.
const FILE: &str = "malpan.redb";

/// Which store a server uses.
#[derive(Clone, PartialEq, Eq)]
pub enum StoreAddress {
    /// In memory, gone with the server; written `memory:`.
    Memory,
    /// In the file of [`default_file`]; written `redb`.
    DefaultFile,
    /// In this file; written `redb:PATH`.
    File(PathBuf),
}

/// A text that names no store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no store is written like this")]
pub struct StoreAddressError;

impl FromStr for StoreAddress {
    type Err = StoreAddressError;

    fn from_str(text: &str) -> Result<Self, StoreAddressError> {
        match text.split_once(':') {
            None if text == "redb" => Ok(Self::DefaultFile),
            Some(("memory", "")) => Ok(Self::Memory),
            Some(("redb", path)) if !path.is_empty() => Ok(Self::File(path.into())),
            _ => Err(StoreAddressError),
        }
    }
}

impl fmt::Display for StoreAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Memory => f.write_str("memory:"),
            Self::DefaultFile => f.write_str("redb"),
            Self::File(path) => write!(f, "redb:{}", path.display()),
        }
    }
}

impl fmt::Debug for StoreAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The file where no other is given: `malpan/malpan.redb` in the user's folder for data, which is `$XDG_DATA_HOME` or
/// `~/.local/share`, on Windows `%LOCALAPPDATA%`. `None` where the environment names none.
#[must_use]
pub fn default_file() -> Option<PathBuf> {
    data_folder(|name| env::var_os(name).map(PathBuf::from)).map(|folder| folder.join("malpan").join(FILE))
}

fn data_folder(variable: impl Fn(&str) -> Option<PathBuf>) -> Option<PathBuf> {
    let folder = |name| variable(name).filter(|path| path.is_absolute());
    if cfg!(windows) {
        return folder("LOCALAPPDATA");
    }
    folder("XDG_DATA_HOME").or_else(|| Some(folder("HOME")?.join(Path::new(".local/share"))))
}

#[cfg(test)]
mod tests {
    use super::{StoreAddress, StoreAddressError, data_folder};
    use std::path::PathBuf;

    #[test]
    fn what_is_printed_is_read() {
        for text in ["memory:", "redb", "redb:malpan.redb", "redb:/var/lib/malpan/a b.redb", r"redb:C:\malpan\x.redb"] {
            assert_eq!(text.parse::<StoreAddress>().unwrap().to_string(), text);
        }
        for text in ["", "memory", "memory:x", "redb:", "Redb", "sqlite:x", "/var/lib/malpan.redb", "malpan.redb"] {
            assert_eq!(text.parse::<StoreAddress>(), Err(StoreAddressError), "{text}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn the_users_folder_for_data_is_found_as_other_programs_find_it() {
        let found = |variables: &'static [(&str, &str)]| {
            data_folder(|name| variables.iter().find(|(other, _)| *other == name).map(|(_, path)| path.into()))
        };
        let both = &[("XDG_DATA_HOME", "/data"), ("HOME", "/home/ann")];
        assert_eq!(found(both), Some(PathBuf::from("/data")));
        assert_eq!(found(&both[1..]), Some(PathBuf::from("/home/ann/.local/share")));
        let relative = &[("XDG_DATA_HOME", "data"), ("HOME", "/home/ann")];
        assert_eq!(found(relative), Some(PathBuf::from("/home/ann/.local/share")), "a relative one is not to be used");
        assert_eq!(found(&[]), None);
    }
}
