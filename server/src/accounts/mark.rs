//! What tells one secret of an account from another, without being one.

use crate::store::SecretHash;
use sha2::{Digest as _, Sha256};
use std::num::NonZeroU64;

/// A part of a hash of the secret's hash, small enough to be kept for everyone who is signed in. Of two secrets' hashes, which
/// have salts of their own, it is never the same, but for a chance of one in 2^63.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SecretMark(NonZeroU64);

impl SecretMark {
    pub(crate) fn of(secret: &SecretHash) -> Self {
        let digest: [u8; 32] = Sha256::digest(secret.expose()).into();
        let first = digest.first_chunk().map_or(0, |first| u64::from_le_bytes(*first));
        // The last bit is always set, so that there is room for none at all.
        Self(NonZeroU64::MIN | first)
    }
}
