//! Tokens: made of chance, kept as hashes.

use crate::store::TokenHash;
use malpan_protocol::ResumeToken;
use rand::{Rng as _, SeedableRng as _, TryRng as _, rngs::StdRng, rngs::SysRng};
use sha2::{Digest as _, Sha256};
use std::{
    fmt,
    sync::{Mutex, PoisonError},
};

/// Where tokens come from.
pub struct TokenSource(Source);

enum Source {
    System,
    Seeded(Box<Mutex<StdRng>>),
}

impl TokenSource {
    /// The operating system's randomness.
    #[must_use]
    pub const fn system() -> Self {
        Self(Source::System)
    }

    /// The same tokens each time: for simulations, and for nothing else.
    #[must_use]
    pub fn seeded(seed: u64) -> Self {
        Self(Source::Seeded(Box::new(Mutex::new(StdRng::seed_from_u64(seed)))))
    }

    /// A token that nobody has, and its hash.
    pub(super) fn next(&self) -> (ResumeToken, TokenHash) {
        let mut bytes = [0; ResumeToken::BYTES];
        match &self.0 {
            // Without randomness no token is safe: the sign-in fails, which ends that session.
            Source::System => SysRng.try_fill_bytes(&mut bytes).expect("the operating system has randomness"),
            Source::Seeded(rng) => rng.lock().unwrap_or_else(PoisonError::into_inner).fill_bytes(&mut bytes),
        }
        let token = ResumeToken::new(bytes);
        let hash = hash(&token);
        (token, hash)
    }
}

impl Default for TokenSource {
    fn default() -> Self {
        Self::system()
    }
}

impl fmt::Debug for TokenSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenSource")
    }
}

/// As it is kept. A token is random as a whole, so it needs neither salt nor a slow hash, and how long a look-up takes says
/// nothing that brings anyone nearer to one.
pub(super) fn hash(token: &ResumeToken) -> TokenHash {
    TokenHash(Sha256::digest(token.as_bytes()).into())
}
