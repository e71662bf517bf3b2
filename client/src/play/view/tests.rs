//! The screen at several sizes, drawn on ratatui's TestBackend.

mod accounts;
mod five;
mod people;

use super::{Theme, draw};
use crate::play::{
    link::LinkEvent,
    model::Model,
    session::Goal,
    testing::{entry, joined, name, page, refused, seat, welcome},
    update::{Message, update},
};
use malpan_client::protocol::{
    BoardSize, Cell, ChatText, Chatted, Direction, Door, GameName, JoinTarget, Joined, Resumption, RoomEntry, RoomId,
    ServerPacket, game::board::Refusal,
};
use ratatui::{
    Terminal,
    backend::TestBackend,
    style::{Color, Modifier},
};
use std::time::{Duration, Instant};

const FRIENDS: [(&str, Cell); 4] = [
    ("Ann", Cell { x: 0, y: 0 }),
    ("말판놀이꾼", Cell { x: 1, y: 0 }),
    ("Bob", Cell { x: 7, y: 7 }),
    ("ABCDEFGHIJKLMNOPQRST", Cell { x: 3, y: 4 }),
];

struct Desk {
    model: Model,
    now: Instant,
}

impl Desk {
    fn new() -> Self {
        let now = Instant::now();
        let address = "127.0.0.1".parse().unwrap();
        Self { model: Model::new(address, name("Ann"), Goal::Join(JoinTarget::Any), None, now), now }
    }

    fn seated(board: &str, members: &[(&str, Cell)]) -> Self {
        Self::at(joined(3, board.parse::<BoardSize>().unwrap(), members))
    }

    fn at(joined: Joined) -> Self {
        let mut desk = Self::new();
        desk.link(LinkEvent::Online { welcome: welcome(), name: name("Ann") });
        desk.packet(ServerPacket::Joined(joined));
        desk.link(LinkEvent::RoundTrip(Duration::from_micros(1230)));
        desk
    }

    fn send(&mut self, message: Message) {
        update(&mut self.model, message, self.now);
    }

    fn link(&mut self, event: LinkEvent) {
        self.send(Message::Link(event));
    }

    fn packet(&mut self, packet: ServerPacket) {
        self.link(LinkEvent::Packet(packet));
    }

    fn chat(&mut self, event: u64, from: usize, text: &str) {
        let text = ChatText::new(text).unwrap();
        self.packet(ServerPacket::Chat(Chatted { event, seat: seat(from), text }));
    }

    fn draw(&self, width: u16, height: u16, color: bool) -> Terminal<TestBackend> {
        let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        terminal.draw(|frame| draw(frame, &self.model, Theme::new(color), self.now)).unwrap();
        terminal
    }

    /// The screen as a person sees it: a wide letter hides the column after it.
    fn screen(&self, width: u16, height: u16) -> String {
        self.draw(width, height, true).backend().to_string()
    }
}

/// Where `text` begins in a drawn screen, in columns and rows.
fn find(terminal: &Terminal<TestBackend>, text: &str) -> (u16, u16) {
    let buffer = terminal.backend().buffer();
    for y in 0..buffer.area.height {
        for x in 0..buffer.area.width {
            let rest = (x..buffer.area.width).map(|x| buffer[(x, y)].symbol()).collect::<String>();
            if rest.starts_with(text) {
                return (x, y);
            }
        }
    }
    panic!("{text:?} is not on the screen:\n{}", terminal.backend());
}

/// Whether a terminal shows more is never certain, and asked of none.
#[test]
fn the_sixteen_colours_of_every_terminal_are_all() {
    let mut desk = Desk::seated("8x8", &FRIENDS);
    desk.chat(1, 1, "hello");
    let mut seen = std::collections::HashSet::new();
    for mode in [Message::Tick, Message::OpenHelp, Message::Close, Message::OpenRooms, Message::OpenNewRoom] {
        desk.send(mode);
        let terminal = desk.draw(80, 24, true);
        seen.extend(terminal.backend().buffer().content().iter().flat_map(|cell| [cell.fg, cell.bg]));
    }
    assert!(seen.len() > 6, "{seen:?}");
    assert!(!seen.iter().any(|color| matches!(color, Color::Rgb(..) | Color::Indexed(_))), "{seen:?}");
}

#[test]
fn the_usual_terminal() {
    let mut desk = Desk::seated("8x8", &FRIENDS);
    desk.chat(1, 1, "안녕하세요! 처음이에요");
    desk.chat(2, 2, "hello, and welcome");
    insta::assert_snapshot!(desk.screen(80, 24));
}

#[test]
fn a_small_terminal() {
    let mut desk = Desk::seated("8x8", &FRIENDS);
    desk.chat(1, 1, "안녕하세요! 처음이에요");
    insta::assert_snapshot!(desk.screen(40, 12));
}

#[test]
fn a_large_terminal() {
    let mut desk = Desk::seated("8x8", &FRIENDS);
    desk.chat(1, 3, &"a long line of chat that is wrapped ".repeat(5));
    insta::assert_snapshot!(desk.screen(120, 40));
}

#[test]
fn a_board_larger_than_the_terminal_scrolls_with_the_own_piece() {
    let at = |x, y| [("Ann", Cell { x, y }), ("Bob", Cell { x: 40, y: 31 })];
    for (x, y) in [(0, 0), (63, 63), (0, 63), (32, 32)] {
        for (width, height) in [(80, 24), (40, 12), (30, 9)] {
            let screen = Desk::seated("64x64", &at(x, y)).screen(width, height);
            assert!(screen.contains("[0]"), "{x},{y} at {width}x{height}:\n{screen}");
        }
    }
    insta::assert_snapshot!(Desk::seated("64x64", &at(32, 32)).screen(80, 24));
}

#[test]
fn no_size_is_too_small_or_too_odd() {
    let mut desk = Desk::seated("8x8", &FRIENDS);
    desk.chat(1, 0, "말판 말판 말판 말판");
    let overlays = [
        Message::Tick,
        Message::OpenHelp,
        Message::OpenChat,
        Message::OpenNewRoom,
        Message::OpenRooms,
        Message::OpenFilter,
    ];
    for overlay in overlays {
        desk.send(overlay);
        for width in (1..90).step_by(4) {
            for height in 1..30 {
                desk.draw(width, height, true);
            }
        }
    }
}

#[test]
fn each_seat_has_its_colour_and_the_own_one_brackets() {
    let desk = Desk::seated("8x8", &FRIENDS);
    let terminal = desk.draw(80, 24, true);
    let buffer = terminal.backend().buffer();
    let own = &buffer[find(&terminal, "[0]")];
    assert_eq!((own.bg, own.modifier), (Color::LightRed, Modifier::BOLD));
    let other = &buffer[find(&terminal, " 1 ")];
    assert_eq!((other.bg, other.modifier), (Color::LightGreen, Modifier::empty()));
}

#[test]
fn without_colour_pieces_are_still_told_apart() {
    let mut desk = Desk::seated("8x8", &FRIENDS);
    desk.chat(1, 1, "hi");
    desk.link(LinkEvent::Offline { why: "gone".into(), retry_in: Duration::from_secs(3) });
    let terminal = desk.draw(80, 24, false);
    let buffer = terminal.backend().buffer();
    for cell in buffer.content() {
        assert_eq!((cell.fg, cell.bg), (Color::Reset, Color::Reset), "{cell:?}");
    }
    assert!(buffer[find(&terminal, "[0]")].modifier.contains(Modifier::REVERSED));
    assert!(!buffer[find(&terminal, " 1 ")].modifier.contains(Modifier::REVERSED));
}

#[test]
fn a_refused_step_is_seen_in_the_bottom_line() {
    let mut desk = Desk::seated("8x8", &FRIENDS);
    desk.send(Message::Step(Direction::Right));
    assert!(desk.screen(80, 24).contains(" you 0,0  a step is on its way"));
    desk.packet(refused(1, &Refusal::Taken));
    assert!(desk.screen(80, 24).contains(" you 0,0  right refused: taken by 말판놀이꾼"));
}

#[test]
fn the_connection_is_seen() {
    let mut desk = Desk::new();
    insta::assert_snapshot!(desk.screen(60, 6));
    desk.link(LinkEvent::Online { welcome: welcome(), name: name("Ann") });
    assert!(desk.screen(80, 24).contains("Taking a seat..."));
    let mut desk = Desk::seated("8x8", &FRIENDS);
    desk.link(LinkEvent::Offline { why: "the connection broke".into(), retry_in: Duration::from_millis(2500) });
    let screen = desk.screen(80, 24);
    assert!(screen.contains("offline") && screen.contains("[0]"), "{screen}");
    assert!(screen.contains("connection lost (the connection broke); reconnecting in 3 s..."), "{screen}");
    desk.link(LinkEvent::Connecting { failures: 1 });
    let screen = desk.screen(80, 24);
    assert!(screen.contains("reconnecting, attempt 1") && screen.contains(" you 0,0  reconnecting..."), "{screen}");
    let place = Resumption::Missed { room: RoomId(3), events: 0 };
    desk.link(LinkEvent::Back { welcome: welcome(), name: name("Ann"), place });
    let screen = desk.screen(80, 24);
    assert!(screen.contains("[0]") && screen.contains(" you 0,0  back"), "{screen}");
}

#[test]
fn a_stopping_server_is_seen() {
    let mut desk = Desk::seated("8x8", &FRIENDS);
    desk.packet(ServerPacket::Draining { seconds: 8 });
    desk.now += Duration::from_secs(3);
    assert!(desk.screen(80, 24).contains(" you 0,0  the server stops within 5 s"));
}

#[test]
fn no_wide_letter_hides_the_frame_of_a_popup() {
    let wide = "말".repeat(20);
    let mut desk = Desk::seated("8x8", &[("Ann", Cell { x: 0, y: 0 }), (&wide, Cell { x: 0, y: 1 })]);
    for event in 1..30 {
        desk.chat(event, 1, &wide);
    }
    desk.send(Message::OpenHelp);
    // At one of two widths that differ by one, the frame stands on the second half of letters.
    for width in [60, 61, 62, 63] {
        let screen = desk.screen(width, 40);
        let rows = screen.lines().filter(|line| line.contains("arrows WASD") || line.contains("any key closes"));
        for row in rows {
            assert!(row.contains("│arrows WASD") || row.contains("└ any key"), "{screen}");
        }
    }
}

#[test]
fn the_room_list() {
    let mut desk = Desk::seated("8x8", &FRIENDS);
    desk.send(Message::OpenRooms);
    assert!(desk.screen(80, 24).contains("Asking for the rooms..."));
    let yours = RoomEntry { owner: Some(name("Ann")), ..entry(3, "말판 놀이방", GameName::BOARD, 4, 10) };
    let owner = Some(name("긴이름을가진사람이다"));
    let locked = RoomEntry { door: Door::Password, owner, ..entry(8, "비밀의 방", GameName::BOARD, 1, 4) };
    let rooms = vec![
        entry(1, "Lounge", GameName::BOARD, 10, 10),
        RoomEntry { watchers: 2, ..yours },
        entry(7, "오목 한 판", GameName::FIVE, 1, 2),
        locked,
        entry(12, &"w".repeat(32), GameName::constant("chess"), 1, 10),
    ];
    desk.packet(page(rooms, None));
    desk.send(Message::Choose(1));
    insta::assert_snapshot!(desk.screen(80, 24));
    insta::assert_snapshot!("the_room_list_small", desk.screen(40, 12));
}

#[test]
fn the_keys() {
    let mut desk = Desk::seated("8x8", &FRIENDS);
    desk.send(Message::OpenHelp);
    insta::assert_snapshot!(desk.screen(80, 24));
}

#[test]
fn another_name_is_asked_for() {
    let mut desk = Desk::new();
    desk.link(LinkEvent::NameTaken(name("말판")));
    insta::assert_snapshot!(desk.screen(60, 10));
}

#[test]
fn the_cursor_stands_after_what_is_written() {
    let mut desk = Desk::seated("8x8", &FRIENDS);
    desk.send(Message::OpenChat);
    desk.send(Message::Paste("말 x".into()));
    let mut terminal = desk.draw(80, 24, true);
    assert_eq!(find(&terminal, "say> 말"), (0, 23));
    terminal.backend_mut().assert_cursor_position((9, 23));
    // A long line is scrolled so that its end is seen.
    desk.send(Message::Paste(format!("{}말end", "말".repeat(60))));
    let mut terminal = desk.draw(80, 24, true);
    let (x, y) = find(&terminal, "end");
    assert_eq!(y, 23);
    terminal.backend_mut().assert_cursor_position((x + 3, y));
}
