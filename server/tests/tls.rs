//! TLS of the server's process: certificates that cannot be used, new ones while players are on, and one to develop with.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod running;

use malpan_client::{Client, ClientError, ConnectOptions, Tls, TlsError, protocol::Name};
use malpan_server::tls::DevCert;
use running::{Running, within};
use std::{fs, path::Path, time::Duration};
use tempfile::{TempDir, tempdir};
use tokio::time::sleep;

/// A folder with a certificate, and the flags to serve with it.
struct Served {
    folder: TempDir,
    flags: [String; 4],
}

impl Served {
    fn new() -> Self {
        let folder = tempdir().unwrap();
        let file = |name: &str| folder.path().join(name).display().to_string();
        let flags = ["--tls-cert".into(), file("cert.pem"), "--tls-key".into(), file("key.pem")];
        let served = Self { folder, flags };
        served.renew();
        served
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Another certificate, of another authority.
    fn renew(&self) {
        DevCert::new(&[]).unwrap().write(self.path(), true).unwrap();
    }

    /// Trusts the authority of the last one.
    fn trusted(&self) -> ConnectOptions {
        let pem = fs::read(self.path().join("ca.pem")).unwrap();
        ConnectOptions { tls: Some(Tls::trusting(&pem).unwrap()), ..ConnectOptions::default() }
    }

    fn args(&self) -> Vec<&str> {
        self.flags.iter().map(String::as_str).chain(["--listen", "127.0.0.1:0"]).collect()
    }
}

async fn connect(server: &Running, options: &ConnectOptions) -> Result<Client, ClientError> {
    within(Client::connect(&server.addresses()[0].to_string(), options)).await
}

/// Waits until the server's certificate is trusted so.
async fn until_trusted(server: &Running, options: &ConnectOptions) {
    within(async {
        loop {
            match connect(server, options).await {
                Err(ClientError::Tls(TlsError::UnknownIssuer)) => sleep(Duration::from_millis(50)).await,
                other => break drop(other.unwrap()),
            }
        }
    })
    .await;
}

/// What it says where it does not start.
async fn refused(args: &[&str], code: i32) -> String {
    let ended = Running::spawn(&[&["--listen", "127.0.0.1:0"], args].concat()).end().await;
    assert_eq!((ended.code, ended.out), (Some(code), Vec::new()), "{}", ended.log);
    ended.log
}

#[tokio::test]
async fn what_cannot_be_served_with_is_a_message_with_key_and_file() {
    let (served, other) = (Served::new(), Served::new());
    let [_, cert, _, key] = served.flags.each_ref();
    let log = refused(&["--tls-cert", "absent.pem", "--tls-key", key], 1).await;
    assert!(log.starts_with("malpan-server: tls.cert (absent.pem): it cannot be read: "), "{log}");
    let log = refused(&["--tls-cert", key, "--tls-key", key], 1).await;
    assert!(log.contains(&format!("tls.cert ({key}): there is no certificate in it")), "{log}");
    let log = refused(&["--tls-cert", cert, "--tls-key", &other.flags[3]], 1).await;
    let expected = format!("tls.key ({}): it is not the key of the certificate in tls.cert ({cert})", other.flags[3]);
    assert!(log.contains(&expected), "{log}");
    let log = refused(&["--tls-cert", cert], 2).await;
    assert!(log.contains("tls.cert (flag --tls-cert) and tls.key (default): TLS needs both"), "{log}");
}

#[tokio::test]
async fn an_expired_certificate_is_a_warning() {
    let served = Served::new();
    let now = std::time::SystemTime::now();
    let hour = Duration::from_secs(3600);
    DevCert::valid(&[], now - 2 * hour, now - hour).unwrap().write(served.path(), true).unwrap();
    let mut server = Running::start(&served.args()).await;
    let refused = connect(&server, &served.trusted()).await.unwrap_err();
    assert!(matches!(refused, ClientError::Tls(TlsError::Expired)), "{refused}");
    server.stop_now();
    let log = server.end().await.log;
    assert!(log.contains("WARN") && log.contains("the certificate in tls.cert has expired"), "{log}");
}

#[tokio::test]
async fn new_files_are_served_with_and_drop_nobody() {
    let served = Served::new();
    let server = Running::start(&served.args()).await;
    let before = served.trusted();
    let mut player = connect(&server, &before).await.unwrap();
    served.renew();
    until_trusted(&server, &served.trusted()).await;
    assert!(matches!(connect(&server, &before).await, Err(ClientError::Tls(TlsError::UnknownIssuer))));
    // Who was there plays on.
    within(player.sign_in_guest(Name::new("Ann").unwrap())).await.unwrap();
}

#[cfg(unix)]
#[tokio::test]
async fn a_hangup_loads_at_once_and_what_is_wrong_changes_nothing() {
    let served = Served::new();
    let server = Running::start(&served.args()).await;
    let before = served.trusted();
    let mut player = connect(&server, &before).await.unwrap();

    fs::write(served.path().join("key.pem"), "no key").unwrap();
    server.signal("HUP");
    server.until_logged("the new certificate is not taken; the one before stays").await;
    drop(connect(&server, &before).await.unwrap());

    served.renew();
    server.signal("HUP");
    until_trusted(&server, &served.trusted()).await;
    within(player.sign_in_guest(Name::new("Ann").unwrap())).await.unwrap();
    server.signal("TERM");
    let log = server.end().await.log;
    assert!(log.contains("there is no private key in it"), "{log}");
    // Not by a look at the files, which says another reason.
    assert!(log.contains("serving with the certificate in tls.cert until=") && log.contains("why=\"SIGHUP\""), "{log}");
}

#[tokio::test]
async fn dev_cert_writes_what_its_own_words_serve_with_and_overwrites_nothing() {
    let folder = tempdir().unwrap();
    let out = folder.path().join("deep").join("dev");
    let out_text = out.display().to_string();
    let dev_cert = async |more: &[&str]| {
        let args = [&["tls", "dev-cert", "--out", &out_text, "--name", "game.example"], more].concat();
        Running::command(&args).end().await
    };
    let made = dev_cert(&[]).await;
    assert_eq!((made.code, made.log.as_str()), (Some(0), ""));
    let said = made.out.join("\n");
    let serve = said.lines().find_map(|line| line.trim().strip_prefix("malpan-server ")).unwrap().to_owned();
    assert!(said.contains("game.example") && said.contains("malpan play --tls --ca "), "{said}");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(fs::metadata(out.join("key.pem")).unwrap().permissions().mode() & 0o777, 0o600);
    }

    let server =
        Running::start(&[&serve.split(' ').collect::<Vec<_>>()[..], &["--listen", "127.0.0.1:0"]].concat()).await;
    let trusted = || {
        let tls = Tls::trusting(&fs::read(out.join("ca.pem")).unwrap()).unwrap();
        ConnectOptions { tls: Some(tls), ..ConnectOptions::default() }
    };
    drop(connect(&server, &trusted()).await.unwrap());

    let key = fs::read(out.join("key.pem")).unwrap();
    let again = dev_cert(&[]).await;
    assert_eq!(again.code, Some(1));
    assert!(again.log.contains("is there already; --force overwrites it"), "{}", again.log);
    assert_eq!(fs::read(out.join("key.pem")).unwrap(), key);
    assert_eq!(dev_cert(&["--force"]).await.code, Some(0));
    assert_ne!(fs::read(out.join("key.pem")).unwrap(), key);
    for name in ["gaym\u{e9}", "bad name", ""] {
        let refused = dev_cert(&["--force", "--name", name]).await;
        assert_eq!(refused.code, Some(1), "{}", refused.log);
        assert!(refused.log.contains("neither the name of a host"), "{}", refused.log);
    }
}
