use super::{RETRY_AFTER, Saver, WRITE_AFTER};
use crate::store::{MemoryStore, Piece, RoomChange, SavedRoom, Store, TokenHash, TokenRecord};
use malpan_protocol::{Name, PlayerId, RoomId};
use std::{sync::Arc, time::Duration};
use tokio::time::{Instant, sleep};

const LITTLE: Duration = Duration::from_millis(1);

fn saved(id: u32, record: &'static str) -> RoomChange {
    RoomChange::Saved(SavedRoom { id: RoomId(id), incarnation: 1, record: record.into() })
}

fn token(byte: u8) -> (TokenHash, TokenRecord) {
    let record =
        TokenRecord { player: PlayerId(7), name: Name::new("Ann").unwrap(), is_guest: true, expires: u64::MAX };
    (TokenHash([byte; 32]), record)
}

fn running() -> (Arc<MemoryStore>, Saver) {
    let store = Arc::new(MemoryStore::default());
    let saver = Saver::new(Arc::clone(&store) as Arc<dyn Store>);
    tokio::spawn(saver.clone().run());
    (store, saver)
}

async fn rooms(store: &MemoryStore) -> Vec<(u32, Vec<u8>)> {
    store.rooms().await.unwrap().into_iter().map(|room| (room.id.0, room.record.to_vec())).collect()
}

#[tokio::test(start_paused = true)]
async fn the_latest_of_each_is_written_a_little_later() {
    let (store, saver) = running();
    for (id, record) in [(1, "first"), (2, "other"), (1, "second")] {
        saver.room(saved(id, record));
    }
    let (hash, record) = token(1);
    saver.token(hash, record.clone());
    assert_eq!((saver.waiting(), rooms(&store).await.len()), (3, 0));
    sleep(WRITE_AFTER + LITTLE).await;
    assert_eq!(rooms(&store).await, [(1, b"second".to_vec()), (2, b"other".to_vec())]);
    assert_eq!((store.token(hash).await.unwrap(), saver.waiting()), (Some(record), 0));

    saver.room(RoomChange::Gone(RoomId(2)));
    saver.room(RoomChange::SetAside { id: RoomId(1), why: "broken".into() });
    saver.revoke(hash);
    sleep(WRITE_AFTER + LITTLE).await;
    let census = store.check().await.unwrap();
    assert_eq!((census.rooms, census.tokens), (0, 0));
    assert_eq!(census.set_aside, [(RoomId(1), "broken".to_owned())]);
}

/// A server that runs for years opens many rooms and gives many tokens that come and go between two writes.
#[tokio::test(start_paused = true)]
async fn what_the_store_never_had_is_not_taken_from_it() {
    let (store, saver) = running();
    store.be_away(true);
    for id in 1..=100 {
        saver.room(RoomChange::Gone(RoomId(id)));
        saver.room(RoomChange::SetAside { id: RoomId(id), why: "broken".into() });
        let (hash, record) = token(u8::try_from(id).unwrap());
        saver.token(hash, record.clone());
        saver.prolong(hash, record);
        saver.revoke(hash);
    }
    assert_eq!(saver.waiting(), 0);
    saver.knows(RoomId(5), 1);
    saver.room(RoomChange::Gone(RoomId(5)));
    assert_eq!(saver.waiting(), 1, "that one is in the store from an earlier life");
}

#[tokio::test(start_paused = true)]
async fn what_a_store_did_not_take_is_written_when_it_answers_and_nothing_older() {
    let (store, saver) = running();
    let (kept, kept_record) = token(1);
    let (gone, gone_record) = token(2);
    store.be_away(true);
    saver.token(kept, kept_record);
    saver.token(gone, gone_record);
    saver.room(saved(1, "first"));
    sleep(WRITE_AFTER + LITTLE).await;
    assert_eq!(saver.waiting(), 3, "they wait");
    saver.room(saved(1, "second"));
    // It may be in the store: nobody knows how far the failed write went.
    saver.revoke(gone);
    assert_eq!(saver.waiting(), 3);
    store.be_away(false);
    sleep(RETRY_AFTER + LITTLE).await;
    assert_eq!(rooms(&store).await, [(1, b"second".to_vec())]);
    assert!(store.token(kept).await.unwrap().is_some() && store.token(gone).await.unwrap().is_none());
    assert_eq!(saver.waiting(), 0);
}

/// So that a slow store takes many rooms at last: what it has taken is not sent again with the rest.
#[tokio::test(start_paused = true)]
async fn rooms_are_written_in_pieces_and_of_those_the_failed_ones_again() {
    let (store, saver) = running();
    store.take_rooms_in(Piece { bytes: 6, count: 9 });
    store.refuse_room(Some(RoomId(3)));
    for (id, record) in [(1, "one"), (2, "two"), (3, "three"), (4, "4")] {
        saver.room(saved(id, record));
    }
    sleep(WRITE_AFTER + LITTLE).await;
    assert_eq!(rooms(&store).await, [(1, b"one".to_vec()), (2, b"two".to_vec())]);
    assert_eq!(saver.waiting(), 2, "the piece that failed, and what comes behind it");
    saver.room(saved(2, "2"));
    store.save_rooms(vec![RoomChange::Gone(RoomId(1))]).await.unwrap();
    store.refuse_room(None);
    sleep(RETRY_AFTER + LITTLE).await;
    let expected = [(2, b"2".to_vec()), (3, b"three".to_vec()), (4, b"4".to_vec())];
    assert_eq!(rooms(&store).await, expected, "the first was written, and is not written again");
    assert_eq!(saver.waiting(), 0);
}

/// A player who comes back again and again gets a new token each time.
#[tokio::test(start_paused = true)]
async fn however_many_tokens_come_and_go_while_the_store_is_away_few_wait() {
    let (store, saver) = running();
    store.be_away(true);
    for number in 1..=100 {
        let (hash, record) = token(number);
        saver.token(hash, record);
        // Each is there while the store is tried.
        sleep(RETRY_AFTER).await;
        saver.revoke(hash);
    }
    assert_eq!(saver.waiting(), 1, "the first, with which it was found out that the store is away");
    let (last, record) = token(101);
    saver.token(last, record.clone());
    store.be_away(false);
    sleep(RETRY_AFTER + LITTLE).await;
    assert_eq!((saver.waiting(), store.token(last).await.unwrap()), (0, Some(record)));
    assert_eq!(store.check().await.unwrap().tokens, 1);
}

#[tokio::test(start_paused = true)]
async fn a_revocation_is_known_until_the_store_knows_it() {
    let (store, saver) = running();
    let (hash, record) = token(1);
    saver.token(hash, record);
    assert!(!saver.revokes(hash));
    sleep(WRITE_AFTER + LITTLE).await;
    saver.revoke(hash);
    assert!(saver.revokes(hash) && store.token(hash).await.unwrap().is_some());
    // Also at the moment at which it is being written, and when that has failed.
    let shared = saver.0.as_ref().unwrap();
    let taken = shared.changes().take();
    assert!(saver.revokes(hash) && saver.waiting() == 0);
    shared.changes().give_back(taken.0, taken.1);
    store.be_away(true);
    sleep(WRITE_AFTER + LITTLE).await;
    assert!(saver.revokes(hash));
    store.be_away(false);
    sleep(RETRY_AFTER + LITTLE).await;
    assert!(!saver.revokes(hash) && store.token(hash).await.unwrap().is_none());
}

#[tokio::test(start_paused = true)]
async fn what_happens_after_the_end_is_not_kept_and_the_rest_is_written_in_time_or_given_up() {
    let (store, saver) = running();
    saver.room(saved(1, "last"));
    saver.freeze();
    saver.room(RoomChange::Gone(RoomId(1)));
    store.be_away(true);
    let end = Instant::now() + Duration::from_secs(3);
    assert!(!saver.finish(end).await);
    assert_eq!((Instant::now(), saver.waiting()), (end, 1));
    store.be_away(false);
    assert!(saver.finish(Instant::now() + LITTLE).await);
    assert_eq!(rooms(&store).await, [(1, b"last".to_vec())]);
}

#[test]
fn what_is_saved_later_has_a_later_time_whatever_the_clock_says() {
    let saver = Saver::new(Arc::new(MemoryStore::default()));
    let times: Vec<_> = (0..1000).map(|_| saver.time()).collect();
    assert!(times.is_sorted_by(|one, other| one < other));
    saver.knows(RoomId(1), 1 << 50);
    assert_eq!(saver.time(), (1 << 50) + 1);
}

#[tokio::test(start_paused = true)]
async fn a_saver_that_is_off_keeps_nothing() {
    let saver = Saver::off();
    saver.room(saved(1, "x"));
    let (hash, record) = token(1);
    saver.token(hash, record);
    assert_eq!((saver.is_on(), saver.waiting()), (false, 0));
    assert!(saver.finish(Instant::now()).await);
}
