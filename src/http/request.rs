//! What a request says besides its operation: who sends it, from where, under which id.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum::{
    extract::ConnectInfo,
    http::{Extensions, HeaderMap, header, request::Parts},
};
use ipnet::IpNet;

use super::host::About;
use crate::access::guess::Guesses;
use crate::store::is_key;

/// Bytes of a request id or a user agent that are taken over.
const LONGEST: usize = 128;

const FORWARDED_FOR: &str = "x-forwarded-for";
const IDEMPOTENCY_KEY: &str = "idempotency-key";
/// The header by which an administrator sees what somebody else sees.
pub(super) const PREVIEW_AS: &str = "tandem-preview-as";

/// Whether the idempotency key is one that we do not take: to run the request without it would break its promise.
pub(super) fn has_strange_key(headers: &HeaderMap) -> bool {
    headers.get(IDEMPOTENCY_KEY).is_some_and(|key| !key.to_str().is_ok_and(is_key))
}

/// What is known of this request; a missing or strange request id is replaced.
pub(super) fn about(parts: &Parts, trusted: &[IpNet]) -> About {
    About {
        request_id: visible(&parts.headers, "x-request-id").unwrap_or_else(request_id),
        address: client(peer(&parts.extensions), &parts.headers, trusted),
        user_agent: parts
            .headers
            .get(header::USER_AGENT)
            .and_then(|value| value.to_str().ok())
            .map(|agent| agent.chars().take(LONGEST * 2).collect()),
        idempotency_key: parts.headers.get(IDEMPOTENCY_KEY).and_then(|key| key.to_str().ok()).map(str::to_owned),
        // A strange value is passed on as one that names nobody: to run as oneself would break the promise.
        preview_as: parts
            .headers
            .contains_key(PREVIEW_AS)
            .then(|| visible(&parts.headers, PREVIEW_AS).unwrap_or_default()),
        guesses: Guesses::default(),
    }
}

/// The token of `Authorization: Bearer …`.
pub(super) fn bearer(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).and_then(token)
}

/// The token behind the word `Bearer`; another scheme is no token of ours and is passed on whole, to be refused.
pub(super) fn token(authorization: &str) -> Option<&str> {
    let trimmed = authorization.trim();
    match trimmed.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => Some(token.trim()),
        _ if trimmed.is_empty() || trimmed.eq_ignore_ascii_case("bearer") => None,
        _ => Some(trimmed),
    }
}

fn visible(headers: &HeaderMap, name: &str) -> Option<String> {
    let value = headers.get(name)?.as_bytes();
    let sane = !value.is_empty() && value.len() <= LONGEST && value.iter().all(u8::is_ascii_graphic);
    sane.then(|| value.iter().copied().map(char::from).collect())
}

fn request_id() -> String {
    format!("{:032x}", rand::random::<u128>())
}

/// The peer of a request that names another client, while it is none of the trusted proxies. Either a proxy was
/// forgotten in the settings, and all who come through it count as one address, or somebody tries to be another.
pub(super) fn untrusted_forwarder(parts: &Parts, trusted: &[IpNet]) -> Option<IpAddr> {
    let peer = peer(&parts.extensions);
    let forwards = parts.headers.contains_key(FORWARDED_FOR);
    (forwards && !trusted.iter().any(|net| net.contains(&peer))).then_some(peer)
}

fn peer(extensions: &Extensions) -> IpAddr {
    let unknown = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
    extensions.get::<ConnectInfo<SocketAddr>>().map_or(unknown, |peer| peer.0.ip().to_canonical())
}

/// The right-most address that no trusted proxy stands behind: what is left of it anyone can make up.
fn client(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    let is_trusted = |address: IpAddr| trusted.iter().any(|net| net.contains(&address));
    let mut client = peer;
    let forwarded = headers.get_all(FORWARDED_FOR).iter().rev();
    let hops = forwarded.flat_map(|value| value.to_str().unwrap_or("?").rsplit(','));
    for hop in hops {
        if !is_trusted(client) {
            break;
        }
        let Some(address) = address(hop.trim()) else { break };
        client = address;
    }
    client
}

/// An address as proxies write it: bare, with a port, or in brackets.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text.trim_start_matches('[').trim_end_matches(']');
    let address = bare.parse().ok().or_else(|| text.parse::<SocketAddr>().ok().map(|socket| socket.ip()));
    address.map(|address: IpAddr| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(peer: &str, forwarded: &[&str], trusted: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append("x-forwarded-for", value.parse().unwrap());
        }
        let trusted: Vec<IpNet> = trusted.iter().map(|net| net.parse().unwrap()).collect();
        client(peer.parse().unwrap(), &headers, &trusted).to_string()
    }

    #[test]
    fn only_trusted_proxies_are_believed() {
        const NETS: &[&str] = &["10.0.0.0/8", "fd00::/8"];
        assert_eq!(seen("203.0.113.9", &["1.1.1.1"], NETS), "203.0.113.9", "a stranger makes up what it likes");
        assert_eq!(seen("10.0.0.1", &["1.1.1.1"], &[]), "10.0.0.1", "nobody is trusted unless told");
        assert_eq!(seen("10.0.0.1", &["6.6.6.6, 198.51.100.7"], NETS), "198.51.100.7", "the right-most untrusted");
        assert_eq!(seen("10.0.0.1", &["6.6.6.6, 198.51.100.7, 10.1.1.1"], NETS), "198.51.100.7");
        assert_eq!(seen("10.0.0.1", &["6.6.6.6", "198.51.100.7", "10.2.2.2, 10.1.1.1"], NETS), "198.51.100.7");
        assert_eq!(seen("fd00::1", &["[2001:db8::5]:4711"], NETS), "2001:db8::5");
        assert_eq!(seen("10.0.0.1", &["198.51.100.7:4711"], NETS), "198.51.100.7");
        assert_eq!(seen("10.0.0.1", &["198.51.100.7, rubbish"], NETS), "10.0.0.1", "rubbish ends the chain");
        assert_eq!(seen("10.0.0.1", &["10.0.0.2"], NETS), "10.0.0.2");
        assert_eq!(seen("::ffff:10.0.0.1", &["198.51.100.7"], NETS), "::ffff:10.0.0.1");
    }

    #[test]
    fn who_names_another_client_and_is_no_proxy_is_told_of() {
        let told = |peer: &str, forwarded: Option<&str>, trusted: &[&str]| {
            let mut request = axum::http::Request::new(());
            let peer: SocketAddr = peer.parse().unwrap();
            request.extensions_mut().insert(ConnectInfo(peer));
            if let Some(value) = forwarded {
                request.headers_mut().insert(FORWARDED_FOR, value.parse().unwrap());
            }
            let trusted: Vec<IpNet> = trusted.iter().map(|net| net.parse().unwrap()).collect();
            untrusted_forwarder(&request.into_parts().0, &trusted).map(|peer| peer.to_string())
        };
        assert_eq!(told("203.0.113.9:1", Some("1.1.1.1"), &[]).as_deref(), Some("203.0.113.9"));
        assert_eq!(told("[::ffff:10.0.0.1]:1", Some("1.1.1.1"), &["10.0.0.0/8"]), None);
        assert_eq!(told("203.0.113.9:1", None, &[]), None);
    }

    #[test]
    fn a_token_comes_after_its_scheme() {
        assert_eq!(token("Bearer abc"), Some("abc"));
        assert_eq!(token("bearer  abc "), Some("abc"));
        assert_eq!(token("Basic abc"), Some("Basic abc"), "another scheme is a bad token, not none");
        assert_eq!(token("Bearer "), None);
        assert_eq!(token(""), None);
    }

    #[test]
    fn a_request_id_is_taken_over_if_it_is_sane() {
        let long = "x".repeat(129);
        for (id, taken) in [("abc-1", true), ("a b", false), (&long, false), ("é", false), ("", false)] {
            let mut request = axum::http::Request::new(());
            let value = axum::http::HeaderValue::from_bytes(id.as_bytes()).unwrap();
            request.headers_mut().insert("x-request-id", value);
            let about = about(&request.into_parts().0, &[]);
            assert_eq!(about.request_id == id, taken, "{id}");
            assert!(!about.request_id.is_empty());
        }
    }
}
