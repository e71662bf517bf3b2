//! What `malpan bot --help` says is part of the contract.

#![allow(clippy::unwrap_used, reason = "a test; clippy knows only test functions for it, not their helpers")]

use assert_cmd::Command;

#[test]
fn bot_help() {
    let output = Command::new(env!("CARGO_BIN_EXE_malpan"))
        .args(["bot", "--help"])
        // Lines as wide as in a usual terminal, wherever the test runs.
        .env("COLUMNS", "100")
        .output()
        .unwrap();
    assert!(output.status.success());
    insta::assert_snapshot!(String::from_utf8(output.stdout).unwrap().replace("malpan.exe", "malpan"));
}
