//! The version of the tables, and how an older one becomes this one: step by step, all in one transaction, so that a file
//! is of one version or of the other.

use super::{
    fault::Fault,
    tables::{self, META, SCHEMA},
};
use redb::{Database, ReadableDatabase as _, TableError, WriteTransaction};

/// The version that this program writes.
pub(super) const VERSION: u64 = 1;
/// What makes version N + 1 of version N, beginning with 1.
pub(super) const MIGRATIONS: &[Migration] = &[];

pub(super) type Migration = fn(&WriteTransaction) -> Result<(), Fault>;

/// Why the tables cannot be used.
#[derive(Debug)]
pub(super) enum Problem {
    /// They are another program's.
    Foreign,
    /// They are a later version's.
    Newer(u64),
    Fault(Fault),
}

/// Makes the tables of a new file, and brings those of an older version up to the one behind the last migration.
pub(super) fn prepare(database: &Database, migrations: &[Migration]) -> Result<(), Problem> {
    let newest = 1 + migrations.len() as u64;
    let found = version(database)?;
    if found == Some(newest) {
        return Ok(());
    }
    let writing = database.begin_write().map_err(Fault::from)?;
    match found {
        None => tables::create_all(&writing)?,
        Some(newer) if newer > newest || newer == 0 => return Err(Problem::Newer(newer)),
        Some(older) => {
            let behind = migrations.iter().zip(1..).skip_while(|&(_, from)| from < older);
            behind.into_iter().try_for_each(|(migrate, _)| migrate(&writing))?;
            tracing::info!(from = older, to = newest, "the store's tables are brought up to this version");
        }
    }
    writing.open_table(META).map_err(Fault::from)?.insert(SCHEMA, newest).map_err(Fault::from)?;
    Ok(writing.commit().map_err(Fault::from)?)
}

/// Whether the tables are still what they were.
pub(super) fn hold(database: &Database) -> Result<(), Fault> {
    match version(database) {
        Ok(Some(VERSION)) => Ok(()),
        Ok(_) | Err(Problem::Foreign | Problem::Newer(_)) => Err(Fault::broken("the file was replaced by another")),
        Err(Problem::Fault(fault)) => Err(fault),
    }
}

/// The version of the tables; nothing where there are none.
fn version(database: &Database) -> Result<Option<u64>, Problem> {
    let reading = database.begin_read().map_err(Fault::from)?;
    match reading.open_table(META) {
        Ok(meta) => match meta.get(SCHEMA).map_err(Fault::from)? {
            Some(version) => Ok(Some(version.value())),
            None => Err(Problem::Foreign),
        },
        Err(TableError::TableDoesNotExist(_)) => {
            let mut tables = reading.list_tables().map_err(Fault::from)?;
            let others =
                tables.next().is_some() || reading.list_multimap_tables().map_err(Fault::from)?.next().is_some();
            if others { Err(Problem::Foreign) } else { Ok(None) }
        }
        Err(TableError::Storage(error)) => Err(Fault::from(error).into()),
        // A table of that name that is another's.
        Err(_) => Err(Problem::Foreign),
    }
}

impl From<Fault> for Problem {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}
