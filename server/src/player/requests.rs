//! The requests that come a few times in a connection's life: hello, sign-in, rooms.

use super::{Player, State};
use crate::{
    directory::{Hold, NoPlace},
    door::Shut,
    ending::Ending,
    room::{Dialect, Newcomer, Recipient, Ticket},
};
use malpan_game::{JoinError, WatchError};
use malpan_protocol::{ClientPacket, DenialCode, Name, ServerPacket, SoftwareName, VersionRange, Welcome};
use std::sync::Arc;
use tokio::time::Instant;

impl Player {
    pub(super) async fn request(&mut self, packet: ClientPacket, now: Instant) {
        match (&self.state, packet) {
            (State::Connected, ClientPacket::Hello { versions, client }) => self.hello(versions, &client),
            (&State::Greeted { sign_in_tries }, ClientPacket::Guest { name }) => self.guest(name, sign_in_tries + 1),
            (State::Greeted { .. }, ClientPacket::Resume { .. }) => {
                self.deny(DenialCode::ResumeRefused, "this server brings nobody back yet");
            }
            (State::Greeted { .. }, ClientPacket::Register { .. } | ClientPacket::Login { .. }) => {
                self.deny(DenialCode::Busy, "this server does not keep accounts yet");
            }
            (State::SignedIn { .. }, ClientPacket::Say { to, manner, text }) => self.say(to, manner, text, now).await,
            (State::SignedIn { identity, .. }, packet) => {
                let name = identity.name().clone();
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
                self.state = State::SignedIn { place: None, identity };
                self.session.establish();
                self.log(|| tracing::debug!("signed in"));
                let signed_in = ServerPacket::SignedIn { player, name: name.clone() };
                self.session.send(self.host.outgoing.frame(&signed_in));
                self.listener = Some(self.host.people.arrive(player, name, self.session.clone()));
                if let Some(draining) = self.host.draining() {
                    self.session.send(self.host.outgoing.frame(&draining));
                }
            }
            Err(_) if tries >= self.host.config.limits.sign_in_attempts => {
                self.deny_and_close(DenialCode::TooManyAttempts, "too many tries to sign in on this connection");
            }
            Err(taken) => {
                self.state = State::Greeted { sign_in_tries: tries };
                self.deny(DenialCode::NameTaken, taken);
            }
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
        let State::SignedIn { place, identity } = &mut self.state else { return };
        let mut to = Recipient::new(self.session.clone(), Dialect::Malpan);
        if let Some(listener) = &self.listener {
            // Before the room knows of them: it may put them out again at once.
            listener.leave_lobby();
            to = to.with_ticket(Arc::new(Ticket::new(listener.way_back())));
        }
        if !hold.come_in(Newcomer { name: identity.name().clone(), to }).await {
            if hold.is_over() {
                self.enter_lobby();
                let why = WatchError::NoSuchRoom(hold.room());
                return self.deny(DenialCode::NoSuchRoom, why);
            }
            // The room does not know of this session, so nobody else will end it.
            return self.session.close(Ending::RoomFailed.into());
        }
        *place = Some(hold);
        self.log(|| tracing::debug!("in a room"));
    }

    pub(super) async fn leave(&mut self) {
        let State::SignedIn { place, .. } = &mut self.state else { return };
        // Taken out before the wait: where that is cut short, the hold tells the room on its own.
        if let Some(hold) = place.take() {
            hold.go().await;
        }
        self.enter_lobby();
        self.log(|| tracing::debug!("left the room"));
    }

    fn enter_lobby(&self) {
        if let Some(listener) = &self.listener {
            listener.enter_lobby();
        }
    }

    pub(super) fn forget_place(&mut self) {
        if let State::SignedIn { place, .. } = &mut self.state {
            *place = None;
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
