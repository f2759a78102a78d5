//! Searching: words that stand in any of a record type's searchable fields.

use entity::{Kind, table::Field};

use super::{Filter, Place, Test};
use crate::{
    access::Actor,
    error::{Error, Result},
    store::fold,
    text::normal,
};

/// How many words a search may have.
pub const MAX_WORDS: usize = 10;

/// The condition that any of the kind's searchable fields contains each word of `text`, fields
/// hidden from the actor left out. Refused where the kind has nothing to search and where there are
/// more than [`MAX_WORDS`] words: a word that is left out would find what was not asked for.
pub fn search(kind: Kind, text: &str, actor: &Actor) -> Result<Filter> {
    let fields: Vec<&'static Field> =
        kind.table().fields.iter().filter(|field| field.search && !actor.policy.hides(kind, &field.name)).collect();
    if !kind.table().fields.iter().any(|field| field.search) {
        return Err(Error::argument(format!("{} cannot be searched.", kind.table().plural)));
    }
    let form = normal(text);
    let words: Vec<&str> = form.split_whitespace().collect();
    // Nothing is asked for by white space; what cannot be seen is asked for, and is nowhere.
    if words.is_empty() && !text.trim().is_empty() {
        return Ok(Filter::Or(vec![]));
    }
    if words.len() > MAX_WORDS {
        let message = format!("search takes at most {MAX_WORDS} words; this has {}.", words.len());
        return Err(Error::argument(message));
    }
    Ok(Filter::And(
        words
            .iter()
            .map(|word| {
                let contains = |field: &&'static Field| {
                    Filter::Test(field, Test::Folded(Box::new(needle(field, Place::Inside, word, true))))
                };
                Filter::Or(fields.iter().map(contains).collect())
            })
            .collect(),
    ))
}

/// The test that a text has another in some place. Of every text it is true that it has the empty one; one of which
/// nothing is left to look for is in none.
pub(super) fn needle(field: &Field, place: Place, text: &str, folded: bool) -> Test {
    let form = match normal(text) {
        form if !folded => form.into_owned(),
        form if field.is_own_key() => form.to_lowercase(),
        form => fold(&form),
    };
    if form.is_empty() && !text.is_empty() { Test::In(vec![], false) } else { Test::Like(place, form) }
}
