//! The own commands to the game: sent no faster than the server allows, and remembered until they are answered.

use crate::play::game::Game;
use malpan_client::protocol::{Cell, CommandBytes, Direction, Limits, game::five};
use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

/// Commands on their way at once. Behind a stalled connection, a held key must not pile up a walk.
const MOST_PENDING: usize = 16;
/// Share of the server's rate that is used: the network squeezes what was sent evenly.
const SHARE: f64 = 0.9;

/// What may be asked of a game.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum GameCommand {
    /// A step on the shared board.
    Step(Direction),
    /// Something in five in a row.
    Five(five::Command),
}

impl GameCommand {
    /// A stone in five in a row.
    pub(crate) fn place(cell: Cell) -> Self {
        Self::Five(five::Command::Place(cell))
    }

    /// The game that it is of.
    pub(crate) fn game(self) -> Game {
        match self {
            Self::Step(_) => Game::Board,
            Self::Five(_) => Game::Five,
        }
    }

    /// It as the game's packets hold it.
    pub(crate) fn bytes(self) -> CommandBytes {
        let bytes = match self {
            Self::Step(direction) => CommandBytes::of(&direction),
            Self::Five(command) => CommandBytes::of(&command),
        };
        bytes.expect("every command here has a few bytes")
    }
}

/// Own commands and their pace.
#[derive(Debug)]
pub(super) struct Commands {
    pace: Pace,
    last_seq: u32,
    pending: VecDeque<Pending>,
}

#[derive(Debug)]
struct Pending {
    seq: u32,
    command: GameCommand,
    sent_at: Instant,
}

impl Commands {
    /// No commands yet, on a connection with these limits.
    pub(super) fn new(limits: &Limits, now: Instant) -> Self {
        Self { pace: Pace::new(limits, now), last_seq: 0, pending: VecDeque::new() }
    }

    /// When the next command may go out: now or later; `None` while too many are not answered.
    pub(super) fn next_at(&self, now: Instant) -> Option<Instant> {
        (self.pending.len() < MOST_PENDING).then(|| self.pace.next_at(now))
    }

    /// Takes note of a command and returns its number, or `None` where it is too early for one.
    pub(super) fn take(&mut self, command: GameCommand, now: Instant) -> Option<u32> {
        if self.next_at(now)? > now {
            return None;
        }
        self.pace.spend(now);
        self.last_seq = self.last_seq.wrapping_add(1);
        self.pending.push_back(Pending { seq: self.last_seq, command, sent_at: now });
        Some(self.last_seq)
    }

    /// The command was done or refused. Returns what it was, if it was known.
    pub(super) fn answered(&mut self, seq: u32) -> Option<GameCommand> {
        let at = self.pending.iter().position(|pending| pending.seq == seq)?;
        self.pending.remove(at).map(|pending| pending.command)
    }

    /// A snapshot says that this command was the last one done: what came before is answered too.
    pub(super) fn answered_up_to(&mut self, seq: u32) {
        self.pending.retain(|pending| pending.seq > seq);
    }

    /// Forgets what is on its way: the room is left.
    pub(super) fn clear(&mut self) {
        self.pending.clear();
    }

    /// Forgets what went out too long ago; returns whether there was any.
    pub(super) fn give_up(&mut self, is_late: impl Fn(Instant) -> bool) -> bool {
        let before = self.pending.len();
        self.pending.retain(|pending| !is_late(pending.sent_at));
        self.pending.len() < before
    }

    /// Commands on their way.
    pub(super) fn pending(&self) -> usize {
        self.pending.len()
    }
}

/// A token bucket a little smaller and slower than the server's.
#[derive(Debug)]
struct Pace {
    per_second: f64,
    burst: f64,
    tokens: f64,
    counted_at: Instant,
}

impl Pace {
    fn new(limits: &Limits, now: Instant) -> Self {
        let per_second = f64::from(limits.steps_per_second.max(1)) * SHARE;
        let burst = f64::from((limits.step_burst / 2).max(1));
        Self { per_second, burst, tokens: burst, counted_at: now }
    }

    fn tokens(&self, now: Instant) -> f64 {
        let refilled = now.duration_since(self.counted_at).as_secs_f64() * self.per_second;
        (self.tokens + refilled).min(self.burst)
    }

    fn next_at(&self, now: Instant) -> Instant {
        let missing = 1.0 - self.tokens(now);
        if missing <= 0.0 { now } else { now + Duration::from_secs_f64(missing / self.per_second) }
    }

    fn spend(&mut self, now: Instant) {
        self.tokens = self.tokens(now) - 1.0;
        self.counted_at = now;
    }
}

#[cfg(test)]
mod tests {
    use super::{Commands, GameCommand, MOST_PENDING};
    use crate::play::testing::limits;
    use malpan_client::protocol::{Direction, Limits, game::five};
    use std::time::{Duration, Instant};

    const UP: GameCommand = GameCommand::Step(Direction::Up);

    #[test]
    fn a_held_key_stays_below_the_servers_rate() {
        let mut now = Instant::now();
        let limits = Limits { steps_per_second: 20, step_burst: 10, ..limits() };
        let mut commands = Commands::new(&limits, now);
        let mut sent = 0;
        for _ in 0..1000 {
            if let Some(seq) = commands.take(UP, now) {
                sent += 1;
                commands.answered(seq);
            }
            now += Duration::from_millis(10);
        }
        assert!((180..=190).contains(&sent), "{sent} steps in 10 s");
    }

    #[test]
    fn the_time_of_the_next_command_is_told_exactly() {
        let now = Instant::now();
        let mut commands = Commands::new(&Limits { steps_per_second: 10, step_burst: 1, ..limits() }, now);
        assert_eq!(commands.take(UP, now), Some(1));
        let next = commands.next_at(now).unwrap();
        assert_eq!(commands.take(UP, next - Duration::from_millis(1)), None);
        assert_eq!(commands.take(UP, next + Duration::from_nanos(1)), Some(2));
    }

    #[test]
    fn unanswered_commands_do_not_pile_up() {
        let mut now = Instant::now();
        let mut commands = Commands::new(&limits(), now);
        for _ in 0..100 {
            commands.take(UP, now);
            now += Duration::from_secs(1);
        }
        assert_eq!(commands.pending(), MOST_PENDING);
        assert!(commands.give_up(|sent_at| now.duration_since(sent_at) > Duration::from_secs(95)));
        assert_eq!(commands.pending(), MOST_PENDING - 5);
    }

    #[test]
    fn a_snapshot_answers_all_before_it() {
        let now = Instant::now();
        let mut commands = Commands::new(&limits(), now);
        let resign = GameCommand::Five(five::Command::Resign);
        let all: Vec<u32> = [UP, resign, UP].iter().map(|&command| commands.take(command, now).unwrap()).collect();
        assert_eq!(commands.answered(all[0]), Some(UP));
        commands.answered_up_to(all[1]);
        assert_eq!((commands.pending(), commands.answered(all[1])), (1, None));
    }
}
