//! The sign-in screen and the other forms.

use super::{Desk, FRIENDS};
use crate::play::{
    identity::Identity,
    link::{LinkEvent, Problem},
    testing::{entry, name, page},
    update::Message,
};
use malpan_client::protocol::{DenialCode, Door, GameName, RoomEntry};
use tui_input::InputRequest as R;

const RIGHT: Message = Message::Edit(R::GoToNextChar);
const TAB: Message = Message::NextField(true);

impl Desk {
    fn asked() -> Self {
        let mut desk = Self::new();
        let like = Identity::Guest { name: name("KeenOwl42"), generated: true };
        desk.link(LinkEvent::SignInAsked { like, problem: None });
        desk
    }

    fn type_in(&mut self, text: &str) {
        text.chars().for_each(|letter| self.send(Message::Edit(R::InsertChar(letter))));
    }
}

#[test]
fn the_sign_in_screen() {
    insta::assert_snapshot!(Desk::asked().screen(80, 24));
}

#[test]
fn registering_hides_the_password_and_tells_what_is_wrong_in_place() {
    let mut desk = Desk::asked();
    desk.send(RIGHT);
    desk.send(RIGHT);
    desk.send(TAB);
    desk.type_in("말판놀이꾼");
    desk.send(TAB);
    desk.type_in("비밀번호 열두 글자");
    insta::assert_snapshot!(desk.screen(80, 24));
    let screen = desk.screen(40, 12);
    assert!(!screen.contains("비밀") && screen.contains("**********"), "{screen}");
    let why = "the server takes no password over an unencrypted connection; use TLS".into();
    let like = Identity::guest(name("Ann"));
    desk.link(LinkEvent::SignInAsked { like, problem: Some(Problem { code: Some(DenialCode::Insecure), why }) });
    insta::assert_snapshot!("registering_small", desk.screen(40, 12));
}

#[test]
fn the_cursor_stands_in_the_field_that_is_written() {
    let mut desk = Desk::asked();
    desk.send(RIGHT);
    desk.send(TAB);
    desk.type_in("말판");
    let mut terminal = desk.draw(80, 24, true);
    let (x, y) = super::find(&terminal, "말");
    terminal.backend_mut().assert_cursor_position((x + 4, y));
    desk.send(TAB);
    desk.type_in("비밀번호");
    let mut terminal = desk.draw(80, 24, true);
    let (x, y) = super::find(&terminal, "****");
    terminal.backend_mut().assert_cursor_position((x + 4, y));
}

#[test]
fn a_new_room_and_a_locked_one() {
    let mut desk = Desk::seated("8x8", &FRIENDS);
    desk.send(Message::OpenNewRoom);
    desk.type_in("우리 방");
    insta::assert_snapshot!("a_new_room", desk.screen(80, 24));
    desk.send(Message::Close);
    desk.send(Message::OpenRooms);
    let locked = RoomEntry { door: Door::Password, ..entry(8, "비밀의 방", GameName::BOARD, 1, 4) };
    desk.packet(page(vec![locked], None));
    desk.send(Message::Submit);
    desk.type_in("sesame");
    insta::assert_snapshot!("a_locked_room", desk.screen(80, 24));
}

#[test]
fn every_form_fits_into_every_size() {
    for steps in 0..3 {
        let mut desk = Desk::asked();
        (0..steps).for_each(|_| desk.send(RIGHT));
        desk.send(TAB);
        desk.type_in(&"말".repeat(40));
        for width in (1..90).step_by(3) {
            for height in 1..26 {
                desk.draw(width, height, true);
            }
        }
    }
}
