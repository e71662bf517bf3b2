#![doc = include_str!("../README.md")]
//!
//! # A packet's way
//!
//! ```text
//! acceptor -> admission -> shard -> session task: Transport::handshake, Service::opened, then
//!                                     reader: socket -> shard's scratch -> Decoder -> Service::packet
//!                                     writer: send queue -> everything waiting in ONE write -> socket
//! sweep (one per shard): heartbeats, silence, deadlines, stalled writes
//! ```
//!
//! # A service without a socket
//!
//! A [`Shard`] opens a session on any stream. Here the test holds the other end.
//!
//! ```
//! use malpan_net::{
//!     Admission, AdmissionLimits, CloseReason, Counters, Frame, Protocol, Service, SessionHandle, Settings, Shard,
//!     codec::LinesCodec,
//! };
//! use std::sync::Arc;
//! use tokio::{io::{AsyncReadExt, AsyncWriteExt, duplex}, runtime::Handle};
//!
//! /// Counts how often it was greeted.
//! #[derive(Clone)]
//! struct Greeter;
//!
//! struct Greetings { session: SessionHandle, count: u32 }
//!
//! impl Protocol for Greeter {
//!     type Decoder = LinesCodec;
//!     type Service = Greetings;
//!
//!     fn decoder(&self) -> LinesCodec {
//!         LinesCodec::new_with_max_length(100)
//!     }
//!
//!     fn open(&self, session: SessionHandle) -> Greetings {
//!         Greetings { session, count: 0 }
//!     }
//!
//!     fn farewell(&self, reason: CloseReason) -> Option<Frame> {
//!         (reason == CloseReason::Service(1)).then(|| Frame::new(b"goodbye\n"))
//!     }
//! }
//!
//! impl Service for Greetings {
//!     type Packet = String;
//!
//!     async fn packet(&mut self, line: String) {
//!         match line.as_str() {
//!             "hello" => {
//!                 self.count += 1;
//!                 self.session.send(Frame::new(format!("hello {}\n", self.count).as_bytes()));
//!             }
//!             _ => self.session.close(CloseReason::Service(1)),
//!         }
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let shard = Shard::new(0, Handle::current(), Settings::default(), Arc::<Counters>::default());
//! let admission = Admission::new(AdmissionLimits::default());
//! let (mut client, server) = duplex(1024);
//! let peer = "192.0.2.1:7".parse()?;
//! shard.open(server, peer, Greeter, admission.admit(peer.ip())?);
//!
//! client.write_all(b"hello\nhello\nwhatever\n").await?;
//! let mut heard = String::new();
//! client.read_to_string(&mut heard).await?;
//! assert_eq!(heard, "hello 1\nhello 2\ngoodbye\n");
//! # Ok(())
//! # }
//! ```

mod acceptor;
mod admission;
mod budget;
mod closing;
mod counters;
mod frame;
mod handle;
mod listener;
mod options;
mod panics;
mod queue;
mod reader;
mod serve;
mod service;
mod session;
mod settings;
mod shard;
mod shard_thread;
mod sweep;
mod tls;
mod transport;
mod writer;

/// [`BytesMut`](bytes::BytesMut) and what else decoders are made of.
pub use bytes;
/// What [`Tls`] is configured with.
pub use tokio_rustls::rustls;
/// [`Decoder`](tokio_util::codec::Decoder), and decoders for lines and for frames behind their length.
pub use tokio_util::codec;

pub use acceptor::accept;
pub use admission::{Admission, AdmissionLimits, Exemption, Permit, Refusal};
pub use budget::{Budget, Rate, Strikes};
pub use counters::{Count, Counters};
pub use frame::Frame;
pub use handle::{Delivery, SessionHandle, SessionId};
pub use listener::{Listener, bind};
pub use panics::{CaughtPanic, catch_panic, note_panic};
pub use serve::{Server, serve};
pub use service::{CloseReason, Protocol, Service};
pub use settings::{QueueLimits, Settings};
pub use shard::Shard;
pub use shard_thread::ShardThread;
pub use tls::{Tls, TlsStream};
pub use transport::{Tcp, Transport};
