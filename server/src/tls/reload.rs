//! A new certificate while the server runs, on SIGHUP or when the files have changed.

use super::{TlsFiles, files::Loaded};
use malpan_net::Tls;
use std::{
    convert::Infallible,
    fs, io,
    path::Path,
    time::{Duration, SystemTime},
};
use tokio::time::{MissedTickBehavior, interval};

/// How often the files are looked at. A change is taken once they look the same twice: both have been written then.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// Keeps a [`Tls`] as its files are.
#[derive(Debug)]
pub(crate) struct Reload {
    files: TlsFiles,
    tls: Tls,
    /// How the files looked when they were last loaded.
    loaded: Look,
    hangup: Hangup,
}

/// By what a change is noticed: when each file was changed, and how long it is; `None` where there is none.
type Look = [Option<(SystemTime, u64)>; 2];

impl Reload {
    /// For `tls`, which has been given what `files` held when they looked like `loaded`.
    ///
    /// # Errors
    /// Where the system refuses a handler for the signal.
    pub(crate) fn new(files: TlsFiles, tls: Tls, loaded: Look) -> io::Result<Self> {
        Ok(Self { files, tls, loaded, hangup: Hangup::install()? })
    }

    /// Never ends.
    pub(crate) async fn run(mut self) -> Infallible {
        let mut looks = interval(LOOK_EVERY);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut last = self.loaded;
        loop {
            tokio::select! {
                () = self.hangup.next() => {
                    last = look(&self.files);
                    self.load("SIGHUP", last);
                }
                _ = looks.tick() => {
                    let now = look(&self.files);
                    if now == last && now != self.loaded {
                        self.load("the files have changed", now);
                    }
                    last = now;
                }
            }
        }
    }

    fn load(&mut self, why: &str, now: Look) {
        // Looked at before they are read: a change in between is another change.
        self.loaded = now;
        match self.files.load() {
            Ok(loaded) => {
                note(&loaded, why);
                self.tls.replace(loaded.config);
            }
            Err(error) => tracing::error!(why, %error, "the new certificate is not taken; the one before stays"),
        }
    }
}

/// How the files look.
pub(crate) fn look(files: &TlsFiles) -> Look {
    let look = |path: &Path| fs::metadata(path).and_then(|file| Ok((file.modified()?, file.len()))).ok();
    [look(&files.cert), look(&files.key)]
}

/// Says in the log what is served with from now on.
pub(crate) fn note(loaded: &Loaded, why: &str) {
    let until = loaded.not_after.map(|end| humantime::format_rfc3339_seconds(end).to_string());
    let until = until.unwrap_or_else(|| "unknown".into());
    if loaded.not_after.is_some_and(|end| end < SystemTime::now()) {
        tracing::warn!(until, why, "the certificate in tls.cert has expired; clients will not take it");
    } else {
        tracing::info!(until, why, "serving with the certificate in tls.cert");
    }
}

/// SIGHUP; on Windows it never comes.
#[derive(Debug)]
struct Hangup(#[cfg(unix)] tokio::signal::unix::Signal);

impl Hangup {
    #[cfg(unix)]
    fn install() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        signal(SignalKind::hangup()).map(Self)
    }

    #[cfg(not(unix))]
    fn install() -> io::Result<Self> {
        Ok(Self())
    }

    /// Loses nothing when it is cancelled.
    async fn next(&mut self) {
        #[cfg(unix)]
        if self.0.recv().await.is_some() {
            return;
        }
        std::future::pending::<()>().await;
    }
}
