//! What each message does to the model, and what it asks for outside.

mod five;
mod rooms;
mod sign_in;
mod talk;

use super::{Effect, Message, hear::with_suffix, update};
use crate::play::{
    identity::Identity,
    link::LinkEvent,
    log::LogLine,
    model::{Ended, Mode, Model},
    session::Goal,
    testing::{joined, moves, name, refused, seat, too_fast, welcome},
};
use malpan_client::protocol::{
    BoardSize, Cell, ChatText, Chatted, ClientPacket, CommandBytes, Direction, JoinTarget, KickReason, RoomId,
    ServerPacket, game::board::Refusal,
};
use std::time::{Duration, Instant};
use tui_input::InputRequest;

struct Desk {
    model: Model,
    now: Instant,
}

impl Desk {
    fn new() -> Self {
        let now = Instant::now();
        let address = "localhost".parse().unwrap();
        Self { model: Model::new(address, name("Ann"), Goal::Join(JoinTarget::Any), None, now), now }
    }

    fn seated() -> Self {
        let mut desk = Self::new();
        desk.link(LinkEvent::Online { welcome: welcome(), name: name("Ann") });
        let members = [("Ann", Cell { x: 0, y: 0 }), ("Bob", Cell { x: 1, y: 0 })];
        desk.packet(ServerPacket::Joined(joined(1, BoardSize::new(8, 8).unwrap(), &members)));
        desk
    }

    fn send(&mut self, message: Message) -> Vec<Effect> {
        update(&mut self.model, message, self.now)
    }

    fn link(&mut self, event: LinkEvent) -> Vec<Effect> {
        self.send(Message::Link(event))
    }

    fn packet(&mut self, packet: ServerPacket) -> Vec<Effect> {
        self.link(LinkEvent::Packet(packet))
    }

    fn write(&mut self, text: &str) {
        for c in text.chars() {
            self.send(Message::Edit(InputRequest::InsertChar(c)));
        }
    }

    fn notice(&self) -> &str {
        self.model.notice(self.now).map_or("", |notice| notice.text.as_str())
    }

    fn newest(&self) -> Option<&LogLine> {
        self.model.log.newest_first().next()
    }

    fn own_cell(&self) -> Cell {
        self.model.session.table().unwrap().cell(seat(0)).unwrap()
    }
}

fn join(id: u32) -> Effect {
    Effect::Send(ClientPacket::Join { target: JoinTarget::Room(RoomId(id)) })
}

#[test]
fn the_server_decides_where_the_piece_stands() {
    let mut desk = Desk::seated();
    let asked = desk.send(Message::Step(Direction::Down));
    assert_eq!(
        asked,
        [Effect::Send(ClientPacket::Command { seq: 1, command: CommandBytes::of(&Direction::Down).unwrap() })]
    );
    assert_eq!(desk.own_cell(), Cell { x: 0, y: 0 }, "nothing moves before the server says so");
    assert_eq!(desk.model.session.commands_pending(), 1);
    desk.packet(moves(1, 0, &[(0, 1, Cell { x: 0, y: 1 })]));
    assert_eq!((desk.own_cell(), desk.model.session.commands_pending()), (Cell { x: 0, y: 1 }, 0));
}

#[test]
fn a_refused_step_is_seen_with_its_reason_for_a_while() {
    let mut desk = Desk::seated();
    for (direction, refusal, seen) in [
        (Direction::Up, refused(1, &Refusal::OffBoard), "up refused: off the board"),
        (Direction::Right, refused(2, &Refusal::Taken), "right refused: taken by Bob"),
        (Direction::Down, too_fast(3), "down refused: too fast"),
        (Direction::Left, refused(4, &99u8), "left refused: for a reason that this client does not know"),
    ] {
        desk.send(Message::Step(direction));
        desk.packet(refusal);
        assert_eq!(desk.notice(), seen);
    }
    desk.now += Duration::from_secs(5);
    assert_eq!(desk.notice(), "");
}

#[test]
fn the_next_step_takes_the_refusal_of_the_last_away() {
    let mut desk = Desk::seated();
    desk.send(Message::Step(Direction::Up));
    desk.packet(refused(1, &Refusal::OffBoard));
    assert_ne!(desk.notice(), "");
    desk.send(Message::Step(Direction::Down));
    assert_eq!(desk.notice(), "");
}

#[test]
fn a_held_key_sends_no_more_than_the_server_allows() {
    let mut desk = Desk::seated();
    let mut sent = 0;
    // Thirty a second, for two seconds; the server allows twenty.
    for _ in 0..60 {
        for effect in desk.send(Message::Step(Direction::Down)) {
            let Effect::Send(ClientPacket::Command { seq, .. }) = effect else { panic!("{effect:?}") };
            desk.packet(refused(seq, &Refusal::OffBoard));
            sent += 1;
        }
        desk.now += Duration::from_millis(33);
    }
    assert!((35..=41).contains(&sent), "{sent} steps in two seconds");
}

#[test]
fn a_line_of_chat_goes_out_and_comes_back() {
    let mut desk = Desk::seated();
    desk.send(Message::OpenChat);
    desk.write("말판 hi");
    let text = ChatText::new("말판 hi").unwrap();
    assert_eq!(desk.send(Message::Submit), [Effect::Send(ClientPacket::Chat { text: text.clone() })]);
    assert!(matches!(desk.model.mode, Mode::Board));
    desk.packet(ServerPacket::Chat(Chatted { event: 1, seat: seat(0), text }));
    let line = LogLine::Chat { seat: Some(seat(0)), name: "Ann".into(), text: "말판 hi".into() };
    assert_eq!(desk.newest(), Some(&line));
}

#[test]
fn a_line_that_cannot_be_sent_is_kept() {
    let mut desk = Desk::seated();
    desk.send(Message::OpenChat);
    desk.write(&"x".repeat(201));
    assert_eq!(desk.send(Message::Submit), []);
    assert!(matches!(&desk.model.mode, Mode::Chat(input) if input.value().len() == 201));
    assert!(desk.notice().contains("over the limit of 200"), "{}", desk.notice());

    desk.send(Message::OpenChat);
    desk.write("hi");
    desk.link(LinkEvent::Offline { why: "gone".into(), retry_in: Duration::from_secs(1) });
    assert_eq!(desk.send(Message::Submit), []);
    assert!(matches!(&desk.model.mode, Mode::Chat(input) if input.value() == "hi"));
    assert_eq!(desk.notice(), "not connected");
}

#[test]
fn an_empty_line_and_escape_go_back_to_the_board() {
    let mut desk = Desk::seated();
    for end in [Message::Submit, Message::Close] {
        desk.send(Message::OpenChat);
        assert_eq!(desk.send(end), []);
        assert!(matches!(desk.model.mode, Mode::Board));
    }
}

#[test]
fn pasted_text_is_one_line_of_chat_and_never_a_walk() {
    let mut desk = Desk::seated();
    assert_eq!(desk.send(Message::Paste("wasd".into())), []);
    desk.send(Message::OpenChat);
    desk.send(Message::Paste("one\r\ntwo\u{1b}".into()));
    assert!(matches!(&desk.model.mode, Mode::Chat(input) if input.value() == "one  two "));
    desk.send(Message::Paste("x".repeat(100_000)));
    assert!(matches!(&desk.model.mode, Mode::Chat(input) if input.value().len() < 1000));
}

#[test]
fn a_taken_name_is_asked_for_with_an_offer() {
    let mut desk = Desk::new();
    desk.link(LinkEvent::NameTaken(name("Ann")));
    assert!(matches!(&desk.model.mode, Mode::AskName { input, .. } if input.value() == "Ann2"));
    desk.write("\u{202e}");
    assert_eq!(desk.send(Message::Submit), []);
    assert!(matches!(&desk.model.mode, Mode::AskName { problem: Some(why), .. } if why.contains("U+202E")));
    desk.send(Message::Edit(InputRequest::DeletePrevChar));
    assert_eq!(desk.send(Message::Submit), [Effect::SignIn(Identity::guest(name("Ann2")))]);
}

#[test]
fn without_a_name_escape_quits() {
    let mut desk = Desk::new();
    desk.link(LinkEvent::NameTaken(name("Ann")));
    desk.send(Message::Close);
    assert_eq!(desk.model.ended, Some(Ended::Quit));
}

#[test]
fn a_suffix_makes_another_name() {
    for (taken, offered) in [("Ann", "Ann2"), ("Ann9", "Ann10"), ("7", "8"), ("말판", "말판2")] {
        assert_eq!(with_suffix(&name(taken)), offered);
    }
    assert_eq!(with_suffix(&name(&"x".repeat(20))), format!("{}2", "x".repeat(19)));
    name(&with_suffix(&name("99999999999999999999")));
}

#[test]
fn a_lost_connection_is_told_and_the_room_joined_again() {
    let mut desk = Desk::seated();
    desk.send(Message::OpenRooms);
    desk.link(LinkEvent::Offline { why: "the connection broke".into(), retry_in: Duration::from_secs(1) });
    assert_eq!(desk.newest(), Some(&LogLine::Event("connection lost: the connection broke".into())));
    assert!(matches!(desk.model.mode, Mode::Board), "the list belonged to the old connection");
    desk.link(LinkEvent::Connecting { failures: 1 });
    assert_eq!(desk.link(LinkEvent::Online { welcome: welcome(), name: name("Ann") }), [join(1)]);
}

#[test]
fn attempts_that_fail_do_not_push_the_chat_out() {
    let mut desk = Desk::seated();
    desk.link(LinkEvent::Offline { why: "the connection broke".into(), retry_in: Duration::from_secs(1) });
    for failures in 1..4 {
        desk.link(LinkEvent::Connecting { failures });
        desk.link(LinkEvent::Offline { why: "connection refused".into(), retry_in: Duration::from_secs(1) });
    }
    assert_eq!(desk.newest(), Some(&LogLine::Event("connection lost: the connection broke".into())));
    // Back once more: the next loss is news again.
    desk.link(LinkEvent::Connecting { failures: 4 });
    desk.link(LinkEvent::Online { welcome: welcome(), name: name("Ann") });
    desk.link(LinkEvent::Offline { why: "it broke again".into(), retry_in: Duration::from_secs(1) });
    assert_eq!(desk.newest(), Some(&LogLine::Event("connection lost: it broke again".into())));
}

#[test]
fn what_the_operator_says_is_told_in_a_room_and_outside() {
    for mut desk in [Desk::seated(), Desk::new()] {
        desk.packet(ServerPacket::Notice { text: ChatText::new("back at ten").unwrap() });
        assert_eq!(desk.newest(), Some(&LogLine::Event("the operator says: back at ten".into())));
    }
}

#[test]
fn draining_and_kicks_are_told_with_their_reason() {
    let mut desk = Desk::seated();
    desk.packet(ServerPacket::Draining { seconds: 8 });
    let told = "the server stops within 8 s; no room can be joined";
    assert_eq!(desk.newest(), Some(&LogLine::Event(told.into())));
    desk.packet(ServerPacket::Kicked { reason: KickReason::SlowConsumer });
    let told = "the server closed the connection: this connection was too slow to keep up";
    assert_eq!(desk.newest(), Some(&LogLine::Event(told.into())));
}

#[test]
fn a_failure_ends_it_with_advice() {
    let mut desk = Desk::new();
    desk.link(LinkEvent::Failed { why: "connection refused".into(), unreachable: true });
    let Some(Ended::Failed(why)) = &desk.model.ended else { panic!("{:?}", desk.model.ended) };
    assert!(why.contains("localhost:7777: connection refused") && why.contains("Is malpan-server running"), "{why}");
}

#[test]
fn quit_quits() {
    let mut desk = Desk::seated();
    desk.send(Message::Quit);
    assert_eq!(desk.model.ended, Some(Ended::Quit));
}
