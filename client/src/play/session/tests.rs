//! The conversation, packet by packet, without a connection.

mod games;

use super::{ANSWER_WITHIN, Connection, Fallback, GameCommand, Goal, News, NotNow, Refusal, Session};
use crate::play::{
    game::Game,
    link::LinkEvent,
    testing::{denied, entered, joined, left, moves, name, refused, seat, too_fast, welcome},
};
use malpan_client::protocol::{
    Ack, BoardSize, Cell, Chatted, ClientPacket, CommandBytes, DenialCode, Direction, GameName, JoinTarget, Joined,
    LeaveReason, Resumption, RoomFilter, RoomId, RoomTitle, Rooms, ServerPacket, Snapshot, StateBytes,
    game::board::{self, Position},
};
use std::time::{Duration, Instant};

const ANY: Goal = Goal::Join(JoinTarget::Any);

fn room(id: u32) -> Goal {
    Goal::Join(JoinTarget::Room(RoomId(id)))
}

fn join(id: u32) -> ClientPacket {
    ClientPacket::Join { target: JoinTarget::Room(RoomId(id)) }
}

const JOIN_ANY: ClientPacket = ClientPacket::Join { target: JoinTarget::Any };
/// Who has played a game comes back to any room of that.
const JOIN_ANY_BOARD: ClientPacket = ClientPacket::Join { target: JoinTarget::AnyOf(GameName::BOARD) };

fn step(seq: u32, direction: Direction) -> ClientPacket {
    ClientPacket::Command { seq, command: CommandBytes::of(&direction).unwrap() }
}

/// Ann at 0,0 and Bob at 1,0 in a room.
fn ann_and_bob(id: u32) -> Joined {
    let board = BoardSize::new(8, 8).unwrap();
    joined(id, board, &[("Ann", Cell { x: 0, y: 0 }), ("Bob", Cell { x: 1, y: 0 })])
}

struct Desk {
    session: Session,
    now: Instant,
}

impl Desk {
    fn new(home: Goal, fallback: Fallback) -> Self {
        let now = Instant::now();
        Self { session: Session::new(name("Ann"), home, None, fallback, now), now }
    }

    /// Online and seated in room 1.
    fn seated(fallback: Fallback) -> Self {
        let mut desk = Self::new(ANY, fallback);
        assert_eq!(desk.come_online(), [JOIN_ANY]);
        desk.hear(ServerPacket::Joined(ann_and_bob(1)));
        desk
    }

    fn come_online(&mut self) -> Vec<ClientPacket> {
        let news = self.session.hear(LinkEvent::Online { welcome: welcome(), name: name("Ann") }, self.now);
        assert!(matches!(news[..], [News::Online { .. }]), "{news:?}");
        self.session.take_packets()
    }

    fn lose(&mut self) {
        let lost = LinkEvent::Offline { why: "gone".into(), retry_in: Duration::from_secs(1) };
        self.session.hear(lost, self.now);
    }

    fn hear(&mut self, packet: ServerPacket) -> Vec<News> {
        self.session.hear(LinkEvent::Packet(packet), self.now)
    }

    fn deny(&mut self, code: DenialCode) -> Vec<ClientPacket> {
        self.hear(denied(code));
        self.session.take_packets()
    }

    fn go(&mut self, goal: Goal) -> Vec<ClientPacket> {
        self.session.go(goal, self.now).unwrap();
        self.session.take_packets()
    }

    fn wait(&mut self, time: Duration) -> (Vec<News>, Vec<ClientPacket>) {
        self.now += time;
        (self.session.tick(self.now), self.session.take_packets())
    }

    fn room_id(&self) -> Option<u32> {
        self.session.table().map(|table| table.id().0)
    }
}

#[test]
fn it_leaves_before_it_joins() {
    let mut desk = Desk::seated(Fallback::AnyRoom);
    assert_eq!(desk.go(room(3)), [ClientPacket::Leave]);
    // The old room still speaks until it has let go.
    assert!(matches!(desk.hear(moves(1, 0, &[(1, 1, Cell { x: 2, y: 0 })]))[..], [News::Moved { .. }]));
    desk.hear(ServerPacket::RoomLeft { room: RoomId(1) });
    assert_eq!(desk.session.take_packets(), [join(3)]);
    desk.hear(ServerPacket::Joined(ann_and_bob(3)));
    assert_eq!((desk.room_id(), desk.session.answers_due()), (Some(3), 0));
}

#[test]
fn a_person_is_never_left_nowhere() {
    let mut desk = Desk::seated(Fallback::AnyRoom);
    desk.go(room(3));
    desk.hear(ServerPacket::RoomLeft { room: RoomId(1) });
    desk.session.take_packets();
    assert_eq!(desk.deny(DenialCode::RoomFull), [join(1)], "first back to the room before");
    assert_eq!(desk.deny(DenialCode::RoomFull), [JOIN_ANY_BOARD], "then to any");
    assert_eq!(desk.deny(DenialCode::TooManyRooms), []);
    assert_eq!(desk.wait(Duration::from_secs(3)).1, [JOIN_ANY_BOARD], "and again, until there is a seat");
}

#[test]
fn while_it_waits_for_a_seat_another_room_can_be_chosen() {
    let mut desk = Desk::new(ANY, Fallback::AnyRoom);
    desk.come_online();
    assert_eq!(desk.deny(DenialCode::TooManyRooms), []);
    assert_eq!(desk.go(room(3)), [join(3)]);
}

#[test]
fn a_script_goes_back_to_its_room_and_else_to_the_lobby() {
    let mut desk = Desk::seated(Fallback::Lobby);
    desk.go(room(3));
    desk.hear(ServerPacket::RoomLeft { room: RoomId(1) });
    desk.session.take_packets();
    assert_eq!(desk.deny(DenialCode::NoSuchRoom), [join(1)]);
    assert_eq!(desk.deny(DenialCode::RoomFull), []);
    assert_eq!((desk.session.answers_due(), desk.room_id()), (0, None));
}

#[test]
fn a_room_asked_for_at_first_may_not_exist() {
    let mut person = Desk::new(room(9), Fallback::AnyRoom);
    assert_eq!(person.come_online(), [join(9)]);
    assert_eq!(person.deny(DenialCode::NoSuchRoom), [JOIN_ANY]);

    let mut script = Desk::new(room(9), Fallback::Lobby);
    assert_eq!(script.come_online(), [join(9)]);
    let news = script.hear(denied(DenialCode::NoSuchRoom));
    assert!(matches!(&news[..], [News::JoinFailed { goal, .. }] if *goal == room(9)), "{news:?}");
    assert_eq!((script.session.answers_due(), script.session.take_packets()), (0, vec![]));
    script.lose();
    assert_eq!(script.come_online(), [], "in the lobby it stays there over a reconnect");
}

#[test]
fn a_room_is_opened_after_the_old_one_is_left() {
    let mut desk = Desk::seated(Fallback::AnyRoom);
    let title = RoomTitle::new("Ours").unwrap();
    desk.go(Goal::Open { game: Some(Game::Five), title: title.clone() });
    desk.hear(ServerPacket::RoomLeft { room: RoomId(1) });
    assert_eq!(
        desk.session.take_packets(),
        [ClientPacket::OpenRoom { game: Some(GameName::FIVE), title, seats: None }]
    );
}

#[test]
fn after_a_reconnect_it_joins_its_former_room_and_else_any() {
    for fallback in [Fallback::AnyRoom, Fallback::Lobby] {
        let mut desk = Desk::seated(fallback);
        desk.lose();
        assert!(matches!(desk.session.connection(), Connection::Offline { .. }));
        assert_eq!(desk.room_id(), Some(1), "the board is shown as it was");
        assert_eq!(desk.come_online(), [join(1)]);
        assert_eq!(desk.room_id(), None);
        assert_eq!(desk.deny(DenialCode::NoSuchRoom), [JOIN_ANY_BOARD]);
    }
}

#[test]
fn a_denial_for_speed_is_asked_again_a_little_later() {
    let mut desk = Desk::new(ANY, Fallback::AnyRoom);
    desk.come_online();
    assert_eq!(desk.deny(DenialCode::RateLimited), []);
    assert_eq!(desk.wait(Duration::from_millis(900)).1, []);
    assert_eq!(desk.wait(Duration::from_millis(100)).1, [JOIN_ANY]);
}

#[test]
fn a_stopping_server_is_not_pressed() {
    let mut desk = Desk::seated(Fallback::AnyRoom);
    desk.go(room(3));
    desk.hear(ServerPacket::RoomLeft { room: RoomId(1) });
    desk.session.take_packets();
    assert_eq!(desk.deny(DenialCode::Draining), []);
    assert_eq!(desk.wait(Duration::from_secs(60)).1, []);
    desk.lose();
    assert_eq!(desk.come_online(), [join(1)], "when it is back, so are we");
}

#[test]
fn steps_are_numbered_and_answered() {
    let mut desk = Desk::seated(Fallback::AnyRoom);
    desk.session.command(GameCommand::Step(Direction::Down), desk.now).unwrap();
    desk.session.command(GameCommand::Step(Direction::Right), desk.now).unwrap();
    assert_eq!(desk.session.take_packets(), [step(1, Direction::Down), step(2, Direction::Right)]);
    assert_eq!(desk.session.commands_pending(), 2);
    let news = desk.hear(moves(1, 0, &[(0, 1, Cell { x: 0, y: 1 })]));
    assert_eq!(news, [News::Moved { name: name("Ann"), cell: Cell { x: 0, y: 1 } }]);
    assert_eq!(desk.session.commands_pending(), 1);
    desk.hear(too_fast(2));
    assert_eq!(desk.session.commands_pending(), 0);
    desk.lose();
    desk.come_online();
    desk.hear(ServerPacket::Joined(ann_and_bob(1)));
    desk.session.command(GameCommand::Step(Direction::Up), desk.now).unwrap();
    assert_eq!(desk.session.take_packets(), [step(1, Direction::Up)], "a new connection counts anew");
}

#[test]
fn a_refusal_names_who_stands_there() {
    let mut desk = Desk::seated(Fallback::AnyRoom);
    desk.session.command(GameCommand::Step(Direction::Right), desk.now).unwrap();
    let news = desk.hear(refused(1, &board::Refusal::Taken));
    let why = Refusal::Board(board::Refusal::Taken);
    let command = Some(GameCommand::Step(Direction::Right));
    assert_eq!(news, [News::Refused { why, command, by: Some(name("Bob")) }]);
}

#[test]
fn a_snapshot_tells_only_what_changed_and_answers_steps() {
    let mut desk = Desk::seated(Fallback::AnyRoom);
    desk.session.command(GameCommand::Step(Direction::Down), desk.now).unwrap();
    let positions = [(0, Cell { x: 0, y: 1 }), (1, Cell { x: 1, y: 0 })];
    let positions = positions.map(|(index, cell)| Position { seat: seat(index), cell }).to_vec().try_into().unwrap();
    let state = StateBytes::of(&board::State { size: BoardSize::new(8, 8).unwrap(), positions }).unwrap();
    let acks = vec![Ack { seat: seat(0), seq: 1 }].try_into().unwrap();
    let news = desk.hear(ServerPacket::Snapshot(Snapshot { event: 0, batch: 5, state, acks }));
    assert_eq!(news, [News::Moved { name: name("Ann"), cell: Cell { x: 0, y: 1 } }]);
    assert_eq!(desk.session.answers_due(), 0);
}

#[test]
fn what_happens_in_the_room_is_told_by_name() {
    let mut desk = Desk::seated(Fallback::AnyRoom);
    let cell = Cell { x: 5, y: 5 };
    let came = desk.hear(entered(1, 2, "말판", &[Position { seat: seat(2), cell }]));
    assert_eq!(came, [News::Entered { seat: seat(2), name: name("말판"), cell: Some(cell) }]);
    let text = malpan_client::protocol::ChatText::new("hi").unwrap();
    let said = desk.hear(ServerPacket::Chat(Chatted { event: 2, seat: seat(2), text: text.clone() }));
    assert_eq!(said, [News::Chat { seat: seat(2), name: name("말판"), text }]);
    let reason = LeaveReason::Disconnected;
    let went = desk.hear(left(3, 2, reason, &[]));
    assert_eq!(went, [News::Left { seat: seat(2), name: name("말판"), reason }]);
}

#[test]
fn only_the_own_echo_answers_chat() {
    let mut desk = Desk::seated(Fallback::Lobby);
    let text = malpan_client::protocol::ChatText::new("hi").unwrap();
    desk.session.chat(text.clone(), desk.now).unwrap();
    desk.hear(ServerPacket::Chat(Chatted { event: 1, seat: seat(1), text: text.clone() }));
    assert_eq!(desk.session.answers_due(), 1);
    desk.hear(ServerPacket::Chat(Chatted { event: 2, seat: seat(0), text }));
    assert_eq!(desk.session.answers_due(), 0);
}

#[test]
fn a_contradiction_is_mended_by_joining_again() {
    let mut desk = Desk::seated(Fallback::AnyRoom);
    let text = malpan_client::protocol::ChatText::new("hi").unwrap();
    let news = desk.hear(ServerPacket::Chat(Chatted { event: 7, seat: seat(1), text }));
    assert_eq!(news, [News::OutOfStep]);
    assert_eq!(desk.session.take_packets(), [ClientPacket::Leave]);
    desk.hear(ServerPacket::RoomLeft { room: RoomId(1) });
    assert_eq!(desk.session.take_packets(), [join(1)]);
}

#[test]
fn what_gets_no_answer_is_given_up_and_told() {
    let mut desk = Desk::seated(Fallback::Lobby);
    desk.session.command(GameCommand::Step(Direction::Down), desk.now).unwrap();
    desk.session.chat(malpan_client::protocol::ChatText::new("hi").unwrap(), desk.now).unwrap();
    desk.session.list_rooms(RoomId(0), desk.now).unwrap();
    desk.go(room(3));
    assert_eq!(desk.session.answers_due(), 4);
    assert_eq!(desk.wait(ANSWER_WITHIN - Duration::from_millis(1)).0, []);
    assert_eq!(desk.wait(Duration::from_millis(1)).0, [News::Unanswered]);
    assert_eq!(desk.session.answers_due(), 0);
    assert_eq!(desk.wait(ANSWER_WITHIN).0, []);
}

#[test]
fn pages_of_the_list_are_told_apart() {
    let mut desk = Desk::seated(Fallback::AnyRoom);
    desk.session.list_rooms(RoomId(0), desk.now).unwrap();
    let ask = |after| ClientPacket::ListRooms { after: RoomId(after), filter: RoomFilter::All };
    assert_eq!(desk.session.take_packets(), [ask(0)]);
    let page = |next| ServerPacket::Rooms(Rooms { rooms: vec![].try_into().unwrap(), next });
    let next = Some(RoomId(50));
    assert_eq!(desk.hear(page(next)), [News::Rooms { rooms: vec![], first: true, next }]);
    desk.session.list_rooms(RoomId(50), desk.now).unwrap();
    assert_eq!(desk.hear(page(None)), [News::Rooms { rooms: vec![], first: false, next: None }]);
}

#[test]
fn what_cannot_be_now_is_said() {
    let mut desk = Desk::new(ANY, Fallback::AnyRoom);
    assert_eq!(desk.session.command(GameCommand::Step(Direction::Up), desk.now), Err(NotNow::Offline));
    assert_eq!(desk.session.go(ANY, desk.now), Err(NotNow::Offline));
    assert_eq!(desk.session.list_rooms(RoomId(0), desk.now), Err(NotNow::Offline));
    desk.come_online();
    assert_eq!(desk.session.command(GameCommand::Step(Direction::Up), desk.now), Err(NotNow::Busy));
    assert_eq!(desk.session.go(room(2), desk.now), Err(NotNow::Busy));
    desk.hear(ServerPacket::Joined(ann_and_bob(1)));
    assert_eq!(desk.session.go(room(1), desk.now), Err(NotNow::ThereAlready));
    while desk.session.command(GameCommand::Step(Direction::Up), desk.now).is_ok() {}
    assert_eq!(desk.session.command(GameCommand::Step(Direction::Up), desk.now), Err(NotNow::TooFast));
    desk.go(Goal::Lobby);
    desk.hear(ServerPacket::RoomLeft { room: RoomId(1) });
    assert_eq!(desk.session.command(GameCommand::Step(Direction::Up), desk.now), Err(NotNow::NoRoom));
    assert_eq!(desk.session.go(Goal::Lobby, desk.now), Err(NotNow::NoRoom));
}

#[test]
fn who_comes_back_to_the_seat_keeps_the_table_and_asks_for_nothing() {
    let mut desk = Desk::seated(Fallback::AnyRoom);
    let event = ann_and_bob(1).event;
    desk.lose();
    let place = Resumption::Missed { room: RoomId(1), events: 2 };
    let news = desk.session.hear(LinkEvent::Back { welcome: welcome(), name: name("Ann"), place }, desk.now);
    assert_eq!(news, [News::Back { name: name("Ann"), room: Some(RoomId(1)) }]);
    assert_eq!((desk.session.take_packets(), desk.session.table().unwrap().id()), (vec![], RoomId(1)));
    assert_eq!(desk.hear(ServerPacket::Away { event: event + 1, seat: seat(1) }), [News::Away(name("Bob"))]);
    assert!(desk.session.table().unwrap().is_away(seat(1)));
    assert_eq!(desk.hear(ServerPacket::Back { event: event + 2, seat: seat(1) }), [News::Returned(name("Bob"))]);
}

#[test]
fn who_comes_back_to_everything_anew_waits_for_it_and_who_lost_the_seat_looks_for_another() {
    let back = |place| LinkEvent::Back { welcome: welcome(), name: name("Ann"), place };
    let mut desk = Desk::seated(Fallback::AnyRoom);
    desk.lose();
    desk.session.hear(back(Resumption::Anew { room: RoomId(1) }), desk.now);
    assert_eq!(desk.session.take_packets(), []);
    assert!(matches!(desk.hear(ServerPacket::Joined(ann_and_bob(1)))[..], [News::Joined { .. }]));
    desk.lose();
    desk.session.hear(back(Resumption::Lobby), desk.now);
    assert_eq!(desk.session.take_packets(), [ClientPacket::Join { target: JoinTarget::Room(RoomId(1)) }]);
}
