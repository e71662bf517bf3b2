//! What of the rooms and the resume tokens outlives the server.
//!
//! ```text
//! room/task.rs: something has happened -> at most once in a while, record.rs -> Saver
//! resume/registry.rs: a token is given, or worth nothing -> Saver
//!   saver.rs: what has changed, the latest of each room and token -> the store, behind, in pieces as large as it wants
//! at the start: the store -> load.rs -> directory: the rooms, resume: who sat there, as away
//! ```
//!
//! Invariant: what is written is never more than a second older than what the players have seen, unless the store does not
//! answer; and what a server that drains has told them is written whole. A room that has failed is set aside.

mod load;
mod record;
mod saver;

pub(crate) use load::{Loaded, load};
pub(crate) use record::{Lock, Record, SavedAs, SavedBytes, SavedMember, WhoReturns};
pub(crate) use saver::{SAVE_AFTER, Saver};
