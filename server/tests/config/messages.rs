//! What is said of wrong keys and values: where, what, and what is allowed.

use crate::{Flags, file_problems, load, load_all, problems_of, text, variable_problems};

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
    let names =
        [("MALPAN_LISTENS", ""), ("MALPAN_GAME_BOARD", "8x8"), ("MALPAN_LIMITS__", "1"), ("MALPAN_game__seats", "1")];
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
        "listen = ['localhost:7777']\nhttp = 'no'\nshards = 5000\ndrain = 10\n[game]\nboard = '65x8'\nseats = 'ten'\ntick = \
         '1.5s'\n[log]\nformat = 'xml'\nfilter = 'a=b=c'\n[limits]\nsessions = -1\nqueue_bytes = 9e3\nsilence = \
         '30'\nexempt_addresses = ['10.0.0.1/8']\nwrite_stall = '1500us'\nrooms = 99999999999999999999\n\
         steps_per_second = 70000\n",
    );
    insta::assert_snapshot!(problems, @r#"
    listen (FILE, line 1, column 10): ["localhost:7777"]: invalid socket address syntax; allowed: one or more of IP:PORT, such as 127.0.0.1:7777 or [::1]:7777, each once
    http (FILE, line 2, column 8): "no": neither an IP address with a port nor `off`; allowed: IP:PORT, such as 127.0.0.1:7780 or [::1]:7780, or off
    drain (FILE, line 4, column 9): 10 is of type integer, not string; allowed: 0s to 1h, in whole milliseconds and with its unit
    game.board (FILE, line 6, column 9): "65x8": a board's width is 65, outside 1 to 64; allowed: WIDTHxHEIGHT, each 1 to 64 cells, such as 8x8
    game.seats (FILE, line 7, column 9): "ten" is of type string, not integer; allowed: 1 to 10 seats
    log.format (FILE, line 10, column 10): "xml": unknown variant `xml`, expected `text` or `json`; allowed: text or json
    limits.sessions (FILE, line 13, column 12): -1 is out of range; allowed: 1 to 1000000 connections
    limits.queue_bytes (FILE, line 14, column 15): 9000.0 is of type float, not integer; allowed: 16386 to 16777216 bytes
    limits.silence (FILE, line 15, column 11): "30": time unit needed, for example 30sec or 30ms; allowed: 1s to 1h, in whole milliseconds and with its unit
    limits.exempt_addresses (FILE, line 16, column 20): ["10.0.0.1/8"]: `10.0.0.1/8` names a host within its network; the network is `10.0.0.0/8`; allowed: any number of IP addresses or networks, such as 127.0.0.0/8 or ::1
    limits.rooms (FILE, line 18, column 9): it holds a number too large for TOML; allowed: 1 to 1000000 rooms
    limits.steps_per_second (FILE, line 19, column 20): 70000 is out of range; allowed: 1 to 10000 steps
    shards (FILE, line 3, column 10): 5000 is out of range; allowed: 0 to 1024 shards
    game.tick (FILE, line 8, column 8): 1s 500ms is out of range; allowed: 0s to 1s, in whole milliseconds and with its unit
    limits.write_stall (FILE, line 17, column 15): 1ms 500us is out of range; allowed: 100ms to 1h, in whole milliseconds and with its unit
    log.filter (FILE, line 11, column 10): "a=b=c": error parsing level filter: expected one of "off", "error", "warn", "info", "debug", "trace", or a number 0-5; allowed: tracing-subscriber's filter syntax, not empty
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
fn what_a_terminal_would_obey_is_shown_as_it_is_written() {
    insta::assert_snapshot!(file_problems("\"\\u001b[2J\\n\" = 1\nhttp = \"\"\"o\nff\"\"\""), @r#"
    FILE, line 1, column 1: there is no key `\u{1b}[2J\n`; allowed: the keys that `malpan-server config print-default` prints
    http (FILE, line 2, column 8): """\no\nff""": neither an IP address with a port nor `off`; allowed: IP:PORT, such as 127.0.0.1:7780 or [::1]:7780, or off
    "#);
    insta::assert_snapshot!(variable_problems(&[("MALPAN_\u{1b}[31m", "")]), @r"variable MALPAN_\u{1b}[31m: no key belongs to this variable; allowed: MALPAN_KEY and MALPAN_SECTION__KEY of the keys that `malpan-server config print-default` prints");
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

#[test]
fn filters_of_the_log_that_would_silence_it() {
    let said = |filter| variable_problems(&[("MALPAN_LOG__FILTER", filter)]);
    insta::assert_snapshot!(said("warn,inof"), @r#"log.filter (variable MALPAN_LOG__FILTER): "inof" is no level (off, error, warn, info, debug, trace); what a module logs is written inof=LEVEL; allowed: tracing-subscriber's filter syntax, not empty"#);
    insta::assert_snapshot!(said("info, malpan_server=debug"), @r#"log.filter (variable MALPAN_LOG__FILTER): " malpan_server=debug" begins or ends with a space; leave it out; allowed: tracing-subscriber's filter syntax, not empty"#);
    for filter in
        ["OFF", "3", "info,malpan_net", "malpan_server::room=trace,tokio=warn", "[session{player}]=debug,,warn"]
    {
        assert!(load(&Flags::default(), [("MALPAN_LOG__FILTER".into(), filter.into())]).is_ok(), "{filter}");
    }
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
        http: text("localhost:80"),
        shards: text("-1"),
        rules_threads: None,
        lecture: None,
        tls_cert: text("cert.pem"),
        tls_key: text(""),
        store: text("memory"),
        control: text(""),
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
    http (flag --http): "localhost:80": neither an IP address with a port nor `off`; allowed: IP:PORT, such as 127.0.0.1:7780 or [::1]:7780, or off
    tls.key (flag --tls-key): "": neither a file nor `off`; allowed: a file, or off
    store (flag --store): "memory": no store is written like this; allowed: redb, redb:PATH, memory:, or the URL of a Redis, such as redis://127.0.0.1:6379?node=one
    control (flag --control): "": neither auto, off nor a path; allowed: auto, off, or a path, such as /run/malpan/control
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
