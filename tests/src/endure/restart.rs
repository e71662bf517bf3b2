//! Players on boards whose server is killed, or stopped, and started again: are all of them back on their boards, how soon, and
//! is anything lost or told twice?

use super::{Common, frames::ended_well, gauges::Page, goals::Goals, server::Server};
use crate::name;
use anyhow::{Context, Result, bail};
use clap::Args;
use malpan_client::{
    Client, ClientError, ConnectOptions, Room, RoomError,
    protocol::{DenialCode, Direction, JoinTarget, Resumption, ServerPacket},
};
use serde::Serialize;
use std::{fs, net::SocketAddr, path::Path, time::Duration};
use tokio::{
    sync::{mpsc, watch},
    task::JoinSet,
    time::{Instant, MissedTickBehavior, interval, sleep, timeout},
};

/// For all to be back.
const PATIENCE: Duration = Duration::from_secs(60);
/// Between two tries to reach the server, from a third of it on.
const AGAIN_WITHIN: Duration = Duration::from_millis(150);
/// How soon all but one in a hundred have to be back.
const SOON_MS: f64 = 2000.0;

#[derive(Debug, Args)]
pub(super) struct Flags {
    #[command(flatten)]
    common: Common,
    /// Players, ten in each room
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=1500))]
    players: u32,
    /// How often the server is killed, and how often it is stopped, in turn
    #[arg(long, value_name = "N", default_value_t = 3)]
    restarts: u32,
    /// Seconds that they play before each
    #[arg(long, value_name = "N", default_value_t = 5.0)]
    seconds: f64,
    /// Where the server keeps what outlives it [default: a file of its own]
    #[arg(long, value_name = "STORE")]
    store: Option<String>,
}

/// How the server ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
enum End {
    Killed,
    Stopped,
}

/// What a player found after the server had ended and was ready again.
#[derive(Debug)]
enum Found {
    /// Seated for the first time.
    Seated,
    /// The own seat: so long after the server was ready. `as_left` where the board is as the player saw it last.
    Seat { after: Duration, as_left: bool },
    /// Something else.
    Otherwise(#[expect(dead_code, reason = "printed")] String),
    /// What was told has a gap, or came twice.
    Gap(#[expect(dead_code, reason = "printed")] RoomError),
}

#[derive(Debug, Serialize)]
struct Restart {
    end: End,
    back: usize,
    p50_ms: f64,
    p99_ms: f64,
    max_ms: f64,
    boards_as_left: usize,
}

#[derive(Debug, Serialize)]
struct Report<'a> {
    restarts: &'a [Restart],
    goals: &'a Goals,
}

pub(super) async fn run(flags: &Flags) -> Result<Goals> {
    let folder = std::env::temp_dir().join(format!("malpan-endure-{}", std::process::id()));
    fs::create_dir_all(&folder)?;
    let goals = measure(flags, &folder.join("store.redb")).await;
    fs::remove_dir_all(&folder)?;
    goals
}

async fn measure(flags: &Flags, file: &Path) -> Result<Goals> {
    let (common, players) = (&flags.common, flags.players as usize);
    let (program, store) = (common.server()?, flags.store.clone().unwrap_or(format!("redb:{}", file.display())));
    // With no time for a drain: everyone plays on to the end.
    let start = async |listen: &str| {
        let arguments = ["--listen", listen, "--store", &store, "--drain", "0s"];
        Server::start_with(&program, common.priority, &arguments).await
    };
    let mut server = start("127.0.0.1:0").await?;
    let to = server.address();

    let (ready, is_ready) = watch::channel(Instant::now());
    let (report, mut reports) = mpsc::unbounded_channel();
    let mut playing = JoinSet::new();
    for number in 0..flags.players {
        let player = Player { to, number, rate: common.rate, is_ready: is_ready.clone(), report: report.clone() };
        playing.spawn(player.play());
    }
    let mut gaps = Vec::new();
    let seated = all(&mut reports, players, &mut gaps).await?;
    anyhow::ensure!(seated.iter().all(|found| matches!(found, Found::Seated)), "not everyone has a seat: {seated:?}");

    let mut restarts = Vec::new();
    let mut otherwise = Vec::new();
    for end in [End::Killed, End::Stopped].into_iter().cycle().take(2 * flags.restarts as usize) {
        sleep(Duration::from_secs_f64(flags.seconds)).await;
        match end {
            End::Killed => server.kill().await?,
            End::Stopped => anyhow::ensure!(server.stop().await?.success(), "the server does not end well"),
        }
        server = start(&to.to_string()).await?;
        ready.send_replace(Instant::now());
        let mut back = Vec::new();
        for found in all(&mut reports, players, &mut gaps).await? {
            match found {
                Found::Seat { after, as_left } => back.push((after.as_secs_f64() * 1e3, as_left)),
                other => otherwise.push(format!("{other:?}")),
            }
        }
        let restart = Restart::of(end, &mut back);
        println!("{restart:?}");
        restarts.push(restart);
    }
    sleep(Duration::from_secs_f64(flags.seconds)).await;
    playing.abort_all();
    while playing.join_next().await.is_some() {}
    while let Ok(found) = reports.try_recv() {
        otherwise.push(format!("{found:?}"));
    }
    otherwise.append(&mut gaps);

    let mut goals = Goals::default();
    for restart in &restarts {
        let how = if restart.end == End::Killed { "killed" } else { "stopped" };
        goals.add(format!("{players} back after it was {how}"), restart.back, restart.back == players);
        let found = format!("{:.0}", restart.p99_ms);
        goals.add(format!("p99 until back < {SOON_MS} ms"), found, restart.p99_ms < SOON_MS);
        if restart.end == End::Stopped {
            goals.add("every board as its players left it", restart.boards_as_left, restart.boards_as_left == players);
        }
    }
    otherwise.iter().take(5).for_each(|what| println!("otherwise: {what}"));
    goals.none("events lost, told twice, or players elsewhere", otherwise.len() as u64);
    goals.none("panics by the metrics", Page::of(&server).await?.panics());
    ended_well(server, &mut goals).await?;
    common.write(&Report { restarts: &restarts, goals: &goals })?;
    Ok(goals)
}

/// What all of the players find. Gaps are kept apart.
async fn all(
    reports: &mut mpsc::UnboundedReceiver<Found>,
    players: usize,
    gaps: &mut Vec<String>,
) -> Result<Vec<Found>> {
    let mut all = Vec::new();
    let collect = async {
        while all.len() < players {
            match reports.recv().await {
                Some(gap @ Found::Gap(_)) => gaps.push(format!("{gap:?}")),
                Some(found) => all.push(found),
                None => bail!("the players have ended"),
            }
        }
        Ok(())
    };
    match timeout(PATIENCE, collect).await {
        Ok(done) => done?,
        Err(_) => println!("after {} s {} of {players} have found something", PATIENCE.as_secs(), all.len()),
    }
    Ok(all)
}

impl Restart {
    fn of(end: End, back: &mut [(f64, bool)]) -> Self {
        back.sort_by(|one, other| one.0.total_cmp(&other.0));
        let at = |part: usize| {
            back.get((back.len() * part / 100).min(back.len().saturating_sub(1))).map_or(0.0, |&(ms, _)| ms)
        };
        let boards_as_left = back.iter().filter(|(_, as_left)| *as_left).count();
        Self { end, back: back.len(), p50_ms: at(50), p99_ms: at(99), max_ms: at(100), boards_as_left }
    }
}

/// One who walks about, and comes back.
struct Player {
    to: SocketAddr,
    number: u32,
    rate: f64,
    is_ready: watch::Receiver<Instant>,
    report: mpsc::UnboundedSender<Found>,
}

impl Player {
    async fn play(self) {
        if let Err(error) = self.play_on().await {
            self.tell(Found::Otherwise(format!("{error:#}")));
        }
    }

    async fn play_on(&self) -> Result<()> {
        let (mut client, mut room) = self.sit_down().await?;
        self.tell(Found::Seated);
        loop {
            self.walk(&mut client, &mut room).await;
            let left = client.token().cloned().context("a token was given")?;
            let seen = room.seen();
            loop {
                sleep(rand::random_range(AGAIN_WITHIN / 3..AGAIN_WITHIN)).await;
                let Ok(mut again) = Client::connect(&self.to.to_string(), &ConnectOptions::default()).await else {
                    continue;
                };
                let resumed = match again.resume(left.clone(), Some(seen)).await {
                    Ok(resumed) => resumed,
                    Err(ClientError::Denied(denial)) if denial.code != DenialCode::Busy => bail!("{denial:?}"),
                    // It has gone again, or does not listen yet.
                    Err(_) => continue,
                };
                anyhow::ensure!(matches!(resumed.place, Resumption::Anew { .. }), "{resumed:?}");
                let ServerPacket::Joined(joined) = again.next().await? else { bail!("not the whole picture") };
                let after = self.is_ready.borrow().elapsed();
                let new = Room::new(&joined)?;
                self.tell(Found::Seat { after, as_left: pieces(&new) == pieces(&room) });
                (client, room) = (again, new);
                break;
            }
        }
    }

    async fn sit_down(&self) -> Result<(Client, Room)> {
        let mut client = Client::connect(&self.to.to_string(), &ConnectOptions::default()).await?;
        client.sign_in_guest(name(&format!("restart {}", self.number))).await?;
        let room = Room::new(&client.join(JoinTarget::Any).await?)?;
        Ok((client, room))
    }

    /// Until the connection is lost.
    async fn walk(&self, client: &mut Client, room: &mut Room) {
        let every = Duration::from_secs_f64(1.0 / self.rate);
        sleep(every.mul_f64(rand::random())).await;
        let mut steps = interval(every);
        steps.set_missed_tick_behavior(MissedTickBehavior::Skip);
        loop {
            tokio::select! {
                packet = client.next() => match packet {
                    // What is about no room says nothing about events.
                    Ok(ServerPacket::Token { .. } | ServerPacket::Draining { .. } | ServerPacket::Kicked { .. }) => {}
                    Ok(packet) => if let Err(error) = room.apply(&packet) {
                        self.tell(Found::Gap(error));
                    },
                    Err(_) => return,
                },
                _ = steps.tick() => {
                    let way = Direction::ALL[rand::random_range(0..Direction::ALL.len())];
                    // An error is found again with the next packet.
                    let _ = client.step(way);
                    let _ = client.flush().await;
                }
            }
        }
    }

    fn tell(&self, found: Found) {
        // An error means that nobody counts any more.
        let _ = self.report.send(found);
    }
}

/// Where the pieces stand.
fn pieces(room: &Room) -> Vec<(usize, u8, u8)> {
    room.pieces().map(|(seat, piece)| (seat.index(), piece.cell.x, piece.cell.y)).collect()
}
