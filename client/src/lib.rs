//! Malpan's client library: connect, shake hands, sign in, join, send, and receive typed packets.
//!
//! ```text
//! Client (client.rs)   hello, sign-in, requests and their answers      <- what most programs use
//!   Connection (connection.rs)   packets over any byte stream, pings answered
//! Room (room.rs)       what a room looks like, kept true by the packets that arrive
//! ```
//!
//! Invariant: [`Client::next`] loses nothing when it is cancelled, so it can stand in a `select!` beside a timer.

mod client;
mod connection;
mod error;
mod room;

pub use client::{Client, ConnectOptions};
pub use connection::Connection;
pub use error::ClientError;
pub use malpan_protocol as protocol;
pub use room::{Piece, Room, RoomError};
