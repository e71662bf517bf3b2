//! What an operator reads of an error.

use anyhow::Error;

/// `error` and its causes in one line, each said once: many a text ends with its cause's own words, or has them in it.
#[must_use]
pub fn error_text(error: &Error) -> String {
    let mut told = error.to_string();
    for cause in error.chain().skip(1) {
        let cause = cause.to_string();
        if !told.contains(&cause) {
            told.push_str(": ");
            told.push_str(&cause);
        }
    }
    told
}

#[cfg(test)]
mod tests {
    use super::error_text;
    use anyhow::{Error, anyhow};
    use std::io;

    #[derive(Debug, thiserror::Error)]
    #[error("x.pem cannot be read: {source}; name another")]
    struct Unreadable {
        source: io::Error,
    }

    #[test]
    fn a_cause_that_has_been_told_is_not_told_again() {
        let error = Error::from(Unreadable { source: io::Error::other("no such file") });
        assert_eq!(error_text(&error), "x.pem cannot be read: no such file; name another");
        let error = error.context("cannot start");
        assert_eq!(error_text(&error), "cannot start: x.pem cannot be read: no such file; name another");
        assert_eq!(error_text(&anyhow!("a disk").context("a store").context("a server")), "a server: a store: a disk");
    }
}
