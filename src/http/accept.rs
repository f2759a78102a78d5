//! Content negotiation: which of the two JSON types an answer has, and which bodies are understood.

use axum::http::{HeaderMap, header};

/// How an answer is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Media {
    /// `application/graphql-response+json`: the status tells about the request.
    GraphQl,
    /// `application/json`: 200 whenever there is a GraphQL answer at all.
    Legacy,
}

impl Media {
    /// As a `Content-Type`.
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::GraphQl => "application/graphql-response+json; charset=utf-8",
            Self::Legacy => "application/json; charset=utf-8",
        }
    }
}

/// What the client accepts; nothing where it accepts neither.
pub(super) fn negotiate(headers: &HeaderMap) -> Option<Media> {
    let ranges = ranges(headers)?;
    if ranges.is_empty() {
        return Some(Media::Legacy);
    }
    let graphql = quality(&ranges, "application/graphql-response+json");
    let legacy = quality(&ranges, "application/json");
    let wild = |(quality, exact): (u16, u8)| if exact == 2 { quality } else { 0 };
    // A wildcard asks for the older type, which every client can read.
    match (wild(graphql), legacy.0) {
        (0, 0) => (graphql.0 > 0).then_some(Media::GraphQl),
        (graphql, legacy) if graphql >= legacy => Some(Media::GraphQl),
        _ => Some(Media::Legacy),
    }
}

/// Whether the client takes an event stream.
pub(super) fn takes_events(headers: &HeaderMap) -> bool {
    ranges(headers).is_some_and(|ranges| ranges.is_empty() || quality(&ranges, "text/event-stream").0 > 0)
}

/// The ranges of all `Accept` headers with their qualities in thousandths; nothing where they are not text.
fn ranges(headers: &HeaderMap) -> Option<Vec<(String, u16)>> {
    let mut all = Vec::new();
    for header in headers.get_all(header::ACCEPT) {
        for range in header.to_str().ok()?.split(',') {
            let mut parts = range.split(';');
            let name = parts.next().unwrap_or_default().trim().to_ascii_lowercase();
            if name.is_empty() {
                continue;
            }
            let quality = parts
                .filter_map(|part| part.split_once('='))
                .find(|(name, _)| name.trim().eq_ignore_ascii_case("q"))
                .map_or(Some(1.0), |(_, value)| value.trim().parse::<f32>().ok())
                .filter(|quality| (0.0..=1.0).contains(quality))
                .unwrap_or(0.0);
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it lies between 0 and 1000")]
            all.push((name, (quality * 1000.0).round() as u16));
        }
    }
    Some(all)
}

/// The quality of a type, and how exactly it was named: 2 itself, 1 by its family, 0 by `*/*`.
fn quality(ranges: &[(String, u16)], ty: &str) -> (u16, u8) {
    let family = ty.split_once('/').map_or("", |(family, _)| family);
    ranges
        .iter()
        .filter_map(|(range, quality)| {
            let exact = if range == ty {
                2
            } else if range.strip_suffix("/*") == Some(family) {
                1
            } else if range == "*/*" {
                0
            } else {
                return None;
            };
            Some((exact, *quality))
        })
        .max()
        .map_or((0, 0), |(exact, quality)| (quality, exact))
}

/// Whether the body is JSON in UTF-8.
pub(super) fn is_json(headers: &HeaderMap) -> bool {
    let mut values = headers.get_all(header::CONTENT_TYPE).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return false };
    let Ok(value) = value.to_str() else { return false };
    let mut parts = value.split(';');
    parts.next().is_some_and(|name| name.trim().eq_ignore_ascii_case("application/json"))
        && parts.filter_map(|part| part.split_once('=')).all(|(name, value)| {
            !name.trim().eq_ignore_ascii_case("charset") || value.trim().trim_matches('"').eq_ignore_ascii_case("utf-8")
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepting(accept: &str) -> HeaderMap {
        HeaderMap::from_iter([(header::ACCEPT, accept.parse().unwrap())])
    }

    #[test]
    fn what_is_accepted_decides_the_type() {
        const NEW: &str = "application/graphql-response+json";
        for (accept, media) in [
            (NEW, Some(Media::GraphQl)),
            ("application/json", Some(Media::Legacy)),
            ("*/*", Some(Media::Legacy)),
            ("application/*", Some(Media::Legacy)),
            ("", Some(Media::Legacy)),
            ("application/graphql-response+json, application/json;q=0.9", Some(Media::GraphQl)),
            ("application/json, application/graphql-response+json", Some(Media::GraphQl)),
            ("application/json;q=1, application/graphql-response+json;q=0.5", Some(Media::Legacy)),
            ("application/graphql-response+json;charset=utf-8", Some(Media::GraphQl)),
            ("APPLICATION/JSON", Some(Media::Legacy)),
            ("application/json;q=0, */*", Some(Media::GraphQl)),
            ("text/html", None),
            ("application/json;q=0", None),
            ("text/html, */*;q=0.1", Some(Media::Legacy)),
        ] {
            assert_eq!(negotiate(&accepting(accept)), media, "{accept}");
        }
        assert_eq!(negotiate(&HeaderMap::new()), Some(Media::Legacy));
    }

    #[test]
    fn only_json_in_utf_8_is_a_body() {
        for (content_type, json) in [
            ("application/json", true),
            ("application/json; charset=utf-8", true),
            ("Application/JSON;charset=\"UTF-8\"", true),
            ("application/json; charset=latin1", false),
            ("multipart/form-data; boundary=x", false),
            ("text/plain", false),
            ("application/jsonp", false),
        ] {
            let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, content_type.parse().unwrap())]);
            assert_eq!(is_json(&headers), json, "{content_type}");
        }
        assert!(!is_json(&HeaderMap::new()));
    }
}
