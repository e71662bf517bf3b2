//! What a person wishes: done as far as it can be now, or said why not.

use super::{GameCommand, Goal, Session, Table, request::Request};
use crate::play::game::Game;
use malpan_client::protocol::{ChatText, ClientPacket, RoomFilter, RoomId};
use std::time::Instant;

/// Why a wish was not even sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NotNow {
    /// There is no connection.
    #[error("not connected")]
    Offline,
    /// There is no room.
    #[error("not in a room")]
    NoRoom,
    /// There is a room, and it is for the lobby.
    #[error("in a room; the lobby hears who is in none")]
    InRoom,
    /// There is no seat.
    #[error("only watching: join the room to play and chat")]
    Watching,
    /// Another game is played.
    #[error("this room plays {}: {}", .0.name(), .0.commands())]
    OtherGame(Game),
    /// A way into a room is under way.
    #[error("still on the way into a room")]
    Busy,
    /// Faster than the server allows.
    #[error("too fast")]
    TooFast,
    /// The own room was asked for.
    #[error("already in that room")]
    ThereAlready,
}

impl Session {
    /// Asks something of the game.
    pub(crate) fn command(&mut self, command: GameCommand, now: Instant) -> Result<(), NotNow> {
        self.may_command(command)?;
        let seq = self.commands.take(command, now).ok_or(NotNow::TooFast)?;
        self.packets.push(ClientPacket::Command { seq, command: command.bytes() });
        Ok(())
    }

    /// Says something to the room.
    pub(crate) fn chat(&mut self, text: ChatText, now: Instant) -> Result<(), NotNow> {
        self.may_chat()?;
        self.said_due.push_back(now);
        self.packets.push(ClientPacket::Chat { text });
        Ok(())
    }

    /// Whether something may be asked of the game, but for its pace.
    pub(crate) fn may_command(&self, command: GameCommand) -> Result<(), NotNow> {
        let game = self.seated()?.game();
        if game == command.game() { Ok(()) } else { Err(NotNow::OtherGame(game)) }
    }

    /// Whether something may be said to the room.
    pub(crate) fn may_chat(&self) -> Result<(), NotNow> {
        self.seated().map(drop)
    }

    /// Goes to another room, a new one, or the lobby. If that fails, back to the room before, and then as the
    /// conversation's [`Fallback`](super::Fallback) says.
    pub(crate) fn go(&mut self, goal: Goal, now: Instant) -> Result<(), NotNow> {
        if !self.is_online() {
            return Err(NotNow::Offline);
        }
        if self.request.as_ref().is_some_and(Request::is_due) {
            return Err(NotNow::Busy);
        }
        let former = self.here();
        if former.as_ref() == Some(&goal) {
            return Err(NotNow::ThereAlready);
        }
        if goal == Goal::Lobby && former.is_none() {
            return Err(NotNow::NoRoom);
        }
        self.set_out(goal, self.ways_back(former, self.fallback), now);
        Ok(())
    }

    /// Asks for the rooms above `after`, one page.
    pub(crate) fn list_rooms(&mut self, after: RoomId, now: Instant) -> Result<(), NotNow> {
        if !self.is_online() {
            return Err(NotNow::Offline);
        }
        if self.listing.is_none() {
            self.listing = Some((after, now));
            self.packets.push(ClientPacket::ListRooms { after, filter: RoomFilter::All });
        }
        Ok(())
    }

    /// The room, where one has a seat and is not about to leave it.
    fn seated(&self) -> Result<&Table, NotNow> {
        if !self.is_online() {
            return Err(NotNow::Offline);
        }
        if self.request.as_ref().is_some_and(Request::is_due) {
            return Err(NotNow::Busy);
        }
        let table = self.table.as_ref().ok_or(NotNow::NoRoom)?;
        if table.is_watched() { Err(NotNow::Watching) } else { Ok(table) }
    }
}
