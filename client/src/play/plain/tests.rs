//! Plain mode with scripted input against a server in memory, in paused time.

mod games;
mod people;

use super::{Ending, HELP, Plain, now};
use crate::play::{
    game::Game,
    identity::Identity,
    link::{Link, Start},
    session::{Fallback, FiveNews, Goal, News, Refusal, Session},
    testing::{Calls, DialMemory, House, Peer, joined, left, moves, name, seat, telephone, too_fast},
};
use malpan_client::protocol::{
    BoardSize, Cell, ChatText, ClientPacket, GameName, JoinTarget, KickReason, LeaveReason, LobbyChat, Manner,
    PastLine, RoomId, ServerPacket, SoftwareName, Whisper, game::five,
};
use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};
use tokio::{
    io::{AsyncBufRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader, DuplexStream, duplex},
    time::{Instant, sleep, timeout},
};

const ANN: Cell = Cell { x: 0, y: 0 };
const BOB: Cell = Cell { x: 1, y: 0 };

/// Runs plain mode to its end; returns that and what it printed.
async fn run<R: AsyncBufRead + Unpin>(dial: DialMemory, own: &str, room: Option<u32>, input: R) -> (Ending, String) {
    let target = room.map_or(JoinTarget::Any, |room| JoinTarget::Room(RoomId(room)));
    run_from(dial, own, Goal::Join(target), None, input).await
}

async fn run_from<R: AsyncBufRead + Unpin>(
    dial: DialMemory,
    own: &str,
    home: Goal,
    game: Option<Game>,
    input: R,
) -> (Ending, String) {
    let mut link = Link::spawn(dial, Identity::guest(name(own)), Start::AtOnce);
    let session = Session::new(name(own), home, game, Fallback::Lobby, now());
    let mut printed = Vec::new();
    let ending = Plain::new("host:1", game, &mut link, session, input, &mut printed).run().await.unwrap();
    link.close().await;
    (ending, String::from_utf8(printed).unwrap())
}

/// Runs a script in the house.
async fn in_house(own: &str, room: Option<u32>, script: &str) -> (Ending, String) {
    let (dial, calls) = telephone();
    let house = tokio::spawn(House::new().answer(calls));
    let ran = run(dial, own, room, script.as_bytes()).await;
    house.abort();
    ran
}

/// Accepts Ann into a room with Bob.
async fn seat_ann(calls: &mut Calls, room: u32) -> Peer<DuplexStream> {
    let (mut peer, _) = calls.sign_in().await;
    assert!(matches!(peer.next().await, Some(ClientPacket::Join { .. })));
    peer.send(ServerPacket::Joined(joined(room, BoardSize::new(8, 8).unwrap(), &[("Ann", ANN), ("Bob", BOB)]))).await;
    peer
}

#[tokio::test(start_paused = true)]
async fn a_script_sees_every_answer_before_it_ends() {
    let (ending, printed) = in_house("Ann", None, "up\nright\ndown\nchat hello all\nquit\nup\n").await;
    assert_eq!(ending, Ending::Done);
    insta::assert_snapshot!(printed, @r"
    connected host:1 as Ann
    joined room 1 seat 0 board 8x8
    you Ann 0,0
    member Bob 1,0
    refused: off the board
    refused: taken
    moved Ann 0,1
    chat Ann: hello all
    bye
    ");
}

#[tokio::test(start_paused = true)]
async fn the_end_of_input_is_as_good_as_quit() {
    assert_eq!(in_house("Ann", None, "down\nchat hi").await, in_house("Ann", None, "down\nchat hi\nquit\n").await);
}

#[tokio::test(start_paused = true)]
async fn rooms_are_listed_page_by_page_and_joined() {
    let (ending, printed) =
        in_house("Ann", None, "rooms\njoin 3\nwho\njoin 2\njoin 3\nopen My room\nleave\nup\n").await;
    assert_eq!(ending, Ending::Done);
    insta::assert_snapshot!(printed, @r"
    connected host:1 as Ann
    joined room 1 seat 0 board 8x8
    you Ann 0,0
    member Bob 1,0
    room 1 1/10 Room 1
    room 2 10/10 Room 2
    room 3 0/10 Room 3
    rooms listed 3
    lobby
    joined room 3 seat 0 board 8x8
    you Ann 0,0
    you Ann 0,0
    lobby
    error: cannot join room 2: every seat is taken
    joined room 3 seat 0 board 8x8
    you Ann 0,0
    error: already in that room
    lobby
    joined room 4 seat 0 board 8x8
    you Ann 0,0
    lobby
    error: not in a room
    bye
    ");
}

#[tokio::test(start_paused = true)]
async fn a_room_that_does_not_exist_leaves_it_in_the_lobby() {
    let (ending, printed) = in_house("Ann", Some(9), "who\nstatus\njoin any\n").await;
    assert_eq!(ending, Ending::Done);
    insta::assert_snapshot!(printed, @r"
    connected host:1 as Ann
    error: cannot join room 9: there is no such room
    error: not in a room
    status online, lobby, round trip 0.0 ms
    joined room 1 seat 0 board 8x8
    you Ann 0,0
    member Bob 1,0
    bye
    ");
}

#[tokio::test(start_paused = true)]
async fn what_is_no_command_is_told_in_its_turn() {
    let (_, printed) = in_house("Ann", None, "down\njump\n\nhelp\n").await;
    let lines: Vec<&str> = printed.lines().skip(4).collect();
    let commands = super::command::COMMANDS;
    let unknown = format!("error: unknown command \"jump\"; commands: {commands}");
    assert_eq!(lines, [&unknown, &format!("commands: {commands}"), "moved Ann 0,1", "bye"]);
}

#[tokio::test(start_paused = true)]
async fn a_long_walk_keeps_to_the_servers_pace() {
    let since = Instant::now();
    let (ending, printed) = in_house("Ann", None, &"down\nup\n".repeat(100)).await;
    assert_eq!(ending, Ending::Done);
    assert_eq!(printed.matches("moved Ann").count(), 200);
    let took = since.elapsed();
    assert!(took > Duration::from_secs(200 / 20) && took < Duration::from_secs(15), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn a_taken_name_ends_it_with_advice() {
    let (ending, printed) = in_house("Taken", None, "").await;
    let why = "the name Taken is taken: choose another with --name";
    assert_eq!((ending, printed.as_str()), (Ending::Failed(why.into()), ""));
}

#[tokio::test(start_paused = true)]
async fn without_a_server_it_says_what_to_do() {
    let (dial, calls) = telephone();
    drop(calls);
    let (ending, _) = run(dial, "Ann", None, &b""[..]).await;
    let Ending::Failed(why) = ending else { panic!("{ending:?}") };
    assert!(why.starts_with("cannot connect to host:1: connection refused\nIs malpan-server running"), "{why}");
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_never_comes_is_not_waited_for_for_ever() {
    let (dial, mut calls) = telephone();
    let server = async {
        let mut peer = seat_ann(&mut calls, 1).await;
        while peer.next().await.is_some() {}
    };
    let ((ending, _), ()) = tokio::join!(run(dial, "Ann", None, &b"up\n"[..]), server);
    assert_eq!(ending, Ending::Failed("no answer came from the server".into()));
}

#[tokio::test(start_paused = true)]
async fn a_lost_connection_is_told_and_mended() {
    let (dial, mut calls) = telephone();
    let (mut typist, input) = duplex(1024);
    let server = async {
        let mut peer = seat_ann(&mut calls, 7).await;
        peer.send(left(1, 1, LeaveReason::Disconnected, &[])).await;
        peer.send(ServerPacket::Draining { seconds: 10 }).await;
        peer.send(ServerPacket::Kicked { reason: KickReason::Stopping }).await;
        drop(peer);
        let mut peer = seat_ann(&mut calls, 7).await;
        typist.write_all(b"down\nquit\n").await.unwrap();
        let Some(ClientPacket::Command { seq, .. }) = peer.next().await else { panic!() };
        assert_eq!(seq, 1);
        peer.send(moves(1, 0, &[(1, 4, Cell { x: 1, y: 1 })])).await;
        peer.send(too_fast(seq)).await;
        assert_eq!(peer.next().await, Some(ClientPacket::Bye));
    };
    let ((ending, printed), ()) = tokio::join!(run(dial, "Ann", None, BufReader::new(input)), server);
    assert_eq!(ending, Ending::Done);
    let mut lines: Vec<&str> = printed.lines().collect();
    let lost = lines.remove(7);
    assert!(lost.starts_with("lost: the server is stopping; trying again in 0."), "{lost}");
    insta::assert_snapshot!(lines.join("\n"), @r"
    connected host:1 as Ann
    joined room 7 seat 0 board 8x8
    you Ann 0,0
    member Bob 1,0
    left Bob (connection lost)
    draining: the server stops within 10 s
    kicked: the server is stopping
    connected host:1 as Ann
    joined room 7 seat 0 board 8x8
    you Ann 0,0
    member Bob 1,0
    moved Bob 1,1
    refused: too fast
    bye
    ");
}

#[tokio::test(start_paused = true)]
async fn a_script_whose_answers_are_lost_has_failed() {
    let (dial, mut calls) = telephone();
    let server = async {
        let mut peer = seat_ann(&mut calls, 7).await;
        peer.next().await;
    };
    let ((ending, _), ()) = tokio::join!(run(dial, "Ann", None, &b"down\nwho\n"[..]), server);
    assert_eq!(ending, Ending::Failed("the connection is lost: 1 answers and 1 commands with it".into()));
}

#[tokio::test(start_paused = true)]
async fn quitting_while_offline_ends_at_once() {
    let (dial, mut calls) = telephone();
    let (mut typist, input) = duplex(64);
    let server = async {
        drop(seat_ann(&mut calls, 7).await);
        // The second attempt fails as well; the third is a second away.
        drop(calls.accept().await);
        sleep(Duration::from_millis(1)).await;
        typist.write_all(b"quit\n").await.unwrap();
        Instant::now()
    };
    let ((ending, _), quit_at) = tokio::join!(run(dial, "Ann", None, BufReader::new(input)), server);
    assert_eq!(ending, Ending::Done);
    assert!(quit_at.elapsed() < Duration::from_millis(100), "{:?}", quit_at.elapsed());
}

/// An output that nobody reads any more.
struct Closed;

impl AsyncWrite for Closed {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, _: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()))
    }
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[tokio::test(start_paused = true)]
async fn a_closed_output_ends_it_quietly() {
    let (dial, calls) = telephone();
    let house = tokio::spawn(House::new().answer(calls));
    let mut link = Link::spawn(dial, Identity::guest(name("Ann")), Start::AtOnce);
    let session = Session::new(name("Ann"), Goal::Join(JoinTarget::Any), None, Fallback::Lobby, now());
    let (_typist, input) = duplex(64);
    let ending = Plain::new("host:1", None, &mut link, session, BufReader::new(input), Closed).run().await;
    assert_eq!(ending.unwrap(), Ending::Done);
    link.close().await;
    house.abort();
}

#[tokio::test(start_paused = true)]
async fn each_line_goes_out_at_once() {
    let (dial, calls) = telephone();
    let house = tokio::spawn(House::new().answer(calls));
    let mut link = Link::spawn(dial, Identity::guest(name("Ann")), Start::AtOnce);
    let session = Session::new(name("Ann"), Goal::Join(JoinTarget::Any), None, Fallback::Lobby, now());
    let (_typist, input) = duplex(64);
    let (output, mut reader) = duplex(1024);
    let plain =
        Plain::new("host:1", None, &mut link, session, BufReader::new(input), tokio::io::BufWriter::new(output));
    let expected = b"connected host:1 as Ann\njoined room 1 seat 0 board 8x8\nyou Ann 0,0\nmember Bob 1,0\n";
    let mut seen = vec![0; expected.len()];
    tokio::select! {
        ending = plain.run() => panic!("{ending:?}"),
        read = timeout(Duration::from_secs(10), reader.read_exact(&mut seen)) => drop(read.expect("lines come").unwrap()),
    }
    assert_eq!(seen, expected);
    house.abort();
}

#[test]
fn help_promises_the_first_word_of_every_line() {
    use super::wording::lines;
    let (seat, ann, cell) = (seat(0), name("Ann"), ANN);
    let (room, game, line) = (RoomId(1), GameName::FIVE, ChatText::new("x").unwrap());
    let told = [
        News::Online { name: ann.clone(), server: SoftwareName::new("x").unwrap() },
        News::Offline { why: "x".into(), retry_in: Duration::from_secs(1), again: false },
        News::Unplayable { room, game, known: false },
        News::RoomLeft(room),
        News::RoomClosed(room),
        News::OutOfStep,
        News::Entered { seat, name: ann.clone(), cell: Some(cell) },
        News::Left { seat, name: ann.clone(), reason: LeaveReason::Kicked },
        News::Back { name: ann.clone(), room: Some(room) },
        News::Away(ann.clone()),
        News::Returned(ann.clone()),
        News::Moved { name: ann.clone(), cell },
        News::Refused { why: Refusal::TooFast, command: None, by: None },
        News::Unanswered,
        News::Notice(line.clone()),
        News::Draining { seconds: 1 },
        News::Kicked(KickReason::Flooding),
        News::Five(FiveNews::Began { black: ann.clone(), white: ann.clone() }),
        News::Five(FiveNews::Placed { name: ann.clone(), cell }),
        News::Five(FiveNews::Turn { name: ann.clone() }),
        News::Five(FiveNews::Over { winner: None }),
        News::Five(FiveNews::RematchAsked { name: ann.clone() }),
        News::Emote { seat, name: ann.clone(), text: line.clone() },
        News::LobbyChat(LobbyChat { name: ann.clone(), manner: Manner::Emote, text: line.clone() }),
        News::History(vec![PastLine { name: ann.clone(), manner: Manner::Say, text: line }]),
        News::Owner(None),
        News::Removed { room, by: ann.clone() },
        News::Lobby { total: 1, names: vec![ann.clone()], next: None },
    ];
    let whisper = |from| Whisper { from, to: ann.clone(), manner: Manner::Say, text: ChatText::new("x").unwrap() };
    let whispers = [whisper(ann.clone()), whisper(name("Bob"))].map(News::Whisper);
    for line in told.iter().chain(&whispers).flat_map(|news| lines(news, "host:1", &ann)) {
        let word = line.split(' ').next().unwrap();
        assert!(HELP.contains(&format!("\n  {word}")), "{line}");
    }
}

#[test]
fn help_promises_every_refusal_and_every_victory() {
    use crate::play::words::{refusal, victory};
    use five::{Refusal as Five, Victory};
    let all = [Five::NotYourTurn, Five::Taken, Five::OffBoard, Five::NoGame, Five::StillOn, Five::NoOpponent];
    let promised = HELP.rsplit_once("refused: ").expect("five in a row comes last").1;
    for why in all.map(Refusal::Five).into_iter().chain([Refusal::TooFast]).map(refusal) {
        assert!(promised.split(['|', '\n']).any(|part| part.trim() == why), "{why}");
    }
    let victories = [Victory::Five, Victory::Resignation, Victory::Departure].map(victory).join(" | ");
    assert!(HELP.contains(&format!("over NAME won ({victories})\n")), "{victories}");
}
