//! Which session each signed-in player has.

use crate::ending::Ending;
use malpan_net::{SessionHandle, SessionId};
use malpan_protocol::PlayerId;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// The sessions by player. Cheap to clone; all clones are the same.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sessions(Arc<Mutex<HashMap<PlayerId, SessionHandle>>>);

/// A player's session stands here as long as this is kept.
#[derive(Debug)]
pub(crate) struct Here {
    player: PlayerId,
    session: SessionId,
    sessions: Sessions,
}

impl Sessions {
    /// A player has this session.
    pub(crate) fn enter(&self, player: PlayerId, session: &SessionHandle) -> Here {
        self.sessions().insert(player, session.clone());
        Here { player, session: session.id(), sessions: self.clone() }
    }

    /// Sends a player away. False where there is none.
    pub(crate) fn send_away(&self, player: PlayerId, why: Ending) -> bool {
        let session = self.sessions().get(&player).cloned();
        session.inspect(|session| session.close(why.into())).is_some()
    }

    fn sessions(&self) -> MutexGuard<'_, HashMap<PlayerId, SessionHandle>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Here {
    fn drop(&mut self) {
        let mut sessions = self.sessions.sessions();
        // The player may have another session by now.
        if sessions.get(&self.player).is_some_and(|session| session.id() == self.session) {
            sessions.remove(&self.player);
        }
    }
}
