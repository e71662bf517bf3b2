//! `malpan play`: the terminal client, and its plain mode.
//!
//! ```text
//!                    ┌ link.rs   connects, signs in, pings, comes back
//! keys ── input.rs ──┤                      plain/    commands and lines, no terminal
//!                    v                        v
//!       Message -> update.rs -> Model    session/   what the server said, and what is due: pure, shared by both
//!                                 ├─> form.rs, sign_in.rs, new_room.rs, browser.rs   what is written and chosen
//!                                 └─> view/   the screen
//! ```
//!
//! Invariant: only the link touches the network, only terminal.rs and screen.rs the terminal; the rest is pure and
//! takes the time as an argument. The server decides about every step, and nothing is shown before it has.

mod backoff;
mod browser;
mod credentials;
mod dial;
mod five;
mod form;
mod game;
mod guest;
mod hidden;
mod identity;
mod input;
mod link;
mod log;
mod model;
mod new_room;
mod plain;
mod prompt;
mod screen;
mod session;
mod sign_in;
mod signals;
mod slash;
#[cfg(test)]
mod testing;
mod update;
mod view;
mod words;

use crate::address::Address;
use crate::tls_args::TlsArgs;
use anyhow::Context;
use credentials::Credentials;
use dial::DialTcp;
use game::Game;
use identity::Identity;
use link::{Link, Start};
use malpan_client::protocol::{JoinTarget, RoomId};
use model::{Ended, Model};
use plain::{Ending, Plain};
use session::{Fallback, Goal, Session};
use std::{
    io::{IsTerminal, stdin, stdout},
    process::ExitCode,
    time::Instant,
};
use tokio::{io::BufReader, runtime::Runtime};
use view::Theme;

const FAILED: u8 = 1;
const USAGE: u8 = 2;

/// Flags.
#[derive(Debug, clap::Args)]
#[command(after_long_help = plain::HELP)]
pub(crate) struct Args {
    /// The server, as HOST:PORT or HOST.
    #[arg(value_name = "ADDR", env = "MALPAN_ADDR", hide_env_values = true, default_value = "127.0.0.1:7777")]
    address: Address,
    #[command(flatten)]
    credentials: Credentials,
    /// The room to join. Without it, any that has a free seat.
    #[arg(long, value_name = "N")]
    room: Option<u32>,
    /// The game to join a room of, or to open one of. Without it, the server's own choice.
    #[arg(long, value_enum, value_name = "NAME")]
    game: Option<Game>,
    /// Watch that room without a seat.
    #[arg(long, requires = "room")]
    watch: bool,
    #[command(flatten)]
    tls: TlsArgs,
    /// Read commands from stdin and print events, a line each: for pipes and screen readers.
    #[arg(long)]
    plain: bool,
}

/// Plays until the person ends it.
pub(crate) fn run(args: Args) -> ExitCode {
    if !(args.plain || stdin().is_terminal() && stdout().is_terminal()) {
        eprintln!("malpan: playing needs a terminal. Without one, use `malpan play --plain`.");
        return ExitCode::from(USAGE);
    }
    match play(args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("malpan: {error:#}");
            ExitCode::from(FAILED)
        }
    }
}

fn play(args: Args) -> anyhow::Result<()> {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().context("cannot start the runtime")?;
    let played = runtime.block_on(play_on(args));
    end(runtime);
    played
}

async fn play_on(args: Args) -> anyhow::Result<()> {
    let home = home(&args);
    let dial = DialTcp::new(args.address.clone(), args.tls.load()?);
    let known = args.credentials.load()?;
    let start = start(known.as_ref(), args.plain);
    let identity =
        known.unwrap_or_else(|| Identity::Guest { name: guest::generate_name(&mut rand::rng()), generated: true });
    let name = identity.name().clone();
    let mut link = Link::spawn(dial, identity, start);
    let failed = if args.plain {
        let session = Session::new(name, home, args.game, Fallback::Lobby, Instant::now());
        play_plainly(&args.address, args.game, &mut link, session).await
    } else {
        let model = Model::new(args.address.clone(), name, home, args.game, Instant::now());
        let theme = Theme::from_no_color(std::env::var_os("NO_COLOR").as_deref());
        match screen::run(model, &mut link, theme, signals::quit()).await.context("the terminal failed") {
            Ok(Ended::Quit) => Ok(None),
            Ok(Ended::Failed(why)) => Ok(Some(why)),
            Err(error) => Err(error),
        }
    };
    link.close().await;
    match failed? {
        None => Ok(()),
        Some(why) => anyhow::bail!("{why}"),
    }
}

/// Whether it is asked who signs in: of a person at a screen, but where the command line says it. A guest's name that is
/// taken has a question of its own.
fn start(known: Option<&Identity>, plain: bool) -> Start {
    match known {
        _ if plain => Start::AtOnce,
        None => Start::Ask,
        Some(Identity::Guest { .. }) => Start::AtOnce,
        Some(_) => Start::AtOnceAndAsk,
    }
}

/// Where to go first.
fn home(args: &Args) -> Goal {
    match (args.room, args.game) {
        (Some(room), _) if args.watch => Goal::Watch(RoomId(room)),
        (Some(room), _) => Goal::Join(JoinTarget::Room(RoomId(room))),
        (None, Some(game)) => Goal::Join(JoinTarget::AnyOf(game.name())),
        (None, None) => Goal::Join(JoinTarget::Any),
    }
}

/// Returns why it failed, if it did.
async fn play_plainly(
    address: &Address,
    game: Option<Game>,
    link: &mut Link,
    session: Session,
) -> anyhow::Result<Option<String>> {
    let (input, output) = (BufReader::new(tokio::io::stdin()), tokio::io::stdout());
    let plain = Plain::new(address.as_str(), game, link, session, input, output);
    let ending = tokio::select! {
        ending = plain.run() => ending.context("stdin or stdout failed")?,
        () = signals::quit() => Ending::Done,
    };
    Ok(match ending {
        Ending::Done => None,
        Ending::Failed(why) => Some(why),
    })
}

/// Ends the runtime without waiting for a read of stdin, which no one can interrupt.
fn end(runtime: Runtime) {
    runtime.shutdown_background();
}
