//! Packets to frames: each is encoded once, in a buffer that the thread keeps, and copied to its own size.

use bytes::BytesMut;
use malpan_net::Frame;
use malpan_protocol::{Denial, DenialCode, KickReason, Packet, Reason, ServerPacket};
use std::{cell::RefCell, fmt};

thread_local! {
    static SCRATCH: RefCell<BytesMut> = RefCell::default();
}

/// The frame of one packet.
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

/// A denial with its explanation.
pub(crate) fn denied(code: DenialCode, why: impl fmt::Display) -> Frame {
    frame(&ServerPacket::Denied(Denial { code, reason: Reason::lossy(&why.to_string()) }))
}

/// The last word to a client that is sent away.
pub(crate) fn kicked(reason: KickReason) -> Frame {
    frame(&ServerPacket::Kicked { reason })
}
