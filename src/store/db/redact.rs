//! A database URL as messages may show it.

/// A URL without anything that could be a password, whatever its shape.
///
/// Address and name are shown only where the URL is whole and has one `@`, which ends the login: everywhere else a
/// part of a password may stand where the address seems to be.
#[must_use]
pub fn redact(url: &str) -> String {
    let scheme = ["sqlite", "postgres", "postgresql", "mysql", "mariadb"]
        .into_iter()
        .find(|scheme| url.strip_prefix(scheme).is_some_and(|rest| rest.starts_with(':')));
    let Some(scheme) = scheme else { return "…".to_owned() };
    let hidden = || format!("{scheme}:…");
    if scheme == "sqlite" {
        return if url.contains('@') { hidden() } else { url.to_owned() };
    }
    let shown = || {
        let (_, place) = url.strip_prefix(scheme)?.strip_prefix("://")?.split_once('@')?;
        let parsed = reqwest::Url::parse(url).ok()?;
        // The login is all that stands before the `@`, and no option after the name is shown.
        let (host, name) = (parsed.host_str().filter(|host| !host.is_empty())?, parsed.path());
        let place = place.split(['?', '#']).next().unwrap_or_default();
        let port = parsed.port().map(|port| format!(":{port}")).unwrap_or_default();
        let whole = !place.contains(['@', '%']) && place == format!("{host}{port}{name}");
        whole.then(|| format!("{scheme}://…@{place}"))
    };
    if url.matches('@').count() == 1 { shown().unwrap_or_else(hidden) } else { hidden() }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_whole_url_shows_where_the_database_is_and_another_nothing() {
        for (url, shown) in [
            ("postgres://u:sekret@127.0.0.1:5432/x", "postgres://…@127.0.0.1:5432/x"),
            ("postgresql://u@db.example/x?password=sekret", "postgresql://…@db.example/x"),
            ("sqlite:///var/lib/tandem.db", "sqlite:///var/lib/tandem.db"),
            ("postgres://u:se/kret@127.0.0.1:1/x", "postgres:…"),
            ("postgres://u:s/e@kret@127.0.0.1:1/x", "postgres:…"),
            ("postgres:/u:sekret@127.0.0.1/x", "postgres:…"),
            ("postgresql//u:sekret@h/x", "…"),
            ("mysql://u:sekret@h/x", "mysql://…@h/x"),
            ("postgres://u:sekret@[::1/x", "postgres:…"),
            ("postgres://u:sekret@h:port/x", "postgres:…"),
            ("postgres://u:12/kret@h/x", "postgres:…"),
            ("postgres://u:12#kret@h/x", "postgres:…"),
            ("postgres://u:1234/x", "postgres:…"),
            ("sekret", "…"),
        ] {
            assert_eq!(redact(url), shown);
        }
    }

    proptest! {
        #[test]
        fn no_password_is_shown_whatever_it_is_made_of(
            scheme in "postgres|postgresql|mysql|sqlite|Postgres|pg|",
            slashes in ":|:/|://|:///|//|",
            before in "[@:/?#%\\[\\] a-z0-9]{0,8}",
            after in "[@:/?#%\\[\\] a-z0-9]{0,8}",
            host in "h|127.0.0.1|\\[::1\\]|\\[::1|",
            port in "|:1|:port",
        ) {
            let url = format!("{scheme}{slashes}u:{before}SEKRET{after}@{host}{port}/x");
            prop_assert!(!redact(&url).to_uppercase().contains("SEKRET"), "{url} shows {}", redact(&url));
        }
    }
}
