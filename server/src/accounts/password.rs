//! Passwords and what is kept of them: argon2id, as PHC strings.

use crate::store::SecretHash;
use argon2::{
    Algorithm, Argon2, Block, Params, Version,
    password_hash::phc::{Ident, Output, ParamsString, PasswordHash, Salt},
};
use malpan_protocol::Secret;
use zeroize::{Zeroize, Zeroizing};

/// Bytes of a salt and of a hash, as RFC 9106 recommends them.
const SALT_BYTES: usize = 16;
const HASH_BYTES: usize = 32;

/// What one hash costs. One lane: a second would need threads that the pool does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cost {
    /// Memory in KiB.
    pub(crate) memory_kib: u32,
    /// Passes over it.
    pub(crate) iterations: u32,
}

/// The memory in which one thread hashes, again and again. Wiped after each use.
#[derive(Default)]
pub(crate) struct Workspace(Vec<Block>);

/// The hash of a secret under a new salt.
pub(crate) fn hash(secret: &Secret, cost: Cost, workspace: &mut Workspace) -> SecretHash {
    let (params, salt) = (cost.params(), rand::random::<[u8; SALT_BYTES]>());
    let output = digest(secret, &params, &salt, HASH_BYTES, workspace).expect("the ranges of the keys are argon2's");
    phc(&params, &salt, &output)
}

/// A hash of no secret, which takes as long to verify as one.
pub(super) fn decoy(cost: Cost) -> SecretHash {
    phc(&cost.params(), &rand::random::<[u8; SALT_BYTES]>(), &rand::random::<[u8; HASH_BYTES]>())
}

fn phc(params: &Params, salt: &[u8], output: &[u8]) -> SecretHash {
    let phc = PasswordHash {
        algorithm: Ident::new(Algorithm::Argon2id.as_str()).expect("a valid constant"),
        version: Some(Version::V0x13.into()),
        params: ParamsString::try_from(params).expect("two numbers"),
        salt: Some(Salt::new(salt).expect("a salt's length")),
        hash: Some(Output::new(output).expect("a hash's length")),
    };
    SecretHash::new(phc.to_string())
}

/// Whether `secret` is the one of `hash`. What is no hash of argon2id's is nobody's, and is logged: the store has it.
pub(super) fn verify(secret: &Secret, hash: &SecretHash, workspace: &mut Workspace) -> bool {
    let Some(kept) = Kept::read(hash) else {
        tracing::error!("an account's secret in the store is no argon2id hash; nobody can sign in to it");
        return false;
    };
    let length = kept.output.len();
    let Some(output) = digest(secret, &kept.params, &kept.salt, length, workspace) else { return false };
    // Compared in constant time.
    Output::new(&output).is_ok_and(|output| output == kept.output)
}

/// Whether a hash costs less than `cost` in memory or in passes, so that it should be made anew.
pub(super) fn is_weaker(hash: &SecretHash, cost: Cost) -> bool {
    Kept::read(hash).is_some_and(|Kept { params, .. }| {
        params.m_cost() < cost.memory_kib || (params.m_cost() == cost.memory_kib && params.t_cost() < cost.iterations)
    })
}

/// Whether it is a hash as they are made here.
pub(crate) fn is_hash(hash: &SecretHash) -> bool {
    Kept::read(hash).is_some()
}

/// A PHC string, read.
struct Kept {
    params: Params,
    salt: Salt,
    output: Output,
}

impl Kept {
    fn read(hash: &SecretHash) -> Option<Self> {
        let phc = PasswordHash::new(hash.expose()).ok()?;
        let known =
            phc.algorithm.as_str() == Algorithm::Argon2id.as_str() && phc.version == Some(Version::V0x13.into());
        if !known {
            return None;
        }
        Some(Self { params: Params::try_from(&phc).ok()?, salt: phc.salt?, output: phc.hash? })
    }
}

impl Cost {
    fn params(self) -> Params {
        Params::new(self.memory_kib, self.iterations, 1, Some(HASH_BYTES)).expect("the ranges of the keys are argon2's")
    }
}

fn digest(
    secret: &Secret,
    params: &Params,
    salt: &[u8],
    length: usize,
    workspace: &mut Workspace,
) -> Option<Zeroizing<Vec<u8>>> {
    let mut output = Zeroizing::new(vec![0; length]);
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params.clone());
    let blocks = &mut workspace.0;
    blocks.resize(params.block_count().max(blocks.len()), Block::default());
    let used = &mut blocks[..params.block_count()];
    let done = argon2.hash_password_into_with_memory(secret.expose().as_bytes(), salt, &mut output, &mut *used);
    used.iter_mut().for_each(Zeroize::zeroize);
    done.ok().map(|()| output)
}

#[cfg(test)]
mod tests {
    use super::{Cost, Workspace, hash, is_weaker, verify};
    use crate::store::SecretHash;
    use argon2::Block;
    use malpan_protocol::Secret;

    const CHEAP: Cost = Cost { memory_kib: 64, iterations: 1 };

    fn secret(text: &str) -> Secret {
        Secret::new(text).unwrap()
    }

    #[test]
    fn a_secret_is_verified_against_its_own_hash_alone() {
        let mut workspace = Workspace::default();
        let kept = hash(&secret("correct horse"), CHEAP, &mut workspace);
        assert!(kept.expose().starts_with("$argon2id$v=19$m=64,t=1,p=1$"));
        assert!(verify(&secret("correct horse"), &kept, &mut workspace));
        assert!(!verify(&secret("correct horsf"), &kept, &mut workspace));
        let again = hash(&secret("correct horse"), CHEAP, &mut workspace);
        assert_ne!(again.expose(), kept.expose(), "each has a salt of its own");
    }

    /// Out of the tests of the reference implementation (argon2's `src/test.c`).
    #[test]
    fn hashes_are_argon2s_own() {
        let hash = "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4";
        assert!(verify(&secret("password"), &SecretHash::new(hash), &mut Workspace::default()));
    }

    /// Also where the memory was larger before.
    #[test]
    fn the_memory_is_wiped_after_use() {
        let mut workspace = Workspace::default();
        for memory_kib in [64, 32] {
            hash(&secret("correct horse"), Cost { memory_kib, iterations: 1 }, &mut workspace);
            assert_eq!(workspace.0.len(), 64);
            let wiped = |block: &Block| block.as_ref().iter().all(|&word| word == 0);
            assert!(workspace.0.iter().all(wiped));
        }
    }

    #[test]
    fn a_cheaper_hash_is_weaker_and_a_dearer_one_is_not() {
        let kept = hash(&secret("correct horse"), CHEAP, &mut Workspace::default());
        let weaker = |memory_kib, iterations| is_weaker(&kept, Cost { memory_kib, iterations });
        assert!(weaker(64, 2) && weaker(65, 1));
        assert!(!weaker(64, 1) && !weaker(32, 5));
    }

    #[test]
    fn what_is_no_hash_is_nobodys() {
        for text in
            ["", "correct horse", "$argon2id$v=19$m=64,t=1,p=1", "$argon2i$v=19$m=64,t=1,p=1$MDEyMzQ1Njc$MDEyMzQ1Njc"]
        {
            assert!(!verify(&secret("correct horse"), &SecretHash::new(text), &mut Workspace::default()), "{text}");
        }
    }
}
