//! The lecture wire: the packed packets that a course in Windows game-server programming begins with, on a port of its
//! own and onto the same boards as everyone else.
//!
//! ```text
//! bytes -> codec.rs (size, type) -> player.rs -> the room's inbox, as any player's
//!       <- dialect.rs (put, remove, position, chat) <- the room's frames, translated once for each flush
//! ```
//!
//! Invariant: a room knows only that some of its members speak another dialect; what they may do
//! and what they miss is the same for everyone. `docs/protocol.md` describes every byte.

mod codec;
mod dialect;
mod player;

pub use codec::{LectureCodec, LectureError, LecturePacket};
pub(crate) use dialect::say;
pub use player::LecturePlayer;

use crate::host::{Host, Shared};
use malpan_net::{Protocol, SessionHandle};
use std::{fmt, sync::Arc};

/// The lecture wire's side of a [`Host`]: a [`Protocol`], as the host itself is one. Cheap to clone.
#[derive(Clone)]
pub struct Lecture(Arc<Shared>);

impl Lecture {
    /// The lecture wire onto the boards of `host`.
    #[must_use]
    pub fn new(host: &Host) -> Self {
        Self(host.shared())
    }
}

/// It has no word for a farewell and none for a heartbeat: TCP keepalive stands in for that.
impl Protocol for Lecture {
    type Decoder = LectureCodec;
    type Service = LecturePlayer;

    fn decoder(&self) -> LectureCodec {
        LectureCodec
    }

    fn open(&self, session: SessionHandle) -> LecturePlayer {
        LecturePlayer::new(Arc::clone(&self.0), session)
    }
}

impl fmt::Debug for Lecture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Lecture")
    }
}
