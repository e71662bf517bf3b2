//! A session in a pseudo-terminal: what is drawn, what keys do, and how the terminal is given back.

use super::{Bob, pty::Terminal};
use malpan_client::protocol::{Cell, Direction};
use malpan_e2e::{TestServer, line};
use portable_pty::CommandBuilder;

const UP: &str = "\x1b[A";
const DOWN: &str = "\x1b[B";
const ENTER: &str = "\r";
const CTRL_C: &str = "\x03";
/// Where the second of ten seats starts: a tenth of 64 cells on.
const START: Cell = Cell { x: 6, y: 0 };

/// Ann, in a terminal of 80 by 24, in Bob's room; both are on her screen and she is in his.
async fn ann_and_bob(server: &TestServer) -> (Terminal, Bob) {
    let mut bob = Bob::open_room(server).await;
    let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_malpan"));
    command.args(["play", &server.address(), "--name", "Ann", "--room", &bob.room.id().to_string()]);
    let mut ann = Terminal::start(command, (80, 24));
    ann.wait_for("Ann at her start", at("[1]", START)).await;
    // The bottom row is drawn last: then the rest is there, too.
    ann.wait_for_text(" you 6,0  ? keys").await;
    bob.sees("Ann", START).await;
    (ann, bob)
}

/// Finds `badge` on the board, at `cell`.
fn at(badge: &'static str, cell: Cell) -> impl Fn(&[String]) -> Option<()> {
    move |rows| (cell_of(rows, badge) == Some(cell)).then_some(())
}

/// In which cell of the 8 x 8 board `badge` is drawn. Its frame tells where the board is and how large its cells are.
fn cell_of(rows: &[String], badge: &str) -> Option<Cell> {
    let top = rows.iter().position(|row| row.starts_with("┌ 8x8 "))?;
    let bottom = top + rows[top..].iter().position(|row| row.starts_with('└'))?;
    let width = rows[top].chars().position(|c| c == '┐')? - 1;
    let (cell_width, cell_height) = (width / 8, (bottom - top - 1) / 8);
    (top + 1..bottom).find_map(|row| {
        let inside: String = rows[row].chars().skip(1).take(width).collect();
        let column = inside[..inside.find(badge)?].chars().count();
        let index = |at: usize| u8::try_from(at).unwrap();
        Some(Cell { x: index(column / cell_width), y: index((row - top - 1) / cell_height) })
    })
}

fn has(rows: &[String], text: &str) -> bool {
    rows.iter().any(|row| row.contains(text))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_board_is_drawn_with_the_own_piece_marked() {
    let server = TestServer::start(|_| {}).unwrap();
    let (mut ann, bob) = ann_and_bob(&server).await;
    let rows = ann.rows();
    let screen = rows.join("\n");
    assert_eq!(rows.len(), 24);
    assert!(rows[0].starts_with(" room 1 Lounge  Ann") && rows[0].contains("online"), "{screen}");
    assert_eq!(cell_of(&rows, " 0 "), Some(Cell { x: 0, y: 0 }), "{screen}");
    assert_eq!(cell_of(&rows, "[0]"), None, "only the own piece is marked\n{screen}");
    assert!(has(&rows, "players 2/10") && has(&rows, " 0  Bob") && has(&rows, "[1] Ann (you)"), "{screen}");
    assert!(rows[23].starts_with(" you 6,0  ? keys"), "{screen}");
    ann.wait_until_taken([true; 3]).await;
    drop((ann, bob));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_arrow_key_moves_the_piece_by_one_cell() {
    let server = TestServer::start(|_| {}).unwrap();
    let (mut ann, mut bob) = ann_and_bob(&server).await;
    let below = Cell { x: 6, y: 1 };
    ann.press(DOWN);
    ann.wait_for("Ann a cell below", at("[1]", below)).await;
    ann.wait_for_text(" you 6,1 ").await;
    bob.sees("Ann", below).await;
    // And what Bob does is seen here.
    bob.client.step(Direction::Right).unwrap();
    bob.sees("Bob", Cell { x: 1, y: 0 }).await;
    ann.wait_for("Bob a cell to the right", at(" 0 ", Cell { x: 1, y: 0 })).await;
    assert_eq!(cell_of(&ann.rows(), "[1]"), Some(below), "Ann stays");
    drop((ann, bob));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_step_is_told_and_moves_nothing() {
    let server = TestServer::start(|_| {}).unwrap();
    let (mut ann, bob) = ann_and_bob(&server).await;
    ann.press(UP);
    ann.wait_for_text("up refused: off the board").await;
    assert_eq!(cell_of(&ann.rows(), "[1]"), Some(START));
    assert_eq!(bob.cell_of("Ann"), Some(START));
    drop((ann, bob));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn chat_goes_both_ways() {
    let server = TestServer::start(|_| {}).unwrap();
    let (mut ann, mut bob) = ann_and_bob(&server).await;
    ann.press("t");
    ann.wait_for_text("say>").await;
    // While a line is written, the keys that would move or quit are letters.
    ann.press("quit? 안녕 Bob");
    ann.wait_for_text("say> quit? 안녕 Bob").await;
    // The cursor is shown where one writes.
    ann.wait_until_taken([true, true, false]).await;
    ann.press(ENTER);
    assert_eq!(bob.hears().await.text, line("quit? 안녕 Bob"));
    ann.wait_for_text(" 1  Ann: quit? 안녕 Bob").await;
    bob.client.chat(line("hello Ann")).unwrap();
    bob.hears().await;
    ann.wait_for_text(" 0  Bob: hello Ann").await;
    drop((ann, bob));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_size_of_the_terminal_loses_nothing() {
    let server = TestServer::start(|_| {}).unwrap();
    let (mut ann, mut bob) = ann_and_bob(&server).await;
    bob.client.chat(line("hello Ann")).unwrap();
    bob.hears().await;
    for (columns, rows) in [(100, 30), (60, 20), (80, 24)] {
        ann.resize(columns, rows);
        let bottom = usize::from(rows) - 1;
        let whole = move |rows: &[String]| {
            let all = rows[0].starts_with(" room 1 Lounge  Ann")
                && cell_of(rows, "[1]") == Some(START)
                && cell_of(rows, " 0 ") == Some(Cell { x: 0, y: 0 })
                && [" 0  Bob: hello Ann", "2/10", "[1] Ann"].iter().all(|text| has(rows, text))
                && rows[bottom].starts_with(" you 6,0 ");
            // The connection's state ends the first row, one column before the edge.
            (all && rows[0].chars().count() == usize::from(columns) - 1 && has(&rows[..1], "online")).then_some(())
        };
        ann.wait_for(&format!("the whole game in {columns} by {rows}"), whole).await;
        // One line a row: nothing of the size before is left over.
        let frames = ann.rows().iter().filter(|row| row.contains('┌')).count();
        assert_eq!(frames, 1, "{}", ann.rows().join("\n"));
    }
    drop((ann, bob));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ctrl_c_gives_the_terminal_back() {
    let server = TestServer::start(|_| {}).unwrap();
    let (mut ann, mut bob) = ann_and_bob(&server).await;
    ann.wait_until_taken([true; 3]).await;
    ann.press(CTRL_C);
    assert_eq!(ann.wait_for_end().await, 0);
    assert_eq!(ann.is_taken(), [false; 3]);
    assert!(ann.rows().iter().all(String::is_empty), "nothing is left on the first screen: {:?}", ann.rows());
    bob.is_alone().await;
    drop((ann, bob));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn output_that_is_no_terminal_is_not_drawn_on() {
    let server = TestServer::start(|_| {}).unwrap();
    let mut command = CommandBuilder::new("sh");
    command.args(["-c", "\"$0\" play \"$1\" | cat; echo; \"$0\" play \"$1\" > /dev/null"]);
    command.args([env!("CARGO_BIN_EXE_malpan"), &server.address()]);
    let mut terminal = Terminal::start(command, (80, 24));
    assert_eq!(terminal.wait_for_end().await, 2);
    let hint = "malpan: playing needs a terminal. Without one, use `malpan play --plain`.";
    assert_eq!(terminal.rows()[..3], [hint, "", hint]);
    assert!(terminal.rows()[3..].iter().all(String::is_empty), "{:?}", terminal.rows());
    server.stop().await;
}
