//! Reading everything: whether each record can be read, and whether the keys agree with each other.

use super::{
    PAGE,
    fault::Fault,
    list, rooms,
    session::{NOTHING, Session},
};
use crate::store::Census;

pub(super) async fn census(session: &Session) -> Result<Census, Fault> {
    let mut census = Census::default();
    if let Err(fault) = accounts(session, &mut census).await {
        census.problems.push(told(fault)?);
    }
    census.tokens = session.count("token:").await?;
    match rooms::count(session).await {
        Ok(rooms) => census.rooms = rooms,
        Err(fault) => census.problems.push(told(fault)?),
    }
    census.set_aside = rooms::set_aside(session).await?;
    Ok(census)
}

async fn accounts(session: &Session, census: &mut Census) -> Result<(), Fault> {
    let numbers: u64 = session.ask("HLEN", "account_names", NOTHING).await?;
    let records: u64 = session.ask("HLEN", "accounts", NOTHING).await?;
    let mut after = None;
    loop {
        let page = list(session, after, PAGE).await?;
        for account in &page {
            census.accounts += 1;
            let folded = account.name.folded();
            let found: Option<String> = session.ask("HGET", "account_names", account.id.0).await?;
            if found.as_ref() != Some(&folded) {
                census.problems.push(format!("the account {folded:?} is not found by its number {}", account.id));
            }
        }
        after = page.last().map(|account| account.name.folded());
        if page.len() < PAGE {
            break;
        }
    }
    // Whoever signs up meanwhile is no problem: those were counted before.
    if numbers > census.accounts || records > census.accounts {
        census.problems.push(format!("{numbers} numbers and {records} records for {} accounts", census.accounts));
    }
    Ok(())
}

/// A fault of a record is a problem to be told; any other ends the census.
fn told(fault: Fault) -> Result<String, Fault> {
    match fault {
        Fault::Record(what) => Ok(what),
        other => Err(other),
    }
}
