//! Games that remember what they were told, for the invariants: each has a twin that is told of accepted commands alone.

use super::faulty::Faulty;
use malpan_game::{Board, Effects, FiveInARow, Game};
use malpan_protocol::{
    GameName, MAX_SEATS, Seat,
    game::{board, five},
};
use malpan_server::{Games, NewRoom, config::Config};
use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// What a room's game has been told.
#[derive(Debug, Default)]
pub(super) struct Record {
    room: Option<u32>,
    pub(super) seats: usize,
    pub(super) seated: usize,
    pub(super) state: Option<Shown>,
    pub(super) accepted: u64,
    /// What was not as it should be.
    pub(super) problems: Vec<String>,
}

/// How a game stands.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Shown {
    Board(board::State),
    Five(five::State),
}

/// The records of all rooms of a run. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub(super) struct Records(Arc<Mutex<Vec<Arc<Mutex<Record>>>>>);

impl Records {
    /// The room whose rules were made last has this number.
    pub(super) fn name_newest(&self, room: u32) {
        if let Some(newest) = self.all().last() {
            locked(newest).room = Some(room);
        }
    }

    /// Looks at the record of a room.
    pub(super) fn of<T>(&self, room: u32, look: impl FnOnce(&Record) -> T) -> Option<T> {
        let all = self.all();
        let record = all.iter().rev().map(|record| locked(record)).find(|record| record.room == Some(room))?;
        Some(look(&record))
    }

    /// Everything that was not as it should be, in any room.
    pub(super) fn problems(&self) -> Vec<String> {
        self.all().iter().flat_map(|record| std::mem::take(&mut locked(record).problems)).collect()
    }

    fn open(&self, seats: usize) -> Arc<Mutex<Record>> {
        let record = Arc::new(Mutex::new(Record { seats, ..Record::default() }));
        self.all().push(Arc::clone(&record));
        record
    }

    fn all(&self) -> MutexGuard<'_, Vec<Arc<Mutex<Record>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn locked(record: &Mutex<Record>) -> MutexGuard<'_, Record> {
    record.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A game with a record.
#[derive(Debug)]
pub(super) struct Observed<G> {
    game: G,
    twin: G,
    record: Arc<Mutex<Record>>,
    allowance: Allowance,
    left: [Option<Left>; MAX_SEATS],
    last: Duration,
}

/// How many steps a player has: so many a second, and so many at once after a rest.
#[derive(Debug, Clone, Copy)]
struct Allowance {
    rate: f64,
    burst: f64,
}

/// What is left of it. Written anew and not taken from malpan-net, whose own is under test.
#[derive(Debug, Clone, Copy)]
struct Left {
    steps: f64,
    at: Duration,
}

impl Left {
    fn take(&mut self, allowance: Allowance, now: Duration) -> bool {
        let more = now.saturating_sub(self.at).as_secs_f64() * allowance.rate;
        self.steps = (self.steps + more).min(allowance.burst) - 1.0;
        self.at = now;
        self.steps > -1e-6
    }
}

/// A game that can be observed.
pub(super) trait Observable: Game<Command: Clone> + Clone + PartialEq {
    fn shown(&self) -> Option<Shown>;
}

impl Observable for Board {
    fn shown(&self) -> Option<Shown> {
        Some(Shown::Board(self.snapshot()))
    }
}

impl Observable for FiveInARow {
    fn shown(&self) -> Option<Shown> {
        Some(Shown::Five(self.snapshot()))
    }
}

impl<G: Observable> Observed<G> {
    fn new(game: G, room: NewRoom, records: &Records, allowance: Allowance) -> Self {
        let record = records.open(room.seats.count());
        let twin = game.clone();
        Self { game, twin, record, allowance, left: [None; MAX_SEATS], last: Duration::ZERO }
    }

    fn note(&mut self, now: Duration, seated: isize) {
        let mut record = locked(&self.record);
        record.seated = record.seated.saturating_add_signed(seated);
        if record.seated > record.seats {
            let problem = format!("{} members on {} seats of room {:?}", record.seated, record.seats, record.room);
            record.problems.push(problem);
        }
        if self.game != self.twin {
            let problem = format!("room {:?} is not the replay of its accepted commands", record.room);
            record.problems.push(problem);
        }
        if now < self.last {
            let problem = format!("the time of room {:?} went back", record.room);
            record.problems.push(problem);
        }
        record.state = self.game.shown();
        self.last = now;
    }
}

impl<G: Observable> Game for Observed<G> {
    const NAME: GameName = G::NAME;
    const TICK: Option<Duration> = G::TICK;
    type Command = G::Command;
    type Update = G::Update;
    type Refusal = G::Refusal;
    type Snapshot = G::Snapshot;
    /// A simulation is one life of a server.
    type Saved = ();

    fn take_seat(&mut self, now: Duration, seat: Seat) -> Effects<G::Update> {
        self.twin.take_seat(now, seat);
        let effects = self.game.take_seat(now, seat);
        let fresh = Left { steps: self.allowance.burst, at: now };
        if self.left[seat.index()].replace(fresh).is_some() {
            locked(&self.record).problems.push(format!("seat {seat:?} was taken twice"));
        }
        self.note(now, 1);
        effects
    }

    fn leave_seat(&mut self, now: Duration, seat: Seat) -> Effects<G::Update> {
        self.twin.leave_seat(now, seat);
        let effects = self.game.leave_seat(now, seat);
        if self.left[seat.index()].take().is_none() {
            locked(&self.record).problems.push(format!("seat {seat:?} was left, and nobody sat there"));
        }
        self.note(now, -1);
        effects
    }

    fn apply(&mut self, now: Duration, seat: Seat, command: G::Command) -> Result<Effects<G::Update>, G::Refusal> {
        let within = self.left[seat.index()].as_mut().map(|left| left.take(self.allowance, now));
        if within != Some(true) {
            let problem = format!("a step of seat {seat:?} beyond the clock's allowance, at {now:?}");
            locked(&self.record).problems.push(problem);
        }
        let done = self.game.apply(now, seat, command.clone());
        if done.is_ok() {
            let _ = self.twin.apply(now, seat, command);
            locked(&self.record).accepted += 1;
        }
        self.note(now, 0);
        done
    }

    fn tick(&mut self, now: Duration) -> Effects<G::Update> {
        self.twin.tick(now);
        self.game.tick(now)
    }

    fn snapshot(&self) -> G::Snapshot {
        self.game.snapshot()
    }
}

/// The games of a simulated server.
pub(super) fn games(config: &Config, records: &Records, faulty: bool) -> Games {
    let (size, limits) = (config.game.board, &config.limits);
    let allowance = Allowance { rate: limits.steps_per_second.into(), burst: limits.step_burst.into() };
    let (boards, fives) = (records.clone(), records.clone());
    let seats = u8::try_from(config.game.seats.count()).expect("at most 10");
    let games = Games::only(seats, move |room| Observed::new(Board::new(size, room.seats), room, &boards, allowance))
        .with(2, move |room| Observed::new(FiveInARow::new(), room, &fives, allowance));
    if !faulty {
        return games;
    }
    let records = records.clone();
    games.with(seats, move |room| {
        // So that its number is not taken for another room's.
        records.open(room.seats.count());
        Faulty::new(Board::new(size, room.seats), 2 + room.seed % 40)
    })
}
