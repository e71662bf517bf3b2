//! Who may connect: bounds on all sessions, on those that are not established yet, and per address.

use std::{
    collections::HashMap,
    fmt,
    net::IpAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

/// Says which addresses the per-address limit does not concern.
pub type Exemption = Arc<dyn Fn(IpAddr) -> bool + Send + Sync>;

/// The bounds.
#[derive(Clone)]
pub struct AdmissionLimits {
    /// Most sessions in all.
    pub sessions: usize,
    /// Most sessions that are not [established](crate::SessionHandle::establish).
    pub pending: usize,
    /// Most sessions from one IPv4 address, or from one IPv6 /64 network.
    pub per_address: usize,
    /// Addresses that `per_address` does not concern.
    pub exempt: Exemption,
}

impl Default for AdmissionLimits {
    /// 10,000 sessions, 2,000 of them not established, 64 for each address but loopback.
    fn default() -> Self {
        Self { sessions: 10_000, pending: 2000, per_address: 64, exempt: Arc::new(|address| address.is_loopback()) }
    }
}

/// Why a connection was not admitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Refusal {
    /// As many sessions as the server takes.
    #[error("the server is full")]
    Full,
    /// As many from this address as the server takes.
    #[error("too many connections from this address")]
    AddressFull,
    /// As many that are not established as the server takes.
    #[error("too many connections that have not signed in")]
    PendingFull,
}

/// Counts sessions against [`AdmissionLimits`]. One for all listeners of a server.
pub struct Admission {
    limits: AdmissionLimits,
    sessions: AtomicUsize,
    pending: AtomicUsize,
    by_network: Mutex<HashMap<Network, usize>>,
}

/// One admitted session's place; it is given back on drop.
pub struct Permit {
    admission: Arc<Admission>,
    network: Option<Network>,
    established: AtomicBool,
}

/// What an address counts as: an IPv4 address, or the first half of an IPv6 address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Network {
    V4([u8; 4]),
    V6([u8; 8]),
}

impl Network {
    fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(v4) => Self::V4(v4.octets()),
            IpAddr::V6(v6) => {
                let [a, b, c, d, e, f, g, h, ..] = v6.octets();
                Self::V6([a, b, c, d, e, f, g, h])
            }
        }
    }
}

impl Admission {
    /// Nobody is in yet.
    #[must_use]
    pub fn new(limits: AdmissionLimits) -> Arc<Self> {
        Arc::new(Self {
            limits,
            sessions: AtomicUsize::new(0),
            pending: AtomicUsize::new(0),
            by_network: Mutex::default(),
        })
    }

    /// Lets a connection from `address` in.
    ///
    /// # Errors
    /// The [`Refusal`] that applies first; nothing is counted then.
    pub fn admit(self: &Arc<Self>, address: IpAddr) -> Result<Permit, Refusal> {
        take(&self.sessions, self.limits.sessions).ok_or(Refusal::Full)?;
        // From here on dropping the permit gives back exactly what was taken.
        let mut permit = Permit { admission: Arc::clone(self), network: None, established: AtomicBool::new(true) };
        take(&self.pending, self.limits.pending).ok_or(Refusal::PendingFull)?;
        *permit.established.get_mut() = false;
        if !(self.limits.exempt)(address.to_canonical()) {
            let network = Network::of(address);
            let mut by_network = self.by_network.lock().unwrap_or_else(PoisonError::into_inner);
            if by_network.get(&network).copied().unwrap_or(0) >= self.limits.per_address {
                drop(by_network);
                return Err(Refusal::AddressFull);
            }
            *by_network.entry(network).or_default() += 1;
            permit.network = Some(network);
        }
        Ok(permit)
    }

    /// Sessions in all.
    #[must_use]
    pub fn sessions(&self) -> usize {
        self.sessions.load(Ordering::Relaxed)
    }

    /// Sessions that are not established.
    #[must_use]
    pub fn pending(&self) -> usize {
        self.pending.load(Ordering::Relaxed)
    }
}

impl Permit {
    /// The session is no longer pending. Once is enough; further calls change nothing.
    pub(crate) fn establish(&self) {
        if !self.established.swap(true, Ordering::Relaxed) {
            self.admission.pending.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.establish();
        self.admission.sessions.fetch_sub(1, Ordering::Relaxed);
        if let Some(network) = self.network {
            let mut by_network = self.admission.by_network.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(count) = by_network.get_mut(&network) {
                *count -= 1;
                if *count == 0 {
                    by_network.remove(&network);
                }
            }
        }
    }
}

/// Counts one more unless there are `limit`.
fn take(counter: &AtomicUsize, limit: usize) -> Option<()> {
    let more = |count| (count < limit).then_some(count + 1);
    counter.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).ok().map(drop)
}

impl fmt::Debug for AdmissionLimits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { sessions, pending, per_address, .. } = self;
        write!(f, "AdmissionLimits({sessions} sessions, {pending} pending, {per_address} per address)")
    }
}

impl fmt::Debug for Admission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Admission({} sessions, {} pending)", self.sessions(), self.pending())
    }
}

impl fmt::Debug for Permit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Permit")
    }
}

#[cfg(test)]
mod tests {
    use super::{Admission, AdmissionLimits, Refusal};
    use std::{net::IpAddr, sync::Arc};

    fn admission(sessions: usize, pending: usize, per_address: usize) -> Arc<Admission> {
        let exempt = Arc::new(|address: IpAddr| address.is_loopback());
        Admission::new(AdmissionLimits { sessions, pending, per_address, exempt })
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn every_bound_is_its_own_and_is_given_back() {
        let admission = admission(3, 2, 1);
        let first = admission.admit(ip("10.0.0.1")).unwrap();
        assert_eq!(admission.admit(ip("10.0.0.1")).unwrap_err(), Refusal::AddressFull);
        assert_eq!((admission.sessions(), admission.pending()), (1, 1));
        let second = admission.admit(ip("10.0.0.2")).unwrap();
        assert_eq!(admission.admit(ip("10.0.0.3")).unwrap_err(), Refusal::PendingFull);
        first.establish();
        first.establish();
        let third = admission.admit(ip("10.0.0.3")).unwrap();
        assert_eq!(admission.admit(ip("10.0.0.4")).unwrap_err(), Refusal::Full);
        drop((first, second, third));
        assert_eq!((admission.sessions(), admission.pending()), (0, 0));
        assert!(admission.by_network.lock().unwrap().is_empty());
        assert!(admission.admit(ip("10.0.0.1")).is_ok());
    }

    #[test]
    fn by_default_many_come_from_here_and_few_from_elsewhere() {
        let admission = Admission::new(AdmissionLimits::default());
        let admitted = |address| {
            let permits: Vec<_> = std::iter::from_fn(|| admission.admit(ip(address)).ok()).collect();
            permits.len()
        };
        assert_eq!([admitted("10.0.0.1"), admitted("127.0.0.1"), admitted("::1")], [64, 2000, 2000]);
    }

    #[test]
    fn an_ipv6_network_counts_as_one_address_and_mapped_v4_as_v4() {
        let admission = admission(9, 9, 1);
        let _v6 = admission.admit(ip("2001:db8:1:2::1")).unwrap();
        assert_eq!(admission.admit(ip("2001:db8:1:2:ffff::9")).unwrap_err(), Refusal::AddressFull);
        let _other = admission.admit(ip("2001:db8:1:3::1")).unwrap();
        let _v4 = admission.admit(ip("10.0.0.1")).unwrap();
        assert_eq!(admission.admit(ip("::ffff:10.0.0.1")).unwrap_err(), Refusal::AddressFull);
    }

    #[test]
    fn who_is_refused_leaves_nothing_behind() {
        let admission = admission(9, 9, 0);
        assert_eq!(admission.admit(ip("10.0.0.1")).unwrap_err(), Refusal::AddressFull);
        assert!(admission.by_network.lock().unwrap().is_empty());
        assert_eq!((admission.sessions(), admission.pending()), (0, 0));
    }

    #[test]
    fn the_exempt_are_not_counted_by_address() {
        let admission = admission(9, 9, 1);
        let _permits: Vec<_> = (0..9).map(|_| admission.admit(ip("::ffff:127.0.0.1")).unwrap()).collect();
        assert_eq!(admission.admit(ip("127.0.0.1")).unwrap_err(), Refusal::Full);
    }
}
