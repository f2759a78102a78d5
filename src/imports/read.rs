//! Opens a delimited file: byte-order mark, encoding, delimiter and header.

use std::{
    borrow::Cow,
    io::{self, Cursor, Read},
};

use encoding_rs::{Decoder, DecoderResult, UTF_16BE, UTF_16LE, WINDOWS_1252};

use super::records::{Record, Records, Stop};
use crate::{
    error::{Error, Result, UserCode, UserError},
    text::escaped,
};

/// How much of the file decides what `auto` means.
const SAMPLE: u64 = 1 << 20;
const DELIMITERS: [u8; 4] = *b",;\t|";

/// How the map says the bytes are to be read; `None` stands for `auto`.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Format {
    pub delimiter: Option<u8>,
    pub encoding: Option<Encoding>,
}

/// How bytes become text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    /// UTF-8; a cell that is not, refuses its row.
    Utf8,
    /// Windows-1252, because the map says so.
    Windows1252,
    /// Windows-1252, because the beginning of the file cannot be UTF-8.
    Guessed1252,
}

impl Encoding {
    /// A cell's text, or why it has none.
    pub fn decode(self, bytes: &[u8]) -> Result<Cow<'_, str>, &'static str> {
        match (self, std::str::from_utf8(bytes)) {
            (Self::Guessed1252, Ok(_)) if !bytes.is_ascii() => {
                Err("is UTF-8 in a file that otherwise is windows-1252; name the encoding in [file]")
            }
            (Self::Windows1252 | Self::Guessed1252, _) => Ok(WINDOWS_1252.decode_without_bom_handling(bytes).0),
            (Self::Utf8, Ok(text)) => Ok(text.into()),
            (Self::Utf8, Err(_)) => Err("is not UTF-8; if the file is windows-1252, name it in [file]"),
        }
    }
}

/// An opened file, past its header.
#[derive(Debug)]
pub(super) struct Sheet<R> {
    pub records: Records<io::Chain<Cursor<Vec<u8>>, Input<R>>>,
    pub columns: Vec<String>,
    pub encoding: Encoding,
}

fn refused(reason: &'static str, message: impl Into<String>) -> Error {
    UserError::new(UserCode::Invalid, "file", escaped(&message.into())).because(reason).into()
}

impl From<Stop> for Error {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::OpenQuote(line) => refused(
                "QUOTE_OPEN",
                format!(
                    "line {line}: a cell opens with a quote that is never closed; from this line on nothing was read"
                ),
            ),
            Stop::TooLong(line) => refused(
                "RECORD_TOO_LONG",
                format!("line {line}: the row is longer than a megabyte; from this line on nothing was read"),
            ),
            Stop::Io(error) => refused("FILE_UNREADABLE", format!("the file cannot be read: {error}")),
        }
    }
}

impl<R: Read> Sheet<R> {
    /// Reads the header; `needed` are the columns that the map names.
    pub fn open(format: Format, mut input: R, needed: &[String]) -> Result<Self> {
        let mut mark = Vec::new();
        input.by_ref().take(3).read_to_end(&mut mark).map_err(Stop::Io)?;
        let (utf16, skip) = match mark.as_slice() {
            [0xFF, 0xFE, ..] => (Some(UTF_16LE), 2),
            [0xFE, 0xFF, ..] => (Some(UTF_16BE), 2),
            [0xEF, 0xBB, 0xBF] => (None, 3),
            _ => (None, 0),
        };
        if skip > 0 && format.encoding == Some(Encoding::Windows1252) {
            return Err(refused("ENCODING", "the file begins with a Unicode mark, but the map says windows-1252"));
        }
        let bytes = Cursor::new(mark.split_off(skip)).chain(input);
        let mut input = match utf16 {
            Some(encoding) => Input::Utf16(Transcoder::new(bytes, encoding.new_decoder_without_bom_handling())),
            None => Input::Bytes(bytes),
        };
        let mut sample = Vec::new();
        input.by_ref().take(SAMPLE).read_to_end(&mut sample).map_err(Stop::Io)?;
        let encoding = format.encoding.filter(|_| skip == 0).unwrap_or_else(|| guess(&sample, skip > 0));

        // Some spreadsheets write the delimiter into a first line of its own: `sep=;`.
        let mut line = 1;
        let mut named = format.delimiter;
        if let [b's', b'e', b'p', b'=', delimiter, end @ (b'\r' | b'\n'), rest @ ..] = sample.as_slice() {
            named = named.or(Some(*delimiter));
            let skip = 6 + usize::from(*end == b'\r' && rest.first() == Some(&b'\n'));
            sample.drain(..skip);
            line = 2;
        }
        let header = |delimiter| header(&sample, delimiter, encoding);
        let delimiter = match named {
            Some(delimiter) => delimiter,
            None => sniff(needed, header),
        };
        let columns = header(delimiter)?;
        check(&columns, needed)?;
        let mut records = Records::new(Cursor::new(sample).chain(input), delimiter, line);
        records.next(&mut Record::default())?;
        Ok(Self { records, columns, encoding })
    }
}

/// UTF-8 unless it cannot be. A beginning that has both, sound UTF-8 letters and broken bytes, is a
/// damaged UTF-8 file: read as windows-1252, every sound letter would go wrong.
fn guess(sample: &[u8], marked: bool) -> Encoding {
    let mut chunks = sample.utf8_chunks().peekable();
    let (mut broken, mut letters) = (false, false);
    while let Some(chunk) = chunks.next() {
        letters |= !chunk.valid().is_ascii();
        // The sample may end within a letter.
        broken |= !chunk.invalid().is_empty() && (chunks.peek().is_some() || sample.len() as u64 != SAMPLE);
    }
    if broken && !letters && !marked { Encoding::Guessed1252 } else { Encoding::Utf8 }
}

/// The delimiter under which the map's columns are found; else the one that finds most columns, so
/// that the refusal can list them.
fn sniff(needed: &[String], header: impl Fn(u8) -> Result<Vec<String>>) -> u8 {
    let found = |delimiter: &u8| {
        let columns = header(*delimiter).unwrap_or_default();
        (needed.iter().all(|name| columns.contains(name)), columns.len())
    };
    // Of equals `max_by_key` takes the last, and the comma shall win.
    DELIMITERS.into_iter().rev().max_by_key(found).unwrap_or(b',')
}

fn header(sample: &[u8], delimiter: u8, encoding: Encoding) -> Result<Vec<String>> {
    let mut record = Record::default();
    if !Records::new(sample, delimiter, 1).next(&mut record)? {
        return Err(refused("FILE_EMPTY", "the file is empty: its first line must name the columns"));
    }
    let decode = |cell| encoding.decode(cell).map(|text| text.trim().to_owned());
    record.cells().map(decode).collect::<Result<_, _>>().map_err(|why| refused("ENCODING", format!("the header {why}")))
}

fn check(columns: &[String], needed: &[String]) -> Result<()> {
    if columns.iter().any(|name| name.contains('\0')) {
        return Err(refused("ENCODING", "the header holds NUL bytes: the file is no text, or UTF-16 without its mark"));
    }
    for (place, name) in columns.iter().enumerate() {
        if !name.is_empty() && columns[..place].contains(name) {
            return Err(refused("COLUMN_REPEATED", format!("the file has two columns named `{name}`")));
        }
    }
    let missing: Vec<_> = needed.iter().filter(|name| !columns.contains(name)).map(String::as_str).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let list = |names: &[&str]| names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    let found: Vec<_> = columns.iter().map(String::as_str).take(100).collect();
    let message =
        format!("the map names columns that the file lacks: {}; the file has: {}", list(&missing), list(&found));
    Err(refused("COLUMN_MISSING", message))
}

/// The file's bytes in an encoding that extends ASCII.
#[derive(Debug)]
pub(super) enum Input<R> {
    Bytes(io::Chain<Cursor<Vec<u8>>, R>),
    Utf16(Transcoder<io::Chain<Cursor<Vec<u8>>, R>>),
}

impl<R: Read> Read for Input<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Bytes(input) => input.read(buffer),
            Self::Utf16(input) => input.read(buffer),
        }
    }
}

/// UTF-16 made UTF-8; what is malformed becomes a byte that no UTF-8 has, so that its row is refused.
pub(super) struct Transcoder<R> {
    input: R,
    decoder: Decoder,
    raw: Vec<u8>,
    used: usize,
    text: Vec<u8>,
    sent: usize,
    ended: bool,
}

impl<R> std::fmt::Debug for Transcoder<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Transcoder").finish_non_exhaustive()
    }
}

impl<R: Read> Transcoder<R> {
    fn new(input: R, decoder: Decoder) -> Self {
        Self { input, decoder, raw: Vec::new(), used: 0, text: Vec::new(), sent: 0, ended: false }
    }

    fn fill(&mut self) -> io::Result<()> {
        if self.used == self.raw.len() {
            self.raw.clear();
            self.used = 0;
            self.ended = self.input.by_ref().take(1 << 15).read_to_end(&mut self.raw)? == 0;
        }
        self.text.resize(1 << 16, 0);
        self.sent = 0;
        let last = self.ended;
        let (result, read, written) =
            self.decoder.decode_to_utf8_without_replacement(&self.raw[self.used..], &mut self.text, last);
        self.used += read;
        self.text.truncate(written);
        match result {
            DecoderResult::Malformed(..) => self.text.push(0xFF),
            DecoderResult::InputEmpty | DecoderResult::OutputFull => {}
        }
        Ok(())
    }
}

impl<R: Read> Read for Transcoder<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.sent == self.text.len() {
            if self.ended && self.used == self.raw.len() {
                return Ok(0);
            }
            self.fill()?;
        }
        let size = buffer.len().min(self.text.len() - self.sent);
        buffer[..size].copy_from_slice(&self.text[self.sent..self.sent + size]);
        self.sent += size;
        Ok(size)
    }
}
