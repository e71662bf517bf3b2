//! The requests that come a few times in a connection's life: hello, sign-in, rooms.

use super::{Player, State};
use crate::{
    directory::{Hold, NoSeat},
    ending::Ending,
    outgoing::frame,
    room::Newcomer,
};
use malpan_game::JoinError;
use malpan_protocol::{ClientPacket, DenialCode, JoinTarget, Name, ServerPacket, SoftwareName, VersionRange, Welcome};
use tokio::time::Instant;

impl Player {
    pub(super) async fn request(&mut self, packet: ClientPacket, now: Instant) {
        match (&self.state, packet) {
            (State::Connected, ClientPacket::Hello { versions, client }) => self.hello(versions, &client),
            (&State::Greeted { sign_in_tries }, ClientPacket::Guest { name }) => self.guest(name, sign_in_tries + 1),
            (State::SignedIn { .. }, ClientPacket::ListRooms { after, filter }) => {
                if self.budgets.join(&self.host.rates, now.into_std()) {
                    let page = self.host.directory.page(after, filter);
                    self.session.send(frame(&ServerPacket::Rooms(page)));
                } else {
                    self.too_fast("room lists", now);
                }
            }
            (State::SignedIn { seat: None, .. }, ClientPacket::Join { target }) => {
                if self.budgets.join(&self.host.rates, now.into_std()) {
                    let reserved = match target {
                        JoinTarget::Room(room) => self.host.directory.reserve(room),
                        JoinTarget::Any => self.host.directory.reserve_any(self.session.shard()),
                    };
                    self.take_seat(reserved).await;
                } else {
                    self.too_fast("joins", now);
                }
            }
            (State::SignedIn { seat: None, .. }, ClientPacket::OpenRoom { title, seats }) => {
                if self.budgets.open_room(&self.host.rates, now.into_std()) {
                    let reserved = self.host.directory.reserve_new(title, seats, self.session.shard());
                    self.take_seat(reserved).await;
                } else {
                    self.too_fast("new rooms", now);
                }
            }
            (State::SignedIn { seat: Some(_), .. }, ClientPacket::Leave) => self.leave().await,
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
        self.log(|| tracing::debug!(%client, version, "hello"));
        let server = SoftwareName::new(concat!("malpan-server/", env!("CARGO_PKG_VERSION"))).expect("a valid constant");
        let limits = self.host.config.announced_limits();
        self.session.send(frame(&ServerPacket::Welcome(Welcome { version, server, limits })));
    }

    fn guest(&mut self, name: Name, tries: u16) {
        match self.host.accounts.sign_in_guest(name) {
            Ok(identity) => {
                let (player, name) = (identity.player(), identity.name().clone());
                self.state = State::SignedIn { seat: None, identity };
                self.session.establish();
                self.log(|| tracing::debug!("signed in"));
                self.session.send(frame(&ServerPacket::SignedIn { player, name }));
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

    async fn take_seat(&mut self, reserved: Result<Hold, NoSeat>) {
        if self.host.is_draining() {
            return self.deny(DenialCode::Draining, "the server is about to stop; no room can be joined");
        }
        let mut hold = match reserved {
            Ok(hold) => hold,
            Err(why) => {
                let code = match why {
                    NoSeat::Join(JoinError::NoSuchRoom(_)) => DenialCode::NoSuchRoom,
                    NoSeat::Join(JoinError::RoomFull(_)) => DenialCode::RoomFull,
                    NoSeat::Open(_) => DenialCode::TooManyRooms,
                };
                return self.deny(code, why);
            }
        };
        let State::SignedIn { seat, identity } = &mut self.state else { return };
        if !hold.sit_down(Newcomer { name: identity.name().clone(), session: self.session.clone() }).await {
            // The room does not know of this session, so nobody else will end it.
            return self.session.close(Ending::RoomFailed.into());
        }
        *seat = Some(hold);
        self.log(|| tracing::debug!("seated"));
    }

    async fn leave(&mut self) {
        let State::SignedIn { seat, .. } = &mut self.state else { return };
        // Taken out before the wait: where that is cut short, the hold tells the room on its own.
        if let Some(hold) = seat.take() {
            hold.stand_up().await;
        }
        self.log(|| tracing::debug!("left the room"));
    }
}
