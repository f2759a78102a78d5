//! Failed sign-ins slow further ones down: whom they concern, for how long, and whom they leave alone.

use std::time::Duration;

use reqwest::{Method, header::RETRY_AFTER};
use serde_json::{Value, json};
use tandem::{app::Running, http::Settings};

use crate::{
    crew,
    support::{
        client::{Answer, Client},
        world::{PASSWORD, SELLER, TEAM_MATE, World},
    },
};

const WRONG: &str = "guessing and guessing";
const OFFICE: &str = "203.0.113.5";
const ELSEWHERE: &str = "198.51.100.1";

/// A server behind a proxy, so that requests come from any address.
pub struct Door {
    pub client: Client,
    pub running: Running,
}

impl Door {
    pub async fn open(world: &World) -> Self {
        let trusted_proxies = vec!["127.0.0.0/8".parse().expect("a network")];
        let (client, running) = crew::second_server(world, Settings { trusted_proxies, ..crew::generous() }).await;
        Self { client, running }
    }

    pub async fn ask(&self, address: &str, document: &str, input: Value) -> Answer {
        let request = self.client.request(Method::POST, "/graphql").header("x-forwarded-for", address);
        self.client.send(request.json(&json!({ "query": document, "variables": { "input": input } }))).await
    }

    pub async fn try_with(&self, address: &str, input: Value) -> Answer {
        let document = "mutation($input: SignInInput!) { signIn(input: $input) {
            accessToken refreshToken userErrors { code reason message } } }";
        self.ask(address, document, input).await
    }

    pub async fn try_from(&self, address: &str, email: &str, password: &str) -> Answer {
        self.try_with(address, json!({ "email": email, "password": password })).await
    }

    /// Fails this often, each time for a wrong password.
    pub async fn fail(&self, address: &str, email: &str, times: usize) {
        for n in 0..times {
            let answer = self.try_from(address, email, WRONG).await;
            assert_eq!(answer.user_errors("signIn"), ["INVALID"], "{n}: {answer}");
        }
    }
}

/// Refused for now; for how many seconds.
#[track_caller]
fn waits(answer: &Answer) -> u64 {
    assert_eq!((answer.status.as_u16(), answer.error_code()), (200, Some("RATE_LIMITED")), "{answer}");
    let extensions = &answer.body["errors"][0]["extensions"];
    assert_eq!(extensions["reason"], "SIGN_IN_THROTTLED");
    let seconds = extensions["retryAfter"].as_f64().expect("a number of seconds").ceil();
    assert_eq!(answer.headers[RETRY_AFTER].to_str().unwrap(), seconds.to_string());
    seconds.to_string().parse().expect("a number of seconds")
}

on_both_engines! {
    async fn who_mistypes_elsewhere_holds_nobody_up_but_themselves(world: World) {
        let door = Door::open(&world).await;
        door.fail(ELSEWHERE, SELLER.email, 5).await;
        assert_eq!(waits(&door.try_from(ELSEWHERE, SELLER.email, PASSWORD).await), 5);
        door.try_from("198.51.100.2", SELLER.email, PASSWORD).await.expect_ok();
        door.try_from(ELSEWHERE, TEAM_MATE.email, PASSWORD).await.expect_ok();
        world.clock.advance(Duration::from_secs(4));
        assert_eq!(waits(&door.try_from(ELSEWHERE, SELLER.email, PASSWORD).await), 1);
        world.clock.advance(Duration::from_secs(1));
        door.try_from(ELSEWHERE, SELLER.email, PASSWORD).await.expect_ok();
        // Success forgets what was before it.
        door.fail(ELSEWHERE, SELLER.email, 5).await;
        assert_eq!(waits(&door.try_from(ELSEWHERE, SELLER.email, PASSWORD).await), 5);
        door.running.stop().await.unwrap();
    }

    async fn the_wait_doubles_up_to_a_quarter_of_an_hour_and_is_forgotten_after_a_day(world: World) {
        let door = Door::open(&world).await;
        // Nobody has this address: what is told of waiting is the same for names that there are and are not.
        for email in [SELLER.email, "nobody@tandem.test"] {
            door.fail(ELSEWHERE, email, 5).await;
            for seconds in [5, 10, 20, 40, 80, 160, 320, 640, 900, 900] {
                assert_eq!(waits(&door.try_from(ELSEWHERE, email, WRONG).await), seconds);
                world.clock.advance(Duration::from_secs(seconds));
                door.fail(ELSEWHERE, email, 1).await;
            }
        }
        world.clock.advance(Duration::from_hours(24));
        door.fail(ELSEWHERE, SELLER.email, 5).await;
        assert_eq!(waits(&door.try_from(ELSEWHERE, SELLER.email, PASSWORD).await), 5);
        door.running.stop().await.unwrap();
    }

    async fn of_attempts_at_the_same_moment_one_is_tried_after_the_wait(world: World) {
        let (one, other) = (Door::open(&world).await, Door::open(&world).await);
        one.fail(ELSEWHERE, SELLER.email, 5).await;
        assert_eq!(waits(&other.try_from(ELSEWHERE, SELLER.email, PASSWORD).await), 5, "every process counts the same");
        world.clock.advance(Duration::from_secs(5));
        let attempts = (0..12).map(|n| if n % 2 == 0 { &one } else { &other });
        let attempts = attempts.map(|door| door.try_from(ELSEWHERE, SELLER.email, WRONG));
        let answers = futures_util::future::join_all(attempts).await;
        let tried = answers.iter().filter(|answer| answer.body.get("errors").is_none()).count();
        assert_eq!(tried, 1, "of 12 guesses");
        assert!(answers.iter().all(|answer| answer.body.get("errors").is_none() || waits(answer) <= 10));
        one.running.stop().await.unwrap();
        other.running.stop().await.unwrap();
    }

    async fn guessing_one_person_from_many_addresses_is_slowed_where_they_are_not_known(world: World) {
        let door = Door::open(&world).await;
        let first = door.try_from(OFFICE, SELLER.email, PASSWORD).await.expect_ok();
        let device = crew::text(&first, "signIn.refreshToken");
        for n in 0..20 {
            door.fail(&format!("198.51.100.{n}"), SELLER.email, 1).await;
        }
        assert_eq!(waits(&door.try_from("192.0.2.1", SELLER.email, PASSWORD).await), 1);
        assert_eq!(waits(&door.try_from("192.0.2.2", SELLER.email, WRONG).await), 1);
        door.try_from("192.0.2.1", TEAM_MATE.email, PASSWORD).await.expect_ok();
        // A known device travels along, and a known place waits for nobody elsewhere.
        let travelling = json!({ "email": SELLER.email, "password": PASSWORD, "deviceToken": device });
        door.try_with("192.0.2.1", travelling).await.expect_ok();
        for n in 20..26 {
            world.clock.advance(Duration::from_mins(1));
            door.fail(&format!("198.51.100.{n}"), SELLER.email, 1).await;
        }
        assert_eq!(waits(&door.try_from("192.0.2.3", SELLER.email, PASSWORD).await), 60, "a minute at most");
        door.try_from(OFFICE, SELLER.email, PASSWORD).await.expect_ok();
        door.running.stop().await.unwrap();
    }

    async fn who_guesses_in_ones_own_office_does_not_keep_one_out(world: World) {
        let door = Door::open(&world).await;
        let mine = door.try_from(OFFICE, SELLER.email, PASSWORD).await.expect_ok();
        let mine = crew::text(&mine, "signIn.refreshToken");
        let other = crew::text(&door.try_from(OFFICE, TEAM_MATE.email, PASSWORD).await.expect_ok(), "signIn.refreshToken");
        door.fail(OFFICE, SELLER.email, 5).await;
        for seconds in [5, 10, 20, 40, 60, 60] {
            assert_eq!(waits(&door.try_from(OFFICE, SELLER.email, PASSWORD).await), seconds);
            world.clock.advance(Duration::from_secs(seconds));
            door.fail(OFFICE, SELLER.email, 1).await;
        }
        let by = |device: &str, password: &str| json!({ "email": SELLER.email, "password": password, "deviceToken": device });
        for stranger in [other.as_str(), "tdr_made-up", ""] {
            assert_eq!(waits(&door.try_with(OFFICE, by(stranger, PASSWORD)).await), 60, "of {stranger:?}");
        }
        door.try_with(OFFICE, by(&mine, PASSWORD)).await.expect_ok();
        // Nor are there more guesses to a device than to anybody.
        for _ in 0..5 {
            assert_eq!(door.try_with(OFFICE, by(&mine, WRONG)).await.user_errors("signIn"), ["INVALID"]);
        }
        assert_eq!(waits(&door.try_with(OFFICE, by(&mine, PASSWORD)).await), 5);
        door.running.stop().await.unwrap();
    }

    async fn a_place_and_a_device_are_known_for_thirty_days_and_only_by_the_present_password(world: World) {
        let door = Door::open(&world).await;
        let intruder = door.try_from(ELSEWHERE, SELLER.email, PASSWORD).await.expect_ok();
        let device = crew::text(&intruder, "signIn.refreshToken");
        let own = door.try_from(OFFICE, SELLER.email, PASSWORD).await.expect_ok();
        world.clock.advance(Duration::from_secs(1));
        let change = "mutation { passwordChange(input: { currentPassword: \"correct horse battery staple\", newPassword: \"snow on seven roofs\" }) { userErrors { message } } }";
        let own = door.client.clone().with_token(crew::text(&own, "signIn.accessToken"));
        own.query(change).await.expect_ok();
        for n in 0..20 {
            door.fail(&format!("192.0.2.{n}"), SELLER.email, 1).await;
        }
        assert_eq!(waits(&door.try_from(ELSEWHERE, SELLER.email, PASSWORD).await), 1, "who knew the old password");
        let known = json!({ "email": SELLER.email, "password": PASSWORD, "deviceToken": device });
        assert_eq!(waits(&door.try_with(ELSEWHERE, known).await), 1);
        world.clock.advance(Duration::from_hours(24 * 30));
        for n in 0..20 {
            door.fail(&format!("192.0.2.{n}"), SELLER.email, 1).await;
        }
        assert_eq!(waits(&door.try_from(OFFICE, SELLER.email, "snow on seven roofs").await), 1, "not seen for a month");
        door.running.stop().await.unwrap();
    }

    async fn one_password_tried_on_many_people_is_slowed_and_the_office_stays_open(world: World) {
        let door = Door::open(&world).await;
        door.try_from(OFFICE, SELLER.email, PASSWORD).await.expect_ok();
        for n in 0..20 {
            door.fail(OFFICE, &format!("name{n}@tandem.test"), 1).await;
        }
        assert_eq!(waits(&door.try_from(OFFICE, "name20@tandem.test", WRONG).await), 1);
        door.try_from(OFFICE, SELLER.email, PASSWORD).await.expect_ok();
        // Somebody who is new here waits a moment; their success leaves the moment to the next one.
        assert_eq!(waits(&door.try_from(OFFICE, TEAM_MATE.email, PASSWORD).await), 1);
        world.clock.advance(Duration::from_secs(1));
        door.try_from(OFFICE, TEAM_MATE.email, PASSWORD).await.expect_ok();
        door.fail(OFFICE, "name20@tandem.test", 1).await;
        assert_eq!(waits(&door.try_from(OFFICE, "name21@tandem.test", WRONG).await), 2);
        door.running.stop().await.unwrap();
    }

    async fn people_who_mistype_and_succeed_do_not_slow_their_office_down(world: World) {
        let door = Door::open(&world).await;
        for _ in 0..25 {
            door.fail(OFFICE, SELLER.email, 2).await;
            door.try_from(OFFICE, SELLER.email, PASSWORD).await.expect_ok();
        }
        door.try_from(OFFICE, TEAM_MATE.email, PASSWORD).await.expect_ok();
        door.running.stop().await.unwrap();
    }
}
