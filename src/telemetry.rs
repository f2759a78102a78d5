//! Logs, to standard error, for people or as JSON; and text of others as a terminal may show it.

use std::io::{self, Write};

use tracing_subscriber::{EnvFilter, fmt, layer::SubscriberExt, util::SubscriberInitExt};

/// Starts logging as `TANDEM_LOG` (a filter, `info` where it is not set) and `TANDEM_LOG_FORMAT`
/// (`text` or `json`) say.
pub fn start() {
    let filter = EnvFilter::try_from_env("TANDEM_LOG")
        .unwrap_or_else(|_| EnvFilter::new("info,sqlx=warn,sea_orm_migration=warn"));
    let json = std::env::var("TANDEM_LOG_FORMAT").is_ok_and(|format| format == "json");
    let registry = tracing_subscriber::registry().with(filter);
    if json {
        registry.with(fmt::layer().json().with_writer(|| Lines(io::stderr()))).init();
    } else {
        // Colours are escape sequences too, and could not be told from those of a file that is imported.
        registry.with(fmt::layer().with_ansi(false).with_writer(|| Lines(io::stderr())).with_target(false)).init();
    }
}

/// One line a write, without anything that a terminal would take for a command.
struct Lines<W>(W);

impl<W: Write> Write for Lines<W> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(line);
        let text = text.strip_suffix('\n').unwrap_or(&text);
        self.0.write_all(format!("{}\n", shown(text)).as_bytes())?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// A text of a file or of a request in one line, as it may be written to a terminal or a log: control characters, which
/// could be escape sequences or begin another line, and marks that turn the direction of writing are spelled as JSON
/// spells them.
#[must_use]
pub fn shown(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for char in text.chars() {
        let turns =
            matches!(char, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{061c}');
        match char {
            '\t' => out.push(' '),
            '\n' => out.push_str("\\n"),
            _ if char.is_control() || turns => {
                out.push_str("\\u");
                let digits = [12, 8, 4, 0].map(|shift| char::from_digit((u32::from(char) >> shift) & 15, 16));
                out.extend(digits.into_iter().flatten());
            }
            _ => out.push(char),
        }
    }
    out
}

/// A text of several lines, each as [`shown`].
#[must_use]
pub fn shown_lines(text: &str) -> String {
    text.split('\n').map(shown).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_obey_is_spelled() {
        assert_eq!(shown("a\u{1b}[2Jb\rc\nd\u{9b}31m\u{202e}e"), "a\\u001b[2Jb\\u000dc\\nd\\u009b31m\\u202ee");
        assert_eq!(shown("Köln ÅΩ 東京"), "Köln ÅΩ 東京");
        assert_eq!(shown_lines("a\n\u{7}b"), "a\n\\u0007b");
    }

    #[test]
    fn a_line_of_the_log_stays_one_line() {
        let mut out = Vec::new();
        Lines(&mut out).write_all("INFO made by x\nERROR forged\u{1b}[0m\n".as_bytes()).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "INFO made by x\\nERROR forged\\u001b[0m\n");
    }
}
