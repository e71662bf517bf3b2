//! `malpan play` as a person has it: the real program, in a terminal and through pipes, against the real server, with a
//! second player in the room.

#![allow(clippy::unwrap_used, reason = "every function here is a test's")]

#[path = "terminal/accounts.rs"]
mod accounts;
#[cfg(unix)]
#[path = "terminal/accounts_in_a_terminal.rs"]
mod accounts_in_a_terminal;
#[path = "terminal/five_in_a_row.rs"]
mod five_in_a_row;
#[cfg(unix)]
#[path = "terminal/five_in_a_terminal.rs"]
mod five_in_a_terminal;
#[cfg(unix)]
#[path = "terminal/in_a_terminal.rs"]
mod in_a_terminal;
#[cfg(unix)]
#[path = "terminal/pty.rs"]
mod pty;
#[cfg(unix)]
#[path = "terminal/wire.rs"]
mod wire;

use assert_cmd::Command;
use malpan_client::{
    BoardView, Client, Room, View,
    protocol::{Cell, Chatted, Direction, RoomId, RoomTitle, ServerPacket},
};
use malpan_e2e::{PATIENCE, TestServer, line, within};

/// The second player, from the client library, in a room of its own making.
struct Bob<V = BoardView> {
    client: Client,
    room: Room<V>,
}

impl Bob {
    async fn open_room(server: &TestServer) -> Self {
        let mut client = server.guest("Bob").await.unwrap();
        let joined = client.open_room(None, RoomTitle::new("Lounge").unwrap(), None).await.unwrap();
        Self { client, room: Room::new(&joined).unwrap() }
    }

    /// Takes packets in until Bob sees the piece of `who` at `cell`.
    async fn sees(&mut self, who: &str, cell: Cell) {
        let seen = async {
            while self.cell_of(who) != Some(cell) {
                self.next().await;
            }
        };
        within(seen).await;
    }

    fn cell_of(&self, who: &str) -> Option<Cell> {
        self.room.pieces().find(|(_, piece)| piece.name.as_str() == who).map(|(_, piece)| piece.cell)
    }
}

impl<V: View> Bob<V> {
    /// Takes packets in until someone says something.
    async fn hears(&mut self) -> Chatted {
        let heard = async {
            loop {
                if let ServerPacket::Chat(chat) = self.next().await {
                    return chat;
                }
            }
        };
        within(heard).await
    }

    /// Takes packets in until nobody but Bob is in the room.
    async fn is_alone(&mut self) {
        let alone = async {
            while self.room.members().count() > 1 {
                self.next().await;
            }
        };
        within(alone).await;
    }

    async fn next(&mut self) -> ServerPacket {
        let packet = self.client.next().await.unwrap();
        self.room.apply(&packet).unwrap();
        packet
    }
}

/// Runs plain mode with these commands until it ends by itself; returns its exit status, stdout and stderr.
async fn play_plainly(server: &TestServer, room: RoomId, script: &'static str) -> (Option<i32>, String, String) {
    run_plainly(server, &["--room", &room.to_string()], script).await
}

/// As [`play_plainly`], with these flags.
async fn run_plainly(server: &TestServer, flags: &[&str], script: &'static str) -> (Option<i32>, String, String) {
    let address = server.address();
    let flags: Vec<String> = flags.iter().map(ToString::to_string).collect();
    let run = move || {
        Command::new(env!("CARGO_BIN_EXE_malpan"))
            .args(["play", &address, "--name", "Ann", "--plain"])
            .args(flags)
            .write_stdin(script)
            .timeout(PATIENCE)
            .output()
            .unwrap()
    };
    let output = tokio::task::spawn_blocking(run).await.unwrap();
    (output.status.code(), String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_script_through_pipes_prints_a_line_for_each_thing() {
    let server = TestServer::start(|_| {}).unwrap();
    let mut bob = Bob::open_room(&server).await;
    let script = "up\nleft\nwho\nchat hello Bob\nquit\n";
    let (code, stdout, stderr) = play_plainly(&server, bob.room.id(), script).await;
    let address = server.address();
    // The second of ten seats starts a tenth of 64 cells on: at 6,0, the topmost row.
    let expected = format!(
        "connected {address} as Ann\n\
         joined room 1 seat 1 board 8x8\n\
         member Bob 0,0\n\
         you Ann 6,0\n\
         refused: off the board\n\
         moved Ann 5,0\n\
         member Bob 0,0\n\
         you Ann 5,0\n\
         chat Ann: hello Bob\n\
         bye\n"
    );
    assert_eq!((code, stdout.as_str(), stderr.as_str()), (Some(0), expected.as_str(), ""));
    bob.sees("Ann", Cell { x: 5, y: 0 }).await;
    assert_eq!(bob.hears().await.text, line("hello Bob"));
    bob.is_alone().await;
    drop(bob);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rooms_are_changed_and_listed_through_pipes() {
    let server = TestServer::start(|_| {}).unwrap();
    let mut bob = Bob::open_room(&server).await;
    bob.client.step(Direction::Down).unwrap();
    bob.sees("Bob", Cell { x: 0, y: 1 }).await;
    let (code, stdout, _) = play_plainly(&server, bob.room.id(), "join 7\nrooms").await;
    // Where there is no such room, the seat before is taken again.
    let lines: Vec<&str> = stdout.lines().skip(1).collect();
    let seat = ["joined room 1 seat 1 board 8x8", "member Bob 0,1", "you Ann 6,0"];
    let rest = ["lobby", "error: cannot join room 7: there is no room 7"];
    let list = ["room 1 2/10 Lounge", "rooms listed 1", "bye"];
    assert_eq!(lines, [&seat[..], &rest, &seat, &list].concat());
    assert_eq!(code, Some(0));
    drop(bob);
    server.stop().await;
}
