//! What a client sent, as messages quote it.

/// At most 60 characters of what a client sent, for messages, with what cannot be seen as escapes.
#[must_use]
pub fn short(text: &str) -> String {
    visible(text, 60)
}

/// At most so many characters of a text; control, format and bidirectional characters and unusual
/// spaces are written as `\u{200b}`, so that two texts that differ also look different.
#[must_use]
pub fn visible(text: &str, most: usize) -> String {
    use std::fmt::Write;
    let mut shown = String::with_capacity(text.len().min(4 * most));
    let mut rest = text.chars();
    for c in rest.by_ref().take(most) {
        if is_invisible(c) {
            // Writing into a String cannot fail.
            let _ = write!(shown, "\\u{{{:x}}}", u32::from(c));
        } else {
            shown.push(c);
        }
    }
    if !rest.as_str().is_empty() {
        shown.push('…');
    }
    shown
}

/// Whether a character leaves no mark of its own, or moves the others about.
fn is_invisible(c: char) -> bool {
    c.is_control()
        || (c.is_whitespace() && c != ' ')
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{6dd}' | '\u{70f}' | '\u{115f}' | '\u{1160}'
            | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_seen_is_shown_as_an_escape() {
        assert_eq!(short("a\u{200b}b\u{202e}c\0\n"), "a\\u{200b}b\\u{202e}c\\u{0}\\u{a}");
        assert_eq!(short("Ärzte & Söhne 株式会社"), "Ärzte & Söhne 株式会社");
        assert_eq!(short(&"x".repeat(61)), format!("{}…", "x".repeat(60)));
    }
}
