//! Packets to frames: each is encoded once, in a buffer that the thread keeps, and copied to its own size.

use crate::metrics::Metrics;
use bytes::BytesMut;
use malpan_net::Frame;
use malpan_protocol::{Denial, DenialCode, KickReason, Packet, Reason, RefusalReason, Refused, ServerPacket};
use std::{cell::RefCell, fmt};

thread_local! {
    static SCRATCH: RefCell<BytesMut> = RefCell::default();
}

/// The frame of one packet that is counted elsewhere.
pub(crate) fn frame(packet: &ServerPacket) -> Frame {
    SCRATCH.with_borrow_mut(|scratch| {
        scratch.clear();
        append(packet, scratch);
        Frame::new(scratch)
    })
}

/// Appends the packet's bytes.
pub(crate) fn append(packet: &ServerPacket, out: &mut BytesMut) {
    packet.encode_frame(out).expect("every packet of the server is bounded below the frame cap by its types");
}

/// Encodes and counts packets for one receiver. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Outgoing(Metrics);

impl Outgoing {
    /// Counts in `metrics`.
    pub(crate) fn new(metrics: Metrics) -> Self {
        Self(metrics)
    }

    /// The frame of one packet, for one receiver.
    pub(crate) fn frame(&self, packet: &ServerPacket) -> Frame {
        let frame = frame(packet);
        self.0.sent(packet.into(), frame.len(), 1);
        frame
    }

    /// A denial with its explanation.
    pub(crate) fn denied(&self, code: DenialCode, why: impl fmt::Display) -> Frame {
        self.0.denied(code);
        self.frame(&ServerPacket::Denied(Denial { code, reason: Reason::lossy(&why.to_string()) }))
    }

    /// A command to the game was not done.
    pub(crate) fn refused(&self, seq: u32, why: RefusalReason) -> Frame {
        self.0.command_refused((&why).into());
        self.frame(&ServerPacket::Refused(Refused { seq, why }))
    }

    /// The last word to a client that is sent away.
    pub(crate) fn kicked(&self, reason: KickReason) -> Frame {
        self.0.kicked(reason);
        self.frame(&ServerPacket::Kicked { reason })
    }
}
