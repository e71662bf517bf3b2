//! The sign-in screen: as a guest, to an account, or to one that is made.

use super::{
    form::{Field, Form},
    identity::Identity,
    link::Problem,
};
use malpan_client::protocol::{DenialCode, Name, Secret};
use std::mem;

const WAY: usize = 0;
const NAME: usize = 1;
const PASSWORD: usize = 2;
const AGAIN: usize = 3;

const WAYS: &[&str] = &["guest", "sign in", "register"];
const GUEST: usize = 0;
const LOGIN: usize = 1;
const REGISTER: usize = 2;

/// What is written into the sign-in screen.
#[derive(Debug)]
pub(crate) struct SignIn {
    /// Its fields.
    pub(crate) form: Form,
    /// The name that was made up for a guest.
    offered: Option<Name>,
    /// What was chosen when it was last looked at.
    way: usize,
}

impl SignIn {
    /// Who was tried or is proposed stands in it; their password does not.
    pub(crate) fn new(like: &Identity) -> Self {
        let (way, offered) = match like {
            Identity::Guest { name, generated } => (GUEST, generated.then(|| name.clone())),
            Identity::Login { .. } => (LOGIN, None),
            Identity::Register { .. } => (REGISTER, None),
        };
        let fields = vec![
            Field::choice("as", WAYS, way),
            Field::text("name", "1 to 20 characters", like.name().as_str()),
            Field::hidden("password", "8 to 128 bytes"),
            Field::hidden("again", "the same password"),
        ];
        let at = if way == GUEST { WAY } else { PASSWORD };
        let mut sign_in = Self { form: Form::new(fields, at), offered, way };
        sign_in.changed();
        sign_in
    }

    /// Something was written or chosen: other fields may be asked now, and a made-up name is a guest's alone.
    pub(crate) fn changed(&mut self) {
        let way = self.form.chosen(WAY);
        self.form.show(PASSWORD, way != GUEST);
        self.form.show(AGAIN, way == REGISTER);
        if way == mem::replace(&mut self.way, way) {
            return;
        }
        let Some(offered) = self.offered.as_ref().map(Name::as_str) else { return };
        match (way, self.form.text(NAME)) {
            (GUEST, "") => self.form.set(NAME, offered),
            (GUEST, _) => {}
            (_, name) if name == offered => self.form.set(NAME, ""),
            _ => {}
        }
    }

    /// Who shall sign in, where all of it is written; else the field that is wanting is gone to.
    pub(crate) fn submit(&mut self) -> Option<Identity> {
        if self.form.waits {
            return None;
        }
        let name = match Name::new(self.form.text(NAME).trim()) {
            Ok(name) => name,
            Err(why) => return self.ask_again(NAME, why.to_string()),
        };
        let way = self.form.chosen(WAY);
        let identity = if way == GUEST {
            let generated = self.offered.as_ref() == Some(&name);
            Identity::Guest { name, generated }
        } else {
            let secret = match Secret::new(self.form.text(PASSWORD)) {
                Ok(secret) => secret,
                Err(_) => return self.ask_again(PASSWORD, "A password has 8 to 128 bytes."),
            };
            if way == LOGIN {
                Identity::Login { name, secret }
            } else if self.form.text(AGAIN) == secret.expose() {
                Identity::Register { name, secret }
            } else {
                return self.ask_again(AGAIN, "These are two passwords.");
            }
        };
        (self.form.problem, self.form.waits) = (None, true);
        Some(identity)
    }

    /// The server said no, or there is none. What is written stays, but for a password that is wrong.
    pub(crate) fn refused(&mut self, problem: Problem) {
        self.form.waits = false;
        match problem.code {
            Some(DenialCode::WrongCredentials) => {
                self.form.set(PASSWORD, "");
                self.form.ask_again(PASSWORD, "");
            }
            Some(DenialCode::NameTaken) => self.form.ask_again(NAME, ""),
            // There are no guests here.
            Some(DenialCode::SignInRequired) => {
                self.form.set(WAY, WAYS[LOGIN]);
                self.changed();
                self.form.ask_again(WAY, "");
            }
            _ => {}
        }
        self.form.problem = Some(problem.why);
    }

    fn ask_again(&mut self, at: usize, why: impl Into<String>) -> Option<Identity> {
        self.form.ask_again(at, why);
        None
    }
}
