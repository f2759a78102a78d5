//! Logs: to standard error, for people or as JSON.

use tracing_subscriber::{EnvFilter, fmt, layer::SubscriberExt, util::SubscriberInitExt};

/// Starts logging as `TANDEM_LOG` (a filter, `info` where it is not set) and `TANDEM_LOG_FORMAT`
/// (`text` or `json`) say.
pub fn start() {
    let filter = EnvFilter::try_from_env("TANDEM_LOG")
        .unwrap_or_else(|_| EnvFilter::new("info,sqlx=warn,sea_orm_migration=warn"));
    let json = std::env::var("TANDEM_LOG_FORMAT").is_ok_and(|format| format == "json");
    let registry = tracing_subscriber::registry().with(filter);
    if json {
        registry.with(fmt::layer().json().with_writer(std::io::stderr)).init();
    } else {
        registry.with(fmt::layer().with_writer(std::io::stderr).with_target(false)).init();
    }
}

/// A text of somebody else's, for a log line or a message: on one line, and what cannot be seen is
/// written as an escape. A terminal that shows the log takes no command from it.
#[must_use]
pub fn printable(text: &str) -> String {
    let mut printable = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() || is_invisible(c) {
            printable.extend(c.escape_default());
        } else {
            printable.push(c);
        }
    }
    printable
}

/// Characters that are no controls and yet have no shape, or change how their neighbours are shown.
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}'
        | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::printable;

    #[test]
    fn what_cannot_be_seen_is_written_as_an_escape() {
        assert_eq!(printable("Zoë – 漢字 👩"), "Zoë – 漢字 👩");
        assert_eq!(printable("a\u{1b}[31mb\nc\r"), "a\\u{1b}[31mb\\nc\\r");
        assert_eq!(printable("1\u{200b}\u{202e}\u{9b}"), "1\\u{200b}\\u{202e}\\u{9b}");
    }
}
