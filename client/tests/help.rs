//! What `malpan` says about itself: a contract, so every change of it is seen.

#![allow(clippy::unwrap_used, reason = "every function here is a test's")]

use assert_cmd::Command;

/// Runs `malpan` as from a script: no terminal, nothing to read, and no width of its own.
fn malpan(args: &[&str]) -> Command {
    let mut command = Command::cargo_bin("malpan").unwrap();
    command.args(args).env("COLUMNS", "100").env_remove("NO_COLOR");
    command
}

fn stdout(args: &[&str]) -> String {
    let output = malpan(args).output().unwrap();
    assert!(output.status.success());
    // Windows names the program with its suffix.
    String::from_utf8(output.stdout).unwrap().replace("malpan.exe", "malpan")
}

#[test]
fn malpan_help() {
    insta::assert_snapshot!(stdout(&["--help"]));
}

#[test]
fn malpan_play_help() {
    insta::assert_snapshot!(stdout(&["play", "--help"]));
}

#[test]
fn malpan_play_short_help() {
    insta::assert_snapshot!(stdout(&["play", "-h"]));
}

#[test]
fn without_a_terminal_plain_is_suggested() {
    let assert = malpan(&["play"]).assert().code(2);
    let stderr = String::from_utf8(assert.get_output().stderr.clone()).unwrap();
    assert_eq!(stderr, "malpan: playing needs a terminal. Without one, use `malpan play --plain`.\n");
}

#[test]
fn wrong_usage_is_told_before_anything_is_done() {
    let long_name = "x".repeat(21);
    for args in [
        &["play", "--plain", "http://host"][..],
        &["play", "--plain", "--name", &long_name],
        &["play", "--plain", "--name", " Ann"],
        &["play", "--plain", "--room", "first"],
        &["play", "--plain", "--game", "chess"],
        &["play", "--plain", "--watch"],
    ] {
        malpan(args).assert().code(2).stdout("");
    }
}

#[test]
fn a_game_that_this_client_cannot_play_is_refused_with_those_it_can() {
    let assert = malpan(&["play", "--plain", "--game", "chess"]).assert().code(2);
    let stderr = String::from_utf8(assert.get_output().stderr.clone()).unwrap();
    assert!(stderr.contains("invalid value 'chess'") && stderr.contains("[possible values: board, five]"), "{stderr}");
}

#[test]
fn without_a_server_it_says_what_to_do() {
    // Bound and dropped: nobody listens on this port now.
    let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let assert = malpan(&["play", "--plain", &address.to_string()]).assert().code(1).stdout("");
    let stderr = String::from_utf8(assert.get_output().stderr.clone()).unwrap();
    assert!(stderr.contains(&format!("cannot connect to {address}: connection refused")), "{stderr}");
    assert!(stderr.contains("Is malpan-server running"), "{stderr}");
}

#[test]
fn each_shell_gets_a_script_that_knows_the_flags() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = stdout(&["completions", shell]);
        assert!(script.contains("tls-name"), "{shell}: {script}");
    }
}

#[test]
fn every_command_has_a_manual_page() {
    let folder = tempfile::tempdir().unwrap();
    let pages = folder.path().join("share/man1");
    assert_eq!(stdout(&["man", pages.to_str().unwrap()]), "");
    for page in ["malpan.1", "malpan-play.1", "malpan-bot.1"] {
        let page = pages.join(page);
        let text = std::fs::read_to_string(&page).unwrap();
        assert!(text.contains("\n.TH malpan"), "{text}");
        assert_eq!(complaints(&page), "", "{}", page.display());
    }
}

/// What `man` finds wrong with a page; nothing where there is no `man`.
fn complaints(page: &std::path::Path) -> String {
    let mut man = std::process::Command::new("man");
    match man.args(["--warnings", "-l"]).arg(page).env("LC_ALL", "C.UTF-8").output() {
        Ok(output) => String::from_utf8(output.stderr).unwrap(),
        Err(_) => String::new(),
    }
}

/// Nobody is asked: the address is none.
#[test]
fn the_server_may_be_named_by_a_variable() {
    for command in [&["bot"][..], &["play", "--plain"]] {
        let output = Command::new(env!("CARGO_BIN_EXE_malpan"))
            .args(command)
            .env("MALPAN_ADDR", "from:the:variable")
            .output()
            .unwrap();
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.code() == Some(2) && told.contains("from:the:variable"), "{told}");
    }
}
