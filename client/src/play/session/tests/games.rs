//! Five in a row, watching, and games that this client does not know.

use super::{Desk, JOIN_ANY, JOIN_ANY_BOARD, ann_and_bob, join, room};
use crate::play::{
    game::Game,
    session::{Fallback, FiveNews, GameCommand, Goal, News, NotNow, Refusal, Table},
    testing::{denied, entered, happened, joined_five, joined_of, left, name, placed, playing, refused, seat, won},
};
use malpan_client::protocol::{
    Ack, Cell, ChatText, ClientPacket, CommandBytes, DenialCode, Direction, GameName, JoinTarget, Joined, LeaveReason,
    RoomId, ServerPacket, Snapshot, StateBytes,
    game::five::{self, State, Update, Victory},
};

const ANY_FIVE: JoinTarget = JoinTarget::AnyOf(GameName::FIVE);
const JOIN_ANY_FIVE: ClientPacket = ClientPacket::Join { target: ANY_FIVE };

fn watch(id: u32) -> ClientPacket {
    ClientPacket::Watch { room: RoomId(id) }
}

/// Ann has black against Bob.
fn against_bob(id: u32) -> Joined {
    joined_five(id, Some(0), &["Ann", "Bob"], &playing(&[]))
}

fn chess(id: u32) -> Joined {
    joined_of(GameName::constant("chess"), id, Some(0), 2, &["Ann"], StateBytes::new())
}

fn place(x: u8, y: u8) -> GameCommand {
    GameCommand::place(Cell { x, y })
}

fn turn(text: &str) -> News {
    News::Five(FiveNews::Turn { name: name(text) })
}

fn put(text: &str, x: u8, y: u8) -> News {
    News::Five(FiveNews::Placed { name: name(text), cell: Cell { x, y } })
}

fn over(text: &str, by: Victory) -> News {
    News::Five(FiveNews::Over { winner: Some((name(text), by)) })
}

fn began(black: &str, white: &str) -> News {
    News::Five(FiveNews::Began { black: name(black), white: name(white) })
}

impl Desk {
    /// Online, with a game asked for, and on the way into any room of it.
    fn asked_for(game: Game, fallback: Fallback) -> Self {
        let goal = Goal::Join(JoinTarget::AnyOf(game.name()));
        let mut desk = Self::new(goal, fallback);
        desk.session.game = Some(game);
        desk.come_online();
        desk
    }

    /// Online, and playing against Bob in room 5.
    fn playing_five(fallback: Fallback) -> Self {
        let mut desk = Self::asked_for(Game::Five, fallback);
        desk.hear(ServerPacket::Joined(against_bob(5)));
        desk
    }

    /// Online, and watching Bob and Eve in room 6.
    fn watching(fallback: Fallback) -> Self {
        let mut desk = Self::new(Goal::Watch(RoomId(6)), fallback);
        assert_eq!(desk.come_online(), [watch(6)]);
        desk.hear(ServerPacket::Joined(joined_five(6, None, &["Bob", "Eve"], &playing(&[(7, 7)]))));
        desk
    }

    fn ask(&mut self, command: GameCommand) -> Vec<ClientPacket> {
        self.session.command(command, self.now).unwrap();
        self.session.take_packets()
    }

    fn state(&self) -> &State {
        self.session.table().and_then(Table::five).expect("five in a row is played").view()
    }
}

#[test]
fn the_game_that_is_asked_for_is_joined_and_its_state_told() {
    let mut desk = Desk::new(Goal::Join(ANY_FIVE), Fallback::AnyRoom);
    assert_eq!(desk.come_online(), [JOIN_ANY_FIVE]);
    let news = desk.hear(ServerPacket::Joined(against_bob(5)));
    assert!(matches!(news[0], News::Joined { game: Game::Five, board: None, .. }), "{news:?}");
    assert_eq!(news[1..], [began("Ann", "Bob"), turn("Ann")], "who comes second has heard of no beginning");
    let alone = joined_five(5, Some(0), &["Ann"], &State::new(seat(0)));
    assert_eq!(desk.hear(ServerPacket::Joined(alone)).len(), 1, "alone there is no game");
}

#[test]
fn stones_are_asked_for_and_answered_by_what_happened() {
    let mut desk = Desk::playing_five(Fallback::AnyRoom);
    let command = CommandBytes::of(&five::Command::Place(Cell { x: 7, y: 7 })).unwrap();
    assert_eq!(desk.ask(place(7, 7)), [ClientPacket::Command { seq: 1, command }]);
    assert_eq!((desk.state().stones.len(), desk.session.answers_due()), (0, 1), "nothing lies there before it is said");
    assert_eq!(desk.hear(happened(1, Some((0, 1)), &[placed(0, 7, 7)])), [put("Ann", 7, 7), turn("Bob")]);
    assert_eq!((desk.state().stones.len(), desk.session.answers_due()), (1, 0));
    desk.ask(place(1, 1));
    assert_eq!(desk.hear(happened(2, Some((1, 2)), &[placed(1, 8, 7)])), [put("Bob", 8, 7), turn("Ann")]);
    assert_eq!(desk.session.answers_due(), 1, "another's number is not the own one");
}

#[test]
fn after_the_stone_that_wins_it_is_nobodys_turn() {
    let mut desk = Desk::playing_five(Fallback::AnyRoom);
    let news = desk.hear(happened(1, None, &[placed(0, 7, 7), won(0, Victory::Five)]));
    assert_eq!(news, [put("Ann", 7, 7), over("Ann", Victory::Five)]);
    let news = desk.hear(happened(2, None, &[Update::RematchAsked { seat: seat(1) }]));
    assert_eq!(news, [News::Five(FiveNews::RematchAsked { name: name("Bob") })]);
    let news = desk.hear(happened(3, None, &[Update::Began { black: seat(1) }]));
    assert_eq!(news, [began("Bob", "Ann"), turn("Bob")]);
    assert_eq!(
        desk.hear(happened(4, None, &[Update::Over(five::Outcome::Draw)])),
        [News::Five(FiveNews::Over { winner: None })]
    );
}

#[test]
fn an_opponent_who_comes_or_goes_begins_or_ends_the_game() {
    let mut desk = Desk::asked_for(Game::Five, Fallback::AnyRoom);
    desk.hear(ServerPacket::Joined(joined_five(5, Some(0), &["Ann"], &State::new(seat(0)))));
    let news = desk.hear(entered(1, 1, "Bob", &[Update::Began { black: seat(0) }]));
    let came = News::Entered { seat: seat(1), name: name("Bob"), cell: None };
    assert_eq!(news, [came, began("Ann", "Bob"), turn("Ann")]);
    let reason = LeaveReason::Disconnected;
    let news = desk.hear(left(2, 1, reason, &[won(0, Victory::Departure)]));
    let went = News::Left { seat: seat(1), name: name("Bob"), reason };
    assert_eq!(news, [went, over("Ann", Victory::Departure)]);
}

#[test]
fn a_refusal_says_what_the_rules_say() {
    let mut desk = Desk::playing_five(Fallback::AnyRoom);
    desk.ask(place(3, 3));
    let news = desk.hear(refused(1, &five::Refusal::NotYourTurn));
    let why = Refusal::Five(five::Refusal::NotYourTurn);
    assert_eq!(news, [News::Refused { why, command: Some(place(3, 3)), by: None }]);
    desk.ask(place(3, 3));
    let news = desk.hear(refused(2, &99u8));
    assert!(matches!(news[..], [News::Refused { why: Refusal::Unknown, .. }]), "{news:?}");
    assert_eq!(desk.session.answers_due(), 0);
}

#[test]
fn a_snapshot_answers_commands_and_repeats_no_stones() {
    let mut desk = Desk::playing_five(Fallback::AnyRoom);
    desk.ask(place(7, 7));
    let state = StateBytes::of(&playing(&[])).unwrap();
    let acks = vec![Ack { seat: seat(0), seq: 1 }].try_into().unwrap();
    assert_eq!(desk.hear(ServerPacket::Snapshot(Snapshot { event: 0, batch: 1, state, acks })), []);
    assert_eq!(desk.session.answers_due(), 0);
}

#[test]
fn each_game_has_its_own_commands() {
    let mut five = Desk::playing_five(Fallback::AnyRoom);
    let step = GameCommand::Step(Direction::Up);
    assert_eq!(five.session.command(step, five.now), Err(NotNow::OtherGame(Game::Five)));
    let mut board = Desk::seated(Fallback::AnyRoom);
    assert_eq!(board.session.command(place(1, 1), board.now), Err(NotNow::OtherGame(Game::Board)));
    assert_eq!(NotNow::OtherGame(Game::Five).to_string(), "this room plays five: place X,Y, resign, rematch, board");
    assert_eq!((five.session.take_packets(), board.session.take_packets()), (vec![], vec![]));
}

#[test]
fn who_watches_hears_all_and_says_nothing() {
    let mut desk = Desk::watching(Fallback::AnyRoom);
    assert_eq!(desk.hear(happened(1, Some((1, 9)), &[placed(1, 8, 8)])), [put("Eve", 8, 8), turn("Bob")]);
    assert_eq!(desk.session.command(place(1, 1), desk.now), Err(NotNow::Watching));
    assert_eq!(desk.session.chat(ChatText::new("hi").unwrap(), desk.now), Err(NotNow::Watching));
    assert_eq!((desk.session.take_packets(), desk.session.answers_due()), (vec![], 0));
}

#[test]
fn from_watching_one_goes_anywhere_even_into_the_same_room() {
    let mut desk = Desk::watching(Fallback::AnyRoom);
    assert_eq!(desk.session.go(Goal::Watch(RoomId(6)), desk.now), Err(NotNow::ThereAlready));
    assert_eq!(desk.go(room(6)), [ClientPacket::Leave]);
    desk.hear(ServerPacket::RoomLeft { room: RoomId(6) });
    assert_eq!(desk.session.take_packets(), [join(6)]);
    assert_eq!(desk.deny(DenialCode::RoomFull), [watch(6)], "first back to watching");
    assert_eq!(desk.deny(DenialCode::NotWatchable), [JOIN_ANY_FIVE]);
}

#[test]
fn a_room_that_closes_under_who_watches_is_told() {
    let mut person = Desk::watching(Fallback::AnyRoom);
    assert_eq!(person.hear(ServerPacket::RoomLeft { room: RoomId(6) }), [News::RoomClosed(RoomId(6))]);
    assert_eq!(person.session.take_packets(), [JOIN_ANY_FIVE]);

    let mut script = Desk::watching(Fallback::Lobby);
    assert_eq!(script.hear(ServerPacket::RoomLeft { room: RoomId(6) }), [News::RoomClosed(RoomId(6))]);
    assert_eq!((script.session.take_packets(), script.room_id()), (vec![], None));
    script.lose();
    assert_eq!(script.come_online(), [], "nor does it come back to it");
}

#[test]
fn watching_that_ends_as_asked_is_no_closing() {
    let mut desk = Desk::watching(Fallback::Lobby);
    assert_eq!(desk.go(Goal::Lobby), [ClientPacket::Leave]);
    assert_eq!(desk.hear(ServerPacket::RoomLeft { room: RoomId(6) }), [News::RoomLeft(RoomId(6))]);
    assert_eq!((desk.room_id(), desk.session.answers_due()), (None, 0));
}

#[test]
fn a_reconnect_watches_again_and_takes_no_seat_unasked() {
    for (fallback, then) in [(Fallback::AnyRoom, vec![JOIN_ANY_FIVE]), (Fallback::Lobby, vec![])] {
        let mut desk = Desk::watching(fallback);
        desk.lose();
        assert_eq!(desk.come_online(), [watch(6)]);
        assert_eq!(desk.deny(DenialCode::NoSuchRoom), then);
    }
}

#[test]
fn a_reconnect_in_the_middle_of_a_game_goes_back_to_the_room() {
    let mut desk = Desk::playing_five(Fallback::Lobby);
    desk.hear(happened(1, None, &[placed(0, 7, 7)]));
    desk.lose();
    assert_eq!(desk.state().stones.len(), 1, "the board is shown as it was");
    assert_eq!(desk.come_online(), [join(5)]);
    // The seat was lost, and with it the game: Bob waits with what was.
    let over = State { phase: five::Phase::Waiting, ..State::new(seat(1)) };
    let news = desk.hear(ServerPacket::Joined(joined_five(5, Some(0), &["Ann"], &over)));
    assert_eq!(news.len(), 1);
    assert_eq!(desk.ask(place(1, 1)).len(), 1);

    let mut desk = Desk::playing_five(Fallback::Lobby);
    desk.lose();
    desk.come_online();
    assert_eq!(desk.deny(DenialCode::NoSuchRoom), [JOIN_ANY_FIVE], "any room of the game that was played");
}

#[test]
fn a_room_of_an_unknown_game_is_left_again() {
    let mut person = Desk::seated(Fallback::AnyRoom);
    person.go(room(7));
    person.hear(ServerPacket::RoomLeft { room: RoomId(1) });
    assert_eq!(person.session.take_packets(), [join(7)]);
    let news = person.hear(ServerPacket::Joined(chess(7)));
    let game = GameName::constant("chess");
    assert_eq!(news, [News::Unplayable { room: RoomId(7), game, known: false }]);
    assert_eq!(person.session.take_packets(), [ClientPacket::Leave]);
    assert_eq!(person.room_id(), None);
    assert_eq!(person.hear(happened(1, None, &[placed(0, 1, 1)])), [], "what it still says is not understood");
    assert_eq!(person.session.command(GameCommand::Step(Direction::Up), person.now), Err(NotNow::Busy));
    assert_eq!(person.hear(ServerPacket::RoomLeft { room: RoomId(7) }), [News::RoomLeft(RoomId(7))]);
    assert_eq!(person.session.take_packets(), [join(1)], "back to the room before");
    assert_eq!(person.deny(DenialCode::NoSuchRoom), [JOIN_ANY_BOARD]);
}

#[test]
fn a_server_whose_own_game_is_unknown_is_asked_for_a_known_one() {
    let mut person = Desk::new(Goal::Join(JoinTarget::Any), Fallback::AnyRoom);
    assert_eq!(person.come_online(), [JOIN_ANY]);
    person.hear(ServerPacket::Joined(chess(7)));
    person.hear(ServerPacket::RoomLeft { room: RoomId(7) });
    assert_eq!(person.session.take_packets(), [ClientPacket::Leave, JOIN_ANY_BOARD], "any room would be one of chess");

    let mut person = Desk::new(room(7), Fallback::AnyRoom);
    person.come_online();
    person.hear(ServerPacket::Joined(chess(7)));
    person.hear(ServerPacket::RoomLeft { room: RoomId(7) });
    assert_eq!(person.session.take_packets(), [ClientPacket::Leave, JOIN_ANY_BOARD], "nor is it the second choice");

    let mut script = Desk::new(room(7), Fallback::Lobby);
    script.come_online();
    script.hear(ServerPacket::Joined(chess(7)));
    assert_eq!(script.session.answers_due(), 1);
    script.hear(ServerPacket::RoomLeft { room: RoomId(7) });
    assert_eq!((script.session.take_packets(), script.session.answers_due()), (vec![ClientPacket::Leave], 0));
    script.lose();
    assert_eq!(script.come_online(), [], "in the lobby it stays there");
}

#[test]
fn a_state_that_cannot_be_read_is_as_good_as_an_unknown_game() {
    let mut desk = Desk::asked_for(Game::Five, Fallback::Lobby);
    let joined = Joined { state: StateBytes::of(&7u8).unwrap(), ..against_bob(5) };
    let news = desk.hear(ServerPacket::Joined(joined));
    assert_eq!(news, [News::Unplayable { room: RoomId(5), game: GameName::FIVE, known: true }]);
    assert_eq!(desk.session.take_packets(), [ClientPacket::Leave]);
}

#[test]
fn updates_that_cannot_be_read_are_mended_by_joining_again() {
    let mut desk = Desk::playing_five(Fallback::AnyRoom);
    let mut packet = happened(1, None, &[placed(0, 7, 7)]);
    if let ServerPacket::Happened(happened) = &mut packet {
        happened.updates.push(&99u8).unwrap();
    }
    assert_eq!(desk.hear(packet), [News::OutOfStep]);
    assert_eq!(desk.session.take_packets(), [ClientPacket::Leave]);
    desk.hear(ServerPacket::RoomLeft { room: RoomId(5) });
    assert_eq!(desk.session.take_packets(), [join(5)]);
}

#[test]
fn a_server_without_the_game_is_not_asked_for_it_for_ever() {
    let mut person = Desk::asked_for(Game::Five, Fallback::AnyRoom);
    let news = person.hear(denied(DenialCode::NoSuchGame));
    assert!(matches!(&news[..], [News::JoinFailed { goal: Goal::Join(ANY_FIVE), .. }]), "{news:?}");
    person.session.take_packets();
    assert_eq!(person.wait(std::time::Duration::from_secs(3)).1, [JOIN_ANY]);

    let mut script = Desk::asked_for(Game::Five, Fallback::Lobby);
    assert_eq!(script.deny(DenialCode::NoSuchGame), []);
    assert_eq!(script.session.answers_due(), 0);
}

#[test]
fn the_board_is_left_for_five_in_a_row_and_back() {
    let mut desk = Desk::seated(Fallback::AnyRoom);
    desk.go(room(5));
    desk.hear(ServerPacket::RoomLeft { room: RoomId(1) });
    desk.hear(ServerPacket::Joined(against_bob(5)));
    assert_eq!((desk.room_id(), desk.session.game()), (Some(5), Some(Game::Five)));
    desk.go(room(1));
    desk.hear(ServerPacket::RoomLeft { room: RoomId(5) });
    desk.hear(ServerPacket::Joined(ann_and_bob(1)));
    assert_eq!(desk.session.game(), Some(Game::Board));
    assert!(desk.session.command(GameCommand::Step(Direction::Down), desk.now).is_ok());
}
