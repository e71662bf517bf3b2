//! That what is packed in `packaging/` names flags, variables and keys that there are, and files that are there.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use assert_cmd::Command;
use malpan_server::{
    cli::{self, Flags},
    config::Config,
};
use std::{
    fs,
    path::{Path, PathBuf},
};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn packed(name: &str) -> String {
    fs::read_to_string(root().join("packaging").join(name)).unwrap().replace("\r\n", "\n")
}

/// What a server makes of these variables.
fn configured(variables: impl IntoIterator<Item = (String, String)>) -> Config {
    let variables = variables.into_iter().map(|(name, value)| (name.into(), value.into()));
    cli::load(&Flags::default(), variables).unwrap_or_else(|error| panic!("{error}"))
}

/// Every `MALPAN_NAME`, `between`, value of a text; a value ends at a space.
fn variables(text: &str, between: &str) -> Vec<(String, String)> {
    let words =
        text.lines().filter(|line| !line.trim_start().starts_with('#')).flat_map(|line| line.split("MALPAN_").skip(1));
    let pairs = words.filter_map(|word| word.split_once(between));
    pairs.map(|(name, rest)| (format!("MALPAN_{name}"), rest.split(' ').next().unwrap().to_owned())).collect()
}

#[test]
fn the_sample_configuration_is_the_defaults_with_a_store_where_systemd_makes_a_folder() {
    let sample = root().join("packaging/malpan-server.toml");
    let checked = Command::cargo_bin("malpan-server").unwrap().args(["config", "check"]).arg(&sample).output().unwrap();
    assert_eq!(String::from_utf8(checked.stdout).unwrap(), "ok\n");

    let flags = Flags { config: Some(sample), ..Flags::default() };
    let store = "redb:/var/lib/malpan/malpan.redb".parse().unwrap();
    assert_eq!(cli::load(&flags, []).unwrap(), Config { store, ..Config::default() });
    assert!(packed("malpan.service").contains("\nStateDirectory=malpan\n"));
}

#[test]
fn what_the_sample_shows_as_a_comment_is_accepted_too() {
    let sample = packed("malpan-server.toml");
    let shown = sample.lines().map(|line| match line.strip_prefix('#') {
        Some(key) if key.starts_with(|first: char| first.is_ascii_lowercase()) => format!("{key}\n"),
        _ => format!("{line}\n"),
    });
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("shown.toml");
    fs::write(&file, shown.collect::<String>()).unwrap();
    let config = cli::load(&Flags { config: Some(file), ..Flags::default() }, []).unwrap();
    assert!(config.tls.cert.path().is_some() && config.tls.key.path().is_some());
}

#[test]
fn the_unit_starts_what_is_packed() {
    let unit = packed("malpan.service");
    assert!(unit.contains("\nExecStart=malpan-server --config /etc/malpan/malpan-server.toml\n"), "{unit}");
    assert!(unit.contains("\nType=notify\n") && unit.contains("\nUser=malpan\n"), "{unit}");
    assert!(packed("malpan.sysusers").contains("\nu malpan "));
}

#[test]
fn the_image_is_configured_by_variables_that_there_are() {
    let dockerfile = packed("Dockerfile");
    let config = configured(variables(&dockerfile, "="));
    assert_eq!(config.listen, ["0.0.0.0:7777".parse().unwrap()]);
    assert_eq!(config.http.to_string(), "0.0.0.0:7780");
    assert_eq!(config.store.to_string(), "redb:/var/lib/malpan/malpan.redb");
    assert!(dockerfile.contains("\nEXPOSE 7777 7780\n"));
    assert!(
        dockerfile.contains(" CMD [\"malpan-server\", \"health\"]\n") && dockerfile.contains("\nUSER 10001:10001\n")
    );
}

#[test]
fn the_image_is_built_with_the_toolchain_of_the_workspace() {
    let toolchain = fs::read_to_string(root().join("rust-toolchain.toml")).unwrap();
    let channel = toolchain.split('"').nth(1).unwrap();
    let dockerfile = packed("Dockerfile");
    assert!(dockerfile.contains(&format!("FROM rust:{channel}-slim-bookworm AS build\n")), "{channel}");
    assert!(dockerfile.contains(&format!("RUSTUP_TOOLCHAIN={channel}\n")), "{channel}");
}

#[test]
fn the_image_copies_files_that_are_there() {
    let dockerfile = packed("Dockerfile");
    for file in ["LICENSE-MIT", "LICENSE-APACHE"] {
        assert!(dockerfile.contains(&format!("/malpan/{file} ")) && root().join(file).is_file(), "{file}");
    }
    // What the build does not see it cannot need: every member of the workspace is let through.
    for kept in packed("Dockerfile.dockerignore").lines().filter_map(|line| line.strip_prefix("!/")) {
        assert!(kept == "LICENSE-*" || root().join(kept).exists(), "{kept}");
    }
}

#[test]
fn the_composed_server_is_configured_by_variables_that_there_are() {
    let composed = packed("compose.yaml");
    let image = variables(&packed("Dockerfile"), "=");
    let config = configured(image.into_iter().chain(variables(&composed, ": ")));
    assert_eq!(config.store.to_string(), "redis://valkey:6379?node=main");
    assert_eq!(config.control.to_string(), "/var/lib/malpan/malpan.control");
    let grace = composed.split("stop_grace_period: ").nth(1).unwrap().split('s').next().unwrap();
    assert!(grace.parse::<u64>().unwrap() > config.drain.as_secs(), "docker would end what still drains");
}
