//! The configuration: its layers, its messages, its printed file, and that the manual tells the truth of it.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use malpan_server::{
    cli::{Flags, load},
    config::{Allowed, Config, ConfigError, LogFormat, check_file, default_file, keys},
};
use std::{collections::BTreeSet, ffi::OsString, io::Write, time::Duration};
use tempfile::NamedTempFile;

fn file(text: &str) -> NamedTempFile {
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    file
}

fn environment(variables: &[(&str, &str)]) -> Vec<(OsString, OsString)> {
    variables.iter().map(|(name, value)| (name.into(), value.into())).collect()
}

/// Loads `text` as the file, with these variables and flags over it.
fn load_all(text: &str, variables: &[(&str, &str)], flags: &Flags) -> Result<Config, ConfigError> {
    let file = file(text);
    let flags = Flags { config: Some(file.path().into()), ..flags.clone() };
    load(&flags, environment(variables))
}

/// The problems, with the file's name, which is never the same, replaced.
fn problems_of(result: Result<Config, ConfigError>) -> String {
    let lines = result.expect_err("it is refused").to_string();
    let clean = |line: &str| match line.split_once("file /") {
        Some((before, after)) => {
            let end = after.find([',', ':', ')']).unwrap();
            format!("{before}FILE{}", &after[end..])
        }
        None => line.to_string(),
    };
    lines.lines().map(clean).collect::<Vec<_>>().join("\n")
}

fn file_problems(text: &str) -> String {
    let alone = problems_of(check_file(file(text).path()));
    assert_eq!(alone, problems_of(load_all(text, &[], &Flags::default())), "checked and loaded alike");
    alone
}

fn variable_problems(variables: &[(&str, &str)]) -> String {
    problems_of(load(&Flags::default(), environment(variables)))
}

fn text(text: &str) -> Option<String> {
    Some(text.into())
}

mod layers {
    use super::{Config, Duration, Flags, LogFormat, environment, file, load, load_all, text};

    const FILE: &str = "listen = ['127.0.0.1:1']\nshards = 1\ndrain = '1s'\n[game]\nboard = '11x11'\nseats = 1\n\
                        tick = '1ms'\n[log]\nformat = 'json'\nfilter = 'debug'\n[limits]\nsessions = 1\n";
    const VARIABLES: [(&str, &str); 7] = [
        ("MALPAN_LISTEN", "127.0.0.1:2, [::1]:2"),
        ("MALPAN_SHARDS", "2"),
        ("MALPAN_DRAIN", "2s"),
        ("MALPAN_GAME__BOARD", "22x22"),
        ("MALPAN_GAME__SEATS", "2"),
        ("MALPAN_GAME__TICK", "2ms"),
        ("MALPAN_LOG__FORMAT", "json"),
    ];

    fn seen(config: &Config) -> String {
        let Config { listen, shards, drain, game, log, limits } = config;
        format!(
            "{listen:?} {shards} {drain:?} {} {} {:?} {:?} {} {}",
            game.board, game.seats, game.tick, log.format, log.filter, limits.sessions
        )
    }

    #[test]
    fn without_any_the_defaults_hold() {
        assert_eq!(load(&Flags::default(), []).unwrap(), Config::default());
        assert_eq!(seen(&Config::default()), "[127.0.0.1:7777] 0 10s 8x8 10 33ms Text info 10000");
    }

    #[test]
    fn the_file_goes_before_the_defaults() {
        let config = load_all(FILE, &[], &Flags::default()).unwrap();
        assert_eq!(seen(&config), "[127.0.0.1:1] 1 1s 11x11 1 1ms Json debug 1");
        assert_eq!(config.limits.rooms, Config::default().limits.rooms, "what the file leaves out stays");
    }

    #[test]
    fn variables_go_before_the_file() {
        let config = load_all(FILE, &VARIABLES, &Flags::default()).unwrap();
        assert_eq!(seen(&config), "[127.0.0.1:2, [::1]:2] 2 2s 22x22 2 2ms Json debug 1");
    }

    #[test]
    fn flags_go_before_variables() {
        let flags = Flags {
            listen: vec!["127.0.0.1:3".into(), "127.0.0.1:0".into()],
            shards: text("3"),
            board: text("33x33"),
            seats: text("3"),
            tick: text("3ms"),
            drain: text("3s"),
            log_format: text("text"),
            config: None,
        };
        let config = load_all(FILE, &VARIABLES, &flags).unwrap();
        assert_eq!(seen(&config), "[127.0.0.1:3, 127.0.0.1:0] 3 3s 33x33 3 3ms Text debug 1");
    }

    #[test]
    fn a_variable_may_name_the_file_and_the_flag_goes_before_it() {
        let (one, two) = (file("shards = 1"), file("shards = 2"));
        let variables = environment(&[("MALPAN_CONFIG", one.path().to_str().unwrap())]);
        assert_eq!(load(&Flags::default(), variables.clone()).unwrap().shards, 1);
        let flags = Flags { config: Some(two.path().into()), ..Flags::default() };
        assert_eq!(load(&flags, variables).unwrap().shards, 2);
    }

    #[test]
    fn other_programs_variables_are_passed_by() {
        let variables = [("MALPAN_ADDR", "example:1"), ("RUST_LOG", "trace"), ("MALPANX", "1"), ("PATH", "/")];
        assert_eq!(load(&Flags::default(), environment(&variables)).unwrap(), Config::default());
    }

    #[test]
    fn lists_in_variables_are_separated_by_commas() {
        let load = |value| load(&Flags::default(), environment(&[("MALPAN_LIMITS__EXEMPT_ADDRESSES", value)])).unwrap();
        assert_eq!(load("").limits.exempt_addresses, []);
        let networks = load("10.0.0.0/8 , ::1,192.0.2.1,").limits.exempt_addresses;
        assert_eq!(networks.iter().map(ToString::to_string).collect::<Vec<_>>(), ["10.0.0.0/8", "::1", "192.0.2.1"]);
    }

    #[test]
    fn no_time_at_all_is_a_time() {
        let flags = Flags { tick: text("0"), drain: text("0s"), ..Flags::default() };
        let config = load(&flags, []).unwrap();
        assert_eq!((config.game.tick, config.drain), (Duration::ZERO, Duration::ZERO));
        assert_eq!(config.log.format, LogFormat::Text);
    }
}

mod messages {
    use super::{Flags, file_problems, load, load_all, problems_of, text, variable_problems};

    #[test]
    fn unknown_keys_of_the_file() {
        let problems =
            file_problems("sessions = 5\n[limits]\nsesions = 5\n\n[gaem]\nboard = '8x8'\n[log.text]\n[[game.board]]\n");
        insta::assert_snapshot!(problems, @r"
        FILE, line 1, column 1: there is no key `sessions`; allowed: the keys that `malpan-server config print-default` prints
        FILE, line 3, column 1: there is no key `limits.sesions`; allowed: the keys that `malpan-server config print-default` prints
        FILE, line 5, column 2: there is no key `gaem`; allowed: the keys that `malpan-server config print-default` prints
        FILE, line 7, column 6: there is no key `log.text`; allowed: the keys that `malpan-server config print-default` prints
        game.board (FILE, line 8, column 1): [{}] is of type array, not string; allowed: WIDTHxHEIGHT, each 1 to 64 cells, such as 8x8
        ");
        insta::assert_snapshot!(file_problems("limits = 5"), @"FILE, line 1, column 1: `limits` is a section with keys of its own, not a key; allowed: the keys that `malpan-server config print-default` prints");
    }

    #[test]
    fn unknown_variables() {
        let names = [
            ("MALPAN_LISTENS", ""),
            ("MALPAN_GAME_BOARD", "8x8"),
            ("MALPAN_LIMITS__", "1"),
            ("MALPAN_game__seats", "1"),
        ];
        insta::assert_snapshot!(variable_problems(&names), @r"
        variable MALPAN_GAME_BOARD: no key belongs to this variable; allowed: MALPAN_KEY and MALPAN_SECTION__KEY of the keys that `malpan-server config print-default` prints
        variable MALPAN_LIMITS__: no key belongs to this variable; allowed: MALPAN_KEY and MALPAN_SECTION__KEY of the keys that `malpan-server config print-default` prints
        variable MALPAN_LISTENS: no key belongs to this variable; allowed: MALPAN_KEY and MALPAN_SECTION__KEY of the keys that `malpan-server config print-default` prints
        variable MALPAN_game__seats: no key belongs to this variable; allowed: MALPAN_KEY and MALPAN_SECTION__KEY of the keys that `malpan-server config print-default` prints
        ");
    }

    #[test]
    fn wrong_values_of_the_file() {
        let problems = file_problems(
            "listen = ['localhost:7777']\nshards = 5000\ndrain = 10\n[game]\nboard = '65x8'\nseats = 'ten'\ntick = \
             '1.5s'\n[log]\nformat = 'xml'\nfilter = 'a=b=c'\n[limits]\nsessions = -1\nqueue_bytes = 9e3\nsilence = \
             '30'\nexempt_addresses = ['10.0.0.1/8']\nwrite_stall = '1500us'\nrooms = 99999999999999999999\n\
             steps_per_second = 70000\n",
        );
        insta::assert_snapshot!(problems, @r#"
        listen (FILE, line 1, column 10): ["localhost:7777"]: invalid socket address syntax; allowed: one or more of IP:PORT, such as 127.0.0.1:7777 or [::1]:7777, each once
        drain (FILE, line 3, column 9): 10 is of type integer, not string; allowed: 0s to 1h, in whole milliseconds and with its unit
        game.board (FILE, line 5, column 9): "65x8": a board's width is 65, outside 1 to 64; allowed: WIDTHxHEIGHT, each 1 to 64 cells, such as 8x8
        game.seats (FILE, line 6, column 9): "ten" is of type string, not integer; allowed: 1 to 10 seats
        log.format (FILE, line 9, column 10): "xml": unknown variant `xml`, expected `text` or `json`; allowed: text or json
        limits.sessions (FILE, line 12, column 12): -1 is out of range; allowed: 1 to 1000000 connections
        limits.queue_bytes (FILE, line 13, column 15): 9000.0 is of type float, not integer; allowed: 16386 to 16777216 bytes
        limits.silence (FILE, line 14, column 11): "30": time unit needed, for example 30sec or 30ms; allowed: 1s to 1h, in whole milliseconds and with its unit
        limits.exempt_addresses (FILE, line 15, column 20): ["10.0.0.1/8"]: `10.0.0.1/8` names a host within its network; the network is `10.0.0.0/8`; allowed: any number of IP addresses or networks, such as 127.0.0.0/8 or ::1
        limits.rooms (FILE, line 17, column 9): it holds a number too large for TOML; allowed: 1 to 1000000 rooms
        limits.steps_per_second (FILE, line 18, column 20): 70000 is out of range; allowed: 1 to 10000 steps
        shards (FILE, line 2, column 10): 5000 is out of range; allowed: 0 to 1024 shards
        game.tick (FILE, line 7, column 8): 1s 500ms is out of range; allowed: 0s to 1s, in whole milliseconds and with its unit
        limits.write_stall (FILE, line 16, column 15): 1ms 500us is out of range; allowed: 100ms to 1h, in whole milliseconds and with its unit
        log.filter (FILE, line 10, column 10): "a=b=c": error parsing level filter: expected one of "off", "error", "warn", "info", "debug", "trace", or a number 0-5; allowed: tracing-subscriber's filter syntax, not empty
        "#);
    }

    #[test]
    fn files_that_are_no_toml() {
        insta::assert_snapshot!(file_problems("shards = 1\nshards = 2\ndrain =\n"), @r"
        FILE, line 2, column 1: duplicate key
        FILE, line 3, column 8: string values must be quoted, expected literal string
        ");
        insta::assert_snapshot!(file_problems("seats 10"), @"FILE, line 1, column 7: key with no value, expected `=`");
        // The column counts characters.
        insta::assert_snapshot!(file_problems("listen = ['말판:1', 5, x]"), @"FILE, line 1, column 22: string values must be quoted, expected literal string");
    }

    #[test]
    fn wrong_values_of_variables() {
        let problems = variable_problems(&[
            ("MALPAN_LISTEN", "127.0.0.1"),
            ("MALPAN_SHARDS", "many"),
            ("MALPAN_DRAIN", "2h"),
            ("MALPAN_GAME__SEATS", "0"),
            ("MALPAN_LIMITS__SESSIONS", "99999999999999999999"),
            ("MALPAN_LIMITS__HELLO_WITHIN", ""),
            ("MALPAN_LOG__FILTER", " "),
        ]);
        insta::assert_snapshot!(problems, @r#"
        game.seats (variable MALPAN_GAME__SEATS): 0 is out of range; allowed: 1 to 10 seats
        limits.hello_within (variable MALPAN_LIMITS__HELLO_WITHIN): "": value was empty; allowed: 100ms to 1h, in whole milliseconds and with its unit
        limits.sessions (variable MALPAN_LIMITS__SESSIONS): "99999999999999999999" is not a whole number in range; allowed: 1 to 1000000 connections
        listen (variable MALPAN_LISTEN): ["127.0.0.1"]: invalid socket address syntax; allowed: one or more of IP:PORT, such as 127.0.0.1:7777 or [::1]:7777, each once
        shards (variable MALPAN_SHARDS): "many" is not a whole number in range; allowed: 0 to 1024 shards
        drain (variable MALPAN_DRAIN): 2h is out of range; allowed: 0s to 1h, in whole milliseconds and with its unit
        log.filter (variable MALPAN_LOG__FILTER): it is empty; `off` silences the log; allowed: tracing-subscriber's filter syntax, not empty
        "#);
    }

    #[cfg(unix)]
    #[test]
    fn variables_that_are_no_text() {
        use std::{ffi::OsString, os::unix::ffi::OsStringExt};
        let environment = [("MALPAN_DRAIN".into(), OsString::from_vec(vec![b'1', 0xff]))];
        insta::assert_snapshot!(problems_of(load(&Flags::default(), environment)), @"drain (variable MALPAN_DRAIN): its value is not UTF-8; allowed: 0s to 1h, in whole milliseconds and with its unit");
    }

    #[test]
    fn wrong_values_of_flags() {
        let flags = Flags {
            listen: vec!["[::1]:7777".into(), "::1:99999".into()],
            shards: text("-1"),
            board: text("8"),
            seats: text("11"),
            tick: text("2s"),
            drain: text("ten seconds"),
            log_format: text("Text"),
            config: None,
        };
        let error = load(&flags, []).unwrap_err();
        assert!(error.is_usage());
        insta::assert_snapshot!(error, @r#"
        listen (flag --listen): ["[::1]:7777", "::1:99999"]: invalid socket address syntax; allowed: one or more of IP:PORT, such as 127.0.0.1:7777 or [::1]:7777, each once
        shards (flag --shards): -1 is out of range; allowed: 0 to 1024 shards
        game.board (flag --board): "8": a board is not of the form WIDTHxHEIGHT, such as 8x8; allowed: WIDTHxHEIGHT, each 1 to 64 cells, such as 8x8
        game.seats (flag --seats): 11 is out of range; allowed: 1 to 10 seats
        drain (flag --drain): "ten seconds": expected number at 0; allowed: 0s to 1h, in whole milliseconds and with its unit
        log.format (flag --log-format): "Text": unknown variant `Text`, expected `text` or `json`; allowed: text or json
        game.tick (flag --tick): 2s is out of range; allowed: 0s to 1s, in whole milliseconds and with its unit
        "#);
    }

    #[test]
    fn wrong_values_in_a_lower_layer_are_wrong_all_the_same() {
        let flags = Flags { seats: text("4"), ..Flags::default() };
        let result = load_all("[game]\nseats = 0", &[("MALPAN_GAME__SEATS", "x")], &flags);
        assert!(!result.as_ref().unwrap_err().is_usage());
        insta::assert_snapshot!(problems_of(result), @r#"
        game.seats (FILE, line 2, column 9): 0 is out of range; allowed: 1 to 10 seats
        game.seats (variable MALPAN_GAME__SEATS): "x" is not a whole number in range; allowed: 1 to 10 seats
        "#);
    }
}

mod rules {
    use super::{Config, Flags, file_problems, load, load_all, problems_of, text};
    use std::time::Duration;

    /// A change that breaks one rule, and the keys that it then names.
    type Breach = (fn(&mut Config), &'static [&'static str]);

    const BREACHES: [Breach; 13] = [
        (|c| c.listen.clear(), &["listen"]),
        (|c| c.listen.push(c.listen[0]), &["listen"]),
        (|c| c.shards = 1025, &["shards"]),
        (|c| c.drain = Duration::from_micros(1500), &["drain"]),
        (|c| c.log.filter.clear(), &["log.filter"]),
        (|c| c.log.filter = "a=b=c".into(), &["log.filter"]),
        (|c| c.game.board = "3x3".parse().unwrap(), &["game.board", "game.seats"]),
        (|c| c.limits.ping_after = Duration::from_secs(30), &["limits.ping_after", "limits.silence"]),
        (|c| c.limits.recovered_messages = 48, &["limits.recovered_messages", "limits.lag_messages"]),
        (|c| c.limits.lag_messages = 64, &["limits.lag_messages", "limits.queue_messages"]),
        (|c| c.limits.lag_bytes = 65_536, &["limits.lag_bytes", "limits.queue_bytes"]),
        (|c| c.limits.steps_per_second = 101, &["limits.steps_per_second", "limits.packets_per_second"]),
        (|c| c.limits.signals_per_second = 101, &["limits.signals_per_second", "limits.packets_per_second"]),
    ];

    #[test]
    fn each_rule_is_kept_and_names_its_keys() {
        assert_eq!(Config::default().validate(), Ok(()));
        for (breach, keys) in BREACHES {
            let mut config = Config::default();
            breach(&mut config);
            let found = config.validate().expect_err("a rule is broken");
            assert_eq!(found.iter().map(|violation| &violation.keys[..]).collect::<Vec<_>>(), [keys]);
        }
    }

    #[test]
    fn the_nearest_right_values_are_right() {
        let listen = ["127.0.0.1:0", "127.0.0.1:0", "[::1]:7777", "[::1]:7778"].map(|a| a.parse().unwrap()).into();
        let mut config = Config { listen, ..Config::default() };
        config.game.board = "2x5".parse().unwrap();
        config.limits.ping_after = config.limits.silence - Duration::from_millis(1);
        config.limits.recovered_messages = 62;
        config.limits.lag_messages = 63;
        config.limits.lag_bytes = config.limits.queue_bytes - 1;
        config.limits.steps_per_second = 100;
        config.limits.signals_per_second = 100;
        assert_eq!(config.validate(), Ok(()));
    }

    #[test]
    fn every_range_is_kept_at_both_ends() {
        for key in super::keys() {
            let (below, least, most, above) = match key.allowed {
                super::Allowed::Count { min, max, .. } => (
                    i64::try_from(min).unwrap().checked_sub(1).map(|n| n.to_string()),
                    min.to_string(),
                    max.to_string(),
                    (max + 1).to_string(),
                ),
                super::Allowed::Time { min, max } => {
                    let ms = |time: Duration| format!("'{}ms'", time.as_millis());
                    let below = min.checked_sub(Duration::from_millis(1)).map(ms);
                    (below, ms(min), ms(max), ms(max + Duration::from_millis(1)))
                }
                super::Allowed::Form(_) => continue,
            };
            let refused = |value: &str| {
                let section = if key.section().is_empty() { String::new() } else { format!("[{}]\n", key.section()) };
                let text = format!("{section}{} = {value}", key.leaf());
                let problems = super::check_file(super::file(&text).path()).err().map_or(vec![], |e| e.problems);
                problems
                    .iter()
                    .any(|problem| problem.what.contains("out of range") && problem.settings[0].key == Some(key.name))
            };
            assert!(!refused(&least) && !refused(&most), "{}: {least} and {most} are allowed", key.name);
            assert!(refused(&above), "{}: {above} is too much", key.name);
            assert!(below.is_none_or(|below| refused(&below)), "{}: too little", key.name);
        }
    }

    #[test]
    fn each_side_of_a_broken_rule_says_where_it_comes_from() {
        let flags = Flags { board: text("3x1"), ..Flags::default() };
        let result = load_all("[limits]\nsilence = '1s'", &[("MALPAN_GAME__SEATS", "4")], &flags);
        assert!(result.as_ref().unwrap_err().is_usage());
        insta::assert_snapshot!(problems_of(result), @r"
        game.board (flag --board) and game.seats (variable MALPAN_GAME__SEATS): 3 cells are too few for 4 seats
        limits.ping_after (default) and limits.silence (FILE, line 2, column 11): the ping must come before the client is given up
        ");
    }

    #[test]
    fn no_rule_is_held_against_a_value_that_stands_in_for_a_wrong_one() {
        // The lag is right for the queue that was meant, not for the default.
        let problems = file_problems("[limits]\nqueue_bytes = '128 KiB'\nlag_bytes = 100000");
        assert_eq!(problems.lines().count(), 1, "{problems}");
        assert!(load(&Flags::default(), []).is_ok());
    }
}

mod printed {
    use super::{BTreeSet, Config, check_file, default_file, file, keys};

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
        let beginning: Vec<_> = default_file().lines().take(26).map(str::to_owned).collect();
        insta::assert_snapshot!(beginning.join("\n"), @r#"
        # The configuration of malpan-server: every key with its default. Flags and MALPAN_... variables go
        # before this file; a key left out has its default.

        # Addresses on which players are awaited. Port 0 takes a free one; the ready line says which.
        # Allowed: one or more of IP:PORT, such as 127.0.0.1:7777 or [::1]:7777, each once.
        listen = ["127.0.0.1:7777"]

        # Shards: threads that each serve their own sessions and rooms. 0 starts one per processor core.
        # Allowed: 0 to 1024 shards.
        shards = 0

        # Time in which the server stops once it is asked to. Until two seconds before its end the players
        # play on; 0s ends their play at once.
        # Allowed: 0s to 1h, in whole milliseconds and with its unit.
        drain = "10s"

        [game]
        # The board's width and height in cells. It must have a cell for each seat.
        # Allowed: WIDTHxHEIGHT, each 1 to 64 cells, such as 8x8.
        board = "8x8"

        # Seats of a room, unless whoever opens it asks for fewer.
        # Allowed: 1 to 10 seats.
        seats = 10

        # Time between two batches of moves of one room at the least. The first move after a pause is always
        "#);
    }
}

mod manual {
    use super::{Config, keys};

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
        let manual = include_str!("../../docs/operations.md").replace("\r\n", "\n");
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
}
