//! Files that go out beside GraphQL.

use super::*;

async fn get(world: &World, path: &str, token: &str) -> Response {
    world.client.get(world.url(path)).bearer_auth(token).send().await.unwrap()
}

#[tokio::test]
async fn a_file_comes_part_by_part_under_its_name() {
    let world = World::new().await;
    let response = get(&world, "/exports/good?filter=%7B%22a%22%3A1%7D", "good").await;
    let header = |name: &str| response.headers()[name].to_str().unwrap().to_owned();
    assert_eq!((response.status().as_u16(), header("content-type")), (200, "text/csv".to_owned()));
    assert_eq!(header("content-disposition"), "attachment; filename=\"good.csv\"");
    assert!(!header("x-request-id").is_empty());
    assert_eq!(response.text().await.unwrap(), "one\ntwo\nSome(Object {\"a\": Number(1)})\n");
    let answer = Answer::of(get(&world, "/exports/strange", "good").await).await;
    assert_eq!((answer.status, answer.code()), (404, "NOT_FOUND"));
    let answer = Answer::of(get(&world, "/exports/good", "bad").await).await;
    assert_eq!((answer.status, answer.code()), (401, "UNAUTHENTICATED"));
    let answer = Answer::of(get(&world, "/exports/good?filter=1&sort=2", "good").await).await;
    assert_eq!((answer.status, answer.code()), (400, "BAD_USER_INPUT"));
    let response = world.client.post(world.url("/exports/good")).send().await.unwrap();
    assert_eq!((response.status().as_u16(), &response.headers()["allow"]), (405, &"GET".parse().unwrap()));
    let response = world.client.head(world.url("/exports/good")).send().await.unwrap();
    assert_eq!(response.status().as_u16(), 405);
    world.stop().await;
}

#[tokio::test]
async fn a_file_that_breaks_off_cannot_be_taken_for_whole() {
    let world = World::new().await;
    // The first part may or may not have gone out before the connection is cut.
    let sent = world.client.get(world.url("/exports/broken")).bearer_auth("good").send().await;
    if let Ok(response) = sent {
        assert_eq!(response.status().as_u16(), 200, "the first part was good");
        response.text().await.expect_err("the body does not end as a whole one does");
    }
    let answer = Answer::of(get(&world, "/exports/sudden", "good").await).await;
    assert_eq!((answer.status, answer.code()), (503, "SERVICE_UNAVAILABLE"), "nothing had come yet");
    world.stop().await;
}

#[tokio::test]
async fn a_file_costs_its_rows_and_breaks_off_where_they_cannot_be_paid() {
    let world = World::with(|settings| {
        settings.rate = crate::http::settings::Rate { maximum: 45, restore: 1 };
        // Long enough for what is paid for; what is not takes as long to be given up.
        settings.deadline = Duration::from_secs(2);
    })
    .await;
    // 1 for asking and 3 × 10 rows; the clock stands, so nothing comes back.
    assert!(get(&world, "/exports/good", "good").await.text().await.is_ok());
    let response = get(&world, "/exports/good", "good").await;
    assert_eq!(response.status().as_u16(), 200, "1 and 10 of the 14 that are left");
    response.text().await.expect_err("there is nothing left for the second part");
    let answer = Answer::of(get(&world, "/exports/good", "good").await).await;
    assert_eq!((answer.status, answer.code()), (503, "TIMEOUT"), "not for the first either");
    assert!(get(&world, "/exports/good", "good-and-another").await.text().await.is_ok());
    world.stop().await;
}
