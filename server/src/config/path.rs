//! Files of what can be switched off.

use std::{
    fmt,
    path::{Path, PathBuf},
    str::FromStr,
};

/// A file, or none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PathOrOff {
    /// This file; a relative path begins at the working directory.
    Path(PathBuf),
    /// None; written `off`.
    Off,
}

/// A text that is empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("neither a file nor `off`")]
pub struct PathError;

impl PathOrOff {
    /// The file, where there is one.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::Path(path) => Some(path),
            Self::Off => None,
        }
    }
}

impl FromStr for PathOrOff {
    type Err = PathError;

    fn from_str(text: &str) -> Result<Self, PathError> {
        match text {
            "" => Err(PathError),
            "off" => Ok(Self::Off),
            path => Ok(Self::Path(path.into())),
        }
    }
}

impl fmt::Display for PathOrOff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(path) => path.display().fmt(f),
            Self::Off => f.write_str("off"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{PathError, PathOrOff};

    #[test]
    fn what_is_printed_is_read() {
        for text in ["off", "./off", "cert.pem", "/etc/malpan/key.pem"] {
            let read: PathOrOff = text.parse().unwrap();
            assert_eq!((read.to_string().as_str(), read.path().is_some()), (text, text != "off"));
        }
        assert_eq!("".parse::<PathOrOff>(), Err(PathError));
    }
}
