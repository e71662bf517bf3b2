//! What the acceptor does where there is nothing to accept but errors, with paused time.

use crate::support::{Peer, Scene, scene::admission, settings, settle, unpack, wire, wire::Wire};
use malpan_net::{CloseReason, Count, Listener, Settings, Tcp, accept};
use std::{
    collections::VecDeque,
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};
use tokio::{sync::Notify, task::JoinHandle, time::sleep};
use tokio_util::sync::CancellationToken;

/// No file descriptor is left: the machine's error, which lasts.
const EMFILE: i32 = 24;
/// The peer hung up before it was accepted: its own error, of which the next connection knows nothing.
const ECONNABORTED: i32 = 103;

/// A listener that brings what it is told to, and counts how often it is asked.
#[derive(Clone, Default)]
struct Scripted(Arc<(Mutex<Script>, Notify)>);

#[derive(Default)]
struct Script {
    asked: usize,
    /// Comes first, one for each call.
    next: VecDeque<Result<Wire, i32>>,
    /// Comes again and again where nothing else does.
    error: Option<i32>,
}

impl Scripted {
    /// Fails so from now on; with `None`, it waits where nothing comes.
    fn fail(&self, error: Option<i32>) {
        self.script().error = error;
    }

    fn bring(&self, next: Result<Wire, i32>) {
        self.script().next.push_back(next);
        self.0.1.notify_one();
    }

    /// How often it was asked since this was last called.
    fn asked(&self) -> usize {
        std::mem::take(&mut self.script().asked)
    }

    fn script(&self) -> MutexGuard<'_, Script> {
        self.0.0.lock().unwrap()
    }
}

impl Listener for Scripted {
    type Stream = Wire;

    async fn accept(&mut self) -> io::Result<(Wire, SocketAddr)> {
        {
            let mut script = self.script();
            script.asked += 1;
            assert!(script.asked < 10_000, "it spins");
        }
        loop {
            let next = {
                let mut script = self.script();
                script.next.pop_front().or(script.error.map(Err))
            };
            match next {
                Some(Ok(stream)) => return Ok((stream, "192.0.2.1:7".parse().unwrap())),
                Some(Err(error)) => return Err(io::Error::from_raw_os_error(error)),
                None => self.0.1.notified().await,
            }
        }
    }

    fn hand_over(stream: Wire, _: &Settings, _: bool) -> io::Result<impl FnOnce() -> io::Result<Wire> + Send + use<>> {
        Ok(move || Ok(stream))
    }
}

struct Door {
    scene: Scene,
    listener: Scripted,
    stop: CancellationToken,
    acceptor: JoinHandle<()>,
}

/// A door where so many get in, at which only `error` comes.
fn door(sessions: usize, error: i32) -> Door {
    let scene = Scene::new(settings());
    let (listener, stop) = (Scripted::default(), CancellationToken::new());
    listener.fail(Some(error));
    let (shards, protocol) = (Arc::new([scene.shard.clone()]), scene.protocol.clone());
    let admission = admission(sessions, sessions, sessions);
    let acceptor = tokio::spawn(accept(listener.clone(), Tcp, shards, admission, protocol, stop.clone()));
    Door { scene, listener, stop, acceptor }
}

impl Door {
    /// Someone knocks.
    fn knock(&self) -> Peer {
        let (wire, peer) = wire();
        self.listener.bring(Ok(wire));
        peer
    }
}

#[tokio::test(start_paused = true)]
async fn without_files_it_asks_twice_a_second() {
    let door = door(9, EMFILE);
    // At first more often: the shortage may be over at once.
    sleep(Duration::from_secs(2)).await;
    let asked = door.listener.asked();
    assert!((8..=12).contains(&asked), "{asked} times");
    for _ in 0..10 {
        sleep(Duration::from_secs(60)).await;
        assert_eq!(door.listener.asked(), 120);
    }
    assert!(!door.acceptor.is_finished());
    assert_eq!(door.scene.counted(Count::AcceptErrors), asked as u64 + 1200);
}

#[tokio::test(start_paused = true)]
async fn it_accepts_within_half_a_second_once_there_are_files_again() {
    let door = door(9, EMFILE);
    for shortage in [1, 10, 100, 1_000, 12_000, 103_000] {
        door.listener.fail(Some(EMFILE));
        // Whoever it has waited for until now comes, and goes.
        door.knock().half_close();
        sleep(Duration::from_millis(shortage)).await;
        door.listener.fail(None);
        let _peers = [door.knock(), door.knock()];
        sleep(Duration::from_millis(501)).await;
        assert_eq!(door.scene.shard.sessions(), 2, "after {shortage} ms without");
        door.scene.shard.close_all(CloseReason::Stopping);
        sleep(settings().closing_linger).await;
    }
}

/// Otherwise whoever lets it have a file now and then could make it spin.
#[tokio::test(start_paused = true)]
async fn a_file_now_and_then_makes_it_ask_little_more_often() {
    let door = door(99, EMFILE);
    let mut peers = Vec::new();
    for _ in 0..50 {
        sleep(Duration::from_millis(200)).await;
        peers.push(door.knock());
    }
    let asked = door.listener.asked();
    assert!((100..=500).contains(&asked), "{asked} times in ten seconds");
}

#[tokio::test(start_paused = true)]
async fn a_stop_cuts_the_pause_short() {
    for waited in [0, 1, 10_000] {
        let door = door(9, EMFILE);
        sleep(Duration::from_millis(waited)).await;
        door.stop.cancel();
        settle().await;
        assert!(door.acceptor.is_finished(), "after {waited} ms");
    }
}

/// A thousand who hung up before they were accepted do not keep the next one waiting.
#[tokio::test(start_paused = true)]
async fn whoever_hung_up_costs_no_pause() {
    let door = door(9, ECONNABORTED);
    door.listener.fail(None);
    for _ in 0..1000 {
        door.listener.bring(Err(ECONNABORTED));
    }
    let _peer = door.knock();
    settle().await;
    assert_eq!((door.scene.shard.sessions(), door.scene.counted(Count::AcceptErrors)), (1, 1000));
}

/// The files of those who are refused are bounded in number and in time.
#[tokio::test(start_paused = true)]
async fn who_is_refused_is_told_and_let_go() {
    let door = door(0, EMFILE);
    door.listener.fail(None);
    let told = |peer: &Peer| unpack(&peer.heard()) == ["bye Refused(Full)"];
    let peers: Vec<_> = (0..300).map(|_| door.knock()).collect();
    sleep(Duration::from_millis(10)).await;
    // Of so many at once not everyone is told.
    let heard = peers.iter().filter(|peer| told(peer)).count();
    let gone = peers.iter().filter(|peer| peer.is_closed()).count();
    assert_eq!((heard, gone), (256, 300 - 256));
    sleep(settings().closing_linger).await;
    assert!(peers.iter().all(Peer::is_closed), "none of them has hung up in turn");
    // And then there is a place for a word again.
    let next = door.knock();
    settle().await;
    assert!(told(&next) && !next.is_closed());
    next.half_close();
    settle().await;
    assert!(next.is_closed());
    assert_eq!((door.scene.counted(Count::RefusedFull), door.scene.counted(Count::Accepted)), (301, 301));
}
