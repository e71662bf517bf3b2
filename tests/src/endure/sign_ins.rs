//! Honest players alone, and while very many sign in to accounts at once, at what a password's hash costs by default.

use super::{
    Common,
    frames::{ended_well, seated},
    gauges::{Census, Page},
    goals::Goals,
    honest::Honest,
    pairs::{self, Allowed, Pair},
    seconds,
    server::Server,
    storm::{Storm, Stormed, Way},
};
use anyhow::Result;
use clap::Args;
use serde::Serialize;
use tokio_util::sync::CancellationToken;

#[derive(Debug, Args)]
pub(super) struct Flags {
    #[command(flatten)]
    common: Common,
    /// Honest players, ten in each room
    #[arg(long, value_name = "N", default_value_t = 500)]
    players: u32,
    /// Who sign in at once; when all have, they do it again
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=1500))]
    people: u32,
    /// Seconds of a stretch
    #[arg(long, value_name = "N", default_value_t = 40.0)]
    seconds: f64,
    /// Stretches alone and beside, in turn
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=100))]
    pairs: u32,
}

#[derive(Debug, Serialize)]
struct Report<'a> {
    registered: &'a Stormed,
    storms: &'a [Stormed],
    pairs: &'a [Pair],
    before: Census,
    goals: &'a Goals,
}

pub(super) async fn run(flags: &Flags) -> Result<Goals> {
    let common = &flags.common;
    let (bot, priority) = (common.bot()?, common.priority);
    let server = Server::start(&common.server()?, priority).await?;
    let before = Census::of(&server).await?;
    let storm = Storm { to: server.address(), people: flags.people };
    println!("{} honest players; {} sign in at once", flags.players, flags.people);
    let registered = storm.once(Way::Register).await;
    println!("alone, registered: {}", registered.line());
    let alone = storm.once(Way::Login).await;
    println!("alone, signed in: {}", alone.line());
    Census::settled(&server, &before).await?;

    let honest = Honest { bot, players: flags.players, rate: common.rate, duration: seconds(flags.seconds), priority };
    let mut storms = vec![alone];
    let measured = pairs::measure(flags.pairs, &server, before, async |beside| {
        if !beside {
            return honest.play(&server).await;
        }
        let over = CancellationToken::new();
        let play = async {
            let felt = honest.play(&server).await;
            over.cancel();
            felt
        };
        // As long as the honest players play: no calm tail makes their figures better.
        let sign_in = async {
            seated(&server, flags.players.into(), &over).await?;
            anyhow::Ok(storm.until(&over).await)
        };
        let (felt, stormed) = tokio::join!(play, sign_in);
        let stormed = stormed?;
        println!("       beside, signed in: {}", stormed.line());
        storms.push(stormed);
        felt
    })
    .await?;

    let mut goals = Goals::default();
    let fewest = storms.iter().map(|stormed| stormed.signed_in).min().unwrap_or(0);
    goals.add(format!("{} sign-ins and more beside each stretch", flags.people), fewest, fewest >= flags.people.into());
    let lost = registered.lost + storms.iter().map(|stormed| stormed.lost).sum::<u64>();
    goals.none("sign-ins that ended otherwise than with a yes or \"try again\"", lost);
    goals.none("panics by the metrics", Page::of(&server).await?.panics());
    pairs::judge(&measured, before, Allowed { times: 1.5, ms: 10.0 }, &mut goals);
    ended_well(server, &mut goals).await?;
    common.write(&Report { registered: &registered, storms: &storms, pairs: &measured, before, goals: &goals })?;
    Ok(goals)
}
