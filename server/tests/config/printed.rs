//! The printed file: complete, true and readable.

use crate::{BTreeSet, Config, check_file, default_file, file, keys};

/// The names of all values of a table, with their sections.
fn names(prefix: &str, table: &toml::Table) -> BTreeSet<String> {
    let of = |(key, value): (&String, &toml::Value)| match value {
        toml::Value::Table(section) => names(&format!("{prefix}{key}."), section),
        _ => [format!("{prefix}{key}")].into(),
    };
    table.iter().flat_map(of).collect()
}

#[test]
fn the_file_is_the_default() {
    assert_eq!(toml::from_str::<Config>(&default_file()).unwrap(), Config::default());
    assert_eq!(check_file(file(&default_file()).path()).unwrap(), Config::default());
}

#[test]
fn no_key_is_missing_and_none_is_too_many() {
    let fields = names("", &toml::Table::try_from(Config::default()).unwrap());
    assert_eq!(names("", &default_file().parse().unwrap()), fields);
    assert_eq!(keys().map(|key| key.name.to_string()).collect::<BTreeSet<_>>(), fields);
    assert_eq!(keys().count(), fields.len(), "each once");
}

#[test]
fn every_key_has_a_comment_with_what_is_allowed() {
    let printed = default_file();
    let paragraphs: Vec<_> = printed.split("\n\n").skip(1).collect();
    assert_eq!(paragraphs.len(), keys().count());
    for (paragraph, key) in paragraphs.iter().zip(keys()) {
        let said: String = paragraph.lines().filter_map(|line| line.strip_prefix('#')).collect();
        assert!(said.contains(key.about) && !key.about.is_empty(), "{paragraph}");
        assert!(said.ends_with(&format!(" Allowed: {}.", key.allowed)), "{paragraph}");
        assert!(paragraph.lines().all(|line| line.starts_with('[') || line.chars().count() <= 100), "{paragraph}");
    }
}

#[test]
fn the_beginning_reads_well() {
    let beginning: Vec<_> = default_file().lines().take(54).map(str::to_owned).collect();
    insta::assert_snapshot!(beginning.join("\n"), @r#"
    # The configuration of malpan-server: every key with its default. Flags and MALPAN_... variables go
    # before this file; a key left out has its default.

    # Addresses on which players are awaited. Port 0 takes a free one; the ready line says which.
    # Allowed: one or more of IP:PORT, such as 127.0.0.1:7777 or [::1]:7777, each once.
    listen = ["127.0.0.1:7777"]

    # Address on which health and metrics are served over HTTP, or `off`. Port 0 takes a free one; the
    # ready line says which. Whoever reaches it can read them.
    # Allowed: IP:PORT, such as 127.0.0.1:7780 or [::1]:7780, or off.
    http = "127.0.0.1:7780"

    # Address on which clients of the lecture wire are awaited, or `off`. Port 0 takes a free one; the
    # ready line says which.
    # Allowed: IP:PORT, such as 127.0.0.1:4000 or [::1]:4000, or off.
    lecture = "off"

    # Where accounts and rooms are kept: in a file of this server alone (`redb:PATH`, or `redb` for
    # `malpan/malpan.redb` in the user's folder for data), in a Redis or Valkey that several servers may
    # share (its URL), or in memory, where they are gone with the server (`memory:`).
    # Allowed: redb, redb:PATH, memory:, or the URL of a Redis, such as redis://127.0.0.1:6379?node=one.
    store = "redb"

    # Where `malpan-server account` and `malpan-server notice` reach this server: a path for a Unix
    # socket, which only the server's own user may use (on Windows for a file with the name of a pipe),
    # `auto` for beside the store's file, or `off`.
    # Allowed: auto, off, or a path, such as /run/malpan/control.
    control = "auto"

    # Shards: threads that each serve their own sessions and rooms. 0 starts one per processor core.
    # Allowed: 0 to 1024 shards.
    shards = 0

    # Threads that run the rooms' rules apart from the shards, for games whose rules are slow: a slow
    # rule then holds up the rooms of its thread and no connection. 0 runs each room on the shard of
    # whoever opened it, which is faster for quick rules.
    # Allowed: 0 to 1024 threads.
    rules_threads = 0

    # The least time between two looks of a shard at its sockets. The first packet after a rest is
    # handled at once; those that follow within this time are handled together, which costs a busy
    # server less. 0s looks whenever something comes.
    # Allowed: 0s to 100ms, in whole milliseconds and with its unit.
    poll_interval = "4ms"

    # Time in which the server stops once it is asked to. Until two seconds before its end the players
    # play on; 0s ends their play at once.
    # Allowed: 0s to 1h, in whole milliseconds and with its unit.
    drain = "10s"

    [game]
    # The board's width and height in cells. It must have a cell for each seat.
    # Allowed: WIDTHxHEIGHT, each 1 to 64 cells, such as 8x8.
    board = "8x8"
    "#);
}
