//! The requests that come a few times in a connection's life: hello, rooms.

use super::{
    Player, State,
    sign_in::{Tries, Way},
};
use crate::{
    directory::{Hold, NoPlace},
    ending::Ending,
    room::{Dialect, Newcomer, Recipient},
};
use malpan_game::{JoinError, WatchError};
use malpan_protocol::{ClientPacket, DenialCode, JoinTarget, ServerPacket, SoftwareName, VersionRange, Welcome};
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
        self.state = State::Greeted { tries: Tries::begin(self.host.config.limits.sign_in_within) };
        self.session.set_deadline(self.host.config.limits.sign_in_within);
        self.log(|| tracing::debug!(client = client.as_str(), version, "hello"));
        let server = SoftwareName::new(concat!("malpan-server/", env!("CARGO_PKG_VERSION"))).expect("a valid constant");
        let limits = self.host.config.announced_limits();
        self.session.send(self.host.outgoing.frame(&ServerPacket::Welcome(Welcome { version, server, limits })));
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
