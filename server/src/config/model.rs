//! The configuration itself. Each key stands here once: documentation, type, default, and what it may be.

use super::{
    AddressOrOff, Network, PathOrOff,
    keys::{Allowed, Key, Ranged},
    rules::Violation,
    text,
};
use crate::{control::ControlAddress, store::StoreAddress};
use malpan_protocol::{BoardSize, Limits, MAX_CLIENT_FRAME, SeatCount};
use serde::{Deserialize, Serialize};
use std::{net::SocketAddr, num::NonZero, thread, time::Duration};

/// Declares one section: the struct with its documentation, its defaults, its keys, and the check of its ranges.
macro_rules! section {
    (
        $(#[doc = $about:literal])+
        $name:ident, named $prefix:literal {
            $(
                $(#[doc = $doc:literal])+
                $(#[serde($($serde:tt)+)])?
                $field:ident: $type:ty = $default:expr, $allowed:expr;
            )+
        }
        $(with {
            $( $(#[doc = $section_doc:literal])+ $section:ident: $section_type:ty; )+
        })?
    ) => {
        $(#[doc = $about])+
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(default, deny_unknown_fields)]
        pub struct $name {
            $( $(#[doc = $doc])+ $(#[serde($($serde)+)])? pub $field: $type, )+
            $( $( $(#[doc = $section_doc])+ pub $section: $section_type, )+ )?
        }

        impl Default for $name {
            fn default() -> Self {
                Self { $($field: $default,)+ $($($section: Default::default(),)+)? }
            }
        }

        impl $name {
            pub(super) const KEYS: &[Key] = &[$(
                Key {
                    name: concat!($prefix, stringify!($field)),
                    about: concat!($($doc),+).trim_ascii(),
                    allowed: $allowed,
                },
            )+];

            /// Adds every value that is not what its key allows.
            pub(super) fn range_violations(&self, found: &mut Vec<Violation>) {
                let keys = Self::KEYS.iter();
                let breaches = [$( self.$field.breach(&$allowed), )+];
                found.extend(keys.zip(breaches).filter_map(|(key, what)| Some(Violation::of(key.name, what?))));
                $( $( self.$section.range_violations(found); )+ )?
            }
        }
    };
}

const fn count(unit: &'static str, min: u64, max: u64) -> Allowed {
    Allowed::Count { unit, min, max }
}

const fn time(min: Duration, max: Duration) -> Allowed {
    Allowed::Time { min, max }
}

const MS_100: Duration = Duration::from_millis(100);
const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3600);
const MILLION: u64 = 1_000_000;
const MIB_16: u64 = 16 << 20;
const GIB: u64 = 1 << 30;
/// One frame of the largest size, with its length: less than this in a queue could never deliver it.
const LARGEST_FRAME: u64 = (malpan_protocol::MAX_SERVER_FRAME + malpan_protocol::LENGTH_BYTES) as u64;

section! {
    /// Everything an operator may set.
    Config, named "" {
        /// Addresses on which players are awaited. Port 0 takes a free one; the ready line says which.
        listen: Vec<SocketAddr> = vec![SocketAddr::from(([127, 0, 0, 1], 7777))],
            Allowed::Form("one or more of IP:PORT, such as 127.0.0.1:7777 or [::1]:7777, each once");
        /// Address on which health and metrics are served over HTTP, or `off`. Port 0 takes a free one; the ready line
        /// says which. Whoever reaches it can read them.
        #[serde(with = "text::shown")]
        http: AddressOrOff = AddressOrOff::Address(SocketAddr::from(([127, 0, 0, 1], 7780))),
            Allowed::Form("IP:PORT, such as 127.0.0.1:7780 or [::1]:7780, or off");
        /// Address on which clients of the lecture wire are awaited, or `off`. Port 0 takes a free one; the ready line says
        /// which.
        #[serde(with = "text::shown")]
        lecture: AddressOrOff = AddressOrOff::Off,
            Allowed::Form("IP:PORT, such as 127.0.0.1:4000 or [::1]:4000, or off");
        /// Where accounts and rooms are kept: in a file of this server alone (`redb:PATH`, or `redb` for `malpan/malpan.redb` in
        /// the user's folder for data), in a Redis or Valkey that several servers may share (its URL), or in memory,
        /// where they are gone with the server (`memory:`).
        #[serde(with = "text::shown")]
        store: StoreAddress = StoreAddress::DefaultFile,
            Allowed::Form("redb, redb:PATH, memory:, or the URL of a Redis, such as redis://127.0.0.1:6379?node=one");
        /// Where `malpan-server account` and `malpan-server notice` reach this server: a path for a Unix socket, which only the
        /// server's own user may use (on Windows for a file with the name of a pipe), `auto` for beside the store's file, or `off`.
        #[serde(with = "text::shown")]
        control: ControlAddress = ControlAddress::Auto,
            Allowed::Form("auto, off, or a path, such as /run/malpan/control");
        /// Shards: threads that each serve their own sessions and rooms. 0 starts one per processor core.
        shards: usize = 0, count("shards", 0, 1024);
        /// Threads that run the rooms' rules apart from the shards, for games whose rules are slow: a slow rule then holds up
        /// the rooms of its thread and no connection. 0 runs each room on the shard of whoever opened it, which is faster
        /// for quick rules.
        rules_threads: usize = 0, count("threads", 0, 1024);
        /// The least time between two looks of a shard at its sockets. The first packet after a rest is handled at once;
        /// those that follow within this time are handled together, which costs a busy server less. 0s looks whenever
        /// something comes.
        #[serde(with = "text::duration")]
        poll_interval: Duration = Duration::from_millis(4), time(Duration::ZERO, MS_100);
        /// Time in which the server stops once it is asked to. Until two seconds before its end the players play on;
        /// 0s ends their play at once.
        #[serde(with = "text::duration")]
        drain: Duration = Duration::from_secs(10), time(Duration::ZERO, HOUR);
    }
    with {
        /// The game that is played.
        game: GameConfig;
        /// TLS on the addresses of `listen`.
        tls: TlsConfig;
        /// The log.
        log: LogConfig;
        /// Accounts and guests.
        accounts: AccountsConfig;
        /// What one client, one address and all of them together may use up.
        limits: LimitsConfig;
    }
}

section! {
    /// The game that is played.
    GameConfig, named "game." {
        /// The board's width and height in cells. It must have a cell for each seat.
        #[serde(with = "text::shown")]
        board: BoardSize = BoardSize::new(8, 8).expect("8 is a side"),
            Allowed::Form("WIDTHxHEIGHT, each 1 to 64 cells, such as 8x8");
        /// The largest board, in width and in height, that whoever opens a room of the shared board may ask for.
        #[serde(with = "text::shown")]
        board_max: BoardSize = BoardSize::new(32, 32).expect("32 is a side"),
            Allowed::Form("WIDTHxHEIGHT, each 1 to 64 cells, such as 32x32");
        /// Seats of a room, unless whoever opens it asks for fewer.
        seats: SeatCount = SeatCount::new(10).expect("10 is a count of seats"), count("seats", 1, 10);
        /// Time between two batches of moves of one room at the least. The first move after a pause is always sent at
        /// once; 0s sends every move at once.
        #[serde(with = "text::duration")]
        tick: Duration = Duration::from_millis(33), time(Duration::ZERO, SECOND);
    }
}

section! {
    /// TLS on the addresses of `listen`: all of them, or none.
    TlsConfig, named "tls." {
        /// File with the server's certificate in PEM, followed by those between it and one that clients trust; `off` for no
        /// TLS. A new one is taken on SIGHUP, or when the file has changed.
        #[serde(with = "text::shown")]
        cert: PathOrOff = PathOrOff::Off, Allowed::Form("a file, or off");
        /// File with the certificate's private key in PEM, or `off`.
        #[serde(with = "text::shown")]
        key: PathOrOff = PathOrOff::Off, Allowed::Form("a file, or off");
    }
}

section! {
    /// The log, which goes to the standard error output unless a file is named.
    LogConfig, named "log." {
        /// The form of the log: `text` for people, `json` for programs, one object a line.
        format: LogFormat = LogFormat::Text, Allowed::Form("text or json");
        /// What is logged: a level (off, error, warn, info, debug, trace), or several filters with commas between
        /// them, such as `info,malpan_server=debug`. A word alone is a level, or a
        /// module whose name begins with `malpan`.
        filter: String = "info".into(), Allowed::Form("tracing-subscriber's filter syntax, not empty");
        /// File that the log goes to, or `off` for the standard error output (of a service on Windows: for a file in the
        /// service's folder). A relative path begins at the working directory, and the folder has to be there.
        #[serde(with = "text::shown")]
        file: PathOrOff = PathOrOff::Off, Allowed::Form("a file, or off");
        /// Bytes of that file at which it is put aside, as FILE.1, and begun anew.
        file_bytes: usize = 10 << 20, count("bytes", 65_536, GIB);
        /// Files put aside that are kept: FILE.1 is the newest. Older ones are deleted.
        old_files: u16 = 4, count("files", 0, 1000);
    }
}

section! {
    /// Accounts and guests.
    AccountsConfig, named "accounts." {
        /// Whether players have to sign in to an account. Guests are off then, those of before too, who do not come
        /// back; and so the lecture wire, which knows no sign-in, has to be.
        require_login: bool = false, Allowed::Form("true or false");
        /// Whether passwords are taken over connections that are not encrypted, from other machines too: whoever is on the way
        /// can read them. For a server behind a proxy that speaks TLS.
        allow_plain_passwords: bool = false, Allowed::Form("true or false");
        /// Memory that the hash of a password takes (argon2id, one lane). Each of the threads that hash has so much.
        argon2_memory_kib: u32 = 19_456, count("KiB", 1024, MILLION);
        /// Passes over that memory. Where the two cost more than before, hashes are made anew as their owners sign in.
        argon2_iterations: u32 = 2, count("passes", 1, 100);
    }
}

section! {
    /// What one client, one address and all of them together may use up.
    LimitsConfig, named "limits." {
        /// Most connections at once. It is lowered at start where the open files allowed to the process do not
        /// suffice.
        sessions: usize = 10_000, count("connections", 1, MILLION);
        /// Most connections at once from one address. The IPv6 addresses of one /64 network count as one.
        sessions_per_address: usize = 64, count("connections", 1, MILLION);
        /// Addresses and networks for which `sessions_per_address` does not hold.
        exempt_addresses: Vec<Network> = Network::loopback().into(),
            Allowed::Form("any number of IP addresses or networks, such as 127.0.0.0/8 or ::1");
        /// Most connections at once that have not signed in yet.
        unsigned: usize = 2_000, count("connections", 1, MILLION);
        /// Time from the connection to the hello.
        #[serde(with = "text::duration")]
        hello_within: Duration = Duration::from_secs(5), time(MS_100, HOUR);
        /// Time from the hello to the sign-in.
        #[serde(with = "text::duration")]
        sign_in_within: Duration = Duration::from_secs(60), time(MS_100, HOUR);
        /// Tries to sign in on one connection.
        sign_in_attempts: u16 = 10, count("tries", 1, 1000);
        /// Silence of a player after which the server sends a ping.
        #[serde(with = "text::duration")]
        ping_after: Duration = Duration::from_secs(10), time(MS_100, HOUR);
        /// Silence of a player after which the server ends the connection.
        #[serde(with = "text::duration")]
        silence: Duration = Duration::from_secs(30), time(SECOND, HOUR);
        /// Most messages that wait for one client. Where one that must be delivered finds no place, the client is
        /// disconnected.
        queue_messages: usize = 64, count("messages", 2, 65_536);
        /// Most bytes that wait for one client, as `queue_messages`.
        queue_bytes: usize = 65_536, count("bytes", LARGEST_FRAME, MIB_16);
        /// Waiting messages from which on a client is sent no moves.
        lag_messages: usize = 48, count("messages", 1, 65_536);
        /// Waiting bytes from which on a client is sent no moves.
        lag_bytes: usize = 49_152, count("bytes", 1, MIB_16);
        /// Waiting messages down to which a client that is sent no moves has to come to be sent them again.
        recovered_messages: usize = 16, count("messages", 0, 65_536);
        /// Time for which nothing can be written to a client before it is disconnected.
        #[serde(with = "text::duration")]
        write_stall: Duration = Duration::from_secs(5), time(MS_100, HOUR);
        /// The send buffer of each socket; 0 leaves it to the system. It is small so that a client that stopped
        /// reading is noticed.
        send_buffer_bytes: usize = 16_384, count("bytes", 0, MIB_16);
        /// Packets of any kind from one client in a second, and as many at once after a rest.
        packets_per_second: u16 = 100, count("packets", 1, 10_000);
        /// Steps, or other commands to the game, of one player in a second. One over this is refused and no strike.
        steps_per_second: u16 = 20, count("steps", 1, 10_000);
        /// Such commands of one player at once, after a rest.
        step_burst: u16 = 10, count("steps", 1, 10_000);
        /// Signals of one player in a second, and as many at once after a rest.
        signals_per_second: u16 = 10, count("signals", 1, 10_000);
        /// Lines of chat of one player within `chat_window`.
        chat_lines: u16 = 5, count("lines", 1, 1000);
        /// The time over which `chat_lines` counts.
        #[serde(with = "text::duration")]
        chat_window: Duration = Duration::from_secs(5), time(MS_100, HOUR);
        /// Requests of one player in a second to join or watch a room, or to list rooms.
        joins_per_second: u16 = 2, count("requests", 1, 10_000);
        /// Such requests at once, after a rest.
        join_burst: u16 = 5, count("requests", 1, 10_000);
        /// Rooms that one player opens in a minute, and as many at once after a rest.
        rooms_opened_per_minute: u16 = 3, count("rooms", 1, 10_000);
        /// Strikes, which are packets over any of these rates but the steps', within `strike_window`, at which a client
        /// is disconnected.
        rate_limit_strikes: u16 = 10, count("strikes", 1, 1000);
        /// The time over which `rate_limit_strikes` counts.
        #[serde(with = "text::duration")]
        strike_window: Duration = Duration::from_secs(10), time(MS_100, HOUR);
        /// Most rooms at once.
        rooms: usize = 2_000, count("rooms", 1, MILLION);
        /// Most connections that watch one room without a seat.
        watchers_per_room: usize = 20, count("connections", 0, 255);
        /// Time for which a room is kept that everyone has left. Whoever comes meanwhile finds it as it was; 0s closes it at
        /// once.
        #[serde(with = "text::duration")]
        empty_room_grace: Duration = Duration::from_secs(10), time(Duration::ZERO, HOUR);
        /// Time for which a player whom the owner of a room has removed may not come back to it.
        #[serde(with = "text::duration")]
        removed_for: Duration = Duration::from_secs(300), time(Duration::ZERO, HOUR);
        /// Times a second that a line said in the lobby is handed to someone, all lines and all who are there together. A
        /// line that comes when they are used up is denied.
        lobby_deliveries_per_second: usize = 20_000, count("deliveries", 1, MILLION);
        /// Time for which a player whose connection is lost keeps name, seat and piece, and may come back. 0s gives
        /// everything back at once.
        #[serde(with = "text::duration")]
        resume_grace: Duration = Duration::from_secs(30), time(Duration::ZERO, HOUR);
        /// Last events that each room keeps for players who come back. Whoever has missed more gets the whole picture.
        ring_events: usize = 256, count("events", 0, 65_536);
        /// Bytes of such events that each room keeps at the most.
        ring_bytes: usize = 65_536, count("bytes", 0, MIB_16);
        /// Most commands that wait for one room. Where it is full, whoever sends to it waits.
        room_inbox: usize = 256, count("commands", 1, 65_536);
    }
}

/// The form of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// Lines for people, with colours where the output is a terminal.
    Text,
    /// One JSON object a line.
    Json,
}

impl Config {
    /// How many shards to start: `shards`, or one per processor core this process may use.
    #[must_use]
    pub fn shard_count(&self) -> usize {
        match self.shards {
            0 => thread::available_parallelism().map_or(1, NonZero::get),
            count => count,
        }
    }

    /// The limits as the server's welcome announces them to a client.
    #[must_use]
    #[allow(clippy::cast_possible_truncation, reason = "the ranges of the keys and the frame cap fit 16 bits")]
    pub fn announced_limits(&self) -> Limits {
        let Self { game, limits, .. } = self;
        Limits {
            frame_bytes: MAX_CLIENT_FRAME as u16,
            packets_per_second: limits.packets_per_second,
            steps_per_second: limits.steps_per_second,
            step_burst: limits.step_burst,
            signals_per_second: limits.signals_per_second,
            tick_ms: game.tick.as_millis() as u16,
            silence_seconds: limits.silence.as_secs() as u16,
        }
    }
}

// Their own types hold only what is allowed; the rules between keys see to the rest.
impl Ranged for AddressOrOff {}
impl Ranged for PathOrOff {}
impl Ranged for BoardSize {}
impl Ranged for SeatCount {}
impl Ranged for LogFormat {}
impl Ranged for StoreAddress {}
impl Ranged for ControlAddress {}
impl Ranged for bool {}
impl Ranged for String {}
impl<T> Ranged for Vec<T> {}
