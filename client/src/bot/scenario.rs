//! What players do: the scenarios by name, and how a run mixes them. Pure.

use std::{fmt, str::FromStr};

/// What one player of a run does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Scenario {
    Idle,
    Walk,
    Chat,
    Arena,
    Churn,
    Login,
    Resume,
    Storm,
    Slowloris,
    Stalled,
    Dribble,
    Fragments,
    Flood,
    Garbage,
    HalfOpen,
    Reset,
}

/// What seated players send each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Move,
    Chat,
    Signal,
}

impl Kind {
    /// All of them; each one's place is its number.
    pub(super) const ALL: [Self; 3] = [Self::Move, Self::Chat, Self::Signal];
}

use Scenario as S;

impl Scenario {
    /// All of them, in the order of the list.
    pub(super) const ALL: [Self; 16] = [
        S::Idle,
        S::Walk,
        S::Chat,
        S::Arena,
        S::Churn,
        S::Login,
        S::Resume,
        S::Storm,
        S::Slowloris,
        S::Stalled,
        S::Dribble,
        S::Fragments,
        S::Flood,
        S::Garbage,
        S::HalfOpen,
        S::Reset,
    ];

    /// Its name on the command line and in reports.
    pub(super) fn name(self) -> &'static str {
        self.facts().0
    }

    /// Actions per second and player where `--rate` says nothing. Of hostile ones, how often an attacker begins anew once
    /// its connection has ended.
    pub(super) fn default_rate(self) -> f64 {
        self.facts().1
    }

    /// What it does, in a line.
    pub(super) fn about(self) -> &'static str {
        self.facts().2
    }

    fn facts(self) -> (&'static str, f64, &'static str) {
        match self {
            S::Idle => ("idle", 0.0, "signed in, seated and silent"),
            S::Walk => ("walk", 5.0, "moves its piece a step at a time"),
            S::Chat => ("chat", 0.5, "says a line of 40 characters to its room"),
            S::Arena => ("arena", 2.0, "sends a signal of 44 bytes, half of them to itself, half to its room of ten"),
            S::Churn => ("churn", 0.2, "leaves its room and joins another"),
            S::Login => {
                ("login", 0.1, "connects, registers an account at first and signs in to it from then on, and leaves")
            }
            S::Resume => ("resume", 0.1, "loses its connection and comes back to its seat with its token"),
            S::Storm => ("storm", 0.0, "connects, signs in and takes a seat at the same moment as all others"),
            S::Slowloris => {
                ("slowloris", 1.0, "sends the first byte of a hello, another now and then, and never a whole one")
            }
            S::Stalled => ("stalled", 1.0, "takes a seat and never reads, but goes on to send"),
            S::Dribble => ("dribble", 1.0, "takes a seat and reads one byte a second"),
            S::Fragments => ("fragments", 1.0, "plays by the rules, one byte in a packet of its own"),
            S::Flood => ("flood", 1.0, "takes a seat and sends moves as fast as the connection takes them"),
            S::Garbage => ("garbage", 1.0, "sends noise, before or after a sign-in"),
            S::HalfOpen => ("half-open", 1.0, "signs in and is never heard of again"),
            S::Reset => ("reset", 5.0, "signs in, takes a seat, and resets the connection in the middle of a frame"),
        }
    }

    /// Whether it means harm.
    pub(super) fn is_hostile(self) -> bool {
        self as u8 >= S::Slowloris as u8
    }

    /// Whether its players sit in rooms, act there, and are due what happens in them.
    pub(super) fn is_seated(self) -> bool {
        matches!(self, S::Idle | S::Walk | S::Chat | S::Arena)
    }

    /// What its players send each other, if they do.
    pub(super) fn kind(self) -> Option<Kind> {
        match self {
            S::Walk => Some(Kind::Move),
            S::Chat => Some(Kind::Chat),
            S::Arena => Some(Kind::Signal),
            _ => None,
        }
    }

    /// Whether its players connect before the measured time, and not in it.
    pub(super) fn connects_before(self) -> bool {
        self.is_seated() || matches!(self, S::Churn | S::Resume)
    }
}

/// One part of a mix.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Part {
    pub(super) scenario: Scenario,
    /// Its share of the players, in relation to the other parts'; how many it is where `--players` says nothing.
    pub(super) share: Option<u32>,
    /// Actions per second and player, where it has a rate of its own.
    pub(super) rate: Option<f64>,
}

/// What the players of a run do: `walk`, or `walk:80,chat:20@1`.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Mix(Vec<Part>);

impl Mix {
    /// Its parts, at least one, no scenario twice.
    pub(super) fn parts(&self) -> &[Part] {
        &self.0
    }

    /// How many players the shares make, where each part has one.
    pub(super) fn players(&self) -> Option<u32> {
        self.0.iter().map(|part| part.share).try_fold(0_u32, |sum, share| sum.checked_add(share?))
    }

    /// The part of each of the first players: in turn by their shares, so that rooms are as mixed as the run is, whatever
    /// its size.
    pub(super) fn assign(&self, players: u32) -> Vec<u8> {
        let shares: Vec<u64> = self.0.iter().map(|part| part.share.unwrap_or(1).into()).collect();
        let whole: u64 = shares.iter().sum();
        let mut given = vec![0_u64; shares.len()];
        (1..=u64::from(players))
            .map(|count| {
                let behind = |part: usize| i128::from(shares[part] * count) - i128::from(given[part] * whole);
                let part = (0..shares.len()).rev().max_by_key(|&part| behind(part)).expect("a mix has a part");
                given[part] += 1;
                u8::try_from(part).expect("no more parts than scenarios")
            })
            .collect()
    }
}

impl fmt::Display for Mix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, part) in self.0.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            write!(f, "{comma}{}", part.scenario.name())?;
            if let Some(share) = part.share {
                write!(f, ":{share}")?;
            }
            if let Some(rate) = part.rate {
                write!(f, "@{rate}")?;
            }
        }
        Ok(())
    }
}

impl FromStr for Mix {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut parts: Vec<Part> = Vec::new();
        for part in text.split(',') {
            let part: Part = part.trim().parse()?;
            if parts.iter().any(|other| other.scenario == part.scenario) {
                return Err(format!("{} is there twice", part.scenario.name()));
            }
            parts.push(part);
        }
        if parts.len() > 1 && parts.iter().any(|part| part.share.is_none()) {
            return Err("of several scenarios each needs a share, as in walk:80,chat:20".into());
        }
        Ok(Self(parts))
    }
}

impl FromStr for Part {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (text, rate) = match text.split_once('@') {
            Some((text, rate)) => (text, Some(super::args::parse_rate(rate)?)),
            None => (text, None),
        };
        let (name, share) = match text.split_once(':') {
            Some((name, share)) => {
                let share = share.parse().ok().filter(|share| (1..=super::plan::MAX_PLAYERS).contains(share));
                (name, Some(share.ok_or_else(|| format!("the share of {name} is not a number from 1 to a million"))?))
            }
            None => (text, None),
        };
        let scenario = Scenario::ALL.into_iter().find(|scenario| scenario.name() == name);
        let scenario =
            scenario.ok_or_else(|| format!("there is no scenario {name:?}; `malpan bot --list` has them"))?;
        if rate == Some(0.0) && !matches!(scenario, S::Walk | S::Idle) {
            return Err(format!("{name} needs a rate above 0"));
        }
        Ok(Self { scenario, share, rate })
    }
}

/// What `--list` prints.
pub(super) fn list() -> String {
    let mut out = String::from("scenario    rate  what each player does\n");
    for scenario in Scenario::ALL {
        if scenario == S::Slowloris {
            out.push_str(
                "\nhostile, on loopback only unless --i-own-this-server; the rate is how often one begins anew\n",
            );
        }
        let rate = if scenario.default_rate() == 0.0 { "-".into() } else { scenario.default_rate().to_string() };
        out.push_str(&format!("{:<10}{rate:>6}  {}\n", scenario.name(), scenario.about()));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{Mix, Scenario, list};

    fn mix(text: &str) -> Mix {
        text.parse().unwrap()
    }

    #[test]
    fn every_scenario_is_listed_and_known_by_its_name() {
        for scenario in Scenario::ALL {
            assert_eq!(mix(scenario.name()).parts()[0].scenario, scenario);
            assert!(list().lines().any(|line| line.starts_with(scenario.name()) && line.contains(scenario.about())));
        }
    }

    #[test]
    fn a_mix_reads_as_it_is_written() {
        for text in ["walk", "walk:80,chat:20@1", "arena:500,half-open:10", "walk@0"] {
            assert_eq!(mix(text).to_string(), text);
        }
        assert_eq!(mix("walk:80,chat:20").players(), Some(100));
        assert_eq!(mix("walk").players(), None);
    }

    #[test]
    fn what_is_no_mix_is_refused_with_a_reason() {
        for (text, reason) in [
            ("", "no scenario \"\""),
            ("run", "no scenario \"run\""),
            ("walk,chat", "needs a share"),
            ("walk:1,walk:2", "twice"),
            ("walk:0", "not a number from 1"),
            ("walk:x", "not a number from 1"),
            ("chat@0", "above 0"),
            ("walk@-1", "not 0"),
        ] {
            let error = text.parse::<Mix>().unwrap_err();
            assert!(error.contains(reason), "{text}: {error}");
        }
    }

    #[test]
    fn parts_take_turns_by_their_shares() {
        let parts = mix("walk:3,chat:1").assign(8);
        assert_eq!(parts, [0, 0, 1, 0, 0, 0, 1, 0]);
        let parts = mix("walk:500,flood:10").assign(510);
        assert_eq!(parts.iter().filter(|&&part| part == 1).count(), 10);
        assert_eq!(mix("walk").assign(3), [0, 0, 0]);
    }
}
