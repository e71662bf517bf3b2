//! What a client may ask for beyond a seat: rooms of its own, lists, and words to others.

use crate::{Client, ClientError};
use malpan_protocol::{
    Audience, ChatText, ClientPacket, Joined, LobbyPage, Manner, Name, Part, PlayerId, RoomId, RoomList, RoomPassword,
    RoomPlan, RoomQuery, ServerPacket,
};
use tokio::io::{AsyncRead, AsyncWrite};

impl<IO: AsyncRead + AsyncWrite + Unpin> Client<IO> {
    /// Opens a room of one's own, as its owner, and takes its first seat.
    ///
    /// # Errors
    /// [`ClientError::Denied`] where the server opens no more rooms, has no such game, or no such board for it.
    pub async fn create_room(&mut self, plan: RoomPlan) -> Result<Joined, ClientError> {
        self.enter(&ClientPacket::CreateRoom(Box::new(plan))).await
    }

    /// Takes a seat in a room with a password, or watches it.
    ///
    /// # Errors
    /// [`ClientError::Denied`] where that is not the password, or there is no such room or seat.
    pub async fn unlock(&mut self, room: RoomId, part: Part, password: RoomPassword) -> Result<Joined, ClientError> {
        self.enter(&ClientPacket::Unlock { room, part, password }).await
    }

    /// One page of the rooms that are what `query` asks for.
    ///
    /// # Errors
    /// [`ClientError::Denied`] where rooms are listed too often.
    pub async fn find_rooms(&mut self, query: RoomQuery) -> Result<RoomList, ClientError> {
        self.request(&ClientPacket::FindRooms(Box::new(query)), |packet| match packet {
            ServerPacket::RoomList(rooms) => Ok(rooms),
            other => Err(other),
        })
        .await
    }

    /// One page of the people who are in no room: players numbered above `after`.
    ///
    /// # Errors
    /// [`ClientError::Denied`] where they are listed too often.
    pub async fn list_lobby(&mut self, after: PlayerId) -> Result<LobbyPage, ClientError> {
        self.request(&ClientPacket::ListLobby { after }, |packet| match packet {
            ServerPacket::LobbyPage(page) => Ok(page),
            other => Err(other),
        })
        .await
    }

    /// Queues something to be said. It comes back to who said it, as everyone it is for hears it; or it is denied.
    ///
    /// # Errors
    /// None in practice; see [`Client::send`].
    pub fn say(&mut self, to: Audience, manner: Manner, text: ChatText) -> Result<(), ClientError> {
        self.send(&ClientPacket::Say { to, manner, text })
    }

    /// Queues the own doing, as the room sees it: `* Ann waves`.
    ///
    /// # Errors
    /// None in practice; see [`Client::send`].
    pub fn emote(&mut self, text: ChatText) -> Result<(), ClientError> {
        self.say(Audience::Room, Manner::Emote, text)
    }

    /// Queues a line for one player alone, who may be anywhere on the server.
    ///
    /// # Errors
    /// None in practice; see [`Client::send`].
    pub fn whisper(&mut self, to: Name, text: ChatText) -> Result<(), ClientError> {
        self.say(Audience::Player(to), Manner::Say, text)
    }

    /// Queues the wish of a room's owner that someone leaves it. [`ServerPacket::Left`] tells that it is done.
    ///
    /// # Errors
    /// None in practice; see [`Client::send`].
    pub fn remove(&mut self, name: Name) -> Result<(), ClientError> {
        self.send(&ClientPacket::Remove { name })
    }

    /// Queues the wish of a room's owner that someone else in it becomes that. [`ServerPacket::Owner`] tells that it is done.
    ///
    /// # Errors
    /// None in practice; see [`Client::send`].
    pub fn hand_over(&mut self, name: Name) -> Result<(), ClientError> {
        self.send(&ClientPacket::HandOver { name })
    }
}
