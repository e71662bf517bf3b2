//! Accounts whose passwords were hashed in an earlier life, more cheaply than they would be now.

use super::{Running, SAVED, cheap_passwords, life, standard};
use malpan_client::ClientError;
use malpan_e2e::name;
use malpan_protocol::Secret;
use malpan_server::config::Config;
use std::sync::Arc;
use tokio::time::sleep;

#[test]
fn who_signs_in_twice_while_the_hash_is_made_anew_is_signed_in_by_the_newer() {
    let store = Arc::default();
    let secret = || Secret::new("correct horse").unwrap();
    life(async {
        let server = Running::start_with(&store, cheap_passwords, standard);
        server.connect().await.register(name("Ann"), secret()).await.unwrap();
    });
    life(async {
        let dearer = |config: &mut Config| {
            cheap_passwords(config);
            (config.accounts.argon2_memory_kib, config.accounts.argon2_iterations) = (16 * 1024, 2);
        };
        let server = Running::start_with(&store, dearer, standard);
        let (mut one, mut other) = (server.connect().await, server.connect().await);
        // Keeps the thread that hashes busy until both have looked up the old hash.
        let mut nobody = server.connect().await;
        let (denied, first, second) = tokio::join!(
            nobody.login(name("Nobody"), secret()),
            one.login(name("Ann"), secret()),
            other.login(name("Ann"), secret())
        );
        denied.unwrap_err();
        let answers = [first, second];
        // The password was right both times. Whoever came first may have been sent away before its answer was read.
        for answer in &answers {
            assert!(!matches!(answer, Err(ClientError::Denied(_))), "{answers:?}");
        }
        sleep(SAVED).await;
        assert_eq!(server.host.signed_in(), 1, "{answers:?}");
    });
}
