//! One thread of a replay: its connections, what is due to be done on each, and what came of it.
//!
//! ```text
//! each wake, and after each read -> Stage::do_due -> the line's next act -> socket
//! socket readable -> the line's task -> Stage::poll_line -> Ear -> Tally
//! ```
//!
//! Invariant: what is due is done at its time, whatever the server did; the stage is borrowed by one task at a time and never
//! across an await.

use super::{
    ear::Tally,
    line::{Line, Sent},
    script::{Act, Connection, Do, Script},
};
use crate::bot::{
    cause,
    common::{Common, lock},
    connect,
    ledger::{Causes, Interval, count, merge, sum},
    metrics::Timings,
    plan::nanos,
    record::End,
};
use malpan_client::{ClientError, Stream, protocol::ClientPacket};
use std::{
    cell::RefCell,
    cmp::Reverse,
    collections::{BinaryHeap, HashMap},
    future::poll_fn,
    rc::{Rc, Weak},
    sync::{Arc, atomic::Ordering::Relaxed},
    task::{Context, Poll},
    time::Duration,
};
use tokio::task::coop::unconstrained;

/// The most acts before sockets are looked at again.
const ACTS_AT_ONCE: usize = 64;
/// How often a thread says how far it is, and the longest it sleeps.
const PUBLISH_EVERY_NS: u64 = 50_000_000;
/// How much longer than recorded the server may take to end a connection.
const PATIENCE: Duration = Duration::from_secs(2);
/// What fell due so shortly before a replay is cut short is as if it had not.
const LATE: Duration = Duration::from_millis(50);
/// How much earlier than recorded it may: more than that is a loss.
const EARLY: Duration = Duration::from_secs(1);

/// What one thread found.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) connections: u64,
    pub(super) connected: u64,
    pub(super) failed_by: Causes,
    /// Connections that the server ended, or that broke, before the recorded end.
    pub(super) lost_by: Causes,
    /// What fell due until the replay ended, and what of it the kernel took.
    pub(super) due: Sent,
    pub(super) sent: Sent,
    pub(super) received: Tally,
    /// Resumes for which this server had given no token.
    pub(super) tokens_missing: u64,
    /// Connections of which the recorded server had ended, and this one had not.
    pub(super) not_ended: u64,
    /// Bursts of honest players that did not fit into the bot's own sockets.
    pub(super) blocked: u64,
    /// Acts that were due and not done.
    pub(super) undone: u64,
    pub(super) timings: Timings,
}

/// One thread's state.
#[derive(Debug)]
pub(super) struct Stage {
    /// For the tasks of its lines.
    me: Weak<RefCell<Stage>>,
    common: Arc<Common>,
    script: Arc<Script>,
    /// Which thread this is.
    index: usize,
    /// When the script's first act is due.
    start_ns: u64,
    cast: Vec<Role>,
    /// Where in the cast a connection of the script is.
    slots: HashMap<u32, usize>,
    /// When each line's next act is due, on the script's clock.
    due: BinaryHeap<Reverse<(u64, usize)>>,
    found: Found,
    interval: Interval,
    present: u64,
    /// Connections whose recorded end has passed while they still connect.
    late: usize,
    published_ns: u64,
}

/// A connection of the script, and the line that plays it.
#[derive(Debug)]
struct Role {
    /// Its number in the script.
    connection: u32,
    line: Line,
    state: State,
    /// Acts done, and bytes of the script sent.
    acts: usize,
    bytes: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Its time has not come.
    Waiting,
    /// It connects.
    Connecting,
    /// It is there.
    Open,
    /// It connects, and ends as soon as it is there and what is queued is sent.
    Late,
    /// It is there or connects, and all is done but its end, which is the server's to make.
    Ending,
    /// It has ended, or never was.
    Over,
}

impl Stage {
    /// The thread with this index, which plays the connections of its players.
    pub(super) fn new(common: Arc<Common>, script: Arc<Script>, index: usize, start_ns: u64) -> Rc<RefCell<Self>> {
        let threads = common.live.len();
        let (mut cast, mut slots, mut due) = (Vec::new(), HashMap::new(), BinaryHeap::new());
        for (number, one) in (0..).zip(&script.connections) {
            // Whoever comes back does so on the thread that has its token.
            if one.player as usize % threads == index {
                due.push(Reverse((one.opened_us, cast.len())));
                slots.insert(number, cast.len());
                let line = Line::new(one.hostile, one.narrowed);
                cast.push(Role { connection: number, line, state: State::Waiting, acts: 0, bytes: 0 });
            }
        }
        let found = Found { connections: cast.len() as u64, ..Found::default() };
        Rc::new_cyclic(|me| {
            RefCell::new(Self {
                me: Weak::clone(me),
                common,
                script,
                index,
                start_ns,
                cast,
                slots,
                due,
                found,
                interval: Interval::default(),
                present: 0,
                late: 0,
                published_ns: 0,
            })
        })
    }

    /// Does what is due and says how far the thread is. Returns when to be called again, at once where more is due; `None` when
    /// everything is done.
    pub(super) fn tick(&mut self) -> Option<u64> {
        self.do_due();
        let now_ns = self.common.clock.now_ns();
        if now_ns >= self.published_ns + PUBLISH_EVERY_NS {
            self.publish(now_ns);
        }
        let soon_ns = now_ns + PUBLISH_EVERY_NS;
        // Connecting has a bound of its own.
        let late_ns = (self.late > 0).then_some(soon_ns);
        self.next_ns().or(late_ns).map(|next_ns| next_ns.max(now_ns).min(soon_ns))
    }

    /// The replay is over, or was cut short: what it found.
    pub(super) fn end(&mut self) -> Found {
        let now_us = self.now_us();
        let script = Arc::clone(&self.script);
        for slot in 0..self.cast.len() {
            let role = &self.cast[slot];
            let one = &script.connections[role.connection as usize];
            for act in one.acts[role.acts..].iter().take_while(|act| act.at_us + micros(LATE) < now_us) {
                self.found.due.merge(due(act));
                // What was due on one that has ended is no fault of the schedule.
                self.found.undone += u64::from(self.cast[slot].state != State::Over);
            }
            let line = &mut self.cast[slot].line;
            if line.is_open() && !one.hostile {
                // Cut short: the others in its room need not wait for it.
                line.say(&ClientPacket::Bye);
                line.write();
            }
            self.leave(slot, false);
        }
        self.publish(self.common.clock.now_ns());
        std::mem::take(&mut self.found)
    }

    fn next_ns(&self) -> Option<u64> {
        let Reverse((at_us, _)) = self.due.peek()?;
        Some(self.start_ns + (at_us - self.script.first_us) * 1_000)
    }

    /// Now, on the script's clock.
    fn now_us(&self) -> u64 {
        self.script.first_us + self.common.clock.now_ns().saturating_sub(self.start_ns) / 1_000
    }

    /// Does what is due, up to a bound.
    fn do_due(&mut self) {
        let measured_ns = self.start_ns + nanos(self.script.lead());
        for _ in 0..ACTS_AT_ONCE {
            let due_ns = self.next_ns().filter(|&due_ns| due_ns <= self.common.clock.now_ns());
            let Some(due_ns) = due_ns else { return };
            let Some(Reverse((_, slot))) = self.due.pop() else { return };
            let has_time = self.act(slot, due_ns);
            if let Some(next_us) = self.next_of(slot) {
                self.due.push(Reverse((next_us, slot)));
            }
            if has_time && due_ns >= measured_ns {
                let slip_ns = self.common.clock.now_ns().saturating_sub(due_ns);
                self.found.timings.slip.record_ns(slip_ns);
                self.interval.slip.record_ns(slip_ns);
            }
        }
    }

    /// When the connection's next act is due.
    fn next_of(&self, slot: usize) -> Option<u64> {
        let role = &self.cast[slot];
        let acts = &self.script.connections[role.connection as usize].acts;
        match role.state {
            State::Ending => Some(acts.last()?.at_us + micros(PATIENCE)),
            // What one that has ended would still have said falls due all the same.
            _ => acts.get(role.acts).map(|act| act.at_us),
        }
    }

    /// Does the connection's next act. Returns whether it is one whose time counts.
    fn act(&mut self, slot: usize, due_ns: u64) -> bool {
        let script = Arc::clone(&self.script);
        let role = &mut self.cast[slot];
        let one = &script.connections[role.connection as usize];
        if role.state == State::Waiting {
            role.state = State::Connecting;
            self.open(slot, one.player, due_ns);
            return true;
        }
        if role.state == State::Ending {
            self.found.not_ended += 1;
            self.leave(slot, false);
            return false;
        }
        // Where nothing is left, it was waited for the server's end, and that has come.
        let Some(act) = one.acts.get(role.acts) else { return false };
        role.acts += 1;
        self.found.due.merge(due(act));
        if role.state == State::Over {
            return false;
        }
        match &act.what {
            Do::Send(burst) => {
                let end = role.bytes + burst.bytes as usize;
                role.line.queue(&one.bytes[role.bytes..end], burst.frames, burst.messages);
                role.bytes = end;
                self.write(slot, one);
            }
            Do::Resume(resume) => {
                let from = resume.from.and_then(|from| self.slots.get(&from)).map(|&from| &self.cast[from].line.ear);
                let (token, place) = from.map_or((None, None), |ear| (ear.token.clone(), ear.place));
                self.found.tokens_missing += u64::from(token.is_none());
                let line = &mut self.cast[slot].line;
                line.queue(&resume.frame(token.clone(), place), 1, 0);
                // Where this one is refused, a later one may still have luck with the same token.
                (line.ear.token, line.ear.place) = (token, place);
                self.write(slot, one);
            }
            Do::Read(bytes) => role.line.let_read(*bytes),
            Do::Finish => {
                role.line.finish();
                role.line.write();
            }
            Do::End(End::ByServer | End::Broken) => role.state = State::Ending,
            Do::End(_) if role.state == State::Connecting => {
                role.state = State::Late;
                self.late += 1;
            }
            Do::End(end) => self.leave(slot, *end == End::Reset),
        }
        // Nobody is judged by when something was only read or ended.
        matches!(act.what, Do::Send(_) | Do::Resume(_))
    }

    fn write(&mut self, slot: usize, one: &Connection) {
        let line = &mut self.cast[slot].line;
        let taken = line.write();
        self.found.sent.merge(line.take_sent());
        self.found.blocked += u64::from(!taken && !one.hostile);
    }

    fn open(&mut self, slot: usize, player: u32, due_ns: u64) {
        if let Some(me) = self.me.upgrade() {
            tokio::task::spawn_local(play(me, Arc::clone(&self.common), slot, player, due_ns));
        }
    }

    /// A connection is there after so long, or could not be. Returns whether it is to be read.
    fn opened(&mut self, slot: usize, took_ns: u64, opened: Result<Stream, ClientError>) -> bool {
        let role = &mut self.cast[slot];
        let was = role.state;
        self.late -= usize::from(was == State::Late);
        match opened {
            Ok(stream) => {
                self.found.connected += 1;
                self.found.timings.connect.record_ns(took_ns);
                self.interval.main.record_ns(took_ns);
                self.present += 1;
                role.line.opened(stream);
                if was == State::Connecting {
                    role.state = State::Open;
                }
                // Nothing was there before to take what was due: that is the server's time and not the bot's.
                role.line.write();
                self.found.sent.merge(role.line.take_sent());
                if matches!(was, State::Late | State::Over) {
                    self.leave(slot, false);
                }
                self.cast[slot].line.is_open()
            }
            Err(error) => {
                role.state = State::Over;
                self.note_error(&cause::of(&error));
                count(&mut self.found.failed_by, cause::of(&error));
                false
            }
        }
    }

    /// Reads what came on a line. Ready when it has ended.
    fn poll_line(&mut self, slot: usize, cx: &mut Context<'_>) -> Poll<()> {
        let line = &mut self.cast[slot].line;
        if !line.is_open() {
            return Poll::Ready(());
        }
        let polled = line.poll(cx, &mut self.found.received);
        self.found.sent.merge(line.take_sent());
        match polled {
            Poll::Pending => {
                // The sockets that are readable at once may take longer than the next act may wait.
                self.do_due();
                Poll::Pending
            }
            Poll::Ready(cause) => {
                self.ended(slot, cause);
                Poll::Ready(())
            }
        }
    }

    /// The server ended a connection, or it broke.
    fn ended(&mut self, slot: usize, cause: String) {
        let role = &self.cast[slot];
        let one = &self.script.connections[role.connection as usize];
        let rest = &one.acts[role.acts..];
        let unsaid = rest.iter().any(|act| matches!(act.what, Do::Send(_) | Do::Resume(_)));
        let early = rest.last().is_some_and(|end| {
            let own = matches!(end.what, Do::End(End::LetGo | End::Reset));
            own && !one.bye && self.now_us() + micros(EARLY) < end.at_us
        });
        if !one.hostile && (unsaid || early) {
            self.note_error(&cause);
            count(&mut self.found.lost_by, cause);
        }
        self.leave(slot, false);
    }

    /// The connection is over.
    fn leave(&mut self, slot: usize, reset: bool) {
        let role = &mut self.cast[slot];
        self.found.sent.merge(role.line.take_sent());
        self.present -= u64::from(role.line.is_open());
        role.line.close(reset);
        role.state = State::Over;
    }

    fn note_error(&self, cause: &str) {
        count(&mut lock(&self.common.live[self.index].errors), cause.to_owned());
    }

    fn publish(&mut self, now_ns: u64) {
        self.published_ns = now_ns;
        let (live, found) = (&self.common.live[self.index], &self.found);
        live.settled.store(found.connected, Relaxed);
        live.present.store(self.present, Relaxed);
        live.failed.store(sum(&found.failed_by), Relaxed);
        live.lost.store(sum(&found.lost_by), Relaxed);
        live.sent.store(found.sent.frames, Relaxed);
        live.delivered.store(found.received.frames, Relaxed);
        live.refused.store(found.received.refused, Relaxed);
        lock(&live.interval).merge(&self.interval);
        self.interval.clear();
    }
}

impl Found {
    /// Takes in another thread's.
    pub(super) fn merge(&mut self, other: &Self) {
        self.connections += other.connections;
        self.connected += other.connected;
        merge(&mut self.failed_by, &other.failed_by);
        merge(&mut self.lost_by, &other.lost_by);
        self.due.merge(other.due);
        self.sent.merge(other.sent);
        self.received.merge(&other.received);
        self.tokens_missing += other.tokens_missing;
        self.not_ended += other.not_ended;
        self.blocked += other.blocked;
        self.undone += other.undone;
        self.timings.merge(&other.timings);
    }
}

/// What an act is due to send.
fn due(act: &Act) -> Sent {
    match &act.what {
        Do::Send(burst) => {
            Sent { bytes: burst.bytes.into(), frames: burst.frames.into(), messages: burst.messages.into() }
        }
        Do::Resume(resume) => Sent { bytes: resume.frame(None, None).len() as u64, frames: 1, messages: 0 },
        Do::Read(_) | Do::Finish | Do::End(_) => Sent::default(),
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

/// One connection's task: opens it, then reads until it has ended.
async fn play(stage: Rc<RefCell<Stage>>, common: Arc<Common>, slot: usize, player: u32, due_ns: u64) {
    let opened = connect::open_stream(&common.goal, player).await;
    let took_ns = common.clock.now_ns().saturating_sub(due_ns);
    let is_open = stage.borrow_mut().opened(slot, took_ns, opened);
    if is_open {
        // It does what is due on others' lines, too: tokio's budget of a task is not for all of them.
        unconstrained(poll_fn(|cx| stage.borrow_mut().poll_line(slot, cx))).await;
    }
}
