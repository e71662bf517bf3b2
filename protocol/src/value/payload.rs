//! Opaque match data.

use super::ValueError;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Up to 256 bytes that the server passes on without reading: what a game programmer reaches for before adding a
/// packet.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SignalPayload(Box<[u8]>);

impl SignalPayload {
    /// The most bytes it may have.
    pub const MAX_BYTES: usize = 256;

    /// Takes up to [`SignalPayload::MAX_BYTES`] bytes.
    ///
    /// # Errors
    /// [`ValueError::TooLong`] over the limit.
    pub fn new(bytes: &[u8]) -> Result<Self, ValueError> {
        if bytes.len() > Self::MAX_BYTES {
            let (length, max) = (bytes.len(), Self::MAX_BYTES);
            return Err(ValueError::TooLong { what: "a signal", length, max, unit: "bytes" });
        }
        Ok(Self(bytes.into()))
    }

    /// The bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl Serialize for SignalPayload {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for SignalPayload {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let bytes = <&'de [u8]>::deserialize(deserializer)?;
        Self::new(bytes).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::SignalPayload;

    #[test]
    fn up_to_256_bytes_stay_as_they_are() {
        let longest = [7; 256];
        assert_eq!(SignalPayload::new(&longest).unwrap().as_bytes(), longest);
        assert!(SignalPayload::new(&[7; 257]).is_err());
    }
}
