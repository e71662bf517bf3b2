//! The terminal client's loop: keys, link events and time in; drawings and commands out.

use super::{
    input,
    link::{Command, Link},
    model::{Ended, Model},
    update::{Effect, Message, update},
    view::{self, Theme},
};
use crate::terminal::Screen;
use crossterm::event::{Event, EventStream};
use futures::StreamExt;
use std::{
    io,
    time::{Duration, Instant},
};
use tokio::time::interval;

/// How often time is let pass: the countdown to the next attempt moves, and notices go.
const TICK: Duration = Duration::from_millis(250);
/// Link events taken in before the next drawing at the most.
const MOST_AT_ONCE: usize = 256;

/// Runs the terminal client until it ends. `quit` is completed by a signal.
///
/// # Errors
/// Where the terminal cannot be read or drawn on.
pub(super) async fn run(
    mut model: Model,
    link: &mut Link,
    theme: Theme,
    quit: impl Future<Output = ()>,
) -> io::Result<Ended> {
    let mut screen = Screen::take()?;
    let mut keys = EventStream::new();
    let mut tick = interval(TICK);
    tokio::pin!(quit);
    loop {
        screen.terminal().draw(|frame| view::draw(frame, &model, theme, Instant::now()))?;
        let message = tokio::select! {
            biased;
            () = &mut quit => Some(Message::Quit),
            event = keys.next() => match event {
                Some(event) => key_message(&event?, &model),
                // Nobody can type any more.
                None => Some(Message::Quit),
            },
            event = link.next() => match event {
                Some(event) => Some(Message::Link(event)),
                None => return Ok(Ended::Failed("the connection task ended".into())),
            },
            _ = tick.tick() => Some(Message::Tick),
        };
        if let Some(message) = message {
            take_in(&mut model, link, message);
        }
        // What else has come costs no drawing of its own.
        for _ in 0..MOST_AT_ONCE {
            let Some(event) = link.try_next() else { break };
            take_in(&mut model, link, Message::Link(event));
        }
        if let Some(ended) = model.ended.take() {
            return Ok(ended);
        }
    }
}

fn key_message(event: &Event, model: &Model) -> Option<Message> {
    input::message(event, &model.mode)
}

fn take_in(model: &mut Model, link: &Link, message: Message) {
    let now = Instant::now();
    for effect in update(model, message, now) {
        let command = match effect {
            Effect::Send(packet) => Command::Send(packet),
            Effect::SignIn(identity) => Command::SignIn(identity),
        };
        if !link.send(command) {
            model.notify("too much at once; this was left out", now);
        }
    }
}
