//! Words that stand nowhere but in one field of one record, so that wherever one turns up, in an error or in
//! the middle of a text, it tells where it comes from.

use std::collections::BTreeSet;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::Value;

/// Makes up words.
#[derive(Default)]
pub struct Words(u32);

impl Words {
    /// A word that has not been said yet.
    pub fn next(&mut self) -> String {
        self.0 += 1;
        let letter = |power: u32| char::from(b'a' + u8::try_from(self.0 / 26_u32.pow(power) % 26).expect("a letter"));
        format!("zq{}{}{}qz", letter(2), letter(1), letter(0))
    }
}

/// The made-up words and global ids that stand in a text, whatever stands around them.
pub fn said(text: &str) -> BTreeSet<String> {
    let text = text.to_lowercase();
    let bytes = text.as_bytes();
    let mut found = BTreeSet::new();
    for at in 0..bytes.len() {
        let rest = &bytes[at..];
        if rest.len() >= 7
            && rest.starts_with(b"zq")
            && &rest[5..7] == b"qz"
            && rest[2..5].iter().all(u8::is_ascii_lowercase)
        {
            found.insert(text[at..at + 7].to_owned());
        }
        // An id: letters, an underline, 26 digits and letters.
        if bytes[at] == b'_' && rest.len() > 26 && rest[1..27].iter().all(u8::is_ascii_alphanumeric) {
            let start = bytes[..at].iter().rposition(|byte| !byte.is_ascii_lowercase()).map_or(0, |before| before + 1);
            if entity::id::parse(&text[start..at + 27]).is_some() {
                found.insert(text[start..at + 27].to_owned());
            }
        }
    }
    found
}

/// All texts of an answer, cursors as what is written in them.
fn texts(answer: &Value) -> String {
    match answer {
        Value::String(text) => match URL_SAFE_NO_PAD.decode(text) {
            Ok(cursor) if text.starts_with("WyJ") => format!("{} ", String::from_utf8_lossy(&cursor)),
            _ => format!("{text} "),
        },
        Value::Array(items) => items.iter().map(texts).collect(),
        Value::Object(fields) => fields.iter().map(|(name, value)| [name, " ", &texts(value)].concat()).collect(),
        _ => String::new(),
    }
}

/// What is said in an answer and is neither known to the asker nor in their question.
pub fn unexplained(answer: &Value, known: &BTreeSet<String>, question: &str) -> Vec<String> {
    let asked = said(question);
    said(&texts(answer)).into_iter().filter(|word| !known.contains(word) && !asked.contains(word)).collect()
}

#[test]
fn words_are_found_wherever_they_stand() {
    let id = entity::id::global(entity::Kind::Account, sea_orm::prelude::Uuid::max());
    let mut words = Words::default();
    let (one, two) = (words.next(), words.next());
    let text = format!("\"{}@x.example\" ({id}), {two}.", one.to_uppercase());
    assert_eq!(said(&text), BTreeSet::from([one, two, id]));
    assert_eq!(said("no words here, acct_01h and _00000000000000000000000001"), BTreeSet::new());
}
