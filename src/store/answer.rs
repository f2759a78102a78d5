//! An answer in the making: its JSON, and the fields in it that failed alone.

use std::ops::{Deref, DerefMut};

use crate::error::Error;

/// A buffer of JSON, with the places in it where a null stands for what failed.
#[derive(Debug, Default)]
pub struct Out {
    json: Vec<u8>,
    failed: Vec<(usize, Error)>,
}

/// A field's JSON, and what failed within it.
#[derive(Debug)]
pub struct Answer {
    /// The JSON; null in the place of what failed.
    pub json: Vec<u8>,
    /// What failed within it.
    pub failed: Vec<Failed>,
}

/// A nullable field that failed alone.
#[derive(Debug)]
pub struct Failed {
    /// Where it stands, below the field that was asked for.
    pub path: Vec<Step>,
    /// Why.
    pub error: Error,
}

/// One step of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// To what stands under a key.
    Key(String),
    /// To an item of a list.
    Item(usize),
}

impl Deref for Out {
    type Target = Vec<u8>;
    fn deref(&self) -> &Vec<u8> {
        &self.json
    }
}

impl DerefMut for Out {
    fn deref_mut(&mut self) -> &mut Vec<u8> {
        &mut self.json
    }
}

impl Out {
    /// An empty one.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty one with room for this many bytes.
    #[must_use]
    pub fn with_capacity(bytes: usize) -> Self {
        Self { json: Vec::with_capacity(bytes), failed: vec![] }
    }

    /// Writes null for what failed.
    pub fn fail(&mut self, error: Error) {
        self.failed.push((self.json.len(), error));
        self.json.extend_from_slice(b"null");
    }

    /// The finished answer.
    #[must_use]
    pub fn finish(self) -> Answer {
        let failed = self.failed.into_iter().map(|(at, error)| Failed { path: path(&self.json[..at]), error });
        Answer { failed: failed.collect(), json: self.json }
    }
}

/// The path to what comes after the start of a JSON text.
fn path(start: &[u8]) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let mut at = 0;
    while at < start.len() {
        match start[at] {
            b'{' => steps.push(Step::Key(String::new())),
            b'[' => steps.push(Step::Item(0)),
            b'}' | b']' => {
                steps.pop();
            }
            b',' => match steps.last_mut() {
                Some(Step::Item(item)) => *item += 1,
                Some(Step::Key(key)) => key.clear(),
                None => {}
            },
            b'"' => {
                let text = at + 1;
                at = text;
                while start.get(at).is_some_and(|byte| *byte != b'"') {
                    at += if start[at] == b'\\' { 2 } else { 1 };
                }
                // The first text after a brace or a comma is a key; those after it are values.
                if let Some(Step::Key(key)) = steps.last_mut().filter(|step| **step == Step::Key(String::new())) {
                    *key = String::from_utf8_lossy(start.get(text..at).unwrap_or_default()).into_owned();
                }
            }
            _ => {}
        }
        at += 1;
    }
    steps
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_failed_is_found_by_its_path() {
        let mut out = Out::new();
        out.extend_from_slice(br#"{"a, \"b":"x{[\\","lists":[{"n":1},{"name":"key","more":[[],"#);
        out.fail(Error::argument("no"));
        out.extend_from_slice(b"]}]}");
        let answer = out.finish();
        assert!(serde_json::from_slice::<serde_json::Value>(&answer.json).is_ok());
        let key = |key: &str| Step::Key(key.to_owned());
        assert_eq!(answer.failed[0].path, [key("lists"), Step::Item(1), key("more"), Step::Item(1)]);
    }
}
