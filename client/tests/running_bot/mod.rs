//! The real `malpan bot`, as a process of its own, and what its JSON says.

use assert_cmd::Command;
use serde_json::Value;
use std::time::Duration;

/// Runs the bot and returns its exit status, its JSON and what it wrote to stderr.
pub(crate) async fn bot(address: &str, flags: &[&str]) -> (i32, Value, String) {
    let flags: Vec<String> = flags.iter().map(|&flag| flag.to_owned()).collect();
    let address = address.to_owned();
    let run = move || {
        Command::new(env!("CARGO_BIN_EXE_malpan"))
            .args(["bot", &address, "--json", "-", "--threads", "2"])
            .args(flags)
            .timeout(Duration::from_secs(120))
            .output()
            .unwrap()
    };
    let output = tokio::task::spawn_blocking(run).await.unwrap();
    let json = serde_json::from_slice(&output.stdout).unwrap_or(Value::Null);
    (output.status.code().expect("not killed"), json, String::from_utf8(output.stderr).unwrap())
}

/// The run is done. A busy machine may make the schedule slip; then the run is void, and its counts hold all the same.
pub(crate) fn assert_done(code: i32, json: &Value) {
    let reasons = json["void_reasons"].as_array().expect("a list");
    assert!(reasons.iter().all(|reason| reason.as_str().unwrap().starts_with("the schedule slipped")), "{reasons:?}");
    assert_eq!(code, if reasons.is_empty() { 0 } else { 4 }, "{json:#}");
}

pub(crate) fn count(json: &Value, path: &str) -> u64 {
    let found = json.pointer(&format!("/{}", path.replace('.', "/")));
    found.and_then(Value::as_u64).unwrap_or_else(|| panic!("no {path} in {json:#}"))
}
