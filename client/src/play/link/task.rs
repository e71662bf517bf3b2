//! The task: one connection after the other.

use super::{BYE, Command, Gone, LinkEvent, Problem, Start, judge::Next, seen::Tracker};
use crate::play::{backoff::Backoff, dial::Dial, guest::generate_name, identity::Identity};
use malpan_client::{
    Client, ClientError,
    protocol::{DenialCode, ResumeToken},
};
use std::time::Duration;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::mpsc,
    time::{Instant, sleep, timeout},
};

/// A connection that lasted this long was a success: the next loss waits the shortest time again.
pub(super) const STABLE: Duration = Duration::from_secs(10);

pub(super) struct Task<D> {
    dial: D,
    pub(super) identity: Identity,
    pub(super) start: Start,
    pub(super) commands: mpsc::Receiver<Command>,
    events: mpsc::Sender<LinkEvent>,
    backoff: Backoff,
    pub(super) was_online: bool,
    pub(super) lost_at: Instant,
    pub(super) names_tried: u32,
    /// What brings the player back.
    token: Option<ResumeToken>,
    /// What the front end has been told of the room.
    pub(super) seen: Tracker,
}

impl<D: Dial> Task<D> {
    pub(super) fn new(
        dial: D,
        identity: Identity,
        start: Start,
        commands: mpsc::Receiver<Command>,
        events: mpsc::Sender<LinkEvent>,
    ) -> Self {
        Self {
            dial,
            identity,
            start,
            commands,
            events,
            backoff: Backoff::default(),
            was_online: false,
            lost_at: Instant::now(),
            names_tried: 0,
            token: None,
            seen: Tracker::default(),
        }
    }

    pub(super) async fn run(mut self) {
        // Either it gave up, and has said so, or nobody listens any more: both are an orderly end.
        let _ = self.keep_online().await;
    }

    async fn keep_online(&mut self) -> Result<(), Gone> {
        if self.start == Start::Ask {
            self.ask(None).await?;
        }
        loop {
            self.emit(LinkEvent::Connecting { failures: self.backoff.failures() }).await?;
            let connected = self.unless_gone_connect().await?;
            let next = match connected {
                Ok(client) => self.keep(client).await?,
                Err(error) => self.judge(&error),
            };
            let why = match next {
                Next::Retry(why) => why,
                Next::OtherName => {
                    self.identity = Identity::Guest { name: generate_name(&mut rand::rng()), generated: true };
                    continue;
                }
                Next::Ask(problem) => {
                    self.ask(Some(problem)).await?;
                    continue;
                }
                Next::GiveUp { why, unreachable } => {
                    return self.emit(LinkEvent::Failed { why, unreachable }).await;
                }
            };
            let retry_in = self.backoff.wait(&mut rand::rng());
            self.emit(LinkEvent::Offline { why, retry_in }).await?;
            tokio::select! {
                () = sleep(retry_in) => {}
                gone = discard(&mut self.commands) => return Err(gone),
            }
        }
    }

    /// Stays online with `client` until it is lost.
    async fn keep(&mut self, mut client: Client<D::Io>) -> Result<Next, Gone> {
        let since = Instant::now();
        let stayed = self.stay(&mut client).await;
        self.token = client.token().cloned();
        let lost = match stayed {
            Ok(lost) => lost,
            Err(gone) => {
                say_bye(client).await;
                return Err(gone);
            }
        };
        self.lost_at = Instant::now();
        if since.elapsed() >= STABLE {
            self.backoff.reset();
        }
        Ok(lost)
    }

    /// Connects and signs in, unless the front end goes meanwhile.
    async fn unless_gone_connect(&mut self) -> Result<Result<Client<D::Io>, ClientError>, Gone> {
        let (identity, token, seen) = (self.identity.clone(), self.token.clone(), self.seen.seen());
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
            let name = identity.sign_in(&mut client).await?;
            Ok((client, name, None))
        };
        let connected = tokio::select! {
            connected = connect => connected,
            gone = discard(&mut self.commands) => return Err(gone),
        };
        let (client, name, back) = match connected {
            Ok(connected) => connected,
            Err(error) => return Ok(Err(error)),
        };
        self.identity = identity.signed_in(name.clone());
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

    /// Waits for who else shall sign in, without a connection: a person may take longer than the server waits.
    async fn ask(&mut self, problem: Option<Problem>) -> Result<(), Gone> {
        let event = match self.start {
            Start::AtOnce => LinkEvent::NameTaken(self.identity.name().clone()),
            Start::AtOnceAndAsk | Start::Ask => LinkEvent::SignInAsked { like: self.identity.clone(), problem },
        };
        self.emit(event).await?;
        loop {
            match self.commands.recv().await {
                Some(Command::SignIn(identity)) => {
                    self.identity = identity;
                    (self.names_tried, self.token) = (0, None);
                    // Where one can be asked again, what goes wrong is asked about as at first.
                    self.was_online &= self.start == Start::AtOnce;
                    return Ok(());
                }
                Some(Command::Send(_)) => {}
                None => return Err(Gone),
            }
        }
    }

    pub(super) async fn emit(&mut self, event: LinkEvent) -> Result<(), Gone> {
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
