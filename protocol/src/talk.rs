//! What people say to each other, and to whom.

use crate::{ChatText, List, Name, PlayerId, RoomId};
use serde::{Deserialize, Serialize};

/// How something is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Manner {
    /// As a line of chat.
    Say,
    /// As what the speaker does: shown as `* NAME TEXT`.
    Emote,
}

/// To whom something is said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Audience {
    /// Everyone in the room, by who has a seat in it.
    Room,
    /// Everyone who is signed in and in no room, by who is in none.
    Lobby,
    /// One player, who is signed in anywhere on this server.
    Player(Name),
}

/// See [`ServerPacket::LobbyChat`](crate::ServerPacket::LobbyChat).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LobbyChat {
    /// Who said it.
    pub name: Name,
    /// How.
    pub manner: Manner,
    /// What.
    pub text: ChatText,
}

/// See [`ServerPacket::Whisper`](crate::ServerPacket::Whisper).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Whisper {
    /// Who said it.
    pub from: Name,
    /// To whom.
    pub to: Name,
    /// How.
    pub manner: Manner,
    /// What.
    pub text: ChatText,
}

/// See [`ServerPacket::History`](crate::ServerPacket::History).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct History {
    /// Of which room.
    pub room: RoomId,
    /// The lines, the oldest first.
    pub lines: List<PastLine, MAX_HISTORY>,
}

/// Something that was said in a room before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PastLine {
    /// Who said it. They may have left, and someone else may have that name now.
    pub name: Name,
    /// How.
    pub manner: Manner,
    /// What.
    pub text: ChatText,
}

/// See [`ServerPacket::LobbyPage`](crate::ServerPacket::LobbyPage).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LobbyPage {
    /// How many are in the lobby in all.
    pub total: u32,
    /// Those of this page, by rising number of the player.
    pub names: List<Name, LOBBY_PAGE>,
    /// Ask with this as `after` for the next page; `None` where this is the last.
    pub next: Option<PlayerId>,
}

/// Most lines of chat that a room remembers, and that one [`History`] holds.
pub const MAX_HISTORY: usize = 50;
/// Most names on one page of [`LobbyPage`].
pub const LOBBY_PAGE: usize = 50;
