//! The configuration file that says every default.

use super::{Config, keys::keys};
use std::fmt::Write;

/// Columns of a comment, its `# ` included.
const WIDTH: usize = 100;

/// A complete configuration file: every key with its default and a comment that says what it is and may be.
#[must_use]
pub fn default_file() -> String {
    let defaults = toml::Table::try_from(Config::default()).expect("the defaults have a TOML form");
    let mut file = String::new();
    comment(
        &mut file,
        "The configuration of malpan-server: every key with its default. Flags and MALPAN_... variables go before \
         this file; a key left out has its default.",
    );
    let mut section = "";
    for key in keys() {
        if key.section() != section {
            section = key.section();
            let _ = write!(file, "\n[{section}]\n");
        } else {
            file.push('\n');
        }
        comment(&mut file, key.about);
        comment(&mut file, &format!("Allowed: {}.", key.allowed));
        let _ = writeln!(file, "{} = {}", key.leaf(), key.value_in(&defaults));
    }
    file
}

/// Writes `text` as lines of comment.
fn comment(file: &mut String, text: &str) {
    let mut column = 0;
    for word in text.split_whitespace() {
        if column == 0 || column + 1 + word.len() > WIDTH {
            file.push_str(if column == 0 { "#" } else { "\n#" });
            column = 1;
        }
        file.push(' ');
        file.push_str(word);
        column += 1 + word.len();
    }
    file.push('\n');
}
