//! Accounts through pipes: the password is the first line, and is seen nowhere.

use super::{Command, PATIENCE, TestServer};

/// A server whose hashes cost little: what they cost is no matter here.
pub(crate) fn server() -> TestServer {
    let cheap = (1024, 1);
    TestServer::start(|config| (config.accounts.argon2_memory_kib, config.accounts.argon2_iterations) = cheap).unwrap()
}

/// Plain mode with these flags; the exit status, and what it printed and complained of.
async fn play(server: &TestServer, flags: &[&str], script: &'static str) -> (Option<i32>, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_malpan"));
    command.args(["play", &server.address(), "--plain"]).args(flags).write_stdin(script).timeout(PATIENCE);
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    (output.status.code(), String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_account_is_made_and_signed_in_to_with_the_first_line_of_stdin() {
    let server = server();
    for flag in ["--register", "--login"] {
        let (code, stdout, stderr) = play(&server, &[flag, "Ann"], "correct horse\nchat hello\nquit\n").await;
        assert_eq!((code, stderr.as_str()), (Some(0), ""), "{flag}: {stdout}");
        assert!(stdout.starts_with(&format!("connected {} as Ann\n", server.address())), "{flag}: {stdout}");
        assert!(stdout.ends_with("chat Ann: hello\nbye\n"), "what follows the password is done\n{stdout}");
        assert!(!stdout.contains("horse"), "{stdout}");
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_wrong_with_an_account_is_told_plainly() {
    let server = server();
    play(&server, &["--register", "Ann"], "correct horse\nquit\n").await;
    for (flags, script, told) in [
        (["--login", "Ann"], "wrong horse\nup\n", "wrong name or password"),
        (["--login", "Nobody"], "correct horse\nup\n", "wrong name or password"),
        (["--register", "ann"], "another horse\nup\n", "someone is named ann"),
        (["--name", "Ann"], "up\n", "the name Ann is taken"),
        (["--login", "Ann"], "short\n", "a password is not of the form of 8 to 128 bytes"),
        (["--login", "Ann"], "", "a password is not of the form of 8 to 128 bytes"),
    ] {
        let (code, stdout, stderr) = play(&server, &flags, script).await;
        assert_eq!((code, stdout.as_str()), (Some(1), ""), "{flags:?}: {stderr}");
        assert!(stderr.contains(told) && !stderr.contains("horse"), "{flags:?}: {stderr}");
    }
    server.stop().await;
}
