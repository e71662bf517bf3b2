//! A stream, a protocol and a scene to play sessions in.

pub(crate) mod protocol;
pub(crate) mod scene;
pub(crate) mod sockets;
pub(crate) mod tls;
pub(crate) mod wire;

pub(crate) use protocol::{Behaviour, Event, TestProtocol, frame, packets, unpack};
pub(crate) use scene::{Scene, settings, settle};
pub(crate) use wire::{Peer, Wire, wire};
