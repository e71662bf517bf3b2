//! What the codec takes from the heap: never more than a small multiple of the bytes that came, and nothing at all
//! where it is hot. A binary of its own, because it counts with a global allocator (of this thread only, so the tests
//! may run at once).

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod shared;

use allocation_counter::{AllocationInfo, measure};
use bytes::BytesMut;
use malpan_protocol::{
    Ack, Cell, ClientPacket, Codec, CommandBytes, Direction, LENGTH_BYTES, Packet, RefusalBytes, RefusalReason,
    Refused, Seat, ServerPacket, StateBytes, UpdateBytes, Updates,
    game::{
        board::{self, Position},
        five,
    },
};
use proptest::{collection::vec, prelude::*, sample::Index, test_runner::RngSeed};
use serde::de::DeserializeOwned;
use shared::{
    frame_around, frame_of,
    games::row,
    strategies::{client_packet, server_packet},
};
use std::hint::black_box;
use tokio_util::codec::Decoder;

/// Most heap bytes at once for each byte of a frame: a room of a list is 8 bytes on the wire and 64 in memory (with
/// its title), and a vector that grows holds the old half beside the new.
const BYTES_PER_BYTE: u64 = 16;
/// Most heap bytes at once for the smallest frame: an error's text, and the first four items of a list.
const BYTES_AT_LEAST: u64 = 512;

/// Counts as they stand on the wire, from few to the most that a number can say; 50 rooms, and 1024 acknowledgements, may be.
const CLAIMS: [&[u8]; 9] = [
    &[50],
    &[100],
    &[0xfb, 0xfb, 0x00],
    &[0xfb, 0x00, 0x04],
    &[0xfb, 0xff, 0xff],
    &[0xfc, 0xff, 0xff, 0xff, 0x7f],
    &[0xfd, 0, 0, 0, 0, 1, 0, 0, 0],
    &[0xfd, 0, 0, 0, 0, 0, 0, 0, 0x10],
    &[0xfd, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
];

#[test]
fn the_counter_counts() {
    let info = measure(|| drop(black_box(Vec::<u8>::with_capacity(1000))));
    assert_eq!((info.count_total, info.bytes_max), (1, 1000));
    assert_eq!(measure(|| ()).count_total, 0);
}

#[test]
fn a_claimed_length_reserves_nothing() {
    // Each begins a packet and stops where a length or a count is due.
    let to_server: [&[u8]; 8] = [&[0, 1, 1], &[1], &[3, 1], &[3, 0], &[4, 2], &[6, 1], &[7], &[8, 1]];
    let to_client: [&[u8]; 21] = [
        &[0, 1],
        &[1, 6],
        &[2, 1],
        &[3],
        &[3, 2, 7, 1, b'r', 1, b'g', 1, 10, 0, 8],
        &[4, 7],
        &[4, 7, 1, b'r', 10],
        &[4, 7, 1, b'r', 10, 1, b'g', 0],
        &[4, 7, 1, b'r', 10, 1, b'g', 0, 2, 0, 1, b'a', 1],
        &[4, 7, 1, b'r', 10, 1, b'g', 0, 0, 1, 1, 1],
        &[5, 1, 0],
        &[5, 1, 0, 1, b'a'],
        &[6, 1, 0, 0],
        &[7, 1, 1],
        &[7, 1, 1, 1, 0],
        &[8, 1, 1],
        &[9, 1, 1],
        &[10, 1, 0],
        &[11, 1, 0],
        &[12],
        &[18, 1, 0],
    ];
    for claim in CLAIMS {
        for fill in [0, 3, 60, 250] {
            // Ones are valid seats, counts and characters, so that a reader goes on for as long as there are bytes.
            let body = [claim, &vec![1; fill]].concat();
            for start in to_server {
                assert_refused_cheaply::<ClientPacket>(&[start, &body].concat());
            }
            for start in to_client {
                assert_refused_cheaply::<ServerPacket>(&[start, &body].concat());
            }
        }
    }
}

/// What a game's bytes claim reserves no more than what a packet's do.
#[test]
fn a_length_claimed_within_a_games_bytes_reserves_nothing() {
    for claim in CLAIMS {
        for fill in [0, 3, 60, 250] {
            let body = [claim, &vec![1; fill]].concat();
            // Each begins a state and stops where a count is due.
            let board: StateBytes = row([&[8, 8], &body[..]].concat());
            assert_value_bounded::<board::State>(&board, false);
            let five: StateBytes = row([&[1, 0], &body[..]].concat());
            assert_value_bounded::<five::State>(&five, false);
        }
    }
    let full =
        five::State { stones: vec![Cell { x: 7, y: 7 }; five::CELLS].try_into().unwrap(), ..five::State::new(seat(0)) };
    assert_value_bounded::<five::State>(&StateBytes::of(&full).unwrap(), true);
}

/// What another game may have for a command: whatever serde makes of it.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
enum Order {
    Say(String),
    Go(Vec<u32>),
    Name(std::collections::BTreeMap<u8, String>),
    Then(Box<Order>),
    Stop,
}

/// Most heap bytes at once for a list of another game's: serde believes a count up to so much. Ours, `List`, believes none.
const SERDES_CAUTION: u64 = 1024 * 1024;

/// Games that nobody here has seen have lists and texts of the standard library: those reserve a little for a claim, and
/// no more for a larger one. As deep as a command can go, the stack holds.
#[test]
fn a_length_or_a_depth_claimed_in_a_command_of_another_game_is_bounded() {
    for claim in CLAIMS {
        for kind in [&[0][..], &[1], &[2], &[2, 1, 0], &[3, 3, 0]] {
            let command: CommandBytes = row([kind, claim, &[1; 20]].concat());
            let info = measure(|| drop(black_box(command.decode::<Order>())));
            assert!(
                info.bytes_max <= SERDES_CAUTION + BYTES_AT_LEAST,
                "{} bytes at once for {command:?}",
                info.bytes_max
            );
        }
    }
    let deepest: CommandBytes = row([&[3_u8; CommandBytes::MAX_BYTES - 1][..], &[4]].concat());
    let without_end: CommandBytes = row([3_u8; CommandBytes::MAX_BYTES].to_vec());
    // As small a stack as no thread of a server has.
    let decode = move || (deepest.decode::<Order>().is_ok(), without_end.decode::<Order>().is_ok());
    let decoded = std::thread::Builder::new().stack_size(512 * 1024).spawn(decode).unwrap().join().unwrap();
    assert_eq!(decoded, (true, false));
}

/// The most memory for the fewest bytes: rooms with the shortest titles, one more than a vector just had space for.
#[test]
fn the_list_that_grows_most_stays_within_the_multiple() {
    for rooms in [1, 5, 9, 17, 33, 50] {
        let payload = [&[3, rooms][..], &[1, 1, b'r', 1, b'g', 0, 10, 0].repeat(rooms.into()), &[0]].concat();
        let packet = Codec::<ServerPacket, ClientPacket>::new().decode(&mut frame_around(&payload)).unwrap();
        assert!(matches!(packet, Some(ServerPacket::Rooms(page)) if page.rooms.len() == usize::from(rooms)));
        assert_bounded::<ServerPacket>(frame_around(&payload));
    }
}

#[test]
fn waiting_for_a_frame_reserves_nothing() {
    for length in [1_u16, 1024] {
        let mut buffer = BytesMut::with_capacity(64);
        buffer.extend_from_slice(&length.to_le_bytes());
        let before = buffer.capacity();
        let info =
            measure(|| assert!(Codec::<ClientPacket, ServerPacket>::new().decode(&mut buffer).unwrap().is_none()));
        assert_eq!((info.count_total, buffer.capacity()), (0, before), "{length}");
    }
}

#[test]
fn reading_a_step_and_writing_its_batch_takes_nothing_from_the_heap() {
    let command = CommandBytes::of(&Direction::Left).unwrap();
    let step = frame_of(&ClientPacket::Command { seq: 70_000, command });
    let mut incoming: BytesMut = std::iter::repeat_n(&step[..], 64).flatten().copied().collect();
    let mut read = 0;
    let info = measure(|| {
        while let Some(packet) = Codec::<ClientPacket, ServerPacket>::new().decode(&mut incoming).unwrap() {
            let ClientPacket::Command { command, .. } = packet else { panic!("{packet:?}") };
            black_box(command.decode::<Direction>().unwrap());
            read += 1;
        }
    });
    assert_eq!((read, info.count_total), (64, 0));

    let batch = ServerPacket::Updates(batch_of(10));
    let mut outgoing = BytesMut::with_capacity(4096);
    let info = measure(|| {
        for _ in 0..1000 {
            batch.encode_frame(&mut outgoing).unwrap();
            outgoing.clear();
        }
    });
    assert_eq!(info.count_total, 0);
}

/// A room keeps one [`Updates`] and fills it again for each flush.
#[test]
fn refilling_a_batch_takes_nothing_from_the_heap() {
    let (mut batch, Updates { updates, acks, .. }) = (batch_of(10), batch_of(10));
    let info = measure(|| {
        batch.updates.clear();
        batch.acks.clear();
        for (position, ack) in updates.values::<Position>().zip(&acks) {
            batch.updates.push(&position.unwrap()).unwrap();
            batch.acks.push(*ack).unwrap();
        }
    });
    assert_eq!((batch.updates.len(), info.count_total), (10 * Position::BYTES, 0));
}

/// What a game says in a few bytes lies within the packet.
#[test]
fn a_refusal_and_a_short_row_take_nothing_from_the_heap() {
    let refusal = RefusalReason::Rules(RefusalBytes::of(&five::Refusal::NotYourTurn).unwrap());
    let no_acks = Updates { acks: Vec::new().try_into().unwrap(), ..batch_of(5) };
    for packet in [ServerPacket::Refused(Refused { seq: 1, why: refusal }), ServerPacket::Updates(no_acks)] {
        let mut frame = frame_of(&packet);
        let info = measure(|| drop(black_box(Codec::<ServerPacket, ClientPacket>::new().decode(&mut frame).unwrap())));
        assert_eq!(info.count_total, 0, "{packet:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 500,
        rng_seed: RngSeed::Fixed(0x6d61_6c70),
        failure_persistence: None,
        ..Default::default()
    })]

    #[test]
    fn a_clients_packet_takes_a_small_multiple_of_its_size(
        packet in client_packet(), flips in vec((any::<Index>(), any::<u8>()), 0..4)
    ) {
        assert_bounded::<ClientPacket>(broken(frame_of(&packet), &flips));
    }

    #[test]
    fn a_servers_packet_takes_a_small_multiple_of_its_size(
        packet in server_packet(), flips in vec((any::<Index>(), any::<u8>()), 0..4)
    ) {
        assert_bounded::<ServerPacket>(broken(frame_of(&packet), &flips));
    }
}

/// The frame with some bytes of its payload replaced.
fn broken(mut frame: BytesMut, replacements: &[(Index, u8)]) -> BytesMut {
    for (place, byte) in replacements {
        let place = LENGTH_BYTES + place.index(frame.len() - LENGTH_BYTES);
        frame[place] = *byte;
    }
    frame
}

fn assert_refused_cheaply<P: Packet>(payload: &[u8]) {
    let frame = frame_around(payload);
    assert!(Codec::<P, P>::new().decode(&mut frame.clone()).is_err(), "{payload:02x?} is a packet");
    assert_bounded::<P>(frame);
}

/// Decodes one frame, whatever comes of it, and holds what that takes against the frame's size.
fn assert_bounded<P: Packet>(mut frame: BytesMut) {
    let limit = BYTES_AT_LEAST + BYTES_PER_BYTE * frame.len() as u64;
    let whole = frame.clone();
    let AllocationInfo { bytes_max, .. } = measure(|| {
        let _ = black_box(Codec::<P, P>::new().decode(&mut frame));
    });
    assert!(bytes_max <= limit, "{bytes_max} bytes at once for {} that came: {whole:02x?}", whole.len());
}

/// Decodes a game's value, which it is or not, and holds what that takes against its size.
fn assert_value_bounded<T: DeserializeOwned>(bytes: &StateBytes, is_one: bool) {
    let limit = BYTES_AT_LEAST + BYTES_PER_BYTE * bytes.len() as u64;
    let info = measure(|| assert_eq!(black_box(bytes.decode::<T>()).is_ok(), is_one, "{bytes:?}"));
    assert!(info.bytes_max <= limit, "{} bytes at once for {}: {bytes:?}", info.bytes_max, bytes.len());
}

fn batch_of(steps: u8) -> Updates {
    let updates: UpdateBytes = row((0..steps).map(|i| Position { seat: seat(i), cell: Cell { x: i, y: 7 } }).collect());
    let acks: Vec<_> = (0..steps).map(|i| Ack { seat: seat(i), seq: 100_000 + u32::from(i) }).collect();
    Updates { event: 300, batch: 70_000, updates, acks: acks.try_into().unwrap() }
}

fn seat(index: u8) -> Seat {
    Seat::new(index).unwrap()
}
