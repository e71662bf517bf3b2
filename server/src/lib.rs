//! The Malpan server: what brings connections (malpan-net) and rules (malpan-game) together.
//!
//! ```text
//! socket -> malpan-net session -> player/ (hello, sign-in, lobby, seat) -> room/ inbox
//!        <- send queue         <- room/ flush: two frames at most, shared by all members
//! server.rs: listeners, shards, drain      directory.rs: seats and inboxes      accounts/: names, passwords
//! resume/: who is signed in or expected back          saving/: what of them and the rooms outlives the server
//! http.rs: health and metrics              metrics/: what there is to tell
//! serving.rs: the process                  manager/: who asks it to stop, and is told how it goes
//! ```
//!
//! This is the only crate that sees the others. Start with [`Server`]; a game of your own comes in through [`Games`].

mod accounts;
pub mod cli;
pub mod config;
pub mod control;
mod directory;
mod door;
mod ending;
mod error_text;
mod everyone;
pub mod files;
mod games;
mod greeting;
mod host;
mod http;
pub mod lecture;
pub mod logging;
pub mod manager;
pub mod metrics;
mod outgoing;
mod people;
mod player;
mod resume;
mod room;
mod saving;
mod server;
#[cfg(windows)]
pub mod service;
pub mod serving;
pub mod store;
#[cfg(test)]
mod test_host;
pub mod tls;

pub use error_text::error_text;
pub use games::{Games, NewRoom};
pub use greeting::Greeting;
pub use host::Host;
pub use player::Player;
pub use resume::TokenSource;
pub use server::{Ground, Server, StartError, Stop, admission_limits, session_settings};
