//! Deterministic simulation: the production acceptor, sessions, rooms, directory, shards and drain on one thread, under a
//! paused clock, among dozens of clients and a bad network. The same seed does the same each time.
//!
//! ```text
//! run.rs -> driver.rs  a step, then watch.rs, invariants.rs; ending.rs: everyone plays, everyone goes, the server stops
//!   plan.rs     what a seed stands for: limits, clients, the end
//!   network.rs  links (stream.rs, pipe.rs) and what stands for a listening socket; faults.rs befalls them
//!   honest.rs   the client library's clients: sign_in.rs and back.rs how they come in, talk.rs, denials.rs and words.rs what
//!               they hear, acts.rs and social.rs what they do, stale.rs what they leave behind, table.rs a room as they see it
//!   hostile.rs  everyone else, and lecture clients: ideas.rs what they have in mind, floods.rs too much of it, thieves.rs who
//!               wants to be someone else
//!   observed.rs games that remember; faulty.rs one that fails; mirror.rs who sits where, by the log; lore.rs what all know; world.rs
//!               what all share
//! ```
//!
//! Replaced: sockets and the kernel's buffers (network.rs), the shards' threads (one runtime), the clock (tokio's, paused),
//! signals (a channel). Not replaced: everything between `Listener::accept` and the rules.

mod acts;
mod back;
mod denials;
mod driver;
mod ending;
mod faults;
mod faulty;
mod floods;
mod honest;
mod hostile;
mod ideas;
mod invariants;
mod lore;
mod mirror;
mod network;
mod observed;
mod pipe;
mod plan;
mod run;
mod sign_in;
mod social;
mod stale;
mod stream;
mod table;
mod talk;
mod thieves;
mod watch;
mod words;
mod world;

pub use run::{Failure, Outcome, run, run_aloud};
