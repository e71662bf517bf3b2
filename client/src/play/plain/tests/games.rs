//! Plain mode in five in a row, watching, and with rooms of games that it does not know.

use super::{Ending, House, run, run_from, telephone};
use crate::play::{
    game::Game,
    session::Goal,
    testing::{happened, joined_five, left, placed, playing, refused, won},
};
use malpan_client::protocol::{
    Cell, ClientPacket, GameName, JoinTarget, LeaveReason, RoomId, ServerPacket,
    game::five::{Command, Refusal, Victory},
};
use std::time::Duration;
use tokio::{
    io::{AsyncWriteExt, BufReader, duplex},
    time::timeout,
};

const ANY_FIVE: Goal = Goal::Join(JoinTarget::AnyOf(GameName::FIVE));

/// Runs a script in the house of all games.
async fn among_games(home: Goal, game: Option<Game>, script: &str) -> (Ending, String) {
    let (dial, calls) = telephone();
    let house = tokio::spawn(House::with_games().answer(calls));
    let ran = run_from(dial, "Ann", home, game, script.as_bytes()).await;
    house.abort();
    ran
}

fn room(id: u32) -> Goal {
    Goal::Join(JoinTarget::Room(RoomId(id)))
}

#[tokio::test(start_paused = true)]
async fn a_game_is_played_to_its_end_and_again() {
    let script = "who\nplace 3,3\nplace 4,3\nplace 5,3\nplace 6,3\nboard\nplace 7,3\nboard\nrematch\nresign\n";
    let (ending, printed) = among_games(ANY_FIVE, Some(Game::Five), script).await;
    assert_eq!(ending, Ending::Done);
    insta::assert_snapshot!(printed, @r"
    connected host:1 as Ann
    joined room 5 seat 1 game five
    member Bob black
    you Ann white
    began black Bob white Ann
    turn Bob
    member Bob black
    you Ann white
    placed Bob 0,14
    turn Ann
    placed Ann 3,3
    turn Bob
    placed Bob 2,14
    turn Ann
    placed Ann 4,3
    turn Bob
    placed Bob 4,14
    turn Ann
    placed Ann 5,3
    turn Bob
    placed Bob 6,14
    turn Ann
    placed Ann 6,3
    turn Bob
    board 15x15, X black Bob, O white Ann, stones 8, last 6,3, turn Bob
    ...............
    ...............
    ...............
    ...OOOO........
    ...............
    ...............
    ...............
    ...............
    ...............
    ...............
    ...............
    ...............
    ...............
    ...............
    X.X.X.X........
    placed Bob 8,14
    turn Ann
    placed Ann 7,3
    over Ann won (five in a row)
    board 15x15, X black Bob, O white Ann, stones 10, last 7,3, over Ann won (five in a row)
    ...............
    ...............
    ...............
    ...OOOOO.......
    ...............
    ...............
    ...............
    ...............
    ...............
    ...............
    ...............
    ...............
    ...............
    ...............
    X.X.X.X.X......
    rematch asked Ann
    began black Ann white Bob
    turn Ann
    over Bob won (resignation)
    bye
    ");
}

#[tokio::test(start_paused = true)]
async fn refusals_are_told_and_other_games_commands_explained() {
    let script = "place 0,14\nplace 15,0\nrematch\nup\nopen --game five Mine\nplace 1,1\nresign\nrematch\nboard\n\
                  join 1\nplace 1,1\nboard\ndown\n";
    let (ending, printed) = among_games(room(5), None, script).await;
    assert_eq!(ending, Ending::Done);
    insta::assert_snapshot!(printed, @r"
    connected host:1 as Ann
    joined room 5 seat 1 game five
    member Bob black
    you Ann white
    began black Bob white Ann
    turn Bob
    placed Bob 0,14
    turn Ann
    refused: taken
    refused: off the board
    refused: the game is still on
    error: this room plays five: place X,Y, resign, rematch, board
    lobby
    joined room 8 seat 0 game five
    you Ann waiting
    refused: no game is on
    refused: no game is on
    refused: no opponent
    board 15x15, no game yet
    ...............
    ...............
    ...............
    ...............
    ...............
    ...............
    ...............
    ...............
    ...............
    ...............
    ...............
    ...............
    ...............
    ...............
    ...............
    lobby
    joined room 1 seat 0 board 8x8
    you Ann 0,0
    member Bob 1,0
    error: this room plays board: up, down, left, right
    error: only five in a row has a board to print; who tells where pieces stand
    moved Ann 0,1
    bye
    ");
}

#[tokio::test(start_paused = true)]
async fn a_room_is_watched_without_a_word() {
    let script = "who\nplace 1,1\nchat hi\nboard\nstatus\nwatch 6\nwatch 9\nleave\nwatch 1\nup\nquit\n";
    let (ending, printed) = among_games(Goal::Watch(RoomId(6)), None, script).await;
    assert_eq!(ending, Ending::Done);
    insta::assert_snapshot!(printed, @r"
    connected host:1 as Ann
    watching room 6 game five
    member Bob black
    member Eve white
    began black Bob white Eve
    turn Eve
    member Bob black
    member Eve white
    error: only watching: join the room to play and chat
    error: only watching: join the room to play and chat
    board 15x15, X black Bob, O white Eve, stones 3, last 7,8, turn Eve
    ...............
    ...............
    ...............
    ...............
    ...............
    ...............
    ...............
    .......XO......
    .......X.......
    ...............
    ...............
    ...............
    ...............
    ...............
    ...............
    status online, watching room 6, round trip 0.0 ms
    error: already in that room
    lobby
    error: cannot watch room 9: there is no such room
    watching room 6 game five
    member Bob black
    member Eve white
    began black Bob white Eve
    turn Eve
    lobby
    watching room 1 game board
    member Bob 0,0
    error: only watching: join the room to play and chat
    bye
    ");
}

#[tokio::test(start_paused = true)]
async fn the_list_says_what_is_not_the_board_and_who_is_watched() {
    let (ending, printed) = among_games(room(3), None, "rooms\n").await;
    assert_eq!(ending, Ending::Done);
    let rooms: Vec<&str> = printed.lines().filter(|line| line.starts_with("room")).collect();
    assert_eq!(
        rooms,
        [
            "room 1 1/10 Room 1",
            "room 2 10/10 Room 2",
            "room 3 0/10 Room 3",
            "room 5 1/2 Room 5 [five]",
            "room 6 2/2 Room 6 [five] [1 watching]",
            "room 7 1/2 Room 7 [chess]",
            "rooms listed 6"
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_room_of_an_unknown_game_is_left_again() {
    let (ending, printed) = among_games(room(7), None, "who\njoin 3\njoin 7\nwho\n").await;
    assert_eq!(ending, Ending::Done);
    insta::assert_snapshot!(printed, @r"
    connected host:1 as Ann
    error: room 7 plays chess, which this client does not; it plays board, five
    lobby
    error: not in a room
    joined room 3 seat 0 board 8x8
    you Ann 0,0
    lobby
    error: room 7 plays chess, which this client does not; it plays board, five
    lobby
    joined room 3 seat 0 board 8x8
    you Ann 0,0
    you Ann 0,0
    bye
    ");
}

#[tokio::test(start_paused = true)]
async fn rooms_opened_later_are_of_the_game_asked_for() {
    let script = "open Ours\njoin any\nopen --game board Wide\n";
    let (ending, printed) = among_games(room(1), Some(Game::Five), script).await;
    assert_eq!(ending, Ending::Done);
    insta::assert_snapshot!(printed, @r"
    connected host:1 as Ann
    joined room 1 seat 0 board 8x8
    you Ann 0,0
    member Bob 1,0
    lobby
    joined room 8 seat 0 game five
    you Ann waiting
    lobby
    joined room 5 seat 1 game five
    member Bob black
    you Ann white
    began black Bob white Ann
    turn Bob
    placed Bob 0,14
    turn Ann
    lobby
    joined room 9 seat 0 board 8x8
    you Ann 0,0
    bye
    ");
}

#[tokio::test(start_paused = true)]
async fn a_script_waits_for_its_stone_to_be_answered() {
    let (dial, mut calls) = telephone();
    let server = async {
        let (mut peer, _) = calls.sign_in().await;
        assert_eq!(peer.next().await, Some(ClientPacket::Join { target: JoinTarget::Room(RoomId(5)) }));
        peer.send(ServerPacket::Joined(joined_five(5, Some(0), &["Ann", "Bob"], &playing(&[])))).await;
        let Some(ClientPacket::Command { seq, command }) = peer.next().await else { panic!() };
        assert_eq!(command.decode(), Ok(Command::Place(Cell { x: 7, y: 7 })));
        // Two things at once: neither `bye` nor `turn` may come between them.
        peer.send(happened(1, None, &[])).await;
        peer.send(happened(2, Some((0, seq)), &[placed(0, 7, 7), won(0, Victory::Five)])).await;
        assert_eq!(peer.next().await, Some(ClientPacket::Bye));
    };
    let ((ending, printed), ()) = tokio::join!(run(dial, "Ann", Some(5), &b"place 7,7\nboard\nquit\n"[..]), server);
    assert_eq!(ending, Ending::Done);
    let lines: Vec<&str> = printed.lines().skip(6).collect();
    assert_eq!(lines[..2], ["placed Ann 7,7", "over Ann won (five in a row)"]);
    assert_eq!(lines[2], "board 15x15, X black Ann, O white Bob, stones 1, last 7,7, over Ann won (five in a row)");
    assert_eq!((lines[10], lines[18]), (".......X.......", "bye"));
}

#[tokio::test(start_paused = true)]
async fn each_move_waits_for_the_answer_to_the_one_before() {
    let (dial, mut calls) = telephone();
    let server = async {
        let (mut peer, _) = calls.sign_in().await;
        peer.next().await;
        peer.send(ServerPacket::Joined(joined_five(5, Some(0), &["Ann", "Bob"], &playing(&[])))).await;
        assert!(matches!(peer.next().await, Some(ClientPacket::Command { seq: 1, .. })));
        assert!(timeout(Duration::from_secs(1), peer.next()).await.is_err(), "the second one waits");
        peer.send(happened(1, Some((0, 1)), &[won(1, Victory::Resignation)])).await;
        assert!(matches!(peer.next().await, Some(ClientPacket::Command { seq: 2, .. })));
        peer.send(refused(2, &Refusal::NoGame)).await;
        assert_eq!(peer.next().await, Some(ClientPacket::Bye));
    };
    let ((ending, printed), ()) = tokio::join!(run(dial, "Ann", Some(5), &b"resign\nplace 7,7\n"[..]), server);
    assert_eq!(ending, Ending::Done);
    assert!(printed.ends_with("over Bob won (resignation)\nrefused: no game is on\nbye\n"), "{printed}");
}

#[tokio::test(start_paused = true)]
async fn an_opponent_who_goes_and_a_room_that_closes_are_told() {
    let (dial, mut calls) = telephone();
    let (mut typist, input) = duplex(64);
    let server = async {
        let (mut peer, _) = calls.sign_in().await;
        assert_eq!(peer.next().await, Some(ClientPacket::Watch { room: RoomId(6) }));
        peer.send(ServerPacket::Joined(joined_five(6, None, &["Bob", "Eve"], &playing(&[(7, 7)])))).await;
        peer.send(left(1, 0, LeaveReason::Left, &[won(1, Victory::Departure)])).await;
        peer.send(left(2, 1, LeaveReason::Disconnected, &[])).await;
        peer.send(ServerPacket::RoomLeft { room: RoomId(6) }).await;
        typist.write_all(b"who\nquit\n").await.unwrap();
        assert_eq!(peer.next().await, Some(ClientPacket::Bye));
    };
    let run = run_from(dial, "Ann", Goal::Watch(RoomId(6)), None, BufReader::new(input));
    let ((ending, printed), ()) = tokio::join!(run, server);
    assert_eq!(ending, Ending::Done);
    insta::assert_snapshot!(printed, @r"
    connected host:1 as Ann
    watching room 6 game five
    member Bob black
    member Eve white
    began black Bob white Eve
    turn Eve
    left Bob
    over Eve won (departure)
    left Eve (connection lost)
    closed room 6
    lobby
    error: not in a room
    bye
    ");
}

#[tokio::test(start_paused = true)]
async fn a_game_in_which_the_connection_is_lost_comes_back_as_a_room() {
    let (dial, mut calls) = telephone();
    let (mut typist, input) = duplex(64);
    let server = async {
        let (mut peer, _) = calls.sign_in().await;
        peer.next().await;
        peer.send(ServerPacket::Joined(joined_five(5, Some(1), &["Bob", "Ann"], &playing(&[(7, 7)])))).await;
        drop(peer);
        let (mut peer, _) = calls.sign_in().await;
        assert_eq!(peer.next().await, Some(ClientPacket::Join { target: JoinTarget::Room(RoomId(5)) }));
        // Bob has won by her departure, and her return begins a new game.
        peer.send(ServerPacket::Joined(joined_five(5, Some(1), &["Bob", "Ann"], &playing(&[])))).await;
        typist.write_all(b"quit\n").await.unwrap();
        assert_eq!(peer.next().await, Some(ClientPacket::Bye));
    };
    let ((ending, printed), ()) = tokio::join!(run(dial, "Ann", Some(5), BufReader::new(input)), server);
    assert_eq!(ending, Ending::Done);
    let mut lines: Vec<&str> = printed.lines().skip(1).collect();
    let room = ["joined room 5 seat 1 game five", "member Bob black", "you Ann white", "began black Bob white Ann"];
    assert!(lines.remove(5).starts_with("lost: "), "{printed}");
    assert_eq!(lines, [&room[..], &["turn Ann", "connected host:1 as Ann"], &room, &["turn Bob", "bye"]].concat());
}
