//! A seated player and its connection.

use super::{
    cause,
    connect::Wire,
    ledger::Ledger,
    member::{Action, Member},
    plan::Plan,
};
use malpan_client::{
    Client, ClientError,
    protocol::{ClientPacket, KickReason, ServerPacket},
};
use socket2::SockRef;
use std::{
    mem::MaybeUninit,
    task::{Context, Poll, Waker},
};

/// One player of this thread.
#[derive(Debug)]
pub(super) struct Player {
    number: u32,
    /// `None` once the connection is lost.
    client: Option<Client<Wire>>,
    /// What the player knows and did.
    pub(super) member: Member,
    kicked: Option<KickReason>,
    /// Whether it said goodbye and waits for the server to close.
    leaving: bool,
    /// Wakes the task that reads.
    waker: Option<Waker>,
    /// Whether the player was there when the window opened.
    in_window: bool,
    /// Bytes received and sent before the window opened, and until the connection was lost.
    traffic_before: (u64, u64),
    traffic_until_lost: (u64, u64),
}

impl Player {
    /// A player that was just seated.
    pub(super) fn new(number: u32, client: Client<Wire>, member: Member) -> Self {
        Self {
            number,
            client: Some(client),
            member,
            kicked: None,
            leaving: false,
            waker: None,
            in_window: false,
            traffic_before: (0, 0),
            traffic_until_lost: (0, 0),
        }
    }

    /// Its number in the plan.
    pub(super) fn number(&self) -> u32 {
        self.number
    }

    /// Whether its connection holds and it plays.
    pub(super) fn is_connected(&self) -> bool {
        self.client.is_some() && !self.leaving
    }

    /// Whether there is a connection to read from.
    pub(super) fn is_open(&self) -> bool {
        self.client.is_some()
    }

    /// Whether it said goodbye.
    pub(super) fn is_leaving(&self) -> bool {
        self.leaving
    }

    /// Whether it was there when the window opened.
    pub(super) fn is_in_window(&self) -> bool {
        self.in_window
    }

    /// The measured window opens.
    pub(super) fn open_window(&mut self, plan: &Plan, ledger: &mut Ledger) {
        self.in_window = self.is_connected();
        self.traffic_before = self.traffic_so_far();
        if self.in_window {
            self.member.open_window(plan, ledger);
        }
    }

    /// The next packet, or the cause by which the connection is lost.
    pub(super) fn poll_packet(&mut self, cx: &mut Context<'_>) -> Poll<Result<ServerPacket, String>> {
        if !self.waker.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
            self.waker = Some(cx.waker().clone());
        }
        let Some(client) = &mut self.client else { return Poll::Ready(Err("disconnected".into())) };
        client.poll_next(cx).map_err(|error| {
            // The kick explains the end, whatever shape that had.
            let error = self.kicked.map_or(error, ClientError::Kicked);
            cause::of(&error)
        })
    }

    /// Does what is next and writes it. Returns whether the kernel took it; `None` where there was no connection to write to.
    pub(super) fn act(&mut self, ledger: &mut Ledger) -> Option<bool> {
        let client = self.client.as_mut().filter(|_| !self.leaving)?;
        let queued = match self.member.act(ledger) {
            Action::Step(direction) => client.step(direction).map(drop),
            Action::Chat(text) => client.chat(text),
            Action::Signal(to, payload) => client.signal(to, payload),
        };
        queued.expect("an action is shorter than a frame may be");
        // What the kernel does not take now, or why it takes nothing any more, is the reading task's to find out.
        let flushed = client.poll_flush(&mut Context::from_waker(Waker::noop()));
        if !matches!(flushed, Poll::Ready(Ok(())))
            && let Some(waker) = &self.waker
        {
            waker.wake_by_ref();
        }
        // A broken connection takes nothing either, and is counted as lost.
        Some(flushed.is_ready())
    }

    /// The player is no longer wanted: it says goodbye. Its task reads until the server has closed: a connection that is
    /// closed with something unread is reset, and the goodbye with it.
    pub(super) fn dismiss(&mut self) {
        self.say_goodbye();
        self.leaving = true;
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }

    /// The server told why it will close.
    pub(super) fn note_kick(&mut self, reason: KickReason) {
        self.kicked = Some(reason);
    }

    /// Lets the connection go.
    pub(super) fn disconnect(&mut self) {
        self.traffic_until_lost = self.traffic_so_far();
        self.client = None;
    }

    /// Bytes received and sent since the window opened.
    pub(super) fn traffic(&self) -> (u64, u64) {
        let (received, sent) = self.traffic_so_far();
        (received - self.traffic_before.0, sent - self.traffic_before.1)
    }

    /// Bytes that lie in the socket unread: up to the few thousand that one look shows.
    pub(super) fn unread_bytes(&self) -> u64 {
        let Some(client) = &self.client else { return 0 };
        let mut look = [MaybeUninit::uninit(); 4096];
        // An empty socket is an error here, as a broken one is; nothing lies in either.
        SockRef::from(client.get_ref().get_ref().tcp()).peek(&mut look).map_or(0, |bytes| bytes as u64)
    }

    /// Says goodbye if the kernel takes it at once: the run is over.
    pub(super) fn say_goodbye(&mut self) {
        let Some(client) = &mut self.client else { return };
        if client.send(&ClientPacket::Bye).is_ok() {
            let _ = client.poll_flush(&mut Context::from_waker(Waker::noop()));
        }
    }

    fn traffic_so_far(&self) -> (u64, u64) {
        self.client.as_ref().map_or(self.traffic_until_lost, Client::traffic)
    }
}
