//! The requests that come a few times in a connection's life: hello, sign-in, rooms.

use super::{Player, State};
use crate::{
    directory::{Hold, NoPlace},
    ending::Ending,
    resume::Kept,
    room::{Dialect, Newcomer, Recipient, Returning},
};
use malpan_game::{JoinError, WatchError};
use malpan_protocol::{
    ClientPacket, DenialCode, JoinTarget, Name, ResumeToken, Resumed, Resumption, Seen, ServerPacket, SoftwareName,
    VersionRange, Welcome,
};
use std::fmt;
use tokio::time::Instant;

impl Player {
    pub(super) async fn request(&mut self, packet: ClientPacket, now: Instant) {
        match (&self.state, packet) {
            (State::Connected, ClientPacket::Hello { versions, client }) => self.hello(versions, &client),
            (&State::Greeted { sign_in_tries }, ClientPacket::Guest { name }) => self.guest(name, sign_in_tries + 1),
            (&State::Greeted { sign_in_tries }, ClientPacket::Resume { token, seen }) => {
                self.resume(&token, seen, sign_in_tries + 1).await;
            }
            (State::Greeted { .. }, ClientPacket::Register { .. } | ClientPacket::Login { .. }) => {
                self.deny(DenialCode::Busy, "this server does not keep accounts yet");
            }
            (State::SignedIn(_), ClientPacket::ListRooms { after, filter }) => {
                if self.budgets.join(&self.host.rates, now.into_std()) {
                    let page = self.host.directory.page(after, filter);
                    self.session.send(self.host.outgoing.frame(&ServerPacket::Rooms(page)));
                } else {
                    self.too_fast("room lists", now);
                }
            }
            // Who hears that a watched room has closed may have asked to leave it already.
            (State::SignedIn(presence), ClientPacket::Leave) if presence.place.as_ref().is_some_and(Hold::is_over) => {
                self.forget_place();
            }
            (State::SignedIn(_), ClientPacket::Leave) if self.place().is_some() => self.leave().await,
            (State::SignedIn(_), ClientPacket::Join { target }) if self.place().is_none() => {
                if self.budgets.join(&self.host.rates, now.into_std()) {
                    let (directory, shard) = (&self.host.directory, self.session.shard());
                    let reserved = match target {
                        JoinTarget::Room(room) => directory.reserve(room),
                        JoinTarget::Any => directory.reserve_any(None, shard),
                        JoinTarget::AnyOf(game) => directory.reserve_any(Some(game), shard),
                    };
                    self.take_place(reserved).await;
                } else {
                    self.too_fast("joins", now);
                }
            }
            (State::SignedIn(_), ClientPacket::Watch { room }) if self.place().is_none() => {
                if self.budgets.join(&self.host.rates, now.into_std()) {
                    let reserved = self.host.directory.reserve_watch(room, self.session.id());
                    self.take_place(reserved).await;
                } else {
                    self.too_fast("joins", now);
                }
            }
            (State::SignedIn(_), ClientPacket::OpenRoom { game, title, seats }) if self.place().is_none() => {
                if self.budgets.open_room(&self.host.rates, now.into_std()) {
                    let reserved = self.host.directory.reserve_new(game, title, seats, self.session.shard());
                    self.take_place(reserved).await;
                } else {
                    self.too_fast("new rooms", now);
                }
            }
            _ => self.out_of_order(),
        }
    }

    fn hello(&mut self, versions: VersionRange, client: &SoftwareName) {
        let Some(version) = VersionRange::SUPPORTED.choose(versions) else {
            let VersionRange { min, max } = VersionRange::SUPPORTED;
            let why = format_args!(
                "this server speaks versions {min} to {max} of the protocol, the client {} to {}",
                versions.min, versions.max
            );
            return self.deny_and_close(DenialCode::Version, why);
        };
        self.state = State::Greeted { sign_in_tries: 0 };
        self.session.set_deadline(self.host.config.limits.sign_in_within);
        self.log(|| tracing::debug!(client = client.as_str(), version, "hello"));
        let server = SoftwareName::new(concat!("malpan-server/", env!("CARGO_PKG_VERSION"))).expect("a valid constant");
        let limits = self.host.config.announced_limits();
        self.session.send(self.host.outgoing.frame(&ServerPacket::Welcome(Welcome { version, server, limits })));
    }

    fn guest(&mut self, name: Name, tries: u16) {
        match self.host.accounts.sign_in_guest(name) {
            Ok(identity) => {
                let (player, name) = (identity.player(), identity.name().clone());
                let (presence, token) = self.host.registry.enter(Kept { identity, place: None }, &self.session);
                self.state = State::SignedIn(presence);
                self.session.establish();
                self.log(|| tracing::debug!("signed in"));
                self.session.send(self.host.outgoing.frame(&ServerPacket::SignedIn { player, name }));
                self.session.send(self.host.outgoing.frame(&ServerPacket::Token { token }));
                self.tell_draining();
            }
            Err(taken) => self.not_signed_in(tries, DenialCode::NameTaken, taken),
        }
    }

    /// Signs in as who the client was, and takes its seat again.
    async fn resume(&mut self, token: &ResumeToken, seen: Option<Seen>, tries: u16) {
        let Some((presence, token)) = self.host.registry.resume(token, &self.session).await else {
            let why = "this token brings nobody back; sign in anew";
            return self.not_signed_in(tries, DenialCode::ResumeRefused, why);
        };
        self.state = State::SignedIn(presence);
        self.session.establish();
        self.log(|| tracing::debug!("back"));
        self.session.send(self.host.outgoing.frame(&ServerPacket::Token { token }));
        self.tell_draining();
        let State::SignedIn(presence) = &mut self.state else { return };
        let (player, name) = (presence.identity.player(), presence.identity.name().clone());
        if let Some(place) = &mut presence.place {
            let to = Recipient::new(self.session.clone(), Dialect::Malpan);
            // The room answers, for it alone knows what was missed.
            if place.come_back(Returning { player, name: name.clone(), to, seen }).await {
                return;
            }
            // It has failed meanwhile.
            presence.place = None;
        }
        let resumed = ServerPacket::Resumed(Resumed { player, name, place: Resumption::Lobby });
        self.session.send(self.host.outgoing.frame(&resumed));
    }

    /// A try to sign in has failed; another is welcome, unless there were too many.
    fn not_signed_in(&mut self, tries: u16, code: DenialCode, why: impl fmt::Display) {
        if tries >= self.host.config.limits.sign_in_attempts {
            let why = "too many tries to sign in on this connection";
            return self.deny_and_close(DenialCode::TooManyAttempts, why);
        }
        self.state = State::Greeted { sign_in_tries: tries };
        self.deny(code, why);
    }

    fn tell_draining(&self) {
        if let Some(draining) = self.host.draining() {
            self.session.send(self.host.outgoing.frame(&draining));
        }
    }

    async fn take_place(&mut self, reserved: Result<Hold, NoPlace>) {
        if self.host.is_draining() {
            return self.deny(DenialCode::Draining, "the server is about to stop; no room can be joined");
        }
        let mut hold = match reserved {
            Ok(hold) => hold,
            Err(why) => return self.deny(denial_code(&why), why),
        };
        let State::SignedIn(presence) = &mut self.state else { return };
        let to = Recipient::new(self.session.clone(), Dialect::Malpan);
        if !hold.come_in(Newcomer { name: presence.identity.name().clone(), to }).await {
            if hold.is_over() {
                let why = WatchError::NoSuchRoom(hold.room());
                return self.deny(DenialCode::NoSuchRoom, why);
            }
            // The room does not know of this session, so nobody else will end it.
            return self.session.close(Ending::RoomFailed.into());
        }
        presence.place = Some(hold);
        self.log(|| tracing::debug!("in a room"));
    }

    async fn leave(&mut self) {
        let State::SignedIn(presence) = &mut self.state else { return };
        // Taken out before the wait: where that is cut short, the hold tells the room on its own.
        if let Some(hold) = presence.place.take() {
            hold.go().await;
        }
        self.log(|| tracing::debug!("left the room"));
    }

    fn forget_place(&mut self) {
        if let State::SignedIn(presence) = &mut self.state {
            presence.place = None;
        }
    }
}

fn denial_code(why: &NoPlace) -> DenialCode {
    match why {
        NoPlace::Join(JoinError::NoSuchRoom(_)) | NoPlace::Watch(WatchError::NoSuchRoom(_)) => DenialCode::NoSuchRoom,
        NoPlace::Join(JoinError::RoomFull(_)) => DenialCode::RoomFull,
        NoPlace::Open(_) => DenialCode::TooManyRooms,
        NoPlace::Watch(WatchError::Full(_)) | NoPlace::NotWatchable(_) => DenialCode::NotWatchable,
        NoPlace::NoSuchGame(_) => DenialCode::NoSuchGame,
    }
}
