//! Chat: names, rooms and lines of text.
//!
//! Teaches a packet type with a codec of its own, state that all connections share, a sign-in with a deadline, one frame
//! for many queues, a budget, and last words. All is said with `send`, which must deliver: nobody waits for a reader who
//! is slow, and one who is too far behind is closed. Only the request to slow down may be dropped.
//!
//! ```sh
//! cargo run -p malpan-net --example chat              # prints: ready listen=127.0.0.1:PORT; or give an address
//! nc 127.0.0.1 PORT                                   # in two terminals; begin with: /name ann
//! ```

use malpan_net::{
    Budget, CloseReason, Frame, Protocol, Rate, Service, SessionHandle, SessionId, bind,
    bytes::BytesMut,
    codec::{Decoder, LinesCodec, LinesCodecError},
    serve,
};
use std::{
    collections::BTreeMap,
    env,
    error::Error,
    fmt, mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

const LONGEST_LINE_BYTES: usize = 400;
const LONGEST_WORD: usize = 20;
const NAME_WITHIN: Duration = Duration::from_secs(60);
const QUIT: CloseReason = CloseReason::Service(1);

/// What a client says, one a line.
enum Packet {
    Name(String),
    Join(String),
    Who,
    Quit,
    Say(String),
    /// Nothing that is done; here is why.
    Wrong(&'static str),
}

impl Packet {
    fn parse(line: &str) -> Self {
        // They could write anywhere on the terminals of others.
        if line.chars().any(char::is_control) {
            return Self::Wrong("no control characters, please");
        }
        let one_word = |word: &str, packet: fn(String) -> Self| {
            let fits = (1..=LONGEST_WORD).contains(&word.chars().count());
            let plain = word.chars().all(|c| c.is_alphanumeric() || c == '-' || c == '_');
            if fits && plain { packet(word.into()) } else { Self::Wrong("one word of up to 20 letters and digits") }
        };
        match line.split_once(' ').unwrap_or((line, "")) {
            ("/name", name) => one_word(name, Self::Name),
            ("/join", room) => one_word(room, Self::Join),
            ("/who", "") => Self::Who,
            ("/quit", "") => Self::Quit,
            ("", "") => Self::Wrong("say something"),
            _ if line.starts_with('/') => Self::Wrong("/name NAME, /join ROOM, /who or /quit; all else is said"),
            _ => Self::Say(line.into()),
        }
    }
}

/// At the end it has nothing to add: half a line was cut off, and is not what someone wanted to say.
struct ChatCodec(LinesCodec);

impl Decoder for ChatCodec {
    type Item = Packet;
    type Error = LinesCodecError;

    fn decode(&mut self, bytes: &mut BytesMut) -> Result<Option<Packet>, LinesCodecError> {
        Ok(self.0.decode(bytes)?.map(|line| Packet::parse(&line)))
    }
}

/// Everyone who has a name.
#[derive(Clone, Default)]
struct Chat(Arc<Mutex<Members>>);

type Members = BTreeMap<SessionId, Member>;

struct Member {
    name: String,
    room: String,
    session: SessionHandle,
}

impl Chat {
    /// Sending never waits, so neither does whoever wants the lock.
    fn members(&self) -> MutexGuard<'_, Members> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn within<'a>(members: &'a Members, room: &'a str) -> impl Iterator<Item = &'a Member> {
    members.values().filter(move |member| member.room == room)
}

/// One frame, which all of their queues share.
fn tell(members: &Members, room: &str, text: impl fmt::Display) {
    let frame = line(text);
    within(members, room).for_each(|member| _ = member.session.send(frame.clone()));
}

fn line(text: impl fmt::Display) -> Frame {
    Frame::new(format!("{text}\n").as_bytes())
}

impl Protocol for Chat {
    type Decoder = ChatCodec;
    type Service = Guest;

    fn decoder(&self) -> ChatCodec {
        ChatCodec(LinesCodec::new_with_max_length(LONGEST_LINE_BYTES))
    }

    fn open(&self, session: SessionHandle) -> Guest {
        Guest { chat: self.clone(), session, budget: Budget::default() }
    }

    fn signs_in(&self) -> bool {
        true
    }

    fn farewell(&self, reason: CloseReason) -> Option<Frame> {
        match reason {
            QUIT => Some(line("* goodbye")),
            CloseReason::Stopping => Some(line("* the server stops; goodbye")),
            CloseReason::SlowConsumer | CloseReason::WriteStalled => Some(line("* you read too slowly")),
            CloseReason::Deadline => Some(line("* nobody without a name may stay")),
            CloseReason::Refused(refusal) => Some(line(format_args!("* {refusal}"))),
            _ => None,
        }
    }
}

struct Guest {
    chat: Chat,
    session: SessionHandle,
    budget: Budget,
}

impl Guest {
    fn answer(&self, text: impl fmt::Display) {
        self.session.send(line(format_args!("* {text}")));
    }

    fn rename(&self, name: String) {
        let mut members = self.chat.members();
        let is_taken =
            |(id, other): (_, &Member)| id != &self.session.id() && other.name.to_lowercase() == name.to_lowercase();
        if members.iter().any(is_taken) {
            return self.answer("that name is taken");
        }
        if let Some(me) = members.get_mut(&self.session.id()) {
            let (room, old) = (me.room.clone(), mem::replace(&mut me.name, name.clone()));
            return tell(&members, &room, format_args!("* {old} is now {name}"));
        }
        self.session.establish();
        tell(&members, "lobby", format_args!("* {name} came in"));
        let me = Member { name, room: "lobby".into(), session: self.session.clone() };
        members.insert(self.session.id(), me);
        self.answer("you are in the lobby; /who, /join ROOM, /name NAME, /quit");
    }

    fn join(&self, room: String) {
        let mut members = self.chat.members();
        let Some(me) = members.get_mut(&self.session.id()) else { return };
        let (name, old) = (me.name.clone(), mem::replace(&mut me.room, room.clone()));
        tell(&members, &old, format_args!("* {name} went to {room}"));
        tell(&members, &room, format_args!("* {name} came in"));
    }
}

impl Service for Guest {
    type Packet = Packet;

    async fn opened(&mut self) {
        self.session.set_deadline(NAME_WITHIN);
        self.answer("welcome; who are you? /name NAME");
    }

    async fn packet(&mut self, packet: Packet) {
        if !self.budget.take(&Rate::new(5, Duration::from_secs(1), 20), Instant::now()) {
            self.session.send_droppable(line("* not so fast"));
            return;
        }
        match packet {
            Packet::Name(name) => self.rename(name),
            Packet::Quit => self.session.close(QUIT),
            Packet::Wrong(why) => self.answer(why),
            _ if !self.session.is_established() => self.answer("first say who you are: /name NAME"),
            Packet::Join(room) => self.join(room),
            packet => {
                let members = self.chat.members();
                let Some(me) = members.get(&self.session.id()) else { return };
                if let Packet::Say(text) = packet {
                    tell(&members, &me.room, format_args!("{}: {text}", me.name));
                } else {
                    let names: Vec<_> = within(&members, &me.room).map(|member| member.name.as_str()).collect();
                    self.answer(format_args!("in {}: {}", me.room, names.join(", ")));
                }
            }
        }
    }

    fn malformed(&mut self, error: &dyn fmt::Display) {
        self.answer(error);
    }

    async fn ended(self, reason: CloseReason) {
        let mut members = self.chat.members();
        if let Some(me) = members.remove(&self.session.id())
            && reason != CloseReason::Stopping
        {
            tell(&members, &me.room, format_args!("* {} left", me.name));
        }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let listener = bind(env::args().nth(1).unwrap_or("127.0.0.1:0".into()).parse()?)?;
    println!("ready listen={}", listener.local_addr()?);
    Ok(serve(listener, Chat::default(), tokio::signal::ctrl_c()).await?)
}
