//! Hostile load: ten kinds of attack, each with the end that the documents promise it.
//!
//! ```text
//! attacks.rs       the catalogue: from which state, which bytes, and how the server has to end it
//! conversation.rs  one attack, from the connection to its end
//! stopped.rs       ten in a room who flood each other and do not read
//! crew.rs          all of them, paced, until so many frames were sent
//! tally.rs         what was sent and how it ended
//! ```
//!
//! Invariant: a frame counts when the kernel has taken it, and an attack that ends in another way than the catalogue
//! says is counted as such, in every run: none can turn into something harmless without being seen.

mod attacks;
mod bytes;
mod conversation;
mod crew;
mod stopped;
mod tally;

pub use attacks::{Attack, Stage, catalogue};
pub use conversation::{End, Outcome, attack};
pub use crew::{Order, send};
pub use stopped::{MEMBERS, room_of_stopped_readers};
pub(crate) use stopped::{enter, signal};
pub use tally::{Sent, Tally};

use serde::Serialize;

/// A kind of hostile frames. A tenth of all frames goes into each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Category {
    /// Lengths that no frame may have, and one that is claimed and not sent.
    Lengths,
    /// Whole frames that are no packets: trailing bytes, unknown types, huge counts, texts with control characters.
    Payloads,
    /// What other programs say first: requests of the web, TLS, noise.
    Greetings,
    /// Packets that are not allowed in the connection's state.
    WrongState,
    /// More packets, or more bytes, than are allowed.
    Packets,
    /// More steps than are allowed.
    Steps,
    /// More chat and signals than are allowed.
    Talk,
    /// More joins and leaves, openings, watching and lists of rooms than are allowed.
    Rooms,
    /// Frames of which a part comes, at once or byte by byte; connections that are reset in the middle of one.
    Halves,
    /// Signals to a room in which nobody reads, or one byte a second.
    Stopped,
}

impl Category {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Lengths,
        Self::Payloads,
        Self::Greetings,
        Self::WrongState,
        Self::Packets,
        Self::Steps,
        Self::Talk,
        Self::Rooms,
        Self::Halves,
        Self::Stopped,
    ];
}
