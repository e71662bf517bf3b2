//! The connection task: connects, signs in, carries packets both ways, and comes back after a loss.
//!
//! ```text
//! front end -> Command (bounded) -> task -> Client -> socket
//! front end <- LinkEvent (bounded) <- task <- Client <- socket
//! ```
//!
//! Invariant: between an `Online` and the next `Offline`, every packet of that connection is yielded, in order. While
//! the link is not online, packets to send are dropped: whoever sends them hears `Online` and begins anew.

mod pings;
mod seen;

use super::{backoff::Backoff, dial::Dial, guest::generate_name, words};
use malpan_client::{
    Client, ClientError,
    protocol::{ClientPacket, DenialCode, Name, ResumeToken, Resumption, ServerPacket, Welcome},
};
use pings::Pings;
use seen::Tracker;
use std::time::Duration;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::mpsc,
    task::JoinHandle,
    time::{Instant, MissedTickBehavior, interval, sleep, timeout},
};

/// Commands and events that may wait.
const QUEUE: usize = 64;
/// Between two pings.
const PING_EVERY: Duration = Duration::from_secs(2);
/// Without a byte from the server for this long, though it was asked: the connection is lost.
const SILENCE: Duration = Duration::from_secs(15);
/// A connection that lasted this long was a success: the next loss waits the shortest time again.
const STABLE: Duration = Duration::from_secs(10);
/// For how long after a loss the own name may still be held by the session that was lost.
const NAME_HELD: Duration = Duration::from_secs(45);
/// Generated names tried in a row.
const MOST_NAMES: u32 = 8;
/// For saying goodbye.
const BYE: Duration = Duration::from_secs(1);

/// Who signs in.
#[derive(Debug, Clone)]
pub(crate) struct Identity {
    /// The name.
    pub(crate) name: Name,
    /// Whether it was made up here, so that another does as well.
    pub(crate) generated: bool,
}

/// What the front end asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Command {
    /// Sends a packet; dropped while not online.
    Send(ClientPacket),
    /// Answers [`LinkEvent::NameTaken`]: try this one.
    SignIn(Name),
}

/// What the link tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum LinkEvent {
    /// It tries to connect.
    Connecting {
        /// Failures before, since the last connection that lasted.
        failures: u32,
    },
    /// Signed in.
    Online {
        /// The server's version and limits.
        welcome: Welcome,
        /// The name as the server has it.
        name: Name,
    },
    /// Signed in again as the same player, in the seat that was kept.
    Back {
        /// The server's version and limits.
        welcome: Welcome,
        /// The name, the same as before.
        name: Name,
        /// What became of the seat.
        place: Resumption,
    },
    /// A packet from the server.
    Packet(ServerPacket),
    /// A ping and its answer took this long.
    RoundTrip(Duration),
    /// The name belongs to someone else. The link waits for [`Command::SignIn`].
    NameTaken(Name),
    /// The connection is lost or was not made; the link tries again by itself.
    Offline {
        /// Why, for people.
        why: String,
        /// When it tries again.
        retry_in: Duration,
    },
    /// The link gave up and has ended: the first connection failed, or trying again cannot help.
    Failed {
        /// Why, for people.
        why: String,
        /// Whether there was no server to speak to at all.
        unreachable: bool,
    },
}

/// A handle to the connection task.
#[derive(Debug)]
pub(crate) struct Link {
    commands: mpsc::Sender<Command>,
    events: mpsc::Receiver<LinkEvent>,
    task: JoinHandle<()>,
}

impl Link {
    /// Starts the task.
    pub(crate) fn spawn(dial: impl Dial, identity: Identity) -> Self {
        let (commands, commands_due) = mpsc::channel(QUEUE);
        let (events_out, events) = mpsc::channel(QUEUE);
        let task = Task {
            dial,
            identity,
            commands: commands_due,
            events: events_out,
            backoff: Backoff::default(),
            was_online: false,
            lost_at: Instant::now(),
            names_tried: 0,
            token: None,
            seen: Tracker::default(),
        };
        Self { commands, events, task: tokio::spawn(task.run()) }
    }

    /// The next event, or `None` when the task has ended. Cancel-safe.
    pub(crate) async fn next(&mut self) -> Option<LinkEvent> {
        self.events.recv().await
    }

    /// An event that waits already.
    pub(crate) fn try_next(&mut self) -> Option<LinkEvent> {
        self.events.try_recv().ok()
    }

    /// Hands a command to the task; `false` where its queue is full or it has ended. The task takes commands at once
    /// unless the front end itself leaves events lying, so that a full queue is rare and worth no waiting.
    pub(crate) fn send(&self, command: Command) -> bool {
        self.commands.try_send(command).is_ok()
    }

    /// As [`Link::send`], for packets. A packet for which there is no room is dropped: the session gives up what is
    /// never answered.
    pub(crate) fn send_all(&self, packets: Vec<ClientPacket>) {
        for packet in packets {
            self.send(Command::Send(packet));
        }
    }

    /// Says goodbye if it is online, and ends the task.
    pub(crate) async fn close(self) {
        let Self { commands, events, mut task } = self;
        drop((commands, events));
        // The task bounds its own goodbye; this bounds a task that panicked or hangs.
        if timeout(2 * BYE, &mut task).await.is_err() {
            task.abort();
        }
    }
}

/// The front end has dropped its handle: time to end.
struct Gone;

/// What to do after a connection could not be made.
enum Next {
    Retry(String),
    OtherName,
    AskName,
    GiveUp { why: String, unreachable: bool },
}

struct Task<D> {
    dial: D,
    identity: Identity,
    commands: mpsc::Receiver<Command>,
    events: mpsc::Sender<LinkEvent>,
    backoff: Backoff,
    was_online: bool,
    lost_at: Instant,
    names_tried: u32,
    /// What brings the player back.
    token: Option<ResumeToken>,
    /// What the front end has been told of the room.
    seen: Tracker,
}

impl<D: Dial> Task<D> {
    async fn run(mut self) {
        // Either it gave up, and has said so, or nobody listens any more: both are an orderly end.
        let _ = self.keep_online().await;
    }

    async fn keep_online(&mut self) -> Result<(), Gone> {
        loop {
            self.emit(LinkEvent::Connecting { failures: self.backoff.failures() }).await?;
            let why = match self.unless_gone_connect().await? {
                Ok(mut client) => {
                    let since = Instant::now();
                    let stayed = self.stay(&mut client).await;
                    self.token = client.token().cloned();
                    let why = match stayed {
                        Ok(why) => why,
                        Err(gone) => {
                            say_bye(client).await;
                            return Err(gone);
                        }
                    };
                    self.lost_at = Instant::now();
                    if since.elapsed() >= STABLE {
                        self.backoff.reset();
                    }
                    why
                }
                Err(error) => match self.judge(&error) {
                    Next::Retry(why) => why,
                    Next::OtherName => {
                        self.identity.name = generate_name(&mut rand::rng());
                        continue;
                    }
                    Next::AskName => {
                        self.ask_name().await?;
                        continue;
                    }
                    Next::GiveUp { why, unreachable } => {
                        return self.emit(LinkEvent::Failed { why, unreachable }).await;
                    }
                },
            };
            let retry_in = self.backoff.wait(&mut rand::rng());
            self.emit(LinkEvent::Offline { why, retry_in }).await?;
            tokio::select! {
                () = sleep(retry_in) => {}
                gone = discard(&mut self.commands) => return Err(gone),
            }
        }
    }

    /// Connects and signs in, unless the front end goes meanwhile.
    async fn unless_gone_connect(&mut self) -> Result<Result<Client<D::Io>, ClientError>, Gone> {
        let (name, token, seen) = (self.identity.name.clone(), self.token.clone(), self.seen.seen());
        let connect = async {
            let mut client = self.dial.dial().await?;
            if let Some(token) = token {
                match client.resume(token, seen).await {
                    Ok(resumed) => return Ok((client, resumed.name, Some(resumed.place))),
                    // The time for it is over, or the server is another one.
                    Err(ClientError::Denied(denial)) if denial.code == DenialCode::ResumeRefused => {}
                    Err(error) => return Err(error),
                }
            }
            let (_, name) = client.sign_in_guest(name).await?;
            Ok((client, name, None))
        };
        let connected = tokio::select! {
            connected = connect => connected,
            gone = discard(&mut self.commands) => return Err(gone),
        };
        match connected {
            Err(error) => Ok(Err(error)),
            Ok((client, name, back)) => {
                self.identity.name = name.clone();
                self.was_online = true;
                self.names_tried = 0;
                let welcome = client.welcome().clone();
                let event = match back {
                    Some(place) => {
                        self.seen.back(place);
                        LinkEvent::Back { welcome, name, place }
                    }
                    None => {
                        self.seen = Tracker::default();
                        LinkEvent::Online { welcome, name }
                    }
                };
                self.emit(event).await?;
                Ok(Ok(client))
            }
        }
    }

    fn judge(&mut self, error: &ClientError) -> Next {
        if let ClientError::Denied(denial) = error
            && denial.code == DenialCode::NameTaken
        {
            if self.was_online && self.lost_at.elapsed() < NAME_HELD {
                return Next::Retry("the name is still held by the lost session".into());
            }
            self.names_tried += 1;
            return if self.identity.generated && self.names_tried < MOST_NAMES {
                Next::OtherName
            } else {
                Next::AskName
            };
        }
        let why = words::client_error(error);
        if self.was_online && error.is_transient() {
            return Next::Retry(why);
        }
        use ClientError as E;
        Next::GiveUp { why, unreachable: matches!(error, E::Io(_) | E::TimedOut(_) | E::NoAddress(_)) }
    }

    /// Waits for another name, without a connection: a person may take longer than the server waits for a sign-in.
    async fn ask_name(&mut self) -> Result<(), Gone> {
        self.emit(LinkEvent::NameTaken(self.identity.name.clone())).await?;
        loop {
            match self.commands.recv().await {
                Some(Command::SignIn(name)) => {
                    self.identity = Identity { name, generated: false };
                    return Ok(());
                }
                Some(Command::Send(_)) => {}
                None => return Err(Gone),
            }
        }
    }

    /// Carries packets until the connection is lost, and returns why.
    async fn stay(&mut self, client: &mut Client<D::Io>) -> Result<String, Gone> {
        let mut pings = Pings::new();
        let mut tick = interval(PING_EVERY);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut kicked = None;
        let gone = loop {
            tokio::select! {
                biased;
                command = self.commands.recv() => match command {
                    None => break Gone,
                    Some(Command::Send(packet)) => {
                        if let Err(error) = client.send(&packet) {
                            return Ok(words::client_error(&error));
                        }
                    }
                    // It was signed in meanwhile: the answer is late.
                    Some(Command::SignIn(_)) => {}
                },
                packet = client.next() => match packet {
                    Ok(ServerPacket::Pong { nonce }) => {
                        if let Some(time) = pings.answered(nonce)
                            && let Err(gone) = self.emit(LinkEvent::RoundTrip(time)).await
                        {
                            break gone;
                        }
                    }
                    Ok(packet) => {
                        if let ServerPacket::Kicked { reason } = packet {
                            kicked = Some(reason);
                        }
                        self.seen.hear(&packet);
                        if let Err(gone) = self.emit(LinkEvent::Packet(packet)).await {
                            break gone;
                        }
                    }
                    Err(_) if kicked.is_some() => return Ok(words::kick(kicked.expect("just seen")).into()),
                    Err(error) => return Ok(words::client_error(&error)),
                },
                _ = tick.tick() => {
                    if pings.silent_for(client.traffic().0) >= SILENCE {
                        return Ok(format!("the server was silent for {} s", SILENCE.as_secs()));
                    }
                    if let Some(nonce) = pings.ask()
                        && let Err(error) = client.send(&ClientPacket::Ping { nonce })
                    {
                        return Ok(words::client_error(&error));
                    }
                }
            }
        };
        Err(gone)
    }

    async fn emit(&mut self, event: LinkEvent) -> Result<(), Gone> {
        self.events.send(event).await.map_err(|_| Gone)
    }
}

/// Takes commands that have nowhere to go, until there will be no more.
async fn discard(commands: &mut mpsc::Receiver<Command>) -> Gone {
    while commands.recv().await.is_some() {}
    Gone
}

async fn say_bye<IO: AsyncRead + AsyncWrite + Unpin>(client: Client<IO>) {
    // Whether it arrives changes nothing here: the server notices the closed connection as well.
    let _ = timeout(BYE, client.bye()).await;
}

#[cfg(test)]
mod tests;
