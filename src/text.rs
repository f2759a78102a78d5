//! Texts: the form in which they are stored and compared, and what a client sent, as messages quote it.

mod address;
mod form;

pub use address::{email, email_key};
pub use form::{is_hidden, normal, tidy};
use icu_properties::{CodePointMapData, props::GeneralCategory};

/// At most 60 characters of what a client sent, for messages, with what cannot be seen as escapes.
#[must_use]
pub fn short(text: &str) -> String {
    visible(text, 60)
}

/// At most so many characters of a text, as [`escaped`].
#[must_use]
pub fn visible(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", escaped(&text[..end])),
        None => escaped(text),
    }
}

/// A text of somebody else's, for a message, a terminal or a line of the log: control, format and bidirectional
/// characters and unusual spaces are written as escapes, `\n` or `\u{200b}`. So it stays on one line, a terminal takes no
/// command from it, and two texts that differ also look different.
#[must_use]
pub fn escaped(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if is_invisible(c) {
            shown.extend(c.escape_default());
        } else {
            shown.push(c);
        }
    }
    shown
}

/// A text of several lines, each as [`escaped`].
#[must_use]
pub fn escaped_lines(text: &str) -> String {
    text.split('\n').map(escaped).collect::<Vec<_>>().join("\n")
}

/// Whether a character leaves no mark of its own, or moves the others about.
fn is_invisible(c: char) -> bool {
    let is_format = || CodePointMapData::<GeneralCategory>::new().get(c) == GeneralCategory::Format;
    c.is_control() || (c.is_whitespace() && c != ' ') || (!c.is_ascii() && (is_hidden(c) || is_format()))
}

/// An API name as words: `TargetAccountList` → `target account list`.
#[must_use]
pub fn words(name: &str) -> String {
    let mut words = String::with_capacity(name.len() + 4);
    for c in name.chars() {
        if c.is_ascii_uppercase() && !words.is_empty() {
            words.push(' ');
        }
        words.push(c.to_ascii_lowercase());
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_seen_is_shown_as_an_escape() {
        assert_eq!(short("a\u{200b}b\u{202e}c\0\n"), "a\\u{200b}b\\u{202e}c\\u{0}\\n");
        assert_eq!(short("Ärzte & Söhne 株式会社"), "Ärzte & Söhne 株式会社");
        assert_eq!(escaped_lines("a\n\u{1b}[2Jb"), "a\n\\u{1b}[2Jb");
        assert_eq!(short(&"x".repeat(61)), format!("{}…", "x".repeat(60)));
    }
}
