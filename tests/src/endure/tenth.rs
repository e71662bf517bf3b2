//! A tenth player in every room, who signals all the time, and who reads what comes or does not.

use super::hostile::{enter, signal};
use anyhow::{Result, anyhow};
use malpan_client::{
    Client, ConnectOptions,
    protocol::{RoomFilter, RoomId},
};
use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinSet,
    time::{MissedTickBehavior, interval, sleep},
};
use tokio_util::sync::CancellationToken;

/// Within what is allowed, ten a second.
const SIGNAL_EVERY: Duration = Duration::from_millis(125);

/// One in each of some rooms.
#[derive(Debug)]
pub(super) struct Tenths {
    players: JoinSet<()>,
    counts: Arc<Counts>,
    stop: CancellationToken,
}

/// What became of them.
#[derive(Debug, Default)]
pub(super) struct Counts {
    /// How often one was cut, and came back.
    pub(super) cuts: AtomicU64,
    /// How often one did not get its seat back.
    pub(super) seats_lost: AtomicU64,
}

impl Tenths {
    /// Opens so many rooms, with one in each.
    pub(super) async fn sit_down(to: SocketAddr, rooms: u32, reads: bool) -> Result<Self> {
        let mut tenths = Self { players: JoinSet::new(), counts: Arc::default(), stop: CancellationToken::new() };
        for _ in 0..rooms {
            let (stream, room) = enter(to, None).await.map_err(|end| anyhow!("a room could not be opened: {end:?}"))?;
            let (counts, stop) = (Arc::clone(&tenths.counts), tenths.stop.clone());
            tenths.players.spawn(async move {
                tokio::select! {
                    () = stay(to, stream, room, reads, &counts) => {}
                    () = stop.cancelled() => {}
                }
            });
        }
        Ok(tenths)
    }

    /// They go.
    pub(super) async fn leave(mut self) -> Arc<Counts> {
        self.stop.cancel();
        while self.players.join_next().await.is_some() {}
        self.counts
    }
}

/// Sits there, and comes back whenever it is cut.
async fn stay(to: SocketAddr, mut stream: TcpStream, room: RoomId, reads: bool, counts: &Counts) {
    loop {
        // The end of it is an error.
        let _ = if reads { signal_and_read(&mut stream).await } else { signal_alone(&mut stream).await };
        counts.cuts.fetch_add(1, Ordering::Relaxed);
        stream = loop {
            match enter(to, Some(room)).await {
                Ok((stream, _)) => break stream,
                Err(_) => counts.seats_lost.fetch_add(1, Ordering::Relaxed),
            };
            sleep(SIGNAL_EVERY).await;
        };
    }
}

async fn signal_alone(stream: &mut TcpStream) -> std::io::Result<()> {
    let signal = signal();
    let mut ticks = interval(SIGNAL_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        stream.write_all(&signal).await?;
    }
}

async fn signal_and_read(stream: &mut TcpStream) -> std::io::Result<()> {
    let signal = signal();
    let (mut reader, mut writer) = stream.split();
    let mut ticks = interval(SIGNAL_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut space = [0; 4096];
    loop {
        tokio::select! {
            _ = ticks.tick() => writer.write_all(&signal).await?,
            read = reader.read(&mut space) => if read? == 0 { return Ok(()) },
        }
    }
}

/// How many rooms there are, and how many of them have no free seat.
pub(super) async fn rooms_and_full_ones(to: SocketAddr) -> Result<(usize, usize)> {
    let mut client = Client::connect(&to.to_string(), &ConnectOptions::default()).await?;
    client.sign_in_guest(crate::name("looks on")).await?;
    let (mut rooms, mut full, mut after) = (0, 0, RoomId(0));
    loop {
        let page = client.list_rooms(after, RoomFilter::All).await?;
        rooms += page.rooms.len();
        full += page.rooms.iter().filter(|room| usize::from(room.taken) == room.seats.count()).count();
        match page.next {
            Some(next) => after = next,
            None => break,
        }
        // Lists have a budget.
        sleep(Duration::from_millis(600)).await;
    }
    client.bye().await?;
    Ok((rooms, full))
}
