//! What the examples of the games' chapters in `docs/protocol.md` mean, by their names there.

use super::{
    examples::{Table, ack, command, entered, joined, left, member, moved, refused, seat, title},
    games::row,
};
use malpan_protocol::{
    game::{
        board,
        five::{Command, Outcome, Phase, Refusal, State, Update, Victory},
    },
    *,
};

/// Commands to the games.
pub(super) fn to_server() -> Table<ClientPacket> {
    vec![
        ("board/step", vec![command(8, &Direction::Down)]),
        ("five/place", vec![command(1, &place(7, 7))]),
        ("five/resign", vec![command(5, &Command::Resign)]),
        ("five/rematch", vec![command(6, &Command::Rematch)]),
    ]
}

/// What the games tell.
pub(super) fn to_client() -> Table<ServerPacket> {
    let won = |index, by| Update::Over(Outcome::Won { seat: seat(index), by });
    let stones = vec![cell(7, 7), cell(8, 7), cell(7, 8)].try_into().unwrap();
    let watched = State { phase: Phase::Playing, stones, ..State::new(seat(0)) };
    let watching = Joined {
        seats: SeatCount::new(2).unwrap(),
        game: GameName::FIVE,
        seat: None,
        members: vec![member(0, "Ann"), member(1, "Bo")].try_into().unwrap(),
        event: 5,
        state: StateBytes::of(&watched).unwrap(),
        title: title("오목"),
        ..joined(301, "Room 301", &[])
    };
    let resigned = Outcome::Won { seat: seat(1), by: Victory::Resignation };
    let over = State { phase: Phase::Over(resigned), rematch: Some(seat(1)), ..watched };
    let caught_up = Snapshot {
        event: 7,
        batch: 1,
        state: StateBytes::of(&over).unwrap(),
        acks: vec![ack(0, 3), ack(1, 2)].try_into().unwrap(),
    };
    let acks = vec![ack(1, 6)].try_into().unwrap();
    let unchanged = Updates { event: 12, batch: 1, updates: UpdateBytes::new(), acks };
    vec![
        ("board/moved", vec![moved(43, 1002, &[(0, 4, 2, 8)])]),
        ("board/refused", vec![refused(8, &board::Refusal::OffBoard)]),
        ("five/began", vec![entered(2, member(1, "Bo"), row(vec![Update::Began { black: seat(0) }]))]),
        ("five/won", vec![happened(11, 0, 5, vec![placed_at(0, 7, 11), won(0, Victory::Five)])]),
        ("five/refused", vec![refused(2, &Refusal::NotYourTurn)]),
        ("five/resigned", vec![happened(11, 1, 5, vec![won(0, Victory::Resignation)])]),
        ("five/departed", vec![left(11, 1, LeaveReason::Left, row(vec![won(0, Victory::Departure)]))]),
        ("five/asked", vec![happened(12, 1, 5, vec![Update::RematchAsked { seat: seat(1) }])]),
        ("five/unchanged", vec![ServerPacket::Updates(unchanged)]),
        ("five/again", vec![happened(13, 0, 6, vec![Update::Began { black: seat(1) }])]),
        ("five/watching", vec![ServerPacket::Joined(watching)]),
        ("five/caught-up", vec![ServerPacket::Snapshot(caught_up)]),
    ]
}

/// Black's first stone.
pub(super) fn placed() -> ServerPacket {
    happened(3, 0, 1, vec![placed_at(0, 7, 7)])
}

fn happened(event: u64, index: u8, seq: u32, updates: Vec<Update>) -> ServerPacket {
    ServerPacket::Happened(Happened { event, ack: Some(ack(index, seq)), updates: row(updates) })
}

fn placed_at(index: u8, x: u8, y: u8) -> Update {
    Update::Placed { seat: seat(index), cell: cell(x, y) }
}

fn place(x: u8, y: u8) -> Command {
    Command::Place(cell(x, y))
}

fn cell(x: u8, y: u8) -> Cell {
    Cell { x, y }
}
