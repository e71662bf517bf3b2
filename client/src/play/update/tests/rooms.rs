//! The room browser, by keys.

use super::{Desk, Effect, Message, join};
use crate::play::{
    link::LinkEvent,
    log::LogLine,
    model::Mode,
    testing::{denied, entry, page},
};
use malpan_client::protocol::{
    ClientPacket, DenialCode, Door, GameName, Part, RoomEntry, RoomId, RoomPassword, RoomPlan, RoomQuery, RoomTitle,
    ServerPacket,
};
use std::{ops::Range, time::Duration};

fn board_page(ids: Range<u32>, next: Option<u32>) -> ServerPacket {
    page(ids.map(|id| entry(id, "Lounge", GameName::BOARD, 1, 10)).collect(), next)
}

fn find(query: RoomQuery) -> Effect {
    Effect::Send(ClientPacket::FindRooms(Box::new(query)))
}

fn ask_rooms(after: u32) -> Effect {
    find(RoomQuery { after: RoomId(after), ..RoomQuery::ALL })
}

fn left() -> ServerPacket {
    ServerPacket::RoomLeft { room: RoomId(1) }
}

#[test]
fn a_room_is_chosen_from_the_list() {
    let mut desk = Desk::seated();
    assert_eq!(desk.send(Message::OpenRooms), [ask_rooms(0)]);
    desk.packet(board_page(1..4, None));
    desk.send(Message::Choose(1));
    desk.send(Message::Choose(1));
    desk.send(Message::Choose(1));
    assert_eq!(desk.send(Message::Submit), [Effect::Send(ClientPacket::Leave)]);
    assert!(matches!(desk.model.mode, Mode::Board));
    assert_eq!(desk.packet(ServerPacket::RoomLeft { room: RoomId(1) }), [join(3)]);
    assert_eq!(desk.packet(denied(DenialCode::RoomFull)), [join(1)], "back where there was a seat");
    assert_eq!(desk.notice(), "room 3: every seat is taken");
}

#[test]
fn the_own_room_is_not_joined_again() {
    let mut desk = Desk::seated();
    desk.send(Message::OpenRooms);
    desk.packet(board_page(1..2, None));
    assert_eq!(desk.send(Message::Submit), []);
    assert_eq!(desk.notice(), "already in that room");
}

#[test]
fn a_long_list_is_asked_for_page_by_page() {
    let mut desk = Desk::seated();
    desk.send(Message::OpenRooms);
    desk.packet(board_page(1..51, Some(50)));
    assert_eq!(desk.send(Message::Choose(1)), []);
    assert_eq!(desk.send(Message::Choose(isize::MAX)), [ask_rooms(50)]);
    assert_eq!(desk.send(Message::Choose(1)), [], "it is asked for already");
    desk.packet(board_page(51..61, None));
    assert!(matches!(&desk.model.mode, Mode::Rooms(list) if list.rooms.len() == 60 && list.chosen == 49));
    assert_eq!(desk.send(Message::OpenRooms), [ask_rooms(0)], "r asks for it anew");
    desk.packet(board_page(1..3, None));
    assert!(matches!(&desk.model.mode, Mode::Rooms(list) if list.rooms.len() == 2 && list.chosen == 1));
}

#[test]
fn short_pages_are_followed_until_the_list_is_long_enough() {
    let mut desk = Desk::seated();
    desk.send(Message::OpenRooms);
    assert_eq!(desk.packet(board_page(1..3, Some(2))), [ask_rooms(2)]);
    assert_eq!(desk.packet(board_page(3..9, Some(8))), []);
    assert!(matches!(&desk.model.mode, Mode::Rooms(list) if list.rooms.len() == 8));
}

#[test]
fn titles_are_looked_for_on_the_server_and_a_late_page_of_others_is_left_out() {
    let mut desk = Desk::seated();
    desk.send(Message::OpenRooms);
    desk.send(Message::OpenFilter);
    desk.write("night");
    let night = RoomQuery { title: RoomTitle::new("night").ok(), ..RoomQuery::ALL };
    assert_eq!(desk.send(Message::Submit), [find(night.clone())]);
    desk.packet(board_page(1..9, Some(8)));
    assert!(matches!(&desk.model.mode, Mode::Rooms(list) if list.rooms.is_empty() && !list.loaded));
    desk.packet(page(vec![entry(7, "Night owls", GameName::BOARD, 1, 10)], Some(50)));
    assert!(matches!(&desk.model.mode, Mode::Rooms(list) if list.rooms.len() == 1));
    let again = [find(night.clone())];
    desk.packet(page(vec![], None));
    assert_eq!(desk.send(Message::OpenRooms), again, "r asks for the same again");
    desk.packet(page(vec![], None));
    // Back without a change, and to all of them.
    desk.send(Message::OpenFilter);
    desk.send(Message::Close);
    assert!(matches!(&desk.model.mode, Mode::Rooms(list) if list.query == night && list.loaded));
    desk.send(Message::OpenFilter);
    for _ in 0.."night".len() {
        desk.send(Message::Edit(tui_input::InputRequest::DeletePrevChar));
    }
    assert_eq!(desk.send(Message::Submit), [ask_rooms(0)]);
}

#[test]
fn a_list_that_is_denied_says_why() {
    let mut desk = Desk::seated();
    desk.send(Message::OpenRooms);
    desk.packet(denied(DenialCode::RateLimited));
    let Mode::Rooms(list) = &desk.model.mode else { panic!("{:?}", desk.model.mode) };
    assert_eq!(list.problem.as_deref(), Some("too fast; wait a moment"));
    assert_eq!(desk.send(Message::OpenRooms), [ask_rooms(0)]);
    desk.packet(board_page(1..3, None));
    assert!(matches!(&desk.model.mode, Mode::Rooms(list) if list.problem.is_none() && list.rooms.len() == 2));
}

#[test]
fn a_new_room_is_ones_own() {
    let mut desk = Desk::seated();
    desk.send(Message::OpenNewRoom);
    assert_eq!(desk.send(Message::Submit), []);
    desk.write("Ours ");
    // Past the game, the seats and the board to the password.
    for _ in 0..4 {
        desk.send(Message::NextField(true));
    }
    desk.write("sesame");
    assert_eq!(desk.send(Message::Submit), [Effect::Send(ClientPacket::Leave)]);
    let plan = RoomPlan {
        game: Some(GameName::BOARD),
        title: RoomTitle::new("Ours").unwrap(),
        seats: None,
        board: None,
        password: RoomPassword::new("sesame").ok(),
    };
    assert_eq!(desk.packet(left()), [Effect::Send(ClientPacket::CreateRoom(Box::new(plan)))]);
}

#[test]
fn a_locked_room_asks_for_its_password_until_it_is_right() {
    for (message, part) in [(Message::Submit, Part::Seat), (Message::Watch, Part::Watch)] {
        let mut desk = Desk::seated();
        desk.send(Message::OpenRooms);
        let locked = RoomEntry { door: Door::Password, ..entry(7, "Ours", GameName::BOARD, 1, 10) };
        desk.packet(page(vec![locked], None));
        assert_eq!(desk.send(message), []);
        assert_eq!(desk.send(Message::Submit), [], "an empty one is none");
        desk.write("sesame");
        assert_eq!(desk.send(Message::Submit), [Effect::Send(ClientPacket::Leave)]);
        let password = RoomPassword::new("sesame").unwrap();
        let unlock = ClientPacket::Unlock { room: RoomId(7), part, password };
        assert_eq!(desk.packet(left()), [Effect::Send(unlock)]);
        assert_eq!(desk.packet(denied(DenialCode::WrongPassword)), [join(1)], "back where there was a seat");
        let Mode::Unlock { room, part: asked, form } = &desk.model.mode else { panic!("{:?}", desk.model.mode) };
        assert_eq!(
            (*room, *asked, form.problem.as_deref()),
            (RoomId(7), part, Some("that is not the room's password"))
        );
        assert!(!desk.model.log.newest_first().any(|line| format!("{line:?}").contains("sesame")));
    }
}

#[test]
fn a_password_that_was_not_known_to_be_wanted_is_asked_for() {
    let mut desk = Desk::seated();
    desk.send(Message::OpenChat);
    desk.write("/watch 7");
    desk.send(Message::Submit);
    desk.packet(left());
    desk.packet(denied(DenialCode::PasswordRequired));
    assert!(
        matches!(&desk.model.mode, Mode::Unlock { room: RoomId(7), part: Part::Watch, form } if form.problem.is_none())
    );
}

#[test]
fn the_lobby_is_a_place_to_go_to() {
    let mut desk = Desk::seated();
    desk.send(Message::OpenRooms);
    assert_eq!(desk.send(Message::ToLobby), [Effect::Send(ClientPacket::Leave)]);
    assert_eq!(desk.packet(left()), []);
    assert_eq!(desk.newest(), Some(&LogLine::Event("left room 1".into())));
    desk.now += Duration::from_secs(10);
    assert_eq!(desk.send(Message::Tick), [], "one stays there");
    desk.send(Message::ToLobby);
    assert_eq!(desk.notice(), "not in a room");
}

#[test]
fn what_is_planned_outlives_a_lost_connection_and_what_is_chosen_does_not() {
    let lost = || LinkEvent::Offline { why: "gone".into(), retry_in: Duration::from_secs(1) };
    let mut desk = Desk::seated();
    desk.send(Message::OpenNewRoom);
    desk.write("Ours");
    desk.link(lost());
    assert_eq!(desk.send(Message::Submit), []);
    assert_eq!(desk.notice(), "not connected");
    assert!(matches!(desk.model.mode, Mode::NewRoom(_)));
}
