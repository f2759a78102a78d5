//! E-mail addresses, in the syntax of the HTML standard, which is what a field of a form takes.

use super::tidy;

/// An e-mail address as it is stored and compared, or nothing where the text is none: in lower case, with the domain as
/// the Domain Name System has it. Before the sign stand letters of ASCII, digits and `.!#$%&'*+/=?^_{|}~-` and the
/// grave accent; other letters, which few servers take, are more often a mistake.
#[must_use]
pub fn email(text: &str) -> Option<String> {
    email_of(&tidy(text))
}

/// The same of a text that is in its normal form.
fn email_of(text: &str) -> Option<String> {
    let (local, domain) = text.rsplit_once('@')?;
    let takes = |b: u8| b.is_ascii_alphanumeric() || b".!#$%&'*+/=?^_`{|}~-".contains(&b);
    if local.is_empty() || local.len() > 64 || !local.bytes().all(takes) {
        return None;
    }
    let domain = idna::domain_to_ascii(domain).ok()?;
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let whole = domain.contains('.') && domain.len() <= 253 && domain.split('.').all(is_label);
    whole.then(|| format!("{}@{domain}", local.to_ascii_lowercase()))
}

/// A text as e-mail addresses are compared with it: an address as it is stored, anything else in lower case.
#[must_use]
pub fn email_key(text: &str) -> String {
    let text = tidy(text);
    email_of(&text).unwrap_or_else(|| text.to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_is_written_in_one_way() {
        for text in [
            "info@firma.com.tr",
            "Info@Firma.com.TR",
            "in\u{200b}fo@firma.com.tr",
            "\u{feff}info@firma.com.tr",
            "info@fir\u{ad}ma.com.tr",
            " info@firma.com.tr\u{2060} ",
            "info@ｆirma.com.tr",
        ] {
            assert_eq!(email(text).as_deref(), Some("info@firma.com.tr"), "{}", text.escape_unicode());
        }
        for text in ["info@mu\u{308}ller.de", "info@MÜLLER.de", "info@xn--mller-kva.de"] {
            assert_eq!(email(text).as_deref(), Some("info@xn--mller-kva.de"), "{}", text.escape_unicode());
        }
    }

    #[test]
    fn what_is_no_address_is_none() {
        for text in [
            "",
            "@",
            "a@",
            "@b.de",
            "ann",
            "ann@localhost",
            "ann@.de",
            "ann@a..de",
            "ann@a.de.",
            "a b@c.de",
            "a@b c.de",
            "İnfo@firma.com.tr",
            "ınfo@firma.com.tr",
            "jörg@firma.de",
            "a@b@c.de",
            "<a@b.de>",
            "a,b@c.de",
            "\"a\"@b.de",
            "a@-b.de",
            "a@b_c.de",
            "a\n@b.de",
        ] {
            assert_eq!(email(text), None, "{text}");
        }
        assert_eq!(email_key(" İNFO"), "i̇nfo");
    }
}
