//! What is said beyond the room's chat, who is where, and whose the room is.

use super::{Fallback, Goal, News, NotNow, Session};
use malpan_client::{
    Muted,
    protocol::{
        Audience, ChatText, ClientPacket, LobbyPage, Manner, Name, PlayerId, RoomId, RoomList, RoomQuery, ServerPacket,
    },
};
use std::time::Instant;

impl Session {
    /// Says something: to the room, to the lobby, or to one player.
    pub(crate) fn say(&mut self, to: Audience, manner: Manner, text: ChatText, now: Instant) -> Result<(), NotNow> {
        match (&to, &self.table) {
            (Audience::Room, _) => self.may_chat()?,
            (Audience::Lobby, Some(_)) => return Err(NotNow::InRoom),
            _ if !self.is_online() => return Err(NotNow::Offline),
            _ => {}
        }
        self.said_due.push_back(now);
        self.packets.push(ClientPacket::Say { to, manner, text });
        Ok(())
    }

    /// Says something to those around: the room, or where there is none the lobby.
    pub(crate) fn say_here(&mut self, manner: Manner, text: ChatText, now: Instant) -> Result<(), NotNow> {
        let to = if self.table.is_some() { Audience::Room } else { Audience::Lobby };
        self.say(to, manner, text, now)
    }

    /// As the room's owner, puts someone out of it.
    pub(crate) fn remove(&mut self, name: Name, now: Instant) -> Result<(), NotNow> {
        self.own(ClientPacket::Remove { name }, now)
    }

    /// As the room's owner, gives it to someone else.
    pub(crate) fn hand_over(&mut self, name: Name, now: Instant) -> Result<(), NotNow> {
        self.own(ClientPacket::HandOver { name }, now)
    }

    fn own(&mut self, wish: ClientPacket, now: Instant) -> Result<(), NotNow> {
        self.may_chat()?;
        self.said_due.push_back(now);
        self.packets.push(wish);
        Ok(())
    }

    /// Asks who is in the lobby, one page.
    pub(crate) fn list_lobby(&mut self, after: PlayerId, now: Instant) -> Result<(), NotNow> {
        if !self.is_online() {
            return Err(NotNow::Offline);
        }
        self.lobby_due = Some(now);
        self.packets.push(ClientPacket::ListLobby { after });
        Ok(())
    }

    /// Asks for the rooms that are what `query` says, one page. Answers come in the order in which they were asked for.
    pub(crate) fn find_rooms(&mut self, query: RoomQuery, now: Instant) -> Result<(), NotNow> {
        if !self.is_online() {
            return Err(NotNow::Offline);
        }
        if !self.finding.iter().any(|(due, _)| *due == query) {
            self.packets.push(ClientPacket::FindRooms(Box::new(query.clone())));
            self.finding.push_back((query, now));
        }
        Ok(())
    }

    /// Whom one does not want to hear.
    pub(crate) fn muted(&self) -> &Muted {
        &self.muted
    }

    /// The same, to be changed.
    pub(crate) fn muted_mut(&mut self) -> &mut Muted {
        &mut self.muted
    }

    /// Packets of no room in particular, and of one's own part in it.
    pub(super) fn hear_people(&mut self, packet: ServerPacket) -> Vec<News> {
        let news = match packet {
            ServerPacket::LobbyChat(said) => {
                if said.name == self.name {
                    self.said_due.pop_front();
                }
                self.unless_muted(&said.name.clone(), News::LobbyChat(said))
            }
            ServerPacket::Whisper(whisper) => {
                if whisper.from == self.name {
                    self.said_due.pop_front();
                }
                self.unless_muted(&whisper.from.clone(), News::Whisper(whisper))
            }
            ServerPacket::History(history) if self.is_at(history.room) => {
                let lines = history.lines.into_iter().filter(|line| !self.muted.is_muted(&line.name));
                Some(News::History(lines.collect()))
            }
            ServerPacket::LobbyPage(LobbyPage { total, names, next }) => {
                self.lobby_due = None;
                Some(News::Lobby { total, names: names.into_iter().collect(), next })
            }
            ServerPacket::RoomList(RoomList { rooms, next }) => self.finding.pop_front().map(|(query, _)| {
                let first = query.after == RoomId(0);
                let next = next.map(|after| RoomQuery { after, ..query.clone() });
                News::Found { query, rooms: rooms.into_iter().collect(), first, next }
            }),
            ServerPacket::Removed { room, by } if self.is_at(room) => {
                self.removed = true;
                Some(News::Removed { room, by })
            }
            _ => None,
        };
        news.into_iter().collect()
    }

    /// The owner put one out of the room, which has let go.
    pub(super) fn was_removed(&mut self, room: RoomId, now: Instant) -> News {
        match self.fallback {
            Fallback::AnyRoom => self.set_out(self.any_room(), vec![], now),
            Fallback::Lobby => self.home = Goal::Lobby,
        }
        News::RoomLeft(room)
    }

    pub(super) fn unless_muted(&self, name: &Name, news: News) -> Option<News> {
        (!self.muted.is_muted(name)).then_some(news)
    }

    fn is_at(&self, room: RoomId) -> bool {
        self.table.as_ref().is_some_and(|table| table.id() == room)
    }
}
