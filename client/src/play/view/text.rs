//! Text measured in terminal columns: a Korean letter takes two.

use ratatui::{style::Style, text::Span};
use unicode_width::UnicodeWidthStr;

/// Stands for what was cut off. ASCII, because a terminal set to Korean may draw an ellipsis two columns wide.
const CUT: &str = "~";

/// The columns that `text` takes.
pub(super) fn width(text: &str) -> usize {
    text.width()
}

/// `text` within at most `columns`; where some is cut off, the last column says so.
pub(super) fn clip(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let mut clipped = String::new();
    let mut used = 0;
    for grapheme in graphemes(text) {
        if used + width(&grapheme) + CUT.len() > columns {
            break;
        }
        used += width(&grapheme);
        clipped.push_str(&grapheme);
    }
    if columns > 0 {
        clipped.push_str(CUT);
    }
    clipped
}

/// `text` in exactly `columns`, filled up with spaces at the right.
pub(super) fn fit(text: &str, columns: usize) -> String {
    let mut fitted = clip(text, columns);
    fitted.extend(std::iter::repeat_n(' ', columns.saturating_sub(width(&fitted))));
    fitted
}

/// `text` in exactly `columns`, in their middle.
pub(super) fn center(text: &str, columns: usize) -> String {
    let clipped = clip(text, columns);
    let before = (columns - width(&clipped)) / 2;
    fit(&format!("{}{clipped}", " ".repeat(before)), columns)
}

/// `text` in lines of at most `columns`, broken at spaces where there are any. Never empty.
pub(super) fn wrap(text: &str, columns: usize) -> Vec<String> {
    let mut lines = vec![];
    let mut line = String::new();
    for word in text.split_inclusive(' ') {
        if !line.is_empty() && width(&line) + width(word.trim_end()) > columns {
            lines.push(std::mem::take(&mut line));
        }
        for grapheme in graphemes(word) {
            if !line.is_empty() && width(&line) + width(grapheme.trim_end()) > columns {
                lines.push(std::mem::take(&mut line));
            }
            line.push_str(&grapheme);
        }
    }
    lines.push(line);
    lines
}

fn graphemes(text: &str) -> Vec<String> {
    Span::raw(text).styled_graphemes(Style::new()).map(|grapheme| grapheme.symbol.to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::{center, clip, fit, width, wrap};

    #[test]
    fn wide_letters_are_cut_whole() {
        assert_eq!(clip("말판놀이", 8), "말판놀이");
        assert_eq!(clip("말판놀이", 7), "말판놀~");
        assert_eq!(clip("말판놀이", 6), "말판~");
        assert_eq!(clip("말판", 1), "~");
        assert_eq!(clip("말판", 0), "");
    }

    #[test]
    fn fitted_text_has_the_width_asked_for() {
        for text in ["", "Ann", "말판놀이", "👨‍👩‍👧 family", "e\u{301}e\u{301}"] {
            for columns in 0..12 {
                assert_eq!(width(&fit(text, columns)), columns, "{text:?}");
                assert_eq!(width(&center(text, columns)), columns, "{text:?}");
            }
        }
        assert_eq!(center("ab", 6), "  ab  ");
    }

    #[test]
    fn lines_break_at_spaces_and_else_anywhere() {
        assert_eq!(wrap("one two three", 8), ["one two ", "three"]);
        assert_eq!(wrap("abcdefgh", 3), ["abc", "def", "gh"]);
        assert_eq!(wrap("말판놀이", 5), ["말판", "놀이"]);
        assert_eq!(wrap("", 5), [""]);
    }
}
