//! Whole sessions of the real host, on in-memory streams with paused time, fed anything at any time, beside an honest
//! player in the room that they are led to.
//!
//! ```text
//! mod.rs        an input is a row of deeds: what, by which stranger, and how long it is quiet after it
//! packet.rs     packets out of bytes; people.rs: accounts, words, rooms of one's own
//! stranger.rs   one fuzzed connection: what it wrote, and whether all that it hears is in order
//! said.rs       what strangers have said, by a decoder and a state machine of our own: nothing else may have an effect
//! bystander.rs  the honest player, who hears nothing else and plays on
//! log.rs        what is logged meanwhile: whole lines, nothing raw
//! ```

mod bystander;
mod log;
mod packet;
mod people;
mod said;
mod stranger;

use super::choices::Choices;
use crate::{ENDS, MemoryServer, without_grace};
use bystander::Bystander;
use malpan_net::Count;
use malpan_protocol::{BoardSize, SeatCount};
use malpan_server::config::Config;
use said::Said;
use std::time::Duration;
use stranger::{Port, Stranger};
use tokio::{
    runtime::{Builder, Handle},
    time::Instant,
};

const STRANGERS: usize = 3;
const SHARDS: usize = 2;
/// More than these, or a longer time, tells nothing new.
const MOST_DEEDS: usize = 150;
const LONGEST: Duration = Duration::from_secs(200);
/// How long it is quiet after a deed: not at all, for a moment, for more than a tick, for more than a sweep.
const PAUSES: [Duration; 4] =
    [Duration::ZERO, Duration::from_millis(1), Duration::from_millis(40), Duration::from_millis(300)];
/// A byte's worth of it is past every deadline.
const LONG_STEP: Duration = Duration::from_millis(500);
/// In this time everything is over that is about to end.
const SETTLED: Duration = Duration::from_secs(10);

/// Any sessions on the port of Malpan's own protocol.
///
/// # Panics
/// Where the server panicked, hurt the honest player, let someone have an effect who may have none, said something out of
/// order, or kept anything when all were gone.
pub fn session(data: &[u8]) {
    play(data, Port::Malpan);
}

/// Any sessions on the port of the lecture wire.
///
/// # Panics
/// As [`session`].
pub fn lecture_session(data: &[u8]) {
    play(data, Port::Lecture);
}

fn play(data: &[u8], port: Port) {
    let runtime = Builder::new_current_thread().enable_all().start_paused(true).build();
    let runtime = runtime.expect("a runtime needs no resources here");
    let (_logging, log) = log::listen();
    runtime.block_on(async {
        let mut choices = Choices::new(data);
        let mut scene = Scene::new(&mut choices, port).await;
        let begun = Instant::now();
        for _ in 0..MOST_DEEDS {
            if choices.is_empty() || begun.elapsed() > LONGEST {
                break;
            }
            scene.deed(&mut choices).await;
        }
        scene.end().await;
    });
    log.is_clean();
}

struct Scene {
    server: MemoryServer,
    port: Port,
    bystander: Bystander,
    strangers: [Option<Stranger>; STRANGERS],
    said: Said,
    /// Sessions so far.
    opened: u64,
}

impl Scene {
    /// A server with the honest player in its first room. The first byte says which limits it has.
    async fn new(choices: &mut Choices<'_>, port: Port) -> Self {
        let mut server = MemoryServer::new(config(choices.byte()), SHARDS);
        let bystander = Bystander::new(&mut server).await;
        Self { server, port, bystander, strangers: [const { None }; STRANGERS], said: Said::new(port), opened: 1 }
    }

    /// Does what the next bytes say.
    async fn deed(&mut self, choices: &mut Choices<'_>) {
        let byte = usize::from(choices.byte());
        let (what, who, pause) = (byte % 16, byte / 16 % 4 % STRANGERS, PAUSES[byte / 64]);
        match what {
            0 => {
                let steps = choices.byte();
                self.quiet(LONG_STEP * steps.into()).await;
                // Not without a rest: the honest player keeps to the limits.
                if steps > 1 {
                    self.bystander.plays_on(&self.said).await;
                }
                return;
            }
            1 => self.strangers[who] = None,
            _ => self.act(what, who, choices).await,
        }
        self.quiet(pause).await;
    }

    async fn act(&mut self, what: usize, who: usize, choices: &mut Choices<'_>) {
        if self.strangers[who].is_none() {
            let buffer = choices.of(&[16 * 1024, 256, 1]);
            self.strangers[who] = Some(Stranger::new(&mut self.server, &mut self.said, self.port, buffer));
            self.opened += 1;
        }
        let Some(stranger) = &mut self.strangers[who] else { return };
        let bytes = match what {
            2 => return stranger.stops_or_starts_reading(),
            3 => return stranger.shuts_down().await,
            4 => choices.bytes().to_vec(),
            5 => {
                let bytes = packet::any(choices, self.port);
                let cut = usize::from(choices.byte()) % bytes.len();
                bytes[..cut].to_vec()
            }
            6 => packet::any(choices, self.port).repeat(usize::from(choices.byte())),
            7 | 8 => packet::way_in(choices, self.port),
            _ => packet::any(choices, self.port),
        };
        stranger.writes(&bytes, &mut self.said).await;
    }

    /// Lets time go by, in which the honest player is there, and the strangers hear what has come.
    async fn quiet(&mut self, time: Duration) {
        self.bystander.listens(time, &self.said).await;
        for stranger in self.strangers.iter_mut().flatten() {
            stranger.listens(&self.said);
        }
        if !self.said.may_have_an_effect() {
            self.only_the_bystander();
        }
    }

    /// All go away: the strangers first, without a word.
    async fn end(mut self) {
        self.strangers = [const { None }; STRANGERS];
        self.bystander.listens(SETTLED, &self.said).await;
        assert_eq!((self.server.admission().sessions(), self.server.admission().pending()), (1, 0));
        self.only_the_bystander();
        self.bystander.plays_on(&self.said).await;
        self.bystander.leaves().await;
        tokio::time::sleep(SETTLED).await;
        let Self { server, opened, .. } = self;
        assert_eq!((server.admission().sessions(), server.admission().pending()), (0, 0));
        let host = server.host();
        assert_eq!((host.signed_in(), host.rooms(), host.seats_taken()), (0, 0, 0));
        for shard in server.shards() {
            assert_eq!((shard.sessions(), shard.tasks()), (0, 0), "{shard:?}");
        }
        // Each shard's sweep, and nothing else.
        assert_eq!(Handle::current().metrics().num_alive_tasks(), SHARDS);
        assert_eq!(server.counters().value(Count::Panics), 0);
        assert_eq!(ENDS.iter().map(|&end| server.counters().value(end)).sum::<u64>(), opened, "each ended once");
    }

    /// Nobody else is signed in or has a seat.
    fn only_the_bystander(&self) {
        let host = self.server.host();
        assert_eq!((host.signed_in(), host.rooms(), host.seats_taken()), (1, 1, 1));
    }
}

/// A small board with a seat for everyone, and the limits as they are or, by this byte, some of them low.
fn config(lower: u8) -> Config {
    let mut config = without_grace();
    (config.accounts.argon2_memory_kib, config.accounts.argon2_iterations) = (1024, 1);
    config.game.board = BoardSize::new(3, 3).expect("a valid size");
    config.game.seats = SeatCount::new(4).expect("a valid count");
    if lower & 1 != 0 {
        config.game.tick = Duration::ZERO;
    }
    if lower & 2 != 0 {
        config.limits.room_inbox = 1;
    }
    if lower & 4 != 0 {
        // The bound is above what all strangers do at once: each that comes or goes is two messages, and the honest player,
        // who reads in time, does not read while they are dealt with.
        (config.limits.queue_messages, config.limits.lag_messages, config.limits.recovered_messages) = (16, 3, 1);
    }
    if lower & 8 != 0 {
        (config.limits.sign_in_attempts, config.limits.rate_limit_strikes, config.limits.rooms) = (2, 2, 2);
        config.limits.watchers_per_room = 1;
    }
    config
}
