//! What honest clients want of each other: words beside the board, and rooms of their own.

use super::{
    faulty::FAULTY,
    honest::Honest,
    table::OWNED,
    talk::{State, Talk},
    words::LOBBY,
};
use malpan_client::ClientError;
use malpan_protocol::{
    Audience, ClientPacket, GameName, JoinTarget, Manner, Name, Part, PlayerId, RoomId, RoomPassword, RoomPlan,
    RoomQuery, RoomTitle, SeatCount,
};
use rand::RngExt as _;

impl Honest {
    /// How it asks for a place.
    pub(super) fn request(&mut self) -> ClientPacket {
        let room = RoomId(self.rng.random_range(1..30));
        match self.rng.random_range(0..26) {
            0..8 => ClientPacket::Join { target: JoinTarget::Any },
            8..10 => ClientPacket::Join { target: JoinTarget::Room(room) },
            10..13 => ClientPacket::Join { target: JoinTarget::AnyOf(GameName::FIVE) },
            13 if self.faulty_game => ClientPacket::Join { target: JoinTarget::AnyOf(FAULTY) },
            13 => ClientPacket::Join { target: JoinTarget::AnyOf(GameName::constant("nothing")) },
            14..16 => ClientPacket::OpenRoom {
                game: self.rng.random::<bool>().then_some(GameName::FIVE),
                title: RoomTitle::new("here").expect("a title"),
                seats: SeatCount::new(self.rng.random_range(1..=10)).ok(),
            },
            16..20 => ClientPacket::Watch { room },
            20..24 => ClientPacket::CreateRoom(Box::new(RoomPlan {
                game: self.rng.random_ratio(1, 4).then_some(GameName::FIVE),
                title: RoomTitle::new(OWNED).expect("a title"),
                seats: SeatCount::new(self.rng.random_range(1..=10)).ok(),
                // None of these games lets its board be chosen.
                board: self.rng.random_ratio(1, 10).then(|| "3x3".parse().expect("a size")),
                password: self.rng.random_ratio(1, 2).then(|| password("sesame")),
            })),
            _ => {
                let known = (!self.locked.is_empty()).then(|| self.locked[self.rng.random_range(0..self.locked.len())]);
                ClientPacket::Unlock {
                    room: known.unwrap_or(room),
                    part: if self.rng.random_ratio(1, 4) { Part::Watch } else { Part::Seat },
                    password: password(if self.rng.random_ratio(1, 6) { "seed" } else { "sesame" }),
                }
            }
        }
    }

    pub(super) fn talk_in_the_lobby(&mut self, talk: &mut Talk) {
        let sent = match self.rng.random_range(0..15) {
            0..6 => {
                let manner = if self.rng.random_ratio(1, 4) { Manner::Emote } else { Manner::Say };
                let text = self.line(LOBBY);
                talk.client.say(Audience::Lobby, manner, text)
            }
            6..9 => self.whisper(talk),
            9..12 => talk.client.send(&ClientPacket::ListLobby { after: PlayerId(0) }),
            _ => self.find_rooms(talk),
        };
        if let Err(error) = sent {
            self.world.fail(|| format!("{} cannot say what it wants: {error}", self.name));
        }
    }

    pub(super) fn find_rooms(&self, talk: &mut Talk) -> Result<(), ClientError> {
        talk.client.send(&ClientPacket::FindRooms(Box::new(RoomQuery::ALL)))
    }

    /// To anyone, who may be anywhere, or gone.
    pub(super) fn whisper(&mut self, talk: &mut Talk) -> Result<(), ClientError> {
        let to = Name::new(&format!("honest-{}", self.rng.random_range(0..self.others))).expect("a short name");
        let text = self.line(to.as_str());
        talk.client.whisper(to, text)
    }

    /// Whoever is not the owner tries it too, now and then.
    pub(super) fn wish_as_an_owner(&mut self, talk: &mut Talk) -> Result<(), ClientError> {
        let State::In(place) = &talk.state else { return Ok(()) };
        let is_owner = place.owner().is_some_and(|(_, is_me)| is_me);
        if !is_owner && self.rng.random_ratio(9, 10) {
            return Ok(());
        }
        let names = place.names();
        let name = names[self.rng.random_range(0..names.len())].clone();
        if self.rng.random_ratio(1, 3) {
            self.count("hands over");
            talk.client.hand_over(name)
        } else {
            self.count("puts out");
            talk.client.remove(name)
        }
    }
}

fn password(text: &str) -> RoomPassword {
    RoomPassword::new(text).expect("a short password")
}
