//! `tandem health`: a plain request, so that a container needs no other program.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::error::{Error, Result};

/// Asks a server whether it is ready; the error says why it is not.
pub async fn health(url: &str) -> Result<()> {
    let rest = url.strip_prefix("http://").ok_or_else(|| Error::internal("--url must be an http:// URL"))?;
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let address = if host.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok()) {
        host.to_owned()
    } else {
        format!("{host}:80")
    };
    let ask = async {
        let mut stream = tokio::net::TcpStream::connect(&address).await?;
        let request = format!("GET /{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await?;
        let mut answer = Vec::new();
        stream.take(4_096).read_to_end(&mut answer).await?;
        std::io::Result::Ok(answer)
    };
    let answer = match tokio::time::timeout(Duration::from_secs(3), ask).await {
        Ok(Ok(answer)) => String::from_utf8_lossy(&answer).into_owned(),
        Ok(Err(error)) => return Err(Error::internal(format!("{address} is not ready: {error}"))),
        Err(_) => return Err(Error::internal(format!("{address} is not ready: no answer within 3 seconds"))),
    };
    match verdict(&answer) {
        None => Ok(()),
        Some(why) => Err(Error::internal(format!("{address} is not ready: {why}"))),
    }
}

/// Why an answer does not say ready.
fn verdict(answer: &str) -> Option<String> {
    let status = answer.lines().next().unwrap_or_default();
    if status.starts_with("HTTP/1.1 200") {
        return None;
    }
    let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body.trim());
    Some(match status {
        "" => "it closed the connection without an answer".to_owned(),
        _ if !status.starts_with("HTTP/1.") => "what answers does not speak HTTP".to_owned(),
        _ => format!("{} {body}", status.split_once(' ').map_or("", |(_, status)| status)).trim().to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_200_is_ready_and_the_rest_is_told() {
        assert_eq!(verdict("HTTP/1.1 200 OK\r\n\r\nok"), None);
        assert_eq!(
            verdict("HTTP/1.1 503 Service Unavailable\r\nA: b\r\n\r\nno database\n").as_deref(),
            Some("503 Service Unavailable no database")
        );
        assert_eq!(verdict("").as_deref(), Some("it closed the connection without an answer"));
        assert_eq!(verdict("SSH-2.0").as_deref(), Some("what answers does not speak HTTP"));
    }
}
