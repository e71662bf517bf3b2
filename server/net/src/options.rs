//! The options of an accepted socket.

use crate::Settings;
use socket2::{SockRef, TcpKeepalive};
use std::{io, time::Duration};
use tokio::net::TcpStream;

/// Probes that a peer must leave unanswered until the kernel gives it up.
const PROBES: u32 = 4;
/// The shortest and the longest time that all systems take for keepalive. They count it in whole seconds.
const PROBE_TIMES: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(32_767));
/// `WSAENOPROTOOPT`: Windows before 10 1703, and Wine 8, have no `TCP_KEEPCNT`.
const NO_SUCH_OPTION: i32 = 10_042;

/// Sets them, as `settings` asks.
pub(crate) fn set(stream: &TcpStream, settings: &Settings, has_heartbeat: bool) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let socket = SockRef::from(stream);
    if let Some(bytes) = settings.send_buffer_bytes {
        socket.set_send_buffer_size(bytes)?;
    }
    if let Some(keepalive) = keepalive(settings)
        && !has_heartbeat
    {
        match socket.set_tcp_keepalive(&keepalive) {
            // It keeps its own number of probes, ten; the times are set by then.
            Err(error) if cfg!(windows) && error.raw_os_error() == Some(NO_SUCH_OPTION) => {}
            done => done?,
        }
        // Linux asks nobody to whom something is on its way: it sends that again and again, for a quarter of an hour.
        #[cfg(target_os = "linux")]
        socket.set_tcp_user_timeout(settings.silence.map(|limit| limit.clamp(PROBE_TIMES.0, PROBE_TIMES.1)))?;
    }
    Ok(())
}

/// What finds a dead peer within about [`Settings::silence`] where nothing else asks it for a sign of life.
fn keepalive(settings: &Settings) -> Option<TcpKeepalive> {
    let (first, silence) = (settings.ping_after?, settings.silence?);
    let (shortest, longest) = PROBE_TIMES;
    // Rounded up: the kernel would cut off what is less than a second.
    let whole = |time: Duration| Duration::from_secs(time.as_millis().div_ceil(1000).try_into().unwrap_or(u64::MAX));
    let interval = silence.saturating_sub(first) / PROBES;
    Some(
        TcpKeepalive::new()
            .with_time(whole(first).clamp(shortest, longest))
            .with_interval(whole(interval).clamp(shortest, longest))
            .with_retries(PROBES),
    )
}

#[cfg(test)]
mod tests {
    use super::set;
    use crate::Settings;
    use socket2::SockRef;
    use std::time::Duration;
    use tokio::net::{TcpListener, TcpStream};

    async fn socket() -> TcpStream {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        TcpStream::connect(listener.local_addr().unwrap()).await.unwrap()
    }

    /// As milliseconds, so that the shortest and the longest are easy to write.
    fn settings(ping_after: Option<u64>, silence: Option<u64>) -> Settings {
        let time = |ms: Option<u64>| ms.map(Duration::from_millis);
        Settings { ping_after: time(ping_after), silence: time(silence), ..Settings::default() }
    }

    #[tokio::test]
    async fn the_kernel_asks_where_the_protocol_cannot() {
        for (ping_after, silence, time, interval) in [
            (10_000, 30_000, 10, 5),
            (10_000, 33_000, 10, 6),
            (1, 2, 1, 1),
            (30_000, 30_000, 30, 1),
            (60_000, 30_000, 60, 1),
            (u64::MAX, u64::MAX, 32_767, 1),
            (1000, u64::MAX, 1, 32_767),
        ] {
            let stream = socket().await;
            set(&stream, &settings(Some(ping_after), Some(silence)), false).unwrap();
            let socket = SockRef::from(&stream);
            assert!(socket.keepalive().unwrap());
            match socket.tcp_keepalive_retries() {
                Err(error) if cfg!(windows) => assert_eq!(error.raw_os_error(), Some(super::NO_SUCH_OPTION)),
                retries => assert_eq!(retries.unwrap(), 4),
            }
            // Windows takes the times, and does not tell them.
            #[cfg(unix)]
            assert_eq!(
                [socket.tcp_keepalive_time().unwrap(), socket.tcp_keepalive_interval().unwrap()],
                [time, interval].map(Duration::from_secs),
                "of {ping_after} and {silence} ms"
            );
            #[cfg(target_os = "linux")]
            assert_eq!(
                socket.tcp_user_timeout().unwrap(),
                Some(Duration::from_millis(silence.clamp(1000, 32_767_000)))
            );
            #[cfg(not(unix))]
            let _ = (time, interval);
        }
    }

    #[tokio::test]
    async fn the_kernel_does_not_ask_where_nobody_is_to_be_asked_or_the_protocol_does() {
        for (settings, has_heartbeat) in
            [(settings(Some(10), Some(30)), true), (settings(None, Some(30)), false), (settings(Some(10), None), false)]
        {
            let stream = socket().await;
            set(&stream, &settings, has_heartbeat).unwrap();
            assert!(!SockRef::from(&stream).keepalive().unwrap());
            #[cfg(target_os = "linux")]
            assert_eq!(SockRef::from(&stream).tcp_user_timeout().unwrap(), None);
            assert!(stream.nodelay().unwrap());
        }
    }
}
