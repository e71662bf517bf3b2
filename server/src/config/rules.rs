//! What holds for a configuration as a whole: each value in its range, and the rules between keys.

use super::{AddressOrOff, Config};
use std::fmt;
use tracing_subscriber::{EnvFilter, filter::LevelFilter};

/// One or several values that break a range or a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The keys whose values they are.
    pub keys: Vec<&'static str>,
    /// What is wrong.
    pub what: String,
}

impl Config {
    /// Checks every range and every rule between keys. [`crate::cli::load`] has done so already.
    ///
    /// # Errors
    /// Everything that is wrong, at least one.
    pub fn validate(&self) -> Result<(), Vec<Violation>> {
        let mut found = Vec::new();
        self.range_violations(&mut found);
        self.lone_rules(&mut found);
        self.rules_between_keys(&mut found);
        if found.is_empty() { Ok(()) } else { Err(found) }
    }

    /// What one key's range cannot say.
    fn lone_rules(&self, found: &mut Vec<Violation>) {
        if self.listen.is_empty() {
            found.push(Violation::of("listen", "no address is named".into()));
        }
        for (index, address) in self.listen.iter().enumerate() {
            // Port 0 is a new port each time.
            if address.port() != 0 && self.listen[..index].contains(address) {
                found.push(Violation::of("listen", format!("{address} is named twice")));
            }
        }
        let filter = &self.log.filter;
        if filter.trim().is_empty() {
            found.push(Violation::of("log.filter", "it is empty; `off` silences the log".into()));
        } else if let Some(what) = filter.split(',').find_map(mistyped) {
            found.push(Violation::of("log.filter", what));
        } else if let Err(error) = EnvFilter::try_new(filter) {
            found.push(Violation::of("log.filter", format!("{filter:?}: {error}")));
        }
    }

    fn rules_between_keys(&self, found: &mut Vec<Violation>) {
        let (game, limits) = (&self.game, &self.limits);
        let mut require = |holds: bool, keys: [&'static str; 2], what: &dyn fmt::Display| {
            if !holds {
                found.push(Violation { keys: keys.into(), what: what.to_string() });
            }
        };
        require(
            game.board.cells() >= game.seats.count(),
            ["game.board", "game.seats"],
            &format_args!("{} cells are too few for {} seats", game.board.cells(), game.seats),
        );
        require(
            !self.accounts.require_login || self.lecture.address().is_none(),
            ["accounts.require_login", "lecture"],
            &"the lecture wire knows no sign-in, so it cannot be on where one is required",
        );
        // Port 0 is a new port each time.
        let fixed = |address: AddressOrOff| address.address().filter(|address| address.port() != 0);
        let (http, lecture) = (fixed(self.http), fixed(self.lecture));
        require(
            http.is_none_or(|http| !self.listen.contains(&http)),
            ["listen", "http"],
            &"one address cannot serve players and HTTP",
        );
        require(
            lecture.is_none_or(|lecture| !self.listen.contains(&lecture)),
            ["listen", "lecture"],
            &"one address cannot speak the Malpan protocol and the lecture wire",
        );
        require(
            lecture.is_none() || lecture != http,
            ["http", "lecture"],
            &"one address cannot serve HTTP and lecture clients",
        );
        require(
            self.tls.cert.path().is_some() == self.tls.key.path().is_some(),
            ["tls.cert", "tls.key"],
            &"TLS needs both the certificate and its key; leave both `off` for none",
        );
        require(
            limits.ping_after < limits.silence,
            ["limits.ping_after", "limits.silence"],
            &"the ping must come before the client is given up",
        );
        require(
            limits.recovered_messages < limits.lag_messages,
            ["limits.recovered_messages", "limits.lag_messages"],
            &"a client must have caught up at fewer messages than it lags at",
        );
        require(
            limits.lag_messages < limits.queue_messages,
            ["limits.lag_messages", "limits.queue_messages"],
            &"a client must lag at fewer messages than its queue holds",
        );
        require(
            limits.lag_bytes < limits.queue_bytes,
            ["limits.lag_bytes", "limits.queue_bytes"],
            &"a client must lag at fewer bytes than its queue holds",
        );
        require(
            limits.steps_per_second <= limits.packets_per_second,
            ["limits.steps_per_second", "limits.packets_per_second"],
            &"steps are packets, so more of them than of all packets can never be sent",
        );
        require(
            limits.signals_per_second <= limits.packets_per_second,
            ["limits.signals_per_second", "limits.packets_per_second"],
            &"signals are packets, so more of them than of all packets can never be sent",
        );
    }
}

/// What is wrong with a part of `log.filter` that tracing-subscriber would take for the name of a module that nobody has,
/// with which the log is silent.
fn mistyped(part: &str) -> Option<String> {
    if part != part.trim() {
        return Some(format!("{part:?} begins or ends with a space; leave it out"));
    }
    let is_word = part.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | ':'));
    let is_known = part.is_empty() || part.parse::<LevelFilter>().is_ok() || part.starts_with("malpan");
    (is_word && !is_known).then(|| {
        format!(
            "{part:?} is no level (off, error, warn, info, debug, trace); what a module logs is written {part}=LEVEL"
        )
    })
}

impl Violation {
    /// One key's.
    pub(super) fn of(key: &'static str, what: String) -> Self {
        Self { keys: vec![key], what }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.keys.join(" and "), self.what)
    }
}
