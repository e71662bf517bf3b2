//! A disk that takes no more: what it does not take is refused, and nothing else happens.

#![cfg(target_os = "linux")]

use crate::child::{Said, Working};
use malpan_server::store::{RedbStore, Store};
use rlimit::{INFINITY, Resource, prlimit};
use std::{
    cell::Cell,
    collections::BTreeSet,
    time::{Duration, Instant},
};

/// No file may grow over this, which some hundred accounts do.
const KIB: u64 = 512;

#[tokio::test]
async fn where_a_file_may_grow_no_further_writes_are_refused_until_it_may() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("store.redb");
    let mut child = Working::start_within(KIB, &file, "p");
    let (mut made, refused) = (BTreeSet::new(), Cell::new(0));
    let hear = |child: &mut Working, made: &mut BTreeSet<String>| match child.says() {
        Some(Said::Made(name)) => assert!(made.insert(name)),
        Some(Said::Refused(_, why)) => {
            assert!(why.contains("the store is not available"), "{why}");
            refused.set(refused.get() + 1);
        }
        None => panic!("the child has ended"),
    };
    while made.is_empty() {
        hear(&mut child, &mut made);
    }
    // Until there is no room, and then for longer than the store needs to try the file again.
    while refused.get() == 0 {
        hear(&mut child, &mut made);
    }
    let since = Instant::now();
    while since.elapsed() < Duration::from_millis(2500) {
        hear(&mut child, &mut made);
    }
    let full = made.len();
    let pid = child.id().try_into().unwrap();
    prlimit(pid, Resource::FSIZE, Some((INFINITY, INFINITY)), None).unwrap();
    while made.len() < full + 100 {
        hear(&mut child, &mut made);
    }
    made.extend(child.kill().into_iter().filter_map(|said| match said {
        Said::Made(name) => Some(name),
        Said::Refused(..) => None,
    }));

    let store = RedbStore::open_existing(&file).unwrap();
    let census = store.check().await.unwrap();
    assert_eq!(census.problems, Vec::<String>::new(), "never half an account");
    let there: BTreeSet<_> =
        store.accounts(None, 1_000_000).await.unwrap().iter().map(|account| account.name.to_string()).collect();
    let lost: Vec<_> = made.difference(&there).collect();
    assert!(lost.is_empty(), "promised and gone: {lost:?}");
}
