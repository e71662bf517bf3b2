//! The longest frame.

use malpan_e2e::{MemoryServer, Wire};
use malpan_protocol::{DenialCode, MAX_CLIENT_FRAME, ServerPacket};
use tokio::io::DuplexStream;

/// A frame of chat whose text has so many bytes as it is sent, and far fewer when it is composed: few enough characters.
fn chat_of(bytes: usize) -> Vec<u8> {
    let syllable = "\u{1112}\u{1161}\u{11ab}";
    let text = syllable.repeat(bytes / syllable.len()) + &"x".repeat(bytes % syllable.len());
    assert_eq!(text.len(), bytes);
    let varint = [251, text.len().to_le_bytes()[0], text.len().to_le_bytes()[1]];
    let payload = [&[7], &varint[..], text.as_bytes()].concat();
    let length = u16::try_from(payload.len()).unwrap().to_le_bytes();
    [&length, payload.as_slice()].concat()
}

#[tokio::test(start_paused = true)]
async fn a_frame_at_the_cap_is_read_and_one_byte_more_ends_the_connection() {
    let mut server = MemoryServer::new(malpan_e2e::without_grace(), 1);
    let header = 4;
    for (payload, who) in [(MAX_CLIENT_FRAME, "at the cap"), (MAX_CLIENT_FRAME + 1, "over it")] {
        let mut wire = Wire::new(server.stream().unwrap());
        wire.ask(&Wire::<DuplexStream>::way_to_a_seat(who)).await.unwrap();
        let frame = chat_of(payload - header);
        assert_eq!(frame.len(), payload + 2);
        wire.write(&frame).await.unwrap();
        match wire.next().await.unwrap().unwrap() {
            ServerPacket::Chat(chat) => {
                assert_eq!((payload, chat.text.as_str().chars().count()), (MAX_CLIENT_FRAME, 1020 / 9 + 1020 % 9));
            }
            ServerPacket::Denied(denial) => {
                assert_eq!((payload, denial.code), (MAX_CLIENT_FRAME + 1, DenialCode::Malformed));
                assert_eq!(wire.to_the_end().await.unwrap(), []);
            }
            other => panic!("{other:?}"),
        }
    }
}
