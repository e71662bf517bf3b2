//! Keys to messages. What a key means depends on the mode; nothing else of the model is looked at.

use super::{model::Mode, update::Message};
use crossterm::event::{Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use malpan_client::protocol::Direction;
use tui_input::{InputRequest, backend::crossterm::to_input_request};

/// Entries of the log that one key scrolls.
const PAGE: isize = 5;

/// The message of a terminal event in `mode`, or `None` where it means nothing.
pub(crate) fn message(event: &Event, mode: &Mode) -> Option<Message> {
    match event {
        Event::Key(key) => key_message(event, *key, mode),
        Event::Paste(text) => Some(Message::Paste(text.clone())),
        _ => None,
    }
}

fn key_message(event: &Event, key: KeyEvent, mode: &Mode) -> Option<Message> {
    // Windows tells releases too; a step is not made twice.
    if key.kind == KeyEventKind::Release {
        return None;
    }
    if is_ctrl_c(key) {
        return Some(Message::Quit);
    }
    let is_form = matches!(mode, Mode::SignIn(_) | Mode::NewRoom(_) | Mode::Filter { .. } | Mode::Unlock { .. });
    let is_line = matches!(mode, Mode::Chat(_) | Mode::AskName { .. });
    match (key.code, mode) {
        (KeyCode::Enter, Mode::Rooms(_)) => Some(Message::Submit),
        (KeyCode::Enter, _) if is_form || is_line => Some(Message::Submit),
        (KeyCode::Tab | KeyCode::Down, _) if is_form => Some(Message::NextField(true)),
        (KeyCode::BackTab | KeyCode::Up, _) if is_form => Some(Message::NextField(false)),
        (KeyCode::PageUp, _) => Some(Message::ScrollLog(PAGE)),
        (KeyCode::PageDown, _) => Some(Message::ScrollLog(-PAGE)),
        (KeyCode::Esc, Mode::Board) => Some(Message::ScrollLog(isize::MIN)),
        (KeyCode::Esc, _) => Some(Message::Close),
        (code, Mode::Board) => plain_key(key).and_then(|()| board(code)),
        (code, Mode::Rooms(_)) => plain_key(key).and_then(|()| rooms(code)),
        (_, Mode::Help) => Some(Message::Close),
        _ => edit(event),
    }
}

fn is_ctrl_c(key: KeyEvent) -> bool {
    key.modifiers.contains(KeyModifiers::CONTROL) && matches!(key.code, KeyCode::Char('c' | 'C'))
}

/// With Ctrl or Alt held, a letter is not that letter.
fn plain_key(key: KeyEvent) -> Option<()> {
    (!key.modifiers.intersects(KeyModifiers::CONTROL | KeyModifiers::ALT | KeyModifiers::SUPER)).then_some(())
}

fn board(code: KeyCode) -> Option<Message> {
    // Caps lock changes nothing.
    Some(match lowercase(code) {
        KeyCode::Up | KeyCode::Char('w' | 'k') => Message::Step(Direction::Up),
        KeyCode::Down | KeyCode::Char('s' | 'j') => Message::Step(Direction::Down),
        KeyCode::Left | KeyCode::Char('a' | 'h') => Message::Step(Direction::Left),
        KeyCode::Right | KeyCode::Char('d' | 'l') => Message::Step(Direction::Right),
        KeyCode::Enter => Message::Enter,
        KeyCode::Char(' ') => Message::Place,
        KeyCode::Char('x') => Message::Resign,
        KeyCode::Char('y') => Message::Yes,
        KeyCode::Char('m') => Message::Rematch,
        KeyCode::Char('t') => Message::OpenChat,
        KeyCode::Char('/') => Message::OpenCommand,
        KeyCode::Tab | KeyCode::Char('r') => Message::OpenRooms,
        KeyCode::Char('?') | KeyCode::F(1) => Message::OpenHelp,
        KeyCode::Char('q') => Message::Quit,
        _ => return None,
    })
}

fn rooms(code: KeyCode) -> Option<Message> {
    Some(match lowercase(code) {
        KeyCode::Up | KeyCode::Char('k') => Message::Choose(-1),
        KeyCode::Down | KeyCode::Char('j') => Message::Choose(1),
        KeyCode::Home => Message::Choose(isize::MIN),
        KeyCode::End => Message::Choose(isize::MAX),
        KeyCode::Char('n') => Message::OpenNewRoom,
        KeyCode::Char('w') => Message::Watch,
        KeyCode::Char('l') => Message::ToLobby,
        KeyCode::Char('f' | '/') => Message::OpenFilter,
        KeyCode::Char('r') => Message::OpenRooms,
        KeyCode::Tab | KeyCode::Char('q') => Message::Close,
        KeyCode::Char('?') => Message::OpenHelp,
        _ => return None,
    })
}

fn lowercase(code: KeyCode) -> KeyCode {
    match code {
        KeyCode::Char(c) => KeyCode::Char(c.to_ascii_lowercase()),
        other => other,
    }
}

fn edit(event: &Event) -> Option<Message> {
    let request = to_input_request(event)?;
    // Some terminals send control characters as characters; no text may hold one.
    let is_text = !matches!(request, InputRequest::InsertChar(c) if c.is_control());
    is_text.then_some(Message::Edit(request))
}

#[cfg(test)]
mod tests {
    use super::message;
    use crate::play::{
        browser::RoomList, game::Game, identity::Identity, model::Mode, new_room::NewRoom, sign_in::SignIn,
        testing::name, update::Message,
    };
    use crossterm::event::{Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
    use malpan_client::protocol::{Direction, Part, RoomId, RoomQuery};
    use tui_input::{Input, InputRequest};

    fn press(code: KeyCode, mode: &Mode) -> Option<Message> {
        message(&Event::Key(KeyEvent::new(code, KeyModifiers::NONE)), mode)
    }

    #[test]
    fn arrows_wasd_and_hjkl_move_the_piece() {
        use Direction::{Down, Left, Right, Up};
        for (direction, letters, arrow) in [
            (Up, "wkWK", KeyCode::Up),
            (Down, "sjSJ", KeyCode::Down),
            (Left, "ahAH", KeyCode::Left),
            (Right, "dlDL", KeyCode::Right),
        ] {
            for code in letters.chars().map(KeyCode::Char).chain([arrow]) {
                assert_eq!(press(code, &Mode::Board), Some(Message::Step(direction)), "{code}");
            }
        }
    }

    #[test]
    fn a_released_key_is_no_second_step() {
        let mut key = KeyEvent::new(KeyCode::Up, KeyModifiers::NONE);
        key.kind = KeyEventKind::Release;
        assert_eq!(message(&Event::Key(key), &Mode::Board), None);
        key.kind = KeyEventKind::Repeat;
        assert_eq!(message(&Event::Key(key), &Mode::Board), Some(Message::Step(Direction::Up)));
    }

    #[test]
    fn ctrl_c_quits_everywhere() {
        let key = Event::Key(KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL));
        for mode in [Mode::Board, Mode::Chat(Input::default()), Mode::Rooms(RoomList::new(RoomQuery::ALL)), Mode::Help]
        {
            assert_eq!(message(&key, &mode), Some(Message::Quit), "{mode:?}");
        }
    }

    #[test]
    fn other_control_keys_are_no_steps() {
        let key = Event::Key(KeyEvent::new(KeyCode::Char('d'), KeyModifiers::CONTROL));
        assert_eq!(message(&key, &Mode::Board), None);
    }

    #[test]
    fn letters_are_text_while_writing() {
        let chat = Mode::Chat(Input::default());
        for c in ['q', 'w', '?', '말'] {
            assert_eq!(press(KeyCode::Char(c), &chat), Some(Message::Edit(InputRequest::InsertChar(c))));
        }
        assert_eq!(press(KeyCode::Enter, &chat), Some(Message::Submit));
        assert_eq!(press(KeyCode::Esc, &chat), Some(Message::Close));
    }

    #[test]
    fn the_other_keys_open_and_close() {
        for (code, meant) in [
            (KeyCode::Enter, Message::Enter),
            (KeyCode::Char(' '), Message::Place),
            (KeyCode::Char('x'), Message::Resign),
            (KeyCode::Char('y'), Message::Yes),
            (KeyCode::Char('M'), Message::Rematch),
            (KeyCode::Char('t'), Message::OpenChat),
            (KeyCode::Char('/'), Message::OpenCommand),
            (KeyCode::Tab, Message::OpenRooms),
            (KeyCode::Char('r'), Message::OpenRooms),
            (KeyCode::Char('?'), Message::OpenHelp),
            (KeyCode::Char('q'), Message::Quit),
        ] {
            assert_eq!(press(code, &Mode::Board), Some(meant), "{code}");
        }
        assert_eq!(press(KeyCode::Char('x'), &Mode::Help), Some(Message::Close));
        for (code, meant) in [
            (KeyCode::Char('n'), Message::OpenNewRoom),
            (KeyCode::Char('w'), Message::Watch),
            (KeyCode::Char('l'), Message::ToLobby),
            (KeyCode::Char('f'), Message::OpenFilter),
            (KeyCode::Char('/'), Message::OpenFilter),
            (KeyCode::Char('k'), Message::Choose(-1)),
            (KeyCode::Enter, Message::Submit),
        ] {
            assert_eq!(press(code, &Mode::Rooms(RoomList::new(RoomQuery::ALL))), Some(meant), "{code}");
        }
    }

    #[test]
    fn in_a_form_tab_and_arrows_go_from_field_to_field() {
        let forms = [
            Mode::NewRoom(NewRoom::new(Game::Board)),
            Mode::SignIn(SignIn::new(&Identity::guest(name("Ann")))),
            Mode::filter(RoomList::new(RoomQuery::ALL)),
            Mode::unlock(RoomId(3), Part::Seat),
        ];
        for form in forms {
            for (code, meant) in [
                (KeyCode::Tab, Message::NextField(true)),
                (KeyCode::Down, Message::NextField(true)),
                (KeyCode::Up, Message::NextField(false)),
                (KeyCode::BackTab, Message::NextField(false)),
                (KeyCode::Left, Message::Edit(InputRequest::GoToPrevChar)),
                (KeyCode::Char('q'), Message::Edit(InputRequest::InsertChar('q'))),
                (KeyCode::Enter, Message::Submit),
                (KeyCode::Esc, Message::Close),
            ] {
                assert_eq!(press(code, &form), Some(meant), "{code} in {form:?}");
            }
        }
    }
}
