//! What a room and the session of someone in it both know of their place, whichever of them ends it.

use crate::people::WayBack;
use std::sync::atomic::{AtomicBool, Ordering};

/// Someone's place in a room.
#[derive(Debug)]
pub(crate) struct Ticket {
    way_back: WayBack,
    void: AtomicBool,
}

impl Ticket {
    /// Good until the room puts them out, who then are where `way_back` leads.
    pub(crate) fn new(way_back: WayBack) -> Self {
        Self { way_back, void: AtomicBool::new(false) }
    }

    /// The room has ended it.
    pub(crate) fn is_void(&self) -> bool {
        self.void.load(Ordering::Acquire)
    }

    /// They are back in the lobby. In this order: whoever finds it void may leave the lobby for another room.
    pub(super) fn put_out(&self) {
        self.way_back.take();
        self.void.store(true, Ordering::Release);
    }
}
