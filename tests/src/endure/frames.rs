//! Honest players alone, and beside hostile frames of every kind.

use super::{
    Common,
    gauges::{Census, Page},
    goals::Goals,
    honest::Honest,
    hostile::{Category, Order, Tally, send},
    pairs::{self, Allowed, Pair},
    seconds,
    server::Server,
};
use anyhow::Result;
use clap::Args;
use serde::Serialize;
use std::time::Duration;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

/// The shortest stretch: below, a 99th percentile says little.
const SHORTEST: f64 = 10.0;
/// How much longer it is than the frames take, and so many seconds: those in flight at its end count as they end.
const SPARE: f64 = 1.05;
const MARGIN: f64 = 1.0;

#[derive(Debug, Args)]
pub(super) struct Flags {
    #[command(flatten)]
    common: Common,
    /// Honest players, ten in each room
    #[arg(long, value_name = "N", default_value_t = 500)]
    players: u32,
    /// Hostile frames, in all the stretches together; a tenth in each category
    #[arg(long, value_name = "N", default_value_t = 1_000_000)]
    frames: u64,
    /// Hostile frames per second, of all categories together
    #[arg(long, value_name = "N", default_value_t = 4_000.0)]
    hostile_rate: f64,
    /// Stretches alone and beside, in turn
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=100))]
    pairs: u32,
}

#[derive(Debug, Serialize)]
struct Report<'a> {
    pairs: &'a [Pair],
    hostile: &'a Tally,
    before: Census,
    goals: &'a Goals,
}

pub(super) async fn run(flags: &Flags) -> Result<Goals> {
    let common = &flags.common;
    let (bot, priority) = (common.bot()?, common.priority);
    let server = Server::start(&common.server()?, priority).await?;
    let before = Census::of(&server).await?;

    let kinds = Category::ALL.len() as u64;
    let each = flags.frames.div_ceil(kinds);
    #[allow(clippy::cast_precision_loss, reason = "far below 2^52")]
    let a_stretch = (each * kinds).div_ceil(flags.pairs.into()) as f64;
    let rate = flags.hostile_rate.min(a_stretch / SHORTEST);
    let duration = seconds(a_stretch / rate * SPARE + MARGIN);
    let honest = Honest { bot, players: flags.players, rate: common.rate, duration, priority };
    println!("{} honest players; {a_stretch} hostile frames a stretch, {rate:.0} a second", flags.players);

    let mut tally = Tally::default();
    let measured = pairs::measure(flags.pairs, &server, before, async |beside| {
        if !beside {
            return honest.play(&server).await;
        }
        // As long as the honest players play: no calm tail makes their figures better.
        let order = Order { frames_each: u64::MAX, rate };
        let over = CancellationToken::new();
        let play = async {
            let felt = honest.play(&server).await;
            over.cancel();
            felt
        };
        let attack = async {
            seated(&server, flags.players.into(), &over).await?;
            anyhow::Ok(send(server.address(), order, &over).await)
        };
        let (felt, sent) = tokio::join!(play, attack);
        tally.merge(&sent?);
        felt
    })
    .await?;

    tally.print();
    let mut goals = Goals::default();
    judge_frames(&tally, each, &mut goals);
    goals.none("panics by the metrics", Page::of(&server).await?.panics());
    pairs::judge(&measured, before, Allowed { times: 1.1, ms: 3.0 }, &mut goals);
    ended_well(server, &mut goals).await?;
    common.write(&Report { pairs: &measured, hostile: &tally, before, goals: &goals })?;
    Ok(goals)
}

fn judge_frames(tally: &Tally, each: u64, goals: &mut Goals) {
    let fewest = Category::ALL.iter().map(|&category| tally.of(category).frames).min().unwrap_or(0);
    goals.add(format!("{each} hostile frames and more in each of ten categories"), fewest, fewest >= each);
    let (all, signed_in) = (tally.frames(), tally.signed_in());
    goals.add("half of them and more after the sign-in", format!("{signed_in} of {all}"), signed_in * 2 >= all);
    unexpected_ends(tally, goals);
}

/// Every attack ended as the documents say.
pub(super) fn unexpected_ends(tally: &Tally, goals: &mut Goals) {
    let unexpected = tally.unexpected();
    unexpected.iter().for_each(|(attack, count)| println!("not as documented: {attack} ({count} times)"));
    goals.none("attacks that did not end as documented", unexpected.iter().map(|(_, count)| count).sum());
}

/// Stops the server; it has to end well, and its log must not speak of panics.
pub(super) async fn ended_well(server: Server, goals: &mut Goals) -> Result<()> {
    let log = server.log();
    log.worries.iter().for_each(|line| println!("log: {line}"));
    goals.none("panics in the log", log.panics);
    let status = server.stop().await?;
    goals.add("the server ends with 0", status, status.success());
    Ok(())
}

/// Waits until so many seats are taken, or until it is `over`.
pub(super) async fn seated(server: &Server, seats: u64, over: &CancellationToken) -> Result<()> {
    while !over.is_cancelled() && Page::of(server).await?.sum("malpan_seats_taken") < seats {
        sleep(Duration::from_millis(100)).await;
    }
    Ok(())
}
