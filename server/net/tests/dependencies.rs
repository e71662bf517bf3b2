//! What this crate asks of whoever uses it stays small.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::fs;

/// A new one needs a reason, here and in the README.
const DEPENDENCIES: [&str; 8] =
    ["bytes", "futures", "socket2", "thiserror", "tokio", "tokio-rustls", "tokio-util", "tracing"];

#[test]
fn the_dependencies_are_few_and_the_readme_names_them() {
    let folder = env!("CARGO_MANIFEST_DIR");
    let manifest = fs::read_to_string(format!("{folder}/Cargo.toml")).unwrap();
    let section = manifest.split("\n[dependencies]\n").nth(1).unwrap().split("\n[").next().unwrap();
    let named: Vec<_> = section.lines().filter_map(|line| line.split(['.', ' ']).next()).collect();
    let named: Vec<_> = named.into_iter().filter(|name| !name.is_empty()).collect();
    assert_eq!(named, DEPENDENCIES);
    // Those of one system would hide from this.
    for header in manifest.lines().filter(|line| line.starts_with('[') && line.ends_with("dependencies]")) {
        assert!(header == "[dependencies]" || header.ends_with("dev-dependencies]"), "{header}");
    }
    let readme = fs::read_to_string(format!("{folder}/README.md")).unwrap();
    for name in DEPENDENCIES {
        assert!(readme.contains(&format!("`{name}`")), "the README does not name {name}");
    }
}

#[test]
fn the_readme_shows_the_echo_server_as_it_is() {
    let folder = env!("CARGO_MANIFEST_DIR");
    let example = fs::read_to_string(format!("{folder}/examples/echo.rs")).unwrap().replace("\r\n", "\n");
    let readme = fs::read_to_string(format!("{folder}/README.md")).unwrap().replace("\r\n", "\n");
    let code = example.split_once("\n\n").unwrap().1;
    assert!(readme.contains(&format!("```rust,no_run\n{code}```\n")), "the README shows another echo server");
}
