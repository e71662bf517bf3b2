//! Text that is being written and not shown: a password.

use std::fmt;
use zeroize::{Zeroize, Zeroizing};

/// More than any password here may have, so that one that is too long is refused and not cut to what would do.
const MAX_BYTES: usize = 136;

/// Text that is not shown. It never moves to other memory while it grows, and is wiped when it is dropped.
pub(crate) struct Hidden(Zeroizing<String>);

impl Hidden {
    /// The text. Whoever copies it has to wipe the copy.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }

    /// How many letters it has.
    pub(crate) fn len(&self) -> usize {
        self.0.chars().count()
    }

    /// Adds a letter, unless it is too long already.
    pub(crate) fn push(&mut self, letter: char) {
        if self.0.len() + letter.len_utf8() <= MAX_BYTES {
            self.0.push(letter);
        }
    }

    /// Takes the last letter away.
    pub(crate) fn pop(&mut self) {
        self.0.pop();
    }

    /// Takes all of it away.
    pub(crate) fn clear(&mut self) {
        self.0.zeroize();
    }
}

impl Default for Hidden {
    fn default() -> Self {
        Self(Zeroizing::new(String::with_capacity(MAX_BYTES)))
    }
}

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hidden(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::{Hidden, MAX_BYTES};

    #[test]
    fn it_stays_in_its_place_and_is_not_shown() {
        let mut hidden = Hidden::default();
        let place = hidden.expose().as_ptr();
        "비밀번호 12".chars().for_each(|letter| hidden.push(letter));
        assert_eq!((hidden.expose(), hidden.len()), ("비밀번호 12", 7));
        hidden.pop();
        assert_eq!(hidden.expose(), "비밀번호 1");
        (0..1000).for_each(|_| hidden.push('말'));
        assert!(hidden.expose().len() <= MAX_BYTES);
        assert_eq!(hidden.expose().as_ptr(), place);
        assert_eq!(format!("{hidden:?}"), "Hidden(..)");
        hidden.clear();
        assert_eq!((hidden.expose(), hidden.expose().as_ptr()), ("", place));
    }
}
