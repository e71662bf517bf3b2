//! Connections for any protocol: accept, deal to shards, read packets, queue and write frames, close with a reason.
//!
//! ```text
//! acceptor -> admission -> shard -> session task
//!                                     reader: socket -> shard's scratch -> Decoder -> Service::packet
//!                                     writer: send queue -> everything waiting in ONE write -> socket
//! sweep (one per shard): heartbeats, silence, deadlines, stalled writes
//! ```
//!
//! What a connection speaks is a [`Protocol`]; what happens on one connection is a [`Service`]. A service sees packets
//! in order and a [`SessionHandle`] to send and to close with; it never sees a socket. This crate knows no packet, no
//! room and no account.
//!
//! Invariant: only a service that is handling a packet waits, and while it waits its session goes on writing. Sending
//! never waits: a queue is bounded in messages and in bytes, and what does not fit ends the connection, is left out or
//! is dropped, as the sender chose.

mod acceptor;
mod admission;
mod budget;
mod closing;
mod counters;
mod frame;
mod handle;
mod listener;
mod options;
mod queue;
mod reader;
mod serve;
mod service;
mod session;
mod settings;
mod shard;
mod shard_thread;
mod sweep;
mod transport;
mod writer;

pub use acceptor::accept;
pub use admission::{Admission, AdmissionLimits, Exemption, Permit, Refusal};
pub use budget::{Budget, Rate, Strikes};
pub use counters::{Count, Counters};
pub use frame::Frame;
pub use handle::{Delivery, SessionHandle, SessionId};
pub use listener::bind;
pub use serve::{Server, serve};
pub use service::{CloseReason, Protocol, Service};
pub use settings::{QueueLimits, Settings};
pub use shard::Shard;
pub use shard_thread::ShardThread;
pub use transport::{Tcp, Transport};
