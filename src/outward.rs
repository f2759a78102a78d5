//! Requests that Tandem itself sends to others: one kind of client, one TLS provider.

use std::time::Duration;

use reqwest::{ClientBuilder, Url, redirect::Policy};

/// A client that follows no redirect and asks no proxy: it reaches the address that was configured, or nothing.
pub fn client(timeout: Duration) -> ClientBuilder {
    // The same provider as the database's; where it is installed already, all is well.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().redirect(Policy::none()).no_proxy().timeout(timeout)
}

/// An address that may be trusted with questions of identity: encrypted, or on this very machine.
pub fn trusted(text: &str) -> Result<Url, &'static str> {
    let url = Url::parse(text).map_err(|_| "must be an https URL")?;
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_matches(['[', ']']).parse::<std::net::IpAddr>();
    let here = host == "localhost" || address.is_ok_and(|address| address.is_loopback());
    match url.scheme() {
        "https" => {}
        "http" if here => {}
        "http" => return Err("must use https; http is only allowed for the local machine"),
        _ => return Err("must be an https URL"),
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("must not contain a user name or password");
    }
    if url.fragment().is_some() {
        return Err("must not contain a fragment");
    }
    Ok(url)
}

/// Why a request failed: the innermost cause says most, “connection refused” and not “error sending request”.
#[must_use]
pub fn cause(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_encrypted_or_local_addresses_are_trusted() {
        for good in ["https://id.example/a", "http://127.0.0.1:80/", "http://[::1]/", "http://localhost:8080/realms/x"]
        {
            assert!(trusted(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "id.example",
            "ftp://id.example",
            "http://id.example",
            "http://10.0.0.1/",
            "http://localhost.example/",
            "http://127.0.0.1.example/",
            "https://a:b@id.example",
            "https://a@id.example",
            "https://id.example/#x",
            "file:///etc/passwd",
            "https://",
        ] {
            assert!(trusted(bad).is_err(), "{bad}");
        }
    }
}
