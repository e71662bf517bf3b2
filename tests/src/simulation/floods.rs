//! What hostile clients do too much of.

use super::{
    hostile::{Hostile, step},
    ideas::{Idea, Idea as I},
    table::OWNED,
    words,
};
use malpan_client::protocol::{
    Audience, ChatText, ClientPacket, GameName, JoinTarget, Manner, Part, RoomFilter, RoomId, RoomPassword, RoomPlan,
    RoomTitle, SignalPayload, SignalTarget,
};

/// The next of its kind.
pub(super) fn one_more(who: &Hostile, idea: Idea, number: u32) -> Vec<ClientPacket> {
    let name = who.name("foe");
    let text = || ChatText::new(&words::text(words::ANYWHERE, name.as_str(), number)).expect("a short line");
    vec![match idea {
        I::FloodOfSteps => step(),
        I::FloodOfChat => ClientPacket::Chat { text: text() },
        I::FloodOfSignals => {
            let payload = SignalPayload::new(&words::signal(0, number, 248)).expect("256 bytes");
            ClientPacket::Signal { to: SignalTarget::Room, payload }
        }
        I::FloodOfWhispers => {
            let to = Audience::Player(who.victim.clone());
            ClientPacket::Say { to, manner: Manner::Say, text: text() }
        }
        I::FloodOfTheLobby if number == 100 => ClientPacket::Leave,
        I::FloodOfTheLobby => ClientPacket::Say { to: Audience::Lobby, manner: Manner::Emote, text: text() },
        I::FloodOfWishes if number.is_multiple_of(2) => ClientPacket::Remove { name: who.victim.clone() },
        I::FloodOfWishes => ClientPacket::HandOver { name },
        I::GuessesRoomPasswords => {
            let password = RoomPassword::new(&format!("guess {number}")).expect("a short password");
            let part = if number.is_multiple_of(2) { Part::Seat } else { Part::Watch };
            let unlock = ClientPacket::Unlock { room: RoomId(1 + number % 20), part, password };
            return if number == 100 { vec![ClientPacket::Leave, unlock] } else { vec![unlock] };
        }
        I::JoinsAndLeaves => return vec![ClientPacket::Leave, ClientPacket::Join { target: JoinTarget::Any }],
        I::OpensRooms => {
            let title = RoomTitle::new("mine").expect("a title");
            let open = ClientPacket::OpenRoom { game: Some(GameName::BOARD), title, seats: None };
            return vec![ClientPacket::Leave, open];
        }
        _ if number.is_multiple_of(2) => ClientPacket::ListRooms { after: RoomId(0), filter: RoomFilter::All },
        _ => ClientPacket::Ping { nonce: number },
    }]
}

/// A room of one's own, open to everyone.
pub(super) fn own_room() -> ClientPacket {
    let title = RoomTitle::new(OWNED).expect("a title");
    ClientPacket::CreateRoom(Box::new(RoomPlan { game: None, title, seats: None, board: None, password: None }))
}
