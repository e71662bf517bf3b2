//! Whom one does not want to hear. It is kept here and not at the server, which nobody asks to take sides.

use malpan_protocol::Name;
use std::collections::BTreeMap;

/// Players whose words are not shown, by name, whatever its case.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Muted(BTreeMap<String, Name>);

impl Muted {
    /// Shows nothing of theirs any more. False where that is so already.
    pub fn mute(&mut self, name: Name) -> bool {
        self.0.insert(name.folded(), name).is_none()
    }

    /// Shows what they say again. False where it was shown.
    pub fn unmute(&mut self, name: &Name) -> bool {
        self.0.remove(&name.folded()).is_some()
    }

    /// Whether what they say is not to be shown.
    #[must_use]
    pub fn is_muted(&self, name: &Name) -> bool {
        !self.0.is_empty() && self.0.contains_key(&name.folded())
    }

    /// Everyone who is muted, in order.
    pub fn names(&self) -> impl Iterator<Item = &Name> {
        self.0.values()
    }
}

#[cfg(test)]
mod tests {
    use super::Muted;
    use malpan_protocol::Name;

    #[test]
    fn whoever_is_muted_is_so_in_any_case_until_they_are_not() {
        let name = |text| Name::new(text).unwrap();
        let mut muted = Muted::default();
        assert!(muted.mute(name("Ann")) && !muted.mute(name("ANN")));
        assert!(muted.is_muted(&name("ann")) && !muted.is_muted(&name("Bob")));
        assert_eq!(muted.names().count(), 1);
        assert!(muted.unmute(&name("aNN")) && !muted.unmute(&name("Ann")));
        assert!(!muted.is_muted(&name("Ann")));
    }
}
