//! Malpan's frames, in both directions. The first byte says how the stream is cut into pieces, the rest is the stream.

use super::laws::{Decoded, decoded};
use bytes::BytesMut;
use malpan_client::{BoardView, Room, View};
use malpan_protocol::{
    Cell, ClientPacket, Codec, CodecError, Direction, FrameError, LENGTH_BYTES, MAX_HELLO_FRAME, Packet, ServerPacket,
    game::five,
};
use malpan_server::{Greeting, metrics::Metrics};
use tokio_util::codec::Decoder;

/// What a server reads.
///
/// # Panics
/// Where a law of the decoder is broken.
pub fn client_frames(data: &[u8]) {
    let Some((&cuts, stream)) = data.split_first() else { return };
    let frames = decoded(Codec::<ClientPacket, ClientPacket>::new, stream, cuts, longest::<ClientPacket>());
    can_become_a_packet(&frames, stream);
    for packet in &frames.packets {
        survives(packet);
        shows_as_it_is(packet);
        if let ClientPacket::Command { command, .. } = packet {
            // Whatever the room's game is.
            drop(command.decode::<Direction>());
            drop(command.decode::<five::Command>());
        }
    }
    greeted(&frames, stream, cuts);
}

/// What a client reads, and what it makes of it.
///
/// # Panics
/// Where a law of the decoder is broken, or the client's view of a room fails other than with an error.
pub fn server_frames(data: &[u8]) {
    let Some((&cuts, stream)) = data.split_first() else { return };
    let frames = decoded(Codec::<ServerPacket, ServerPacket>::new, stream, cuts, longest::<ServerPacket>());
    can_become_a_packet(&frames, stream);
    frames.packets.iter().for_each(survives);
    seen::<BoardView>(&frames.packets);
    if let Some(room) = seen::<five::State>(&frames.packets) {
        let (view, cell) = (room.view(), Cell { x: 7, y: 7 });
        std::hint::black_box((view.to_move(), view.stone(cell)));
    }
}

fn longest<P: Packet>() -> usize {
    LENGTH_BYTES + P::MAX_PAYLOAD
}

/// A frame is waited for only while its length is one that a frame may have.
fn can_become_a_packet<P: Packet>(frames: &Decoded<P>, stream: &[u8]) {
    if let Some(length) = stream[stream.len() - frames.rest..].first_chunk() {
        assert!(
            (1..=P::MAX_PAYLOAD).contains(&u16::from_le_bytes(*length).into()),
            "a frame of {length:?} is waited for"
        );
    }
}

/// A packet that was read can be sent, is itself when it is read again, and is sent in one way only, of one length.
fn survives<P: Packet + PartialEq>(packet: &P) {
    let frame = frame_of(packet);
    let again: P = only(&frame).expect("what was sent can be read");
    assert_eq!(&again, packet);
    assert_eq!(frame_of(&again), frame);
    let payload = &frame[LENGTH_BYTES..];
    for other in [&payload[..payload.len() - 1], &[payload, &[0]].concat()] {
        let length = u16::try_from(other.len()).expect("a short frame").to_le_bytes();
        let read = only::<P>(&[&length, other].concat());
        assert!(read.is_err(), "{read:?} out of a payload of {} bytes, of which {packet:?} has others", other.len());
    }
}

fn frame_of<P: Packet>(packet: &P) -> BytesMut {
    let mut frame = BytesMut::new();
    packet.encode_frame(&mut frame).expect("what was read can be sent");
    frame
}

/// The packet of a whole frame.
fn only<P: Packet>(frame: &[u8]) -> Result<P, CodecError> {
    let mut buffer = BytesMut::from(frame);
    let packet = Codec::<P, P>::new().decode(&mut buffer)?;
    assert!(buffer.is_empty());
    Ok(packet.expect("a whole frame"))
}

/// No text has anything in it that a terminal or a log would take for a command.
fn shows_as_it_is(packet: &ClientPacket) {
    let text = match packet {
        ClientPacket::Hello { client, .. } => client.as_str(),
        ClientPacket::Guest { name } => name.as_str(),
        ClientPacket::OpenRoom { title, .. } => title.as_str(),
        ClientPacket::Chat { text } => text.as_str(),
        _ => return,
    };
    assert!(!text.chars().any(char::is_control), "{text:?}");
}

/// The decoder of the server's connections is the codec, with a smaller cap for its first frame.
fn greeted(frames: &Decoded<ClientPacket>, stream: &[u8], cuts: u8) {
    let greeting = decoded(|| Greeting::new(Metrics::default()), stream, cuts, longest::<ClientPacket>());
    let length = stream.first_chunk().map_or(0, |length| usize::from(u16::from_le_bytes(*length)));
    if length > MAX_HELLO_FRAME {
        let error = FrameError::TooLong { length, max: MAX_HELLO_FRAME }.to_string();
        assert_eq!(greeting, Decoded { packets: Vec::new(), error: Some(error), rest: 0 });
    } else {
        assert_eq!(&greeting, frames);
    }
}

/// A client's view of a room takes in whatever a server says, or finds a fault in it.
fn seen<V: View>(packets: &[ServerPacket]) -> Option<Room<V>> {
    let mut room: Option<Room<V>> = None;
    for packet in packets {
        if let ServerPacket::Joined(joined) = packet {
            room = Room::new(joined).ok();
        } else if let Some(view) = &mut room {
            // A fault of the server is an error, after which a client goes.
            view.apply(packet).ok()?;
        }
    }
    room
}
