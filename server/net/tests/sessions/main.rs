//! Sessions over in-memory streams with paused time, and the acceptor over real sockets.
//!
//! The in-memory stream ([`support::wire`]) counts writes, takes as many bytes as it is told to, stalls and breaks. Time
//! moves only when every task waits, so "settled" is exact and no test hopes.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod accept_errors;
mod acceptor;
mod bounds;
mod closing;
mod counting;
mod half_open;
mod opening;
mod panics;
mod reading;
mod serve;
mod sockets;
mod support;
mod sweep;
mod tls;
mod transports;
mod writing;
