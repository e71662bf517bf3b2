//! `docs/tutorial.md`: what it names exists, and its programs do what it says, built in empty crates as it says.
#![allow(clippy::unwrap_used, reason = "a test")]

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead, BufReader, Write},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

const PATIENCE: Duration = Duration::from_secs(30);

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

fn page() -> String {
    fs::read_to_string(root().join("docs/tutorial.md")).unwrap()
}

/// The files that the page writes, by their paths.
fn files() -> BTreeMap<String, String> {
    let page = page();
    let mut files = BTreeMap::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        let Some((_, path)) = line.split_once(" file=") else { continue };
        assert!(line.starts_with("```"), "{line}");
        let body: Vec<_> = lines.by_ref().take_while(|line| *line != "```").collect();
        files.insert(path.to_owned(), body.join("\n") + "\n");
    }
    files
}

#[test]
fn every_linked_file_exists() {
    let page = page();
    let links: Vec<_> = page.split("](").skip(1).map(|rest| rest.split_once(')').unwrap().0).collect();
    assert!(links.len() > 30, "{links:?}");
    for link in links.into_iter().filter(|link| !link.starts_with('#')) {
        assert!(root().join("docs").join(link).is_file(), "{link}");
    }
}

#[test]
fn every_example_that_is_to_be_run_exists() {
    let page = page();
    for name in page.split("--example ").skip(1) {
        let name: String = name.chars().take_while(char::is_ascii_alphanumeric).collect();
        assert!(root().join(format!("server/net/examples/{name}.rs")).is_file(), "{name}");
    }
}

/// A process that is ended with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // Errors mean that it has ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Writes the page's crate `name` into an empty folder and builds it. Returns the folder of its programs.
fn build(name: &str, folder: &Path) -> PathBuf {
    let checkout = root().to_str().unwrap();
    for (path, body) in files() {
        let to = folder.join(&path);
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::write(to, body.replace("../malpan/", &format!("{checkout}/"))).unwrap();
    }
    // The versions that the workspace has, so that nothing else has to be fetched.
    fs::copy(root().join("Cargo.lock"), folder.join(name).join("Cargo.lock")).unwrap();
    // Beside the workspace's own, so that what was built once is not built for every run.
    let target = root().join("target/tutorial");
    let built = Command::new(env!("CARGO"))
        .args(["build", "--offline", "--quiet"])
        .current_dir(folder.join(name))
        .env("CARGO_TARGET_DIR", &target)
        // They are built once, and nobody debugs them: a third of the size.
        .envs([("CARGO_PROFILE_DEV_DEBUG", "false"), ("CARGO_INCREMENTAL", "0")])
        .status()
        .unwrap();
    assert!(built.success(), "{name} does not build");
    target.join("debug")
}

/// Starts a server on a free port; returns it with its address.
fn start(program: &Path) -> (Running, String) {
    let mut child = Command::new(program).arg("127.0.0.1:0").stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    let address = line.trim().strip_prefix("ready listen=").expect("the ready line").to_owned();
    (Running(child), address)
}

/// Someone who chats.
struct Person(BufReader<TcpStream>);

impl Person {
    fn connect(address: &str) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Self(BufReader::new(stream))
    }

    fn says(&mut self, text: &str) {
        self.0.get_mut().write_all(format!("{text}\n").as_bytes()).unwrap();
    }

    fn hears(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }
}

#[test]
#[ignore = "builds a crate of its own, which takes a while; .ci/run runs it"]
fn the_chat_server_is_built_from_an_empty_crate_and_runs() {
    let folder = tempfile::tempdir().unwrap();
    let programs = build("my-chat", folder.path());
    let (_server, address) = start(&programs.join("my-chat"));
    let (mut ann, mut bob) = (Person::connect(&address), Person::connect(&address));
    for (person, name) in [(&mut ann, "Ann"), (&mut bob, "Bob")] {
        assert_eq!(person.hears(), "* your name?");
        person.says(name);
        assert_eq!(person.hears(), format!("* {name} is here"));
    }
    assert_eq!(ann.hears(), "* Bob is here");
    ann.says("hello \u{1b}[2J");
    assert_eq!((ann.hears(), bob.hears()), ("Ann: hello [2J".into(), "Ann: hello [2J".into()));
    drop(bob);
    assert_eq!(ann.hears(), "* Bob is gone");
    ann.says(&"x".repeat(300));
    assert_eq!(ann.hears(), "* goodbye (Malformed)");
}

#[test]
#[ignore = "builds a crate of its own, which takes a while; .ci/run runs it"]
fn the_game_is_built_from_an_empty_crate_and_played_to_its_end() {
    let folder = tempfile::tempdir().unwrap();
    let programs = build("potato", folder.path());
    let (_server, address) = start(&programs.join("server"));
    let player = |name: &str| {
        Command::new(programs.join("player")).args([&address, name]).stdout(Stdio::piped()).spawn().unwrap()
    };
    let [ann, bob] = ["Ann", "Bob"].map(player).map(|child| child.wait_with_output().unwrap());
    for output in [ann, bob] {
        let told = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{told}");
        assert!(told.lines().last().unwrap().ends_with(" is out of luck"), "{told}");
    }
}
