//! The examples as a user runs them: processes, real sockets, Ctrl-C.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::{
    env::{consts::EXE_SUFFIX, current_exe},
    io::{BufRead, BufReader, Read, Write},
    net::{Shutdown, TcpStream},
    process::{Child, Command, Stdio},
    time::Duration,
};

/// Only a test that fails waits for it.
const LONG: Duration = Duration::from_secs(30);

/// An example that runs until this is dropped.
struct Example {
    process: Child,
    address: String,
}

impl Example {
    fn start(name: &str) -> Self {
        let folder = current_exe().unwrap().parent().unwrap().with_file_name("examples");
        let program = folder.join(format!("{name}{EXE_SUFFIX}"));
        let mut process = Command::new(&program).stdout(Stdio::piped()).spawn().unwrap_or_else(|error| {
            panic!("{}: {error}; `cargo test -p malpan-net` builds it, and tests alone do not", program.display())
        });
        let mut ready = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut ready).unwrap();
        let address = ready.trim_end().strip_prefix("ready listen=").expect(&ready).to_owned();
        Self { process, address }
    }

    fn connect(&self) -> Client {
        let stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(LONG)).unwrap();
        Client(BufReader::new(stream))
    }

    /// A client of the chat, in the lobby.
    fn enter(&self, name: &str) -> Client {
        let mut client = self.connect();
        client.hears("* welcome; who are you? /name NAME");
        client.says(&format!("/name {name}\n"));
        client.hears("* you are in the lobby; /who, /join ROOM, /name NAME, /quit");
        client
    }

    /// Stops it as Ctrl-C does.
    #[cfg(unix)]
    fn interrupt(&self) {
        let kill = format!("kill -s INT {}", self.process.id());
        assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
    }
}

impl Drop for Example {
    fn drop(&mut self) {
        // An error means that it has ended.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

struct Client(BufReader<TcpStream>);

impl Client {
    fn says(&mut self, text: &str) {
        self.0.get_mut().write_all(text.as_bytes()).unwrap();
    }

    #[track_caller]
    fn hears(&mut self, line: &str) {
        let mut heard = String::new();
        self.0.read_line(&mut heard).unwrap();
        assert_eq!(heard, format!("{line}\n"));
    }

    /// Has said all.
    fn finishes(&mut self) {
        self.0.get_mut().shutdown(Shutdown::Write).unwrap();
    }

    /// The server has said all.
    #[track_caller]
    fn hears_the_end(&mut self) {
        let mut rest = String::new();
        self.0.read_to_string(&mut rest).unwrap();
        assert_eq!(rest, "");
    }
}

#[test]
fn echo_answers_lines_however_they_are_cut() {
    let echo = Example::start("echo");
    let (mut one, mut other) = (echo.connect(), echo.connect());
    one.says("joi");
    other.says("another\n");
    other.hears("another");
    one.says("ned\nand\nmo");
    one.hears("joined");
    one.hears("and");
    one.says("re\n");
    one.hears("more");
    // The last one may lack its end.
    one.says("last");
    one.finishes();
    one.hears("last");
    one.hears_the_end();
    other.says(&"x".repeat(1025));
    other.hears_the_end();
}

#[test]
fn chat_tells_everyone_in_the_room_and_nobody_else() {
    let chat = Example::start("chat");
    let mut ann = chat.enter("Ann");
    let mut bob = chat.enter("Bob");
    ann.hears("* Bob came in");
    // As telnet ends its lines, and two at once.
    bob.says("hello\r\nhow are you?\r\n");
    for client in [&mut ann, &mut bob] {
        client.hears("Bob: hello");
        client.hears("Bob: how are you?");
    }
    bob.says("/join den\n");
    ann.hears("* Bob went to den");
    bob.hears("* Bob came in");
    ann.says("are you gone?\n");
    ann.hears("Ann: are you gone?");
    bob.says("yes\n/who\n");
    bob.hears("Bob: yes");
    bob.hears("* in den: Bob");
    let _cleo = chat.enter("Cleo");
    ann.hears("* Cleo came in");
    ann.says("/who\n");
    ann.hears("* in lobby: Ann, Cleo");
}

#[test]
fn a_name_comes_first_and_is_ones_own() {
    let chat = Example::start("chat");
    let mut ann = chat.enter("Ann");
    let mut stranger = chat.connect();
    stranger.hears("* welcome; who are you? /name NAME");
    for line in ["hello\n", "/who\n", "/join den\n"] {
        stranger.says(line);
        stranger.hears("* first say who you are: /name NAME");
    }
    stranger.says("/name aNN\n");
    stranger.hears("* that name is taken");
    for line in ["/name\n", "/name two words\n", &format!("/name {}\n", "x".repeat(21))] {
        stranger.says(line);
        stranger.hears("* one word of up to 20 letters and digits");
    }
    stranger.says("/name Bob\n");
    stranger.hears("* you are in the lobby; /who, /join ROOM, /name NAME, /quit");
    ann.hears("* Bob came in");
    // A name that is given up is free again, and one's own is never taken.
    ann.says("/name ANN\n/name Dora\n");
    for client in [&mut ann, &mut stranger] {
        client.hears("* Ann is now ANN");
        client.hears("* ANN is now Dora");
    }
    stranger.says("/name Ann\n");
    ann.hears("* Bob is now Ann");
}

#[test]
fn whoever_leaves_the_chat_is_missed_however_it_goes() {
    let chat = Example::start("chat");
    let mut ann = chat.enter("Ann");
    let mut bob = chat.enter("Bob");
    ann.hears("* Bob came in");
    bob.says("/quit\n");
    bob.hears("* goodbye");
    bob.hears_the_end();
    ann.hears("* Bob left");
    // Half a line at the end is not said.
    let mut bob = chat.enter("Bob");
    ann.hears("* Bob came in");
    bob.says("whole\nhalf");
    bob.finishes();
    bob.hears("Bob: whole");
    bob.hears_the_end();
    ann.hears("Bob: whole");
    ann.hears("* Bob left");
    let mut bob = chat.enter("Bob");
    ann.hears("* Bob came in");
    bob.says(&"x".repeat(401));
    bob.hears("* max line length exceeded");
    bob.hears_the_end();
    ann.hears("* Bob left");
}

#[test]
fn nobodys_terminal_is_written_on() {
    let chat = Example::start("chat");
    let mut ann = chat.enter("Ann");
    let mut bob = chat.enter("Bob");
    ann.hears("* Bob came in");
    for line in ["\x1b[2Jgone\n", "a\tb\n", "\u{9b}2J\n", "/name \x07bell\n", "back\rforth\n"] {
        bob.says(line);
        bob.hears("* no control characters, please");
    }
    bob.says("\n");
    bob.hears("* say something");
    bob.says("/shout\n");
    bob.hears("* /name NAME, /join ROOM, /who or /quit; all else is said");
    bob.says("hi\n");
    ann.hears("Bob: hi");
}

#[test]
fn whoever_talks_too_fast_is_not_heard() {
    let chat = Example::start("chat");
    let mut ann = chat.enter("Ann");
    ann.says(&"x\n".repeat(60));
    let answers = (&mut ann.0).lines().map(Result::unwrap);
    let heard = answers.take_while(|line| line != "* not so fast").inspect(|line| assert_eq!(line, "Ann: x")).count();
    // Her name was one of the first 20, and a slow machine has given her some more time.
    assert!((19..59).contains(&heard), "{heard} lines");
}

#[cfg(unix)]
#[test]
fn a_server_that_is_interrupted_says_goodbye() {
    for (name, farewell) in [("echo", None), ("chat", Some("* the server stops; goodbye"))] {
        let mut server = Example::start(name);
        // Whoever is answered is served, and the server hears signals by then.
        let mut client = if name == "chat" { server.enter("Ann") } else { server.connect() };
        client.says("hi\n");
        client.hears(if name == "chat" { "Ann: hi" } else { "hi" });
        server.interrupt();
        if let Some(farewell) = farewell {
            client.hears(farewell);
        }
        client.hears_the_end();
        drop(client);
        assert!(server.process.wait().unwrap().success());
        assert!(TcpStream::connect(&server.address).is_err());
    }
}
