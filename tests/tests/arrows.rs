//! Which crate may depend on which, and what the server's accounts may see.
#![allow(clippy::unwrap_used, reason = "a test")]

use std::{fs, path::PathBuf};

/// Each crate, and the crates of ours that its code may use. (Its tests may use more.)
const ALLOWED: [(&str, &[&str]); 6] = [
    ("protocol", &[]),
    ("server/net", &[]),
    ("server/game", &["malpan-protocol"]),
    ("server", &["malpan-protocol", "malpan-net", "malpan-game"]),
    ("client", &["malpan-protocol"]),
    ("tests", &["malpan-protocol", "malpan-client", "malpan-server", "malpan-net", "malpan-game"]),
];

/// What the rules must not touch.
const IMPURE: [&str; 8] =
    ["tokio", "std::net", "std::thread", "Instant", "SystemTime", "rand::", "std::fs", "malpan_net"];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).parent().unwrap().into()
}

#[test]
fn crates_depend_one_way() {
    for (folder, allowed) in ALLOWED {
        let manifest = fs::read_to_string(root().join(folder).join("Cargo.toml")).unwrap();
        let dependencies = manifest.split("\n[dependencies]\n").nth(1).unwrap().split("\n[").next().unwrap();
        let ours: Vec<_> = dependencies
            .lines()
            .filter_map(|line| line.split(['.', ' ']).next())
            .filter(|name| name.starts_with("malpan-"))
            .collect();
        for name in &ours {
            assert!(allowed.contains(name), "{folder} must not depend on {name}");
        }
        assert_eq!(ours.len(), allowed.len(), "{folder} depends on {ours:?}");
    }
}

#[test]
fn rules_are_pure() {
    for file in fs::read_dir(root().join("server/game/src")).unwrap() {
        let path = file.unwrap().path();
        let code = code_of(&fs::read_to_string(&path).unwrap());
        for word in IMPURE {
            assert!(!code.contains(word), "{} names {word}", path.display());
        }
    }
}

#[test]
fn a_store_keeps_records_and_knows_nothing_of_who_uses_it() {
    for path in sources(root().join("server/src/store")) {
        let code = code_of(&fs::read_to_string(&path).unwrap());
        for word in
            ["malpan_net", "malpan_game", "SessionHandle", "Board", "crate::room", "crate::player", "crate::host"]
        {
            assert!(!code.contains(word), "{} names {word}", path.display());
        }
        assert!(!code.contains("crate::accounts"), "{} knows rules of accounts", path.display());
    }
}

#[test]
fn accounts_see_no_socket_and_no_board() {
    for path in sources(root().join("server/src/accounts")) {
        let code = code_of(&fs::read_to_string(&path).unwrap());
        for word in
            ["malpan_net", "malpan_game", "Session", "Socket", "Board", "crate::room", "crate::player", "crate::host"]
        {
            assert!(!code.contains(word), "{} names {word}", path.display());
        }
    }
}

/// Every source file in a folder, and in the folders in it.
fn sources(folder: PathBuf) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { sources(path) } else { vec![path] }).collect()
}

/// The file without its comments and tests.
fn code_of(source: &str) -> String {
    let code = source.split("#[cfg(test)]").next().unwrap();
    code.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}
