//! Several servers on one Redis.

use super::{address, server::Redis};
use crate::samples::{hash, name, new_account, room, token};
use futures::future::join_all;
use malpan_server::store::{CreateError, RedisOpenError, RedisStore, RoomChange, Store};
use std::{collections::BTreeSet, sync::Arc, time::Instant};

fn node(redis: &Redis, name: &str) -> RedisStore {
    RedisStore::open(&address(&redis.url(&format!("?node={name}")))).unwrap()
}

#[tokio::test]
#[ignore = "needs redis-server"]
async fn names_and_numbers_are_unique_among_them_and_rooms_each_ones_own() {
    let redis = Redis::start(&[]);
    let nodes: Vec<_> = ["a", "b", "c"].map(|name| Arc::new(node(&redis, name))).into();
    for round in 0..10 {
        let new = new_account(&format!("Ann{round}"));
        let answers = join_all(nodes.iter().map(|node| node.create_account(new.clone()))).await;
        let taken = answers.iter().filter(|answer| matches!(answer, Err(CreateError::NameTaken(_)))).count();
        assert_eq!((taken, answers.iter().flatten().count()), (2, 1), "{answers:?}");
    }
    let reserved = join_all(nodes.iter().map(|node| node.reserve_players(10))).await;
    let numbers: BTreeSet<_> = reserved.into_iter().flat_map(Result::unwrap).collect();
    assert_eq!(numbers.len(), 30);

    let ann = nodes[0].account_named(&name("ann0")).await.unwrap().unwrap();
    nodes[0].put_token(hash(1), token(ann.id)).await.unwrap();
    assert!(nodes[1].set_ban(ann.id, None).await.unwrap());
    assert_eq!(nodes[0].token(hash(1)).await.unwrap(), None, "revoked by another node");
    nodes[0].put_token(hash(2), token(ann.id)).await.unwrap();
    let brings_back = join_all(nodes.iter().map(|node| node.token(hash(2)))).await;
    let brings_back: Vec<_> = brings_back.into_iter().map(|token| token.unwrap().is_some()).collect();
    assert_eq!(brings_back, [true, false, false], "the player may be with that node still");

    for node in &nodes[..2] {
        node.save_rooms(vec![RoomChange::Saved(room(1, b"own"))]).await.unwrap();
    }
    nodes[0].save_rooms(vec![RoomChange::Gone(room(1, b"").id)]).await.unwrap();
    let rooms = join_all(nodes.iter().map(|node| node.rooms())).await;
    assert_eq!(rooms.iter().map(|rooms| rooms.as_ref().unwrap().len()).collect::<Vec<_>>(), [0, 1, 0]);
}

#[tokio::test]
#[ignore = "needs redis-server"]
async fn two_servers_cannot_have_the_same_name_and_a_successor_can() {
    let redis = Redis::start(&[]);
    let first = node(&redis, "a");
    let error = RedisStore::open(&address(&redis.url("?node=a"))).unwrap_err();
    assert!(matches!(error, RedisOpenError::Held(_)) && error.to_string().contains("node=NAME"), "{error}");
    first.save_rooms(vec![RoomChange::Saved(room(1, b"one"))]).await.unwrap();
    assert!(first.is_well(), "the first is not disturbed");

    drop(first);
    let started = Instant::now();
    let second = node(&redis, "a");
    assert!(started.elapsed() < super::PATIENCE);
    assert_eq!(second.rooms().await.unwrap(), [room(1, b"one")]);
    drop(second);
    // One that was killed gives nothing back: its successor waits for its lease to end.
    redis.tell("SET malpan:node:a somebody PX 2000");
    assert_eq!(node(&redis, "a").rooms().await.unwrap(), [room(1, b"one")]);
}

#[tokio::test]
#[ignore = "needs redis-server"]
async fn a_token_ends_in_redis_too() {
    let redis = Redis::start(&[]);
    let store = node(&redis, "a");
    let ann = store.create_account(new_account("Ann")).await.unwrap();
    store.put_token(hash(0), token(ann.id)).await.unwrap();
    let key = format!("malpan:token:{}", "00".repeat(32));
    let life = redis.tell(&format!("TTL {key}"));
    let seconds: u64 = life.strip_prefix(':').unwrap().parse().unwrap();
    assert!((1..=3600).contains(&seconds), "{life}");
    let of = redis.tell(&format!("TTL malpan:tokens_of:{}", ann.id));
    assert!((1..=3600).contains(&of.strip_prefix(':').unwrap().parse().unwrap()), "{of}");
    for forever in ["accounts", "account_names", "account_order", "last_player", "schema"] {
        assert_eq!(redis.tell(&format!("TTL malpan:{forever}")), ":-1", "{forever}");
    }
}
