//! A room's task.

mod coming;
mod owning;
mod saved;

use super::{
    Message, Newcomer, Opening, Recipient, RoomSetup, Who, batch::Batch, history::Past, members::Members,
    ownership::Ownership,
};
use crate::{
    directory::Directory,
    ending::Ending,
    metrics::Metrics,
    outgoing::Outgoing,
    saving::{Lock, Saver},
    store::RoomChange,
};
use malpan_game::{Effects, Game, Released};
use malpan_protocol::{
    Ack, ChatText, Chatted, CommandBytes, DenialCode, Happened, Manner, RefusalBytes, RefusalReason, RoomId, RoomTitle,
    Seat, ServerPacket, Signalled, StateBytes, UpdateBytes,
};
pub(crate) use owning::OwnersWish;
use saved::Beginning;
pub(super) use saved::restore;
use std::{
    pin::{Pin, pin},
    time::Duration,
};
use tokio::{
    sync::mpsc,
    task::yield_now,
    time::{Instant, Interval, MissedTickBehavior, Sleep, interval_at, sleep_until},
};

/// After this long the room lets others of its thread work, however much waits.
const TURN: Duration = Duration::from_millis(5);
/// Messages between two looks at the clock, while rules are quick.
const CLOCK_EVERY: usize = 8;
/// What the packets' bounds ask of a game's rules; see [`Game`]. Where it does not hold, the room ends.
const FITS: &str = "what a game says fits its packet";

/// A room: the game, the members, and what they have not been told yet.
#[derive(Debug)]
pub(crate) struct Room<G> {
    id: RoomId,
    title: RoomTitle,
    setup: RoomSetup,
    directory: Directory,
    metrics: Metrics,
    outgoing: Outgoing,
    game: G,
    members: Members,
    ownership: Ownership,
    history: Past,
    batch: Batch,
    /// Taken from the inbox and not dealt with yet; the oldest is the last.
    waiting: Vec<Message>,
    /// Whoever is just coming in.
    joining: Option<Recipient>,
    opened: Instant,
    /// For how long it was open in earlier lives of the server, and which life this is.
    age: Duration,
    incarnation: u32,
    /// Its password, to be saved with it.
    lock: Option<Lock>,
    saver: Saver,
    /// When it is to be saved, where something has happened since.
    save_at: Option<Instant>,
    /// The server ends, and nothing happens any more.
    finished: bool,
    /// Before this, nothing is flushed.
    next_flush: Instant,
    /// When what is pending is due, where it is held back.
    held_until: Option<Instant>,
    /// When it closes, unless someone comes: everyone has left.
    closes_at: Option<Instant>,
    /// Whether the last messages took longer than a turn.
    is_slow: bool,
}

impl<G: Game> Room<G> {
    pub(crate) fn new(game: G, mut opening: Opening) -> Self {
        let Beginning { members, ownership, history, age } = Beginning::of(&mut opening);
        let Opening { id, title, setup, directory, metrics, incarnation, lock, saver, .. } = opening;
        let opened = Instant::now();
        Self {
            id,
            title,
            setup,
            directory,
            outgoing: Outgoing::new(metrics.clone()),
            metrics,
            game,
            members,
            ownership,
            history,
            batch: Batch::new(setup.kept),
            waiting: Vec::new(),
            joining: None,
            opened,
            age,
            incarnation,
            lock,
            saver,
            save_at: None,
            finished: false,
            next_flush: opened,
            held_until: None,
            closes_at: None,
            is_slow: false,
        }
    }

    /// Serves the room until the directory has closed it.
    pub(crate) async fn run(&mut self, inbox: &mut mpsc::Receiver<Message>) {
        let mut flush_due = pin!(sleep_until(self.next_flush));
        let mut close_due = pin!(sleep_until(self.next_flush));
        let mut save_due = pin!(sleep_until(self.next_flush));
        let mut ticks = G::TICK.map(|every| ticks(self.opened, every));
        loop {
            let mut ticked = false;
            tokio::select! {
                biased;
                // Before the messages, of which a busy room always has some. The next tick is due only once the thread has
                // looked at its timers again, so ticks that take long do not keep the messages out.
                () = next_tick(&mut ticks), if G::TICK.is_some() => ticked = true,
                count = inbox.recv_many(&mut self.waiting, self.setup.inbox) => {
                    // Without the directory's and the members' ends nobody can come in any more.
                    if count == 0 {
                        return;
                    }
                }
                () = &mut flush_due, if self.batch.is_pending() => {}
                () = &mut save_due, if self.save_at.is_some() => self.save(),
                () = &mut close_due, if self.closes_at.is_some() => {
                    self.closes_at = None;
                    // Not where someone is on the way here: their coming or going brings us back to this.
                    if self.directory.close_if_empty(self.id) {
                        return self.close(inbox).await;
                    }
                }
            }
            if ticked && !self.finished {
                self.tick();
            }
            let mut now = Instant::now();
            let (mut turn, mut handled) = (now, 0_usize);
            self.waiting.reverse();
            while let Some(message) = self.waiting.pop() {
                match self.take(message, now) {
                    Released::Open => {}
                    Released::Empty => {
                        let at = now + self.setup.empty_grace;
                        self.closes_at = Some(at);
                        close_due.as_mut().reset(at);
                    }
                    Released::Closed => return self.close(inbox).await,
                }
                if self.batch.is_full() {
                    self.flush();
                }
                // To read the clock costs as much as a quick rule: after the first message, and then now and then.
                let look = self.is_slow || handled.is_multiple_of(CLOCK_EVERY);
                handled += 1;
                if self.waiting.is_empty() || !look {
                    continue;
                }
                now = Instant::now();
                if now - turn >= TURN {
                    self.is_slow = true;
                    // Rules that take long: what is due goes out, and the others of this thread have their turn.
                    self.flush_or_wait(now, flush_due.as_mut());
                    self.save_if_due(now);
                    yield_now().await;
                    now = Instant::now();
                    turn = now;
                }
            }
            now = Instant::now();
            self.is_slow = now - turn >= TURN;
            self.flush_or_wait(now, flush_due.as_mut());
            self.save_if_due(now);
            if let Some(at) = self.save_at.filter(|&at| save_due.deadline() != at) {
                save_due.as_mut().reset(at);
            }
        }
    }

    fn tick(&mut self) {
        let effects = self.game.tick(self.at(Instant::now()));
        self.tell(effects, None);
        if self.batch.is_full() {
            self.flush();
        }
    }

    /// A time as the rules know it: counted from the opening.
    fn at(&self, now: Instant) -> Duration {
        self.age + (now - self.opened)
    }

    /// The room is broken: everyone in it is sent away, and so is everyone on the way in, for nobody would answer them.
    pub(crate) async fn fail(mut self, inbox: &mut mpsc::Receiver<Message>) {
        for to in self.members.everyone().chain(&self.joining) {
            to.close(Ending::RoomFailed.into());
        }
        self.waiting.drain(..).for_each(Message::turn_away);
        turn_away(&self.directory, self.id, inbox).await;
    }

    /// The last seat is free: who watches is told, and who wanted to.
    async fn close(&mut self, inbox: &mut mpsc::Receiver<Message>) {
        self.flush();
        self.saver.room(RoomChange::Gone(self.id));
        // Before anyone hears of it, so that whoever does finds the room closed and is in the lobby.
        self.members.watchers().iter().for_each(Recipient::put_out);
        inbox.close();
        let left = ServerPacket::RoomLeft { room: self.id };
        self.members.watchers().iter().for_each(|watcher| watcher.send(&self.outgoing.frame(&left)));
        let mut late: Vec<_> = self.waiting.drain(..).rev().collect();
        while let Some(message) = inbox.recv().await {
            late.push(message);
        }
        for message in late {
            match message {
                Message::Join { newcomer: Newcomer { to, .. }, .. } => {
                    to.put_out();
                    let why = format_args!("room {} has just closed", self.id);
                    to.send(&self.outgoing.denied(DenialCode::NoSuchRoom, why));
                }
                Message::Resume { returning, .. } => self.turn_back(returning),
                _ => {}
            }
        }
    }

    /// At once after a pause (the leading edge), then at most once per tick.
    fn flush_or_wait(&mut self, now: Instant, mut flush_due: Pin<&mut Sleep>) {
        if !self.batch.is_pending() {
            return;
        }
        if now >= self.next_flush {
            // Only what was held back can be late; what comes after a pause is due when it comes.
            let late = self.held_until.map_or(Duration::ZERO, |due| now - due);
            self.flush_late_by(late);
            self.next_flush = now + self.setup.tick;
        } else {
            self.held_until = Some(self.next_flush);
            if flush_due.deadline() != self.next_flush {
                flush_due.as_mut().reset(self.next_flush);
            }
        }
    }

    fn flush(&mut self) {
        self.flush_late_by(Duration::ZERO);
    }

    /// Tells everyone what is pending, so long after that was due.
    fn flush_late_by(&mut self, late: Duration) {
        self.held_until = None;
        if self.batch.is_pending() {
            let flush = self.batch.flush();
            let receivers = self.members.deliver(&flush);
            self.batch.report(&flush, receivers, &self.metrics);
            self.metrics.flushed(flush.bytes(), receivers.all, late);
            self.touch();
        }
    }

    fn take(&mut self, message: Message, now: Instant) -> Released {
        let at = self.at(now);
        match message {
            Message::Join { seat, newcomer } => {
                self.joining = Some(newcomer.to.clone());
                match seat {
                    Some(seat) => self.join(seat, newcomer, at),
                    None => self.watch(newcomer.to),
                }
                self.joining = None;
            }
            Message::Leave { who, from, reason, done } => {
                let released = match who {
                    Who::Seat(seat) if self.members.sits(seat, from) => self.leave(seat, reason, at),
                    Who::Seat(_) => Released::Open,
                    Who::Watcher(session) => self.unwatch(session, reason),
                };
                // An error means that the session did not wait for the answer.
                let _ = done.map(|done| done.send(()));
                return released;
            }
            // Told late, the player may be back already.
            Message::Away { seat, from } if !self.members.sits(seat, from) => {}
            Message::Away { seat, from } => self.away(seat, from),
            Message::Resume { seat, before, returning } => {
                self.joining = Some(returning.to.clone());
                self.resume(seat, before, returning);
                self.joining = None;
            }
            // Of whoever has no seat any more, nothing that was on its way counts; nor does it once all is saved.
            Message::Command { seat, from, .. }
            | Message::Chat { seat, from, .. }
            | Message::Signal { seat, from, .. }
            | Message::Own { seat, from, .. }
                if self.finished || !self.members.sits(seat, from) => {}
            Message::Command { seat, seq, command, .. } => self.command(seat, seq, &command, at),
            Message::Chat { seat, manner, text, .. } => self.say(seat, manner, text),
            Message::Signal { seat, payload, .. } => {
                self.batch.event(|event| ServerPacket::Signal(Signalled { event, seat, payload }));
            }
            Message::Recovered { who } => self.catch_up(who),
            Message::Finish { .. } => {
                self.flush();
                self.save();
                self.finished = true;
            }
            Message::Own { seat, wish, name, .. } => self.own(seat, wish, &name, at),
            Message::Vacant(released) => return released,
            #[cfg(test)]
            Message::Fault => panic!("a fault, as a test wants it"),
        }
        Released::Open
    }

    fn say(&mut self, seat: Seat, manner: Manner, text: ChatText) {
        if let Some(member) = self.members.member(seat) {
            self.history.add(member.name.clone(), manner, text.clone());
        }
        self.batch.event(|event| {
            let said = Chatted { event, seat, text };
            match manner {
                Manner::Say => ServerPacket::Chat(said),
                Manner::Emote => ServerPacket::Emote(said),
            }
        });
    }

    fn command(&mut self, seat: Seat, seq: u32, command: &CommandBytes, at: Duration) {
        let Some(member) = self.members.member_mut(seat) else { return };
        // Here and not at the connection, because only the room knows its game.
        let command = match command.decode() {
            Ok(command) => command,
            Err(error) => {
                let why = format_args!("no command of {}: {error}", G::NAME);
                member.to.send(&self.outgoing.denied(DenialCode::Malformed, why));
                return member.to.close(Ending::Denied.into());
            }
        };
        match self.game.apply(at, seat, command) {
            Ok(effects) => {
                member.last_seq = seq;
                self.touch();
                self.tell(effects, Some(Ack { seat, seq }));
            }
            Err(why) => {
                let why = RefusalReason::Rules(RefusalBytes::of(&why).expect(FITS));
                member.to.send(&self.outgoing.refused(seq, why));
            }
        }
    }

    /// Adds what has happened to what is to be told, and says that the command which did it was done.
    fn tell(&mut self, effects: Effects<G::Update>, ack: Option<Ack>) {
        let Some(last_event) = effects.last_event() else {
            for update in effects.into_updates() {
                self.batch.latest(&update);
            }
            if let Some(ack) = ack {
                self.batch.done(ack);
            }
            return;
        };
        if self.batch.has_updates() {
            // In a flush the events come first: what happened before them must not come after.
            self.flush();
        }
        let mut updates = UpdateBytes::new();
        for (index, update) in effects.into_updates().enumerate() {
            // For the same reason what comes before an event is delivered with it, whatever it is worth.
            if index <= last_event {
                updates.push(&update).expect(FITS);
            } else {
                self.batch.latest(&update);
            }
        }
        self.batch.event(|event| ServerPacket::Happened(Happened { event, ack, updates }));
    }

    /// Updates were left out for them: one snapshot makes them exact again, also when nothing happens any more.
    fn catch_up(&mut self, who: Who) {
        self.flush();
        if let Some(to) = self.members.recipient(who) {
            to.send_latest(&self.outgoing.frame(&self.batch.snapshot(self.state(), self.members.acks())));
        }
    }

    fn state(&self) -> StateBytes {
        StateBytes::of(&self.game.snapshot()).expect(FITS)
    }
}

/// Strikes out a room that failed, and sends away whoever is on the way into it.
pub(super) async fn turn_away(directory: &Directory, room: RoomId, inbox: &mut mpsc::Receiver<Message>) {
    directory.remove(room);
    inbox.close();
    // Ends once those who had a place in the inbox already have used it.
    while let Some(message) = inbox.recv().await {
        message.turn_away();
    }
}

/// Everything that changed as one row, whatever it is worth.
fn encode<U: serde::Serialize>(effects: Effects<U>) -> UpdateBytes {
    let mut row = UpdateBytes::new();
    effects.into_updates().for_each(|update| row.push(&update).expect(FITS));
    row
}

fn ticks(opened: Instant, every: Duration) -> Interval {
    let mut ticks = interval_at(opened + every, every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}

async fn next_tick(ticks: &mut Option<Interval>) {
    match ticks {
        Some(ticks) => drop(ticks.tick().await),
        None => std::future::pending().await,
    }
}
