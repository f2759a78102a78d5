//! What holds for accounts, whoever asks.

use crate::text::tidy;

/// The registrable domain that a web address, host name or e-mail domain belongs to, by the public
/// suffix list: `https://www.Acme.co.uk/x` becomes `acme.co.uk`. Or why it has none.
pub fn domain(text: &str) -> Result<String, String> {
    let text = tidy(text);
    let text = &*text;
    let refuse = || format!("“{}” is not a domain such as acme.example.", crate::store::value::short(text));
    let host = text.split_once("://").map_or(text, |(_, rest)| rest);
    let host = host.split(['/', '?', '#']).next().unwrap_or_default();
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    let host = host.split(':').next().unwrap_or_default().trim_end_matches('.');
    let ascii = idna::domain_to_ascii(host).map_err(|_| refuse())?;
    let well_formed = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    if ascii.len() > 253
        || !ascii.split('.').all(well_formed)
        || ascii.rsplit('.').next().is_some_and(|top| top.bytes().all(|b| b.is_ascii_digit()))
    {
        return Err(refuse());
    }
    psl::domain_str(&ascii)
        .map(str::to_owned)
        .ok_or_else(|| format!("“{ascii}” is a public suffix, not a company domain."))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn addresses_and_hosts_come_down_to_the_registrable_domain() {
        for (text, expected) in [
            ("acme.example", "acme.example"),
            ("https://www.Acme.co.uk/path?x=1", "acme.co.uk"),
            ("ann@mail.acme.de", "acme.de"),
            ("www.müller.de:8080", "xn--mller-kva.de"),
            ("shop.acme.com.", "acme.com"),
        ] {
            assert_eq!(domain(text).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_no_company_can_register_is_refused() {
        for text in ["", "localhost", "co.uk", "com", "10.0.0.1", "acme..com", "-acme.com", "a b.com", "acme_1.com"] {
            assert!(domain(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn normalising_twice_changes_nothing(text in "([a-zäöü0-9]{1,8}\\.){1,3}(de|com|co\\.uk|example)") {
            if let Ok(once) = domain(&text) {
                prop_assert_eq!(domain(&once), Ok(once));
            }
        }
    }
}
