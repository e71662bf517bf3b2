//! What the command line says of itself, and its exit codes.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use assert_cmd::Command;
use malpan_server::config::Config;

/// The server without this environment's own settings.
fn server() -> Command {
    let mut command = Command::cargo_bin("malpan-server").unwrap();
    command.env_clear();
    command
}

/// What it prints and exits with.
fn run(args: &[&str]) -> (String, String, i32) {
    let output = server().args(args).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (text(output.stdout), text(output.stderr), output.status.code().unwrap())
}

fn help(args: &[&str]) -> String {
    let (out, err, code) = run(args);
    assert_eq!((err.as_str(), code), ("", 0));
    if !cfg!(windows) {
        return out;
    }
    // There the program's name has an end, and it can be a service, which `help_of_service` is about.
    let lines = out.lines().filter(|line| !line.starts_with("  service ")).map(|line| line.replace(".exe", "") + "\n");
    lines.collect()
}

#[test]
fn help_of_the_server() {
    insta::assert_snapshot!(help(&["--help"]), @r"
        The Malpan game server: one board for every ten players, everyone sees everyone move.

        When it is ready it prints one line to the standard output, `ready listen=ADDRESS http=ADDRESS`,
        with the real ports. The log goes to the standard error output. A termination signal or Ctrl-C
        drains and stops it, a second one stops it at once.

        Usage: malpan-server [OPTIONS]
               malpan-server <COMMAND>

        Commands:
          config       Print or check a configuration
          tls          Make a certificate to develop with
          account      Look after accounts, whether the server runs or not
          notice       Tell everyone who is signed in something
          store        Check or copy a store, whether the server runs or not
          health       Ask a running server on this machine whether it serves: exits with 0 where it does,
                       else with 1
          completions  Print a script that completes this command line in a shell

        Options:
              --listen <IP:PORT>
                  Address on which players are awaited; may be given several times. Port 0 takes a free port
                  [default: 127.0.0.1:7777]

              --http <IP:PORT|off>
                  Address on which health and metrics are served: /healthz, /readyz, /metrics [default:
                  127.0.0.1:7780]

              --lecture <IP:PORT|off>
                  Address on which clients of the lecture wire, packed packets of u8 size and u8 type, are
                  awaited [default: off]

              --tls-cert <FILE|off>
                  Serve TLS with this certificate, in PEM; `malpan-server tls dev-cert` makes one to try it
                  with [default: off]

              --tls-key <FILE|off>
                  The certificate's private key, in PEM [default: off]

              --store <redb:PATH|redis://...|memory:>
                  Where accounts and rooms are kept: a file, by default in the user's folder for data, a
                  Redis, or nowhere. A URL with a password belongs into the file or the variable
                  MALPAN_STORE [default: redb]

              --control <PATH|auto|off>
                  Where the operator's own commands reach the server: a path, or beside the store's file
                  [default: auto]

              --shards <N>
                  Threads that each serve their own sessions and rooms; 0 starts one per processor core
                  [default: 0]

              --rules-threads <N>
                  Threads that run the rooms' rules apart from the shards, for slow rules; 0 runs them on
                  the shards [default: 0]

              --board <WxH>
                  The board's width and height, each 1 to 64 cells [default: 8x8]

              --seats <N>
                  Seats of a room, 1 to 10 [default: 10]

              --tick <TIME>
                  Time between two batches of moves of a room at the least, up to 1s; 0s sends each move at
                  once [default: 33ms]

              --drain <TIME>
                  Time in which the server stops once it is asked to; players play on until 2 s before its
                  end. 0s ends their play at once [default: 10s]

              --config <FILE>
                  Configuration file, in TOML [default: the variable MALPAN_CONFIG, else none]

              --log-format <text|json>
                  Form of the log: text for people, json for programs [default: text]

          -h, --help
                  Print help (see a summary with '-h')

          -V, --version
                  Print version

        Every flag goes before its variable (--tick: MALPAN_GAME__TICK), that before the file, that before
        the default.
        `malpan-server config print-default` prints every key of the file.

        Examples:
          malpan-server                                    play on this machine
          malpan-server --listen 0.0.0.0:7777 --drain 30s  play over the network, stop within 30 s
          malpan-server --board 32x32 --tick 50ms          a larger board, moves twenty times a second
          malpan-server config print-default > malpan.toml begin a configuration file

        Exit codes: 0 done, 1 failed, 2 wrong command line.
        ");
}

#[test]
fn help_of_config() {
    insta::assert_snapshot!(help(&["config", "--help"]), @r"
        Print or check a configuration

        Usage: malpan-server config <COMMAND>

        Commands:
          print-default  Print a complete configuration file: every key with its default, unit and range
          check          Check a configuration file by itself, without flags and variables: prints `ok`, or
                         every problem and exits with 1

        Options:
          -h, --help  Print help
        ");
}

#[test]
fn help_of_dev_cert() {
    insta::assert_snapshot!(help(&["tls", "dev-cert", "--help"]), @r"
    Write a certificate for this machine and who signed it: ca.pem, cert.pem, key.pem. Nothing is
    overwritten

    Usage: malpan-server tls dev-cert [OPTIONS]

    Options:
          --out <DIR>    Folder to write to; made where it is not there [default: dev-cert]
          --name <HOST>  A further name or address of the server, beside localhost, 127.0.0.1 and ::1;
                         may be given several times
          --force        Overwrite what is there
      -h, --help         Print help
    ");
}

#[cfg(windows)]
#[test]
fn help_of_service() {
    insta::assert_snapshot!(help(&["service", "--help"]), @r"
    Have Windows run the server as a service

    Usage: malpan-server service <COMMAND>

    Commands:
      install    Have Windows start the server, with the machine and when it has failed; needs an
                 administrator
      uninstall  Stop the service and take it away; its folder stays. Needs an administrator
      run        What Windows itself starts

    Options:
      -h, --help  Print help
    ");
}

#[cfg(not(windows))]
#[test]
fn a_service_is_windows_alone() {
    let (out, err, code) = run(&["service", "install"]);
    assert_eq!((out.as_str(), code), ("", 2));
    assert!(err.contains("unrecognized subcommand 'service'"), "{err}");
}

#[test]
fn every_default_in_the_help_is_the_real_one() {
    let words = help(&["--help"]).split_whitespace().collect::<Vec<_>>().join(" ");
    let flags = [
        ("--listen <IP:PORT>", "127.0.0.1:7777"),
        ("--http <IP:PORT|off>", "127.0.0.1:7780"),
        ("--lecture <IP:PORT|off>", "off"),
        ("--tls-cert <FILE|off>", "off"),
        ("--tls-key <FILE|off>", "off"),
        ("--store <redb:PATH|redis://...|memory:>", "redb"),
        ("--shards <N>", "0"),
        ("--rules-threads <N>", "0"),
        ("--board <WxH>", "8x8"),
        ("--seats <N>", "10"),
        ("--tick <TIME>", "33ms"),
        ("--drain <TIME>", "10s"),
        ("--log-format <text|json>", "text"),
    ];
    for (flag, default) in flags {
        let about = words.split_once(flag).unwrap_or_else(|| panic!("{flag} is in the help")).1;
        let said = about.split_once("[default: ").unwrap().1.split_once(']').unwrap().0;
        assert_eq!(said, default, "{flag}");
    }
    let defaults = Config::default();
    assert_eq!(defaults.listen[0].to_string(), "127.0.0.1:7777");
    assert_eq!(defaults.http.to_string(), "127.0.0.1:7780");
    assert_eq!(
        (defaults.shards, defaults.game.board.to_string().as_str(), defaults.game.seats.count()),
        (0, "8x8", 10)
    );
    assert_eq!((defaults.game.tick.as_millis(), defaults.drain.as_secs()), (33, 10));
}

#[test]
fn flags_of_what_does_not_exist_yet_are_usage_errors() {
    for flag in ["--grace=30s", "--nonsense"] {
        let (out, err, code) = run(&[flag]);
        assert_eq!((out.as_str(), code), ("", 2), "{err}");
        assert!(err.contains("unexpected argument"), "{err}");
    }
}

#[test]
fn a_wrong_flag_value_is_a_usage_error_and_a_wrong_variable_a_failure() {
    let (out, err, code) = run(&["--tick", "33", "--seats", "11"]);
    assert_eq!((out.as_str(), code), ("", 2));
    insta::assert_snapshot!(err, @r#"
        game.seats (flag --seats): 11 is out of range; allowed: 1 to 10 seats
        game.tick (flag --tick): "33": time unit needed, for example 33sec or 33ms; allowed: 0s to 1s, in whole milliseconds and with its unit
        "#);

    let output = server().env("MALPAN_GAME__SEATS", "11").output().unwrap();
    assert_eq!((output.stdout.len(), output.status.code()), (0, Some(1)));
    insta::assert_snapshot!(String::from_utf8(output.stderr).unwrap(), @"game.seats (variable MALPAN_GAME__SEATS): 11 is out of range; allowed: 1 to 10 seats");
}

#[test]
fn a_file_that_is_not_there_is_a_failure() {
    let (out, err, code) = run(&["--config", "no/such/file.toml"]);
    assert_eq!((out.as_str(), code), ("", 1));
    assert!(err.starts_with("file no/such/file.toml: it cannot be read: "), "{err}");
}

#[test]
fn the_printed_file_checks_out_and_a_wrong_one_does_not() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("malpan.toml");
    let path = path.to_str().unwrap();
    let (printed, _, code) = run(&["config", "print-default"]);
    assert_eq!(code, 0);
    std::fs::write(path, &printed).unwrap();
    assert_eq!(run(&["config", "check", path]), ("ok\n".into(), String::new(), 0));

    std::fs::write(path, printed.replace("seats = 10", "seats = 11").replace("33ms", "2s")).unwrap();
    let (out, err, code) = run(&["config", "check", path]);
    assert_eq!((err.as_str(), code), ("", 1));
    assert_eq!(out.lines().count(), 2, "every problem, not the first alone: {out}");
}

#[test]
fn config_and_serving_do_not_mix() {
    let (_, err, code) = run(&["--seats", "4", "config", "print-default"]);
    assert_eq!(code, 2, "{err}");
}

#[test]
fn each_shell_gets_a_script_that_knows_the_flags() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = help(&["completions", shell]);
        assert!(script.contains("rules-threads"), "{shell}: {script}");
    }
}

#[test]
fn every_command_has_a_manual_page() {
    let folder = tempfile::tempdir().unwrap();
    let pages = folder.path().join("share/man1");
    assert_eq!(run(&["man", pages.to_str().unwrap()]), (String::new(), String::new(), 0));
    for page in ["malpan-server.1", "malpan-server-account-ban.1", "malpan-server-tls-dev-cert.1"] {
        let page = pages.join(page);
        let text = std::fs::read_to_string(&page).unwrap();
        assert!(text.contains("\n.TH malpan"), "{text}");
        assert_eq!(complaints(&page), "", "{}", page.display());
    }
}

/// What `man` finds wrong with a page; nothing where there is no `man`.
fn complaints(page: &std::path::Path) -> String {
    let mut man = std::process::Command::new("man");
    match man.args(["--warnings", "-l"]).arg(page).env("LC_ALL", "C.UTF-8").output() {
        Ok(output) => String::from_utf8(output.stderr).unwrap(),
        Err(_) => String::new(),
    }
}
