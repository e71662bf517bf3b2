//! What a server says is counted by the same rules, whether it was recorded or is heard now.

use super::{Ear, Tally};
use bytes::BytesMut;
use malpan_client::protocol::{
    Ack, ChatText, Chatted, Denial, DenialCode, GameName, Joined, List, Name, Packet, PlayerId, Reason, RefusalReason,
    Refused, ResumeToken, Resumed, Resumption, RoomId, RoomTitle, Seat, SeatCount, ServerPacket, SignalPayload,
    StateBytes, UpdateBytes, Updates,
};

fn seat(index: u8) -> Seat {
    Seat::all(SeatCount::new(10).unwrap()).nth(index.into()).unwrap()
}

fn joined(own: u8, event: u64) -> ServerPacket {
    ServerPacket::Joined(Joined {
        room: RoomId(3),
        title: RoomTitle::new("a room").unwrap(),
        seats: SeatCount::new(10).unwrap(),
        game: GameName::BOARD,
        seat: Some(seat(own)),
        members: List::default(),
        incarnation: 2,
        event,
        batch: 0,
        state: StateBytes::of(&()).unwrap(),
    })
}

fn updates(event: u64, seats: &[u8]) -> ServerPacket {
    let acks: Vec<Ack> = seats.iter().map(|&of| Ack { seat: seat(of), seq: 1 }).collect();
    ServerPacket::Updates(Updates { event, batch: 1, updates: UpdateBytes::new(), acks: acks.try_into().unwrap() })
}

fn chat(event: u64, of: u8) -> ServerPacket {
    ServerPacket::Chat(Chatted { event, seat: seat(of), text: ChatText::new("hello").unwrap() })
}

fn hear(ear: &mut Ear, tally: &mut Tally, packets: &[ServerPacket]) {
    let mut bytes = BytesMut::new();
    packets.iter().for_each(|packet| packet.encode_frame(&mut bytes).unwrap());
    // In pieces of any length.
    for piece in bytes.chunks(7) {
        ear.push(piece, tally);
        while ear.next(tally).is_some() {}
    }
}

#[test]
fn messages_are_done_when_their_sender_sees_them() {
    let (mut ear, mut tally) = (Ear::default(), Tally::default());
    let limited = Denial { code: DenialCode::RateLimited, reason: Reason::new("").unwrap() };
    let full = Denial { code: DenialCode::RoomFull, reason: Reason::new("").unwrap() };
    hear(
        &mut ear,
        &mut tally,
        &[
            joined(1, 4),
            updates(4, &[0, 1, 2, 1]),
            chat(5, 0),
            chat(6, 1),
            ServerPacket::Echo { payload: SignalPayload::new(b"x").unwrap() },
            ServerPacket::Refused(Refused { seq: 9, why: RefusalReason::TooFast }),
            ServerPacket::Denied(limited),
            ServerPacket::Denied(full),
        ],
    );
    assert_eq!((tally.frames, tally.positions, tally.acked, tally.refused), (8, 4, 4, 2));
    assert_eq!((tally.frames_by["chat"], tally.denied_by["room_full"]), (2, 1));
    assert_eq!(ear.place.unwrap().seen.event, 6);
    let mut both = tally.clone();
    both.merge(&tally);
    assert_eq!((both.bytes, both.frames_by["denied"]), (tally.bytes * 2, 4));
}

#[test]
fn of_hostile_players_no_messages_are_counted() {
    let (mut ear, mut tally) = (Ear::new(true), Tally::default());
    let refused = ServerPacket::Refused(Refused { seq: 9, why: RefusalReason::TooFast });
    hear(&mut ear, &mut tally, &[joined(1, 4), updates(4, &[1]), refused]);
    assert_eq!((tally.frames, tally.positions, tally.acked, tally.refused), (3, 1, 0, 0));
}

#[test]
fn the_newest_token_and_the_place_are_what_a_resume_needs() {
    let (mut ear, mut tally) = (Ear::default(), Tally::default());
    let token = |byte| ServerPacket::Token { token: ResumeToken::new([byte; 32]) };
    hear(&mut ear, &mut tally, &[token(1), joined(0, 7), updates(8, &[]), token(2)]);
    assert_eq!(ear.token, Some(ResumeToken::new([2; 32])));
    let seen = ear.place.unwrap().seen;
    assert_eq!((seen.room, seen.incarnation, seen.event), (RoomId(3), 2, 8));
    let name = Name::new("ann").unwrap();
    let lobby = ServerPacket::Resumed(Resumed { player: PlayerId(1), name, place: Resumption::Lobby });
    hear(&mut ear, &mut tally, &[lobby]);
    assert_eq!(ear.place, None);
}

#[test]
fn what_is_no_packet_ends_the_taking_apart_and_not_the_counting() {
    let (mut ear, mut tally) = (Ear::default(), Tally::default());
    ear.push(&[1, 0, 0xff], &mut tally);
    assert_eq!(ear.next(&mut tally), None);
    hear(&mut ear, &mut tally, &[joined(0, 1)]);
    assert_eq!(tally.frames, 0);
    assert!(tally.bytes > 3);
}
