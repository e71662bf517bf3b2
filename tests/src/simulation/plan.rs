//! What one seed stands for: a server with these limits, so many clients, this end.

use malpan_protocol::{BoardSize, SeatCount};
use malpan_server::config::Config;
use rand::{RngExt as _, rngs::StdRng};
use std::time::Duration;

/// How a run ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// The faults stop, everyone plays, then everyone goes, and only then the server.
    EveryoneGoes,
    /// The faults stop, everyone plays, and the server stops.
    StopInPeace,
    /// The server stops in the middle of it all.
    StopInTheMiddle,
}

/// See the module.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    pub(super) config: Config,
    pub(super) shards: usize,
    /// Shards for the rooms alone.
    pub(super) rules: usize,
    pub(super) honest: u32,
    /// Most hostile clients at once.
    pub(super) hostile: usize,
    /// Addresses that the clients share.
    pub(super) addresses: u8,
    pub(super) steps: u32,
    pub(super) faulty_game: bool,
    /// Whether some of the clients have accounts.
    pub(super) accounts: bool,
    pub(super) end: End,
}

impl Plan {
    /// Whether there is place for everyone who may be away.
    pub(super) fn everyone_is_kept(&self) -> bool {
        let limits = &self.config.limits;
        limits.sessions >= ROOMY.0 && limits.sessions_per_address >= ROOMY.1
    }

    pub(super) fn from(rng: &mut StdRng) -> Self {
        let honest = rng.random_range(8..=28);
        let mut config = config(rng);
        // Elsewhere passwords are refused unread, which costs nothing.
        let accounts = rng.random_ratio(1, 3);
        config.accounts.allow_plain_passwords = accounts;
        Self {
            config,
            shards: rng.random_range(1..=3),
            rules: if rng.random_ratio(1, 4) { rng.random_range(1..=2) } else { 0 },
            honest,
            hostile: rng.random_range(2..=14),
            addresses: rng.random_range(3..=8),
            steps: rng.random_range(40..=140),
            faulty_game: rng.random_ratio(1, 4),
            accounts,
            end: match rng.random_range(0..4) {
                0 | 1 => End::EveryoneGoes,
                2 => End::StopInPeace,
                _ => End::StopInTheMiddle,
            },
        }
    }
}

/// Sessions in all and for each address where they are not tight.
const ROOMY: (usize, usize) = (1000, 64);

/// One of `usual` and, now and then, of `tight`.
fn one_of<T: Copy>(rng: &mut StdRng, usual: T, tight: &[T]) -> T {
    if rng.random_ratio(2, 3) { usual } else { tight[rng.random_range(0..tight.len())] }
}

fn config(rng: &mut StdRng) -> Config {
    let (ms, seconds) = (Duration::from_millis, Duration::from_secs);
    let mut config = Config::default();
    let (width, height) = one_of(rng, (8, 8), &[(4, 3), (10, 1), (3, 9)]);
    config.game.board = BoardSize::new(width, height).expect("a board");
    config.game.seats = SeatCount::new(rng.random_range(2..=10)).expect("a count of seats");
    config.game.tick = one_of(rng, ms(33), &[ms(0), ms(200)]);
    // Passwords cost the machine's time, and nothing here runs on another thread.
    (config.accounts.argon2_memory_kib, config.accounts.argon2_iterations) = (1024, 1);
    config.drain = one_of(rng, seconds(6), &[seconds(0), seconds(3)]);
    let limits = &mut config.limits;
    limits.resume_grace = one_of(rng, seconds(5), &[seconds(0), seconds(1), seconds(12)]);
    limits.ring_events = one_of(rng, 256, &[0, 3, 20]);
    limits.ring_bytes = one_of(rng, 65_536, &[0, 300]);
    limits.sessions = one_of(rng, ROOMY.0, &[12, 30]);
    limits.sessions_per_address = one_of(rng, ROOMY.1, &[2, 5]);
    limits.unsigned = one_of(rng, 200, &[3, 6]);
    limits.hello_within = one_of(rng, seconds(5), &[seconds(1)]);
    limits.sign_in_within = one_of(rng, seconds(10), &[seconds(3)]);
    limits.sign_in_attempts = one_of(rng, 10, &[2]);
    (limits.ping_after, limits.silence) =
        one_of(rng, (seconds(10), seconds(30)), &[(seconds(2), seconds(6)), (seconds(4), seconds(10))]);
    (limits.queue_messages, limits.lag_messages, limits.recovered_messages) =
        one_of(rng, (64, 48, 16), &[(6, 4, 1), (12, 8, 2), (3, 2, 0)]);
    (limits.queue_bytes, limits.lag_bytes) = one_of(rng, (65_536, 49_152), &[(16_400, 300), (20_000, 2000)]);
    limits.write_stall = one_of(rng, seconds(5), &[seconds(1)]);
    limits.step_burst = one_of(rng, 10, &[1, 3]);
    limits.rooms = one_of(rng, 2000, &[2, 4]);
    limits.rooms_opened_per_minute = one_of(rng, 3, &[20]);
    limits.watchers_per_room = one_of(rng, 20, &[1, 2]);
    limits.empty_room_grace = one_of(rng, seconds(10), &[seconds(0), seconds(3)]);
    limits.removed_for = one_of(rng, seconds(300), &[seconds(5)]);
    limits.lobby_deliveries_per_second = one_of(rng, 20_000, &[3]);
    limits.room_inbox = one_of(rng, 256, &[1, 2, 8]);
    config
}
