//! What a proven token says of its bearer.

use entity::{Department, Instant};
use serde_json::{Map, Value as Json};

/// The claims of a token that was proven.
#[derive(Clone, Debug)]
pub struct Claims {
    /// By which the issuer knows the person, for ever.
    pub subject: String,
    /// When the token was given.
    pub issued_at: Instant,
    /// When it ends, by how much the clocks may differ included.
    pub expires_at: Instant,
    pub(super) all: Map<String, Json>,
}

impl Claims {
    /// The texts at a path: one, or a list of them.
    #[must_use]
    pub fn texts(&self, path: &str) -> Vec<&str> {
        match at(&self.all, path) {
            Some(Json::Array(all)) => all.iter().filter_map(Json::as_str).collect(),
            Some(Json::String(one)) => vec![one],
            _ => vec![],
        }
    }

    /// The e-mail address as addresses are stored, and whether the issuer vouches for it.
    #[must_use]
    pub fn email(&self) -> Option<(String, bool)> {
        let email = crate::text::email_key(self.text("email")?);
        // Some issuers send a word where the standard has a truth value.
        let verified = self.all.get("email_verified").is_some_and(|is| *is == true || *is == "true");
        Some((email, verified))
    }

    /// How to call the person, of at most so many characters.
    #[must_use]
    pub fn name(&self, longest: usize) -> String {
        let parts: Vec<&str> = ["given_name", "family_name"].into_iter().filter_map(|part| self.text(part)).collect();
        let whole = (!parts.is_empty()).then(|| parts.join(" "));
        let other = |name| self.text(name).map(str::to_owned);
        let name = other("name").or(whole).or_else(|| other("preferred_username")).or_else(|| other("email"));
        let name = name.unwrap_or_else(|| self.subject.clone());
        name.chars().map(|c| if c.is_control() { ' ' } else { c }).take(longest).collect()
    }

    /// The department that the claim at a path names: `Customer service` as well as `CUSTOMER_SERVICE`.
    #[must_use]
    pub fn department(&self, path: &str) -> Option<Department> {
        let spell = |name: &str| name.trim().to_uppercase().replace([' ', '-'], "_");
        self.texts(path).into_iter().find_map(|name| Department::parse(&spell(name)))
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.all.get(name)?.as_str().map(str::trim).filter(|text| !text.is_empty())
    }
}

/// What stands at a dotted path. The names of claims may have dots themselves, as addresses do: the whole
/// is tried as a name before its parts.
fn at<'a>(claims: &'a Map<String, Json>, path: &str) -> Option<&'a Json> {
    claims.get(path).or_else(|| {
        let steps = path.char_indices().filter(|(_, c)| *c == '.');
        steps
            .map(|(dot, _)| (&path[..dot], &path[dot + 1..]))
            .find_map(|(head, rest)| at(claims.get(head)?.as_object()?, rest))
    })
}
