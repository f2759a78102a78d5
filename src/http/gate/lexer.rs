//! Looks at a document before any parser does: one pass, no recursion, so that neither depth nor length can hurt.

use crate::http::settings::Limits;

/// Why a document goes no further.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TooMuch {
    /// Brackets nested deeper than the limit.
    Brackets,
    /// More tokens than the limit.
    Tokens,
}

/// Counts tokens and the nesting of brackets, and stops at the first limit.
pub(super) fn scan(text: &str, limits: &Limits) -> Result<(), TooMuch> {
    let bytes = text.as_bytes();
    let (mut at, mut tokens, mut depth) = (0, 0_usize, 0_usize);
    while let Some(&byte) = bytes.get(at) {
        let next = match byte {
            b' ' | b'\t' | b'\r' | b'\n' | b',' => {
                at += 1;
                continue;
            }
            b'#' => {
                at = skip(bytes, at, |byte| byte != b'\n' && byte != b'\r');
                continue;
            }
            b'{' | b'[' | b'(' => {
                depth += 1;
                if depth > limits.brackets {
                    return Err(TooMuch::Brackets);
                }
                at + 1
            }
            b'}' | b']' | b')' => {
                depth = depth.saturating_sub(1);
                at + 1
            }
            b'"' => string(bytes, at),
            b'_' | b'a'..=b'z' | b'A'..=b'Z' => skip(bytes, at, |byte| byte == b'_' || byte.is_ascii_alphanumeric()),
            b'-' | b'0'..=b'9' => {
                skip(bytes, at + 1, |byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'+' | b'-'))
            }
            b'.' => skip(bytes, at, |byte| byte == b'.'),
            // Anything else counts as one token a byte: the parser will say what is wrong with it.
            _ => at + 1,
        };
        tokens += 1;
        if tokens > limits.tokens {
            return Err(TooMuch::Tokens);
        }
        at = next;
    }
    Ok(())
}

fn skip(bytes: &[u8], from: usize, belongs: impl Fn(u8) -> bool) -> usize {
    bytes[from..].iter().position(|&byte| !belongs(byte)).map_or(bytes.len(), |length| from + length)
}

/// The place after the string that starts here; an unfinished one ends with its line or with the text.
fn string(bytes: &[u8], start: usize) -> usize {
    if bytes[start..].starts_with(b"\"\"\"") {
        let mut at = start + 3;
        while at < bytes.len() {
            if bytes[at..].starts_with(b"\\\"\"\"") {
                at += 4;
            } else if bytes[at..].starts_with(b"\"\"\"") {
                return at + 3;
            } else {
                at += 1;
            }
        }
        return bytes.len();
    }
    let mut at = start + 1;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'"' => return at + 1,
            b'\\' => at += 2,
            b'\n' | b'\r' => return at,
            _ => at += 1,
        }
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn limits(brackets: usize, tokens: usize) -> Limits {
        Limits { brackets, tokens, ..Limits::default() }
    }

    #[test]
    fn brackets_count_by_depth_and_not_by_number() {
        let flat = "{ a(b: [1]) { c } }".repeat(50);
        assert_eq!(scan(&flat, &limits(3, 10_000)), Ok(()));
        assert_eq!(scan(&flat, &limits(2, 10_000)), Err(TooMuch::Brackets));
        assert_eq!(scan(&"[".repeat(100_000), &Limits::default()), Err(TooMuch::Brackets));
    }

    #[test]
    fn tokens_are_counted_exactly() {
        // A number with its sign and exponent is one token, a string another.
        let text = "query Q($a: Int = -12.5e3) { f(s: \"x } y\") ...F } # not { counted";
        assert_eq!(scan(text, &limits(64, 20)), Ok(()), "{text}");
        assert_eq!(scan(text, &limits(64, 19)), Err(TooMuch::Tokens));
    }

    #[test]
    fn brackets_inside_strings_and_comments_do_not_count() {
        let text = "{ a(s: \"{{{{\\\"{{\", t: \"\"\"{{ \\\"\"\" {{ \"\"\") } # {{{{{{{";
        assert_eq!(scan(text, &limits(2, 100)), Ok(()));
    }

    proptest! {
        #[test]
        fn it_never_panics(text in "\\PC*|[\\[\\]{}()\"\\\\#.\n a-z0-9]{0,200}") {
            let _ = scan(&text, &Limits::default());
        }
    }
}
