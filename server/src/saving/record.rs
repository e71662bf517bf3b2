//! A room as it is kept: a line of JSON, which an operator can read, and behind it what its game has saved, encoded as
//! that game's values on the wire. What is of another version, or is not as it should be, is refused.

use bytes::Bytes;
use malpan_game::MAX_SAVED;
use malpan_protocol::{
    BoardSize, ChatText, Encoded, GameName, MAX_HISTORY, Manner, Name, PastLine, PlayerId, RoomPassword, RoomTitle,
    Seat, SeatCount,
};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::{collections::HashSet, fmt};
use subtle::ConstantTimeEq as _;

/// The version of the records that are written, and the only one that is read.
const VERSION: u32 = 1;

/// What a game has saved.
pub(crate) type SavedBytes = Encoded<MAX_SAVED>;

/// A room as it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) room: SavedAs,
    pub(crate) state: SavedBytes,
}

/// What is kept of a room beside its game.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SavedAs {
    /// In Unix milliseconds, and later than whatever was saved before. Of two rooms in which somebody sits, the later one is
    /// right.
    pub(crate) saved_at: u64,
    #[serde(with = "text")]
    pub(crate) game: GameName,
    #[serde(with = "text")]
    pub(crate) title: RoomTitle,
    pub(crate) seats: SeatCount,
    /// The size of board that was asked for.
    #[serde(default, with = "text::optional", skip_serializing_if = "Option::is_none")]
    pub(crate) board: Option<BoardSize>,
    /// Whether it is to have an owner while anyone sits in it, and who that is.
    pub(crate) owned: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) owner: Option<Seat>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) lock: Option<Lock>,
    /// For how long it had been open.
    pub(crate) age_ms: u64,
    /// Who sat there, the longest seated first.
    pub(crate) members: Vec<SavedMember>,
    /// What was said, the oldest first.
    pub(crate) said: Vec<SavedLine>,
}

/// Someone who sat in a room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SavedMember {
    pub(crate) seat: Seat,
    #[serde(with = "text")]
    pub(crate) name: Name,
    /// `None` where they cannot come back: a lecture client has no token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) player: Option<WhoReturns>,
}

/// Someone who can come back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct WhoReturns {
    pub(crate) id: PlayerId,
    pub(crate) guest: bool,
}

/// A line of chat.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SavedLine {
    #[serde(with = "text")]
    name: Name,
    emote: bool,
    #[serde(with = "text")]
    text: ChatText,
}

/// Why what was saved is no room.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("what was saved of it cannot be read: {0}")]
pub(crate) struct Unreadable(String);

/// The line of JSON.
#[derive(Serialize, Deserialize)]
struct Line<T> {
    version: u32,
    room: T,
}

impl Record {
    pub(crate) fn to_bytes(&self) -> Bytes {
        let line = Line { version: VERSION, room: &self.room };
        let mut bytes = serde_json::to_vec(&line).expect("numbers and texts have a JSON form");
        bytes.push(b'\n');
        bytes.extend_from_slice(self.state.as_bytes());
        bytes.into()
    }

    pub(crate) fn read(bytes: &[u8]) -> Result<Self, Unreadable> {
        // JSON has no line break within.
        let end = bytes.iter().position(|&byte| byte == b'\n').ok_or_else(|| Unreadable("it has no end".into()))?;
        let unreadable = |error: &dyn fmt::Display| Unreadable(error.to_string());
        let Line { version, .. } =
            serde_json::from_slice::<Line<serde::de::IgnoredAny>>(&bytes[..end]).map_err(|error| unreadable(&error))?;
        if version != VERSION {
            return Err(Unreadable(format!("it is of version {version}, and this server knows {VERSION}")));
        }
        let Line { room, .. } =
            serde_json::from_slice::<Line<SavedAs>>(&bytes[..end]).map_err(|error| unreadable(&error))?;
        room.check()?;
        let state = bytes[end + 1..].try_into().map_err(|error| unreadable(&error))?;
        Ok(Self { room, state })
    }
}

impl SavedAs {
    /// The seats that were taken.
    pub(crate) fn taken(&self) -> Vec<Seat> {
        self.members.iter().map(|member| member.seat).collect()
    }

    /// What no room ever was.
    fn check(&self) -> Result<(), Unreadable> {
        let seats: HashSet<_> = self.members.iter().map(|member| member.seat).collect();
        let fault = if seats.len() != self.members.len() {
            "two sit on one seat"
        } else if seats.iter().any(|seat| seat.index() >= self.seats.count()) {
            "someone sits where there is no seat"
        } else if self.owner.is_some_and(|owner| !self.owned || !seats.contains(&owner)) {
            "it belongs to someone who does not sit there"
        } else if self.said.len() > MAX_HISTORY {
            "more was said than is kept"
        } else {
            return Ok(());
        };
        Err(Unreadable(fault.into()))
    }
}

impl From<&PastLine> for SavedLine {
    fn from(line: &PastLine) -> Self {
        let emote = line.manner == Manner::Emote;
        Self { name: line.name.clone(), emote, text: line.text.clone() }
    }
}

impl From<SavedLine> for PastLine {
    fn from(SavedLine { name, emote, text }: SavedLine) -> Self {
        Self { name, manner: if emote { Manner::Emote } else { Manner::Say }, text }
    }
}

/// A room's password, of which only a hash is known.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Lock {
    salt: [u8; 16],
    hash: [u8; 32],
}

impl Lock {
    /// With a salt that no other has.
    pub(crate) fn new(password: &RoomPassword) -> Self {
        let salt = rand::random();
        Self { salt, hash: hash(salt, password) }
    }

    /// Whether it is that password. Compared in constant time.
    pub(crate) fn opens_with(&self, password: &RoomPassword) -> bool {
        self.hash.ct_eq(&hash(self.salt, password)).into()
    }
}

fn hash(salt: [u8; 16], password: &RoomPassword) -> [u8; 32] {
    Sha256::new().chain_update(salt).chain_update(password.as_bytes()).finalize().into()
}

impl fmt::Debug for Lock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Lock")
    }
}

/// Values as what people would type. On the wire such are borrowed, which JSON cannot do of what it escapes.
mod text {
    use serde::{Deserialize as _, Deserializer, Serializer, de};
    use std::{fmt::Display, str::FromStr};

    pub(super) fn serialize<T: Display, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(value)
    }

    pub(super) fn deserialize<'de, T, D>(deserializer: D) -> Result<T, D::Error>
    where
        T: FromStr<Err: Display>,
        D: Deserializer<'de>,
    {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }

    /// The same of what is there.
    pub(super) mod optional {
        use serde::{Deserializer, Serializer};
        use std::{fmt::Display, str::FromStr};

        pub(in super::super) fn serialize<T: Display, S: Serializer>(
            value: &Option<T>,
            serializer: S,
        ) -> Result<S::Ok, S::Error> {
            match value {
                Some(value) => super::serialize(value, serializer),
                None => serializer.serialize_none(),
            }
        }

        pub(in super::super) fn deserialize<'de, T, D>(deserializer: D) -> Result<Option<T>, D::Error>
        where
            T: FromStr<Err: Display>,
            D: Deserializer<'de>,
        {
            super::deserialize(deserializer).map(Some)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Lock, MAX_HISTORY, Record, SavedAs, SavedBytes, SavedLine, SavedMember, WhoReturns};
    use malpan_protocol::{GameName, Name, PlayerId, RoomPassword, Seat, SeatCount};

    fn seat(index: u8) -> Seat {
        Seat::new(index).unwrap()
    }

    fn member(index: u8, name: &str, player: Option<WhoReturns>) -> SavedMember {
        SavedMember { seat: seat(index), name: Name::new(name).unwrap(), player }
    }

    fn room() -> SavedAs {
        SavedAs {
            saved_at: 1,
            game: GameName::BOARD,
            title: "\"Friday\" night".parse().unwrap(),
            seats: SeatCount::new(4).unwrap(),
            board: Some("8x6".parse().unwrap()),
            owned: true,
            owner: Some(seat(3)),
            lock: None,
            age_ms: 2,
            members: vec![
                member(3, "Ann \\ 가", Some(WhoReturns { id: PlayerId(7), guest: true })),
                member(0, "lecture-1", None),
            ],
            said: vec![SavedLine { name: Name::new("Bob").unwrap(), emote: true, text: "waves \\o/".parse().unwrap() }],
        }
    }

    #[test]
    fn a_room_looks_like_this_and_is_read_again() {
        let record = Record { room: room(), state: SavedBytes::of(&[10_u8, 13]).unwrap() };
        let bytes = record.to_bytes();
        let line = r#"{"version":1,"room":{"saved_at":1,"game":"board","title":"\"Friday\" night","seats":4,"board":"8x6","owned":true,"owner":3,"age_ms":2,"members":[{"seat":3,"name":"Ann \\ 가","player":{"id":7,"guest":true}},{"seat":0,"name":"lecture-1"}],"said":[{"name":"Bob","emote":true,"text":"waves \\o/"}]}}"#;
        assert_eq!(bytes, [line.as_bytes(), b"\n\x0A\x0D"].concat());
        assert_eq!(Record::read(&bytes).unwrap(), record);
        let locked = SavedAs { lock: Some(Lock::new(&RoomPassword::new("sesame").unwrap())), ..room() };
        let again = Record::read(&Record { room: locked, ..record }.to_bytes()).unwrap().room.lock.unwrap();
        assert!(again.opens_with(&RoomPassword::new("sesame").unwrap()));
        assert!(!again.opens_with(&RoomPassword::new("sesamE").unwrap()));
        assert_eq!(format!("{again:?}"), "Lock");
    }

    #[test]
    fn what_no_room_ever_was_is_refused() {
        let read = |room: SavedAs| Record::read(&Record { room, state: SavedBytes::new() }.to_bytes());
        let line = room().said[0].clone();
        for (fault, room) in [
            ("two sit", SavedAs { members: vec![member(3, "a", None), member(3, "b", None)], ..room() }),
            ("no seat", SavedAs { members: vec![member(3, "a", None), member(4, "b", None)], ..room() }),
            ("does not sit", SavedAs { owner: Some(seat(1)), ..room() }),
            ("does not sit", SavedAs { owned: false, ..room() }),
            ("more was said", SavedAs { said: vec![line; MAX_HISTORY + 1], ..room() }),
        ] {
            let why = read(room).unwrap_err().to_string();
            assert!(why.contains(fault), "{why}");
        }
        for bytes in [&b""[..], b"{}", b"{}\n", b"null\n", b"\xFF\n", br#"{"version":1,"room":{}}"#] {
            assert!(Record::read(bytes).is_err());
        }
        let of_tomorrow = Record::read(b"{\"version\":2,\"room\":{\"more\":1}}\n").unwrap_err().to_string();
        assert!(of_tomorrow.contains("version 2"), "{of_tomorrow}");
        let long = [&Record { room: room(), state: SavedBytes::new() }.to_bytes()[..], &[0; SavedBytes::MAX_BYTES + 1]];
        assert!(Record::read(&long.concat()).is_err());
    }
}
