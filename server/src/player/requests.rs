//! The requests that come a few times in a connection's life: hello, rooms.

use super::{
    Player, State,
    sign_in::{Tries, Way},
};
use crate::{
    directory::{Hold, NoPlace},
    door::Shut,
    ending::Ending,
    room::{Dialect, Newcomer, Recipient, Ticket},
    saving::WhoReturns,
};
use malpan_game::{JoinError, WatchError};
use malpan_protocol::{ClientPacket, DenialCode, Name, PlayerId, ServerPacket, SoftwareName, VersionRange, Welcome};
use std::sync::Arc;
use tokio::time::Instant;

impl Player {
    pub(super) async fn request(&mut self, packet: ClientPacket, now: Instant) {
        match (&self.state, packet) {
            (State::Connected, ClientPacket::Hello { versions, client }) => self.hello(versions, &client),
            (&State::Greeted { tries }, ClientPacket::Guest { name }) => self.sign_in(Way::Guest(name), tries).await,
            (&State::Greeted { tries }, ClientPacket::Register { name, secret }) => {
                self.sign_in(Way::Register(name, secret), tries).await;
            }
            (&State::Greeted { tries }, ClientPacket::Login { name, secret }) => {
                self.sign_in(Way::Login(name, secret), tries).await;
            }
            (&State::Greeted { tries }, ClientPacket::Resume { token, seen }) => {
                self.resume(&token, seen, tries).await;
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
        self.state = State::Greeted { tries: Tries::begin(self.host.config.limits.sign_in_within) };
        self.session.set_deadline(self.host.config.limits.sign_in_within);
        self.log(|| tracing::debug!(client = client.as_str(), version, "hello"));
        let server = SoftwareName::new(concat!("malpan-server/", env!("CARGO_PKG_VERSION"))).expect("a valid constant");
        let limits = self.host.config.announced_limits();
        self.session.send(self.host.outgoing.frame(&ServerPacket::Welcome(Welcome { version, server, limits })));
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
        let identity = &presence.identity;
        let player = Some(WhoReturns { id: identity.player(), guest: identity.is_guest() });
        if !hold.come_in(Newcomer { name: identity.name().clone(), to, player }).await {
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
    pub(super) fn listens(&mut self, player: PlayerId, name: Name) {
        self.listener = Some(self.host.people.arrive(player, name, self.session.clone()));
    }

    pub(super) fn enter_lobby(&self) {
        if let Some(listener) = &self.listener {
            listener.enter_lobby();
        }
    }

    /// They are on their way into a room; returns where it sends to. Before the room knows of them, because it may put them
    /// out again at once.
    pub(super) fn leaves_lobby(&self) -> Recipient {
        let Some(listener) = &self.listener else { return self.recipient() };
        listener.leave_lobby();
        self.recipient().with_ticket(Arc::new(Ticket::new(listener.way_back())))
    }

    pub(super) fn recipient(&self) -> Recipient {
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
