//! Rooms of ten: nine honest players and one more, who reads or who does not.

use super::{
    Common,
    frames::{ended_well, seated},
    gauges::{Census, Page},
    goals::Goals,
    honest::Honest,
    pairs::{self, Allowed, Pair},
    seconds,
    server::Server,
    tenth::{Tenths, rooms_and_full_ones},
};
use anyhow::Result;
use clap::Args;
use serde::Serialize;
use std::sync::atomic::Ordering;
use tokio_util::sync::CancellationToken;

/// Honest players in a room.
const HONEST: u32 = 9;

#[derive(Debug, Args)]
pub(super) struct Flags {
    #[command(flatten)]
    common: Common,
    /// Rooms, with nine honest players in each
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1000))]
    rooms: u32,
    /// Seconds of a stretch
    #[arg(long, value_name = "N", default_value_t = 40.0)]
    seconds: f64,
    /// Stretches with a tenth who reads and with one who does not, in turn
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=100))]
    pairs: u32,
}

#[derive(Debug, Serialize)]
struct Report<'a> {
    pairs: &'a [Pair],
    before: Census,
    cuts: u64,
    goals: &'a Goals,
}

pub(super) async fn run(flags: &Flags) -> Result<Goals> {
    let common = &flags.common;
    let (bot, priority) = (common.bot()?, common.priority);
    let server = Server::start(&common.server()?, priority).await?;
    let before = Census::of(&server).await?;
    let players = flags.rooms * HONEST;
    let honest = Honest { bot, players, rate: common.rate, duration: seconds(flags.seconds), priority };
    println!("{players} honest players in {} rooms; alone: the tenth reads, beside: it does not", flags.rooms);

    let (mut cuts, mut seats_lost, mut not_as_meant) = (0, 0, 0);
    let measured = pairs::measure(flags.pairs, &server, before, async |beside| {
        let tenths = Tenths::sit_down(server.address(), flags.rooms, !beside).await?;
        let over = CancellationToken::new();
        let play = async {
            let felt = honest.play(&server).await;
            over.cancel();
            felt
        };
        let look = async {
            seated(&server, u64::from(flags.rooms) * 10, &over).await?;
            rooms_and_full_ones(server.address()).await
        };
        let (felt, rooms) = tokio::join!(play, look);
        let (rooms, full) = rooms?;
        // With as many rooms as were opened and no seat free, each has its tenth.
        not_as_meant += u64::from((rooms, full) != (flags.rooms as usize, flags.rooms as usize));
        let counts = tenths.leave().await;
        let cut = counts.cuts.load(Ordering::Relaxed);
        println!("       {full} of {rooms} rooms full; the tenth players were cut {cut} times");
        if beside {
            cuts += cut;
        }
        seats_lost += counts.seats_lost.load(Ordering::Relaxed) + if beside { 0 } else { cut };
        felt
    })
    .await?;

    let mut goals = Goals::default();
    goals.none("stretches in which a room was not full", not_as_meant);
    let least = u64::from(flags.rooms * flags.pairs);
    goals.add("each stalled one is cut once a stretch and more", cuts, cuts >= least);
    let page = Page::of(&server).await?;
    goals.add("as the server counts them (slow consumers)", page.slow_consumers(), page.slow_consumers() >= least);
    goals.none("seats that were not found again, or readers that were cut", seats_lost);
    goals.none("panics by the metrics", page.panics());
    pairs::judge(&measured, before, Allowed { times: 1.1, ms: 3.0 }, &mut goals);
    ended_well(server, &mut goals).await?;
    common.write(&Report { pairs: &measured, before, cuts, goals: &goals })?;
    Ok(goals)
}
