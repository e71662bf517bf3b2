//! The values inside packets. Each is checked when it is made, by hand or from the wire, and never again.

mod encoded;
mod game_name;
mod id;
mod list;
mod payload;
mod place;
mod room_password;
mod secret;
mod text;
mod token;

pub use encoded::{CommandBytes, Encoded, RefusalBytes, StateBytes, UpdateBytes};
pub use game_name::GameName;
pub use id::{PlayerId, RoomId};
pub use list::{List, ListError};
pub use payload::SignalPayload;
pub use place::{BoardSize, Cell, Direction, Seat, SeatCount};
pub use room_password::RoomPassword;
pub use secret::Secret;
pub use text::{ChatText, Name, Reason, RoomTitle, SoftwareName};
pub use token::ResumeToken;

/// Why a value was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ValueError {
    /// A text without a visible character.
    #[error("{what} must not be empty")]
    Empty {
        /// What the text is.
        what: &'static str,
    },
    /// A text or byte string over its limit.
    #[error("{what} has {length} {unit}, over the limit of {max}")]
    TooLong {
        /// What the value is.
        what: &'static str,
        /// How long it is.
        length: usize,
        /// How long it may be.
        max: usize,
        /// What the length counts.
        unit: &'static str,
    },
    /// A control character, an ANSI escape, a line break or an invisible formatting character.
    #[error("{what} holds the character U+{code:04X}, which is a control or formatting character")]
    Forbidden {
        /// What the text is.
        what: &'static str,
        /// The character's code point.
        code: u32,
    },
    /// A name that begins or ends with white space.
    #[error("{what} must not begin or end with white space")]
    Untrimmed {
        /// What the text is.
        what: &'static str,
    },
    /// A number outside its range.
    #[error("{what} is {value}, outside {min} to {max}")]
    OutOfRange {
        /// What the number is.
        what: &'static str,
        /// The number.
        value: u32,
        /// The least it may be.
        min: u32,
        /// The most it may be.
        max: u32,
    },
    /// A text that is not in the form the type reads.
    #[error("{what} is not of the form {form}")]
    Malformed {
        /// What the text is.
        what: &'static str,
        /// The form it should have.
        form: &'static str,
    },
}
