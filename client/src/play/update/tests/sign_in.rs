//! The sign-in screen, by keys.

use super::{Desk, Effect, LinkEvent, Message, Mode};
use crate::play::{
    identity::Identity,
    link::Problem,
    model::Ended,
    sign_in::SignIn,
    testing::{name, welcome},
};
use malpan_client::protocol::{DenialCode, Secret};
use tui_input::InputRequest as R;

const RIGHT: Message = Message::Edit(R::GoToNextChar);
const TAB: Message = Message::NextField(true);

fn offer() -> Identity {
    Identity::Guest { name: name("KeenOwl42"), generated: true }
}

fn secret() -> Secret {
    Secret::new("correct horse").unwrap()
}

impl Desk {
    fn asked() -> Self {
        let mut desk = Self::new();
        desk.link(LinkEvent::SignInAsked { like: offer(), problem: None });
        desk
    }

    /// At the name of an account, which is written.
    fn login() -> Self {
        let mut desk = Self::asked();
        desk.send(RIGHT);
        desk.send(TAB);
        desk.write("Ann");
        desk
    }

    fn refuse(&mut self, like: Identity, code: Option<DenialCode>, why: &str) {
        self.link(LinkEvent::SignInAsked { like, problem: Some(Problem { code, why: why.into() }) });
    }

    fn sign_in(&self) -> &SignIn {
        match &self.model.mode {
            Mode::SignIn(sign_in) => sign_in,
            other => panic!("{other:?}"),
        }
    }

    fn problem(&self) -> Option<&str> {
        self.sign_in().form.problem.as_deref()
    }

    /// What stands before the field that is written.
    fn field(&self) -> &str {
        self.sign_in().form.shown().find(|(_, is_written)| *is_written).unwrap().0.label
    }
}

#[test]
fn one_key_plays_as_a_guest() {
    let mut desk = Desk::asked();
    assert_eq!(desk.send(Message::Submit), [Effect::SignIn(offer())], "another name does as well");
    assert_eq!(desk.send(Message::Submit), [], "the answer is due");
    desk.link(LinkEvent::Online { welcome: welcome(), name: name("KeenOwl42") });
    assert!(matches!(desk.model.mode, Mode::Board));
    let mut desk = Desk::asked();
    desk.send(TAB);
    desk.send(Message::Edit(R::DeleteLine));
    desk.write("Ann");
    assert_eq!(desk.send(Message::Submit), [Effect::SignIn(Identity::guest(name("Ann")))]);
}

#[test]
fn an_account_has_a_name_of_its_own_and_a_password() {
    let mut desk = Desk::asked();
    desk.send(RIGHT);
    assert_eq!(desk.send(Message::Submit), []);
    assert_eq!((desk.field(), desk.problem()), ("name", None), "the made-up name is a guest's");
    desk.write("Ann");
    assert_eq!(desk.send(Message::Submit), []);
    assert_eq!((desk.field(), desk.problem()), ("password", None));
    desk.write("short");
    assert_eq!(desk.send(Message::Submit), []);
    assert_eq!(desk.problem(), Some("A password has 8 to 128 bytes."));
    desk.send(Message::Edit(R::DeleteLine));
    desk.send(Message::Paste("correct horse\n".into()));
    let login = Identity::Login { name: name("Ann"), secret: secret() };
    assert_eq!(desk.send(Message::Submit), [Effect::SignIn(login)]);
    assert!(!format!("{:?}", desk.model).contains("correct"), "what is written is shown nowhere");
}

#[test]
fn a_new_account_takes_its_password_twice() {
    let mut desk = Desk::login();
    desk.send(Message::NextField(false));
    desk.send(RIGHT);
    desk.send(TAB);
    desk.send(TAB);
    desk.write("correct horse");
    desk.send(TAB);
    desk.write("correct hors");
    assert_eq!(desk.send(Message::Submit), []);
    assert_eq!((desk.field(), desk.problem()), ("again", Some("These are two passwords.")));
    desk.write("e");
    let register = Identity::Register { name: name("Ann"), secret: secret() };
    assert_eq!(desk.send(Message::Submit), [Effect::SignIn(register)]);
}

#[test]
fn what_the_server_refuses_is_told_in_place() {
    let login = || Identity::Login { name: name("Ann"), secret: secret() };
    for (code, why, at, password) in [
        (Some(DenialCode::WrongCredentials), "wrong name or password", "password", ""),
        (Some(DenialCode::TooSoon), "too many tries; wait for 4 s", "password", "correct horse"),
        (Some(DenialCode::Insecure), "use TLS", "password", "correct horse"),
        (Some(DenialCode::Banned), "banned: rude", "password", "correct horse"),
        (None, "connection refused", "password", "correct horse"),
    ] {
        let mut desk = Desk::login();
        desk.send(TAB);
        desk.write("correct horse");
        assert_eq!(desk.send(Message::Submit), [Effect::SignIn(login())]);
        desk.refuse(login(), code, why);
        assert_eq!((desk.field(), desk.problem()), (at, Some(why)));
        let again = if password.is_empty() { vec![] } else { vec![Effect::SignIn(login())] };
        assert_eq!(desk.send(Message::Submit), again, "{why}: a password that may be right is tried again by one key");
    }
}

#[test]
fn a_name_that_is_taken_is_gone_to() {
    let mut desk = Desk::asked();
    desk.send(Message::Submit);
    desk.refuse(offer(), Some(DenialCode::NameTaken), "someone has that name");
    assert_eq!((desk.field(), desk.problem()), ("name", Some("someone has that name")));
}

#[test]
fn where_there_are_no_guests_it_offers_to_sign_in() {
    let mut desk = Desk::asked();
    desk.send(Message::Submit);
    desk.refuse(offer(), Some(DenialCode::SignInRequired), "no guests");
    assert_eq!(desk.problem(), Some("no guests"));
    assert_eq!(desk.sign_in().form.shown().count(), 3, "a password is asked for");
}

#[test]
fn an_account_of_the_command_line_that_is_refused_is_asked_for_again() {
    let mut desk = Desk::new();
    let like = Identity::Register { name: name("Ann"), secret: secret() };
    desk.refuse(like, Some(DenialCode::NameTaken), "someone has that name");
    assert_eq!((desk.field(), desk.sign_in().form.shown().count()), ("name", 4));
    desk.write("a");
    desk.send(Message::Submit);
    assert_eq!(desk.field(), "password", "which is not kept for another name");
}

#[test]
fn escape_quits_the_sign_in_screen() {
    let mut desk = Desk::asked();
    desk.send(Message::Close);
    assert_eq!(desk.model.ended, Some(Ended::Quit));
}
