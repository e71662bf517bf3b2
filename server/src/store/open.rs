//! From the address of a store to the store.

use super::{FileError, MemoryStore, RedbStore, RedisOpenError, RedisStore, Store, StoreAddress, default_file};
use std::{fs, io, path::Path, sync::Arc};

/// Why there is no store. It says what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The environment names no folder for data.
    #[error(
        "no file is named for the store, and neither XDG_DATA_HOME nor HOME (on Windows LOCALAPPDATA) says where it could be; name one with --store redb:PATH (or --store memory:, which keeps nothing)"
    )]
    NoDefault,
    /// The folder of the default file cannot be made.
    #[error("the folder {folder} cannot be made: {source}; name another place with --store redb:PATH")]
    Folder {
        /// The folder.
        folder: String,
        /// The system's reason.
        source: io::Error,
    },
    /// It is a file that cannot be opened.
    #[error(transparent)]
    File(#[from] FileError),
    /// It is a Redis that cannot be used.
    #[error(transparent)]
    Redis(#[from] RedisOpenError),
}

/// Opens the store at `address`; a file that is not there is made, the default one with its folder.
///
/// # Errors
/// [`OpenError`] where that cannot be done.
pub fn open(address: &StoreAddress) -> Result<Arc<dyn Store>, OpenError> {
    Ok(match address {
        StoreAddress::Memory => Arc::new(MemoryStore::default()),
        StoreAddress::File(path) => Arc::new(RedbStore::open(path)?),
        StoreAddress::Redis(address) => Arc::new(RedisStore::open(address)?),
        StoreAddress::DefaultFile => {
            let path = default_file().ok_or(OpenError::NoDefault)?;
            make_folder_of(&path)?;
            Arc::new(RedbStore::open(&path)?)
        }
    })
}

/// As [`open`], but what is not there is an error.
///
/// # Errors
/// As [`open`].
pub fn open_existing(address: &StoreAddress) -> Result<Arc<dyn Store>, OpenError> {
    Ok(match address {
        StoreAddress::File(path) => Arc::new(RedbStore::open_existing(path)?),
        StoreAddress::DefaultFile => Arc::new(RedbStore::open_existing(&default_file().ok_or(OpenError::NoDefault)?)?),
        StoreAddress::Memory | StoreAddress::Redis(_) => open(address)?,
    })
}

fn make_folder_of(path: &Path) -> Result<(), OpenError> {
    let Some(folder) = path.parent() else { return Ok(()) };
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder).map_err(|source| OpenError::Folder { folder: folder.display().to_string(), source })
}
