//! Accounts, the room browser and coming back, in a pseudo-terminal.

use super::{Bob, accounts, pty::Terminal, wire::Wire};
use malpan_client::{Client, protocol::Secret};
use malpan_e2e::{TestServer, line, name, within};
use portable_pty::CommandBuilder;
use std::time::Duration;

const RIGHT: &str = "\x1b[C";
const DOWN: &str = "\x1b[B";
const ENTER: &str = "\r";
const ESC: &str = "\x1b";
const TAB: &str = "\t";

fn secret() -> Secret {
    Secret::new("correct horse").unwrap()
}

fn malpan(address: &str, flags: &[&str]) -> Terminal {
    let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_malpan"));
    command.args(["play", address]);
    command.args(flags);
    Terminal::start(command, (80, 24))
}

/// No byte of it was ever sent to the terminal.
fn was_not_shown(terminal: &Terminal, secret: &str) {
    let sent = String::from_utf8_lossy(&terminal.sent()).into_owned();
    assert!(!sent.contains(secret), "{sent}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_key_on_the_first_screen_plays_as_a_guest() {
    let server = TestServer::start(|_| {}).unwrap();
    let mut guest = malpan(&server.address(), &[]);
    guest.wait_for_text("as        [guest] sign in  register").await;
    guest.press(ENTER);
    guest.wait_for_text("players 1/10").await;
    guest.wait_for_text("online").await;
    drop(guest);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_account_is_made_on_the_first_screen_and_a_wrong_password_told_there() {
    let server = accounts::server();
    let mut ann = malpan(&server.address(), &[]);
    ann.wait_for_text("not signed in").await;
    ann.press(&[RIGHT, RIGHT, TAB, "Ann", TAB, "correct horse", TAB, "correct horse"].concat());
    ann.wait_for_text("again     *************").await;
    ann.press(ENTER);
    ann.wait_for_text("Ann (you)").await;
    was_not_shown(&ann, "horse");
    drop(ann);

    let mut ann = malpan(&server.address(), &[]);
    ann.wait_for_text("not signed in").await;
    ann.press(&[RIGHT, TAB, "ann", TAB, "wrong horse", ENTER].concat());
    ann.wait_for_text("wrong name or password").await;
    ann.press(&["correct horse", ENTER].concat());
    ann.wait_for_text("Ann (you)").await;
    was_not_shown(&ann, "horse");
    drop(ann);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_password_is_asked_for_without_echo_and_whoever_signs_in_elsewhere_ends_it() {
    let server = accounts::server();
    let mut client = server.connect().await.unwrap();
    client.register(name("Ann"), secret()).await.unwrap();
    client.bye().await.unwrap();
    let mut ann = malpan(&server.address(), &["--login", "Ann"]);
    ann.wait_for_text("Password:").await;
    ann.press(&["correct horse", ENTER].concat());
    ann.wait_for_text("Ann (you)").await;
    was_not_shown(&ann, "horse");

    let mut elsewhere: Client = server.connect().await.unwrap();
    within(elsewhere.login(name("Ann"), secret())).await.unwrap();
    assert_eq!(ann.wait_for_end().await, 1);
    let screen = ann.rows().join("\n");
    assert!(screen.contains(": you have signed in from elsewhere") && screen.contains("cannot go on at"), "{screen}");
    assert_eq!(ann.is_taken(), [false; 3], "and the terminal is given back");
    drop(elsewhere);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_gives_no_password_is_not_played_for() {
    let server = TestServer::start(|_| {}).unwrap();
    let mut ann = malpan(&server.address(), &["--register", "Ann"]);
    ann.wait_for_text("New password:").await;
    ann.press("correct horse\x03");
    assert_eq!(ann.wait_for_end().await, 1);
    assert!(ann.rows().join("\n").contains("malpan: no password was given"), "{:?}", ann.rows());
    was_not_shown(&ann, "horse");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_room_is_opened_and_found_and_its_password_asked_for() {
    let server = TestServer::start(|_| {}).unwrap();
    let bob = Bob::open_room(&server).await;
    let mut ann = malpan(&server.address(), &["--name", "Ann"]);
    ann.wait_for_text("Ann (you)").await;
    ann.press(TAB);
    ann.wait_for_text("Lounge").await;
    ann.press("n");
    ann.wait_for_text(" a new room ").await;
    ann.press(&["우리 방", DOWN, DOWN, "4", DOWN, "4x4", DOWN, "sesame", ENTER].concat());
    ann.wait_for_text("┌ 4x4 ").await;
    ann.wait_for_text("Ann (you) *").await;

    let mut eve = malpan(&server.address(), &["--name", "Eve", "--room", &bob.room.id().to_string()]);
    eve.wait_for_text("Eve (you)").await;
    eve.press(&[TAB, "f"].concat());
    eve.wait_for_text("rooms with this in their title").await;
    eve.press(&["우리", ENTER].concat());
    eve.wait_for_text("locked by Ann board   1/4").await;
    eve.press(ENTER);
    eve.wait_for_text("has a password").await;
    eve.press(&["wrong", ENTER].concat());
    // The seat before is taken again meanwhile.
    eve.wait_for_text("that is not the password of room 2").await;
    eve.wait_for_text("[1] Eve (you)").await;
    eve.press(&["sesame", ENTER].concat());
    eve.wait_for_text("┌ 4x4 ").await;
    ann.wait_for_text("Eve came").await;
    was_not_shown(&eve, "sesame");
    drop((ann, eve, bob));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_connection_comes_back_on_the_same_screen_with_what_was_missed() {
    let server = TestServer::start(|config| config.limits.resume_grace = Duration::from_secs(600)).unwrap();
    let mut bob = Bob::open_room(&server).await;
    let wire = Wire::to(server.address()).await;
    let room = bob.room.id().to_string();
    let mut ann = malpan(&wire.address(), &["--name", "Ann", "--room", &room]);
    // Room for all that is said.
    ann.resize(80, 34);
    ann.wait_for_text("[1] Ann (you)").await;
    ann.wait_for_text(" you 6,0  ? keys").await;
    ann.press("t/me waves\r");
    ann.wait_for_text(" * Ann waves").await;
    ann.press("thalf a li");
    ann.wait_for_text("say> half a li").await;

    wire.cut();
    ann.wait_for_text("connection lost").await;
    // What is being written stands in the bottom line, and the state in the top one.
    ann.wait_for("trying", |rows| (rows[0].contains("offline") || rows[0].contains("reconnecting")).then_some(()))
        .await;
    let screen = ann.rows().join("\n");
    assert!(screen.contains("[1] Ann (you)") && screen.contains("say> half a li"), "{screen}");
    bob.client.chat(line("are you there?")).unwrap();
    bob.hears().await;

    wire.mend();
    ann.wait_for_text("Bob: are you there?").await;
    ann.wait_for_text(" * Ann waves").await;
    ann.wait_for_text("online").await;
    let screen = ann.rows().join("\n");
    assert!(screen.contains("[1] Ann (you)") && screen.contains("say> half a li"), "{screen}");
    assert_eq!(screen.matches("are you there?").count(), 1, "{screen}");
    assert!(!screen.contains("out of step"), "{screen}");
    ann.press(ESC);
    drop((ann, bob));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_stopped_and_started_again_finds_the_player_on_the_board_without_a_key() {
    let folder = tempfile::tempdir().unwrap();
    let store = format!("redb:{}", folder.path().join("malpan.redb").display());
    let start = || {
        TestServer::start(|config| {
            config.store = store.parse().unwrap();
            config.limits.resume_grace = Duration::from_secs(600);
        })
    };
    let server = start().unwrap();
    // Every server has a port of its own: the old one might be someone else's by then.
    let wire = Wire::to(server.address()).await;
    let mut ann = malpan(&wire.address(), &["--name", "Ann"]);
    // Room for all that is said.
    ann.resize(80, 34);
    ann.wait_for_text(" you 0,0  ? keys").await;
    ann.press(DOWN);
    ann.wait_for_text(" you 0,1  ? keys").await;
    ann.press("tbefore\r");
    ann.wait_for_text("Ann: before").await;
    server.stop().await;
    ann.wait_for_text("reconnecting").await;
    let screen = ann.rows().join("\n");
    assert!(screen.contains("[0] Ann (you)") && screen.contains("Ann: before"), "the screen stays\n{screen}");

    // The one before lets go of its file when the last of its tasks is gone.
    let again = async {
        loop {
            match start() {
                Ok(server) => return server,
                Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        }
    };
    let server = within(again).await;
    wire.lead_to(server.address());
    ann.wait_for_text("back in room 1").await;
    ann.wait_for_text("online").await;
    ann.wait_for_text(" you 0,1 ").await;
    // And it is the server that says where she stands.
    ann.press(DOWN);
    ann.wait_for_text(" you 0,2 ").await;
    drop(ann);
    server.stop().await;
}
