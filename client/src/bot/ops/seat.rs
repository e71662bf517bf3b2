//! A player in a room, for those whose work is to leave it or to come back to it.

use super::Operator;
use crate::bot::{
    cause,
    connect::{self, Seated, Wire},
};
use malpan_client::{
    Client, ClientError, Room, RoomError,
    protocol::{ClientPacket, Joined, KickReason, ResumeToken, ServerPacket},
};
use tokio::time::timeout;

/// A player in a room.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) client: Client<Wire>,
    pub(super) room: Room,
    /// The newest known that brings the player back.
    pub(super) token: Option<ResumeToken>,
    kicked: Option<KickReason>,
}

/// How a connection ended.
#[derive(Debug)]
pub(super) struct Broken {
    /// By why, for the report.
    pub(super) cause: String,
    /// Whether coming back may help.
    pub(super) may_pass: bool,
}

/// Seats the player; tells the worker whether that worked.
pub(super) async fn first(operator: &Operator) -> Option<Place> {
    let shared = &operator.shared;
    let seated = tokio::select! {
        biased;
        () = shared.stop_connecting.cancelled() => Err("given_up".into()),
        seated = async {
            let _permit = operator.permits.acquire().await.expect("never closed");
            connect::seat(shared, operator.player).await
        } => seated.map_err(|error| cause::of(&error)),
    };
    let place = seated.and_then(|seated| arrive(operator, seated));
    let place = place.map_err(|cause| operator.worker.borrow_mut().fail(operator.player, cause));
    crate::bot::thread::settle(shared, operator.player);
    place.ok()
}

/// Takes in a player that was just seated.
///
/// # Errors
/// The cause by which it cannot play there.
pub(super) fn arrive(operator: &Operator, seated: Seated) -> Result<Place, String> {
    let Seated { client, joined, took } = seated;
    let tick_ms = client.welcome().limits.tick_ms;
    let place = Place::new(client, &joined).map_err(|_| "fault_room".to_owned())?;
    let mut worker = operator.worker.borrow_mut();
    worker.enlist(operator.player);
    worker.arrived(operator.player, took, tick_ms);
    Ok(place)
}

impl Place {
    /// A player that joined.
    ///
    /// # Errors
    /// [`RoomError`] where the room is none of the board.
    pub(super) fn new(client: Client<Wire>, joined: &Joined) -> Result<Self, RoomError> {
        Ok(Self { client, room: Room::new(joined)?, token: None, kicked: None })
    }

    /// Joined another room.
    ///
    /// # Errors
    /// [`Broken`] where the room is none of the board.
    pub(super) fn moved(&mut self, joined: &Joined) -> Result<(), Broken> {
        self.room = Room::new(joined).map_err(|_| Broken::fault())?;
        Ok(())
    }

    /// Queues a packet; it goes out while the answer is awaited.
    ///
    /// # Errors
    /// None in practice.
    pub(super) fn send(&mut self, packet: &ClientPacket) -> Result<(), Broken> {
        self.client.send(packet).map_err(|error| self.broken(error))
    }

    /// Says goodbye and reads until the server has closed: what is closed with something unread is reset, and the goodbye
    /// with it.
    pub(super) async fn leave(mut self, operator: &Operator) {
        operator.worker.borrow_mut().dismissed(operator.player);
        if self.client.send(&ClientPacket::Bye).is_ok() {
            let _ = timeout(operator.shared.common.goal.options.timeout, async {
                while self.client.next().await.is_ok() {}
            })
            .await;
        }
    }

    /// Notes the newest token.
    pub(super) fn keep_token(&mut self) {
        self.kicked = None;
        self.token = self.client.token().cloned().or(self.token.take());
    }

    /// Reads until the connection breaks or the server breaks its promise. Cancel-safe.
    pub(super) async fn read(&mut self, operator: &Operator) -> Broken {
        loop {
            if let Err(broken) = self.read_one(operator).await {
                return broken;
            }
        }
    }

    /// Reads one packet and returns it. Cancel-safe.
    ///
    /// # Errors
    /// As [`Place::read`].
    pub(super) async fn read_one(&mut self, operator: &Operator) -> Result<ServerPacket, Broken> {
        let packet = self.client.next().await.map_err(|error| self.broken(error))?;
        match &packet {
            ServerPacket::Kicked { reason } => self.kicked = Some(*reason),
            ServerPacket::Denied(denial) => {
                operator.worker.borrow_mut().denied(operator.player, cause::snake(&denial.code));
            }
            // An answer that was no longer awaited.
            ServerPacket::Joined(joined) => self.moved(joined)?,
            packet => self.room.apply(packet).map_err(|_| Broken::fault())?,
        }
        Ok(packet)
    }

    /// What an error means.
    pub(super) fn broken(&self, error: ClientError) -> Broken {
        // The kick explains the end, whatever shape that had.
        let error = self.kicked.map_or(error, ClientError::Kicked);
        Broken { cause: cause::of(&error), may_pass: error.is_transient() }
    }
}

impl Broken {
    /// The server contradicted itself.
    pub(super) fn fault() -> Self {
        Self { cause: "fault_room".into(), may_pass: false }
    }
}
