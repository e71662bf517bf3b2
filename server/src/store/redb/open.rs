//! Opening the file, with an error for everything that it may be instead of a store.

use super::{
    fault::Fault,
    schema,
    tables::{META, SCHEMA},
};
use redb::{Builder, Database, DatabaseError, StorageError, backends::FileBackend};
use std::{
    fs::{self, File, OpenOptions},
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
};

/// What the file's pages may take in memory.
const CACHE_BYTES: usize = 64 << 20;

/// Windows' error for a file that another program has opened for itself alone.
const SHARING_VIOLATION: i32 = 32;

/// A store's file that is open.
pub(super) struct Opened {
    pub(super) path: PathBuf,
    pub(super) database: Database,
}

/// Why a store's file cannot be opened. It says what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FileError {
    /// The folder that it shall be in does not exist.
    #[error("{} cannot be made: there is no folder {}; make it first", .0.display(), .1.display())]
    NoFolder(PathBuf, PathBuf),
    /// There is none, where one has to be.
    #[error("there is no store at {}; a server makes it when it first starts: name yours with --store redb:PATH, or its configuration with --config", .0.display())]
    Absent(PathBuf),
    /// A folder is no file.
    #[error("{} is a folder; name a file in it", .0.display())]
    IsFolder(PathBuf),
    /// The system does not let it be read and written.
    #[error("{} cannot be read and written: {source}; the server needs both, for the file and to make it in its folder", .path.display())]
    Access {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// Another program has it.
    #[error("{} is open in another program, most likely a server: stop that one, or name another file with --store redb:PATH (--store memory: keeps nothing)", .0.display())]
    InUse(PathBuf),
    /// It is not redb's.
    #[error("{} is no store: it is not a redb file; name another file, or move this one away", .0.display())]
    NotRedb(PathBuf),
    /// It is another program's.
    #[error("{} is no store of Malpan's: its tables are another program's; name another file", .0.display())]
    Foreign(PathBuf),
    /// A later version made it.
    #[error("{} was written by a later version of Malpan (schema {found}, this one knows {known}); start that version", .path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// The schema's version.
        found: u64,
        /// The newest that is known here.
        known: u64,
    },
    /// It is damaged.
    #[error("{} is damaged: {why}; put a backup in its place (`malpan-server store backup` makes them), or move it away to begin anew", .path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What redb says.
        why: String,
    },
    /// The disk does not do it.
    #[error("{} cannot be opened: {why}", .path.display())]
    Disk {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        why: String,
    },
}

/// Opens the file at `path`, or makes it.
pub(super) fn open(path: &Path) -> Result<Opened, FileError> {
    let file = open_file(path)?;
    let database = open_checked(path, file)?;
    Ok(Opened { path: path.into(), database })
}

/// Opens the file at `path`, which has to be there.
pub(super) fn open_existing(path: &Path) -> Result<Opened, FileError> {
    if let Err(source) = fs::metadata(path) {
        return Err(match source.kind() {
            io::ErrorKind::NotFound => FileError::Absent(path.into()),
            _ => FileError::Access { path: path.into(), source },
        });
    }
    open(path)
}

/// Opens it again after a fault, as it is.
pub(super) fn reopen(path: &Path) -> Result<Database, Fault> {
    let file = OpenOptions::new().read(true).write(true).open(path);
    let file = file.map_err(|error| Fault::from(redb::Error::Io(error)))?;
    let database = builder().create_with_backend(FileBackend::new(file)?)?;
    schema::hold(&database)?;
    Ok(database)
}

/// Writes something that changes nothing.
pub(super) fn probe(database: &Database) -> Result<(), Fault> {
    let writing = database.begin_write()?;
    writing.open_table(META)?.insert(SCHEMA, schema::VERSION)?;
    Ok(writing.commit()?)
}

fn builder() -> Builder {
    let mut builder = Builder::new();
    // A file that was changed behind redb's back is found here, and not in the middle of the night.
    builder.set_cache_size(CACHE_BYTES).set_check_integrity_on_open(true);
    builder
}

fn open_file(path: &Path) -> Result<File, FileError> {
    if path.is_dir() {
        return Err(FileError::IsFolder(path.into()));
    }
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    // It holds hashes of secrets.
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map_err(|source| match (source.kind(), path.parent()) {
        _ if cfg!(windows) && source.raw_os_error() == Some(SHARING_VIOLATION) => FileError::InUse(path.into()),
        (io::ErrorKind::NotFound, Some(folder)) => FileError::NoFolder(path.into(), folder.into()),
        _ => FileError::Access { path: path.into(), source },
    })
}

fn open_checked(path: &Path, file: File) -> Result<Database, FileError> {
    let opened = catch_unwind(AssertUnwindSafe(|| -> Result<Database, Refused> {
        let database = builder().create_with_backend(FileBackend::new(file)?)?;
        schema::prepare(&database, schema::MIGRATIONS)?;
        Ok(database)
    }));
    let path = path.to_owned();
    // redb may panic on a file that was damaged; that is one more way to say so.
    match opened.unwrap_or_else(|_| Err(Refused::Schema(Fault::broken("reading it panics").into()))) {
        Ok(database) => Ok(database),
        Err(Refused::Redb(DatabaseError::DatabaseAlreadyOpen)) => Err(FileError::InUse(path)),
        Err(Refused::Redb(DatabaseError::Storage(StorageError::Io(error)))) => match error.kind() {
            // What redb says of a file that does not begin as its own do.
            io::ErrorKind::InvalidData => Err(FileError::NotRedb(path)),
            io::ErrorKind::UnexpectedEof => Err(FileError::Damaged { path, why: "it is cut short".into() }),
            _ => Err(FileError::Disk { path, why: error.to_string() }),
        },
        Err(Refused::Redb(error)) => Err(FileError::Damaged { path, why: error.to_string() }),
        Err(Refused::Schema(schema::Problem::Foreign)) => Err(FileError::Foreign(path)),
        Err(Refused::Schema(schema::Problem::Newer(found))) => {
            Err(FileError::Newer { path, found, known: schema::VERSION })
        }
        Err(Refused::Schema(schema::Problem::Fault(Fault::Now(why) | Fault::Backup(why)))) => {
            Err(FileError::Disk { path, why })
        }
        Err(Refused::Schema(schema::Problem::Fault(Fault::Broken(why) | Fault::Record(why)))) => {
            Err(FileError::Damaged { path, why })
        }
    }
}

/// Who does not open it.
enum Refused {
    Redb(DatabaseError),
    Schema(schema::Problem),
}

impl From<DatabaseError> for Refused {
    fn from(error: DatabaseError) -> Self {
        Self::Redb(error)
    }
}

impl From<schema::Problem> for Refused {
    fn from(problem: schema::Problem) -> Self {
        Self::Schema(problem)
    }
}

#[cfg(all(test, windows))]
mod tests {
    use super::{FileError, open};
    use std::{fs::OpenOptions, os::windows::fs::OpenOptionsExt as _};

    #[test]
    fn a_file_that_another_program_keeps_to_itself_is_in_use() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.redb");
        let other = OpenOptions::new().write(true).create_new(true).share_mode(0).open(&path).unwrap();
        assert!(matches!(open(&path), Err(FileError::InUse(_))));
        drop(other);
        assert!(open(&path).is_ok());
    }
}
