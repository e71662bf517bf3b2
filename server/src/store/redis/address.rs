//! Where a Redis is, and what of it is this server's.

use redis::{Client, IntoConnectionInfo as _};
use std::fmt;

/// What every key begins with, unless the address says something else.
const PREFIX: &str = "malpan:";
/// Which of the servers that share a Redis this is, unless the address says something else.
const NODE: &str = "main";
/// The longest prefix and node name, in bytes.
const LONGEST: usize = 64;

/// The address of a Redis: its URL, with `prefix` and `node` in its query.
#[derive(Clone, PartialEq, Eq)]
pub struct RedisAddress {
    /// As it was written, with the password.
    written: String,
    /// What the client is told: the URL without what is ours.
    url: String,
    /// Without the password.
    shown: String,
    pub(super) prefix: String,
    pub(super) node: String,
}

/// A URL that names no Redis. Nothing of it is quoted: it may hold a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "it is not of the form redis://[USER:PASSWORD@]HOST[:PORT][/NUMBER][?prefix=TEXT&node=NAME], or the same with rediss"
)]
pub struct RedisAddressError;

impl RedisAddress {
    /// Whether a text looks like the address of a Redis, good or not.
    pub(in crate::store) fn is_meant_by(text: &str) -> bool {
        text.starts_with("redis://") || text.starts_with("rediss://")
    }

    pub(in crate::store) fn parse(text: &str) -> Result<Self, RedisAddressError> {
        let mut url = redis::parse_redis_url(text).ok_or(RedisAddressError)?;
        let (mut prefix, mut node) = (PREFIX.to_owned(), NODE.to_owned());
        for (key, value) in url.query_pairs() {
            match &*key {
                "prefix" => prefix = value.into_owned(),
                "node" => node = value.into_owned(),
                _ => return Err(RedisAddressError),
            }
        }
        // Both become parts of keys and of patterns.
        let is_plain = |text: &str| {
            text.len() <= LONGEST && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b":-_.{}".contains(&byte))
        };
        if !is_plain(&prefix) || !is_plain(&node) || node.is_empty() || url.fragment().is_some() {
            return Err(RedisAddressError);
        }
        url.set_query(None);
        url.as_str().into_connection_info().map_err(|_| RedisAddressError)?;
        let mut shown = url.clone();
        shown.set_username("").and_then(|()| shown.set_password(None)).map_err(|()| RedisAddressError)?;
        Ok(Self { written: text.into(), url: url.into(), shown: shown.into(), prefix, node })
    }

    pub(super) fn client(&self) -> redis::RedisResult<Client> {
        Client::open(&*self.url)
    }
}

/// As it was written, with the password: for the file that it came from.
impl fmt::Display for RedisAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)
    }
}

/// Without the password.
impl fmt::Debug for RedisAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} prefix={} node={}", self.shown, self.prefix, self.node)
    }
}
