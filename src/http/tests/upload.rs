//! Files that come beside GraphQL.

use super::*;

const GOOD: (&str, &str) = ("authorization", "Bearer good");
const CSV: (&str, &str) = ("content-type", "text/csv; charset=utf-8");

type Headers = &'static [(&'static str, &'static str)];

async fn put(world: &World, id: &str, body: impl Into<reqwest::Body>, headers: &[(&str, &str)]) -> Answer {
    let mut request = world.client.put(world.url(&format!("/uploads/{id}")));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    Answer::of(request.body(body).send().await.unwrap()).await
}

#[tokio::test]
async fn a_file_is_taken_whole_or_refused_with_a_status_of_its_own() {
    let world = World::with(|settings| {
        settings.limits.body = 10;
        settings.upload = 1_000;
    })
    .await;
    let answer = put(&world, "wanted", vec![b'x'; 1_000], &[GOOD, CSV]).await;
    assert_eq!(
        (answer.status, &answer.json),
        (202, &json!({ "bytes": 1_000 })),
        "beyond the limit of GraphQL's bodies"
    );
    assert!(!answer.header("x-request-id").is_empty());
    let cases: [(&str, usize, Headers, u16, &str); 9] = [
        ("wanted", 1, &[CSV], 401, "UNAUTHENTICATED"),
        ("wanted", 1, &[("authorization", "Bearer bad"), CSV], 401, "UNAUTHENTICATED"),
        ("wanted", 1, &[GOOD], 415, "UNSUPPORTED_MEDIA_TYPE"),
        ("wanted", 1, &[GOOD, ("content-type", "application/json")], 415, "UNSUPPORTED_MEDIA_TYPE"),
        ("wanted", 1, &[GOOD, CSV, ("content-encoding", "gzip")], 415, "UNSUPPORTED_MEDIA_TYPE"),
        ("wanted", 1_001, &[GOOD, CSV], 413, "PAYLOAD_TOO_LARGE"),
        ("strange", 1, &[GOOD, CSV], 404, "NOT_FOUND"),
        ("had", 1, &[GOOD, CSV], 409, "CONFLICT"),
        ("wanted", 1, &[("authorization", "Bearer panic"), CSV], 500, "INTERNAL_SERVER_ERROR"),
    ];
    for (id, length, headers, status, code) in cases {
        let answer = put(&world, id, vec![b'x'; length], headers).await;
        assert_eq!((answer.status, answer.code()), (status, code), "{id} {headers:?}: {}", answer.json);
        assert!(!answer.header("x-request-id").is_empty());
    }
    // Without a length told beforehand it is counted.
    let pieces = futures_util::stream::iter([Ok::<_, std::io::Error>(vec![b'x'; 600]), Ok(vec![b'x'; 600])]);
    let answer = put(&world, "wanted", reqwest::Body::wrap_stream(pieces), &[GOOD, CSV]).await;
    assert_eq!((answer.status, answer.code()), (413, "PAYLOAD_TOO_LARGE"));
    let answer = Answer::of(world.client.get(world.url("/uploads/wanted")).send().await.unwrap()).await;
    assert_eq!((answer.status, answer.header("allow")), (405, "PUT"));
    world.stop().await;
}

#[tokio::test]
async fn an_upload_that_stands_still_is_given_up() {
    use futures_util::StreamExt;
    let world = World::with(|settings| settings.deadline = Duration::from_millis(50)).await;
    let first = futures_util::stream::iter([Ok::<_, std::io::Error>(vec![b'x'; 6])]);
    let body = reqwest::Body::wrap_stream(first.chain(futures_util::stream::pending()));
    let answer = put(&world, "wanted", body, &[GOOD, CSV]).await;
    assert_eq!((answer.status, answer.code()), (503, "TIMEOUT"));
    world.stop().await;
}
