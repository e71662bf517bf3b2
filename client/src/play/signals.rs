//! The signals that ask a program to end.

/// Completes when the first one comes. Where they cannot be listened to, it never completes, and they end the program
/// in their own way.
pub(super) async fn quit() {
    match imp::any() {
        Ok(any) => any.await,
        Err(_) => std::future::pending().await,
    }
}

#[cfg(unix)]
mod imp {
    use std::{future::Future, io};
    use tokio::signal::unix::{SignalKind, signal};

    pub(super) fn any() -> io::Result<impl Future<Output = ()>> {
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        let mut hangup = signal(SignalKind::hangup())?;
        Ok(async move {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
                _ = hangup.recv() => {}
            }
        })
    }
}

#[cfg(windows)]
mod imp {
    use std::{future::Future, io};
    use tokio::signal::windows::{ctrl_break, ctrl_c, ctrl_close};

    pub(super) fn any() -> io::Result<impl Future<Output = ()>> {
        let mut interrupt = ctrl_c()?;
        let mut stop = ctrl_break()?;
        let mut close = ctrl_close()?;
        Ok(async move {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = stop.recv() => {}
                _ = close.recv() => {}
            }
        })
    }
}
