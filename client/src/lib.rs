//! Malpan's client library: connect, shake hands, sign in, join, send, and receive typed packets.
//!
//! ```text
//! Client (client.rs)   hello, sign-in, requests and their answers      <- what most programs use
//!   requests.rs        own rooms, lists, words to others
//!   Connection (connection.rs)   packets over any byte stream, pings answered
//!     Stream (stream.rs)         TCP, plain or with TLS (tls.rs)
//! Room (room.rs)       who is in a room, kept true by the packets that arrive
//!   View (view.rs)     the game that is played in it, as a client sees it
//! ```
//!
//! Invariant: [`Client::next`] loses nothing when it is cancelled, so it can stand in a `select!` beside a timer.

mod client;
mod connection;
mod error;
mod muted;
mod requests;
mod room;
mod stream;
mod tls;
mod view;

pub use client::{Client, ConnectOptions};
pub use connection::Connection;
pub use error::ClientError;
pub use malpan_protocol as protocol;
pub use muted::Muted;
pub use room::{Piece, Room, RoomError};
pub use stream::Stream;
pub use tls::{Tls, TlsError};
pub use view::{BoardView, View};
