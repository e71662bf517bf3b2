//! Where a report is written.

use anyhow::{Context, Result};
use std::{
    fs::File,
    io::{self, Write},
    path::{Path, PathBuf},
};

/// Where something is written.
pub(super) enum Output {
    Stdout,
    File(File, PathBuf),
}

impl Output {
    /// Opens it for writing; `-` is stdout. What is in it stays until there is something to write.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub(super) fn open(path: &Path) -> Result<Self> {
        if path.as_os_str() == "-" {
            return Ok(Self::Stdout);
        }
        let file = File::options()
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)
            .with_context(|| format!("cannot write {}", path.display()))?;
        Ok(Self::File(file, path.to_owned()))
    }

    /// Writes the whole of it.
    ///
    /// # Errors
    /// The stream's.
    pub(super) fn write(self, text: &str) -> Result<()> {
        match self {
            Self::Stdout => io::stdout().write_all(text.as_bytes()).context("writing to stdout"),
            Self::File(mut file, path) => {
                let mut write = || {
                    // A pipe or a device has no length.
                    if file.metadata()?.is_file() {
                        file.set_len(0)?;
                    }
                    file.write_all(text.as_bytes())
                };
                write().with_context(|| format!("writing {}", path.display()))
            }
        }
    }
}
