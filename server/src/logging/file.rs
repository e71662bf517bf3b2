//! The log's file: it begins anew before it grows beyond its bound, and the few before it are kept beside it.
//!
//! ```text
//! malpan-server.log       what is written now
//! malpan-server.log.1     what was written before that, and so on up to `log.old_files`
//! ```
//!
//! Invariant: a file grows beyond `log.file_bytes` only where it cannot be put aside, and beyond twice that by no more than
//! one line.

use std::{
    ffi::OsString,
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
};

/// How large a file may be and how many are kept.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    /// Bytes from which on a file is put aside.
    pub(super) bytes: u64,
    /// Files put aside that are kept.
    pub(super) old_files: u16,
}

/// The file. Each write is one line or several, and is never torn over two files.
#[derive(Debug)]
pub(super) struct LogFile {
    path: PathBuf,
    bounds: Bounds,
    /// `None` where it could not be opened again.
    file: Option<File>,
    /// Bytes in it.
    length: u64,
}

impl LogFile {
    /// Opens the file at `path`, behind what is in it; it is made where it is not there.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub(super) fn open(path: &Path, bounds: Bounds) -> io::Result<Self> {
        let mut this = Self { path: path.into(), bounds, file: None, length: 0 };
        this.reopen()?;
        Ok(this)
    }

    fn reopen(&mut self) -> io::Result<()> {
        let mut options = OpenOptions::new();
        options.create(true).append(true);
        // Names and addresses of players are not for everybody on the machine.
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o640);
        let file = options.open(&self.path)?;
        self.length = file.metadata()?.len();
        self.file = Some(file);
        Ok(())
    }

    /// Puts the file aside and begins it anew.
    fn rotate(&mut self) -> io::Result<()> {
        // Windows renames no file that is open here.
        self.file = None;
        let put_aside = self.put_aside();
        self.reopen()?;
        if put_aside.is_err() && self.length >= self.bounds.bytes.saturating_mul(2) {
            // Whoever holds it open (on Windows a program that reads it may forbid its renaming) does not make it grow for ever.
            if let Some(file) = &self.file {
                file.set_len(0)?;
                self.length = 0;
            }
        }
        Ok(())
    }

    fn put_aside(&self) -> io::Result<()> {
        let kept = self.bounds.old_files;
        if kept == 0 {
            return fs::remove_file(&self.path);
        }
        // Only as far as the first gap: a try that failed behind this is made again, and must not push the old ones out.
        let gap = (1..kept).find(|&number| !self.old(number).exists()).unwrap_or(kept);
        for number in (1..gap).rev() {
            fs::rename(self.old(number), self.old(number + 1))?;
        }
        fs::rename(&self.path, self.old(1))
    }

    /// Where the file is put that was put aside as the `number`th before.
    fn old(&self, number: u16) -> PathBuf {
        let mut path = OsString::from(&self.path);
        path.push(format!(".{number}"));
        path.into()
    }
}

impl Write for LogFile {
    fn write(&mut self, lines: &[u8]) -> io::Result<usize> {
        if self.length > 0 && self.length.saturating_add(lines.len() as u64) > self.bounds.bytes {
            self.rotate()?;
        }
        if self.file.is_none() {
            self.reopen()?;
        }
        let Some(file) = &mut self.file else { return Err(io::ErrorKind::NotFound.into()) };
        file.write_all(lines)?;
        self.length = self.length.saturating_add(lines.len() as u64);
        Ok(lines.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        // A `File` holds nothing back.
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{Bounds, LogFile};
    use std::{collections::BTreeMap, fs, io::Write, path::Path};

    const LINE: &[u8] = b"nine long\n";

    /// What is in each file of a folder.
    fn files(folder: &Path) -> BTreeMap<String, String> {
        let entries = fs::read_dir(folder).unwrap().map(Result::unwrap);
        let read = |entry: fs::DirEntry| {
            (entry.file_name().into_string().unwrap(), fs::read_to_string(entry.path()).unwrap_or_default())
        };
        entries.map(read).collect()
    }

    fn numbered(path: &Path, bounds: Bounds, lines: std::ops::Range<u32>) {
        let mut log = LogFile::open(path, bounds).unwrap();
        lines.for_each(|line| log.write_all(format!("line {line:03}\n").as_bytes()).unwrap());
    }

    #[test]
    fn the_last_lines_are_kept_in_order_and_the_rest_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.log");
        // Four lines of nine bytes each.
        numbered(&path, Bounds { bytes: 36, old_files: 2 }, 0..101);
        let lines = |of: std::ops::Range<u32>| of.map(|line| format!("line {line:03}\n")).collect::<String>();
        let expected = [("x.log", lines(100..101)), ("x.log.1", lines(96..100)), ("x.log.2", lines(92..96))];
        assert_eq!(files(folder.path()), expected.map(|(name, text)| (name.to_owned(), text)).into());
    }

    #[test]
    fn a_later_server_goes_on_behind_an_earlier_ones_lines() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.log");
        let bounds = Bounds { bytes: 36, old_files: 1 };
        numbered(&path, bounds, 0..3);
        numbered(&path, bounds, 3..5);
        let files = files(folder.path());
        assert_eq!(files["x.log.1"].lines().count(), 4, "{files:?}");
        assert_eq!(files["x.log"], "line 004\n");
    }

    #[test]
    fn without_old_files_there_is_one() {
        let folder = tempfile::tempdir().unwrap();
        numbered(&folder.path().join("x.log"), Bounds { bytes: 36, old_files: 0 }, 0..9);
        assert_eq!(files(folder.path()), [("x.log".to_owned(), "line 008\n".to_owned())].into());
    }

    #[test]
    fn a_line_is_written_whole_however_long_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.log");
        let mut log = LogFile::open(&path, Bounds { bytes: 5, old_files: 1 }).unwrap();
        log.write_all(LINE).unwrap();
        log.write_all(LINE).unwrap();
        let whole = String::from_utf8(LINE.into()).unwrap();
        assert_eq!(files(folder.path()), [("x.log".to_owned(), whole.clone()), ("x.log.1".to_owned(), whole)].into());
    }

    #[test]
    fn a_file_that_cannot_be_put_aside_is_bounded_all_the_same_and_pushes_no_old_one_out() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.log");
        // A folder with something in it, which no file can replace.
        let blocked = folder.path().join("x.log.1");
        fs::create_dir(&blocked).unwrap();
        fs::write(blocked.join("x"), "").unwrap();
        fs::write(folder.path().join("x.log.2"), "old").unwrap();
        fs::create_dir(folder.path().join("x.log.3")).unwrap();
        fs::write(folder.path().join("x.log.3/x"), "").unwrap();
        let mut log = LogFile::open(&path, Bounds { bytes: 36, old_files: 3 }).unwrap();
        for _ in 0..100 {
            log.write_all(LINE).unwrap();
            assert!(fs::metadata(&path).unwrap().len() <= 2 * 36 + LINE.len() as u64);
        }
        assert_eq!(fs::read_to_string(folder.path().join("x.log.2")).unwrap(), "old");
    }

    #[test]
    fn a_folder_that_is_not_there_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let bounds = Bounds { bytes: 36, old_files: 1 };
        assert!(LogFile::open(&folder.path().join("no/x.log"), bounds).is_err());
        assert!(LogFile::open(folder.path(), bounds).is_err(), "a folder is no file");
    }
}
