//! Encoded bytes that many queues share.

use std::{fmt, ops::Deref, sync::Arc};

/// One or more encoded packets, written as they are. Cloning copies a pointer: a room encodes once and every member's
/// queue holds the same bytes.
///
/// The pointer is thin on purpose. A queue slot is this one word, and a queue's first block of 32 slots is a large part
/// of what an idle session costs.
#[derive(Clone)]
pub struct Frame(Arc<Box<[u8]>>);

impl Frame {
    /// A frame of these bytes.
    #[must_use]
    pub fn new(bytes: &[u8]) -> Self {
        Self(Arc::new(bytes.into()))
    }
}

impl Deref for Frame {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Frame({} bytes)", self.len())
    }
}
