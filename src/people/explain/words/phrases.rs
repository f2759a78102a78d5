//! The words that sentences are made of.

use entity::Kind;

use crate::{access::Action, text::words};

pub(super) const fn verb(action: Action) -> &'static str {
    match action {
        Action::Read => "see",
        Action::Create => "create",
        Action::Update => "change",
        Action::Delete => "archive",
        Action::Approve => "approve",
        Action::Assign => "give away",
        Action::Export => "export",
        Action::Import => "import",
        Action::Merge => "merge",
        Action::Erase => "erase",
        Action::Manage => "administer",
    }
}

/// `Ann, Bob and Cleo`.
pub(super) fn list(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [head @ .., last] => format!("{} and {last}", head.join(", ")),
    }
}

/// Several records of a kind: `accounts`.
pub(super) fn plural(kind: Kind) -> String {
    let kind = words(kind.name());
    match kind.strip_suffix('y') {
        Some(stem) if !stem.ends_with(['a', 'e', 'o', 'u']) => format!("{stem}ies"),
        _ => format!("{kind}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_spoken_as_words() {
        assert_eq!((plural(Kind::Story), plural(Kind::ApiKey)), ("stories".to_owned(), "api keys".to_owned()));
        assert_eq!(list(&["Ann", "Bob", "Cleo"]), "Ann, Bob and Cleo");
    }
}
