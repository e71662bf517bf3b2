//! Every key of `[limits]` is enforced, as it is by default and as an operator may set it. In simulated time, so that a
//! minute costs nothing and each figure is exact; only who may connect is asked over real sockets.
#![allow(clippy::unwrap_used, reason = "a test")]

mod deadlines;
mod frames;
mod inbox;
mod places;
mod rates;

use malpan_client::{Client, ClientError};
use malpan_e2e::arrived;
use malpan_protocol::{Denial, DenialCode, ServerPacket};
use malpan_server::config::{Config, LimitsConfig, keys};
use std::time::Duration;
use tokio::{
    io::DuplexStream,
    time::{Instant, sleep},
};

/// Which test holds each limit.
const HELD_BY: [(&str, &str); 36] = [
    ("sessions", "places"),
    ("sessions_per_address", "places"),
    ("exempt_addresses", "places"),
    ("unsigned", "places"),
    ("hello_within", "deadlines"),
    ("sign_in_within", "deadlines"),
    ("sign_in_attempts", "deadlines"),
    ("ping_after", "deadlines"),
    ("silence", "deadlines"),
    ("queue_messages", "../slow_reader.rs"),
    ("queue_bytes", "../slow_reader.rs"),
    ("lag_messages", "../slow_reader.rs"),
    ("lag_bytes", "../slow_reader.rs"),
    ("recovered_messages", "../slow_reader.rs"),
    ("write_stall", "deadlines"),
    ("send_buffer_bytes", "../stopped_reader.rs"),
    ("packets_per_second", "rates"),
    ("steps_per_second", "rates"),
    ("step_burst", "rates"),
    ("signals_per_second", "rates"),
    ("chat_lines", "rates"),
    ("chat_window", "rates"),
    ("joins_per_second", "rates"),
    ("join_burst", "rates"),
    ("rooms_opened_per_minute", "rates"),
    ("rate_limit_strikes", "rates"),
    ("strike_window", "rates"),
    ("rooms", "places"),
    ("watchers_per_room", "places"),
    ("empty_room_grace", "../people/empty.rs"),
    ("removed_for", "../people/owning.rs"),
    ("lobby_deliveries_per_second", "../people/talking.rs"),
    ("resume_grace", "../resume/grace.rs"),
    ("ring_events", "../resume/seats.rs"),
    ("ring_bytes", "../resume/seats.rs"),
    ("room_inbox", "inbox"),
];

#[test]
fn every_limit_is_held_by_a_test() {
    let listed = HELD_BY.iter().map(|(key, _)| format!("limits.{key}"));
    let keys = keys().map(|key| key.name).filter(|name| name.starts_with("limits."));
    assert_eq!(listed.collect::<Vec<_>>(), keys.collect::<Vec<_>>(), "a new limit needs a test, and a line here");
}

/// The default configuration with other limits.
fn config(adjust: impl FnOnce(&mut LimitsConfig)) -> Config {
    let mut config = malpan_e2e::without_grace();
    adjust(&mut config.limits);
    config
}

/// How often a shard looks at the time, and then some: how late what is due may be. It is never early.
const SWEEP: Duration = Duration::from_millis(260);

fn assert_due(since: Instant, limit: Duration) {
    let elapsed = since.elapsed();
    assert!(elapsed >= limit && elapsed <= limit + SWEEP, "after {elapsed:?}, where {limit:?} is the limit");
}

/// Sends what is queued, lets it happen, and takes what came of it.
async fn settle(client: &mut Client<DuplexStream>) -> (Vec<ServerPacket>, Option<ClientError>) {
    // An error means that the connection has ended, which what arrives says better.
    let _ = client.flush().await;
    sleep(Duration::from_millis(1)).await;
    arrived(client).await
}

fn is_denied(packet: &ServerPacket, code: DenialCode) -> bool {
    matches!(packet, ServerPacket::Denied(Denial { code: found, .. }) if *found == code)
}

fn denials(packets: &[ServerPacket], code: DenialCode) -> usize {
    packets.iter().filter(|packet| is_denied(packet, code)).count()
}

fn denied<T: std::fmt::Debug>(answer: Result<T, ClientError>) -> DenialCode {
    match answer {
        Err(ClientError::Denied(denial)) => denial.code,
        other => panic!("{other:?}"),
    }
}
