//! Ten thousand at once who connect and do not come to the point: they say nothing, or a byte a second, or half a hello.
//! They are gone at their deadline, cost little until then, and hold up nobody.

use crate::{
    crowd::{self, connect_from, long_hello},
    process::allow_connections,
    running::within,
    watched::{Page, Watched},
};
use malpan_client::protocol::MAX_HELLO_FRAME;
use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::{sleep, timeout},
};

const CROWD: usize = 10_000;
/// So many connect at a time: fewer than the kernel holds until they are accepted. The others would try again a second
/// later, and then three, and seven.
const BATCH: usize = 2_000;
/// The deadlines that the test gives itself: longer, the slower the machine is.
const DEADLINES: (Duration, Duration) = (Duration::from_secs(20), Duration::from_secs(120));
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

fn half_a_hello() -> Vec<u8> {
    let hello = long_hello();
    hello[..hello.len() / 2].into()
}

async fn stranger(number: usize, address: SocketAddr, deadline: Duration) -> Gone {
    let (manner, began) = (number % MANNERS.len(), Instant::now());
    let mut stream = connect_from(number, address).await.unwrap();
    if manner == 2 {
        stream.write_all(&half_a_hello()).await.unwrap();
    }
    let (mut reader, mut writer) = stream.split();
    let mut heard = Vec::new();
    let dribble = async {
        // The longest hello that is listened to, of which the last byte does not come in time.
        let mut hello = [0; 2 + MAX_HELLO_FRAME];
        hello[..2].copy_from_slice(&u16::try_from(MAX_HELLO_FRAME).unwrap().to_le_bytes());
        for byte in hello {
            if manner == 1 {
                // Where it fails, the end is there to be read.
                let _ = writer.write_all(&[byte]).await;
            }
            sleep(Duration::from_secs(1)).await;
        }
    };
    let end = timeout(deadline * 2, reader.read_to_end(&mut heard));
    tokio::select! {
        end = end => drop(end.unwrap_or_else(|_| panic!("still there: {}", MANNERS[manner])).unwrap()),
        () = dribble => unreachable!("it takes longer than the longest deadline"),
    }
    Gone { manner, after: began.elapsed(), heard }
}

/// The time in which ten thousand certainly come, by that of a thousand.
async fn deadline() -> Duration {
    let server = Watched::start("").await;
    let (address, began) = (server.address, Instant::now());
    let crowd = crowd::send(CROWD / 10, CROWD / 10, move |number| connect_from(number, address));
    let there = within(crowd).await.unwrap();
    server.until("a thousand are there", |page| page.value("malpan_connections_accepted_total") >= 1_000.0).await;
    drop(there);
    println!("a thousand came within {:?}", began.elapsed());
    // In whole seconds, as it is configured.
    let most = began.elapsed() * 10 * 5;
    Duration::from_secs(most.clamp(DEADLINES.0, DEADLINES.1).as_secs())
}

#[tokio::test]
async fn ten_thousand_who_do_not_come_to_the_point_are_gone_at_the_deadline_and_hold_up_nobody() {
    allow_connections(CROWD);
    let deadline = deadline().await;
    // What a busy machine may take longer.
    let slack = deadline / 2;
    let server = Watched::start(&format!(
        "[limits]\nsessions = {0}\nunsigned = {0}\nhello_within = \"{1}s\"",
        CROWD + 100,
        deadline.as_secs()
    ))
    .await;
    // What the first clients leave behind is not the crowd's.
    for number in 0..20 {
        drop(server.player(&format!("first {number}")).await);
    }
    server.until("the first have gone", |page| page.value("malpan_sessions") == 0.0).await;
    let (before, memory_before) = (server.standing().await, server.process.memory());
    let read_before = server.page().await.value("malpan_read_bytes_total");

    let (address, began) = (server.address, Instant::now());
    let mut crowds = Vec::new();
    for count in 1..=CROWD / BATCH {
        crowds.push(crowd::send(BATCH, BATCH, move |number| stranger(number, address, deadline)));
        let all = |page: &Page| page.value("malpan_unsigned_sessions") == (count * BATCH) as f64;
        timeout(deadline, server.until("all are there", all)).await.expect("all are there before the first has to go");
    }
    println!("all there after {:?} of {deadline:?}", began.elapsed());
    let mut slowest = Duration::ZERO;
    for number in 0..20 {
        let began = Instant::now();
        let honest = server.guest(&format!("honest {number}")).await;
        slowest = slowest.max(began.elapsed());
        drop(honest);
    }
    // Half the hellos, and some bytes of the slow ones.
    let said = (CROWD / 3 * (half_a_hello().len() + 3)) as f64;
    server.until("bytes have come", |page| page.value("malpan_read_bytes_total") - read_before > said).await;
    let held = (server.process.memory() - memory_before) / CROWD as u64;
    let unsigned = server.page().await.value("malpan_unsigned_sessions");
    assert_eq!(unsigned, CROWD as f64, "all of them are still there when their memory is measured");
    assert!(held <= HELD_BYTES, "each of them holds {held} bytes");
    assert!(slowest <= SIGN_IN_WITHIN, "an honest player waited {slowest:?}");

    let mut gone = Vec::new();
    for crowd in crowds {
        gone.extend(timeout(deadline * 3, crowd).await.unwrap().unwrap());
    }
    assert_eq!(gone.len(), CROWD);
    for (manner, name) in MANNERS.iter().enumerate() {
        let of_this: Vec<_> = gone.iter().filter(|gone| gone.manner == manner).collect();
        let after = of_this.iter().map(|gone| gone.after);
        let (first, last) = (after.clone().min().unwrap(), after.max().unwrap());
        println!("{name}: {} gone after {first:?} to {last:?}", of_this.len());
        assert!(first >= deadline && last <= deadline + slack, "{name}: gone after {first:?} to {last:?}");
        assert!(of_this.iter().all(|gone| gone.heard == KICKED_TOO_LATE), "{name}: each was told why");
    }
    println!("each held {held} bytes; the slowest of 20 honest sign-ins took {slowest:?}");
    server.settles_to(&before).await;
    let page = server.page().await;
    assert_eq!(page.value("malpan_sessions_closed_total{reason=\"deadline\"}"), CROWD as f64);
}
