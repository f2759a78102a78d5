//! Logs, to standard error, for people or as JSON.

use std::io::{self, Write};

use crate::text::escaped;
use tracing_subscriber::{EnvFilter, fmt, layer::SubscriberExt, util::SubscriberInitExt};

/// Starts logging as `TANDEM_LOG` (a filter, `info` where it is not set) and `TANDEM_LOG_FORMAT`
/// (`text` or `json`) say.
pub fn start() {
    let filter = EnvFilter::try_from_env("TANDEM_LOG")
        .unwrap_or_else(|_| EnvFilter::new("info,sqlx=warn,sea_orm_migration=warn"));
    let json = std::env::var("TANDEM_LOG_FORMAT").is_ok_and(|format| format == "json");
    let registry = tracing_subscriber::registry().with(filter);
    if json {
        // JSON has escapes of its own.
        registry.with(fmt::layer().json().with_writer(io::stderr)).init();
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
        self.0.write_all(format!("{}\n", escaped(text)).as_bytes())?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_the_log_stays_one_line() {
        let mut out = Vec::new();
        Lines(&mut out).write_all("INFO made by x\nERROR forged\u{1b}[0m\n".as_bytes()).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "INFO made by x\\nERROR forged\\u{1b}[0m\n");
    }
}
