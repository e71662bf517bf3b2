//! `kill -9` at any moment: what was promised is there, and nothing by half.

use crate::{
    child::{Said, Working},
    samples::name,
};
use malpan_server::store::{RedbStore, Store};
use std::collections::BTreeSet;

/// How often the child is killed.
const ROUNDS: u32 = 100;

#[tokio::test]
async fn of_a_hundred_kills_under_load_none_loses_an_account_or_leaves_half_of_one() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("store.redb");
    let mut promised = BTreeSet::new();
    for round in 0..ROUNDS {
        let mut child = Working::start(&file, &format!("r{round}"));
        // At another moment each time: after 1 to 23 promises, in the midst of what 16 callers want.
        for _ in 0..=(round * 7) % 23 {
            note(&mut promised, child.says());
        }
        for said in child.kill() {
            note(&mut promised, Some(said));
        }
        if round % 10 == 9 {
            all_is_well(&file, &promised).await;
        }
    }
    assert!(promised.len() >= ROUNDS as usize * 10, "there was load: {} accounts", promised.len());
}

fn note(promised: &mut BTreeSet<String>, said: Option<Said>) {
    match said {
        Some(Said::Made(name)) => assert!(promised.insert(name)),
        other => panic!("the child has no reason to say {other:?}"),
    }
}

async fn all_is_well(file: &std::path::Path, promised: &BTreeSet<String>) {
    let store = RedbStore::open_existing(file).unwrap();
    let census = store.check().await.unwrap();
    assert_eq!(census.problems, Vec::<String>::new());
    let accounts = store.accounts(None, 1_000_000).await.unwrap();
    assert_eq!(accounts.len() as u64, census.accounts);
    let there: BTreeSet<_> = accounts.iter().map(|account| account.name.as_str()).collect();
    let lost: Vec<_> = promised.iter().filter(|name| !there.contains(name.as_str())).collect();
    assert!(lost.is_empty(), "promised and gone: {lost:?}");
    for account in &accounts {
        // A whole one: what was written for it, found both ways.
        assert_eq!(account.secret, crate::samples::secret(account.name.as_str()));
        assert_eq!(store.account(account.id).await.unwrap().as_ref(), Some(account));
    }
    assert_eq!(store.account_named(&name("nobody")).await.unwrap(), None);
    assert!(store.rooms().await.unwrap().len() <= 1);
}
