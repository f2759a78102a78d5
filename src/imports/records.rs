//! Splits delimited bytes into records, stricter than RFC 4180 asks and with bounded memory.
//!
//! The `csv` crate takes an open quote for the rest of the file and says nothing about text after
//! a closing quote: either would make rows vanish or go wrong in silence. It also counts lines
//! differently for CR LF, and the line is how a person finds a refused row.

use std::io::{self, Read};

/// A record with more bytes is no record but a lost quote.
const LONGEST: usize = 1 << 20;

/// One record, reused from row to row.
#[derive(Debug, Default)]
pub(super) struct Record {
    /// The line of the file in which it begins, from 1.
    pub line: u64,
    /// The line in which it ends.
    pub last_line: u64,
    /// Whether text follows a closing quote in the same cell.
    pub stray: bool,
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Record {
    /// Number of cells.
    pub fn width(&self) -> usize {
        self.ends.len()
    }

    /// One cell's bytes, without its quotes.
    pub fn cell(&self, place: usize) -> &[u8] {
        let start = if place == 0 { 0 } else { self.ends[place - 1] };
        &self.bytes[start..self.ends[place]]
    }

    /// All cells' bytes.
    pub fn cells(&self) -> impl Iterator<Item = &[u8]> {
        (0..self.width()).map(|place| self.cell(place))
    }

    /// Whether no cell holds anything.
    pub fn is_blank(&self) -> bool {
        self.bytes.iter().all(u8::is_ascii_whitespace)
    }
}

/// Why reading cannot go on.
#[derive(Debug)]
pub(super) enum Stop {
    /// A quote that opens in this line is never closed.
    OpenQuote(u64),
    /// The record that begins in this line is longer than a megabyte.
    TooLong(u64),
    /// The bytes cannot be read.
    Io(io::Error),
}

/// Reads records one after the other.
#[derive(Debug)]
pub(super) struct Records<R> {
    input: R,
    delimiter: u8,
    line: u64,
    buffer: Box<[u8]>,
    start: usize,
    end: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Start,
    Bare,
    Quoted,
    Closed,
}

impl<R: Read> Records<R> {
    /// From this input, whose first byte stands in this line.
    pub fn new(input: R, delimiter: u8, line: u64) -> Self {
        Self { input, delimiter, line, buffer: vec![0; 1 << 16].into(), start: 0, end: 0 }
    }

    fn peek(&mut self) -> Result<Option<u8>, Stop> {
        while self.start == self.end {
            match self.input.read(&mut self.buffer) {
                Ok(0) => return Ok(None),
                Ok(read) => (self.start, self.end) = (0, read),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(Stop::Io(error)),
            }
        }
        Ok(Some(self.buffer[self.start]))
    }

    /// Reads the next record that is not an empty line; false at the end of the file.
    pub fn next(&mut self, record: &mut Record) -> Result<bool, Stop> {
        loop {
            let any = self.read(record)?;
            if !any || record.width() > 1 || !record.is_blank() {
                return Ok(any);
            }
        }
    }

    fn read(&mut self, record: &mut Record) -> Result<bool, Stop> {
        record.bytes.clear();
        record.ends.clear();
        (record.line, record.stray) = (self.line, false);
        let (mut state, mut opened) = (State::Start, self.line);
        if self.peek()?.is_none() {
            return Ok(false);
        }
        while let Some(byte) = self.peek()? {
            self.start += 1;
            record.last_line = self.line;
            match (state, byte) {
                (State::Start, b'"') => (state, opened) = (State::Quoted, self.line),
                (State::Quoted, b'"') => state = State::Closed,
                (State::Quoted, _) => {
                    self.line += u64::from(byte == b'\n');
                    record.bytes.push(byte);
                }
                (State::Closed, b'"') => {
                    record.bytes.push(byte);
                    state = State::Quoted;
                }
                (_, b'\n' | b'\r') => {
                    if byte == b'\r' && self.peek()? == Some(b'\n') {
                        self.start += 1;
                    }
                    self.line += 1;
                    record.ends.push(record.bytes.len());
                    return Ok(true);
                }
                (_, byte) if byte == self.delimiter => {
                    record.ends.push(record.bytes.len());
                    state = State::Start;
                }
                (_, byte) => {
                    record.stray |= state == State::Closed;
                    record.bytes.push(byte);
                    state = State::Bare;
                }
            }
            if record.bytes.len() + record.ends.len() > LONGEST {
                return Err(if state == State::Quoted { Stop::OpenQuote(opened) } else { Stop::TooLong(record.line) });
            }
        }
        if state == State::Quoted {
            return Err(Stop::OpenQuote(opened));
        }
        record.ends.push(record.bytes.len());
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(text: &str) -> Vec<(u64, Vec<String>)> {
        let mut records = Records::new(text.as_bytes(), b',', 1);
        let mut record = Record::default();
        let mut rows = Vec::new();
        while records.next(&mut record).unwrap() {
            rows.push((record.line, record.cells().map(|cell| String::from_utf8_lossy(cell).into_owned()).collect()));
        }
        rows
    }

    fn row(line: u64, cells: &[&str]) -> (u64, Vec<String>) {
        (line, cells.iter().map(|&cell| cell.to_owned()).collect())
    }

    #[test]
    fn every_line_ending_counts_the_same_lines() {
        let expected = vec![row(1, &["a", "b"]), row(3, &["1", "2"]), row(4, &["3", ""])];
        for end in ["\n", "\r\n", "\r"] {
            assert_eq!(split(&["a,b", "", "1,2", "3,", ""].join(end)), expected);
        }
    }

    #[test]
    fn quotes_hold_delimiters_newlines_and_doubled_quotes() {
        let text = "\"a,\"\"b\"\"\",\"x\r\ny\"\r\nlast,\"\"";
        assert_eq!(split(text), vec![row(1, &["a,\"b\"", "x\r\ny"]), row(3, &["last", ""])]);
        assert_eq!(split("5\" pipe,x"), vec![row(1, &["5\" pipe", "x"])]);
    }

    #[test]
    fn a_quote_that_is_never_closed_stops_the_reading_at_its_line() {
        let mut records = Records::new("a,b\n1,\"2\n3,4\n".as_bytes(), b',', 1);
        let mut record = Record::default();
        assert!(records.next(&mut record).unwrap());
        assert!(matches!(records.next(&mut record), Err(Stop::OpenQuote(2))));
    }

    #[test]
    fn an_endless_record_is_not_kept_in_memory() {
        let mut record = Record::default();
        let bare = io::repeat(b'x').take(64 << 20);
        assert!(matches!(Records::new(bare, b',', 1).next(&mut record), Err(Stop::TooLong(1))));
        let quoted = b"\n\"".chain(io::repeat(b'x').take(64 << 20));
        assert!(matches!(Records::new(quoted, b',', 1).next(&mut record), Err(Stop::OpenQuote(2))));
        assert!(record.bytes.capacity() < 4 << 20);
    }

    #[test]
    fn text_after_a_closing_quote_is_noticed() {
        let mut record = Record::default();
        assert!(Records::new("\"a\"b,c\n".as_bytes(), b',', 1).next(&mut record).unwrap());
        assert!(record.stray);
    }
}
