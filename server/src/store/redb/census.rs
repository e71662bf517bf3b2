//! Reading everything: whether each record can be read, and whether the tables agree with each other.

use super::{
    fault::Fault,
    tables::{
        ACCOUNT_NAMES, ACCOUNTS, META, ROOMS, ROOMS_SET_ASIDE, TOKENS, TOKENS_BY_END, TOKENS_BY_PLAYER, read_token,
    },
    tables::{LAST_PLAYER, LAST_ROOM, number},
};
use crate::store::{Census, encoding, unix_now};
use malpan_protocol::RoomId;
use redb::{ReadTransaction, ReadableTable as _, ReadableTableMetadata as _};

/// How many problems are told one by one.
const PROBLEMS_TOLD: usize = 20;

pub(super) fn census(reading: &ReadTransaction) -> Result<Census, Fault> {
    let mut census = Census::default();
    let mut problems = Problems::default();
    accounts(reading, &mut census, &mut problems)?;
    tokens(reading, &mut census, &mut problems)?;
    rooms(reading, &mut census, &mut problems)?;
    census.problems = problems.told();
    Ok(census)
}

fn accounts(reading: &ReadTransaction, census: &mut Census, problems: &mut Problems) -> Result<(), Fault> {
    let (accounts, names) = (reading.open_table(ACCOUNTS)?, reading.open_table(ACCOUNT_NAMES)?);
    let last_player = number(&reading.open_table(META)?, LAST_PLAYER)?;
    for entry in accounts.iter()? {
        let (folded, bytes) = entry?;
        census.accounts += 1;
        let folded = folded.value();
        match encoding::read_account(bytes.value()) {
            Err(error) => problems.note(format!("the account {folded:?}: {error}")),
            Ok(account) => {
                let id = account.id.0;
                if account.name.folded() != folded {
                    problems.note(format!("the account {folded:?} is named {:?}", account.name.as_str()));
                }
                if names.get(id)?.is_none_or(|name| name.value() != folded) {
                    problems.note(format!("the account {folded:?} is not found by its number {id}"));
                }
                if id > last_player {
                    problems.note(format!("the number {id} of the account {folded:?} was never given"));
                }
            }
        }
    }
    if names.len()? != census.accounts {
        problems.note(format!("{} numbers for {} accounts", names.len()?, census.accounts));
    }
    Ok(())
}

fn tokens(reading: &ReadTransaction, census: &mut Census, problems: &mut Problems) -> Result<(), Fault> {
    let tokens = reading.open_table(TOKENS)?;
    let (by_player, by_end) = (reading.open_table(TOKENS_BY_PLAYER)?, reading.open_table(TOKENS_BY_END)?);
    let now = unix_now();
    for entry in tokens.iter()? {
        let (hash, token) = entry?;
        match read_token(token.value()) {
            Err(_) => problems.note("a token has a name that is none".into()),
            Ok(token) => {
                census.tokens += u64::from(token.expires > now);
                let found = by_player.get((token.player.0, hash.value()))?.is_some()
                    && by_end.get((token.expires, hash.value()))?.is_some();
                if !found {
                    problems.note(format!("a token of player {} would not be revoked", token.player));
                }
            }
        }
    }
    let counts = [tokens.len()?, by_player.len()?, by_end.len()?];
    if counts.iter().any(|&count| count != counts[0]) {
        problems.note(format!("{} tokens, {} by player, {} by end", counts[0], counts[1], counts[2]));
    }
    Ok(())
}

fn rooms(reading: &ReadTransaction, census: &mut Census, problems: &mut Problems) -> Result<(), Fault> {
    let last_room = number(&reading.open_table(META)?, LAST_ROOM)?;
    for entry in reading.open_table(ROOMS)?.iter()? {
        let id = entry?.0.value();
        census.rooms += 1;
        if u64::from(id) > last_room {
            problems.note(format!("the room {id} was never opened"));
        }
    }
    for entry in reading.open_table(ROOMS_SET_ASIDE)?.iter()? {
        let (id, room) = entry?;
        census.set_aside.push((RoomId(id.value()), room.value().0.to_owned()));
    }
    Ok(())
}

#[derive(Default)]
struct Problems {
    first: Vec<String>,
    more: usize,
}

impl Problems {
    fn note(&mut self, problem: String) {
        if self.first.len() < PROBLEMS_TOLD { self.first.push(problem) } else { self.more += 1 }
    }

    fn told(mut self) -> Vec<String> {
        if self.more > 0 {
            self.first.push(format!("and {} more", self.more));
        }
        self.first
    }
}
