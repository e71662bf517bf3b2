//! Requests about rooms: lists, ways in and out, and what owners ask for.

use super::{Player, State};
use crate::{
    directory::{Hold, NoPlace},
    door::{Shut, Visitor},
    ending::Ending,
    room::{Message, OwnersWish},
};
use malpan_protocol::{ClientPacket, JoinTarget, Name, Part, ServerPacket};
use tokio::time::Instant;

impl Player {
    /// A request of whoever is signed in under `name`.
    pub(super) async fn of_rooms(&mut self, packet: ClientPacket, name: &Name, now: Instant) {
        let visitor = Visitor { name, password: None, now };
        let is_free = self.place().is_none();
        match packet {
            ClientPacket::ListRooms { after, filter } if self.may_ask("room lists", now) => {
                self.answer(&ServerPacket::Rooms(self.host.directory.page(after, filter)));
            }
            ClientPacket::FindRooms(query) if self.may_ask("room lists", now) => {
                self.answer(&ServerPacket::RoomList(self.host.directory.find(&query)));
            }
            ClientPacket::ListLobby { after } if self.may_ask("lists of people", now) => {
                self.answer(&ServerPacket::LobbyPage(self.host.people.lobby(after)));
            }
            ClientPacket::ListRooms { .. } | ClientPacket::FindRooms(_) | ClientPacket::ListLobby { .. } => {}
            ClientPacket::Leave => self.go().await,
            ClientPacket::Remove { name } => self.own(OwnersWish::Remove, name, now).await,
            ClientPacket::HandOver { name } => self.own(OwnersWish::HandOver, name, now).await,
            ClientPacket::Join { target } if is_free => {
                if self.may_ask("joins", now) {
                    let (directory, shard) = (&self.host.directory, self.session.shard());
                    let reserved = match target {
                        JoinTarget::Room(room) => directory.reserve(room, visitor),
                        JoinTarget::Any => directory.reserve_any(None, visitor, shard),
                        JoinTarget::AnyOf(game) => directory.reserve_any(Some(game), visitor, shard),
                    };
                    self.take_place(reserved).await;
                }
            }
            ClientPacket::Watch { room } if is_free => {
                if self.may_ask("joins", now) {
                    let reserved = self.host.directory.reserve_watch(room, visitor, self.session.id());
                    self.take_place(reserved).await;
                }
            }
            ClientPacket::Unlock { room, part, password } if is_free => {
                if self.may_ask("joins", now) {
                    let (directory, visitor) = (&self.host.directory, Visitor { password: Some(&password), ..visitor });
                    let reserved = match part {
                        Part::Seat => directory.reserve(room, visitor),
                        Part::Watch => directory.reserve_watch(room, visitor, self.session.id()),
                    };
                    self.try_password(reserved, now).await;
                }
            }
            ClientPacket::OpenRoom { game, title, seats } if is_free => {
                if self.may_open(now) {
                    let reserved = self.host.directory.reserve_new(game, title, seats, self.session.shard());
                    self.take_place(reserved).await;
                }
            }
            ClientPacket::CreateRoom(plan) if is_free => {
                if self.may_open(now) {
                    let reserved = self.host.directory.reserve_own(&plan, name, self.session.shard());
                    self.take_place(reserved).await;
                }
            }
            _ => self.out_of_order(),
        }
    }

    /// Whether such a request is within the budget; where it is not, says so.
    fn may_ask(&mut self, what: &str, now: Instant) -> bool {
        let left = self.budgets.join(&self.host.rates, now.into_std());
        left.map_err(|wait| self.too_fast(what, wait, now)).is_ok()
    }

    fn may_open(&mut self, now: Instant) -> bool {
        let left = self.budgets.open_room(&self.host.rates, now.into_std());
        left.map_err(|wait| self.too_fast("new rooms", wait, now)).is_ok()
    }

    fn answer(&self, packet: &ServerPacket) {
        self.session.send(self.host.outgoing.frame(packet));
    }

    async fn go(&mut self) {
        match &self.state {
            // Who hears that the room has let go of them may have asked to leave it already.
            State::SignedIn(presence) if presence.place.as_ref().is_some_and(Hold::is_over) => self.forget_place(),
            State::SignedIn(presence) if presence.place.is_some() => self.leave().await,
            _ => self.out_of_order(),
        }
    }

    /// Guessing is slow, because it costs what joining costs, and it is not done for long.
    async fn try_password(&mut self, reserved: Result<Hold, NoPlace>, now: Instant) {
        let is_wrong = matches!(reserved, Err(NoPlace::Shut(Shut::WrongPassword(_))));
        self.take_place(reserved).await;
        if is_wrong && self.budgets.wrong_password() && self.budgets.strike(&self.host.rates, now.into_std()) {
            self.log(|| tracing::debug!("guesses passwords"));
            self.session.close(Ending::Flooding.into());
        }
    }

    async fn own(&mut self, wish: OwnersWish, name: Name, now: Instant) {
        if self.state.seat().is_none() {
            return self.not_seated();
        }
        if self.may_ask("requests of an owner", now)
            && let Some((place, seat)) = self.state.seat()
        {
            place.send(Message::Own { seat, from: self.session.id(), wish, name }).await;
        }
    }
}
