//! What time does: deadlines, heartbeats, silence, stalled writes.

use crate::support::{Behaviour, Event, Peer, Scene, frame, packets, settings, settle, unpack, wire};
use malpan_net::{CloseReason, Count, SessionHandle, Settings};
use std::time::Duration;
use tokio::{
    io::BufStream,
    task::yield_now,
    time::{Instant, advance, sleep},
};

const SWEEP: Duration = Duration::from_millis(250);

fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

/// How long it takes from now until the session is told to close; with the reason.
async fn time_to_close(session: &SessionHandle) -> (Duration, CloseReason) {
    let start = Instant::now();
    loop {
        if let Some(reason) = session.close_reason() {
            return (start.elapsed(), reason);
        }
        assert!(start.elapsed() < secs(1000), "never closed");
        sleep(ms(1)).await;
    }
}

fn assert_within(time: Duration, from: Duration, to: Duration) {
    assert!((from..=to).contains(&time), "{time:?} is not within {from:?} and {to:?}");
}

/// An established session, some way into a sweep's interval.
async fn established(scene: &mut Scene) -> (Peer, SessionHandle) {
    let (peer, session) = scene.open().await;
    session.establish();
    sleep(ms(130)).await;
    (peer, session)
}

#[tokio::test(start_paused = true)]
async fn a_deadline_is_kept_to_the_sweep_and_never_early() {
    for into_the_sweep in [0, 1, 249, 349, 499] {
        let mut scene = Scene::new(settings());
        let (peer, session) = scene.open().await;
        sleep(ms(into_the_sweep)).await;
        session.set_deadline(secs(5));
        let (time, reason) = time_to_close(&session).await;
        assert_within(time, secs(5), secs(5) + SWEEP + ms(2));
        assert_eq!(reason, CloseReason::Deadline);
        settle().await;
        assert_eq!(unpack(&peer.heard()), ["bye Deadline"]);
        assert_eq!(scene.counted(Count::Deadlines), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_new_deadline_takes_the_place_of_the_old() {
    let mut scene = Scene::new(settings());
    let (_peer, session) = scene.open().await;
    session.set_deadline(secs(5));
    sleep(secs(4)).await;
    session.set_deadline(secs(60));
    let (time, _) = time_to_close(&session).await;
    assert_within(time, secs(60), secs(60) + SWEEP + ms(2));
}

#[tokio::test(start_paused = true)]
async fn a_time_that_no_clock_reaches_is_never_over() {
    let never = Duration::MAX;
    let (silence, ping_after) = (Some(never), Some(never));
    let mut scene = Scene::new(Settings { silence, ping_after, write_stall: never, ..settings() });
    let (peer, session) = established(&mut scene).await;
    session.set_deadline(never);
    peer.take(0);
    session.send(frame("stuck"));
    sleep(secs(600)).await;
    assert_eq!((session.close_reason(), session.backlog().0), (None, 1));
}

#[tokio::test(start_paused = true)]
async fn to_be_established_lifts_the_deadline_and_the_place_among_the_pending() {
    let mut scene = Scene::new(Settings { silence: None, ping_after: None, ..settings() });
    let (peer, session) = scene.open().await;
    session.set_deadline(secs(5));
    assert_eq!((scene.admission.pending(), session.is_established()), (1, false));
    peer.say(packets(["establish"]));
    settle().await;
    assert_eq!((scene.admission.pending(), session.is_established()), (0, true));
    sleep(secs(600)).await;
    assert_eq!(session.close_reason(), None);
    peer.half_close();
    settle().await;
    assert_eq!((scene.places(), scene.admission.pending()), ([0; 3], 0));
}

#[tokio::test(start_paused = true)]
async fn strangers_are_neither_asked_nor_given_up_but_for_their_deadline() {
    let mut scene = Scene::new(settings());
    let (peer, session) = scene.open().await;
    sleep(secs(600)).await;
    assert_eq!((session.close_reason(), peer.write_calls()), (None, 0));
}

#[tokio::test(start_paused = true)]
async fn a_silent_peer_is_asked_again_and_again_and_then_given_up() {
    let mut scene = Scene::new(settings());
    let (peer, session) = established(&mut scene).await;
    let start = Instant::now();
    let (time, reason) = time_to_close(&session).await;
    assert_within(time, secs(35) - SWEEP, secs(35) + SWEEP);
    assert_eq!(reason, CloseReason::Silent);
    settle().await;
    assert_eq!(unpack(&peer.heard()), ["alive?", "alive?", "alive?", "bye Silent"]);
    assert_eq!(scene.counted(Count::Silent), 1);
    assert!(start.elapsed() < secs(36));
}

#[tokio::test(start_paused = true)]
async fn heartbeats_come_at_their_times() {
    let mut scene = Scene::new(settings());
    let (peer, _session) = established(&mut scene).await;
    sleep(ms(9500)).await;
    assert_eq!(peer.writes().len(), 0);
    sleep(ms(1000)).await;
    assert_eq!(peer.writes().len(), 1);
    sleep(ms(9000)).await;
    assert_eq!(peer.writes().len(), 1);
    sleep(ms(1000)).await;
    assert_eq!(peer.writes().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn where_nobody_signs_in_everyone_is_established_at_once() {
    let mut scene = Scene::with(settings(), Behaviour { no_sign_in: true, ..Behaviour::default() });
    let (_peer, session) = scene.open().await;
    assert_eq!((scene.admission.pending(), session.is_established()), (0, true));
    let (time, reason) = time_to_close(&session).await;
    assert_within(time, secs(35) - SWEEP, secs(35) + SWEEP);
    assert_eq!(reason, CloseReason::Silent);
}

/// Of a peer that cannot be asked, silence says nothing. Over sockets, keepalive finds the dead.
#[tokio::test(start_paused = true)]
async fn without_heartbeats_a_quiet_peer_lives_on() {
    let mut scene = Scene::with(settings(), Behaviour { no_heartbeat: true, ..Behaviour::default() });
    let (peer, session) = established(&mut scene).await;
    sleep(secs(600)).await;
    assert_eq!((session.close_reason(), peer.write_calls()), (None, 0));
    // What else time brings does not depend on it.
    session.set_deadline(secs(5));
    let (time, reason) = time_to_close(&session).await;
    assert_within(time, secs(5), secs(5) + SWEEP + ms(2));
    assert_eq!(reason, CloseReason::Deadline);
}

/// One byte of a long packet is a sign of life as well.
#[tokio::test(start_paused = true)]
async fn any_byte_is_a_sign_of_life() {
    let mut scene = Scene::new(settings());
    let (peer, session) = established(&mut scene).await;
    peer.say([200]);
    for _ in 0..20 {
        sleep(secs(9)).await;
        peer.say("x");
    }
    settle().await;
    assert_eq!((session.close_reason(), peer.write_calls()), (None, 0), "neither given up nor asked");
    let (time, reason) = time_to_close(&session).await;
    assert_within(time, secs(35) - SWEEP, secs(35) + SWEEP);
    settle().await;
    assert_eq!((reason, scene.events()), (CloseReason::Silent, vec![Event::Ended(CloseReason::Silent)]));
}

#[tokio::test(start_paused = true)]
async fn packets_that_lie_ready_are_signs_of_life_while_others_wait() {
    let mut scene = Scene::new(settings());
    let (peer, session) = established(&mut scene).await;
    peer.say(packets(["wait", "wait", "wait"]));
    for _ in 0..3 {
        sleep(secs(20)).await;
        scene.let_through(1);
    }
    settle().await;
    assert_eq!(session.close_reason(), None);
    assert_eq!(scene.events().iter().filter(|&event| *event == Event::Through).count(), 3);
}

/// A peer that does not read has enough to read without being asked whether it is there.
#[tokio::test(start_paused = true)]
async fn a_peer_that_is_behind_is_not_asked() {
    let mut scene = Scene::new(Settings { write_stall: secs(1000), ..settings() });
    let (peer, session) = established(&mut scene).await;
    peer.take(0);
    for _ in 0..6 {
        session.send(frame("x"));
    }
    sleep(secs(34)).await;
    assert_eq!((session.backlog().0, session.close_reason()), (6, None));
}

#[tokio::test(start_paused = true)]
async fn a_write_that_stalls_cuts_and_never_early() {
    for into_the_sweep in [0, 249, 349, 499] {
        let mut scene = Scene::new(settings());
        let (peer, session) = scene.open().await;
        sleep(ms(into_the_sweep)).await;
        peer.take(3);
        session.send(frame("stuck"));
        session.send(frame("behind"));
        settle().await;
        let (time, reason) = time_to_close(&session).await;
        assert_within(time, secs(5) - ms(1), secs(5) + SWEEP + ms(2));
        assert_eq!(reason, CloseReason::WriteStalled);
        settle().await;
        assert_eq!(scene.events(), [Event::Ended(CloseReason::WriteStalled)]);
        peer.take_all();
        settle().await;
        assert_eq!(unpack(&peer.heard()), ["stuck", "bye WriteStalled"]);
        assert_eq!(scene.counted(Count::SlowConsumers), 1);
    }
}

/// The shard's clock counts milliseconds. What it does not see must not make anything early.
#[tokio::test(start_paused = true)]
async fn a_part_of_a_millisecond_is_not_taken_from_a_deadline_or_a_stall() {
    let part = Duration::from_micros(500);
    let mut scene = Scene::new(settings());
    let (_peer, limited) = scene.open().await;
    let (peer, stalled) = scene.open().await;
    peer.take(0);
    advance(part).await;
    limited.set_deadline(secs(5));
    stalled.send(frame("stuck"));
    // The sweep at five seconds would come too early for both.
    sleep(secs(5) - part).await;
    yield_now().await;
    assert_eq!([limited.close_reason(), stalled.close_reason()], [None; 2]);
    sleep(SWEEP).await;
    let reasons = [CloseReason::Deadline, CloseReason::WriteStalled];
    assert_eq!([limited.close_reason(), stalled.close_reason()], reasons.map(Some));
}

#[tokio::test(start_paused = true)]
async fn progress_starts_the_time_of_a_stall_anew() {
    let mut scene = Scene::new(settings());
    let (peer, session) = scene.open().await;
    peer.take(0);
    session.send(frame("a long one, taken byte by byte"));
    for _ in 0..10 {
        sleep(ms(4500)).await;
        peer.take(1);
    }
    settle().await;
    assert_eq!(session.close_reason(), None);
    // All taken: a blocked write of long ago is no stall.
    peer.take_all();
    sleep(secs(60)).await;
    assert_eq!((session.close_reason(), session.backlog()), (None, (0, 0)));
    peer.take(0);
    session.send(frame("stuck"));
    let (time, _) = time_to_close(&session).await;
    assert_within(time, secs(5), secs(5) + SWEEP + ms(2));
}

/// A stream that buffers takes bytes and then cannot get rid of them.
#[tokio::test(start_paused = true)]
async fn a_flush_that_stalls_cuts_as_well() {
    let mut scene = Scene::new(settings());
    let (io, peer) = wire();
    let session = scene.open_on(BufStream::new(io)).await;
    peer.take(0);
    session.send(frame("stuck"));
    settle().await;
    assert_eq!(session.backlog(), (0, 0));
    let (time, reason) = time_to_close(&session).await;
    assert_within(time, secs(5) - ms(1), secs(5) + SWEEP + ms(2));
    assert_eq!(reason, CloseReason::WriteStalled);
    // The stream is let go of in time, whatever it holds.
    sleep(secs(3)).await;
    assert_eq!((peer.is_closed(), scene.places()), (true, [0; 3]));
}

#[tokio::test(start_paused = true)]
async fn a_sweep_without_an_interval_sweeps_at_each_millisecond() {
    let mut scene = Scene::new(Settings { sweep_interval: Duration::ZERO, ..settings() });
    let (_peer, session) = scene.open().await;
    session.set_deadline(ms(50));
    let (time, _) = time_to_close(&session).await;
    assert_within(time, ms(50), ms(54));
}

/// A peer that stalls and keeps talking is cut all the same: reading goes on, and is no progress of writing.
#[tokio::test(start_paused = true)]
async fn a_peer_that_talks_and_does_not_read_is_cut() {
    let mut scene = Scene::new(settings());
    let (peer, session) = established(&mut scene).await;
    peer.take(0);
    session.send(frame("stuck"));
    let start = Instant::now();
    while session.close_reason().is_none() && start.elapsed() < secs(20) {
        peer.say(packets(["hi"]));
        sleep(ms(100)).await;
    }
    assert_eq!(session.close_reason(), Some(CloseReason::WriteStalled));
    assert_within(start.elapsed(), secs(5), secs(5) + SWEEP + ms(102));
}

#[tokio::test(start_paused = true)]
async fn the_sweep_ends_with_the_last_owner_of_the_shard() {
    let metrics = tokio::runtime::Handle::current().metrics();
    let mut scene = Scene::new(settings());
    let (peer, session) = scene.open().await;
    assert_eq!(metrics.num_alive_tasks(), 2);
    peer.half_close();
    settle().await;
    assert_eq!(metrics.num_alive_tasks(), 1);
    drop((scene, session));
    sleep(SWEEP * 2).await;
    assert_eq!(metrics.num_alive_tasks(), 0);
}

/// The machine slept, or the process was stopped: what the peers said meanwhile lies unread, and they could not be asked.
#[tokio::test(start_paused = true)]
async fn time_in_which_the_shard_stood_still_is_not_held_against_anyone() {
    let mut scene = Scene::new(settings());
    // So that the shard has a time behind it that counts.
    sleep(SWEEP * 4).await;
    let (peer, quiet) = established(&mut scene).await;
    let (stuck_peer, stuck) = scene.open().await;
    stuck_peer.take(0);
    stuck.send(frame("stuck"));
    let (_peer, late) = scene.open().await;
    late.set_deadline(secs(5));
    settle().await;
    advance(secs(3600)).await;
    settle().await;
    assert_eq!([&quiet, &stuck, &late].map(SessionHandle::close_reason), [None; 3]);
    let begun = Instant::now();
    assert_eq!(time_to_close(&quiet).await.1, CloseReason::Silent);
    assert_within(begun.elapsed(), secs(34), secs(35) + SWEEP * 2);
    assert_eq!(unpack(&peer.heard()).iter().filter(|line| **line == "alive?").count(), 3, "it was asked first");
    assert_eq!(
        [stuck, late].map(|session| session.close_reason()),
        [CloseReason::WriteStalled, CloseReason::Deadline].map(Some)
    );
}
