//! A line that was written: something to say, or a command that begins with a slash.

use super::rooms;
use crate::play::{
    log::LogLine,
    model::{Mode, Model},
    session::{NotNow, Table},
    slash::{self, SLASH_COMMANDS, Slash},
};
use malpan_client::protocol::{ChatText, Manner, Seat};
use std::{mem, time::Instant};
use tui_input::Input;

/// Begins a line of chat.
pub(super) fn open(model: &mut Model, now: Instant) {
    // A line that could never be sent is not begun. Whoever only watches begins one with the slash.
    if model.session.table().is_some_and(Table::is_watched) {
        return model.notify(NotNow::Watching.to_string(), now);
    }
    model.clear_notice();
    model.mode = Mode::Chat(Input::default());
}

/// Does what the line says. One that cannot be done stays, so that it can be mended or sent later.
pub(super) fn submit(model: &mut Model, now: Instant) {
    let Mode::Chat(input) = mem::replace(&mut model.mode, Mode::Board) else { return };
    let line = input.value();
    let done = match slash::parse(line.trim()) {
        _ if line.trim().is_empty() => Ok(()),
        Some(parsed) => parsed.and_then(|slash| ask(model, slash, now)),
        None => ChatText::new(line).map_err(|why| why.to_string()).and_then(|text| say(model, text, now)),
    };
    if let Err(why) = done {
        model.mode = Mode::Chat(input);
        model.notify(why, now);
    }
}

fn say(model: &mut Model, text: ChatText, now: Instant) -> Result<(), String> {
    let said = match model.session.table() {
        Some(_) => model.session.chat(text, now),
        None => model.session.say_here(Manner::Say, text, now),
    };
    said.map_err(|why| why.to_string())
}

fn ask(model: &mut Model, slash: Slash, now: Instant) -> Result<(), String> {
    let game = model.session.game();
    let Some(own) = model.session.ask(slash, game, now).map_err(|why| why.to_string())? else { return Ok(()) };
    let told = match own {
        Slash::Say(text) => return say(model, text, now),
        Slash::Rooms(query) => {
            rooms::look_for(model, *query, now);
            return Ok(());
        }
        Slash::Mute(name) => {
            model.session.muted_mut().mute(name.clone());
            format!("nothing of what {name} says is shown; /unmute {name} shows it again")
        }
        Slash::Unmute(name) => {
            model.session.muted_mut().unmute(&name);
            format!("what {name} says is shown")
        }
        Slash::Muted => {
            let names: Vec<String> = model.session.muted().names().map(ToString::to_string).collect();
            if names.is_empty() { "nobody is muted".into() } else { format!("muted: {}", names.join(", ")) }
        }
        Slash::Who => model.session.table().map_or_else(String::new, who),
        _ => format!("commands: {SLASH_COMMANDS}"),
    };
    model.log.push(LogLine::Event(told));
    Ok(())
}

/// Everyone in the room, with what is to be known of them.
fn who(table: &Table) -> String {
    let marks = |seat: Seat| {
        let marks = [
            (Some(seat) == table.own_seat(), "you"),
            (Some(seat) == table.owner(), "owner"),
            (table.is_away(seat), "away"),
        ];
        let marks: Vec<&str> = marks.into_iter().filter(|(is_so, _)| *is_so).map(|(_, mark)| mark).collect();
        if marks.is_empty() { String::new() } else { format!(" ({})", marks.join(", ")) }
    };
    let here: Vec<String> = table.members().map(|(seat, name)| format!("{name}{}", marks(seat))).collect();
    format!("here: {}", here.join(", "))
}
