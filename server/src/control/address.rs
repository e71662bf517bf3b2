//! Where the control channel is: as an operator writes it.

use crate::store::{StoreAddress, default_file};
use std::{
    ffi::OsString,
    fmt,
    path::{Path, PathBuf},
    str::FromStr,
};

/// Where the control channel of a server is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ControlAddress {
    /// Beside the store's file, with `.control` behind its name; nowhere where the store is no file. Written `auto`.
    Auto,
    /// Nowhere; written `off`.
    Off,
    /// Here.
    Path(PathBuf),
}

/// A text that names no place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("neither auto, off nor a path")]
pub struct ControlAddressError;

impl ControlAddress {
    /// The path, for a server with this store.
    pub(crate) fn path(&self, store: &StoreAddress) -> Option<PathBuf> {
        let beside = |file: &Path| {
            let mut path = OsString::from(file);
            path.push(".control");
            PathBuf::from(path)
        };
        match (self, store) {
            (Self::Off, _) => None,
            (Self::Path(path), _) => Some(path.clone()),
            (Self::Auto, StoreAddress::File(file)) => Some(beside(file)),
            (Self::Auto, StoreAddress::DefaultFile) => default_file().as_deref().map(beside),
            (Self::Auto, _) => None,
        }
    }
}

impl FromStr for ControlAddress {
    type Err = ControlAddressError;

    fn from_str(text: &str) -> Result<Self, ControlAddressError> {
        match text {
            "" => Err(ControlAddressError),
            "auto" => Ok(Self::Auto),
            "off" => Ok(Self::Off),
            path => Ok(Self::Path(path.into())),
        }
    }
}

impl fmt::Display for ControlAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Off => f.write_str("off"),
            Self::Path(path) => write!(f, "{}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{ControlAddress, ControlAddressError};
    use std::path::PathBuf;

    #[test]
    fn what_is_printed_is_read() {
        for text in ["auto", "off", "malpan.control", "/run/malpan/control"] {
            assert_eq!(text.parse::<ControlAddress>().unwrap().to_string(), text);
        }
        assert_eq!("".parse::<ControlAddress>(), Err(ControlAddressError));
    }

    #[test]
    fn by_itself_it_is_beside_the_stores_file() {
        let file = "redb:/var/lib/malpan/x.redb".parse().unwrap();
        assert_eq!(ControlAddress::Auto.path(&file), Some(PathBuf::from("/var/lib/malpan/x.redb.control")));
        assert_eq!(ControlAddress::Auto.path(&"memory:".parse().unwrap()), None);
        assert_eq!(ControlAddress::Off.path(&file), None);
        assert_eq!(ControlAddress::Path("here".into()).path(&file), Some(PathBuf::from("here")));
    }
}
