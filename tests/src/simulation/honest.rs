//! Honest clients: the client library over links good and bad. They join, move, chat, stall, vanish and come back.

use super::{
    network::{Door, Network},
    observed::{FAULTY, Records},
    pipe::Fate,
    stream::SimStream,
    table::{self, Place},
    world::{Phase, World},
};
use malpan_client::{Client, ClientError, ConnectOptions};
use malpan_protocol::{
    BoardSize, Cell, ChatText, ClientPacket, DenialCode, Direction, GameName, JoinTarget, KickReason, Name, RoomFilter,
    RoomId, RoomTitle, SeatCount, ServerPacket, SignalPayload, SignalTarget, game::five,
};
use rand::{RngExt as _, rngs::StdRng};
use std::{
    collections::BTreeMap,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::time::{Instant, sleep, sleep_until};

/// Longer than any answer takes over a link that carries.
const ANSWER_WITHIN: Duration = Duration::from_secs(15);

/// How everyone stands, for the driver.
pub(super) type Standings = Arc<Mutex<BTreeMap<u32, Standing>>>;

/// How a client stands since the faults stopped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Standing {
    /// On the way.
    Away,
    /// In a room.
    Plays,
    /// Told why there is no place.
    Answered(DenialCode),
}

/// One client, over all of its connections.
pub(super) struct Honest {
    pub(super) id: u32,
    pub(super) name: Name,
    pub(super) address: IpAddr,
    pub(super) rng: StdRng,
    pub(super) world: Arc<World>,
    pub(super) network: Network,
    pub(super) records: Records,
    pub(super) standings: Standings,
    pub(super) faulty_game: bool,
    /// Numbers what it says; the same numbers are never said again.
    pub(super) words: u32,
}

/// What becomes of the connection.
enum Next {
    Stay,
    /// It is given up: dropped where it stands.
    Drop,
    Bye,
    Vanish(Fate),
}

/// Where a conversation stands.
#[derive(Debug)]
enum State {
    Lobby,
    /// Asked for a place.
    Asking,
    In(Box<Place>),
    /// Asked to go.
    Leaving(Box<Place>),
}

struct Talk {
    client: Client<SimStream>,
    state: State,
    /// Since when it is so.
    since: Instant,
    /// A request went unheard, and nobody says which.
    rate_limited: bool,
    compared: bool,
    kicked: Option<KickReason>,
}

impl Honest {
    /// Lives until everyone goes.
    pub(super) async fn live(mut self) {
        loop {
            let wait = self.rng.random_range(0..2000);
            sleep(Duration::from_millis(wait)).await;
            match self.world.phase() {
                Phase::Faults | Phase::Settling => self.one_connection().await,
                Phase::Quiet | Phase::Comparing => {}
                Phase::Leaving => return,
                // A server that stops takes nobody in; that is tried once.
                Phase::Draining => return self.one_connection().await,
            }
        }
    }

    async fn one_connection(&mut self) {
        let Ok(stream) = self.network.connect(Door::Players, self.address) else { return };
        self.world.count("connected");
        let options = ConnectOptions { timeout: Duration::from_secs(20), ..ConnectOptions::default() };
        let mut client = match Client::handshake(stream, &options).await {
            Ok(client) => client,
            Err(error) => return self.connection_ended(&error, None),
        };
        if let Err(error) = self.sign_in(&mut client).await {
            return self.connection_ended(&error, None);
        }
        self.world.count("signed in");
        self.log(|| "signed in".into());
        let mut talk = Talk::new(client);
        let mut next = Instant::now();
        loop {
            let heard = tokio::select! {
                biased;
                heard = talk.client.next() => Some(heard),
                () = sleep_until(next) => None,
            };
            match heard {
                Some(Ok(packet)) => {
                    if let Err(what) = self.hear(&mut talk, packet) {
                        self.world.fail(|| format!("{}: {what}", self.name));
                        return;
                    }
                }
                Some(Err(error)) => return self.connection_ended(&error, Some(&talk)),
                None => {
                    match self.act(&mut talk).await {
                        Next::Stay => {}
                        Next::Drop => return self.count("dropped the connection"),
                        Next::Bye => {
                            let _ = talk.client.bye().await;
                            return self.count("said goodbye");
                        }
                        Next::Vanish(fate) => {
                            // What it has written is on its way; then nothing more.
                            self.count("vanished");
                            talk.client.get_ref().link.befall(fate);
                            return;
                        }
                    }
                    next = Instant::now() + Duration::from_millis(self.rng.random_range(10..600));
                }
            }
        }
    }

    async fn sign_in(&mut self, client: &mut Client<SimStream>) -> Result<(), ClientError> {
        loop {
            match client.sign_in_guest(self.name.clone()).await {
                Err(ClientError::Denied(denial)) if denial.code == DenialCode::NameTaken => {
                    // Its last connection may live on at the server until that has noticed.
                    self.count("name taken");
                    sleep(Duration::from_millis(self.rng.random_range(500..3000))).await;
                }
                other => return other.map(drop),
            }
        }
    }

    /// The connection has ended by itself. Some ends there may not be.
    fn connection_ended(&self, error: &ClientError, talk: Option<&Talk>) {
        self.log(|| format!("ended: {error}"));
        match (error, talk.and_then(|talk| talk.kicked)) {
            (ClientError::Protocol(_), _) => self.world.fail(|| format!("{}: {error}", self.name)),
            (ClientError::Denied(denial), _) => {
                if matches!(denial.code, DenialCode::Malformed | DenialCode::OutOfOrder | DenialCode::Version) {
                    self.world.fail(|| format!("{}, who is honest, was denied: {error}", self.name));
                }
                self.count(denied(denial.code));
                // A name that is its own may still be held by a connection that the server believes alive.
                let for_good = matches!(
                    denial.code,
                    DenialCode::ServerFull | DenialCode::AddressFull | DenialCode::TooManyUnsigned
                );
                self.stand(if for_good { Standing::Answered(denial.code) } else { Standing::Away });
            }
            (_, Some(reason)) | (&ClientError::Kicked(reason), _) => {
                self.count(kicked(reason));
                self.stand(Standing::Away);
                let in_faulty =
                    talk.is_some_and(|talk| talk.state.place().is_some_and(Place::is_faulty) || talk.asks());
                match reason {
                    KickReason::InternalError => self.world.fail(|| format!("{}: the server is at fault", self.name)),
                    KickReason::RoomFailed if !in_faulty => {
                        self.world.fail(|| format!("{} was not in a room that could fail", self.name));
                    }
                    _ => {}
                }
            }
            _ => {
                self.count("lost the connection");
                self.stand(Standing::Away);
            }
        }
    }

    fn hear(&mut self, talk: &mut Talk, packet: ServerPacket) -> Result<(), String> {
        self.log(|| format!("hears {packet:?}"));
        if talk.kicked.is_some() {
            return Err(format!("something after the last word: {packet:?}"));
        }
        match packet {
            ServerPacket::Joined(joined) => {
                let State::Asking = talk.state else { return Err("a place that it did not ask for".into()) };
                let place = Place::new(&joined)?;
                self.count(match (joined.seat, joined.game) {
                    (None, _) => "watches",
                    (_, GameName::BOARD) => "sits at a board",
                    (_, GameName::FIVE) => "sits at five in a row",
                    _ => "sits at a faulty game",
                });
                talk.is(State::In(Box::new(place)));
                self.stand(Standing::Plays);
            }
            ServerPacket::Denied(denial) => {
                self.count(denied(denial.code));
                match denial.code {
                    DenialCode::RateLimited => talk.rate_limited = true,
                    DenialCode::RoomFull
                    | DenialCode::NoSuchRoom
                    | DenialCode::TooManyRooms
                    | DenialCode::Draining
                    | DenialCode::NoSuchGame
                    | DenialCode::NotWatchable => {
                        self.stand(Standing::Answered(denial.code));
                    }
                    _ => return Err(format!("an honest client was denied: {denial:?}")),
                }
                if matches!(talk.state, State::Asking) {
                    talk.is(State::Lobby);
                }
            }
            ServerPacket::RoomLeft { room } => {
                let place = talk.state.place().ok_or("it left a room and is in none")?;
                if place.room() != room {
                    return Err(format!("it left room {room} and was in {}", place.room()));
                }
                if matches!(talk.state, State::In(_)) && place.seat().is_some() {
                    return Err("it was put out of a room".into());
                }
                self.count(if matches!(talk.state, State::In(_)) { "the watched room closed" } else { "left a room" });
                talk.is(State::Lobby);
            }
            ServerPacket::Kicked { reason } => talk.kicked = Some(reason),
            ServerPacket::Draining { .. } => self.count("heard of the drain"),
            ServerPacket::Pong { .. } => self.count("heard a pong"),
            ServerPacket::Echo { .. } => self.count("heard an echo"),
            ServerPacket::Rooms(rooms) => {
                self.count("saw the rooms");
                if let Some(room) = rooms.rooms.iter().find(|room| usize::from(room.taken) > room.seats.count()) {
                    return Err(format!("more members than seats: {room:?}"));
                }
            }
            ServerPacket::Welcome(_) | ServerPacket::SignedIn { .. } | ServerPacket::Ping { .. } => {
                return Err(format!("{packet:?} at this time"));
            }
            of_a_room => {
                let place =
                    talk.state.place_mut().ok_or_else(|| format!("it is in no room and hears {of_a_room:?}"))?;
                let snapshots = place.snapshots;
                place.hear(&of_a_room)?;
                if place.snapshots > snapshots {
                    self.count("caught up by a snapshot");
                }
            }
        }
        Ok(())
    }

    async fn act(&mut self, talk: &mut Talk) -> Next {
        if talk.waits_in_vain() {
            if !talk.rate_limited && !talk.client.get_ref().link.state().disturbed {
                self.world.fail(|| format!("{} was never answered: {:?}", self.name, talk.state));
            }
            return Next::Drop;
        }
        match self.world.phase() {
            Phase::Faults => self.misbehave(talk).await,
            Phase::Settling => self.settle(talk),
            Phase::Quiet => Next::Stay,
            Phase::Comparing => {
                self.compare(talk);
                Next::Stay
            }
            Phase::Leaving => {
                if self.rng.random() {
                    Next::Bye
                } else {
                    Next::Drop
                }
            }
            Phase::Draining => self.play(talk),
        }
    }

    /// Everything a client may do, and what networks and people do to clients.
    async fn misbehave(&mut self, talk: &mut Talk) -> Next {
        match self.rng.random_range(0..1000) {
            0..4 => Next::Bye,
            4..10 => Next::Drop,
            10..14 => Next::Vanish(Fate::Cut),
            14..18 => Next::Vanish(Fate::Vanishes),
            18..34 => {
                // Reads nothing, does nothing.
                self.count("stalled");
                sleep(Duration::from_millis(self.rng.random_range(200..9000))).await;
                Next::Stay
            }
            34..40 => {
                self.count("flooded");
                for _ in 0..self.rng.random_range(5..60) {
                    self.play(talk);
                }
                Next::Stay
            }
            40..52 if matches!(talk.state, State::In(_)) => {
                self.leave(talk);
                Next::Stay
            }
            _ => self.play(talk),
        }
    }

    /// Gets to a seat and stays there.
    fn settle(&mut self, talk: &mut Talk) -> Next {
        match &talk.state {
            // Who watches a room that closes is not where it wants to be for good; who sits at a faulty game neither.
            State::In(place) if place.is_faulty() => {
                self.leave(talk);
                self.stand(Standing::Away);
            }
            State::Lobby if self.rng.random_ratio(3, 4) => {}
            State::Lobby => {
                let target =
                    if self.rng.random_ratio(1, 5) { JoinTarget::AnyOf(GameName::FIVE) } else { JoinTarget::Any };
                self.ask(talk, &ClientPacket::Join { target });
            }
            _ => return self.play(talk),
        }
        Next::Stay
    }

    fn play(&mut self, talk: &mut Talk) -> Next {
        let what = self.rng.random_range(0..100);
        let (room, seat, five) = match &talk.state {
            State::Lobby => {
                if what < 60 {
                    let request = self.request();
                    self.ask(talk, &request);
                }
                return Next::Stay;
            }
            State::Asking | State::Leaving(_) => return Next::Stay,
            State::In(place) => (place.room().0, place.seat(), place.is_five()),
        };
        let sent = match what {
            // As docs/protocol.md asks of who watches: anything but a list and a ping might come when the room has closed.
            _ if seat.is_none() && !(20..28).contains(&what) => return Next::Stay,
            0..8 => {
                let number = self.word();
                let text = table::line(room, self.name.as_str(), number);
                talk.client.chat(ChatText::new(&text).expect("a short line"))
            }
            8..16 => {
                let bytes = table::signal(room, self.word(), self.rng.random_range(0..=248));
                talk.client.signal(SignalTarget::Room, SignalPayload::new(&bytes).expect("at most 256 bytes"))
            }
            16..20 => talk.client.signal(SignalTarget::Myself, SignalPayload::new(b"me").expect("two bytes")),
            20..25 => talk.client.send(&ClientPacket::Ping { nonce: 1 }),
            25..28 => talk.client.send(&ClientPacket::ListRooms { after: RoomId(0), filter: RoomFilter::All }),
            _ => {
                let seq = if five { talk.client.command(&self.five()) } else { talk.client.step(self.direction()) };
                if let (Ok(seq), State::In(place), Some(_)) = (&seq, &mut talk.state, seat) {
                    place.unanswered.insert(*seq);
                }
                self.count("stepped");
                seq.map(drop)
            }
        };
        if let Err(error) = sent {
            self.world.fail(|| format!("{} cannot say what it wants: {error}", self.name));
        }
        Next::Stay
    }

    fn request(&mut self) -> ClientPacket {
        let room = RoomId(self.rng.random_range(1..30));
        match self.rng.random_range(0..20) {
            0..8 => ClientPacket::Join { target: JoinTarget::Any },
            8..10 => ClientPacket::Join { target: JoinTarget::Room(room) },
            10..13 => ClientPacket::Join { target: JoinTarget::AnyOf(GameName::FIVE) },
            13 if self.faulty_game => ClientPacket::Join { target: JoinTarget::AnyOf(FAULTY) },
            13 => ClientPacket::Join { target: JoinTarget::AnyOf(GameName::constant("nothing")) },
            14..16 => ClientPacket::OpenRoom {
                game: self.rng.random::<bool>().then_some(GameName::FIVE),
                title: RoomTitle::new("here").expect("a title"),
                seats: SeatCount::new(self.rng.random_range(1..=10)).ok(),
            },
            _ => ClientPacket::Watch { room },
        }
    }

    fn ask(&self, talk: &mut Talk, request: &ClientPacket) {
        if talk.client.send(request).is_ok() {
            talk.is(State::Asking);
            self.log(|| format!("asks {request:?}"));
        }
    }

    fn leave(&self, talk: &mut Talk) {
        if talk.client.send(&ClientPacket::Leave).is_ok()
            && let State::In(place) = std::mem::replace(&mut talk.state, State::Lobby)
        {
            talk.is(State::Leaving(place));
        }
    }

    /// When nothing has happened for a while, everyone sees what is.
    fn compare(&self, talk: &mut Talk) {
        let State::In(place) = &talk.state else { return };
        if std::mem::replace(&mut talk.compared, true) {
            return;
        }
        self.count("compared");
        if !place.unanswered.is_empty() && !talk.rate_limited {
            self.world.fail(|| format!("{}: commands {:?} were never answered", self.name, place.unanswered));
        }
        let differs =
            self.records.of(place.room().0, |record| record.state.as_ref().and_then(|shown| place.differs_from(shown)));
        if let Some(Some(how)) = differs {
            self.world.fail(|| format!("{} in room {} {how}", self.name, place.room()));
        }
    }

    fn direction(&mut self) -> Direction {
        Direction::ALL[self.rng.random_range(0..4)]
    }

    fn five(&mut self) -> five::Command {
        let side = BoardSize::MAX_SIDE.min(16);
        match self.rng.random_range(0..40) {
            0 => five::Command::Resign,
            1..4 => five::Command::Rematch,
            _ => five::Command::Place(Cell { x: self.rng.random_range(0..side), y: self.rng.random_range(0..6) }),
        }
    }

    fn word(&mut self) -> u32 {
        self.words += 1;
        self.words
    }

    fn stand(&self, standing: Standing) {
        self.standings.lock().unwrap_or_else(PoisonError::into_inner).insert(self.id, standing);
    }

    fn count(&self, what: &'static str) {
        self.world.count(what);
        self.log(|| what.into());
    }

    fn log(&self, line: impl FnOnce() -> String) {
        self.world.line(|| format!("{:<9} {}", self.name.as_str(), line()));
    }
}

impl Talk {
    fn new(client: Client<SimStream>) -> Self {
        let since = Instant::now();
        Self { client, state: State::Lobby, since, rate_limited: false, compared: false, kicked: None }
    }

    fn is(&mut self, state: State) {
        self.state = state;
        self.since = Instant::now();
    }

    /// Whether the answer to a request is overdue.
    fn waits_in_vain(&self) -> bool {
        matches!(self.state, State::Asking | State::Leaving(_)) && self.since.elapsed() > ANSWER_WITHIN
    }

    fn asks(&self) -> bool {
        matches!(self.state, State::Asking)
    }
}

impl State {
    fn place(&self) -> Option<&Place> {
        match self {
            Self::In(place) | Self::Leaving(place) => Some(place),
            Self::Lobby | Self::Asking => None,
        }
    }

    fn place_mut(&mut self) -> Option<&mut Place> {
        match self {
            Self::In(place) | Self::Leaving(place) => Some(place),
            Self::Lobby | Self::Asking => None,
        }
    }
}

fn denied(code: DenialCode) -> &'static str {
    match code {
        DenialCode::ServerFull => "denied: the server is full",
        DenialCode::AddressFull => "denied: the address is full",
        DenialCode::TooManyUnsigned => "denied: too many unsigned",
        DenialCode::TooManyAttempts => "denied: too many tries to sign in",
        DenialCode::RoomFull => "denied: the room is full",
        DenialCode::NoSuchRoom => "denied: no such room",
        DenialCode::TooManyRooms => "denied: too many rooms",
        DenialCode::RateLimited => "denied: too fast",
        DenialCode::Draining => "denied: draining",
        DenialCode::NoSuchGame => "denied: no such game",
        DenialCode::NotWatchable => "denied: not to be watched",
        _ => "denied: otherwise",
    }
}

fn kicked(reason: KickReason) -> &'static str {
    match reason {
        KickReason::SlowConsumer => "kicked: too slow",
        KickReason::TooLate => "kicked: too late",
        KickReason::Silent => "kicked: silent",
        KickReason::Flooding => "kicked: flooding",
        KickReason::Stopping => "kicked: the server stops",
        KickReason::RoomFailed => "kicked: the room failed",
        KickReason::InternalError => "kicked: the server is at fault",
    }
}
