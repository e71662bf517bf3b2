//! Honest and hostile players for a long time: does the server grow, or slow down?

use super::{
    Common,
    frames::{ended_well, unexpected_ends},
    gauges::{Census, Page, anonymous_memory_kib},
    goals::Goals,
    honest::{Felt, Honest},
    hostile::{Order, Tally, send},
    load_average, seconds,
    server::Server,
};
use anyhow::Result;
use clap::Args;
use serde::Serialize;
use std::{cell::Cell, net::SocketAddr, time::Duration};
use tokio::{
    io::AsyncWriteExt,
    net::TcpStream,
    task::JoinSet,
    time::{Instant, interval, timeout},
};
use tokio_util::sync::CancellationToken;

const SAMPLE_EVERY: Duration = Duration::from_secs(5);
/// From the begin of a window until everyone is seated, at the most.
const SEATING: Duration = Duration::from_secs(5);
const STORM_EVERY: Duration = Duration::from_secs(60);
const STORM_CONNECTIONS: u32 = 1_000;
/// More at once than come later, so that the allocator has had all the room that it will ever need before its growth counts.
const FIRST_STORM: u32 = 1_800;

#[derive(Debug, Args)]
pub(super) struct Flags {
    #[command(flatten)]
    common: Common,
    /// Honest players, ten in each room
    #[arg(long, value_name = "N", default_value_t = 500)]
    players: u32,
    /// How long, in all
    #[arg(long, value_name = "N", default_value_t = 60.0)]
    minutes: f64,
    /// Into how many windows that is cut; the memory's slope counts from the end of the first
    #[arg(long, value_name = "N", default_value_t = 6, value_parser = clap::value_parser!(u32).range(2..=100))]
    windows: u32,
    /// Hostile frames per second, of all categories together
    #[arg(long, value_name = "N", default_value_t = 500.0)]
    hostile_rate: f64,
}

/// The server at a moment.
#[derive(Debug, Clone, Serialize)]
struct Sample {
    seconds: f64,
    /// Counted from 0.
    window: u32,
    /// Whether everyone was seated.
    full: bool,
    anonymous_kib: u64,
    census: Census,
    load: String,
}

#[derive(Debug, Serialize)]
struct Report<'a> {
    windows: &'a [Felt],
    hostile: &'a Tally,
    before: Census,
    after: Census,
    slope_mib_per_hour: f64,
    goals: &'a Goals,
    samples: &'a [Sample],
}

pub(super) async fn run(flags: &Flags) -> Result<Goals> {
    let common = &flags.common;
    let (bot, priority) = (common.bot()?, common.priority);
    let server = Server::start(&common.server()?, priority).await?;
    let before = Census::of(&server).await?;
    first_storm(server.address()).await?;
    Census::settled(&server, &before).await?;
    let duration = seconds(flags.minutes * 60.0 / f64::from(flags.windows));
    let honest = Honest { bot, players: flags.players, rate: common.rate, duration, priority };

    let over = CancellationToken::new();
    let start = Instant::now();
    let window = Cell::new((0, start));
    let play = async {
        let _over = over.clone().drop_guard();
        let mut windows = Vec::new();
        for number in 0..flags.windows {
            window.set((number, Instant::now()));
            let felt = honest.play(&server).await?;
            println!("window {} of {}: {}, load {}", number + 1, flags.windows, felt.line(), load_average());
            windows.push(felt);
        }
        anyhow::Ok(windows)
    };
    let watch = async {
        let mut samples = Vec::new();
        let mut ticks = interval(SAMPLE_EVERY);
        while !over.is_cancelled() {
            ticks.tick().await;
            let (number, began) = window.get();
            let full = (SEATING..duration).contains(&began.elapsed());
            let (anonymous_kib, census) = (anonymous_memory_kib(&server)?, Census::of(&server).await?);
            let seconds = start.elapsed().as_secs_f64();
            samples.push(Sample { seconds, window: number, full, anonymous_kib, census, load: load_average() });
        }
        anyhow::Ok(samples)
    };
    let order = Order { frames_each: u64::MAX, rate: flags.hostile_rate };
    let (windows, samples, tally, ()) =
        tokio::join!(play, watch, send(server.address(), order, &over), storms(server.address(), &over));
    let (windows, samples) = (windows?, samples?);
    let after = Census::settled(&server, &before).await?;

    tally.print();
    let slope = slope_mib_per_hour(&samples);
    let mut goals = Goals::default();
    goals.add("memory slope after the first window < 1 MiB/h", format!("{slope:.2}"), slope < 1.0);
    judge_windows(&windows, &mut goals);
    unexpected_ends(&tally, &mut goals);
    goals.none("panics by the metrics", Page::of(&server).await?.panics());
    goals.add("nothing is left of anyone", format!("{after:?}, before {before:?}"), after == before);
    ended_well(server, &mut goals).await?;
    let report = Report {
        windows: &windows,
        hostile: &tally,
        before,
        after,
        slope_mib_per_hour: slope,
        goals: &goals,
        samples: &samples,
    };
    common.write(&report)?;
    Ok(goals)
}

fn judge_windows(windows: &[Felt], goals: &mut Goals) {
    let (first, last) = (windows[0].p99(), windows[windows.len() - 1].p99());
    let found = format!("{last:.1} / {first:.1} ms, ratio {:.2}", last / first);
    goals.add("p99 of the last window <= 1.1 x the first's", found, last <= first * 1.1);
    let sum = |of: fn(&Felt) -> u64| windows.iter().map(of).sum();
    goals.none("positions missing", sum(|felt| felt.positions.missing));
    goals.none("honest players lost", sum(|felt| felt.players.lost));
    goals.none("honest players without a seat", sum(|felt| felt.players.failed));
    let void = windows.iter().filter(|felt| felt.void).count();
    if void > 0 {
        println!("{void} of {} windows are void by the honest players' own rule", windows.len());
    }
}

/// Very many connections that are there at the same time with a part of a hello, three times.
async fn first_storm(to: SocketAddr) -> Result<()> {
    for _ in 0..3 {
        let mut all = Vec::new();
        for _ in 0..FIRST_STORM {
            let mut stream = TcpStream::connect(to).await?;
            stream.write_all(&[40, 0, 0]).await?;
            all.push(stream);
        }
    }
    Ok(())
}

/// Many connections at once that say nothing and go, again and again.
async fn storms(to: SocketAddr, over: &CancellationToken) {
    let mut ticks = interval(STORM_EVERY);
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            () = over.cancelled() => return,
        }
        let mut storm = JoinSet::new();
        for number in 0..STORM_CONNECTIONS {
            storm.spawn(async move {
                // One that does not come through is as good as one that goes.
                if let Ok(Ok(stream)) = timeout(STORM_EVERY / 4, TcpStream::connect(to)).await
                    && number % 2 == 0
                {
                    let _ = stream.set_zero_linger();
                }
            });
        }
        storm.join_all().await;
    }
}

/// The straight line that fits best (least squares) through the memory after the first window, while all were seated.
#[allow(clippy::cast_precision_loss, reason = "far below 2^52")]
fn slope_mib_per_hour(samples: &[Sample]) -> f64 {
    let counted = samples.iter().filter(|sample| sample.full && sample.window > 0);
    let points: Vec<_> =
        counted.map(|sample| (sample.seconds / 3600.0, sample.anonymous_kib as f64 / 1024.0)).collect();
    let count = points.len() as f64;
    let mean = |of: fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>() / count;
    let (hour, mib) = (mean(|point| point.0), mean(|point| point.1));
    let spread: f64 = points.iter().map(|point| (point.0 - hour).powi(2)).sum();
    points.iter().map(|point| (point.0 - hour) * (point.1 - mib)).sum::<f64>() / spread
}

#[cfg(test)]
mod tests {
    use super::{Census, Sample, slope_mib_per_hour};

    #[test]
    fn the_slope_is_that_of_the_later_windows_while_all_are_seated() {
        let census = Census { sessions: 0, unsigned: 0, players: 0, rooms: 0, seats: 0, tasks: 0, files: 0 };
        let sample = |number: u32, window, full, mib: u64| Sample {
            seconds: f64::from(number) * 5.0,
            window,
            full,
            anonymous_kib: mib * 1024,
            census,
            load: String::new(),
        };
        // A hundred MiB in the first window, then one MiB each five seconds, and what does not count between.
        let mut samples: Vec<_> = (0..10).map(|number| sample(number, 0, true, 100 * u64::from(number))).collect();
        samples.extend((10..20).map(|number| sample(number, 1, number % 3 > 0, number.into())));
        samples.iter_mut().filter(|sample| !sample.full).for_each(|sample| sample.anonymous_kib = 0);
        assert!((slope_mib_per_hour(&samples) - 720.0).abs() < 1e-6);
    }
}
