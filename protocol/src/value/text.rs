//! Texts that people type. All are NFC, without control or invisible formatting characters, and bounded in Unicode
//! scalars, so that they may be shown, compared and logged as they are.

use super::ValueError;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::{fmt, str::FromStr, sync::Arc};
use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

/// What a kind of text may be.
struct Rule {
    what: &'static str,
    max_chars: usize,
    /// Whether white space at an end is refused: names are compared, chat is not.
    trimmed: bool,
    may_be_empty: bool,
}

impl Rule {
    /// Brings `text` into NFC and checks it.
    fn parse(&self, text: &str) -> Result<Arc<str>, ValueError> {
        // A text this long cannot pass; do not normalize what a stranger made huge.
        let bytes_bound = self.max_chars * 4 * 4;
        if text.len() > bytes_bound {
            return Err(self.too_long(text.chars().count()));
        }
        let normal: Arc<str> = match is_nfc_quick(text.chars()) {
            IsNormalized::Yes => text.into(),
            _ => text.nfc().collect::<String>().into(),
        };
        if let Some(bad) = normal.chars().find(|&c| is_forbidden(c)) {
            return Err(ValueError::Forbidden { what: self.what, code: bad.into() });
        }
        let length = normal.chars().count();
        if length > self.max_chars {
            return Err(self.too_long(length));
        }
        if !self.may_be_empty && normal.chars().all(|c| c.is_whitespace() || is_invisible(c)) {
            return Err(ValueError::Empty { what: self.what });
        }
        if self.trimmed && normal.trim().len() != normal.len() {
            return Err(ValueError::Untrimmed { what: self.what });
        }
        Ok(normal)
    }

    fn too_long(&self, length: usize) -> ValueError {
        ValueError::TooLong { what: self.what, length, max: self.max_chars, unit: "characters" }
    }
}

/// Controls (ANSI escapes begin with one), line separators, and the format characters that turn, hide or join text:
/// what could make a terminal or a log line lie, or two names look alike. U+200D stays: emoji are joined with it. Together with
/// [`is_invisible`] these are all that Unicode calls `Default_Ignorable_Code_Point`, assigned or not.
fn is_forbidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{00AD}' | '\u{061C}' | '\u{180E}' | '\u{200B}' | '\u{200C}' | '\u{200E}' | '\u{200F}'
            | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FEFF}' | '\u{FFF0}'..='\u{FFFB}'
            | '\u{13430}'..='\u{13440}' | '\u{1BCA0}'..='\u{1BCA3}' | '\u{1D159}' | '\u{1D173}'..='\u{1D17A}'
            | '\u{E0000}'..='\u{E00FF}' | '\u{E01F0}'..='\u{E0FFF}')
}

/// Characters that are allowed, because scripts and emoji need them, but that show nothing alone: joiners, fillers,
/// the blank braille cell and variation selectors. A text of these is empty, and no two names may differ by them.
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{034F}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}' | '\u{180B}'..='\u{180D}' | '\u{180F}' | '\u{200D}'
        | '\u{2800}' | '\u{3164}' | '\u{FE00}'..='\u{FE0F}' | '\u{FFA0}' | '\u{E0100}'..='\u{E01EF}')
}

macro_rules! text_type {
    ($(#[$doc:meta])* $name:ident, $rule:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Arc<str>);

        impl $name {
            const RULE: Rule = $rule;
            /// The most Unicode scalars it may have.
            pub const MAX_CHARS: usize = Self::RULE.max_chars;

            /// Brings `text` into NFC and checks it; the error says what is wrong.
            ///
            /// # Errors
            /// [`ValueError`] where the text is too long, empty where it may not be, or holds a forbidden character.
            pub fn new(text: &str) -> Result<Self, ValueError> {
                Self::RULE.parse(text).map(Self)
            }

            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = ValueError;
            fn from_str(text: &str) -> Result<Self, ValueError> {
                Self::new(text)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                // Borrowed from the frame: a claimed length reserves nothing.
                let text = <&'de str>::deserialize(deserializer)?;
                Self::new(text).map_err(de::Error::custom)
            }
        }
    };
}

text_type!(
    /// A player's name: 1 to 20 characters, no white space at the ends. Two names are the same where their
    /// [`Name::folded`] forms are.
    Name,
    Rule { what: "a name", max_chars: 20, trimmed: true, may_be_empty: false }
);
text_type!(
    /// One line of chat: 1 to 200 characters.
    ChatText,
    Rule { what: "a chat text", max_chars: 200, trimmed: false, may_be_empty: false }
);
text_type!(
    /// A room's title: 1 to 32 characters, no white space at the ends.
    RoomTitle,
    Rule { what: "a room title", max_chars: 32, trimmed: true, may_be_empty: false }
);
text_type!(
    /// A program's name and version, such as `malpan/0.1.0`: 0 to 40 characters.
    SoftwareName,
    Rule { what: "a software name", max_chars: 40, trimmed: false, may_be_empty: true }
);
text_type!(
    /// A sentence that explains a denial to a person: 0 to 200 characters.
    Reason,
    Rule { what: "a reason", max_chars: 200, trimmed: false, may_be_empty: true }
);

impl Name {
    /// The name with case folded away (Unicode full case folding, then NFC) and without invisible characters: equal
    /// for `Ann` and `aNN`, and for whatever looks the same because a joiner or a filler stands in it.
    #[must_use]
    pub fn folded(&self) -> String {
        let visible: String = self.0.chars().filter(|&c| !is_invisible(c)).collect();
        caseless::default_case_fold_str(visible.trim()).nfc().collect()
    }
}

impl RoomTitle {
    /// The title with case folded away, for whoever looks for a part of it.
    #[must_use]
    pub fn folded(&self) -> String {
        caseless::default_case_fold_str(&self.0).nfc().collect()
    }
}

impl ChatText {
    /// `text` as a line of chat, with what may not stand in one replaced or cut off; `None` where nothing is left to see.
    /// For clients of other protocols, who are not told what is wrong.
    #[must_use]
    pub fn lossy(text: &str) -> Option<Self> {
        Self::new(&replace_forbidden(text, Self::MAX_CHARS)).ok()
    }
}

impl Reason {
    /// `text` as a reason, with what may not stand in one replaced or cut off. For the server's own sentences, which
    /// may quote what a peer sent.
    #[must_use]
    pub fn lossy(text: &str) -> Self {
        Self(replace_forbidden(text, Self::MAX_CHARS).into())
    }
}

fn replace_forbidden(text: &str, max_chars: usize) -> String {
    text.nfc().map(|c| if is_forbidden(c) { '\u{FFFD}' } else { c }).take(max_chars).collect()
}

#[cfg(test)]
mod tests {
    use super::{ChatText, Name, Reason, ValueError};

    #[test]
    fn a_name_is_brought_into_nfc() {
        let decomposed = Name::new("Jose\u{301}").unwrap();
        assert_eq!(decomposed.as_str(), "Jos\u{e9}");
        assert_eq!(Name::new("\u{1112}\u{1161}\u{11ab}").unwrap().as_str(), "한");
    }

    /// DerivedCoreProperties of Unicode 17: Default_Ignorable_Code_Point. Twins of a name could be made of each.
    #[test]
    fn no_name_differs_from_another_by_what_nothing_shows() {
        let ignorable = [
            0xad..=0xad,
            0x34f..=0x34f,
            0x61c..=0x61c,
            0x115f..=0x1160,
            0x17b4..=0x17b5,
            0x180b..=0x180f,
            0x200b..=0x200f,
            0x202a..=0x202e,
            0x2060..=0x206f,
            0x3164..=0x3164,
            0xfe00..=0xfe0f,
            0xfeff..=0xfeff,
            0xffa0..=0xffa0,
            0xfff0..=0xfff8,
            0x1bca0..=0x1bca3,
            0x1d173..=0x1d17a,
            0xe0000..=0xe0fff,
        ];
        for c in ignorable.into_iter().flatten().filter_map(char::from_u32) {
            assert!(super::is_forbidden(c) || super::is_invisible(c), "U+{:04X}", u32::from(c));
            assert!(Name::new(&c.to_string()).is_err(), "U+{:04X}", u32::from(c));
            if let Ok(twin) = Name::new(&format!("Zoe{c}")) {
                assert_eq!(twin.folded(), Name::new("Zoe").unwrap().folded(), "U+{:04X}", u32::from(c));
            }
        }
    }

    #[test]
    fn length_counts_characters_not_bytes() {
        assert!(Name::new(&"말".repeat(20)).is_ok());
        let error = Name::new(&"말".repeat(21)).unwrap_err();
        assert_eq!(error, ValueError::TooLong { what: "a name", length: 21, max: 20, unit: "characters" });
        assert!(ChatText::new(&"x".repeat(200)).is_ok());
        assert!(ChatText::new(&"x".repeat(201)).is_err());
        assert!(ChatText::new(&"x".repeat(1_000_000)).is_err());
    }

    #[test]
    fn a_text_too_long_in_pieces_may_be_short_enough_whole() {
        let jamo = "\u{1112}\u{1161}\u{11ab}".repeat(20);
        assert_eq!(Name::new(&jamo).unwrap().as_str(), "한".repeat(20));
    }

    /// Whoever sends much must not make the server work much: what is in it does not count any more.
    #[test]
    fn a_huge_text_is_refused_unread() {
        let error = Name::new(&"\u{1b}".repeat(1_000_000)).unwrap_err();
        assert_eq!(error, ValueError::TooLong { what: "a name", length: 1_000_000, max: 20, unit: "characters" });
    }

    #[test]
    fn escapes_controls_and_turned_text_are_refused() {
        for bad in ["\u{1b}[31mred", "a\nb", "a\u{7f}", "a\u{9b}31m", "abc\u{202e}cba", "a\u{200b}b", "\u{feff}a"] {
            assert!(matches!(Name::new(bad), Err(ValueError::Forbidden { .. })), "{bad:?}");
            assert!(matches!(ChatText::new(bad), Err(ValueError::Forbidden { .. })), "{bad:?}");
        }
    }

    #[test]
    fn empty_and_untrimmed_names_are_refused() {
        assert!(matches!(Name::new(""), Err(ValueError::Empty { .. })));
        assert!(matches!(Name::new("   "), Err(ValueError::Empty { .. })));
        assert!(matches!(Name::new(" ann"), Err(ValueError::Untrimmed { .. })));
        assert!(ChatText::new(" hi ").is_ok());
    }

    #[test]
    fn a_text_that_shows_nothing_is_empty() {
        for blank in ["\u{3164}", "\u{200d}", "\u{2800}\u{2800}", "\u{fe0f}", "\u{115f}\u{1160}", "\u{3164} \u{3164}"] {
            assert!(matches!(Name::new(blank), Err(ValueError::Empty { .. })), "{blank:?}");
            assert!(matches!(ChatText::new(blank), Err(ValueError::Empty { .. })), "{blank:?}");
        }
        assert!(Name::new("\u{2764}\u{fe0f}").is_ok() && Name::new("👩\u{200d}🚀").is_ok());
    }

    #[test]
    fn names_that_look_the_same_fold_the_same() {
        let folded = |s: &str| Name::new(s).unwrap().folded();
        for twin in ["Ann\u{3164}", "Ann \u{3164}", "An\u{200d}n", "\u{2800}ANN", "ann\u{fe0f}", "a\u{34f}nn"] {
            assert_eq!(folded(twin), "ann", "{twin:?}");
        }
        assert_eq!(folded("e\u{34f}\u{301}"), folded("\u{e9}"));
    }

    #[test]
    fn folding_makes_case_variants_equal() {
        let folded = |s: &str| Name::new(s).unwrap().folded();
        assert_eq!(folded("ANN"), folded("ann"));
        assert_eq!(folded("Straße"), folded("STRASSE"));
        assert_eq!(folded("ΣΊΣΥΦΟΣ"), folded("σίσυφος"));
        assert_ne!(folded("ann"), folded("anna"));
    }

    #[test]
    fn a_lossy_line_of_chat_stands_where_something_is_to_be_seen() {
        assert_eq!(ChatText::lossy("a\u{1b}[2J").unwrap().as_str(), "a\u{fffd}[2J");
        assert_eq!(ChatText::lossy(&"x".repeat(300)).unwrap().as_str().len(), 200);
        assert_eq!((ChatText::lossy(""), ChatText::lossy(" \u{3164}")), (None, None));
    }

    #[test]
    fn a_lossy_reason_always_stands() {
        let reason = Reason::lossy(&format!("bad \u{1b}[2J{}", "x".repeat(500)));
        assert_eq!(Reason::new(reason.as_str()).unwrap(), reason);
        assert!(!reason.as_str().contains('\u{1b}'));
    }
}
