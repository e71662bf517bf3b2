//! A room's last events, as they were sent: whoever has missed some of them gets exactly those.

use bytes::BytesMut;
use malpan_net::Frame;
use malpan_protocol::LENGTH_BYTES;
use std::collections::VecDeque;

/// What may be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RingLimits {
    pub(crate) events: usize,
    pub(crate) bytes: usize,
}

/// The last events. They are kept as flushes, in the very frames that everyone was sent: to keep one costs a pointer.
#[derive(Debug)]
pub(crate) struct Ring {
    limits: RingLimits,
    flushes: VecDeque<Flushed>,
    events: usize,
    bytes: usize,
}

#[derive(Debug)]
struct Flushed {
    /// The number of its first event.
    first: u64,
    count: usize,
    frame: Frame,
}

/// What someone has missed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Missed {
    pub(crate) events: u32,
    /// Their packets, one after the other.
    pub(crate) bytes: BytesMut,
}

impl Ring {
    pub(crate) fn new(limits: RingLimits) -> Self {
        Self { limits, flushes: VecDeque::new(), events: 0, bytes: 0 }
    }

    /// Keeps a flush of so many events, the first of which has that number.
    pub(crate) fn keep(&mut self, first: u64, count: usize, frame: &Frame) {
        if self.limits.events == 0 {
            return;
        }
        self.events += count;
        self.bytes += frame.len();
        self.flushes.push_back(Flushed { first, count, frame: frame.clone() });
        while (self.events > self.limits.events || self.bytes > self.limits.bytes)
            && let Some(oldest) = self.flushes.pop_front()
        {
            self.events -= oldest.count;
            self.bytes -= oldest.frame.len();
        }
    }

    /// The events after `event` up to `last`, which is the last that there was; `None` where they are not all here.
    pub(crate) fn after(&self, event: u64, last: u64) -> Option<Missed> {
        let missing = usize::try_from(last.checked_sub(event)?).ok()?;
        if missing > self.events {
            return None;
        }
        let mut bytes = BytesMut::new();
        for flushed in &self.flushes {
            // Of those that were flushed together, some may have come through.
            let seen = (event + 1).saturating_sub(flushed.first);
            let seen = usize::try_from(seen).unwrap_or(usize::MAX).min(flushed.count);
            bytes.extend_from_slice(skip(&flushed.frame, seen));
        }
        Some(Missed { events: u32::try_from(missing).ok()?, bytes })
    }
}

/// What is behind so many packets.
fn skip(mut packets: &[u8], count: usize) -> &[u8] {
    for _ in 0..count {
        let Some((length, rest)) = packets.split_first_chunk::<LENGTH_BYTES>() else { return &[] };
        packets = rest.get(usize::from(u16::from_le_bytes(*length))..).unwrap_or_default();
    }
    packets
}

#[cfg(test)]
mod tests {
    use super::{Missed, Ring, RingLimits};
    use malpan_net::Frame;
    use proptest::prelude::*;

    /// A packet that says which event it is.
    fn packet(event: u64, filler: usize) -> Vec<u8> {
        let mut payload = event.to_le_bytes().to_vec();
        payload.resize(8 + filler, 0);
        [&u16::try_from(payload.len()).unwrap().to_le_bytes()[..], &payload].concat()
    }

    fn numbers(missed: &Missed) -> Vec<u64> {
        let (mut bytes, mut numbers) = (&missed.bytes[..], Vec::new());
        while let Some((length, rest)) = bytes.split_first_chunk::<2>() {
            numbers.push(u64::from_le_bytes(*rest.first_chunk().unwrap()));
            bytes = &rest[usize::from(u16::from_le_bytes(*length))..];
        }
        numbers
    }

    #[test]
    fn nobody_misses_what_has_not_happened() {
        let ring = Ring::new(RingLimits { events: 9, bytes: 999 });
        assert!(numbers(&ring.after(7, 7).unwrap()).is_empty());
        assert_eq!(ring.after(8, 7), None, "of another life of the room");
        assert_eq!(ring.after(6, 7), None, "it is not kept");
    }

    #[test]
    fn a_ring_without_room_keeps_nothing() {
        let mut ring = Ring::new(RingLimits { events: 0, bytes: 0 });
        ring.keep(1, 1, &Frame::new(&packet(1, 0)));
        assert_eq!((ring.after(0, 1), ring.flushes.capacity()), (None, 0));
    }

    proptest! {
        /// Whatever came through, exactly the rest follows, once and in order; or it is not all here, and nothing does.
        #[test]
        fn what_is_missed_has_no_gap_and_nothing_twice(
            flushes in prop::collection::vec((1_usize..6, 0_usize..40), 0..40),
            limits in (1_usize..60, 20_usize..800),
        ) {
            let limits = RingLimits { events: limits.0, bytes: limits.1 };
            let (mut ring, mut last) = (Ring::new(limits), 0);
            for (count, filler) in flushes {
                let first = last + 1;
                last += count as u64;
                let bytes: Vec<_> = (first..=last).flat_map(|event| packet(event, filler)).collect();
                ring.keep(first, count, &Frame::new(&bytes));
                prop_assert!(ring.events <= limits.events && ring.bytes <= limits.bytes);
            }
            let kept = ring.events as u64;
            for seen in 0..=last {
                match ring.after(seen, last) {
                    Some(missed) => {
                        prop_assert_eq!(numbers(&missed), (seen + 1..=last).collect::<Vec<_>>());
                        prop_assert_eq!(u64::from(missed.events), last - seen);
                    }
                    None => prop_assert!(last - seen > kept),
                }
            }
        }
    }
}
