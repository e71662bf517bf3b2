//! Ten thousand at once who connect and do not come to the point: they say nothing, or a byte a second, or half a hello.
//! They are gone at their deadline, cost little until then, and hold up nobody.

use crate::{
    crowd::{self, connect_from, long_hello},
    process::allow_connections,
    running::within,
    watched::Watched,
};
use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::{sleep, timeout},
};

const CROWD: usize = 10_000;
/// Long enough for all of them to be there at once, also where the machine is slow.
const DEADLINE: Duration = Duration::from_secs(20);
/// What a busy machine may take longer.
const SLACK: Duration = Duration::from_secs(5);
/// What each may cost in the meantime.
const HELD_BYTES: u64 = 4096;
const SIGN_IN_WITHIN: Duration = Duration::from_secs(1);
const KICKED_TOO_LATE: [u8; 4] = [2, 0, 17, 1];

const MANNERS: [&str; 3] = ["say nothing", "a byte a second", "half a hello"];

/// What became of one of them.
struct Gone {
    manner: usize,
    /// From before it connected until the end of the stream.
    after: Duration,
    heard: Vec<u8>,
}

async fn stranger(number: usize, address: SocketAddr, hello: Arc<[u8]>) -> Gone {
    let (manner, began) = (number % MANNERS.len(), Instant::now());
    let mut stream = connect_from(0, address).await.unwrap();
    if manner == 2 {
        stream.write_all(&hello[..hello.len() / 2]).await.unwrap();
    }
    let (mut reader, mut writer) = stream.split();
    let mut heard = Vec::new();
    let dribble = async {
        if manner == 1 {
            for byte in &*hello {
                // Where it fails, the end is there to be read.
                let _ = writer.write_all(&[*byte]).await;
                sleep(Duration::from_secs(1)).await;
            }
        }
        std::future::pending::<()>().await;
    };
    let end = timeout(DEADLINE * 2, reader.read_to_end(&mut heard));
    tokio::select! {
        end = end => drop(end.unwrap_or_else(|_| panic!("still there: {}", MANNERS[manner])).unwrap()),
        () = dribble => {}
    }
    Gone { manner, after: began.elapsed(), heard }
}

#[tokio::test]
async fn ten_thousand_who_do_not_come_to_the_point_are_gone_at_the_deadline_and_hold_up_nobody() {
    allow_connections(CROWD);
    let hello: Arc<[u8]> = long_hello().into();
    assert!(hello.len() as u64 > (DEADLINE + SLACK).as_secs(), "at a byte a second it is not said in time");
    let server = Watched::start(&format!(
        "[limits]\nsessions = {0}\nunsigned = {0}\nhello_within = \"{1}s\"",
        CROWD + 100,
        DEADLINE.as_secs()
    ))
    .await;
    // What the first clients leave behind is not the crowd's.
    for number in 0..20 {
        drop(server.player(&format!("first {number}")).await);
    }
    server.until("the first have gone", |page| page.value("malpan_sessions") == 0.0).await;
    let (before, memory_before) = (server.standing().await, server.process.memory());
    let read_before = server.page().await.value("malpan_read_bytes_total");

    let (address, half) = (server.address, hello.len() / 2);
    let crowd = crowd::send(CROWD, CROWD, move |number| stranger(number, address, Arc::clone(&hello)));
    let began = Instant::now();
    server.until("all are there", |page| page.value("malpan_unsigned_sessions") == CROWD as f64).await;
    println!("all there after {:?}", began.elapsed());
    let mut slowest = Duration::ZERO;
    for number in 0..20 {
        let began = Instant::now();
        let honest = server.guest(&format!("honest {number}")).await;
        slowest = slowest.max(began.elapsed());
        drop(honest);
    }
    // Half the hellos, and some bytes of the slow ones.
    let said = (CROWD / 3 * (half + 3)) as f64;
    server.until("bytes have come", |page| page.value("malpan_read_bytes_total") - read_before > said).await;
    let held = (server.process.memory() - memory_before) / CROWD as u64;
    let unsigned = server.page().await.value("malpan_unsigned_sessions");
    assert_eq!(unsigned, CROWD as f64, "all of them are still there when their memory is measured");
    assert!(held <= HELD_BYTES, "each of them holds {held} bytes");
    assert!(slowest <= SIGN_IN_WITHIN, "an honest player waited {slowest:?}");

    let gone = within(crowd).await.unwrap();
    assert_eq!(gone.len(), CROWD);
    for (manner, name) in MANNERS.iter().enumerate() {
        let of_this: Vec<_> = gone.iter().filter(|gone| gone.manner == manner).collect();
        let after = of_this.iter().map(|gone| gone.after);
        let (first, last) = (after.clone().min().unwrap(), after.max().unwrap());
        println!("{name}: {} gone after {first:?} to {last:?}", of_this.len());
        assert!(first >= DEADLINE && last <= DEADLINE + SLACK, "{name}: gone after {first:?} to {last:?}");
        assert!(of_this.iter().all(|gone| gone.heard == KICKED_TOO_LATE), "{name}: each was told why");
    }
    println!("each held {held} bytes; the slowest of 20 honest sign-ins took {slowest:?}");
    server.settles_to(&before).await;
    let page = server.page().await;
    assert_eq!(page.value("malpan_sessions_closed_total{reason=\"deadline\"}"), CROWD as f64);
}
