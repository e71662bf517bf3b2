//! That the manual and the welcome tell the truth of the configuration.

use crate::{Config, keys};

/// The table of keys as `docs/operations.md` has to have it.
fn table() -> String {
    let defaults = toml::Table::try_from(Config::default()).unwrap();
    let mut table = String::from("| key | default | allowed | what it is |\n|---|---|---|---|\n");
    for key in keys() {
        let value = match key.section() {
            "" => &defaults[key.leaf()],
            section => &defaults[section][key.leaf()],
        };
        table += &format!("| `{}` | `{value}` | {} | {} |\n", key.name, key.allowed, key.about);
    }
    table
}

#[test]
fn the_manual_has_every_key_as_it_is() {
    let manual = include_str!("../../../docs/operations.md").replace("\r\n", "\n");
    assert!(manual.contains(&table()), "docs/operations.md needs this table:\n{}", table());
}

#[test]
fn the_announced_limits_are_the_configured_ones() {
    let config = Config::default();
    let limits = config.announced_limits();
    assert_eq!((limits.frame_bytes, limits.packets_per_second, limits.tick_ms), (1024, 100, 33));
    assert_eq!((limits.steps_per_second, limits.step_burst, limits.signals_per_second), (20, 10, 10));
    assert_eq!(limits.silence_seconds, 30);
    assert_eq!(Config { shards: 3, ..Config::default() }.shard_count(), 3);
    assert!(config.shard_count() >= 1);
}
