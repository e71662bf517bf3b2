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

#[cfg(test)]
mod tests {
    use super::{META, Migration, Problem, SCHEMA, prepare, version};
    use crate::store::redb::{fault::Fault, tables};
    use redb::{
        Builder, Database, ReadableDatabase as _, TableDefinition, WriteTransaction, backends::InMemoryBackend,
    };

    const STEPS: TableDefinition<'_, u64, u64> = TableDefinition::new("steps");

    /// Notes in which order the steps are made, and what the version was then.
    fn step(writing: &WriteTransaction) -> Result<(), Fault> {
        let mut steps = writing.open_table(STEPS)?;
        let made = redb::ReadableTableMetadata::len(&steps)?;
        steps.insert(made, tables::number(&writing.open_table(META)?, SCHEMA)?)?;
        Ok(())
    }

    fn fail(writing: &WriteTransaction) -> Result<(), Fault> {
        step(writing)?;
        Err(Fault::broken("it cannot be done"))
    }

    fn new(migrations: &[Migration]) -> Database {
        let database = Builder::new().create_with_backend(InMemoryBackend::new()).unwrap();
        prepare(&database, migrations).unwrap();
        database
    }

    fn steps(database: &Database) -> u64 {
        let reading = database.begin_read().unwrap();
        reading.open_table(STEPS).map_or(0, |steps| redb::ReadableTableMetadata::len(&steps).unwrap())
    }

    #[test]
    fn an_older_one_becomes_this_one_step_by_step_and_once() {
        let database = new(&[]);
        assert_eq!(version(&database).unwrap(), Some(1));
        prepare(&database, &[step]).unwrap();
        assert_eq!((version(&database).unwrap(), steps(&database)), (Some(2), 1));
        prepare(&database, &[fail, step, step]).unwrap();
        assert_eq!((version(&database).unwrap(), steps(&database)), (Some(4), 3), "what is done is not done again");
        prepare(&database, &[fail, fail, fail]).unwrap();
    }

    #[test]
    fn a_new_one_needs_no_steps() {
        let database = new(&[fail, fail]);
        assert_eq!((version(&database).unwrap(), steps(&database)), (Some(3), 0));
    }

    #[test]
    fn a_step_that_fails_leaves_the_older_one_whole() {
        let database = new(&[]);
        let failed = prepare(&database, &[step, fail]);
        assert!(matches!(failed, Err(Problem::Fault(Fault::Broken(_)))), "{failed:?}");
        assert_eq!((version(&database).unwrap(), steps(&database)), (Some(1), 0));
        prepare(&database, &[step, step]).unwrap();
        assert_eq!((version(&database).unwrap(), steps(&database)), (Some(3), 2));
    }

    #[test]
    fn a_newer_one_is_refused_and_left_alone() {
        let database = new(&[step, step]);
        let refused = prepare(&database, &[step]);
        assert!(matches!(refused, Err(Problem::Newer(3))), "{refused:?}");
        assert_eq!(version(&database).unwrap(), Some(3));
    }
}
