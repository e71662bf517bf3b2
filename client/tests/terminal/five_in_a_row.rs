//! Five in a row through pipes.

use super::{Bob, run_plainly};
use malpan_client::{
    Room,
    protocol::{
        GameName, RoomTitle,
        game::five::{Outcome, Phase, State, Victory},
    },
};
use malpan_e2e::{TestServer, within};

impl Bob<State> {
    /// In a room of his own making.
    pub(crate) async fn open_five(server: &TestServer) -> Self {
        let mut client = server.guest("Bob").await.unwrap();
        let title = RoomTitle::new("Lounge").unwrap();
        let joined = client.open_room(Some(GameName::FIVE), title, None).await.unwrap();
        Self { client, room: Room::new(&joined).unwrap() }
    }

    /// Takes packets in until the game is as `wanted`.
    pub(crate) async fn sees_state(&mut self, wanted: impl Fn(&State) -> bool) {
        let seen = async {
            while !wanted(self.room.view()) {
                self.next().await;
            }
        };
        within(seen).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_script_plays_five_in_a_row() {
    let server = TestServer::start(|_| {}).unwrap();
    let mut bob = Bob::open_five(&server).await;
    let script = "place 7,7\nchat hello Bob\nup\nrematch\nresign\nplace 7,7\nboard\nrooms\n";
    let (code, stdout, stderr) = run_plainly(&server, &["--game", "five"], script).await;
    let address = server.address();
    let expected = format!(
        "connected {address} as Ann\n\
         joined room 1 seat 1 game five\n\
         member Bob black\n\
         you Ann white\n\
         began black Bob white Ann\n\
         turn Bob\n\
         refused: not your turn\n\
         chat Ann: hello Bob\n\
         error: this room plays five: place X,Y, resign, rematch, board\n\
         refused: the game is still on\n\
         over Bob won (resignation)\n\
         refused: no game is on\n\
         board 15x15, X black Bob, O white Ann, stones 0, over Bob won (resignation)\n\
         {}\
         room 1 2/2 Lounge [five]\n\
         rooms listed 1\n\
         bye\n",
        "...............\n".repeat(15)
    );
    assert_eq!((code, stdout.as_str(), stderr.as_str()), (Some(0), expected.as_str(), ""));
    let own = bob.room.own_seat().unwrap();
    let by = Victory::Resignation;
    bob.sees_state(|state| state.phase == Phase::Over(Outcome::Won { seat: own, by })).await;
    bob.is_alone().await;
    drop(bob);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_script_watches_a_game() {
    let server = TestServer::start(|_| {}).unwrap();
    let bob = Bob::open_five(&server).await;
    let script = "who\nplace 7,7\nchat hi\nstatus\nopen Ours\nrooms\n";
    let (code, stdout, _) = run_plainly(&server, &["--room", "1", "--watch", "--game", "five"], script).await;
    let lines: Vec<&str> = stdout.lines().skip(1).filter(|line| !line.starts_with("status ")).collect();
    let only_watching = "error: only watching: join the room to play and chat";
    let watched =
        ["watching room 1 game five", "member Bob waiting", "member Bob waiting", only_watching, only_watching];
    let opened = ["lobby", "joined room 2 seat 0 game five", "you Ann waiting"];
    let list = ["room 1 1/2 Lounge [five]", "room 2 1/2 Ours [five]", "rooms listed 2", "bye"];
    assert_eq!(lines, [&watched[..], &opened, &list].concat());
    assert!(stdout.contains("status online, watching room 1, "), "{stdout}");
    assert_eq!(code, Some(0));
    drop(bob);
    server.stop().await;
}
