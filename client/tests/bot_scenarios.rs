//! Every scenario of the bot against the real server: honest ones lose nothing, hostile ones end as the server's rules say.

#![allow(clippy::unwrap_used, reason = "every function here is a test's")]

mod running_bot;

use assert_cmd::Command;
use malpan_e2e::{PATIENCE, TestServer};
use running_bot::{assert_done, bot, count};
use serde_json::Value;
use std::time::Duration;

fn scenario<'a>(json: &'a Value, name: &str) -> &'a Value {
    let all = json["scenarios"].as_array().unwrap();
    all.iter().find(|scenario| scenario["name"] == name).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_acts_in_a_room_is_heard_by_everyone_in_it() {
    // One shard, so that every room is full.
    let server = TestServer::start(|config| config.shards = 1).unwrap();
    let mix = &["--scenario", "walk:9,chat:6,arena:12,idle:3", "--duration", "2s"];
    let (code, json, _) = bot(&server.address(), mix).await;
    assert_done(code, &json);
    assert_eq!((count(&json, "players.connected"), count(&json, "players.lost")), (30, 0));
    for name in ["walk", "chat", "arena"] {
        let part = scenario(&json, name);
        let (due, sent, acked) =
            (count(part, "messages.due"), count(part, "messages.sent"), count(part, "messages.acked"));
        assert!(due > 0 && sent == due && count(part, "messages.unanswered") == 0, "{name}: {part:#}");
        assert_eq!(acked + count(part, "messages.refused"), sent, "{name}");
        let (due, delivered) = (count(part, "deliveries.due"), count(part, "deliveries.delivered"));
        assert_eq!((due, count(part, "deliveries.missing")), (delivered, 0), "{name}: {part:#}");
        // Ten sit in each room; an echo goes to one alone.
        let to_all = acked - part["latency_ms"].get("echo").map_or(0, |echo| count(echo, "count"));
        assert_eq!(delivered, to_all * 10 + (acked - to_all), "{name}: {part:#}");
        assert_eq!(count(part, "latency_ms.to_others.count"), to_all * 9, "{name}");
    }
    // Half of the signals are echoes.
    let arena = scenario(&json, "arena");
    let (all, echoes) = (count(arena, "messages.acked"), count(arena, "latency_ms.echo.count"));
    assert!(echoes.abs_diff(all / 2) <= 12, "{echoes} of {all}");
    assert!(scenario(&json, "idle").get("messages").is_none());
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_takes_several_packets_is_done_once_each_time_it_is_due() {
    let server = TestServer::start(|config| config.limits.resume_grace = Duration::from_secs(30)).unwrap();
    let mix = &["--scenario", "churn:5@1,login:2@1,resume:8@1,storm:10,walk:5", "--duration", "3s"];
    let (code, json, _) = bot(&server.address(), mix).await;
    assert_done(code, &json);
    assert_eq!((count(&json, "players.connected"), count(&json, "players.lost")), (30, 0), "{json:#}");
    for (name, due) in [("churn", 15), ("login", 6), ("resume", 24), ("storm", 10)] {
        let part = scenario(&json, name);
        assert_eq!(count(part, "operations.due"), due, "{part:#}");
        assert_eq!((count(part, "operations.done"), count(part, "operations.unfinished")), (due, 0), "{part:#}");
        assert!(part["main"].is_string());
    }
    let login = scenario(&json, "login");
    assert_eq!((count(login, "latency_ms.register.count"), count(login, "latency_ms.sign_in.count")), (2, 4));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn players_of_resume_come_back_to_a_server_that_was_started_again() {
    let folder = tempfile::tempdir().unwrap();
    let store = format!("redb:{}", folder.path().join("store").display());
    let start = |address: Option<String>| {
        TestServer::start(|config| {
            config.store = store.parse().unwrap();
            config.limits.resume_grace = Duration::from_secs(60);
            if let Some(address) = address {
                config.listen = vec![address.parse().unwrap()];
            }
        })
    };
    let server = start(None).unwrap();
    let address = server.address();
    let at = address.clone();
    let running = tokio::spawn(async move { bot(&at, &["--scenario", "resume:12@0.2", "--duration", "8s"]).await });
    let seated = async {
        while server.host().seats_taken() < 12 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(PATIENCE, seated).await.unwrap();
    server.stop().await;
    // The store's file is free a moment after the server has stopped.
    let again = async {
        loop {
            match start(Some(address.clone())) {
                Ok(server) => break server,
                Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
            }
        }
    };
    let server = tokio::time::timeout(PATIENCE, again).await.unwrap();
    let (code, json, _) = running.await.unwrap();
    assert_done(code, &json);
    let part = scenario(&json, "resume");
    assert_eq!((count(part, "players.connected"), count(part, "players.lost")), (12, 0), "{part:#}");
    let done = count(part, "operations.done");
    assert!(done >= 12 && count(part, "operations.unfinished") == 0, "{part:#}");
    server.stop().await;
}

/// Ends of attacks by name, and how many there were.
fn ends(part: &Value) -> Vec<(String, u64)> {
    let ended_by = part["attack"]["ended_by"].as_object().unwrap();
    ended_by.iter().map(|(name, count)| (name.clone(), count.as_u64().unwrap())).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_players_end_as_the_rules_say_and_the_honest_ones_lose_nothing() {
    let server = TestServer::start(|config| {
        config.limits.hello_within = Duration::from_millis(500);
        // Long enough for honest players on a machine that is busy elsewhere.
        config.limits.silence = Duration::from_secs(4);
        config.limits.ping_after = Duration::from_secs(1);
    })
    .unwrap();
    let mix = &[
        "--scenario",
        "walk:10,slowloris:2,stalled:2,dribble:2,fragments:2,flood:2,garbage:2,half-open:2,reset:2",
        "--duration",
        "10s",
    ];
    let (_, json, _) = bot(&server.address(), mix).await;
    assert_eq!(count(&json, "players.asked"), 10, "hostile players are counted apart");
    assert_eq!((count(&json, "players.lost"), count(&json, "positions.missing")), (0, 0), "{json:#}");
    let expected: [(&str, &[&str]); 8] = [
        ("slowloris", &["kicked_too_late"]),
        // Pings are all that they send, and the kernels hold what they do not read for longer than this test.
        ("stalled", &["kicked_silent", "connection_reset", "broken_pipe"]),
        ("dribble", &["kicked_silent", "connection_reset", "broken_pipe", "closed"]),
        ("fragments", &["served"]),
        ("flood", &["kicked_flooding", "connection_reset", "broken_pipe"]),
        ("garbage", &["closed", "denied_malformed", "connection_reset", "broken_pipe", "kicked_too_late"]),
        ("half-open", &["kicked_silent"]),
        ("reset", &["reset_by_the_attacker"]),
    ];
    for (name, allowed) in expected {
        let part = scenario(&json, name);
        assert_eq!(part["hostile"], true);
        assert!(count(part, "attack.attempts") >= 2 && count(part, "attack.connected") >= 2, "{part:#}");
        for (end, _) in ends(part) {
            assert!(end == "still_there" || allowed.contains(&end.as_str()), "{name} ended by {end}: {part:#}");
        }
    }
    for name in ["slowloris", "fragments", "flood", "garbage", "half-open", "reset"] {
        assert!(ends(scenario(&json, name)).iter().any(|(end, _)| end != "still_there"), "{name}: {json:#}");
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_search_ends_with_a_number_and_the_curve() {
    let server = TestServer::start(|_| {}).unwrap();
    let search =
        &["--find-capacity", "--players", "150", "--duration", "300ms", "--limit", "lost=0", "--scenario", "arena"];
    let (code, json, _) = bot(&server.address(), search).await;
    let (found, steps) = (count(&json, "capacity.players"), json["capacity"]["steps"].as_array().unwrap());
    // A busy machine may void windows: then fewer hold, or none does.
    assert_eq!(code, if found == 0 { 3 } else { 0 }, "{json:#}");
    assert!(found <= 150 && steps.len() >= 2, "{json:#}");
    for step in steps {
        assert!(count(step, "players") <= 150 && count(step, "lost") == 0, "{step:#}");
        let broken = step["broken"].as_str().unwrap_or("void");
        assert!(broken.starts_with("void"), "{broken}");
    }
    if found == 150 {
        assert_eq!(json["capacity"]["stopped_by"], "it holds all 150 that --players allows");
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_search_says_what_broke_the_limit() {
    let server = TestServer::start(|config| config.limits.sessions = 60).unwrap();
    let search =
        &["--find-capacity", "--players", "100", "--duration", "300ms", "--limit", "failed=0", "--scenario", "idle"];
    let (code, json, _) = bot(&server.address(), search).await;
    let steps = json["capacity"]["steps"].as_array().unwrap();
    let broken: Vec<&str> = steps.iter().filter_map(|step| step["broken"].as_str()).collect();
    assert!(broken.iter().any(|why| why.contains("could not connect")), "{code}: {json:#}");
    assert!(count(&json, "capacity.players") <= 60);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thresholds_decide_the_exit_status() {
    let server = TestServer::start(|_| {}).unwrap();
    // What is void is so whatever the thresholds say; idle players have no schedule to slip.
    for (flags, wanted) in [
        (&["--scenario", "idle:10", "--duration", "100ms", "--limit", "lost=0,connected=10"], 0),
        (&["--scenario", "idle:10", "--duration", "100ms", "--limit", "lost=0,connected>10"], 3),
        (&["--scenario", "idle:10", "--duration", "100ms", "--fail-if", "connected=10|lost>0"], 3),
        (&["--scenario", "idle:10", "--duration", "100ms", "--fail-if", "lost>0"], 0),
        (&["--scenario", "idle:10", "--duration", "100ms", "--limit", "slip<5ms"], 3),
        (&["--scenario", "idle:10", "--duration", "100ms", "--limit", "p99<5ms"], 2),
        (&["--scenario", "idle:10", "--duration", "100ms", "--limit", "cpu<5"], 2),
        (&["--scenario", "idle:10", "--duration", "100ms", "--limit", "lost~5"], 2),
    ] {
        let (code, json, _) = bot(&server.address(), flags).await;
        assert_eq!(code, wanted, "{flags:?}: {json:#}");
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_search_is_asked_what_must_not_hold_as_well() {
    let server = TestServer::start(|_| {}).unwrap();
    let search =
        &["--find-capacity", "--players", "20", "--duration", "100ms", "--limit", "lost=0", "--scenario", "idle"];
    for (fail_if, wanted) in [("connected>0", 3), ("lost>0", 0)] {
        let (code, json, _) = bot(&server.address(), &[search, &["--fail-if", fail_if][..]].concat()).await;
        assert_eq!(code, wanted, "{fail_if}: {json:#}");
    }
    server.stop().await;
}

/// Nothing is sent to an address for documentation, or to nobody.
#[tokio::test]
async fn what_is_in_a_file_stays_until_there_is_something_to_write() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (page, recording) = (path("page.html"), path("run.rec"));
    for file in [&page, &recording] {
        std::fs::write(file, "of before").unwrap();
    }
    let files = ["--report", &page, "--record", &recording];
    for (flags, wanted) in [
        (&["--scenario", "flood:1"][..], 1),
        (&["--limit", "p98<3"], 2),
        (&["--server-metrics", "127.0.0.1:1"], 1),
        (&["--no-such-flag"], 2),
    ] {
        let (code, _, stderr) = bot("192.0.2.1:7777", &[&files[..], flags].concat()).await;
        assert_eq!(code, wanted, "{flags:?}: {stderr}");
        for file in [&page, &recording] {
            assert_eq!(std::fs::read_to_string(file).unwrap(), "of before", "{flags:?}");
        }
    }
    let (code, _, stderr) = bot("192.0.2.1:7777", &["--report", &page, "--record", &page]).await;
    assert!(code == 2 && stderr.contains("is named twice"), "{code}: {stderr}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_players_go_to_another_machine_only_by_order() {
    // An address for documentation: nobody is there, and nothing is sent.
    let (code, json, _) = bot("192.0.2.1:7777", &["--scenario", "flood:1", "--duration", "100ms"]).await;
    assert_eq!((code, json), (1, Value::Null));
}

#[test]
fn the_list_has_every_scenario() {
    let output = Command::new(env!("CARGO_BIN_EXE_malpan")).args(["bot", "--list"]).output().unwrap();
    insta::assert_snapshot!(String::from_utf8(output.stdout).unwrap());
}
