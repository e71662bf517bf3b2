//! A game's own values inside packets.

use crate::{WireError, wire};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::DeserializeOwned};
use smallvec::SmallVec;
use std::fmt;

/// Short values, which nearly all are, lie in place: a command on its way through the server allocates nothing.
type Bytes = SmallVec<[u8; 16]>;

/// Up to `MAX` bytes that are a game's values, encoded as everything else on the wire. Whoever knows the game decodes
/// them; whoever passes them on need not.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Encoded<const MAX: usize>(Bytes);

/// A game's command.
pub type CommandBytes = Encoded<256>;
/// Why a game refused a command.
pub type RefusalBytes = Encoded<256>;
/// A row of a game's updates, one after the other.
pub type UpdateBytes = Encoded<8192>;
/// A game's whole state.
pub type StateBytes = Encoded<12_288>;

impl<const MAX: usize> Encoded<MAX> {
    /// The most bytes it may have.
    pub const MAX_BYTES: usize = MAX;

    /// No value.
    #[must_use]
    pub const fn new() -> Self {
        Self(SmallVec::new_const())
    }

    /// One value.
    ///
    /// # Errors
    /// [`WireError`] where it cannot be encoded or has more than `MAX` bytes.
    pub fn of<T: Serialize>(value: &T) -> Result<Self, WireError> {
        let mut encoded = Self::new();
        encoded.push(value)?;
        Ok(encoded)
    }

    /// Appends a value. On an error it is as it was.
    ///
    /// # Errors
    /// As [`Encoded::of`].
    pub fn push<T: Serialize>(&mut self, value: &T) -> Result<(), WireError> {
        let before = self.0.len();
        let pushed = wire::encode(value, &mut self.0).and_then(|()| match self.0.len() {
            length if length > MAX => Err(WireError::TooLong { length, max: MAX }),
            _ => Ok(()),
        });
        if pushed.is_err() {
            self.0.truncate(before);
        }
        pushed
    }

    /// The one value that this is.
    ///
    /// # Errors
    /// [`WireError`] where it is no such value, or goes on after it.
    pub fn decode<T: DeserializeOwned>(&self) -> Result<T, WireError> {
        wire::decode(&self.0)
    }

    /// The values that this is a row of, in order. The first error is the last item.
    pub fn values<T: DeserializeOwned>(&self) -> impl Iterator<Item = Result<T, WireError>> {
        let mut rest = Some(&*self.0);
        std::iter::from_fn(move || {
            let bytes = rest.take().filter(|bytes| !bytes.is_empty())?;
            Some(wire::decode_first(bytes).map(|(value, used)| {
                // A value without bytes would come for ever.
                rest = (used > 0).then(|| &bytes[used..]);
                value
            }))
        })
    }

    /// The bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// How many bytes there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Takes everything out and keeps the memory.
    pub fn clear(&mut self) {
        self.0.clear();
    }
}

/// The bytes of values that were encoded before.
impl<const MAX: usize> TryFrom<&[u8]> for Encoded<MAX> {
    type Error = WireError;
    fn try_from(bytes: &[u8]) -> Result<Self, WireError> {
        if bytes.len() > MAX {
            return Err(WireError::TooLong { length: bytes.len(), max: MAX });
        }
        Ok(Self(Bytes::from_slice(bytes)))
    }
}

impl<const MAX: usize> fmt::Debug for Encoded<MAX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl<const MAX: usize> Serialize for Encoded<MAX> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de, const MAX: usize> Deserialize<'de> for Encoded<MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // Borrowed from the frame: a claimed length reserves nothing.
        <&'de [u8]>::deserialize(deserializer)?.try_into().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::{CommandBytes, Encoded};
    use crate::{Cell, Direction, Seat, WireError, game::board::Position};

    fn position(x: u8) -> Position {
        Position { seat: Seat::new(1).unwrap(), cell: Cell { x, y: 2 } }
    }

    #[test]
    fn a_value_comes_back() {
        let encoded = CommandBytes::of(&Direction::Right).unwrap();
        assert_eq!(encoded.as_bytes(), [3]);
        assert!(!encoded.is_empty() && CommandBytes::new().is_empty());
        assert_eq!(encoded.decode(), Ok(Direction::Right));
    }

    #[test]
    fn what_is_no_such_value_is_told() {
        let encoded = CommandBytes::of(&9u8).unwrap();
        assert!(matches!(encoded.decode::<Direction>(), Err(WireError::Invalid(_))));
        let two = CommandBytes::of(&(Direction::Up, Direction::Up)).unwrap();
        assert_eq!(two.decode::<Direction>(), Err(WireError::TrailingBytes { extra: 1 }));
        assert!(CommandBytes::new().decode::<Direction>().is_err());
    }

    #[test]
    fn a_row_ends_with_its_last_value_or_its_first_error() {
        let mut row = Encoded::<64>::new();
        (0..3).for_each(|x| row.push(&position(x)).unwrap());
        assert_eq!(row.len(), 9);
        assert_eq!(row.values().collect::<Result<Vec<Position>, _>>().unwrap(), [0, 1, 2].map(position));
        row.push(&1u8).unwrap();
        let values: Vec<Result<Position, _>> = row.values().collect();
        assert_eq!(values.len(), 4);
        assert!(values[3].is_err());
        assert_eq!(row.values::<()>().count(), 1, "nothing is not there for ever");
    }

    #[test]
    fn the_bound_holds_and_leaves_what_was_there() {
        let mut row = Encoded::<4>::new();
        row.push(&position(1)).unwrap();
        assert_eq!(row.push(&position(2)), Err(WireError::TooLong { length: 6, max: 4 }));
        assert_eq!(row.decode(), Ok(position(1)));
    }
}
