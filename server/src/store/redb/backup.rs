//! A copy of everything as of one moment, in a new file of the same kind.

use super::{
    fault::Fault,
    tables::{self, ACCOUNT_NAMES, ACCOUNTS, META, ROOMS, ROOMS_SET_ASIDE, TOKENS, TOKENS_BY_END, TOKENS_BY_PLAYER},
};
use redb::{
    Builder, Key, ReadTransaction, ReadableTable as _, TableDefinition, Value, WriteTransaction, backends::FileBackend,
};
use std::{
    fs::{self, OpenOptions},
    io,
    path::Path,
};

/// Copies what `reading` sees into a new file at `path`; its length. Where it fails there is no file.
pub(super) fn backup(reading: &ReadTransaction, path: &Path) -> Result<u64, Fault> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path).map_err(|error| about(path, &error))?;
    let copied = copy(reading, file).and_then(|()| fs::metadata(path).map_err(|error| about(path, &error)));
    if copied.is_err() {
        // It would look like a backup.
        let _ = fs::remove_file(path);
    }
    Ok(copied?.len())
}

fn copy(reading: &ReadTransaction, file: fs::File) -> Result<(), Fault> {
    let database = Builder::new().create_with_backend(FileBackend::new(file)?)?;
    let writing = database.begin_write()?;
    tables::create_all(&writing)?;
    copy_table(reading, &writing, META)?;
    copy_table(reading, &writing, ACCOUNTS)?;
    copy_table(reading, &writing, ACCOUNT_NAMES)?;
    copy_table(reading, &writing, TOKENS)?;
    copy_table(reading, &writing, TOKENS_BY_PLAYER)?;
    copy_table(reading, &writing, TOKENS_BY_END)?;
    copy_table(reading, &writing, ROOMS)?;
    copy_table(reading, &writing, ROOMS_SET_ASIDE)?;
    Ok(writing.commit()?)
}

fn copy_table<K: Key + 'static, V: Value + 'static>(
    reading: &ReadTransaction,
    writing: &WriteTransaction,
    table: TableDefinition<'_, K, V>,
) -> Result<(), Fault> {
    let mut copy = writing.open_table(table)?;
    for entry in reading.open_table(table)?.iter()? {
        let (key, value) = entry?;
        copy.insert(key.value(), value.value())?;
    }
    Ok(())
}

fn about(path: &Path, error: &io::Error) -> Fault {
    let what = match error.kind() {
        io::ErrorKind::AlreadyExists => "it is there already; name a new file".into(),
        // It is the server that writes, where one runs, and what a service may write is not what its operator may.
        io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied => format!(
            "{error}; name a file in a folder that the server may write (of a packaged one /var/lib/malpan, and what \
             ReadWritePaths= in its unit adds)"
        ),
        io::ErrorKind::NotFound => format!("{error}; make its folder first"),
        _ => error.to_string(),
    };
    Fault::Backup(format!("the backup {}: {what}", path.display()))
}
