//! Which values a field takes.

use serde_json::{Value, json};

use crate::{
    shared::{create, mutate},
    support::client::{Answer, Client},
};

async fn account(admin: &Client, field: &str, value: &Value) -> Answer {
    let mut input = json!({ "name": "Acme" });
    input[field] = value.clone();
    let select = if field == "annualRevenue" { "annualRevenue { amount currency }" } else { field };
    mutate(admin, "account", "Create", input, select).await
}

/// Which of these values an account's field refuses, and how.
async fn refuses(admin: &Client, field: &str, cases: &[(Value, &str)]) {
    for (value, code) in cases {
        let answer = account(admin, field, value).await;
        assert_eq!(answer.user_errors("accountCreate"), [format!("{code} {field}")], "{field} = {value:.80}");
        assert_eq!(answer.data("accountCreate.account"), &Value::Null);
    }
}

/// Which of these values an account's field takes, and what becomes of them.
async fn takes(admin: &Client, field: &str, cases: &[(Value, Value)]) {
    for (value, stored) in cases {
        let answer = account(admin, field, value).await.expect_ok();
        assert_eq!(answer.data(&format!("accountCreate.account.{field}")), stored, "{field} = {value:.80}");
    }
}

fn money(amount: &str, currency: &str) -> Value {
    json!({ "amount": amount, "currency": currency })
}

on_both_engines! {
    async fn a_required_text_may_be_neither_blank_nor_cleared(world: World) {
        let admin = world.admin().await;
        refuses(&admin, "name", &[(json!(""), "REQUIRED"), (json!(" \t "), "REQUIRED")]).await;
        let id = create(&admin, "account", json!({ "name": "Acme" })).await;
        for (field, value) in [("name", json!(null)), ("name", json!("  ")), ("stage", json!(null))] {
            let answer = mutate(&admin, "account", "Update", json!({ "id": id, field: value }), "").await;
            assert_eq!(answer.user_errors("accountUpdate"), [format!("REQUIRED {field}")]);
        }
        let contact = mutate(&admin, "contact", "Create", json!({ "title": "Nobody" }), "").await;
        assert_eq!(contact.user_errors("contactCreate"), ["REQUIRED name"]);
    }

    async fn a_text_is_trimmed_and_measured_in_characters(world: World) {
        let admin = world.admin().await;
        takes(&admin, "name", &[
            (json!("  Acme \n"), json!("Acme")),
            (json!("ü".repeat(200)), json!("ü".repeat(200))),
            (json!("Ärzte & 🚲 “Söhne”\u{2028}"), json!("Ärzte & 🚲 “Söhne”")),
        ]).await;
        refuses(&admin, "name", &[(json!("ü".repeat(201)), "TOO_LONG"), (json!("Ac\u{7}me"), "INVALID")]).await;
        takes(&admin, "description", &[(json!("x".repeat(10_000)), json!("x".repeat(10_000))), (json!("one\ntwo\tthree"), json!("one\ntwo\tthree")), (json!("  "), json!(null))]).await;
        refuses(&admin, "description", &[(json!("x".repeat(10_001)), "TOO_LONG")]).await;
    }

    async fn a_number_stays_in_its_range(world: World) {
        let admin = world.admin().await;
        takes(&admin, "fitScore", &[(json!(0), json!(0)), (json!(100), json!(100)), (json!(null), json!(null))]).await;
        refuses(&admin, "fitScore", &[(json!(-1), "OUT_OF_RANGE"), (json!(101), "OUT_OF_RANGE")]).await;
        takes(&admin, "employeeCount", &[(json!(100_000_000), json!(100_000_000))]).await;
        refuses(&admin, "employeeCount", &[(json!(-1), "OUT_OF_RANGE"), (json!(100_000_001), "OUT_OF_RANGE")]).await;
        for nonsense in [json!(1.5), json!("12"), json!(3_000_000_000_i64), json!(true)] {
            let answer = account(&admin, "employeeCount", &nonsense).await;
            assert_eq!((answer.status.as_u16(), answer.error_code()), (400, Some("BAD_USER_INPUT")), "{nonsense}: {answer}");
        }
    }

    async fn an_enum_takes_its_own_names_alone(world: World) {
        let admin = world.admin().await;
        takes(&admin, "tier", &[(json!("TIER_1"), json!("TIER_1")), (json!(null), json!(null))]).await;
        for nonsense in [json!("TIER_9"), json!("tier_1"), json!(1), json!("")] {
            let answer = account(&admin, "tier", &nonsense).await;
            assert_eq!((answer.status.as_u16(), answer.error_code()), (400, Some("BAD_USER_INPUT")), "{nonsense}: {answer}");
        }
        let literal = admin.query(r#"mutation { accountCreate(input: { name: "A", tier: TIER_9 }) { account { id } } }"#).await;
        assert_eq!((literal.status.as_u16(), literal.error_code()), (400, Some("GRAPHQL_VALIDATION_FAILED")));
    }

    async fn an_amount_is_exact_to_its_currencys_minor_unit(world: World) {
        let admin = world.admin().await;
        takes(&admin, "annualRevenue", &[
            (money("1200", "EUR"), money("1200.00", "EUR")),
            (money("1200.5", "EUR"), money("1200.50", "EUR")),
            (money("1200.500", "EUR"), money("1200.50", "EUR")),
            (money("0", "JPY"), money("0", "JPY")),
            (money("1.234", "BHD"), money("1.234", "BHD")),
            (money("10000000000000.01", "IDR"), money("10000000000000.01", "IDR")),
            (money("92233720368547758.07", "USD"), money("92233720368547758.07", "USD")),
            (money("9223372036854775.807", "KWD"), money("9223372036854775.807", "KWD")),
            (money("9223372036854775807", "JPY"), money("9223372036854775807", "JPY")),
            (money("12", "inr"), money("12.00", "INR")),
            (json!(null), json!(null)),
        ]).await;
        refuses(&admin, "annualRevenue", &[
            (money("12.505", "EUR"), "INVALID"),
            (money("1.5", "JPY"), "INVALID"),
            (money("-1", "EUR"), "OUT_OF_RANGE"),
            (money("92233720368547758.08", "USD"), "OUT_OF_RANGE"),
            (money("12.3400000000000000000000000000001", "EUR"), "INVALID"),
            (money("1_000", "EUR"), "INVALID"), (money("1e3", "EUR"), "INVALID"), (money(" 1", "EUR"), "INVALID"),
            (money("+1", "EUR"), "INVALID"), (money("1.", "EUR"), "INVALID"), (money(".5", "EUR"), "INVALID"),
            (money("12", "RMB"), "INVALID"), (money("12", "ZZZ"), "INVALID"), (money("12", "XXX"), "INVALID"),
            (money("12", "EURO"), "INVALID"),
            (money("twelve", "EUR"), "INVALID"),
            (money("1,200", "EUR"), "INVALID"),
            (money("", "EUR"), "INVALID"),
        ]).await;
    }

    async fn an_amount_changes_with_its_currency_and_is_cleared_whole(world: World) {
        let admin = world.admin().await;
        let id = create(&admin, "account", json!({ "name": "Acme", "annualRevenue": money("12", "EUR") })).await;
        let select = "annualRevenue { amount currency }";
        let changed = mutate(&admin, "account", "Update", json!({ "id": id, "annualRevenue": money("12", "JPY") }), select).await.expect_ok();
        assert_eq!(changed.data("accountUpdate.account.annualRevenue"), &money("12", "JPY"));
        let cleared = mutate(&admin, "account", "Update", json!({ "id": id, "annualRevenue": null }), select).await.expect_ok();
        assert_eq!(cleared.data("accountUpdate.account.annualRevenue"), &Value::Null);
    }

    async fn addresses_and_codes_have_their_form(world: World) {
        let admin = world.admin().await;
        takes(&admin, "website", &[(json!("https://acme.example/a?b=c#d"), json!("https://acme.example/a?b=c#d")), (json!("http://localhost:8080"), json!("http://localhost:8080"))]).await;
        refuses(&admin, "website", &[(json!("acme.example"), "INVALID"), (json!("ftp://acme.example"), "INVALID"), (json!("https://"), "INVALID"), (json!("https://a b"), "INVALID"), (json!("javascript:alert(1)"), "INVALID")]).await;
        takes(&admin, "country", &[(json!("DE"), json!("DE")), (json!("de"), json!("DE")), (json!("gB"), json!("GB"))]).await;
        refuses(&admin, "country", &[(json!("UK"), "INVALID"), (json!("XX"), "INVALID"), (json!("ZZ"), "INVALID"), (json!("DEU"), "TOO_LONG"), (json!("D"), "INVALID"), (json!("D1"), "INVALID")]).await;
    }

    async fn an_email_has_a_name_and_a_host(world: World) {
        let admin = world.admin().await;
        for (given, stored) in [("Ann.Smith+x@Acme.Example", "ann.smith+x@acme.example"), (" bob@acme.example ", "bob@acme.example"), ("c@a-b.c-d.example", "c@a-b.c-d.example")] {
            let made = mutate(&admin, "contact", "Create", json!({ "name": "Ann", "email": given }), "email").await.expect_ok();
            assert_eq!(made.data("contactCreate.contact.email"), stored);
        }
        let long = format!("{}@acme.example", "x".repeat(65));
        for nonsense in ["ann", "ann@", "@acme.example", "ann@acme", "ann@@acme.example", "an n@acme.example", "ann@acme..example", "ann@.example", "<ann@acme.example>", &long] {
            let refused = mutate(&admin, "contact", "Create", json!({ "name": "Ann", "email": nonsense }), "").await;
            assert_eq!(refused.user_errors("contactCreate"), ["INVALID email"], "{nonsense}");
        }
    }

    async fn dates_and_times_are_real_and_told_in_utc(world: World) {
        let admin = world.admin().await;
        for (given, stored) in [("2024-02-29T23:30:00+02:00", "2024-02-29T21:30:00.000Z"), ("2024-01-01T00:00:00.123456Z", "2024-01-01T00:00:00.123Z")] {
            let made = mutate(&admin, "lead", "Create", json!({ "name": "Ann", "receivedAt": given }), "receivedAt").await.expect_ok();
            assert_eq!(made.data("leadCreate.lead.receivedAt"), stored);
        }
        for nonsense in ["2024-02-30T00:00:00Z", "2024-02-01", "yesterday", "2024-02-01T25:00:00Z", "2024-02-01T10:00:00", "2024-02-01 10:00:00Z", "+2024-02-01T10:00:00Z", "+12024-02-01T10:00:00Z", "9999-12-31T23:30:00-01:00", "0001-01-01T00:30:00+01:00", "0000-06-01T00:00:00Z"] {
            let refused = mutate(&admin, "lead", "Create", json!({ "name": "Ann", "receivedAt": nonsense }), "").await;
            assert_eq!(refused.user_errors("leadCreate"), ["INVALID receivedAt"], "{nonsense}");
        }
        let account = create(&admin, "account", json!({ "name": "Acme" })).await;
        let contact = create(&admin, "contact", json!({ "name": "Ann" })).await;
        let place = |since: &str, until: &str| json!({ "accountId": account, "contactId": contact, "since": since, "until": until });
        for (since, until, error) in [("2023-02-29", "2024-01-01", "INVALID since"), ("2024-1-1", "2024-01-01", "INVALID since"), ("+12024-1-1", "2024-01-01", "INVALID since"), ("+2024-1-01", "2024-01-01", "INVALID since"), (" 2026-1-05", "2024-01-01", "INVALID since"), ("2024- 1-05", "2024-01-01", "INVALID since"), ("0000-01-01", "2024-01-01", "INVALID since"), ("-001-01-01", "2024-01-01", "INVALID since"), ("2024-01-02", "2024-01-01", "OUT_OF_RANGE until")] {
            let refused = mutate(&admin, "accountContact", "Create", place(since, until), "").await;
            assert_eq!(refused.user_errors("accountContactCreate"), [error]);
        }
        let made = mutate(&admin, "accountContact", "Create", place("1899-12-31", "1899-12-31"), "since until").await.expect_ok();
        assert_eq!(made.data("accountContactCreate.accountContact.since"), "1899-12-31");
    }

    async fn all_mistakes_are_told_at_once(world: World) {
        let admin = world.admin().await;
        let input = json!({ "name": " ", "fitScore": 500, "website": "nowhere", "annualRevenue": money("0.001", "EUR"), "externalIds": [{ "system": "crm", "id": " " }] });
        let mut errors = mutate(&admin, "account", "Create", input, "").await.user_errors("accountCreate");
        errors.sort_unstable();
        assert_eq!(errors, ["INVALID annualRevenue", "INVALID externalIds.0", "INVALID website", "OUT_OF_RANGE fitScore", "REQUIRED name"]);
    }

    async fn lists_of_texts_keep_their_order_and_their_bounds(world: World) {
        let admin = world.admin().await;
        let made = mutate(&admin, "persona", "Create", json!({ "name": "Buyer", "goals": ["b", "a", "b"], "pains": [] }), "goals pains questions").await.expect_ok();
        assert_eq!(made.data("personaCreate.persona.goals"), &json!(["b", "a", "b"]));
        assert_eq!(made.data("personaCreate.persona.pains"), &json!([]));
        let many = mutate(&admin, "persona", "Create", json!({ "name": "Buyer", "goals": vec!["x"; 101] }), "").await;
        assert_eq!(many.user_errors("personaCreate"), ["TOO_LONG goals"]);
    }
}
