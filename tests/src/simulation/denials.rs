//! What honest clients may be denied, and for what they may be sent away.

use super::{
    honest::{Honest, Standing},
    talk::{State, Talk},
};
use malpan_protocol::{Denial, DenialCode, KickReason};

impl Honest {
    /// Takes in a denial; an error where an honest client may not be denied that.
    pub(super) fn hear_denial(&self, talk: &mut Talk, denial: &Denial) -> Result<(), String> {
        use DenialCode as C;
        self.count(denied(denial.code));
        let answers_a_request = match denial.code {
            C::RateLimited => {
                talk.rate_limited = true;
                talk.floods = true;
                // A denial does not say what it denies, but to people it does.
                let reason = denial.reason.as_str();
                reason.starts_with("too many joins") || reason.starts_with("too many new rooms")
            }
            C::RoomFull
            | C::NoSuchRoom
            | C::TooManyRooms
            | C::Draining
            | C::NoSuchGame
            | C::NotWatchable
            | C::PasswordRequired
            | C::WrongPassword
            | C::Barred
            | C::BoardNotAllowed => {
                self.stand(Standing::Answered(denial.code));
                true
            }
            // To what was said or wished for.
            C::NoSuchPlayer | C::NotHeard | C::NotHere | C::NotOwner => false,
            _ => return Err(format!("an honest client was denied: {denial:?}")),
        };
        if answers_a_request && matches!(talk.state, State::Asking) {
            talk.is(State::Lobby);
        }
        Ok(())
    }
}

/// How it is counted.
pub(super) fn denied(code: DenialCode) -> &'static str {
    match code {
        DenialCode::ServerFull => "denied: the server is full",
        DenialCode::AddressFull => "denied: the address is full",
        DenialCode::TooManyUnsigned => "denied: too many unsigned",
        DenialCode::TooManyAttempts => "denied: too many tries to sign in",
        DenialCode::RoomFull => "denied: the room is full",
        DenialCode::NoSuchRoom => "denied: no such room",
        DenialCode::TooManyRooms => "denied: too many rooms",
        DenialCode::RateLimited => "denied: too fast",
        DenialCode::Draining => "denied: draining",
        DenialCode::NoSuchGame => "denied: no such game",
        DenialCode::NotWatchable => "denied: not to be watched",
        DenialCode::Insecure => "denied: a password in plain",
        DenialCode::TooSoon => "denied: too soon after wrong passwords",
        DenialCode::PasswordRequired => "denied: that room has a password",
        DenialCode::WrongPassword => "denied: not that room's password",
        DenialCode::Barred => "denied: put out of that room",
        DenialCode::NotOwner => "denied: not the owner",
        DenialCode::NoSuchPlayer => "denied: no such player",
        DenialCode::BoardNotAllowed => "denied: such a board",
        DenialCode::NotHere => "denied: not here",
        DenialCode::NotHeard => "denied: not heard",
        _ => "denied: otherwise",
    }
}

/// How it is counted.
pub(super) fn kicked(reason: KickReason) -> &'static str {
    match reason {
        KickReason::SlowConsumer => "kicked: too slow",
        KickReason::TooLate => "kicked: too late",
        KickReason::Silent => "kicked: silent",
        KickReason::Flooding => "kicked: flooding",
        KickReason::Stopping => "kicked: the server stops",
        KickReason::RoomFailed => "kicked: the room failed",
        KickReason::InternalError => "kicked: the server is at fault",
        KickReason::TakenOver => "kicked: taken over",
        KickReason::SignedInElsewhere => "kicked: signed in elsewhere",
        KickReason::Banned => "kicked: banned",
        KickReason::AccountDeleted => "kicked: the account is deleted",
    }
}
