//! A client's conversation: hello, sign-in, requests and their answers.

use crate::{ClientError, Connection, Stream, Tls};
use malpan_protocol::{
    ChatText, ClientPacket, CodecError, CommandBytes, Direction, GameName, JoinTarget, Joined, Name, PlayerId,
    ResumeToken, Resumed, RoomFilter, RoomId, RoomTitle, Rooms, SeatCount, Secret, Seen, ServerPacket, SignalPayload,
    SignalTarget, SoftwareName, VersionRange, Welcome,
};
use serde::Serialize;
use std::{
    collections::VecDeque,
    future::Future,
    io,
    task::{Context, Poll},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpSocket, TcpStream, lookup_host},
    time::timeout,
};

/// How to connect.
#[derive(Debug, Clone)]
pub struct ConnectOptions {
    /// What the server logs of this program.
    pub software: SoftwareName,
    /// How long to wait for the connection, and for each answer.
    pub timeout: Duration,
    /// With what to encrypt the connection; `None` leaves it plain.
    pub tls: Option<Tls>,
}

impl Default for ConnectOptions {
    fn default() -> Self {
        let software = SoftwareName::new(concat!("malpan/", env!("CARGO_PKG_VERSION"))).expect("a valid constant");
        Self { software, timeout: Duration::from_secs(10), tls: None }
    }
}

/// A client that has shaken hands.
#[derive(Debug)]
pub struct Client<IO = Stream> {
    connection: Connection<IO>,
    welcome: Welcome,
    /// Packets that came while an answer was awaited; [`Client::next`] yields them first.
    early: VecDeque<ServerPacket>,
    next_seq: u32,
    timeout: Duration,
}

impl Client<Stream> {
    /// Connects to `address` (`host:port`) and shakes hands.
    ///
    /// # Errors
    /// [`ClientError::Tls`] where the server is not who it should be or speaks no TLS,
    /// [`ClientError::Denied`] where the server refuses, [`ClientError::TimedOut`] where it does not answer,
    /// [`ClientError::Io`] where there is none.
    pub async fn connect(address: &str, options: &ConnectOptions) -> Result<Self, ClientError> {
        let open = async { Stream::over(open(address).await?, address, options.tls.as_ref()).await };
        let stream = within(options.timeout, open).await?;
        Self::handshake(stream, options).await
    }
}

impl<IO: AsyncRead + AsyncWrite + Unpin> Client<IO> {
    /// Shakes hands over a stream that is connected already.
    ///
    /// # Errors
    /// As [`Client::connect`].
    pub async fn handshake(io: IO, options: &ConnectOptions) -> Result<Self, ClientError> {
        let mut connection = Connection::new(io);
        connection
            .send(&ClientPacket::Hello { versions: VersionRange::SUPPORTED, client: options.software.clone() })?;
        let welcome = within(options.timeout, async {
            match connection.next().await? {
                ServerPacket::Welcome(welcome) => Ok(welcome),
                other => Err(unexpected(other)),
            }
        })
        .await?;
        Ok(Self { connection, welcome, early: VecDeque::new(), next_seq: 0, timeout: options.timeout })
    }

    /// Signs in as a guest. Returns the player's number and the name as the server has it.
    ///
    /// # Errors
    /// [`ClientError::Denied`] with `NameTaken` where someone has that name; another may be tried.
    pub async fn sign_in_guest(&mut self, name: Name) -> Result<(PlayerId, Name), ClientError> {
        self.request(&ClientPacket::Guest { name }, signed_in).await
    }

    /// Makes an account and signs in to it.
    ///
    /// # Errors
    /// [`ClientError::Denied`] with `NameTaken` where the name is someone's, `Insecure` where the server takes no password over
    /// this connection, `Busy` and `TooSoon` where it may work later.
    pub async fn register(&mut self, name: Name, secret: Secret) -> Result<(PlayerId, Name), ClientError> {
        self.request(&ClientPacket::Register { name, secret }, signed_in).await
    }

    /// Signs in to an account. Another connection that is signed in to it is closed.
    ///
    /// # Errors
    /// [`ClientError::Denied`] with `WrongCredentials` where the name or the password is wrong, and as [`Client::register`].
    pub async fn login(&mut self, name: Name, secret: Secret) -> Result<(PlayerId, Name), ClientError> {
        self.request(&ClientPacket::Login { name, secret }, signed_in).await
    }

    /// Signs in as who had `token` before their connection was lost, and takes their seat again. `seen` is what they have
    /// seen of their room. What the answer says follows (events and a snapshot, or a `Joined`) comes with [`Client::next`].
    ///
    /// # Errors
    /// [`ClientError::Denied`] with `ResumeRefused` where the token brings nobody back; a sign-in may be tried.
    pub async fn resume(&mut self, token: ResumeToken, seen: Option<Seen>) -> Result<Resumed, ClientError> {
        self.request(&ClientPacket::Resume { token, seen }, |packet| match packet {
            ServerPacket::Resumed(resumed) => Ok(resumed),
            other => Err(other),
        })
        .await
    }

    /// What brings this player back should the connection be lost: the newest that the server gave. It comes right behind the
    /// answer to a sign-in, and is here once [`Client::next`] has been asked for what came.
    #[must_use]
    pub fn token(&self) -> Option<&ResumeToken> {
        self.connection.token()
    }

    /// Takes a seat in a given room, or in any. What [`Client::next`] yields from then on is of that room.
    ///
    /// # Errors
    /// [`ClientError::Denied`] where there is no such room or seat.
    pub async fn join(&mut self, target: JoinTarget) -> Result<Joined, ClientError> {
        self.enter(&ClientPacket::Join { target }).await
    }

    /// Opens a room and takes its first seat. `game` of `None` takes the server's default game, `seats` of `None` as many
    /// as the game has.
    ///
    /// # Errors
    /// [`ClientError::Denied`] where the server opens no more rooms or has no such game.
    pub async fn open_room(
        &mut self,
        game: Option<GameName>,
        title: RoomTitle,
        seats: Option<SeatCount>,
    ) -> Result<Joined, ClientError> {
        self.enter(&ClientPacket::OpenRoom { game, title, seats }).await
    }

    /// Watches a room without a seat; the answer's own seat is `None`.
    ///
    /// # Errors
    /// [`ClientError::Denied`] where there is no such room, or no more may watch it.
    pub async fn watch(&mut self, room: RoomId) -> Result<Joined, ClientError> {
        self.enter(&ClientPacket::Watch { room }).await
    }

    /// One page of the room list: rooms numbered above `after`.
    ///
    /// # Errors
    /// [`ClientError::Denied`] where rooms are listed too often.
    pub async fn list_rooms(&mut self, after: RoomId, filter: RoomFilter) -> Result<Rooms, ClientError> {
        self.request(&ClientPacket::ListRooms { after, filter }, |packet| match packet {
            ServerPacket::Rooms(rooms) => Ok(rooms),
            other => Err(other),
        })
        .await
    }

    /// Gives the seat back, or stops watching, and waits until the room has let go. What it told until then and
    /// [`Client::next`] did not yield yet is dropped; who wants to hear it [sends](Client::send) [`ClientPacket::Leave`] and reads on.
    ///
    /// # Errors
    /// [`ClientError::Denied`] where there was no seat.
    pub async fn leave(&mut self) -> Result<RoomId, ClientError> {
        let left = |packet| match packet {
            ServerPacket::RoomLeft { room } => Ok(room),
            other => Err(other),
        };
        let room = self.request(&ClientPacket::Leave, left).await?;
        self.early.retain(|packet| !is_of_a_room(packet));
        Ok(room)
    }

    /// Queues a command to the game and returns its number, under which it will be acknowledged or refused.
    ///
    /// # Errors
    /// [`ClientError::Protocol`] where the command, encoded, is longer than a command may be.
    pub fn command<C: Serialize>(&mut self, command: &C) -> Result<u32, ClientError> {
        let command = CommandBytes::of(command).map_err(CodecError::from)?;
        self.next_seq = self.next_seq.wrapping_add(1);
        self.send(&ClientPacket::Command { seq: self.next_seq, command })?;
        Ok(self.next_seq)
    }

    /// Queues a step of the own piece on the shared board; a [`Client::command`].
    ///
    /// # Errors
    /// None in practice; see [`Client::send`].
    pub fn step(&mut self, direction: Direction) -> Result<u32, ClientError> {
        self.command(&direction)
    }

    /// Queues a line of chat to the room.
    ///
    /// # Errors
    /// None in practice; see [`Client::send`].
    pub fn chat(&mut self, text: ChatText) -> Result<(), ClientError> {
        self.send(&ClientPacket::Chat { text })
    }

    /// Queues match data.
    ///
    /// # Errors
    /// None in practice; see [`Client::send`].
    pub fn signal(&mut self, to: SignalTarget, payload: SignalPayload) -> Result<(), ClientError> {
        self.send(&ClientPacket::Signal { to, payload })
    }

    /// Says goodbye and writes all that is queued; then the client may be dropped.
    ///
    /// # Errors
    /// [`ClientError::Io`] where the connection broke before.
    pub async fn bye(mut self) -> Result<(), ClientError> {
        self.send(&ClientPacket::Bye)?;
        let limit = self.timeout;
        within(limit, self.flush()).await
    }

    /// Queues any packet. It goes out with the next [`Client::flush`] or while [`Client::next`] waits.
    ///
    /// # Errors
    /// [`ClientError::Protocol`] where it is longer than a frame may be: not with values this crate makes.
    pub fn send(&mut self, packet: &ClientPacket) -> Result<(), ClientError> {
        self.connection.send(packet)
    }

    /// Writes all that is queued. Cancel-safe.
    ///
    /// # Errors
    /// [`ClientError::Io`] where the connection broke.
    pub async fn flush(&mut self) -> Result<(), ClientError> {
        self.connection.flush().await
    }

    /// As [`Client::flush`], for those who poll. Who gets `Pending` and does not poll again may leave the rest to
    /// [`Client::poll_next`], which writes it.
    ///
    /// # Errors
    /// As [`Client::flush`].
    pub fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), ClientError>> {
        self.connection.poll_flush(cx)
    }

    /// The next packet from the server; pings are answered and tokens kept, and neither is seen. Cancel-safe.
    ///
    /// # Errors
    /// [`ClientError::Closed`] when the server has closed; the packet before may be a `Kicked` that says why.
    pub async fn next(&mut self) -> Result<ServerPacket, ClientError> {
        std::future::poll_fn(|cx| self.poll_next(cx)).await
    }

    /// As [`Client::next`], for those who poll.
    ///
    /// # Errors
    /// As [`Client::next`].
    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Result<ServerPacket, ClientError>> {
        match self.early.pop_front() {
            Some(packet) => Poll::Ready(Ok(packet)),
            None => self.connection.poll_next(cx),
        }
    }

    /// What the server said at the handshake: its version and limits.
    #[must_use]
    pub fn welcome(&self) -> &Welcome {
        &self.welcome
    }

    /// Bytes read and bytes written so far.
    #[must_use]
    pub fn traffic(&self) -> (u64, u64) {
        self.connection.traffic()
    }

    /// The stream below.
    pub fn get_ref(&self) -> &IO {
        self.connection.get_ref()
    }

    /// Asks for a place in a room and waits for it. What is still there of a room that the client was in before (of one that put it
    /// out meanwhile, say) would be taken for this one's.
    pub(crate) async fn enter(&mut self, packet: &ClientPacket) -> Result<Joined, ClientError> {
        let joined = |packet| match packet {
            ServerPacket::Joined(joined) => Ok(joined),
            other => Err(other),
        };
        let joined = self.request(packet, joined).await?;
        self.early.retain(|packet| !is_of_a_room(packet));
        Ok(joined)
    }

    /// Sends a request and waits for the packet that `pick` takes. What else comes is kept for [`Client::next`].
    pub(crate) async fn request<T>(
        &mut self,
        packet: &ClientPacket,
        pick: impl Fn(ServerPacket) -> Result<T, ServerPacket>,
    ) -> Result<T, ClientError> {
        self.send(packet)?;
        within(self.timeout, async {
            loop {
                match pick(self.connection.next().await?) {
                    Ok(answer) => return Ok(answer),
                    Err(other @ (ServerPacket::Denied(_) | ServerPacket::Kicked { .. })) => {
                        return Err(unexpected(other));
                    }
                    Err(other) => self.early.push_back(other),
                }
            }
        })
        .await
    }
}

async fn open(address: &str) -> Result<TcpStream, ClientError> {
    let mut last = ClientError::NoAddress(address.to_owned());
    for candidate in lookup_host(address).await? {
        let socket = if candidate.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
        // Small packets that a person waits for: never hold them back.
        socket.set_nodelay(true)?;
        match socket.connect(candidate).await {
            Ok(stream) => return Ok(stream),
            Err(error) => last = error.into(),
        }
    }
    Err(last)
}

fn signed_in(packet: ServerPacket) -> Result<(PlayerId, Name), ServerPacket> {
    match packet {
        ServerPacket::SignedIn { player, name } => Ok((player, name)),
        other => Err(other),
    }
}

/// Whether it is of use only to someone in the room that it tells of, which few of them name.
fn is_of_a_room(packet: &ServerPacket) -> bool {
    matches!(
        packet,
        ServerPacket::Entered(_)
            | ServerPacket::Left(_)
            | ServerPacket::Updates(_)
            | ServerPacket::Snapshot(_)
            | ServerPacket::Refused(_)
            | ServerPacket::Chat(_)
            | ServerPacket::Emote(_)
            | ServerPacket::Signal(_)
            | ServerPacket::Happened(_)
            | ServerPacket::Away { .. }
            | ServerPacket::Back { .. }
            | ServerPacket::Absent { .. }
            | ServerPacket::Owner { .. }
            | ServerPacket::About(_)
            | ServerPacket::History(_)
            | ServerPacket::RoomLeft { .. }
    )
}

fn unexpected(packet: ServerPacket) -> ClientError {
    match packet {
        ServerPacket::Denied(denial) => ClientError::Denied(denial),
        ServerPacket::Kicked { reason } => ClientError::Kicked(reason),
        _ => io::Error::new(io::ErrorKind::InvalidData, "the server answered with an unexpected packet").into(),
    }
}

async fn within<T>(limit: Duration, work: impl Future<Output = Result<T, ClientError>>) -> Result<T, ClientError> {
    timeout(limit, work).await.unwrap_or(Err(ClientError::TimedOut(limit)))
}
