//! What a call to a game's rules changed.

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

/// The changes of one call, in order. The first of them, which mostly is the only one, costs no memory of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effects<U> {
    first: Option<Effect<U>>,
    /// Empty where there is no first.
    rest: Vec<Effect<U>>,
}

impl<U> Effects<U> {
    /// Nothing changed.
    #[must_use]
    pub const fn none() -> Self {
        Self { first: None, rest: Vec::new() }
    }

    /// One change that must be delivered.
    #[must_use]
    pub fn event(update: U) -> Self {
        Self { first: Some(Effect::Event(update)), rest: Vec::new() }
    }

    /// One change of which only the latest matters.
    #[must_use]
    pub fn latest(update: U) -> Self {
        Self { first: Some(Effect::Latest(update)), rest: Vec::new() }
    }

    /// These, and one more that must be delivered.
    #[must_use]
    pub fn and_event(self, update: U) -> Self {
        self.and(Effect::Event(update))
    }

    /// These, and one more of which only the latest matters.
    #[must_use]
    pub fn and_latest(self, update: U) -> Self {
        self.and(Effect::Latest(update))
    }

    /// The index of the last one that must be delivered. Those before it are delivered with it, so that they come in order.
    #[must_use]
    pub fn last_event(&self) -> Option<usize> {
        let all = self.first.iter().chain(&self.rest).enumerate();
        all.filter(|(_, effect)| matches!(effect, Effect::Event(_))).map(|(index, _)| index).last()
    }

    /// The changes themselves, whatever they are worth.
    pub fn into_updates(self) -> impl Iterator<Item = U> {
        self.into_iter().map(|effect| match effect {
            Effect::Event(update) | Effect::Latest(update) => update,
        })
    }

    fn and(mut self, effect: Effect<U>) -> Self {
        match self.first {
            None => self.first = Some(effect),
            Some(_) => self.rest.push(effect),
        }
        self
    }
}

impl<U> IntoIterator for Effects<U> {
    type Item = Effect<U>;
    type IntoIter = std::iter::Chain<std::option::IntoIter<Effect<U>>, std::vec::IntoIter<Effect<U>>>;
    fn into_iter(self) -> Self::IntoIter {
        self.first.into_iter().chain(self.rest)
    }
}

impl<U> FromIterator<Effect<U>> for Effects<U> {
    fn from_iter<I: IntoIterator<Item = Effect<U>>>(effects: I) -> Self {
        let mut effects = effects.into_iter();
        Self { first: effects.next(), rest: effects.collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::{Effect, Effects};

    #[test]
    fn effects_are_told_in_order_each_with_what_it_is_worth() {
        let effects = Effects::latest(1).and_event(2).and_latest(3);
        let all = [Effect::Latest(1), Effect::Event(2), Effect::Latest(3)];
        assert_eq!(effects, all.into_iter().collect());
        assert_eq!(effects.clone().into_iter().collect::<Vec<_>>(), all);
        assert_eq!(effects.into_updates().collect::<Vec<_>>(), [1, 2, 3]);
        assert_eq!(Effects::none().and_latest(1), Effects::latest(1));
        assert_eq!(Effects::<u8>::none().into_iter().next(), None);
    }

    /// A room delivers everything up to there.
    #[test]
    fn the_last_event_is_found_wherever_it_stands() {
        let last = |effects: Effects<u8>| effects.last_event();
        assert_eq!((last(Effects::none()), last(Effects::latest(1).and_latest(2))), (None, None));
        assert_eq!(last(Effects::event(1).and_latest(2)), Some(0));
        assert_eq!(last(Effects::event(1).and_event(2).and_event(3).and_latest(4)), Some(2));
    }
}
