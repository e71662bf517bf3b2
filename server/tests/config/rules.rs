//! Ranges, and the rules between keys.

use crate::{AddressOrOff, Config, Flags, file_problems, load, load_all, problems_of, text};
use std::time::Duration;

/// A change that breaks one rule, and the keys that it then names.
type Breach = (fn(&mut Config), &'static [&'static str]);

const BREACHES: [Breach; 17] = [
    (|c| c.listen.clear(), &["listen"]),
    (|c| c.listen.push(c.listen[0]), &["listen"]),
    (|c| c.http = AddressOrOff::Address(c.listen[0]), &["listen", "http"]),
    (|c| c.shards = 1025, &["shards"]),
    (|c| c.drain = Duration::from_micros(1500), &["drain"]),
    (|c| c.log.filter.clear(), &["log.filter"]),
    (|c| c.log.filter = "a=b=c".into(), &["log.filter"]),
    (|c| c.log.filter = "inof".into(), &["log.filter"]),
    (|c| c.log.filter = "info, malpan_server=debug".into(), &["log.filter"]),
    (|c| c.game.board = "3x3".parse().unwrap(), &["game.board", "game.seats"]),
    (|c| c.tls.key = "key.pem".parse().unwrap(), &["tls.cert", "tls.key"]),
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
    let http = AddressOrOff::Address("127.0.0.1:0".parse().unwrap());
    let mut config = Config { listen, http, ..Config::default() };
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
    for key in crate::keys() {
        let (below, least, most, above) = match key.allowed {
            crate::Allowed::Count { min, max, .. } => (
                i64::try_from(min).unwrap().checked_sub(1).map(|n| n.to_string()),
                min.to_string(),
                max.to_string(),
                (max + 1).to_string(),
            ),
            crate::Allowed::Time { min, max } => {
                let ms = |time: Duration| format!("'{}ms'", time.as_millis());
                let below = min.checked_sub(Duration::from_millis(1)).map(ms);
                (below, ms(min), ms(max), ms(max + Duration::from_millis(1)))
            }
            crate::Allowed::Form(_) => continue,
        };
        let refused = |value: &str| {
            let section = if key.section().is_empty() { String::new() } else { format!("[{}]\n", key.section()) };
            let text = format!("{section}{} = {value}", key.leaf());
            let problems = crate::check_file(crate::file(&text).path()).err().map_or(vec![], |e| e.problems);
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
