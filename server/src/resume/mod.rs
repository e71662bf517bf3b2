//! Who is signed in or expected back, and how they come back.
//!
//! ```text
//! sign-in -> Registry::enter -> Presence, with the player's session
//!   the connection is lost: Presence dropped -> away, for the grace time -> Claim -> Presence, with another session
//!   Resume while the connection lives: the old session is closed and its Presence handed over to the new one
//! registry.rs  presence.rs  token.rs
//!   standing.rs: what was done to their accounts elsewhere
//! ```
//!
//! Invariant: what a player has, name and seat, is in one place at a time: with one session, on the way to the next, or here.
//! So it cannot be taken twice, and it is lost nowhere, whichever of them is cancelled or panics.

mod presence;
mod registry;
mod standing;
mod token;

pub(crate) use presence::{Kept, Presence};
pub(crate) use registry::{Grace, NoReturn, Registry};
pub use token::TokenSource;
