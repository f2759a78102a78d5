//! What is configured of the issuer: whom to trust, and what its claims mean here.

use crate::{
    access::oidc::{Claims, Rules},
    error::{Error, Result},
    outward,
};

/// What is configured of the issuer.
#[derive(Clone, Debug)]
pub struct Settings {
    /// What a token must say to be taken.
    pub rules: Rules,
    /// Where a token names the person's groups.
    pub groups: String,
    /// Which group gives which role, by its key.
    pub roles: Vec<(String, String)>,
    /// Where a token names the person's department.
    pub department: Option<String>,
}

impl Settings {
    /// Checks what was configured: the issuer's address, for whom tokens must be meant, the path of the
    /// groups, and what groups give, as `group=role,…`.
    pub fn new(issuer: &str, audiences: &[String], groups: &str, roles: &[String]) -> Result<Self> {
        let mistake = |message: String| Err(Error::internal(message));
        match outward::trusted(issuer) {
            Err(why) => return mistake(format!("--oidc-issuer {why}")),
            Ok(url) if url.query().is_some() => {
                return mistake("--oidc-issuer must not have a query string".to_owned());
            }
            Ok(_) => {}
        }
        let audiences: Vec<String> =
            audiences.iter().map(|one| one.trim().to_owned()).filter(|one| !one.is_empty()).collect();
        if audiences.is_empty() {
            return mistake("--oidc-issuer requires --oidc-audience, the accepted audiences of its tokens".to_owned());
        }
        if groups.trim().is_empty() {
            return mistake("--oidc-groups-claim must be the name of a claim".to_owned());
        }
        let mut mapping = Vec::new();
        for text in roles.iter().filter(|text| !text.trim().is_empty()) {
            mapping.extend(pairs(text).map_err(|what| {
                Error::internal(format!(
                    "--oidc-roles takes group=role, separated by commas; “{}” is not that",
                    crate::store::value::short(&what)
                ))
            })?);
        }
        let trusted = Rules { issuer: issuer.to_owned(), audiences };
        Ok(Self { rules: trusted, groups: groups.trim().to_owned(), roles: mapping, department: None })
    }

    /// With the path of the claim that names the department.
    #[must_use]
    pub fn with_department(mut self, path: Option<&str>) -> Self {
        self.department = path.map(|path| path.trim().to_owned()).filter(|path| !path.is_empty());
        self
    }

    /// The keys of the roles that a token's groups give, in order, separated by blanks.
    pub(super) fn roles_of(&self, claims: &Claims) -> String {
        let groups = claims.texts(&self.groups);
        let given = self.roles.iter().filter(|(group, _)| groups.contains(&group.as_str()));
        let mut roles: Vec<&str> = given.map(|(_, role)| role.as_str()).collect();
        roles.sort_unstable();
        roles.dedup();
        roles.join(" ")
    }
}

/// Reads `group=role,…`. A group may have anything in its name: of several `=` the last one counts, and a
/// comma of the name is written `\,`. A backslash elsewhere is itself.
fn pairs(text: &str) -> Result<Vec<(String, String)>, String> {
    let (mut parts, mut part) = (Vec::new(), String::new());
    let mut characters = text.chars().peekable();
    while let Some(c) = characters.next() {
        match c {
            '\\' if matches!(characters.peek(), Some(',' | '\\')) => part.extend(characters.next()),
            ',' => parts.push(std::mem::take(&mut part)),
            c => part.push(c),
        }
    }
    parts.push(part);
    let pair = |part: String| match part.rsplit_once('=').map(|(group, role)| (group.trim(), role.trim())) {
        Some((group, role)) if !group.is_empty() && !role.is_empty() && !role.contains(char::is_whitespace) => {
            Ok((group.to_owned(), role.to_owned()))
        }
        _ => Err(part),
    };
    parts.into_iter().map(pair).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<(String, String)> {
        pairs(text).unwrap_or_else(|what| panic!("{what} in {text}"))
    }

    fn pair(group: &str, role: &str) -> (String, String) {
        (group.to_owned(), role.to_owned())
    }

    #[test]
    fn a_group_may_have_anything_in_its_name() {
        assert_eq!(read("a=rep"), [pair("a", "rep")]);
        assert_eq!(
            read("Sales Team = rep , /eu/sales.de=sales_manager"),
            [pair("Sales Team", "rep"), pair("/eu/sales.de", "sales_manager")]
        );
        assert_eq!(read(r"CN=Sales\,OU=Groups=rep,x=y"), [pair("CN=Sales,OU=Groups", "rep"), pair("x", "y")]);
        assert_eq!(read(r"ACME\Sales=rep,ACME\\=x"), [pair(r"ACME\Sales", "rep"), pair(r"ACME\", "x")]);
    }

    #[test]
    fn what_is_no_pair_is_named() {
        for bad in ["a", "=", "a=", "=rep", "a=rep,", ",a=rep", "a=rep,b", "a=two words", "  "] {
            assert!(pairs(bad).is_err(), "{bad}");
        }
        assert_eq!(pairs("a=rep,b").unwrap_err(), "b");
    }

    #[test]
    fn mistakes_of_the_configuration_are_told() {
        let told = |issuer: &str, audience: &str, groups: &str, roles: &str| {
            Settings::new(issuer, &[audience.to_owned()], groups, &[roles.to_owned()])
                .map(|_| ())
                .unwrap_err()
                .to_string()
        };
        assert!(told("http://id.example", "t", "groups", "").contains("must use https"));
        assert!(told("https://id.example/?a=b", "t", "groups", "").contains("query string"));
        assert!(told("https://id.example", " ", "groups", "").contains("--oidc-audience"));
        assert!(told("https://id.example", "t", "", "").contains("--oidc-groups-claim"));
        assert!(told("https://id.example", "t", "groups", "nothing").contains("“nothing”"));
        assert!(Settings::new("https://id.example", &["t".to_owned()], "groups", &[String::new()]).is_ok());
    }
}
