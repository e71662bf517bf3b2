//! What a player's lines and signals hold: the number by which whoever receives one knows when it was due. Pure.

use malpan_client::protocol::{ChatText, SignalPayload};

/// Characters of a line.
const LINE_CHARS: usize = 40;
/// Bytes of a signal: those of the published ten-player match workload that the arena repeats.
const SIGNAL_BYTES: usize = 44;

/// A line with this number.
pub(super) fn line(seq: u32) -> ChatText {
    let text = format!("{:<LINE_CHARS$}", format!("{seq} of the lines that I have to say here"));
    ChatText::new(text.trim_end()).expect("short, and without controls")
}

/// The number of a line, if it is one of the bot's.
pub(super) fn seq_of_line(text: &ChatText) -> Option<u32> {
    text.as_str().split(' ').next()?.parse().ok()
}

/// A signal with this number.
pub(super) fn payload(seq: u32) -> SignalPayload {
    let mut bytes = [0x5a; SIGNAL_BYTES];
    bytes[..4].copy_from_slice(&seq.to_le_bytes());
    SignalPayload::new(&bytes).expect("short")
}

/// The number of a signal, if it is one of the bot's.
pub(super) fn seq_of_payload(payload: &SignalPayload) -> Option<u32> {
    Some(u32::from_le_bytes(*payload.as_bytes().first_chunk()?))
}

#[cfg(test)]
mod tests {
    use super::{line, payload, seq_of_line, seq_of_payload};
    use malpan_client::protocol::{ChatText, SignalPayload};

    #[test]
    fn numbers_come_back() {
        for seq in [1, 42, u32::MAX] {
            assert_eq!(seq_of_line(&line(seq)), Some(seq));
            assert_eq!(seq_of_payload(&payload(seq)), Some(seq));
            assert_eq!(payload(seq).as_bytes().len(), 44);
        }
        assert!((36..=48).contains(&line(7).as_str().len()), "{:?}", line(7));
    }

    #[test]
    fn what_strangers_say_has_none() {
        assert_eq!(seq_of_line(&ChatText::new("hello there").unwrap()), None);
        assert_eq!(seq_of_payload(&SignalPayload::new(&[1, 2]).unwrap()), None);
    }
}
