//! Plain mode: commands from stdin, an event a line to stdout, for pipes and screen readers.
//!
//! ```text
//! stdin -> lines.rs -> command.rs -> [waiting] -> Session -> Link
//! stdout <- wording.rs (what happened), shown.rs (what was asked for) <- News <- Session <- Link
//! ```
//!
//! Invariant: commands are done in order, each when what it depends on has been answered; so that a script may be
//! written as a person would type it, and prints the same lines at any speed.

mod command;
mod lines;
mod shown;
mod wording;

pub(super) use wording::HELP;

use super::{
    game::Game,
    link::{Link, LinkEvent},
    session::{Connection, GameCommand, Goal, News, NotNow, Session, Table},
    slash::{SLASH_COMMANDS, Slash},
    words,
};
use command::Command;
use lines::{Line, Lines};
use malpan_client::protocol::{ChatText, JoinTarget, Manner, RoomId, RoomQuery};
use std::{collections::VecDeque, io, time::Duration};
use tokio::{
    io::{AsyncBufRead, AsyncWrite, AsyncWriteExt},
    time::{Instant, interval, sleep_until},
};

/// Commands that may wait; then no more input is read.
const MOST_WAITING: usize = 64;
/// How often time is let pass.
const TICK: Duration = Duration::from_millis(250);

/// How plain mode ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// As asked.
    Done,
    /// Not as asked; this is why.
    Failed(String),
}

/// Plain mode over any input and output.
pub(super) struct Plain<'a, R, W> {
    address: &'a str,
    /// What a room is of where nothing else is said; `None` for the server's default game.
    game: Option<Game>,
    link: &'a mut Link,
    session: Session,
    input: Lines<R>,
    output: W,
    /// What was read and is not done: commands, and what is wrong with a line, told in its turn.
    waiting: VecDeque<Result<Command, String>>,
    /// The input has ended, or `quit` was read.
    ending: bool,
    rooms_listed: usize,
}

impl<'a, R: AsyncBufRead + Unpin, W: AsyncWrite + Unpin> Plain<'a, R, W> {
    /// Plain mode with a server at `address`, over `link`. New rooms are of `game`, where that is given.
    pub(super) fn new(
        address: &'a str,
        game: Option<Game>,
        link: &'a mut Link,
        session: Session,
        input: R,
        output: W,
    ) -> Self {
        let input = Lines::new(input);
        Self { address, game, link, session, input, output, waiting: VecDeque::new(), ending: false, rooms_listed: 0 }
    }

    /// Runs until the input has ended and every answer has come, or until it cannot go on.
    ///
    /// # Errors
    /// Where the input cannot be read or the output not be written. An output that nobody reads any more is an orderly
    /// end.
    pub(super) async fn run(mut self) -> io::Result<Ending> {
        match self.run_to_end().await {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(Ending::Done),
            ended => ended,
        }
    }

    async fn run_to_end(&mut self) -> io::Result<Ending> {
        let mut tick = interval(TICK);
        loop {
            let next_command_at = self.do_what_can_be_done().await?;
            if self.ending && self.waiting.is_empty() && self.is_settled() && self.session.answers_due() == 0 {
                self.print("bye").await?;
                return Ok(Ending::Done);
            }
            let pause_until = next_command_at.unwrap_or_else(Instant::now);
            tokio::select! {
                biased;
                event = self.link.next() => {
                    let Some(event) = event else { return Ok(Ending::Failed("the connection task ended".into())) };
                    if let Some(ending) = self.hear(event).await? {
                        return Ok(ending);
                    }
                }
                line = self.input.next(), if !self.ending && self.waiting.len() < MOST_WAITING => {
                    match line? {
                        Some(line) => self.read(line),
                        None => self.ending = true,
                    }
                    if self.ending && matches!(self.session.connection(), Connection::Offline { .. }) {
                        return Ok(self.end_offline(0));
                    }
                }
                _ = tick.tick() => {
                    for news in self.session.tick(now()) {
                        self.tell(&news).await?;
                        if self.ending && news == News::Unanswered {
                            return Ok(Ending::Failed("no answer came from the server".into()));
                        }
                    }
                    self.send();
                }
                () = sleep_until(pause_until), if next_command_at.is_some() => {}
            }
        }
    }

    /// Does the commands whose turn it is. Returns when the next one's turn comes, if that is a matter of time.
    async fn do_what_can_be_done(&mut self) -> io::Result<Option<Instant>> {
        while let Some(command) = self.waiting.front() {
            match command {
                Err(_) | Ok(Command::Help | Command::Status) => {}
                // Steps and chat may follow each other without waiting for answers; a way into a room must be over. What
                // cannot be is told after the answers to what was before it.
                Ok(Command::Game(command)) if self.is_settled() && self.session.may_command(*command).is_ok() => {
                    // In five in a row each move decides about the next, and a server tells refusals before results.
                    if matches!(command, GameCommand::Five(_)) && self.session.answers_due() > 0 {
                        return Ok(None);
                    }
                    let at = self.session.next_command_at(now()).map(Instant::from_std);
                    if at.is_none_or(|at| at > Instant::now()) {
                        return Ok(at);
                    }
                }
                Ok(Command::Chat(_)) if self.is_settled() && self.session.may_chat().is_ok() => {}
                Ok(Command::Slash(Slash::Say(_) | Slash::Emote(_) | Slash::Whisper { .. }))
                    if self.is_settled() && self.session.may_chat().is_ok() => {}
                _ if self.is_settled() && self.session.answers_due() == 0 => {}
                _ => return Ok(None),
            }
            match self.waiting.pop_front().expect("it was there") {
                Ok(command) => self.do_command(command).await?,
                Err(why) => self.print(&format!("error: {why}")).await?,
            }
            self.send();
        }
        Ok(None)
    }

    async fn do_command(&mut self, command: Command) -> io::Result<()> {
        let asked = match command {
            Command::Game(command) => self.session.command(command, now()),
            Command::Chat(text) => self.chat(text),
            Command::Slash(slash) => return self.do_slash(slash).await,
            Command::Join(room) => self.session.go(Goal::Join(JoinTarget::Room(room)), now()),
            Command::JoinAny => {
                let any = self.game.map_or(JoinTarget::Any, |game| JoinTarget::AnyOf(game.name()));
                self.session.go(Goal::Join(any), now())
            }
            Command::Watch(room) => self.session.go(Goal::Watch(room), now()),
            Command::Open { game, title } => self.session.go(Goal::Open { game: game.or(self.game), title }, now()),
            Command::Leave => self.session.go(Goal::Lobby, now()),
            Command::Rooms => self.session.list_rooms(RoomId(0), now()),
            Command::Board => return self.print_table(shown::board).await,
            Command::Who => return self.print_table(shown::members).await,
            Command::Status => return self.print(&shown::status(&self.session)).await,
            Command::Help => return self.print(&format!("commands: {}", command::COMMANDS)).await,
            Command::Quit => unreachable!("quit ends the input and does not wait"),
        };
        match asked {
            Ok(()) => Ok(()),
            Err(why) => self.print(&format!("error: {why}")).await,
        }
    }

    async fn do_slash(&mut self, slash: Slash) -> io::Result<()> {
        let own = match self.session.ask(slash, self.game, now()) {
            Ok(None) => return Ok(()),
            Ok(Some(own)) => own,
            Err(why) => return self.print(&format!("error: {why}")).await,
        };
        let asked = match own {
            Slash::Say(text) => self.chat(text),
            Slash::Rooms(query) => self.session.find_rooms(*query, now()),
            Slash::Who => return self.print_table(shown::members).await,
            Slash::Mute(name) => {
                self.session.muted_mut().mute(name.clone());
                return self.print(&format!("muted {name}")).await;
            }
            Slash::Unmute(name) => {
                self.session.muted_mut().unmute(&name);
                return self.print(&format!("unmuted {name}")).await;
            }
            Slash::Muted => {
                let names: Vec<_> = self.session.muted().names().map(|name| format!("muted {name}")).collect();
                return self.print(&if names.is_empty() { "muted nobody".into() } else { names.join("\n") }).await;
            }
            _ => return self.print(&format!("commands: {SLASH_COMMANDS}")).await,
        };
        match asked {
            Ok(()) => Ok(()),
            Err(why) => self.print(&format!("error: {why}")).await,
        }
    }

    /// Says something to the room, or where there is none to the lobby.
    fn chat(&mut self, text: ChatText) -> Result<(), NotNow> {
        match self.session.table() {
            Some(_) => self.session.chat(text, now()),
            None => self.session.say_here(Manner::Say, text, now()),
        }
    }

    /// Takes in a line of input.
    fn read(&mut self, line: Line) {
        let parsed = match line {
            Line::Text(text) => command::parse(&text),
            Line::TooLong => Err("the line is too long".into()),
        };
        match parsed {
            Ok(Some(Command::Quit)) => self.ending = true,
            Ok(Some(command)) => self.waiting.push_back(Ok(command)),
            Ok(None) => {}
            Err(why) => self.waiting.push_back(Err(why)),
        }
    }

    /// Takes in what the link tells; returns how plain mode ends, if it does.
    async fn hear(&mut self, event: LinkEvent) -> io::Result<Option<Ending>> {
        let due = self.session.answers_due();
        for news in self.session.hear(event, now()) {
            self.tell(&news).await?;
            match news {
                News::Joined { .. } => self.print_table(shown::members).await?,
                News::Rooms { rooms, next, first } => self.continue_list(rooms.len(), first, next).await?,
                News::Found { rooms, next, first, .. } => self.continue_search(rooms.len(), first, next).await?,
                News::Lobby { total, next: None, .. } => self.print(&format!("lobby {total}")).await?,
                News::Lobby { next: Some(after), .. } => {
                    if let Err(why) = self.session.list_lobby(after, now()) {
                        self.print(&format!("error: {why}")).await?;
                    }
                }
                News::NameTaken(name) => {
                    return Ok(Some(Ending::Failed(format!("the name {name} is taken: choose another with --name"))));
                }
                News::Failed { why, unreachable } => {
                    return Ok(Some(Ending::Failed(words::failure(
                        self.address,
                        &why,
                        unreachable,
                        self.session.was_online(),
                    ))));
                }
                News::Offline { .. } if self.ending => return Ok(Some(self.end_offline(due))),
                _ => {}
            }
        }
        self.send();
        Ok(None)
    }

    async fn continue_list(&mut self, count: usize, first: bool, next: Option<RoomId>) -> io::Result<()> {
        self.rooms_listed = if first { count } else { self.rooms_listed + count };
        match next {
            Some(after) => match self.session.list_rooms(after, now()) {
                Ok(()) => Ok(()),
                Err(why) => self.print(&format!("error: {why}")).await,
            },
            None => self.print(&format!("rooms listed {}", self.rooms_listed)).await,
        }
    }

    async fn continue_search(&mut self, count: usize, first: bool, next: Option<RoomQuery>) -> io::Result<()> {
        self.rooms_listed = if first { count } else { self.rooms_listed + count };
        match next.map(|query| self.session.find_rooms(query, now())) {
            Some(Ok(())) => Ok(()),
            Some(Err(why)) => self.print(&format!("error: {why}")).await,
            None => self.print(&format!("rooms listed {}", self.rooms_listed)).await,
        }
    }

    /// The input has ended and the connection is lost: what is not done will not be.
    fn end_offline(&self, answers_due: usize) -> Ending {
        match (answers_due, self.waiting.len()) {
            (0, 0) => Ending::Done,
            (due, waiting) => {
                Ending::Failed(format!("the connection is lost: {due} answers and {waiting} commands with it"))
            }
        }
    }

    /// Signed in, and not on the way into a room.
    fn is_settled(&self) -> bool {
        self.session.is_online() && self.session.going_to().is_none()
    }

    fn send(&mut self) {
        self.link.send_all(self.session.take_packets());
    }

    async fn tell(&mut self, news: &News) -> io::Result<()> {
        for line in wording::lines(news, self.address, &self.session.name().clone()) {
            self.print(&line).await?;
        }
        Ok(())
    }

    /// Prints what `shown` makes of the room.
    async fn print_table(&mut self, shown: impl Fn(&Table) -> Vec<String>) -> io::Result<()> {
        let lines = match self.session.table() {
            Some(table) => shown(table),
            None => vec![format!("error: {}", NotNow::NoRoom)],
        };
        for line in lines {
            self.print(&line).await?;
        }
        Ok(())
    }

    async fn print(&mut self, line: &str) -> io::Result<()> {
        self.output.write_all(format!("{line}\n").as_bytes()).await?;
        self.output.flush().await
    }
}

/// Tokio's clock, so that tests with paused time rule this one too.
fn now() -> std::time::Instant {
    Instant::now().into_std()
}

#[cfg(test)]
mod tests;
