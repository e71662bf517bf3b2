//! Five in a row in a pseudo-terminal: a game from the first stone to the last.

use super::{Bob, pty::Terminal};
use malpan_client::{
    Room,
    protocol::{
        Cell, GameName, JoinTarget,
        game::five::{Command, Outcome, Phase, State, Victory},
    },
};
use malpan_e2e::TestServer;
use portable_pty::CommandBuilder;

const RIGHT: &str = "\x1b[C";
const ENTER: &str = "\r";

impl Bob<State> {
    /// Against whoever waits for someone.
    async fn join_five(server: &TestServer) -> Self {
        let mut client = server.guest("Bob").await.unwrap();
        let joined = client.join(JoinTarget::AnyOf(GameName::FIVE)).await.unwrap();
        Self { client, room: Room::new(&joined).unwrap() }
    }

    /// Puts a stone, and waits until it lies there.
    async fn places(&mut self, cell: Cell) {
        self.client.command(&Command::Place(cell)).unwrap();
        self.sees_state(|state| state.stone(cell).is_some()).await;
    }
}

fn malpan(server: &TestServer, flags: &[&str]) -> CommandBuilder {
    let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_malpan"));
    command.args(["play", &server.address(), "--name", "Ann"]);
    command.args(flags);
    command
}

/// Ann waited, so that she has black; she puts five stones in a row, and Bob his two rows above.
async fn ann_wins(ann: &mut Terminal, bob: &mut Bob<State>) {
    for x in 7..12 {
        ann.wait_for_text("your turn").await;
        ann.press(ENTER);
        let cell = Cell { x, y: 7 };
        bob.sees_state(|state| state.stone(cell).is_some()).await;
        if x < 11 {
            bob.places(Cell { x, y: 5 }).await;
            ann.wait_for_text("(O)").await;
            ann.press(RIGHT);
            ann.wait_for_text(&format!(" X {},7 ", x + 1)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_game_is_played_to_its_end_and_begun_again() {
    let server = TestServer::start(|_| {}).unwrap();
    let mut ann = Terminal::start(malpan(&server, &["--game", "five"]), (80, 24));
    ann.wait_for_text("no opponent yet").await;
    let mut bob = Bob::join_five(&server).await;
    ann_wins(&mut ann, &mut bob).await;
    let won = Outcome::Won { seat: bob.room.view().black, by: Victory::Five };
    bob.sees_state(|state| state.phase == Phase::Over(won)).await;
    ann.wait_for_text(" X 11,7  you won (five in a row)  m plays again").await;
    ann.wait_for_text(" 7 .  .  .  .  .  .  . *X**X**X**X*[X] .  .  . ").await;
    ann.press("m");
    bob.sees_state(|state| state.rematch.is_some()).await;
    bob.client.command(&Command::Rematch).unwrap();
    bob.sees_state(|state| state.phase == Phase::Playing).await;
    ann.wait_for_text(" O 11,7  Bob's turn").await;
    // The one who leaves loses.
    drop(bob);
    ann.wait_for_text("you won (departure)  no opponent now").await;
    ann.press("q");
    assert_eq!(ann.wait_for_end().await, 0);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_game_is_watched_to_its_end_in_a_smaller_terminal() {
    let server = TestServer::start(|_| {}).unwrap();
    let bob = Bob::open_five(&server).await;
    let mut ann = Terminal::start(malpan(&server, &["--room", "1", "--watch"]), (60, 20));
    ann.wait_for_text(" room 1 Lounge  watching  Ann").await;
    ann.wait_for_text(" -  Bob").await;
    ann.press("t");
    ann.wait_for_text("only watching: join the room to play and chat").await;
    // The room closes with Bob, and Ann gets a seat in another.
    drop(bob);
    ann.wait_for_text("* room 1 has closed").await;
    ann.wait_for_text("[-] Ann (you)").await;
    ann.press("q");
    assert_eq!(ann.wait_for_end().await, 0);
    server.stop().await;
}
