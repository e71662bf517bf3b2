//! What honest clients do, and what networks and people do to them.

use super::{
    faulty::FAULTY,
    honest::{Honest, Standing},
    pipe::Fate,
    table,
    talk::{State, Talk},
    world::Phase,
};
use malpan_protocol::{
    BoardSize, Cell, ChatText, ClientPacket, Direction, GameName, JoinTarget, RoomFilter, RoomId, RoomTitle, SeatCount,
    SignalPayload, SignalTarget, game::five,
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
            State::Asking | State::Leaving(_) => {}
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
}
