//! Accounts, from the first register to the last login: in memory with paused time, and over real sockets.
#![allow(clippy::unwrap_used, reason = "a test")]

mod gone;
mod memory;
#[cfg(unix)]
mod operator;
#[cfg(unix)]
mod revoked;
mod sockets;

use malpan_client::ClientError;
use malpan_protocol::{DenialCode, Secret};
use malpan_server::config::Config;

/// The cheapest passwords that may be configured.
fn cheap(config: &mut Config) {
    (config.accounts.argon2_memory_kib, config.accounts.argon2_iterations) = (1024, 1);
}

fn config() -> Config {
    let mut config = Config::default();
    cheap(&mut config);
    config
}

fn secret(text: &str) -> Secret {
    Secret::new(text).unwrap()
}

fn denied<T: std::fmt::Debug>(answer: Result<T, ClientError>) -> (DenialCode, String) {
    match answer.unwrap_err() {
        ClientError::Denied(denial) => (denial.code, denial.reason.to_string()),
        other => panic!("{other:?}"),
    }
}

fn code<T: std::fmt::Debug>(answer: Result<T, ClientError>) -> DenialCode {
    denied(answer).0
}
