//! Peers that are gone without a word: their machine is off, or the way to it is cut. No packet of theirs comes any more,
//! not even one that confirms what is sent to them.

use crate::support::{Event, Peer, Scene, frame, packets, settle};
use malpan_net::{CloseReason, Count, SessionHandle, Settings};
use std::time::Duration;
use tokio::time::{Instant, sleep};

const SILENCE: Duration = Duration::from_secs(30);
const SWEEP: Duration = Duration::from_millis(250);

/// The sessions' limits by default.
fn by_default() -> Settings {
    Settings { closing_flush: Duration::from_secs(2), closing_linger: Duration::from_secs(1), ..Settings::default() }
}

/// A peer whose connection dies now, in the state that `prepare` brings it to. The session ends, for `reason`, within
/// `limit`; and within the time for the goodbye, which nobody takes, nothing of it is left.
async fn dies(prepare: impl AsyncFn(&Peer, &SessionHandle), limit: Duration, reason: CloseReason) {
    let mut scene = Scene::new(by_default());
    let (peer, session) = scene.open().await;
    session.establish();
    sleep(SWEEP / 2).await;
    prepare(&peer, &session).await;
    let died = Instant::now();
    while session.close_reason().is_none() {
        sleep(Duration::from_millis(1)).await;
        assert!(died.elapsed() <= limit + SWEEP, "it is still there after {:?}", died.elapsed());
    }
    settle().await;
    assert!(scene.events().contains(&Event::Ended(reason)), "its service knows: seats and names are free");
    let goodbye = by_default().closing_flush + by_default().closing_linger;
    sleep(goodbye).await;
    assert_eq!((peer.is_closed(), scene.places(), session.close_reason()), (true, [0; 3], Some(reason)));
}

#[tokio::test(start_paused = true)]
async fn one_that_is_quiet_is_gone_within_thirty_seconds() {
    dies(async |_, _| {}, SILENCE, CloseReason::Silent).await;
}

#[tokio::test(start_paused = true)]
async fn one_that_dies_in_the_middle_of_a_packet_is_gone_within_thirty_seconds() {
    let prepare = async |peer: &Peer, _: &SessionHandle| {
        peer.say([200, b'x']);
        settle().await;
    };
    dies(prepare, SILENCE, CloseReason::Silent).await;
}

/// As long as the kernel's buffers take them, writes to a dead peer succeed.
#[tokio::test(start_paused = true)]
async fn one_to_whom_is_written_is_gone_within_thirty_seconds_as_well() {
    let prepare = async |_: &Peer, session: &SessionHandle| {
        let session = session.clone();
        tokio::spawn(async move {
            while session.close_reason().is_none() {
                session.send(frame("news"));
                sleep(Duration::from_millis(33)).await;
            }
        });
    };
    dies(prepare, SILENCE, CloseReason::Silent).await;
}

#[tokio::test(start_paused = true)]
async fn one_that_dies_with_a_write_pending_is_gone_when_the_write_has_stalled() {
    for taken in [0, 3] {
        let prepare = async |peer: &Peer, session: &SessionHandle| {
            peer.take(taken);
            session.send(frame("stuck"));
            settle().await;
        };
        dies(prepare, by_default().write_stall, CloseReason::WriteStalled).await;
    }
}

/// The goodbye is under way, and nobody takes it or closes in turn.
#[tokio::test(start_paused = true)]
async fn one_that_dies_while_it_is_said_goodbye_to_is_gone_with_that() {
    for room in [0, 2, usize::MAX] {
        let mut scene = Scene::new(by_default());
        let (peer, session) = scene.open().await;
        peer.say(packets(["echo hi"]));
        settle().await;
        peer.take(room);
        session.close(CloseReason::Stopping);
        sleep(by_default().closing_flush + by_default().closing_linger).await;
        assert_eq!((peer.is_closed(), scene.places()), (true, [0; 3]));
    }
}

/// Over real sockets, where the kernel has a part in it.
#[cfg(target_os = "linux")]
mod sockets {
    use super::*;
    use crate::support::{
        Behaviour,
        scene::admission,
        sockets::{LONG, connect, listen, until},
    };
    use malpan_net::{Tcp, accept};
    use socket2::{SockFilter, SockRef};
    use std::sync::Arc;
    use tokio::{net::TcpStream, time::timeout};
    use tokio_util::sync::CancellationToken;

    /// Short, so that the test is; the kernel counts whole seconds.
    const SILENCE: Duration = Duration::from_secs(3);

    /// From now on the kernel drops whatever comes for this socket before it looks at it, as if it had never come.
    fn cut_off(stream: &TcpStream) {
        const RETURN_A_CONSTANT: u16 = 6;
        SockRef::from(stream).attach_filter(&[SockFilter::new(RETURN_A_CONSTANT, 0, 0, 0)]).unwrap();
    }

    /// Connects to a server whose protocol has a way to ask a peer for a sign of life, or has none.
    async fn scene_with(heartbeat: bool) -> (Scene, TcpStream, SessionHandle) {
        let behaviour = Behaviour { no_heartbeat: !heartbeat, no_sign_in: true, ..Behaviour::default() };
        let settings = Settings { ping_after: Some(Duration::from_secs(1)), silence: Some(SILENCE), ..by_default() };
        let mut scene = Scene::with(settings, behaviour);
        let (listener, address) = listen();
        let shards = Arc::new([scene.shard.clone()]);
        let protocol = scene.protocol.clone();
        tokio::spawn(accept(listener, Tcp, shards, admission(9, 9, 9), protocol, CancellationToken::new()));
        let client = connect(address).await;
        let session = scene.opened().await;
        (scene, client, session)
    }

    /// How long it takes until a peer that is cut off is gone.
    async fn time_to_the_end(heartbeat: bool, write_pending: bool) -> Duration {
        let (scene, client, session) = scene_with(heartbeat).await;
        cut_off(&client);
        let died = Instant::now();
        if write_pending {
            // The kernel takes it, and will never get rid of it.
            session.send(frame("news"));
            until(|| session.backlog() == (0, 0)).await;
        }
        let gone = async {
            while session.close_reason().is_none() {
                sleep(Duration::from_millis(10)).await;
            }
        };
        timeout(LONG, gone).await.unwrap_or_else(|_| panic!("heartbeat {heartbeat}, write pending {write_pending}"));
        let (time, count) = (died.elapsed(), if heartbeat { Count::Silent } else { Count::Disconnected });
        until(|| scene.shard.sessions() == 0).await;
        assert_eq!(scene.counted(count), 1);
        time
    }

    #[tokio::test]
    async fn whatever_is_on_its_way_to_them_they_are_found() {
        let (a, b, c, d) = tokio::join!(
            time_to_the_end(true, false),
            time_to_the_end(true, true),
            time_to_the_end(false, false),
            time_to_the_end(false, true)
        );
        for time in [a, b, c, d] {
            // The kernel is asked for about that: it is a probe's interval late at the most.
            assert!((SILENCE - SWEEP * 2..SILENCE * 3).contains(&time), "{:?}", [a, b, c, d]);
        }
    }

    /// The same socket options, and a kernel that answers.
    #[tokio::test]
    async fn a_quiet_peer_that_is_there_stays() {
        let (_scene, _client, session) = scene_with(false).await;
        sleep(SILENCE * 2).await;
        assert_eq!(session.close_reason(), None);
    }
}
