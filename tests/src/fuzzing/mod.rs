//! What the fuzz targets do with their bytes, one function a target. `fuzz/` runs them under libFuzzer, the test
//! `tests/corpora.rs` with every file of `fuzz/corpora/`.
//!
//! ```text
//! frames.rs        client_frames, server_frames   bytes -> decoder: the laws in laws.rs, in any pieces
//! lecture_wire.rs  lecture_wire                   the same for the lecture wire
//! session/         session, lecture_session       bytes -> what strangers do to a whole server, beside an honest player
//! room.rs          room                           bytes -> what a room's members do, against the model of room_model.rs
//! config.rs        config                         bytes -> the configuration file and variables
//! expression.rs    expression                     bytes -> a condition of the bot's on a report's figures
//! ```
//!
//! Each call is by itself and repeatable: one runtime with paused time where one is needed, nothing random, no socket.

mod choices;
mod config;
mod expression;
mod frames;
mod laws;
mod lecture_wire;
mod room;
mod session;

pub use config::config;
pub use expression::expression;
pub use frames::{client_frames, server_frames};
pub use lecture_wire::lecture_wire;
pub use room::room;
pub use session::{lecture_session, session};

/// The name of a target and what it does; it panics where something is wrong.
pub type Target = (&'static str, fn(&[u8]));

/// Every target.
pub const TARGETS: &[Target] = &[
    ("client_frames", client_frames),
    ("server_frames", server_frames),
    ("lecture_wire", lecture_wire),
    ("session", session),
    ("lecture_session", lecture_session),
    ("room", room),
    ("config", config),
    ("expression", expression),
];

/// The targets that may not take more memory than [`memory_for`] their input.
pub const DECODERS: [&str; 3] = ["client_frames", "server_frames", "lecture_wire"];

/// The bytes of memory that the target of a decoder may take at once: what is copied of the input, and its packets, each
/// of which may take 64 KiB while it is decoded. What a length merely claims accounts for nothing.
#[must_use]
pub fn memory_for(input: &[u8]) -> u64 {
    64 * 1024 + 64 * input.len() as u64
}
