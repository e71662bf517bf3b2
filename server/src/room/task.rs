//! A room's task.

use super::{Message, Newcomer, RoomSetup, batch::Batch, members::Members};
use crate::{directory::Directory, ending::Ending, outgoing::frame};
use malpan_game::{Board, Game, Place, Released};
use malpan_net::SessionHandle;
use malpan_protocol::{
    Ack, Chatted, Direction, Entered, Joined, LeaveReason, Left, Member, Position, RoomId, RoomTitle, Seat,
    ServerPacket, Signalled, StepRefused,
};
use std::pin::{Pin, pin};
use tokio::{
    sync::mpsc,
    time::{Instant, Sleep, sleep_until},
};

/// No store loads rooms, so each is in its first life.
const INCARNATION: u32 = 1;

/// A room: the board, the members, and what they have not been told yet.
#[derive(Debug)]
pub(crate) struct Room {
    id: RoomId,
    title: RoomTitle,
    setup: RoomSetup,
    directory: Directory,
    board: Board,
    members: Members,
    batch: Batch,
    /// Taken from the inbox and not dealt with yet; the oldest is the last.
    waiting: Vec<Message>,
    /// Whoever is just sitting down.
    joining: Option<SessionHandle>,
    opened: Instant,
    /// Before this, nothing is flushed.
    next_flush: Instant,
}

impl Room {
    pub(crate) fn new(id: RoomId, title: RoomTitle, setup: RoomSetup, directory: Directory) -> Self {
        let opened = Instant::now();
        Self {
            id,
            title,
            directory,
            board: Board::new(setup.board, setup.seats),
            members: Members::default(),
            batch: Batch::default(),
            waiting: Vec::new(),
            joining: None,
            opened,
            next_flush: opened,
            setup,
        }
    }

    pub(crate) fn id(&self) -> RoomId {
        self.id
    }

    /// Serves the room until the directory has closed it.
    pub(crate) async fn run(&mut self, inbox: &mut mpsc::Receiver<Message>) {
        let mut flush_due = pin!(sleep_until(self.next_flush));
        loop {
            tokio::select! {
                biased;
                count = inbox.recv_many(&mut self.waiting, self.setup.inbox) => {
                    // Without the directory's and the members' ends nobody can come in any more.
                    if count == 0 {
                        return;
                    }
                }
                () = &mut flush_due, if self.batch.is_pending() => {}
            }
            let now = Instant::now();
            self.waiting.reverse();
            while let Some(message) = self.waiting.pop() {
                if self.take(message, now) == Released::Closed {
                    return;
                }
                if self.batch.is_full() {
                    self.flush();
                }
            }
            self.flush_or_wait(now, flush_due.as_mut());
        }
    }

    /// The room is broken: everyone in it is sent away, and so is everyone on the way in, for nobody would answer them.
    pub(crate) async fn fail(&mut self, inbox: &mut mpsc::Receiver<Message>) {
        self.directory.remove(self.id);
        inbox.close();
        for session in self.members.iter().map(|member| &member.session).chain(&self.joining) {
            session.close(Ending::RoomFailed.into());
        }
        for message in self.waiting.drain(..) {
            message.turn_away();
        }
        // Ends once those who had a place in the inbox already have used it.
        while let Some(message) = inbox.recv().await {
            message.turn_away();
        }
    }

    /// At once after a pause (the leading edge), then at most once per tick.
    fn flush_or_wait(&mut self, now: Instant, mut flush_due: Pin<&mut Sleep>) {
        if !self.batch.is_pending() {
            return;
        }
        if now >= self.next_flush {
            self.flush();
            self.next_flush = now + self.setup.tick;
        } else if flush_due.deadline() != self.next_flush {
            flush_due.as_mut().reset(self.next_flush);
        }
    }

    fn flush(&mut self) {
        if self.batch.is_pending() {
            let flush = self.batch.flush();
            self.members.deliver(&flush);
        }
    }

    fn take(&mut self, message: Message, now: Instant) -> Released {
        match message {
            Message::Join { seat, newcomer } => {
                self.joining = Some(newcomer.session.clone());
                self.join(seat, newcomer);
                self.joining = None;
            }
            Message::Leave { seat, reason, done } => {
                let released = self.leave(seat, reason);
                // An error means that the session did not wait for the answer.
                let _ = done.map(|done| done.send(()));
                return released;
            }
            Message::Step { seat, seq, direction } => self.step(seat, seq, direction, now),
            Message::Chat { seat, text } => {
                self.batch.event(|event| ServerPacket::Chat(Chatted { event, seat, text }));
            }
            Message::Signal { seat, payload } => {
                self.batch.event(|event| ServerPacket::Signal(Signalled { event, seat, payload }));
            }
            Message::Recovered { seat } => self.catch_up(seat),
            Message::Flush { .. } => self.flush(),
            #[cfg(test)]
            Message::Fault => panic!("a fault, as a test wants it"),
        }
        Released::Open
    }

    fn join(&mut self, seat: Seat, newcomer: Newcomer) {
        // Moves first: the newcomer may be put where a piece has just left.
        self.flush();
        let cell = self.board.take_seat(seat).cell;
        let member = Member { seat, name: newcomer.name.clone(), cell };
        self.batch.event(|event| ServerPacket::Entered(Entered { event, member }));
        // The newcomer's first picture holds all that has happened: nothing of it may follow.
        self.flush();
        self.members.add(seat, newcomer);
        let joined = self.picture_for(seat);
        self.members.send_to(seat, frame(&ServerPacket::Joined(joined)));
    }

    fn leave(&mut self, seat: Seat, reason: LeaveReason) -> Released {
        // Moves of a seat reach everyone while someone sits there.
        self.flush();
        if let Some(member) = self.members.remove(seat) {
            self.board.leave_seat(seat);
            self.batch.event(|event| ServerPacket::Left(Left { event, seat, reason }));
            if reason == LeaveReason::Left {
                member.session.send(frame(&ServerPacket::RoomLeft { room: self.id }));
            }
        }
        self.directory.release(Place { room: self.id, seat })
    }

    fn step(&mut self, seat: Seat, seq: u32, direction: Direction, now: Instant) {
        let Some(member) = self.members.member_mut(seat) else { return };
        match self.board.apply(now - self.opened, seat, direction) {
            Ok(position) => {
                member.last_seq = seq;
                self.batch.moved(position, Ack { seat, seq });
            }
            Err(why) => {
                member.session.send(frame(&ServerPacket::StepRefused(StepRefused { seq, why })));
            }
        }
    }

    /// Moves were left out for this member: one snapshot makes it exact again, also when nothing moves any more.
    fn catch_up(&mut self, seat: Seat) {
        self.flush();
        let state = self.board.snapshot().filter_map(|position: Position| {
            let seq = self.members.member(position.seat)?.last_seq;
            Some((position, Ack { seat: position.seat, seq }))
        });
        let snapshot = self.batch.snapshot(state);
        if let Some(member) = self.members.member(seat) {
            member.session.send_latest(snapshot);
        }
    }

    fn picture_for(&self, seat: Seat) -> Joined {
        let members = self.board.snapshot().filter_map(|Position { seat, cell }| {
            Some(Member { seat, name: self.members.member(seat)?.name.clone(), cell })
        });
        Joined {
            room: self.id,
            title: self.title.clone(),
            seats: self.setup.seats,
            board: self.setup.board,
            seat,
            members: members.collect::<Vec<_>>().try_into().expect("a room has at most MAX_SEATS members"),
            incarnation: INCARNATION,
            event: self.batch.last_event(),
            batch: self.batch.last_batch(),
        }
    }
}
