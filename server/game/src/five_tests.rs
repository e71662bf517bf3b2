use super::FiveInARow;
use crate::{Effects, Game, Unfit};
use malpan_protocol::{
    Cell, Seat,
    game::five::{CELLS, Command, Outcome, Phase, Refusal, SIDE, State, Update, Victory, other},
};
use proptest::prelude::*;
use std::time::Duration;

const NOW: Duration = Duration::ZERO;

fn seat(index: u8) -> Seat {
    Seat::new(index).unwrap()
}

fn table() -> FiveInARow {
    let mut game = FiveInARow::new();
    assert_eq!(game.take_seat(NOW, seat(0)), Effects::none());
    assert_eq!(game.take_seat(NOW, seat(1)), Effects::event(Update::Began { black: seat(0) }));
    game
}

fn place(game: &mut FiveInARow, index: u8, (x, y): (u8, u8)) -> Result<Effects<Update>, Refusal> {
    game.apply(NOW, seat(index), Command::Place(Cell { x, y }))
}

fn won(index: u8, by: Victory) -> Update {
    Update::Over(Outcome::Won { seat: seat(index), by })
}

/// Black's and white's stones in turn; black's are `cells`, white's lie far apart. Returns what the last one did.
fn play_black(game: &mut FiveInARow, cells: &[(u8, u8)]) -> Vec<Update> {
    let away = |n: usize| (u8::try_from(n * 2 % 15).unwrap(), 14 - u8::try_from(n % 2).unwrap() * 2);
    let mut last = Vec::new();
    for (n, &cell) in cells.iter().enumerate() {
        last = place(game, 0, cell).unwrap().into_updates().collect();
        if n + 1 < cells.len() {
            place(game, 1, away(n)).unwrap();
        }
    }
    last
}

#[test]
fn five_in_each_of_the_four_lines_win_and_the_last_stone_may_be_in_the_middle() {
    for line in [
        [(0, 0), (1, 0), (3, 0), (4, 0), (2, 0)],
        [(9, 3), (9, 4), (9, 5), (9, 6), (9, 7)],
        [(2, 2), (3, 3), (4, 4), (5, 5), (6, 6)],
        [(8, 2), (7, 3), (6, 4), (5, 5), (4, 6)],
    ] {
        let mut game = table();
        let last = play_black(&mut game, &line);
        assert_eq!(last[1..], [won(0, Victory::Five)], "{line:?}");
        assert_eq!(place(&mut game, 1, (14, 0)), Err(Refusal::NoGame));
    }
}

#[test]
fn four_do_not_win_and_six_do() {
    let mut game = table();
    let last = play_black(&mut game, &[(0, 0), (1, 0), (2, 0), (4, 0), (5, 0), (6, 7)]);
    assert_eq!(last.len(), 1);
    place(&mut game, 1, (0, 5)).unwrap();
    let six = place(&mut game, 0, (3, 0)).unwrap();
    assert_eq!(six.into_updates().last(), Some(won(0, Victory::Five)));
}

#[test]
fn a_row_does_not_go_on_over_the_edge() {
    let mut game = table();
    assert_eq!(play_black(&mut game, &[(11, 0), (12, 0), (13, 0), (14, 0), (0, 1)]).len(), 1);
}

#[test]
fn turns_cells_and_seats_are_checked_and_a_refusal_changes_nothing() {
    let mut game = table();
    let before = game.clone();
    assert_eq!(place(&mut game, 1, (7, 7)), Err(Refusal::NotYourTurn));
    assert_eq!(place(&mut game, 0, (15, 7)), Err(Refusal::OffBoard));
    assert_eq!(place(&mut game, 0, (7, 255)), Err(Refusal::OffBoard));
    assert_eq!(game.apply(NOW, seat(0), Command::Rematch), Err(Refusal::StillOn));
    assert_eq!(game, before);
    place(&mut game, 0, (7, 7)).unwrap();
    assert_eq!(place(&mut game, 1, (7, 7)), Err(Refusal::Taken));
    assert_eq!(place(&mut game, 0, (7, 8)), Err(Refusal::NotYourTurn));
}

#[test]
fn alone_nothing_can_be_played() {
    let mut game = FiveInARow::new();
    game.take_seat(NOW, seat(0));
    assert_eq!(place(&mut game, 0, (7, 7)), Err(Refusal::NoGame));
    assert_eq!(game.apply(NOW, seat(0), Command::Resign), Err(Refusal::NoGame));
    assert_eq!(game.apply(NOW, seat(0), Command::Rematch), Err(Refusal::NoOpponent));
}

#[test]
fn who_resigns_or_leaves_loses() {
    let mut game = table();
    assert_eq!(game.apply(NOW, seat(0), Command::Resign), Ok(Effects::event(won(1, Victory::Resignation))));
    assert_eq!(game.apply(NOW, seat(1), Command::Resign), Err(Refusal::NoGame));
    let mut game = table();
    assert_eq!(game.leave_seat(NOW, seat(1)), Effects::event(won(0, Victory::Departure)));
    assert_eq!(game.leave_seat(NOW, seat(0)), Effects::none(), "nobody is left to win");
}

#[test]
fn both_must_ask_for_a_rematch_and_the_colours_change() {
    let mut game = table();
    game.apply(NOW, seat(1), Command::Resign).unwrap();
    let ask = |game: &mut FiveInARow, index| game.apply(NOW, seat(index), Command::Rematch);
    assert_eq!(ask(&mut game, 0), Ok(Effects::event(Update::RematchAsked { seat: seat(0) })));
    assert_eq!(ask(&mut game, 0), Ok(Effects::none()));
    assert_eq!(ask(&mut game, 1), Ok(Effects::event(Update::Began { black: seat(1) })));
    assert_eq!(place(&mut game, 0, (7, 7)), Err(Refusal::NotYourTurn));
    assert!(place(&mut game, 1, (7, 7)).is_ok());
}

#[test]
fn a_new_opponent_is_a_new_game_and_the_old_one_no_rematch() {
    let mut game = table();
    place(&mut game, 0, (7, 7)).unwrap();
    game.leave_seat(NOW, seat(0));
    assert_eq!(game.apply(NOW, seat(1), Command::Rematch), Err(Refusal::NoOpponent));
    assert_eq!(game.snapshot().stones.len(), 1, "the last game can still be looked at");
    assert_eq!(game.take_seat(NOW, seat(0)), Effects::event(Update::Began { black: seat(1) }));
    assert_eq!(game.snapshot(), State { phase: Phase::Playing, ..State::new(seat(1)) });
}

#[test]
fn a_full_board_without_five_is_a_draw() {
    // Pairs of one colour along each row, exchanged from row to row: never more than two in any line.
    let cells = (0..SIDE).flat_map(|y| (0..SIDE).map(move |x| (x, y)));
    let (ours, theirs): (Vec<_>, Vec<_>) = cells.partition(|&(x, y)| (x / 2 + y).is_multiple_of(2));
    assert_eq!(ours.len(), CELLS.div_ceil(2), "black has one stone more");
    let mut game = table();
    for turn in 0..CELLS {
        let (index, cell) = if turn % 2 == 0 { (0, ours[turn / 2]) } else { (1, theirs[turn / 2]) };
        let updates: Vec<_> = place(&mut game, index, cell).unwrap().into_updates().collect();
        let over = (turn + 1 == CELLS).then_some(Update::Over(Outcome::Draw));
        assert_eq!(updates.get(1).copied(), over, "stone {turn}");
    }
    assert_eq!(game.snapshot().phase, Phase::Over(Outcome::Draw));
}

#[test]
fn a_game_comes_back_in_no_state_that_the_rules_forbid() {
    let mut game = table();
    play_black(&mut game, &[(0, 0), (1, 0), (3, 0), (4, 0), (2, 0)]);
    let won_by_five = game.snapshot();
    let mut alone = table();
    alone.leave_seat(NOW, seat(0));
    let (both, one, playing) = (&[seat(0), seat(1)][..], &[seat(1)][..], table().snapshot());
    let restored = |state: &State, seated: &[Seat]| FiveInARow::new().restore(state.clone(), seated);
    for (state, seated) in [(&won_by_five, both), (&won_by_five, one), (&alone.snapshot(), one), (&playing, both)] {
        assert_eq!(restored(state, seated), Ok(()));
    }

    let stones = |cells: &[(u8, u8)]| {
        let cells: Vec<_> = cells.iter().map(|&(x, y)| Cell { x, y }).collect();
        State { stones: cells.try_into().unwrap(), ..playing.clone() }
    };
    let phase = |phase| State { phase, ..playing.clone() };
    let mut went_on = won_by_five.clone();
    went_on.stones.push(Cell { x: 9, y: 9 }).unwrap();
    let impossible = Unfit("the game does not stand as it says");
    let lies = Unfit("a stone lies off the board, or on another");
    for (state, seated, why) in [
        (stones(&[(15, 0)]), both, lies),
        (stones(&[(0, 15)]), both, lies),
        (stones(&[(0, 0), (0, 0)]), both, lies),
        (went_on, both, Unfit("the game was over before the last stone")),
        (State { phase: Phase::Playing, ..won_by_five.clone() }, both, impossible),
        (State { phase: Phase::Waiting, ..stones(&[(0, 0)]) }, one, impossible),
        (phase(Phase::Waiting), both, impossible),
        (playing.clone(), one, impossible),
        (phase(Phase::Over(Outcome::Draw)), both, impossible),
        (phase(Phase::Over(Outcome::Won { seat: seat(0), by: Victory::Five })), both, impossible),
        (phase(Phase::Over(Outcome::Won { seat: seat(5), by: Victory::Resignation })), both, impossible),
        (phase(Phase::Over(Outcome::Won { seat: seat(0), by: Victory::Departure })), both, impossible),
        (State { rematch: Some(seat(0)), ..playing.clone() }, both, impossible),
        (State { rematch: Some(seat(2)), ..won_by_five.clone() }, both, impossible),
        (State { black: seat(2), ..playing.clone() }, both, Unfit("there are two seats")),
        (won_by_five, &[seat(0), seat(1), seat(2)], Unfit("there are two seats")),
    ] {
        assert_eq!(restored(&state, seated), Err(why), "{state:?}");
    }
}

proptest! {
    /// The updates alone give the state that the rules have; nobody has two turns in a row; a refusal changes nothing.
    #[test]
    fn updates_replay_to_the_state(moves in prop::collection::vec((0u8..2, 0u8..8, (0u8..7, 0u8..7)), 0..200)) {
        let mut game = table();
        let mut seen = game.snapshot();
        for (index, kind, (x, y)) in moves {
            let before = game.clone();
            let command = match kind {
                0 => Command::Rematch,
                1 if x == 0 => Command::Resign,
                _ => Command::Place(Cell { x, y }),
            };
            match game.apply(NOW, seat(index), command) {
                Ok(effects) => {
                    let to_move = seen.to_move();
                    for update in effects.into_updates() {
                        if let Update::Placed { seat, .. } = update {
                            prop_assert_eq!(Some(seat), to_move);
                        }
                        seen.apply(update);
                    }
                }
                Err(_) => prop_assert_eq!(&game, &before),
            }
            prop_assert_eq!(&game.snapshot(), &seen);
            let mut restored = FiveInARow::new();
            prop_assert_eq!(restored.restore(game.save().unwrap(), &[seat(1), seat(0)]), Ok(()));
            prop_assert_eq!(&restored, &game);
            if let Phase::Over(Outcome::Won { seat, by: Victory::Five }) = seen.phase {
                prop_assert_eq!(seat, seen.owner(seen.stones.len() - 1));
                prop_assert_ne!(Some(other(seat)), seen.to_move());
            }
        }
    }
}
