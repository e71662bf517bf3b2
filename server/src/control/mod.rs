//! The local control channel: how the operator's own commands reach a server that runs.
//!
//! ```text
//! malpan-server account ... -> client.rs -> Unix socket or named pipe -> serve.rs -> operator.rs -> store, players
//!                           -> operator.rs -> store                 (where no server runs)
//! request.rs: what may be asked, one JSON object a line      report.rs: what the store holds, for people
//! address.rs: where      pipe.rs, socket.rs: the systems' ways
//! ```
//!
//! Whoever may use it may do anything to accounts, so it is the server's own user alone (and root): the socket has mode 0600,
//! and the other side's user is looked at. No password goes over it, only hashes.

mod address;
mod client;
mod operator;
#[cfg(windows)]
mod pipe;
mod report;
mod request;
mod serve;
#[cfg(unix)]
mod socket;

#[cfg(windows)]
use pipe as system;
#[cfg(unix)]
use socket as system;

pub use address::{ControlAddress, ControlAddressError};
pub(crate) use client::{Reached, reach};
pub(crate) use operator::{Operator, Players};
pub(crate) use request::{Answer, Hash, Listed, Request, Text};
pub(crate) use serve::serve;
pub(crate) use system::Listening;
