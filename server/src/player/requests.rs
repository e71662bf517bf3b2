//! The requests that come a few times in a connection's life: hello, sign-in, rooms.

use super::{Player, State};
use crate::{
    directory::{Hold, NoPlace},
    door::Shut,
    ending::Ending,
    resume::Kept,
    room::{Dialect, Newcomer, Recipient, Returning, Ticket},
};
use malpan_game::{JoinError, WatchError};
use malpan_protocol::{
    ClientPacket, DenialCode, Name, PlayerId, ResumeToken, Resumed, Resumption, Seen, ServerPacket, SoftwareName,
    VersionRange, Welcome,
};
use std::{fmt, sync::Arc};
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
            (State::SignedIn(_), ClientPacket::Say { to, manner, text }) => self.say(to, manner, text, now).await,
            (State::SignedIn(presence), packet) => {
                let name = presence.identity.name().clone();
                self.of_rooms(packet, &name, now).await;
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
                let signed_in = ServerPacket::SignedIn { player, name: name.clone() };
                self.session.send(self.host.outgoing.frame(&signed_in));
                self.session.send(self.host.outgoing.frame(&ServerPacket::Token { token }));
                self.listens(player, name);
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
        let State::SignedIn(presence) = &self.state else { return };
        let (player, name) = (presence.identity.player(), presence.identity.name().clone());
        self.listens(player, name.clone());
        // The owner may have put them out meanwhile.
        let has_place = self.place().is_some();
        let to = if has_place { self.leaves_lobby() } else { self.recipient() };
        let State::SignedIn(presence) = &mut self.state else { return };
        if let Some(place) = presence.place.as_mut().filter(|_| has_place) {
            // The room answers, for it alone knows what was missed.
            if place.come_back(Returning { player, name: name.clone(), to, seen }).await {
                return;
            }
        }
        // It is over, or has failed meanwhile.
        presence.place = None;
        self.enter_lobby();
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

    pub(super) async fn take_place(&mut self, reserved: Result<Hold, NoPlace>) {
        if self.host.is_draining() {
            return self.deny(DenialCode::Draining, "the server is about to stop; no room can be joined");
        }
        let mut hold = match reserved {
            Ok(hold) => hold,
            Err(why) => return self.deny(denial_code(&why), why),
        };
        let to = self.leaves_lobby();
        let State::SignedIn(presence) = &mut self.state else { return };
        if !hold.come_in(Newcomer { name: presence.identity.name().clone(), to }).await {
            if hold.is_over() {
                self.enter_lobby();
                let why = WatchError::NoSuchRoom(hold.room());
                return self.deny(DenialCode::NoSuchRoom, why);
            }
            // The room does not know of this session, so nobody else will end it.
            return self.session.close(Ending::RoomFailed.into());
        }
        presence.place = Some(hold);
        self.log(|| tracing::debug!("in a room"));
    }

    pub(super) async fn leave(&mut self) {
        let State::SignedIn(presence) = &mut self.state else { return };
        // Taken out before the wait: where that is cut short, the hold tells the room on its own.
        if let Some(hold) = presence.place.take() {
            hold.go().await;
        }
        self.enter_lobby();
        self.log(|| tracing::debug!("left the room"));
    }

    /// From now on others find them, in the lobby at first.
    fn listens(&mut self, player: PlayerId, name: Name) {
        self.listener = Some(self.host.people.arrive(player, name, self.session.clone()));
    }

    fn enter_lobby(&self) {
        if let Some(listener) = &self.listener {
            listener.enter_lobby();
        }
    }

    /// They are on their way into a room; returns where it sends to. Before the room knows of them, because it may put them
    /// out again at once.
    fn leaves_lobby(&self) -> Recipient {
        let Some(listener) = &self.listener else { return self.recipient() };
        listener.leave_lobby();
        self.recipient().with_ticket(Arc::new(Ticket::new(listener.way_back())))
    }

    fn recipient(&self) -> Recipient {
        Recipient::new(self.session.clone(), Dialect::Malpan)
    }

    pub(super) fn forget_place(&mut self) {
        if let State::SignedIn(presence) = &mut self.state {
            presence.place = None;
        }
    }
}

pub(super) fn denial_code(why: &NoPlace) -> DenialCode {
    match why {
        NoPlace::Join(JoinError::NoSuchRoom(_)) | NoPlace::Watch(WatchError::NoSuchRoom(_)) => DenialCode::NoSuchRoom,
        NoPlace::Join(JoinError::RoomFull(_)) => DenialCode::RoomFull,
        NoPlace::Open(_) => DenialCode::TooManyRooms,
        NoPlace::Watch(WatchError::Full(_)) | NoPlace::NotWatchable(_) => DenialCode::NotWatchable,
        NoPlace::NoSuchGame(_) => DenialCode::NoSuchGame,
        NoPlace::BoardNotAllowed { .. } => DenialCode::BoardNotAllowed,
        NoPlace::Shut(Shut::PasswordRequired(_)) => DenialCode::PasswordRequired,
        NoPlace::Shut(Shut::WrongPassword(_)) => DenialCode::WrongPassword,
        NoPlace::Shut(Shut::Barred { .. }) => DenialCode::Barred,
    }
}
