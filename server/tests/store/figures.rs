//! Figures for `docs/measurements.md`, printed and held against nothing:
//! `cargo test -p malpan-server --test store -- --ignored --nocapture --test-threads=1 figures::`.

use crate::samples::new_account;
use futures::future::join_all;
use malpan_server::store::{RedbStore, RedisStore, Store};
use std::{
    io::{BufRead as _, BufReader},
    process::{Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::task::JoinSet;

/// How long accounts are made with so many callers at the same time.
const FOR: Duration = Duration::from_secs(5);
/// Accounts that are listed.
const LISTED: u32 = 100_000;

async fn create(store: &Arc<dyn Store>, callers: usize) {
    let until = Instant::now() + FOR;
    let mut tasks = JoinSet::new();
    for caller in 0..callers {
        let store = Arc::clone(store);
        tasks.spawn(async move {
            let mut took = Vec::new();
            while Instant::now() < until {
                let new = new_account(&format!("{callers}-{caller}-{}", took.len()));
                let asked = Instant::now();
                store.create_account(new).await.unwrap();
                took.push(asked.elapsed());
            }
            took
        });
    }
    let mut took: Vec<_> = tasks.join_all().await.into_iter().flatten().collect();
    took.sort_unstable();
    let at = |part: usize| took[(took.len() * part / 100).min(took.len() - 1)];
    let per_second = took.len() as f64 / FOR.as_secs_f64();
    println!("{callers:3} callers: {per_second:6.0}/s, p50 {:?}, p99 {:?}, max {:?}", at(50), at(99), at(100));
}

async fn list(store: &Arc<dyn Store>) {
    let filled = Instant::now();
    for thousand in 0..LISTED / 1000 {
        let made = (0..1000).map(|number| store.create_account(new_account(&format!("p{}", thousand * 1000 + number))));
        join_all(made).await.into_iter().for_each(|made| drop(made.unwrap()));
    }
    println!("{LISTED} accounts made, 1000 at the same time: {:?}", filled.elapsed());
    let (listed, mut count, mut after) = (Instant::now(), 0, None::<String>);
    loop {
        let page = store.accounts(after.as_deref(), 1000).await.unwrap();
        let Some(last) = page.last() else { break };
        (after, count) = (Some(last.name.folded()), count + page.len());
    }
    println!("{count} accounts listed in pages of 1000: {:?}", listed.elapsed());
    let checked = Instant::now();
    let census = store.check().await.unwrap();
    println!("{} accounts checked: {:?}, {} problems", census.accounts, checked.elapsed(), census.problems.len());
}

/// What an operator waits for `malpan-server account list`.
fn account_list(what: &str, store: &str) {
    let since = Instant::now();
    let output = program().args(["account", "list", "--store", store]).output().unwrap();
    let lines = output.stdout.iter().filter(|&&byte| byte == b'\n').count();
    println!("account list {what}: {lines} lines in {:?}", since.elapsed());
    assert_eq!(lines, LISTED as usize, "{}", String::from_utf8_lossy(&output.stderr));
}

fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_malpan-server"));
    command.env_clear();
    command
}

/// The same of a server that runs.
fn account_list_of_a_server(store: &str) {
    let mut command = program();
    command.args(["--listen", "127.0.0.1:0", "--http", "off", "--store", store]);
    let mut server = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut ready = String::new();
    BufReader::new(server.stdout.as_mut().unwrap()).read_line(&mut ready).unwrap();
    account_list("of a server that runs", store);
    server.kill().unwrap();
    server.wait().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "prints figures"]
async fn of_a_file() {
    let folder = tempfile::tempdir_in(env!("CARGO_MANIFEST_DIR")).unwrap();
    let file = folder.path().join("store.redb");
    let store: Arc<dyn Store> = Arc::new(RedbStore::open(&file).unwrap());
    for callers in [1, 8, 64] {
        create(&store, callers).await;
    }
    drop(store);
    let file = folder.path().join("many.redb");
    let store: Arc<dyn Store> = Arc::new(RedbStore::open(&file).unwrap());
    list(&store).await;
    drop(store);
    let opened = Instant::now();
    drop(RedbStore::open(&file).unwrap());
    let bytes = std::fs::metadata(&file).unwrap().len();
    println!("a file of {} KiB opened, all of it read: {:?}", bytes / 1024, opened.elapsed());
    let which = format!("redb:{}", file.display());
    account_list("of a file", &which);
    account_list_of_a_server(&which);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "prints figures, needs redis-server"]
async fn of_a_server_of_redis() {
    let redis = crate::redis::server::Redis::start(&["--appendfsync", "everysec"]);
    let store: Arc<dyn Store> = Arc::new(RedisStore::open(&crate::redis::address(&redis.url(""))).unwrap());
    for callers in [1, 8, 64] {
        create(&store, callers).await;
    }
    drop(store);
    let many = redis.url("?prefix=many:");
    let store: Arc<dyn Store> = Arc::new(RedisStore::open(&crate::redis::address(&many)).unwrap());
    list(&store).await;
    drop(store);
    account_list("of Redis", &many);
}
