//! More rooms than come over a slow line in the time of one answer.

use super::{address, server::Redis};
use crate::samples::{name, new_account};
use bytes::Bytes;
use malpan_protocol::RoomId;
use malpan_server::{
    Server,
    config::{AddressOrOff, Config},
    store::{RedisStore, RoomChange, SavedRoom, Store},
};
use std::{future::Future, net::SocketAddr, pin::pin, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    time::sleep,
};

/// What the line carries in a second, in each direction.
const BYTES_A_SECOND: u32 = 8 << 20;
/// The most that a room has, nearly.
const RECORD: usize = 80_000;
/// So many of them take 1.7 s over the line, and one answer may take 1.5 s.
const ROOMS: u32 = 180;

/// A line to a Redis that carries so much in a second and no more. It ends with the runtime.
async fn slow_line(redis: &Redis) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (line, port) = (listener.local_addr().unwrap(), redis.port());
    tokio::spawn(async move {
        while let Ok((near, _)) = listener.accept().await {
            let far = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
            let ((near_in, near_out), (far_in, far_out)) = (near.into_split(), far.into_split());
            tokio::spawn(carry(near_in, far_out));
            tokio::spawn(carry(far_in, near_out));
        }
    });
    line
}

async fn carry(mut from: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(length @ 1..) = from.read(&mut buffer).await {
        sleep(Duration::from_secs(1) * u32::try_from(length).unwrap() / BYTES_A_SECOND).await;
        if to.write_all(&buffer[..length]).await.is_err() {
            return;
        }
    }
}

/// Signs Ann in, so to speak, again and again until `work` is done; and how often.
async fn signing_in<T>(store: &RedisStore, work: impl Future<Output = T>) -> (T, usize) {
    let mut work = pin!(work);
    let mut times = 0;
    loop {
        tokio::select! {
            done = &mut work => return (done, times),
            account = store.account_named(&name("Ann")) => {
                assert!(account.unwrap().is_some());
                times += 1;
            }
        }
    }
}

async fn save(store: &RedisStore, rooms: &[SavedRoom]) {
    let changes = rooms.iter().cloned().map(RoomChange::Saved);
    for piece in store.rooms_at_once().cut(changes, RoomChange::bytes) {
        store.save_rooms(piece).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs redis-server"]
async fn many_rooms_are_saved_and_read_over_a_slow_line_and_nobody_waits_for_more_than_a_piece() {
    let redis = Redis::start(&[]);
    let line = slow_line(&redis).await;
    let store = RedisStore::open(&address(&format!("redis://{line}"))).unwrap();
    store.create_account(new_account("Ann")).await.unwrap();
    let record = Bytes::from(vec![b'x'; RECORD]);
    let rooms: Vec<_> =
        (1..=ROOMS).map(|id| SavedRoom { id: RoomId(id), incarnation: id, record: record.clone() }).collect();
    let ((), signed_in) = signing_in(&store, save(&store, &rooms)).await;
    assert!(signed_in > 10, "{signed_in} while they were saved");
    let (read, signed_in) = signing_in(&store, store.rooms()).await;
    assert!(read.unwrap() == rooms, "all of them, once each, in their order");
    assert!(signed_in > 10, "{signed_in} while they were read");
    let census = store.check().await.unwrap();
    assert_eq!((census.rooms, census.problems), (ROOMS.into(), Vec::new()));
    assert!(store.is_well());
}

/// A room of the server's own: a board of 8 x 8 with nothing on it, and 50 lines of chat as long as they may be.
fn board(id: u32) -> SavedRoom {
    let said = format!(r#"{{"name":"Ann","emote":false,"text":"{}"}}"#, "\u{1F600}".repeat(200));
    let room = format!(
        r#"{{"version":1,"room":{{"saved_at":{id},"game":"board","title":"r","seats":10,"owned":false,"age_ms":1,"members":[{{"seat":0,"name":"lecture-{id}"}}],"said":[{}]}}}}"#,
        vec![said; 50].join(",")
    );
    let record = [room.as_bytes(), b"\n\x08\x08\x01\0\0\0"].concat();
    SavedRoom { id: RoomId(id), incarnation: 1, record: record.into() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs redis-server"]
async fn a_server_with_many_rooms_starts_over_a_slow_line() {
    let redis = Redis::start(&[]);
    let here = || RedisStore::open(&address(&redis.url(""))).unwrap();
    let rooms: Vec<_> = (1..=2 * ROOMS).map(board).collect();
    let bytes: usize = rooms.iter().map(|room| room.record.len()).sum();
    assert!(bytes > RECORD * ROOMS as usize, "as many bytes as above");
    save(&here(), &rooms).await;

    let line = slow_line(&redis).await;
    let config = Config {
        listen: vec![SocketAddr::from(([127, 0, 0, 1], 0))],
        http: AddressOrOff::Off,
        store: format!("redis://{line}").parse().unwrap(),
        shards: 1,
        ..Config::default()
    };
    let server = Server::start(config).unwrap();
    server.load().await;
    assert_eq!(server.host().rooms(), rooms.len());
    let life =
        |id| redis.tell(&format!(r#"EVAL "return string.byte(redis.call('HGET', 'malpan:rooms:main', {id}))" 0"#));
    assert_eq!([1, 2 * ROOMS].map(life), [":2", ":2"], "the lives of the first and the last one are counted");
}
