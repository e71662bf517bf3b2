//! What honest clients do, and what networks and people do to them.

use super::{
    honest::{Honest, Standing},
    pipe::Fate,
    stream::SimStream,
    talk::{State, Talk},
    words,
    world::Phase,
};
use malpan_client::{Client, ClientError};
use malpan_protocol::{
    BoardSize, Cell, ChatText, ClientPacket, Direction, GameName, JoinTarget, RoomFilter, RoomId, SignalPayload,
    SignalTarget, game::five,
};
use rand::RngExt as _;
use std::time::Duration;
use tokio::time::sleep;

/// What becomes of the connection.
pub(super) enum Next {
    Stay,
    /// It is given up: dropped where it stands.
    Drop,
    Bye,
    Vanish(Fate),
    /// It lives on, while the client comes back over another.
    TakeOver,
}

impl Honest {
    /// Does one thing, whatever the phase asks for.
    pub(super) async fn act(&mut self, talk: &mut Talk) -> Next {
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
            0..3 => Next::Bye,
            3..10 => Next::Drop,
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
                talk.floods = true;
                for _ in 0..self.rng.random_range(5..60) {
                    self.play(talk);
                }
                Next::Stay
            }
            40..52 if matches!(talk.state, State::In(_)) => {
                self.leave(talk);
                Next::Stay
            }
            52..57 => Next::TakeOver,
            _ => self.play(talk),
        }
    }

    /// Gets to a seat and stays there.
    fn settle(&mut self, talk: &mut Talk) -> Next {
        match &talk.state {
            // A faulty game is no place to stay.
            State::In(place) if place.is_faulty() => {
                self.leave(talk);
                self.stand(Standing::Away);
            }
            State::In(_) => {
                self.stand(Standing::Plays);
                return self.play(talk);
            }
            State::Lobby if self.rng.random_ratio(3, 4) => {}
            State::Lobby => {
                let target =
                    if self.rng.random_ratio(1, 5) { JoinTarget::AnyOf(GameName::FIVE) } else { JoinTarget::Any };
                self.ask(talk, &ClientPacket::Join { target });
            }
            State::Asking | State::Leaving(_) | State::Anew { .. } => {}
        }
        Next::Stay
    }

    fn play(&mut self, talk: &mut Talk) -> Next {
        let what = self.rng.random_range(0..100);
        let (room, is_seated, five) = match &talk.state {
            State::Lobby => {
                match what {
                    0..60 => {
                        let request = self.request();
                        self.ask(talk, &request);
                    }
                    60..75 => self.talk_in_the_lobby(talk),
                    _ => {}
                }
                return Next::Stay;
            }
            // Until all that was missed has come, it does not know what its commands have done.
            State::In(place) if place.catches_up() => return Next::Stay,
            State::In(place) => (place.room(), place.seat().is_some(), place.is_five()),
            State::Asking | State::Leaving(_) | State::Anew { .. } => return Next::Stay,
        };
        let sent = match what {
            // As docs/protocol.md asks of who watches: anything but a list and a ping might come when the room has closed.
            _ if !is_seated && !(20..28).contains(&what) => return Next::Stay,
            0..6 => {
                let text = self.line(&room.to_string());
                talk.client.chat(text)
            }
            6..8 => {
                let text = self.line(&room.to_string());
                talk.client.emote(text)
            }
            8..16 => {
                let bytes = words::signal(room.0, self.word(), self.rng.random_range(0..=248));
                talk.client.signal(SignalTarget::Room, SignalPayload::new(&bytes).expect("at most 256 bytes"))
            }
            16..20 => talk.client.signal(SignalTarget::Myself, SignalPayload::new(b"me").expect("two bytes")),
            20..24 => talk.client.send(&ClientPacket::Ping { nonce: 1 }),
            24..26 => talk.client.send(&ClientPacket::ListRooms { after: RoomId(0), filter: RoomFilter::All }),
            26..28 => self.find_rooms(talk),
            28..30 => self.whisper(talk),
            30..33 => self.wish_as_an_owner(talk),
            _ => {
                let seq = self.command(&mut talk.client, five);
                if let (Ok(seq), State::In(place)) = (&seq, &mut talk.state) {
                    place.asked(*seq);
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

    /// A step, or a stone.
    pub(super) fn command(&mut self, client: &mut Client<SimStream>, five: bool) -> Result<u32, ClientError> {
        if five { client.command(&self.five()) } else { client.step(self.direction()) }
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

    /// Something to say there, which nobody has said before.
    pub(super) fn line(&mut self, place: &str) -> ChatText {
        let number = self.word();
        ChatText::new(&words::text(place, self.name.as_str(), number)).expect("a short line")
    }

    fn word(&mut self) -> u32 {
        self.words += 1;
        self.words
    }
}
