//! Text within HTML. Causes and names come from servers: nothing of them may be markup.

/// The text with everything that is markup written out.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c if c.is_control() && c != '\n' => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

/// A command line that a POSIX shell reads as these words.
pub(super) fn command(words: &[String]) -> String {
    let plain =
        |word: &str| !word.is_empty() && word.chars().all(|c| c.is_ascii_alphanumeric() || "-_./:=@%+,".contains(c));
    let quoted = |word: &String| {
        if plain(word) { word.clone() } else { format!("'{}'", word.replace('\'', "'\\''")) }
    };
    words.iter().map(quoted).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::{command, escaped};

    #[test]
    fn markup_is_text() {
        assert_eq!(escaped("<b a=\"1\">&'\u{1b}"), "&lt;b a=&quot;1&quot;&gt;&amp;&#39;\u{fffd}");
    }

    #[test]
    fn commands_can_be_pasted() {
        let words = ["malpan", "bot", "--limit", "p99<50ms", "it's", ""].map(String::from);
        assert_eq!(command(&words), r"malpan bot --limit 'p99<50ms' 'it'\''s' ''");
    }
}
