//! Five in a row and watching, by keys.

use super::{Desk, Effect, Message, join, update};
use crate::play::{
    five::MIDDLE,
    link::LinkEvent,
    log::LogLine,
    model::Mode,
    testing::{denied, entry, happened, joined_five, left, name, page, placed, playing, refused, seat, welcome, won},
};
use malpan_client::protocol::{
    Audience, Cell, ChatText, Chatted, ClientPacket, CommandBytes, DenialCode, Direction, GameName, Joined,
    LeaveReason, Manner, RoomId, RoomPlan, RoomTitle, ServerPacket,
    game::five::{Command, Phase, Refusal, State, Update, Victory},
};
use std::time::Duration;
use tui_input::InputRequest;

impl Desk {
    fn at(joined: Joined) -> Self {
        let mut desk = Self::new();
        desk.link(LinkEvent::Online { welcome: welcome(), name: name("Ann") });
        desk.packet(ServerPacket::Joined(joined));
        desk
    }

    /// Ann has black against Bob.
    fn playing_five() -> Self {
        Self::at(joined_five(5, Some(0), &["Ann", "Bob"], &playing(&[])))
    }

    fn watching() -> Self {
        Self::at(joined_five(6, None, &["Bob", "Eve"], &playing(&[])))
    }

    fn events(&self) -> Vec<&str> {
        let lines = self.model.log.newest_first();
        lines
            .filter_map(|line| match line {
                LogLine::Event(text) => Some(text.as_str()),
                _ => None,
            })
            .collect()
    }
}

fn command(seq: u32, command: Command) -> Effect {
    Effect::Send(ClientPacket::Command { seq, command: CommandBytes::of(&command).unwrap() })
}

#[test]
fn the_cursor_moves_and_stays_on_the_board() {
    let mut desk = Desk::playing_five();
    assert_eq!(desk.model.cursor, MIDDLE);
    assert_eq!(desk.send(Message::Step(Direction::Left)), [], "nobody else sees it");
    assert_eq!(desk.model.cursor, Cell { x: 6, y: 7 });
    for (direction, edge) in [
        (Direction::Left, Cell { x: 0, y: 7 }),
        (Direction::Up, Cell { x: 0, y: 0 }),
        (Direction::Right, Cell { x: 14, y: 0 }),
        (Direction::Down, Cell { x: 14, y: 14 }),
    ] {
        for _ in 0..20 {
            desk.send(Message::Step(direction));
        }
        assert_eq!(desk.model.cursor, edge);
    }
    desk.packet(ServerPacket::Joined(joined_five(5, Some(0), &["Ann"], &State::new(seat(0)))));
    assert_eq!(desk.model.cursor, MIDDLE, "a new room begins in the middle");
}

#[test]
fn enter_and_space_put_the_stone_once() {
    for key in [Message::Enter, Message::Place] {
        let mut desk = Desk::playing_five();
        assert_eq!(desk.send(key.clone()), [command(1, Command::Place(MIDDLE))]);
        assert_eq!(desk.send(key.clone()), [], "a held key puts no second one");
        desk.packet(happened(1, Some((0, 1)), &[placed(0, 7, 7)]));
        assert_eq!(desk.send(key), [command(2, Command::Place(MIDDLE))], "and the server decides about the next");
        desk.packet(refused(2, &Refusal::NotYourTurn));
        assert_eq!(desk.notice(), "7,7 refused: not your turn");
        desk.send(Message::Step(Direction::Up));
        assert_eq!(desk.notice(), "");
    }
}

#[test]
fn on_the_shared_board_enter_still_opens_chat_and_the_other_keys_do_nothing() {
    let mut desk = Desk::seated();
    for key in [Message::Place, Message::Resign, Message::Yes, Message::Rematch] {
        assert_eq!((desk.send(key), desk.notice()), (vec![], ""));
        assert!(matches!(desk.model.mode, Mode::Board));
    }
    desk.send(Message::Enter);
    assert!(matches!(desk.model.mode, Mode::Chat(_)));
}

#[test]
fn giving_up_is_asked_about() {
    let mut desk = Desk::playing_five();
    assert_eq!(desk.send(Message::Yes), [], "nothing was asked");
    assert_eq!(desk.send(Message::Resign), []);
    assert!(desk.notice().contains("y does"), "{}", desk.notice());
    assert_eq!(desk.send(Message::Resign), [], "a held key is no answer");
    desk.send(Message::Step(Direction::Up));
    assert_eq!(desk.send(Message::Yes), [], "another key was an answer too");
    desk.send(Message::Resign);
    desk.now += Duration::from_secs(5);
    assert_eq!(desk.send(Message::Yes), [], "the question is gone");
    desk.send(Message::Resign);
    assert_eq!(desk.send(Message::Yes), [command(1, Command::Resign)]);
    assert_eq!(desk.send(Message::Yes), [], "once is enough");
    desk.packet(happened(1, Some((0, 1)), &[won(1, Victory::Resignation)]));
    assert_eq!(desk.events()[0], "Bob won (resignation)");
    desk.send(Message::Resign);
    assert_eq!(desk.notice(), "no game is on");
}

#[test]
fn another_game_is_asked_for_and_begins() {
    let mut desk = Desk::playing_five();
    desk.packet(happened(1, None, &[placed(0, 7, 7), won(0, Victory::Five)]));
    assert_eq!(desk.events()[0], "Ann won (five in a row)");
    assert_eq!(desk.send(Message::Rematch), [command(1, Command::Rematch)]);
    desk.packet(happened(2, Some((0, 1)), &[Update::RematchAsked { seat: seat(0) }]));
    desk.packet(happened(3, None, &[Update::Began { black: seat(1) }]));
    assert_eq!(desk.events()[..2], ["the game is on: Bob X black, Ann O white", "Ann wants to play again"]);
    desk.send(Message::Rematch);
    desk.packet(refused(2, &Refusal::StillOn));
    assert_eq!(desk.notice(), "playing again refused: the game is still on");
}

#[test]
fn an_opponent_who_leaves_is_told_with_the_result() {
    let mut desk = Desk::playing_five();
    desk.packet(left(1, 1, LeaveReason::Disconnected, &[won(0, Victory::Departure)]));
    assert_eq!(desk.events()[..2], ["Ann won (departure)", "Bob left (connection lost)"]);
}

#[test]
fn who_watches_is_told_why_nothing_happens() {
    let told = "only watching: join the room to play and chat";
    for key in [Message::Enter, Message::Place, Message::Resign, Message::Rematch, Message::OpenChat] {
        let mut desk = Desk::watching();
        assert_eq!(desk.send(key.clone()), [], "{key:?}");
        assert_eq!(desk.notice(), told, "{key:?}");
        assert!(matches!(desk.model.mode, Mode::Board), "no line is begun that could never be sent");
    }
    let mut desk = Desk::watching();
    desk.send(Message::OpenCommand);
    desk.write("w Bob nice move");
    let whisper = ClientPacket::Say {
        to: Audience::Player(name("Bob")),
        manner: Manner::Say,
        text: ChatText::new("nice move").unwrap(),
    };
    assert_eq!(desk.send(Message::Submit), [Effect::Send(whisper)], "a whisper can be");
    let mut desk = Desk::watching();
    assert_eq!(desk.events()[1], "watching room 6, Lounge (five in a row)");
    desk.send(Message::Step(Direction::Up));
    assert_eq!((desk.model.cursor, desk.notice()), (Cell { x: 7, y: 6 }, ""), "looking around is free");
}

#[test]
fn a_room_that_closes_is_told_and_another_joined() {
    let mut desk = Desk::watching();
    let any = Effect::Send(ClientPacket::Join { target: malpan_client::protocol::JoinTarget::AnyOf(GameName::FIVE) });
    assert_eq!(desk.packet(ServerPacket::RoomLeft { room: RoomId(6) }), [any]);
    assert_eq!(desk.events()[0], "room 6 has closed");
}

#[test]
fn the_chosen_room_is_watched() {
    let mut desk = Desk::seated();
    desk.send(Message::OpenRooms);
    assert_eq!(desk.send(Message::Watch), [], "the list has not come");
    desk.packet(page(vec![entry(1, "Lounge", GameName::BOARD, 2, 10), entry(6, "Ours", GameName::FIVE, 2, 2)], None));
    desk.send(Message::Choose(1));
    assert_eq!(desk.send(Message::Watch), [Effect::Send(ClientPacket::Leave)]);
    let watch = Effect::Send(ClientPacket::Watch { room: RoomId(6) });
    assert_eq!(desk.packet(ServerPacket::RoomLeft { room: RoomId(1) }), [watch]);
    assert_eq!(desk.packet(denied(DenialCode::NotWatchable)), [join(1)]);
    assert_eq!(desk.notice(), "watching room 6: it cannot be watched, or too many watch it");
}

#[test]
fn a_new_room_is_of_the_game_at_hand_or_of_another() {
    for (forward, game) in [(None, GameName::FIVE), (Some(InputRequest::GoToNextChar), GameName::BOARD)] {
        let mut desk = Desk::playing_five();
        desk.send(Message::OpenNewRoom);
        desk.write("Ours");
        desk.send(Message::NextField(true));
        forward.map(|request| desk.send(Message::Edit(request)));
        desk.send(Message::Submit);
        let title = RoomTitle::new("Ours").unwrap();
        let plan = RoomPlan { game: Some(game), title, seats: None, board: None, password: None };
        let create = Effect::Send(ClientPacket::CreateRoom(Box::new(plan)));
        assert_eq!(desk.packet(ServerPacket::RoomLeft { room: RoomId(5) }), [create]);
    }
}

#[test]
fn an_unknown_game_is_told_and_left() {
    let mut desk = Desk::playing_five();
    let chess = Joined { game: GameName::constant("chess"), ..joined_five(7, Some(0), &["Ann"], &playing(&[])) };
    assert_eq!(desk.packet(ServerPacket::Joined(chess)), [Effect::Send(ClientPacket::Leave)]);
    let told = "room 7 plays chess, which this client does not; it plays board, five";
    assert_eq!((desk.notice(), desk.events()[0]), (told, told));
}

#[test]
fn a_lost_game_comes_back_as_the_room_it_was_in() {
    let mut desk = Desk::playing_five();
    desk.send(Message::Place);
    desk.link(LinkEvent::Offline { why: "gone".into(), retry_in: Duration::from_secs(1) });
    assert_eq!(desk.send(Message::Place), []);
    assert_eq!(desk.notice(), "not connected");
    assert_eq!(desk.link(LinkEvent::Online { welcome: welcome(), name: name("Ann") }), [join(5)]);
    let waiting = State { phase: Phase::Waiting, ..State::new(seat(0)) };
    desk.packet(ServerPacket::Joined(joined_five(5, Some(0), &["Ann"], &waiting)));
    assert_eq!(desk.send(Message::Place), [command(1, Command::Place(MIDDLE))], "a new connection counts anew");
}

#[test]
fn chat_has_no_seats_colour_where_seats_have_none() {
    let mut desk = Desk::playing_five();
    let text = ChatText::new("hi").unwrap();
    desk.packet(ServerPacket::Chat(Chatted { event: 1, seat: seat(1), text }));
    assert_eq!(desk.newest(), Some(&LogLine::Chat { seat: None, name: "Bob".into(), text: "hi".into() }));
    // The model is not looked at by the keys: it is here that a key means something else.
    update(&mut desk.model, Message::OpenChat, desk.now);
    assert!(matches!(desk.model.mode, Mode::Chat(_)));
}
