//! Stopped in the middle of everything: a storm at the door, strangers in every state, readers that have stopped, and
//! players in their seats. The server ends in time, and everyone is told why.

use crate::{
    crowd::{self, Crowd, connect_from, long_hello, reset},
    playing::{last_word, step},
    running::within,
    watched::{PATIENT, Watched},
};
use malpan_client::{
    Client, ConnectOptions, Room, Stream,
    protocol::{JoinTarget, KickReason, Name, RoomId, SignalPayload, SignalTarget},
};
use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpSocket,
    task::JoinHandle,
    time::sleep,
};

const PLAYERS: usize = 12;
const STRANGERS: usize = 300;
const STOPPED_READERS: usize = 5;
/// Players in the room of those who have stopped reading.
const TALKERS: usize = 5;
const STORM: usize = 30;
/// The end of the drain that belongs to the goodbye: the server's own.
const GOODBYE: Duration = Duration::from_secs(2);
/// What ends a reader that has stopped; long enough for a queue to grow on a busy machine.
const WRITE_STALL: Duration = Duration::from_secs(10);
const REST: Duration = Duration::from_millis(60);
/// What a busy machine may take longer than the server's own clock says.
const SLACK: Duration = Duration::from_secs(3);
const KICKED_STOPPING: [u8; 4] = [2, 0, 17, 4];

async fn server(drain: &str) -> Watched {
    let stall = WRITE_STALL.as_secs();
    let limits = format!("signals_per_second = 100\nhello_within = \"1h\"\nwrite_stall = \"{stall}s\"\n{PATIENT}");
    Watched::start(&format!("drain = \"{drain}\"\n[limits]\n{limits}")).await
}

/// Comes and goes until nobody is let in any more.
async fn storm(server: SocketAddr, number: usize) {
    while let Ok(mut stream) = connect_from(1, server).await {
        // What fails here fails because the server has gone.
        let _ = stream.write_all(&long_hello()).await;
        match number % 3 {
            0 => reset(&stream),
            1 => drop(stream.read_u8().await),
            _ => {}
        }
    }
}

/// Keeps silent after a part of a hello, or all of it. Returns what it heard after that.
async fn stranger(server: SocketAddr, number: usize) -> Vec<u8> {
    let mut stream = connect_from(2, server).await.unwrap();
    let (hello, mut welcome) = (long_hello(), [0; 2]);
    let said = [0, hello.len() / 2, hello.len()][number % 3];
    stream.write_all(&hello[..said]).await.unwrap();
    if said == hello.len() {
        stream.read_exact(&mut welcome).await.unwrap();
        let mut rest = vec![0; usize::from(u16::from_le_bytes(welcome))];
        stream.read_exact(&mut rest).await.unwrap();
    }
    let mut heard = Vec::new();
    // A reset is as good as an end to whoever comes at the very end.
    let _ = stream.read_to_end(&mut heard).await;
    heard
}

/// A player who from now on reads nothing, in a room where others talk, and that room.
async fn stopped_reader(server: &Watched, name: &str, target: JoinTarget) -> (Client, RoomId) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let stream = within(socket.connect(server.address)).await.unwrap();
    let mut client = within(Client::handshake(Stream::Plain(stream), &ConnectOptions::default())).await.unwrap();
    within(client.sign_in_guest(Name::new(name).unwrap())).await.unwrap();
    let room = within(client.join(target)).await.unwrap().room;
    (client, room)
}

/// How a player's game ended.
struct Played {
    /// Whether the server said before that it would stop.
    told: bool,
    at: Instant,
    last: KickReason,
}

/// Plays and talks until the server ends it; or leaves once it says that it will stop.
async fn play((mut client, mut room): (Client, Room), leaves: bool) -> Played {
    let mut told = false;
    let last = loop {
        client.signal(SignalTarget::Room, SignalPayload::new(&[0; 256]).unwrap()).unwrap();
        match step(&mut client, &mut room).await {
            Ok(draining) => told |= draining,
            Err(reason) => break reason,
        }
        // Whoever talks to those who have stopped reading goes on until these are cut off: with nothing more to write to them, the
        // kernel might take it all, and they would hold their seats for as long as they are silent.
        if leaves && told && !has_stopped_readers(&room) {
            within(client.leave()).await.unwrap();
            break last_word(&mut client).await;
        }
        sleep(REST).await;
    };
    Played { told, at: Instant::now(), last }
}

/// Whether one who has stopped reading still sits there.
fn has_stopped_readers(room: &Room) -> bool {
    room.members().any(|(seat, name)| name.as_str().starts_with("stopped") && !room.is_away(seat))
}

/// A server in the middle of everything.
struct Amid {
    server: Watched,
    storm: Crowd<()>,
    strangers: Crowd<Vec<u8>>,
    players: Vec<JoinHandle<Played>>,
    _stopped: Vec<Client>,
}

async fn amid_everything(drain: &str, leave: bool) -> Amid {
    let server = server(drain).await;
    let address = server.address;
    let strangers = crowd::send(STRANGERS, STRANGERS, move |number| stranger(address, number));
    server.until("strangers are there", |page| page.value("malpan_unsigned_sessions") >= STRANGERS as f64).await;
    // All in one room, some of the players beside them.
    let (first, room) = stopped_reader(&server, "stopped 0", JoinTarget::Any).await;
    let mut stopped = vec![first];
    for number in 1..STOPPED_READERS {
        stopped.push(stopped_reader(&server, &format!("stopped {number}"), JoinTarget::Room(room)).await.0);
    }
    let mut players = Vec::new();
    for number in 0..PLAYERS {
        let mut client = server.guest(&format!("player {number}")).await;
        let target = if number < TALKERS { JoinTarget::Room(room) } else { JoinTarget::Any };
        let room = Room::new(&within(client.join(target)).await.unwrap()).unwrap();
        players.push(tokio::spawn(play((client, room), leave)));
    }
    let storm = crowd::send(STORM, STORM, move |number| storm(address, number));
    // The readers have stopped: what they do not take waits for them.
    server.until("a queue is long", |page| page.value("malpan_queued_messages_max") >= 10.0).await;
    Amid { server, storm, strangers, players, _stopped: stopped }
}

impl Amid {
    /// Asks it to stop. Returns when each player's game ended, counted from then, and how long it took in all.
    async fn stop(self) -> (Vec<Duration>, Duration) {
        let asked = Instant::now();
        self.server.signal("TERM");
        let mut ends = Vec::new();
        for player in self.players {
            let played = within(player).await.unwrap();
            assert_eq!((played.told, played.last), (true, KickReason::Stopping));
            ends.push(played.at - asked);
        }
        let ended = self.server.end().await;
        let took = asked.elapsed();
        assert_eq!(ended.code, Some(0), "{}", ended.log);
        let faults = ended.log.lines().filter(|line| line.contains("ERROR") || line.contains("panicked"));
        assert_eq!(faults.collect::<Vec<_>>(), Vec::<&str>::new());
        let heard = within(self.strangers).await.unwrap();
        assert_eq!(heard.len(), STRANGERS);
        assert!(heard.iter().all(|heard| *heard == KICKED_STOPPING), "everyone is told why: {heard:?}");
        assert_eq!(within(self.storm).await.unwrap().len(), STORM);
        (ends, took)
    }
}

#[tokio::test]
async fn in_the_middle_of_everything_those_who_stay_play_to_the_end_and_it_is_over_within_the_limit() {
    let limit = Duration::from_secs(5);
    let (ends, took) = amid_everything("5s", false).await.stop().await;
    println!("the first game ended after {:?}, the server after {took:?}", ends.iter().min().unwrap());
    assert!(ends.iter().all(|&end| end >= limit - GOODBYE), "play is cut short: {ends:?}");
    assert!(took <= limit + SLACK, "it took {took:?}");
}

#[tokio::test]
async fn in_the_middle_of_everything_it_ends_when_all_have_left_or_are_cut_off() {
    let (_, took) = amid_everything("10m", true).await.stop().await;
    println!("the server ended after {took:?}");
    // Those who have stopped reading hold a seat until their writes have stalled, or their queues are full.
    assert!(took <= WRITE_STALL + GOODBYE + SLACK, "it took {took:?}");
}

#[tokio::test]
async fn in_the_middle_of_everything_a_second_signal_ends_it_at_once() {
    let amid = amid_everything("10m", false).await;
    amid.server.signal("TERM");
    // It has been heard by then.
    within(async {
        while amid.server.get("/readyz").await.0 == 200 {
            sleep(REST).await;
        }
    })
    .await;
    // Their games end in the middle of a word.
    amid.players.iter().for_each(JoinHandle::abort);
    let asked = Instant::now();
    amid.server.signal("TERM");
    let ended = amid.server.end().await;
    assert_eq!(ended.code, Some(1), "{}", ended.log);
    assert!(asked.elapsed() <= SLACK, "it took {:?}", asked.elapsed());
    assert!(ended.log.contains("stopped at once"), "{}", ended.log);
}
