//! What a call to a game's rules changed.

use smallvec::SmallVec;

/// One change, and what it is worth to a client that reads too slowly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect<U> {
    /// Must be delivered: a client that cannot take it is sent away. It gets a number, and numbers have no gaps. For what
    /// is said once, such as a card that is played.
    Event(U),
    /// Is soon out of date: left out for a client that falls behind, which gets one snapshot when it has caught up. For
    /// what is said again and again, such as where a piece stands.
    Latest(U),
}

/// The changes of one call, in order. One of them costs no memory of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effects<U>(SmallVec<[Effect<U>; 1]>);

impl<U> Effects<U> {
    /// Nothing changed.
    #[must_use]
    pub fn none() -> Self {
        Self(SmallVec::new())
    }

    /// One change that must be delivered.
    #[must_use]
    pub fn event(update: U) -> Self {
        Self::none().and_event(update)
    }

    /// One change of which only the latest matters.
    #[must_use]
    pub fn latest(update: U) -> Self {
        Self::none().and_latest(update)
    }

    /// These, and one more that must be delivered.
    #[must_use]
    pub fn and_event(mut self, update: U) -> Self {
        self.0.push(Effect::Event(update));
        self
    }

    /// These, and one more of which only the latest matters.
    #[must_use]
    pub fn and_latest(mut self, update: U) -> Self {
        self.0.push(Effect::Latest(update));
        self
    }

    /// Whether one of them must be delivered.
    #[must_use]
    pub fn has_events(&self) -> bool {
        self.0.iter().any(|effect| matches!(effect, Effect::Event(_)))
    }

    /// The changes themselves, whatever they are worth.
    pub fn into_updates(self) -> impl Iterator<Item = U> {
        self.0.into_iter().map(|effect| match effect {
            Effect::Event(update) | Effect::Latest(update) => update,
        })
    }
}

impl<U> IntoIterator for Effects<U> {
    type Item = Effect<U>;
    type IntoIter = smallvec::IntoIter<[Effect<U>; 1]>;
    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<U> FromIterator<Effect<U>> for Effects<U> {
    fn from_iter<I: IntoIterator<Item = Effect<U>>>(effects: I) -> Self {
        Self(effects.into_iter().collect())
    }
}
