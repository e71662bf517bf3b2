//! The bot against servers that do what a script says: what it reports is what they did.

#![allow(clippy::unwrap_used, reason = "a test; clippy knows only test functions for it, not their helpers")]

mod support;

use assert_cmd::Command;
use serde_json::Value;
use std::time::{Duration, Instant};
use support::{Script, ScriptedServer};

/// Runs the bot and returns its exit status, its JSON, and what it wrote to stderr.
fn bot(address: &str, flags: &[&str]) -> (i32, Value, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_malpan"))
        .args(["bot", address, "--json", "-", "--threads", "2"])
        .args(flags)
        .timeout(Duration::from_secs(60))
        .output()
        .unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    let json = serde_json::from_slice(&output.stdout).unwrap_or(Value::Null);
    (output.status.code().expect("not killed"), json, stderr)
}

fn run(script: Script, players: u64) -> (i32, Value, String) {
    let server = ScriptedServer::start(script, 10);
    bot(&server.address.to_string(), &["--players", &players.to_string(), "--rate", "10", "--duration", "600ms"])
}

fn count(json: &Value, path: &str) -> u64 {
    let found = json.pointer(&format!("/{}", path.replace('.', "/")));
    found.and_then(Value::as_u64).unwrap_or_else(|| panic!("no {path} in {json:#}"))
}

/// The run is done. A busy machine may make the schedule slip; then the run is void, and its counts hold all the same.
fn assert_done(code: i32, json: &Value) {
    let reasons = json["void_reasons"].as_array().expect("a list");
    assert!(reasons.iter().all(|reason| reason.as_str().unwrap().starts_with("the schedule slipped")), "{reasons:?}");
    assert_eq!(code, if reasons.is_empty() { 0 } else { 4 });
}

#[test]
fn a_good_server_delivers_everything() {
    // Three rooms, of 10, 10 and 3.
    let (code, json, stderr) = run(Script::Good, 23);
    assert_done(code, &json);
    assert_eq!((count(&json, "players.connected"), count(&json, "players.lost")), (23, 0));
    assert_eq!((count(&json, "moves.due"), count(&json, "moves.sent")), (23 * 6, 23 * 6));
    let (acked, refused) = (count(&json, "moves.acked"), count(&json, "moves.refused"));
    assert_eq!(acked + refused, 23 * 6);
    // Players walk legally: only two who want the same cell at the same time are refused, and perhaps a step that was
    // sent before its player knew of that.
    let by = |why: &str| count(&json, &format!("moves.refused_by.{why}"));
    assert!(refused < 20 && by("taken") + by("off_board") == refused, "{json:#}");
    let (due, delivered) = (count(&json, "positions.due"), count(&json, "positions.delivered"));
    assert_eq!((due, count(&json, "positions.missing")), (delivered, 0));
    assert!(due >= acked * 3 && due <= acked * 10, "{due} of {acked}");
    assert_eq!(count(&json, "latency_ms.move_to_self.count"), acked);
    assert_eq!(count(&json, "latency_ms.move_to_others.count"), delivered - acked);
    assert_eq!(count(&json, "latency_ms.connect.count"), 23);
    assert!(count(&json, "bytes.received") > delivered * 3 && count(&json, "bytes.sent") >= 23 * 6 * 4);
    assert!(stderr.contains("move to others"), "the table goes to stderr: {stderr}");
}

#[test]
fn a_batch_left_out_for_one_is_one_missing() {
    let (code, json, _) = run(Script::LeavesOutFor(2), 10);
    assert_done(code, &json);
    assert_eq!(count(&json, "positions.missing"), 1);
    assert_eq!(count(&json, "positions.due"), count(&json, "moves.acked") * 10);
    assert_eq!(count(&json, "positions.delivered"), count(&json, "positions.due") - 1);
    assert_eq!(count(&json, "moves.unanswered"), 0);
}

#[test]
fn a_batch_left_out_for_all_is_missing_ten_times() {
    let (code, json, _) = run(Script::LeavesOutForAll, 10);
    assert_done(code, &json);
    assert_eq!(count(&json, "positions.missing"), 10);
    assert_eq!(count(&json, "positions.due"), count(&json, "moves.acked") * 10);
    assert_eq!(count(&json, "moves.unanswered"), 0);
}

#[test]
fn a_player_that_is_kicked_is_lost_and_the_others_play_on() {
    let (code, json, _) = run(Script::KicksSeat1, 10);
    assert_done(code, &json);
    assert_eq!((count(&json, "players.lost"), count(&json, "players.lost_by.kicked_slow_consumer")), (1, 1));
    assert_eq!(count(&json, "positions.missing"), 0);
    // Three batches went to ten, the others to nine.
    assert_eq!(count(&json, "positions.due"), 3 * 10 + (count(&json, "moves.acked") - 3) * 9);
    assert!(count(&json, "moves.sent") < count(&json, "moves.due"));
}

#[test]
fn a_server_that_closes_ends_the_run() {
    let (code, json, stderr) = run(Script::ClosesAll, 10);
    assert_eq!(code, 1);
    assert_eq!(count(&json, "players.lost_by.kicked_stopping"), 10);
    assert_eq!(json["cut_short"], true);
    assert!(stderr.contains("every player was lost: kicked_stopping 10"), "{stderr}");
}

#[test]
fn a_server_that_hangs_does_not_hang_the_bot() {
    let begin = Instant::now();
    let (code, json, _) = run(Script::Hangs, 10);
    assert_done(code, &json);
    assert!(begin.elapsed() < Duration::from_secs(30));
    assert_eq!((count(&json, "moves.sent"), count(&json, "moves.unanswered")), (60, 60));
    assert_eq!(count(&json, "positions.due"), 0);
    assert!(json["latency_ms"]["move_to_self"]["p99"].is_null());
}

#[test]
fn a_server_that_refuses_everyone_is_a_failed_run() {
    let (code, json, stderr) = run(Script::IsFull, 10);
    assert_eq!(code, 1);
    assert_eq!((count(&json, "players.connected"), count(&json, "players.failed")), (0, 10));
    assert!(stderr.contains("no player got a seat") && stderr.contains("denied_server_full"), "{stderr}");
}

#[test]
fn no_server_is_a_failed_run() {
    // Bound and not listening: nobody else can take the port meanwhile.
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    socket.bind(&std::net::SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
    let address = socket.local_addr().unwrap().as_socket().unwrap();
    let (code, _, stderr) = bot(&address.to_string(), &["--players", "500"]);
    assert_eq!(code, 1);
    assert!(stderr.contains("no player got a seat") && stderr.contains("connection_refused"), "{stderr}");
}

#[test]
fn idle_players_are_held_and_send_nothing() {
    let server = ScriptedServer::start(Script::Good, 10);
    let flags = ["--players", "10", "--rate", "0", "--duration", "200ms"];
    let (code, json, _) = bot(&server.address.to_string(), &flags);
    assert_done(code, &json);
    assert_eq!((count(&json, "players.connected"), count(&json, "moves.due"), count(&json, "bytes.sent")), (10, 0, 0));
}

#[test]
#[cfg(target_os = "linux")]
fn the_servers_process_is_measured_and_a_wrong_one_is_an_error() {
    let server = ScriptedServer::start(Script::Good, 10);
    let address = server.address.to_string();
    // The scripted server runs in this very process.
    let own = std::process::id().to_string();
    let flags = ["--players", "10", "--duration", "300ms", "--server-pid", &own];
    let (code, json, _) = bot(&address, &flags);
    assert_done(code, &json);
    for name in ["cpu_us_per_position", "cpu_percent", "rss_kib_per_player"] {
        assert!(json["server"][name].is_number(), "{json:#}");
    }
    let (code, _, stderr) = bot(&address, &["--server-pid", "4194305"]);
    assert_eq!(code, 1);
    assert!(stderr.contains("--server-pid 4194305: there is no such process"), "{stderr}");
}

#[test]
#[cfg(target_os = "linux")]
fn an_interrupt_ends_the_run_and_the_report_says_so() {
    use std::{io::Read, process};

    let server = ScriptedServer::start(Script::Good, 10);
    let mut bot = process::Command::new(env!("CARGO_BIN_EXE_malpan"))
        .args(["bot", &server.address.to_string(), "--players", "10", "--duration", "10m", "--json", "-"])
        .stdout(process::Stdio::piped())
        .stderr(process::Stdio::piped())
        .spawn()
        .unwrap();
    // It says when players move.
    let mut said = String::new();
    while !said.contains("10 seated") {
        let mut byte = [0];
        bot.stderr.as_mut().unwrap().read_exact(&mut byte).unwrap();
        said.push(byte[0].into());
    }
    assert!(process::Command::new("kill").args(["-INT", &bot.id().to_string()]).status().unwrap().success());
    let output = bot.wait_with_output().unwrap();
    let json: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_done(output.status.code().unwrap(), &json);
    assert_eq!(json["cut_short"], true);
    assert!(json["elapsed_s"].as_f64().unwrap() < 60.0);
    assert_eq!(count(&json, "positions.missing"), 0);
    assert!(String::from_utf8(output.stderr).unwrap().contains("cut short by Ctrl-C"));
}

#[test]
fn usage_errors_exit_with_2() {
    for flags in
        [["--players", "0"], ["--rate", "-1"], ["--duration", "0s"], ["--scenario", "run"], ["--scenario", "walk,chat"]]
    {
        let (code, _, stderr) = bot("127.0.0.1:1", &flags);
        assert_eq!(code, 2, "{flags:?}: {stderr}");
    }
}
