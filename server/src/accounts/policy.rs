//! What the operator has decided about accounts.

use super::Origin;
use std::{fmt, net::IpAddr, sync::Arc};

/// What holds for signing in.
#[derive(Clone)]
pub(crate) struct Policy {
    /// Guests are off.
    pub(crate) require_login: bool,
    /// Addresses of many, to which nothing is laid that others behind them did. See [`super::delays`].
    pub(crate) exempt: Arc<dyn Fn(IpAddr) -> bool + Send + Sync>,
}

/// Who tries to sign in, as far as that is known.
#[derive(Debug, Clone, Copy)]
pub(super) struct Caller {
    pub(super) origin: Origin,
    pub(super) exempt: bool,
}

impl Policy {
    /// Where a peer at `address` comes from.
    pub(super) fn caller(&self, address: IpAddr) -> Caller {
        Caller { origin: Origin::of(address), exempt: (self.exempt)(address) }
    }
}

impl fmt::Debug for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Policy").field("require_login", &self.require_login).finish_non_exhaustive()
    }
}
