//! Packets that people are for: accounts, words to others, rooms that are someone's.

use super::{
    Choices,
    packet::{LINES, NAMES, room},
};
use crate::{line, name};
use malpan_protocol::{
    Audience, BoardSize, ClientPacket, Door, GameName, Manner, Name, Part, PlayerId, ResumeToken, RoomFilter,
    RoomPassword, RoomPlan, RoomQuery, RoomTitle, SeatCount, Secret, Seen,
};

pub(super) fn packet(choices: &mut Choices<'_>) -> ClientPacket {
    use ClientPacket as P;
    match choices.byte() % 12 {
        0 => P::Register { name: who(choices), secret: secret(choices) },
        1 => P::Login { name: who(choices), secret: secret(choices) },
        2 => {
            let seen = Seen { room: room(choices), incarnation: 1, event: choices.byte().into() };
            // Nobody guesses one.
            let token = ResumeToken::new([choices.byte(); ResumeToken::BYTES]);
            P::Resume { token, seen: choices.of(&[None, Some(seen)]) }
        }
        3..=5 => {
            let to = match choices.byte() % 4 {
                0 => Audience::Lobby,
                1 => Audience::Player(who(choices)),
                _ => Audience::Room,
            };
            P::Say { to, manner: choices.of(&[Manner::Say, Manner::Emote]), text: line(choices.of(&LINES)) }
        }
        6 => P::ListLobby { after: PlayerId(u64::from(choices.byte()) % 4) },
        7 => P::CreateRoom(Box::new(RoomPlan {
            game: choices.of(&[None, Some(GameName::FIVE), Some(GameName::constant("go"))]),
            title: title(choices),
            seats: SeatCount::new(choices.byte() % 12).ok(),
            board: BoardSize::new(choices.byte() % 6, 3).ok(),
            password: choices.of(&[true, false]).then(|| password(choices)),
        })),
        8 => P::FindRooms(Box::new(RoomQuery {
            after: room(choices),
            seats: choices.of(&[RoomFilter::All, RoomFilter::Open]),
            door: choices.of(&[None, Some(Door::Open), Some(Door::Password)]),
            game: choices.of(&[None, Some(GameName::BOARD)]),
            title: choices.of(&[true, false]).then(|| title(choices)),
        })),
        9 => {
            let part = choices.of(&[Part::Seat, Part::Watch]);
            P::Unlock { room: room(choices), part, password: password(choices) }
        }
        10 => P::Remove { name: who(choices) },
        _ => P::HandOver { name: who(choices) },
    }
}

fn who(choices: &mut Choices<'_>) -> Name {
    name(choices.of(&NAMES))
}

fn secret(choices: &mut Choices<'_>) -> Secret {
    Secret::new(choices.of(&["correct horse", "wrong horse"])).expect("long enough")
}

fn title(choices: &mut Choices<'_>) -> RoomTitle {
    RoomTitle::new(choices.of(&["Friday", "FRIDAY", "금요일"])).expect("a valid title")
}

fn password(choices: &mut Choices<'_>) -> RoomPassword {
    RoomPassword::new(choices.of(&["sesame", "seed"])).expect("a short password")
}
