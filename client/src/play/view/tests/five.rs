//! Five in a row and watching, on the screen.

use super::{Desk, Theme, find};
use crate::play::{
    five::Stone,
    link::LinkEvent,
    testing::{happened, joined, joined_five, left, moves, placed, playing, refused, seat, won},
    update::Message,
};
use malpan_client::protocol::{
    BoardSize, Cell, ChatText, Chatted, Direction, Joined, LeaveReason, ServerPacket,
    game::five::{Refusal, State, Update, Victory},
};
use ratatui::style::{Color, Modifier};
use std::time::Duration;
use tui_input::InputRequest;

const STONES: [(u8, u8); 8] = [(7, 7), (8, 7), (6, 6), (8, 8), (5, 5), (8, 6), (8, 9), (4, 4)];

/// Ann has black, and it is her turn.
fn in_the_middle() -> Desk {
    let mut desk = Desk::at(joined_five(5, Some(0), &["Ann", "말판놀이꾼"], &playing(&STONES)));
    desk.link(LinkEvent::RoundTrip(Duration::from_micros(1230)));
    let text = ChatText::new("안녕하세요!").unwrap();
    desk.packet(ServerPacket::Chat(Chatted { event: 1, seat: seat(1), text }));
    desk
}

/// Ann has won along the row that she began in the corner.
fn won_game() -> Desk {
    let stones = [(0, 0), (0, 5), (1, 0), (1, 5), (2, 0), (2, 5), (3, 0), (3, 5)];
    let mut desk = Desk::at(joined_five(5, Some(0), &["Ann", "Bob"], &playing(&stones)));
    desk.packet(happened(1, None, &[placed(0, 4, 0), won(0, Victory::Five)]));
    desk
}

fn status(desk: &Desk) -> String {
    let screen = desk.draw(80, 24, true).backend().to_string();
    screen.lines().last().unwrap().trim_matches('"').trim_end().to_owned()
}

#[test]
fn five_in_a_row_in_the_usual_terminal() {
    insta::assert_snapshot!(in_the_middle().screen(80, 24));
}

#[test]
fn five_in_a_row_in_small_terminals() {
    let desk = in_the_middle();
    insta::assert_snapshot!("five_in_a_row_60x20", desk.screen(60, 20));
    insta::assert_snapshot!("five_in_a_row_40x12", desk.screen(40, 12));
}

#[test]
fn five_in_a_row_won() {
    insta::assert_snapshot!(won_game().screen(80, 24));
}

#[test]
fn the_keys_of_five_in_a_row() {
    let mut desk = in_the_middle();
    desk.send(Message::OpenHelp);
    insta::assert_snapshot!(desk.screen(80, 24));
}

#[test]
fn a_small_board_scrolls_with_the_cursor() {
    for direction in Direction::ALL {
        let mut desk = in_the_middle();
        for _ in 0..8 {
            desk.send(Message::Step(direction));
            for (width, height) in [(40, 12), (30, 9), (60, 12)] {
                let screen = desk.screen(width, height);
                let cursor = screen.contains("[.]") || screen.contains("[X]") || screen.contains("[O]");
                assert!(cursor, "{:?} at {width}x{height}:\n{screen}", desk.model.cursor);
            }
        }
    }
}

#[test]
fn no_size_is_too_small_or_too_odd_for_five_in_a_row() {
    let mut desk = won_game();
    for overlay in [Message::Tick, Message::OpenHelp, Message::OpenNewRoom] {
        desk.send(overlay);
        for width in (1..90).step_by(4) {
            for height in 1..40 {
                desk.draw(width, height, true);
            }
        }
    }
}

#[test]
fn marks_tell_the_last_stone_the_cursor_and_what_won() {
    let mut desk = in_the_middle();
    let screen = desk.screen(80, 24);
    assert!(screen.contains("(O)") && screen.contains("[X]"), "{screen}");
    // Over the last stone, the cursor counts.
    for direction in [Direction::Up, Direction::Left].repeat(3) {
        desk.send(Message::Step(direction));
    }
    let screen = desk.screen(80, 24);
    assert!(screen.contains("[O]") && !screen.contains("(O)"), "{screen}");
    let screen = won_game().screen(80, 24);
    assert!(screen.contains(" 0*X**X**X**X**X* . "), "{screen}");
}

#[test]
fn stones_are_as_dark_and_as_light_as_they_are_called() {
    let terminal = in_the_middle().draw(80, 24, true);
    let buffer = terminal.backend().buffer();
    let (white, black) = (&buffer[find(&terminal, " O ")], &buffer[find(&terminal, " X ")]);
    assert_eq!((white.fg, white.bg), (Color::Black, Color::White));
    assert_eq!((black.fg, black.bg), (Color::White, Color::Black));
}

#[test]
fn without_colour_stones_marks_and_turns_are_still_told_apart() {
    for desk in [in_the_middle(), won_game()] {
        let terminal = desk.draw(80, 24, false);
        for cell in terminal.backend().buffer().content() {
            assert_eq!((cell.fg, cell.bg), (Color::Reset, Color::Reset), "{cell:?}");
        }
    }
    let terminal = won_game().draw(80, 24, false);
    assert!(terminal.backend().buffer()[find(&terminal, "*X*")].modifier.contains(Modifier::REVERSED));
    assert_eq!(Theme::new(false).stone(Stone::Black), Theme::new(false).stone(Stone::White), "letters tell them apart");
}

#[test]
fn whose_turn_it_is_stands_below_and_beside_the_members() {
    let mut desk = in_the_middle();
    assert!(status(&desk).starts_with(" X 7,7  your turn  Enter puts a stone"), "{}", status(&desk));
    let screen = desk.screen(80, 24);
    assert!(screen.contains("[X] Ann (you)        to move") && screen.contains(" O  말판놀이꾼"), "{screen}");
    let small = desk.screen(40, 12);
    assert!(small.contains("[X] Ann    <"), "{small}");

    desk.send(Message::Place);
    assert_eq!(status(&desk), " X 7,7  your move is on its way");
    desk.packet(refused(1, &Refusal::Taken));
    assert_eq!(status(&desk), " X 7,7  7,7 refused: taken");
    desk.send(Message::Step(Direction::Down));
    desk.packet(happened(2, None, &[placed(0, 7, 8)]));
    assert!(status(&desk).starts_with(" X 7,8  말판놀이꾼's turn  ? keys"), "{}", status(&desk));
}

#[test]
fn how_it_ended_stands_below_with_what_can_be_done() {
    let mut desk = won_game();
    assert!(status(&desk).starts_with(" X 7,7  you won (five in a row)  m plays again"), "{}", status(&desk));
    desk.packet(happened(2, None, &[Update::RematchAsked { seat: seat(1) }]));
    assert_eq!(status(&desk), " X 7,7  you won (five in a row)  Bob wants another game: m plays");
    desk.packet(happened(3, None, &[Update::Began { black: seat(1) }]));
    assert!(status(&desk).starts_with(" O 7,7  Bob's turn"), "{}", status(&desk));
    desk.packet(happened(4, None, &[won(1, Victory::Resignation), Update::RematchAsked { seat: seat(0) }]));
    assert_eq!(status(&desk), " O 7,7  Bob won (resignation)  you asked for another game");
    desk.packet(left(5, 1, LeaveReason::Left, &[]));
    assert!(status(&desk).contains("no opponent now"), "{}", status(&desk));
}

#[test]
fn without_an_opponent_there_is_nobodys_turn() {
    let desk = Desk::at(joined_five(5, Some(0), &["Ann"], &State::new(seat(0))));
    assert!(status(&desk).starts_with(" 7,7  no opponent yet"), "{}", status(&desk));
    assert!(desk.screen(80, 24).contains("[-] Ann (you)"));
}

#[test]
fn watching_is_seen_in_both_games() {
    let mut five = Desk::at(joined_five(6, None, &["Bob", "Eve"], &playing(&[(7, 7)])));
    let screen = five.screen(80, 24);
    assert!(screen.contains(" room 6 Lounge  watching  Ann"), "{screen}");
    assert!(screen.contains(" X  Bob") && screen.contains(" O  Eve") && !screen.contains("(you)"), "{screen}");
    assert!(status(&five).starts_with(" 7,7  Eve's turn  ? keys  Tab rooms"), "{}", status(&five));
    five.packet(happened(1, None, &[won(1, Victory::Resignation)]));
    assert!(status(&five).starts_with(" 7,7  Eve won (resignation)  ? keys"), "{}", status(&five));

    let members = [("Bob", Cell { x: 0, y: 0 }), ("Eve", Cell { x: 1, y: 0 })];
    let mut board = Desk::at(Joined { seat: None, ..joined(1, BoardSize::new(8, 8).unwrap(), &members) });
    board.packet(moves(1, 0, &[(1, 1, Cell { x: 1, y: 1 })]));
    let screen = board.screen(80, 24);
    assert!(screen.contains("watching  Ann") && screen.contains("Eve                 1,1"), "{screen}");
    assert!(!screen.contains("[0]") && status(&board).starts_with(" ? keys  Tab rooms"), "{screen}");
    board.screen(40, 12);
}

#[test]
fn a_new_room_is_asked_about_with_its_game() {
    let mut desk = in_the_middle();
    desk.send(Message::OpenNewRoom);
    let screen = desk.screen(80, 24);
    assert!(screen.contains(" board [five]") && !screen.contains("8x8"), "it has no size to choose\n{screen}");
    desk.send(Message::NextField(true));
    desk.send(Message::Edit(InputRequest::GoToNextChar));
    let screen = desk.screen(80, 24);
    assert!(screen.contains("[board] five ") && screen.contains("seats "), "{screen}");
}
