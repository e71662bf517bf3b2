//! Which layer goes before which.

use crate::{Config, Duration, Flags, LogFormat, environment, file, load, load_all, text};

const FILE: &str = "listen = ['127.0.0.1:1']\nhttp = '127.0.0.1:11'\nshards = 1\ndrain = '1s'\n[game]\nboard = '11x11'\nseats = 1\n\
                    tick = '1ms'\n[log]\nformat = 'json'\nfilter = 'debug'\n[limits]\nsessions = 1\n";
const VARIABLES: [(&str, &str); 8] = [
    ("MALPAN_LISTEN", "127.0.0.1:2, [::1]:2"),
    ("MALPAN_HTTP", "off"),
    ("MALPAN_SHARDS", "2"),
    ("MALPAN_DRAIN", "2s"),
    ("MALPAN_GAME__BOARD", "22x22"),
    ("MALPAN_GAME__SEATS", "2"),
    ("MALPAN_GAME__TICK", "2ms"),
    ("MALPAN_LOG__FORMAT", "json"),
];

fn seen(config: &Config) -> String {
    let Config { listen, http, shards, drain, game, log, limits, .. } = config;
    format!(
        "{listen:?} {http} {shards} {drain:?} {} {} {:?} {:?} {} {}",
        game.board, game.seats, game.tick, log.format, log.filter, limits.sessions
    )
}

#[test]
fn without_any_the_defaults_hold() {
    assert_eq!(load(&Flags::default(), []).unwrap(), Config::default());
    assert_eq!(seen(&Config::default()), "[127.0.0.1:7777] 127.0.0.1:7780 0 10s 8x8 10 33ms Text info 10000");
}

#[test]
fn the_file_goes_before_the_defaults() {
    let config = load_all(FILE, &[], &Flags::default()).unwrap();
    assert_eq!(seen(&config), "[127.0.0.1:1] 127.0.0.1:11 1 1s 11x11 1 1ms Json debug 1");
    assert_eq!(config.limits.rooms, Config::default().limits.rooms, "what the file leaves out stays");
}

#[test]
fn variables_go_before_the_file() {
    let config = load_all(FILE, &VARIABLES, &Flags::default()).unwrap();
    assert_eq!(seen(&config), "[127.0.0.1:2, [::1]:2] off 2 2s 22x22 2 2ms Json debug 1");
}

#[test]
fn flags_go_before_variables() {
    let flags = Flags {
        listen: vec!["127.0.0.1:3".into(), "127.0.0.1:0".into()],
        http: text("[::1]:33"),
        shards: text("3"),
        rules_threads: text("3"),
        lecture: text("off"),
        tls_cert: text("cert.pem"),
        tls_key: text("key.pem"),
        store: text("memory:"),
        control: text("off"),
        board: text("33x33"),
        seats: text("3"),
        tick: text("3ms"),
        drain: text("3s"),
        log_format: text("text"),
        config: None,
    };
    let config = load_all(FILE, &VARIABLES, &flags).unwrap();
    assert_eq!(seen(&config), "[127.0.0.1:3, 127.0.0.1:0] [::1]:33 3 3s 33x33 3 3ms Text debug 1");
    assert_eq!([config.tls.cert, config.tls.key].map(|file| file.to_string()), ["cert.pem", "key.pem"]);
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
