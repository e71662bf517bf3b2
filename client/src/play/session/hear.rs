//! What the link tells, taken into the conversation and told on as news.

use super::{Connection, Fallback, Goal, News, Session, Table, five, request::Request};
use crate::play::{game::Game, link::LinkEvent};
use malpan_client::{
    RoomError,
    protocol::{Denial, DenialCode, JoinTarget, Joined, Name, Resumption, RoomId, Rooms, ServerPacket},
};
use std::time::{Duration, Instant};

impl Session {
    /// Takes in what the link tells.
    pub(crate) fn hear(&mut self, event: LinkEvent, now: Instant) -> Vec<News> {
        match event {
            LinkEvent::Connecting { failures } => {
                self.connection = Connection::Connecting { failures };
                vec![News::Connecting { failures }]
            }
            LinkEvent::Online { welcome, name } => {
                self.connection = Connection::Online;
                self.was_online = true;
                self.name = name.clone();
                self.limits = welcome.limits;
                self.begin_anew(now);
                self.table = None;
                if self.home != Goal::Lobby {
                    self.set_out(self.home.clone(), self.ways_back(None, self.fallback_home()), now);
                }
                vec![News::Online { name, server: welcome.server }]
            }
            LinkEvent::Back { welcome, name, place } => {
                self.connection = Connection::Online;
                self.was_online = true;
                self.name = name.clone();
                self.limits = welcome.limits;
                self.begin_anew(now);
                vec![self.come_back(name, place, now)]
            }
            LinkEvent::Packet(packet) => self.hear_packet(packet, now),
            LinkEvent::RoundTrip(time) => {
                self.round_trip = Some(time);
                vec![]
            }
            LinkEvent::NameTaken(name) => {
                self.connection = Connection::Nameless;
                self.begin_anew(now);
                vec![News::NameTaken(name)]
            }
            LinkEvent::SignInAsked { like, problem } => {
                self.connection = Connection::Nameless;
                self.begin_anew(now);
                vec![News::SignInAsked { like, problem }]
            }
            LinkEvent::Offline { why, retry_in } => {
                let again = matches!(self.connection, Connection::Connecting { failures: 1.. });
                self.connection = Connection::Offline { why: why.clone(), retry_at: now + retry_in };
                self.begin_anew(now);
                vec![News::Offline { why, retry_in, again }]
            }
            LinkEvent::Failed { why, unreachable } => {
                self.connection = Connection::Offline { why: why.clone(), retry_at: now };
                self.begin_anew(now);
                vec![News::Failed { why, unreachable }]
            }
        }
    }

    /// The seat was kept, or not. Of the room that was kept, what was missed follows.
    fn come_back(&mut self, name: Name, place: Resumption, now: Instant) -> News {
        let room = match place {
            Resumption::Lobby => None,
            Resumption::Missed { room, .. } | Resumption::Anew { room } => Some(room),
        };
        let is_shown = self.table.as_ref().is_some_and(|table| Some(table.id()) == room);
        match place {
            Resumption::Missed { .. } if is_shown => {}
            // What was seen last stands there until the whole picture is here.
            Resumption::Anew { .. } if is_shown => {}
            // A room that cannot be shown as it was left: out and in again.
            Resumption::Missed { .. } => {
                self.table = None;
                let request = Request::new(self.home.clone(), self.ways_back(None, Fallback::AnyRoom), true, now);
                self.begin(request);
            }
            Resumption::Anew { .. } => self.table = None,
            Resumption::Lobby => {
                self.table = None;
                if self.home != Goal::Lobby {
                    self.set_out(self.home.clone(), self.ways_back(None, self.fallback_home()), now);
                }
            }
        }
        News::Back { name, room }
    }

    fn hear_packet(&mut self, packet: ServerPacket, now: Instant) -> Vec<News> {
        match packet {
            ServerPacket::Joined(joined) => self.sit_down(&joined, now),
            ServerPacket::RoomLeft { room } => vec![self.hear_left(room, now)],
            ServerPacket::Rooms(Rooms { rooms, next }) => {
                let first = self.listing.take().is_some_and(|(after, _)| after == RoomId(0));
                vec![News::Rooms { rooms: rooms.into_iter().collect(), first, next }]
            }
            ServerPacket::Denied(denial) => vec![self.hear_denial(denial, now)],
            ServerPacket::Draining { seconds } => {
                self.stops_at = Some(now + Duration::from_secs(seconds.into()));
                vec![News::Draining { seconds }]
            }
            ServerPacket::Notice { text } => vec![News::Notice(text)],
            ServerPacket::Kicked { reason } => vec![News::Kicked(reason)],
            packet @ (ServerPacket::LobbyChat(_)
            | ServerPacket::Whisper(_)
            | ServerPacket::History(_)
            | ServerPacket::LobbyPage(_)
            | ServerPacket::RoomList(_)
            | ServerPacket::Removed { .. }) => self.hear_people(packet),
            packet => self.hear_room(&packet, now),
        }
    }

    /// The room has let go: as asked, or because it has closed under who watched it.
    fn hear_left(&mut self, room: RoomId, now: Instant) -> News {
        let was_in_it = self.table.as_ref().is_some_and(|table| table.id() == room);
        let was_removed = std::mem::take(&mut self.removed);
        self.stand_up();
        match &mut self.request {
            Some(request) if request.is_leaving() => {
                let step = request.left(now);
                self.do_step(step);
                News::RoomLeft(room)
            }
            None if was_in_it && was_removed => self.was_removed(room, now),
            None if was_in_it => {
                match self.fallback {
                    Fallback::AnyRoom => self.set_out(self.any_room(), vec![], now),
                    Fallback::Lobby => self.home = Goal::Lobby,
                }
                News::RoomClosed(room)
            }
            // It says late what is no longer waited for.
            _ => News::RoomLeft(room),
        }
    }

    /// A denial names no request. Only a way into a room, a page of a list, a line and an owner's wish can be denied without
    /// the end of the connection, and the first of these that is due is meant.
    fn hear_denial(&mut self, denial: Denial, now: Instant) -> News {
        match self.request.take() {
            Some(mut request) if request.is_due() => {
                let goal = request.goal().clone();
                if denial.code == DenialCode::NoSuchGame {
                    // Nor will there be one at the next attempt.
                    self.game = None;
                }
                match request.denied(denial.code, now) {
                    Some(step) => {
                        self.request = Some(request);
                        self.do_step(step);
                    }
                    None if self.fallback == Fallback::AnyRoom && denial.code != DenialCode::Draining => {
                        self.request = Some(Request::later(self.any_room(), now));
                    }
                    None if !self.was_home && self.fallback == Fallback::Lobby => self.home = Goal::Lobby,
                    None => {}
                }
                if denial.code == DenialCode::RateLimited {
                    News::Denied(denial)
                } else {
                    News::JoinFailed { goal, denial }
                }
            }
            request => {
                self.request = request;
                if self.listing.take().is_none()
                    && self.finding.pop_front().is_none()
                    && self.lobby_due.take().is_none()
                {
                    self.said_due.pop_front();
                }
                News::Denied(denial)
            }
        }
    }

    fn sit_down(&mut self, joined: &Joined, now: Instant) -> Vec<News> {
        self.stand_up();
        let request = self.request.take();
        self.key = request.as_ref().and_then(|request| request.key(joined.room));
        let table = match Table::new(joined) {
            Ok(table) => table,
            Err(why) => return vec![self.leave_again(joined, &why, request, now)],
        };
        let (seat, game) = (table.own_seat(), table.game());
        let (board, begun) = match &table {
            Table::Board(room) => (Some(room.board()), vec![]),
            Table::Five(room) => (None, five::as_it_stands(room)),
        };
        self.table = Some(table);
        self.game = Some(game);
        self.home = self.here().expect("a table is taken");
        self.was_home = true;
        let joined = News::Joined { room: joined.room, title: joined.title.clone(), seat, game, board };
        std::iter::once(joined).chain(begun.into_iter().map(News::Five)).collect()
    }

    /// The room that was joined cannot be shown. It is left for where the way would have led next, and never for just any
    /// game: that might be the same one again.
    fn leave_again(&mut self, joined: &Joined, why: &RoomError, request: Option<Request>, now: Instant) -> News {
        let mut ways = request.map(Request::into_rest).unwrap_or_default();
        ways.retain(|goal| *goal != Goal::Join(JoinTarget::Any));
        let known = Goal::Join(JoinTarget::AnyOf(self.game.unwrap_or(Game::Board).name()));
        if self.fallback == Fallback::AnyRoom && !ways.contains(&known) {
            ways.push(known);
        }
        let goal = if ways.is_empty() { Goal::Lobby } else { ways.remove(0) };
        self.begin(Request::new(goal, ways, true, now));
        let known = !matches!(why, RoomError::WrongGame(_));
        News::Unplayable { room: joined.room, game: joined.game, known }
    }

    pub(super) fn stand_up(&mut self) {
        self.table = None;
        self.commands.clear();
        self.removed = false;
        self.said_due.clear();
    }

    /// The room contradicted itself: what is seen may be wrong, so it is left and joined again.
    pub(super) fn join_again(&mut self, now: Instant) -> Vec<News> {
        let Some(here) = self.here() else { return vec![] };
        if self.request.is_none() {
            self.set_out(here, self.ways_back(None, Fallback::AnyRoom), now);
        }
        self.stand_up();
        vec![News::OutOfStep]
    }

    /// Who had a seat finds another by all means; who watched asked for none.
    fn fallback_home(&self) -> Fallback {
        let was_seated = self.was_home && !matches!(self.home, Goal::Watch(_));
        if was_seated { Fallback::AnyRoom } else { self.fallback }
    }
}
