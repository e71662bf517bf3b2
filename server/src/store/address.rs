//! Which store: as an operator writes it.

use super::{RedisAddress, RedisAddressError};
use std::{
    env, fmt,
    path::{Path, PathBuf},
    str::FromStr,
};

/// The name of the file where no other is given.
const FILE: &str = "malpan.redb";

/// Which store a server uses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreAddress {
    /// In memory, gone with the server; written `memory:`.
    Memory,
    /// In the file of [`default_file`]; written `redb`.
    DefaultFile,
    /// In this file; written `redb:PATH`.
    File(PathBuf),
    /// In a Redis; written as its URL.
    Redis(RedisAddress),
}

/// A text that names no store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum StoreAddressError {
    /// It begins like none.
    #[error("no store is written like this")]
    Unknown,
    /// It begins like the URL of a Redis.
    #[error(transparent)]
    Redis(#[from] RedisAddressError),
}

impl FromStr for StoreAddress {
    type Err = StoreAddressError;

    fn from_str(text: &str) -> Result<Self, StoreAddressError> {
        match text.split_once(':') {
            None if text == "redb" => Ok(Self::DefaultFile),
            Some(("memory", "")) => Ok(Self::Memory),
            Some(("redb", path)) if !path.is_empty() => Ok(Self::File(path.into())),
            _ if RedisAddress::is_meant_by(text) => Ok(Self::Redis(RedisAddress::parse(text)?)),
            _ => Err(StoreAddressError::Unknown),
        }
    }
}

impl fmt::Display for StoreAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Memory => f.write_str("memory:"),
            Self::DefaultFile => f.write_str("redb"),
            Self::File(path) => write!(f, "redb:{}", path.display()),
            Self::Redis(address) => address.fmt(f),
        }
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
    use super::{StoreAddress, StoreAddressError};

    #[test]
    fn what_is_printed_is_read() {
        for text in ["memory:", "redb", "redb:malpan.redb", "redb:/var/lib/malpan/a b.redb", r"redb:C:\malpan\x.redb"] {
            assert_eq!(text.parse::<StoreAddress>().unwrap().to_string(), text);
        }
        for text in ["", "memory", "memory:x", "redb:", "Redb", "sqlite:x", "/var/lib/malpan.redb", "malpan.redb"] {
            assert_eq!(text.parse::<StoreAddress>(), Err(StoreAddressError::Unknown), "{text}");
        }
    }

    #[test]
    fn the_url_of_a_redis_is_read_and_its_password_never_shown() {
        let text = "redis://ann:s3cret@redis.example:7000/2?prefix=game:&node=a-1";
        let address = text.parse::<StoreAddress>().unwrap();
        assert_eq!(address.to_string(), text, "it is written as it was read");
        let shown = format!("{address:?}");
        assert_eq!(shown, "Redis(redis://redis.example:7000/2 prefix=game: node=a-1)");
        let plain = "rediss://[::1]".parse::<StoreAddress>().unwrap();
        assert_eq!(format!("{plain:?}"), "Redis(rediss://[::1] prefix=malpan: node=main)");
        for text in [
            "redis://",
            "redis://:s3cret@host:port",
            "redis://:s3cret@host/db",
            "redis://:s3cret@host?nodes=3",
            "redis://:s3cret@host?node=",
            "redis://:s3cret@host?prefix=*",
            "rediss://:s3cret@host#insecure",
            "redis://:s3cret@0.0.0.0",
        ] {
            let error = text.parse::<StoreAddress>().unwrap_err();
            assert!(matches!(error, StoreAddressError::Redis(_)), "{text}: {error:?}");
            assert!(!error.to_string().contains("s3cret"), "{error}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn the_users_folder_for_data_is_found_as_other_programs_find_it() {
        use super::data_folder;
        use std::path::PathBuf;
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
