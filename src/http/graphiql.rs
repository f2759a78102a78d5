//! `GraphiQL` from the binary: the page at `/`, its script and style beside it, under a strict policy.

use std::sync::LazyLock;

use axum::{
    extract::Path,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use sha2::{Digest, Sha256};

/// No script or style but ours, no connection but to this server, no frame around the page.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
                      font-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; \
                      frame-ancestors 'none'";

/// A file in the binary.
struct Asset {
    name: &'static str,
    content_type: &'static str,
    content: &'static [u8],
    tag: LazyLock<String>,
}

macro_rules! assets {
    ($($name:literal: $content_type:literal),* $(,)?) => {
        [$(Asset {
            name: $name,
            content_type: $content_type,
            content: include_bytes!(concat!("assets/", $name)),
            tag: LazyLock::new(|| tag(include_bytes!(concat!("assets/", $name)))),
        }),*]
    };
}

static ASSETS: [Asset; 4] = assets! {
    "index.html": "text/html; charset=utf-8",
    "graphiql.js": "text/javascript; charset=utf-8",
    "graphiql.css": "text/css; charset=utf-8",
    "LICENCES.txt": "text/plain; charset=utf-8",
};

fn tag(content: &[u8]) -> String {
    let digest = Sha256::digest(content);
    digest[..16].iter().fold(String::from("\""), |tag, byte| format!("{tag}{byte:02x}")) + "\""
}

/// The page.
pub(super) async fn page(headers: HeaderMap) -> Response {
    asset("index.html", &headers)
}

/// What the page refers to.
pub(super) async fn file(Path(name): Path<String>, headers: HeaderMap) -> Response {
    asset(&name, &headers)
}

fn asset(name: &str, asked: &HeaderMap) -> Response {
    let Some(asset) = ASSETS.iter().find(|asset| asset.name == name) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let known = asked.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok()).any(|value| {
        // Compression on the way makes tags weak.
        value.split(',').any(|known| known.trim().trim_start_matches("W/") == *asset.tag)
    });
    let mut response = if known { StatusCode::NOT_MODIFIED.into_response() } else { asset.content.into_response() };
    let headers = response.headers_mut();
    if let Ok(value) = HeaderValue::from_str(&asset.tag) {
        headers.insert(header::ETAG, value);
    }
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(asset.content_type));
    for (name, value) in FIXED.iter() {
        headers.insert(name, value.clone());
    }
    response
}

static FIXED: LazyLock<HeaderMap> = LazyLock::new(|| {
    [
        (header::CACHE_CONTROL, "no-cache"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (header::HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ]
    .into_iter()
    .map(|(name, value)| (name, HeaderValue::from_static(value)))
    .collect()
});
