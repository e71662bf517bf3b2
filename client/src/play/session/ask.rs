//! What lines with a slash ask for, as far as it needs the server alone.

use super::{Goal, NotNow, Session};
use crate::play::{game::Game, slash::Slash};
use malpan_client::protocol::{Audience, JoinTarget, Manner, Part, PlayerId, RoomPlan};
use std::time::Instant;

impl Session {
    /// Asks the server, or hands back what a front end does in its own way. A new room is of `game`, where the line names
    /// none.
    pub(crate) fn ask(&mut self, slash: Slash, game: Option<Game>, now: Instant) -> Result<Option<Slash>, NotNow> {
        match slash {
            Slash::Emote(text) => self.say_here(Manner::Emote, text, now)?,
            Slash::Whisper { to, text } => self.say(Audience::Player(to), Manner::Say, text, now)?,
            Slash::Who if self.table.is_none() => self.list_lobby(PlayerId(0), now)?,
            Slash::Open(plan) => {
                let game = plan.game.or(game.map(Game::name));
                self.go(Goal::Create(Box::new(RoomPlan { game, ..*plan })), now)?;
            }
            Slash::Join { room, password: None } => self.go(Goal::Join(JoinTarget::Room(room)), now)?,
            Slash::Watch { room, password: None } => self.go(Goal::Watch(room), now)?,
            Slash::Join { room, password: Some(password) } => {
                self.go(Goal::Unlock { room, part: Part::Seat, password }, now)?;
            }
            Slash::Watch { room, password: Some(password) } => {
                self.go(Goal::Unlock { room, part: Part::Watch, password }, now)?;
            }
            Slash::Leave => self.go(Goal::Lobby, now)?,
            Slash::Kick(name) => self.remove(name, now)?,
            Slash::HandOver(name) => self.hand_over(name, now)?,
            own @ (Slash::Say(_)
            | Slash::Who
            | Slash::Mute(_)
            | Slash::Unmute(_)
            | Slash::Muted
            | Slash::Rooms(_)
            | Slash::Help) => return Ok(Some(own)),
        }
        Ok(None)
    }
}
