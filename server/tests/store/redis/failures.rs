//! A Redis that is away, slow, full, read-only, or not to be used at all.

use super::{PATIENCE, address, server::Redis};
use crate::samples::{hash, name, new_account, room, token};
use futures::FutureExt as _;
use malpan_server::store::{Ban, CreateError, RedisOpenError, RedisStore, RoomChange, Store, StoreError};
use std::{
    future::Future,
    time::{Duration, Instant},
};

/// In this time everyone has an answer: 2 s, and what a busy machine may take beside.
const ANSWERED_WITHIN: Duration = Duration::from_secs(8);

fn open(redis: &Redis) -> RedisStore {
    RedisStore::open(&address(&redis.url(""))).unwrap()
}

async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let started = Instant::now();
    while !holds().await {
        assert!(started.elapsed() < PATIENCE, "{what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// What the store says when it is asked, and how long that takes.
async fn asked<T>(answer: impl Future<Output = T>) -> (T, Duration) {
    let asked = Instant::now();
    (answer.await, asked.elapsed())
}

/// Everyone who asks is told to try again, in time, until the store knows that it is not well, and then at once.
async fn is_away(store: &RedisStore) {
    let (answer, after) = asked(store.create_account(new_account("nobody"))).await;
    assert!(matches!(&answer, Err(CreateError::Store(error)) if error.may_pass()), "{answer:?}");
    assert!(after < ANSWERED_WITHIN, "{after:?}");
    println!("answered after {after:?}");
    until("the store knows that it is not well", async || !store.is_well()).await;
    let answer = store.account_named(&name("Ann")).now_or_never();
    assert!(matches!(&answer, Some(Err(StoreError::Unavailable { .. }))), "nobody waits for it: {answer:?}");
}

async fn is_back(store: &RedisStore) {
    until("it heals by itself", async || store.is_well() && store.rooms().await.is_ok()).await;
}

#[tokio::test]
#[ignore = "needs redis-server"]
async fn one_that_is_killed_is_away_and_everything_is_there_when_it_is_back() {
    let mut redis = Redis::start(&[]);
    let store = open(&redis);
    let ann = store.create_account(new_account("Ann")).await.unwrap();
    redis.kill();
    is_away(&store).await;
    redis.restart();
    is_back(&store).await;
    assert_eq!(store.account(ann.id).await.unwrap(), Some(ann));
    store.create_account(new_account("Bob")).await.unwrap();
}

#[tokio::test]
#[ignore = "needs redis-server"]
async fn one_that_is_stopped_holds_nobody_up_for_longer_than_two_seconds() {
    let redis = Redis::start(&[]);
    let store = open(&redis);
    redis.signal("STOP");
    is_away(&store).await;
    redis.signal("CONT");
    is_back(&store).await;
    store.create_account(new_account("Ann")).await.unwrap();
}

/// So what lay in a socket while Redis stood still undoes nothing that a later connection wrote.
#[tokio::test]
#[ignore = "needs redis-server"]
async fn a_connection_that_is_not_its_nodes_last_one_writes_nothing() {
    let redis = Redis::start(&[]);
    let store = open(&redis);
    let ann = store.create_account(new_account("Ann")).await.unwrap();
    store.put_token(hash(1), token(ann.id)).await.unwrap();
    let saved = |record: &'static [u8]| vec![RoomChange::Saved(room(1, record))];
    store.save_rooms(saved(b"kept")).await.unwrap();
    for write in 0..8 {
        is_back(&store).await;
        assert_eq!(redis.tell("SET malpan:node:main another PX 60000"), "+OK");
        // The store does not know yet.
        let refused = match write {
            0 => store.save_rooms(saved(b"late")).await.is_err(),
            1 => store.save_rooms(vec![RoomChange::Gone(room(1, b"").id)]).await.is_err(),
            2 => store.create_account(new_account("late")).await.is_err(),
            3 => store.set_ban(ann.id, Some(Ban { reason: "late".into(), since: 1 })).await.is_err(),
            4 => store.delete_account(ann.id).await.is_err(),
            5 => store.put_token(hash(2), token(ann.id)).await.is_err(),
            6 => store.revoke_token(hash(1)).await.is_err(),
            _ => store.reserve_players(1).await.is_err(),
        };
        assert!(refused, "write {write}");
        assert_eq!(redis.tell("DEL malpan:node:main"), ":1");
    }
    is_back(&store).await;
    assert_eq!(store.rooms().await.unwrap(), [room(1, b"kept")]);
    assert_eq!(store.accounts(None, 9).await.unwrap(), [ann]);
    assert!(store.token(hash(1)).await.unwrap().is_some() && store.token(hash(2)).await.unwrap().is_none());
    assert_eq!(store.reserve_players(1).await.unwrap(), 2..3);
}

#[tokio::test]
#[ignore = "needs redis-server"]
async fn one_that_is_read_only_takes_nothing_until_it_is_no_replica_any_more() {
    let (primary, redis) = (Redis::start(&[]), Redis::start(&[]));
    let store = open(&redis);
    let ann = store.create_account(new_account("Ann")).await.unwrap();
    // It keeps what it has until it has heard from its primary, which it never does: that has another password.
    assert_eq!(primary.tell("CONFIG SET requirepass other"), "+OK");
    assert_eq!(redis.tell(&format!("REPLICAOF 127.0.0.1 {}", primary.port())), "+OK");
    is_away(&store).await;
    assert_eq!(redis.tell("REPLICAOF NO ONE"), "+OK");
    is_back(&store).await;
    assert_eq!(store.account(ann.id).await.unwrap(), Some(ann));
}

#[tokio::test]
#[ignore = "needs redis-server"]
async fn one_that_is_full_takes_nothing_until_there_is_room() {
    let redis = Redis::start(&[]);
    let store = open(&redis);
    assert_eq!(redis.tell("CONFIG SET maxmemory 1"), "+OK");
    is_away(&store).await;
    assert_eq!(redis.tell("CONFIG SET maxmemory 0"), "+OK");
    is_back(&store).await;
    store.create_account(new_account("Ann")).await.unwrap();
}

#[tokio::test]
#[ignore = "needs redis-server"]
async fn one_that_is_away_at_start_is_waited_for() {
    let mut redis = Redis::start(&[]);
    let place = redis.url("");
    redis.kill();
    let store = RedisStore::open(&address(&place)).unwrap();
    assert!(!store.is_well());
    assert!(matches!(store.rooms().await, Err(StoreError::Unavailable { .. })));
    redis.restart();
    is_back(&store).await;
}

#[tokio::test]
#[ignore = "needs redis-server"]
async fn a_wrong_password_is_an_error_at_start_that_does_not_show_it() {
    let redis = Redis::start(&["--requirepass", "right-one"]);
    let with = |password: &str| redis.url("").replace("redis://", &format!("redis://{password}"));
    for password in ["", ":wr0ng@", "ann:wr0ng@"] {
        let error = RedisStore::open(&address(&with(password))).unwrap_err();
        assert!(matches!(error, RedisOpenError::Refused(..)), "{error}");
        assert!(!format!("{error} {error:?}").contains("wr0ng"), "{error}");
    }
    let store = RedisStore::open(&address(&with(":right-one@"))).unwrap();
    store.create_account(new_account("Ann")).await.unwrap();
    assert!(!format!("{store:?}").contains("right-one"));
}

#[tokio::test]
#[ignore = "needs redis-server"]
async fn what_is_no_redis_or_holds_another_version_is_an_error_at_start() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let _ = std::io::Write::write_all(&mut stream.unwrap(), b"HTTP/1.1 400 Bad Request\r\n\r\n");
        }
    });
    let error = RedisStore::open(&address(&format!("redis://127.0.0.1:{port}"))).unwrap_err();
    assert!(matches!(error, RedisOpenError::Refused(..)), "{error}");

    let redis = Redis::start(&[]);
    redis.tell("SET malpan:schema 1000");
    let error = RedisStore::open(&address(&redis.url(""))).unwrap_err();
    assert!(error.to_string().contains("schema"), "{error}");
}
