//! Reading keys and claims; what needs signatures is tested against an issuer, in `tests/it/oidc`.

use entity::Department;
use serde_json::json;

use super::*;

fn claims(all: Json) -> Claims {
    let Json::Object(all) = all else { panic!("claims are an object") };
    Claims { subject: "subject".to_owned(), issued_at: Instant(0), expires_at: Instant(0), all }
}

fn token(header: &Json, claims: &Json) -> String {
    let part = |json: &Json| URL_SAFE_NO_PAD.encode(json.to_string());
    format!("{}.{}.c2ln", part(header), part(claims))
}

fn reason<T: std::fmt::Debug>(outcome: Result<T>) -> String {
    match outcome {
        Err(Error::Refused(refusal)) => refusal.reason.unwrap_or_default().into_owned(),
        other => panic!("not refused: {other:?}"),
    }
}

#[test]
fn a_claim_is_found_by_its_name_or_by_its_path() {
    let claims = claims(json!({
        "groups": ["a b", "/c/d", 7], "one": "e", "realm_access": { "roles": ["f"] },
        "https://acme.example/claims": { "in.side": ["g"] },
    }));
    assert_eq!(claims.texts("groups"), ["a b", "/c/d"]);
    assert_eq!(claims.texts("one"), ["e"]);
    assert_eq!(claims.texts("realm_access.roles"), ["f"]);
    assert_eq!(claims.texts("https://acme.example/claims.in.side"), ["g"]);
    for nowhere in ["", ".", "groups.roles", "realm_access", "realm_access.", "roles", "one.e"] {
        assert!(claims.texts(nowhere).is_empty(), "{nowhere}");
    }
}

#[test]
fn a_person_is_called_by_the_best_name_there_is() {
    let name = |all| claims(all).name(12);
    assert_eq!(name(json!({ "name": "Ann Other", "given_name": "A" })), "Ann Other");
    assert_eq!(name(json!({ "name": " ", "given_name": "Ann", "family_name": "O" })), "Ann O");
    assert_eq!(name(json!({ "preferred_username": "ann", "email": "a@b.example" })), "ann");
    assert_eq!(name(json!({ "email": "a@b.example" })), "a@b.example");
    assert_eq!(name(json!({})), "subject");
    assert_eq!(name(json!({ "name": "Ann\u{0}Ünderwood of Ham" })), "Ann Ünderwoo");
}

#[test]
fn an_address_is_verified_only_where_the_issuer_says_so() {
    let email = |all| claims(all).email();
    assert_eq!(
        email(json!({ "email": " Ann@B.example", "email_verified": true })),
        Some(("ann@b.example".to_owned(), true))
    );
    assert_eq!(
        email(json!({ "email": "a@b.example", "email_verified": "true" })),
        Some(("a@b.example".to_owned(), true))
    );
    for no in [json!(false), json!("false"), json!(1), json!(null), json!("yes")] {
        assert_eq!(
            email(json!({ "email": "a@b.example", "email_verified": no })),
            Some(("a@b.example".to_owned(), false))
        );
    }
    assert_eq!(email(json!({ "email": "a@b.example" })), Some(("a@b.example".to_owned(), false)));
    assert_eq!(email(json!({ "email_verified": true })), None);
}

#[test]
fn a_department_is_read_as_people_write_it() {
    for name in ["Sales", "SALES", " sales "] {
        assert_eq!(claims(json!({ "department": name })).department("department"), Some(Department::Sales));
    }
    assert_eq!(claims(json!({ "department": "Astrology" })).department("department"), None);
    assert_eq!(claims(json!({})).department("department"), None);
}

#[test]
fn the_form_of_a_token_is_checked_before_any_key_is_asked_for() {
    let rules = Rules { issuer: "https://id.example".to_owned(), audiences: vec![] };
    let check =
        |header: Json, claims: Json| Unproven::read(&token(&header, &claims)).unwrap().check(&rules).map(|_| ());
    let ours = || json!({ "iss": "https://id.example" });
    for kind in ["JWT", "jwt", "at+jwt", "application/at+JWT"] {
        assert!(check(json!({ "alg": "RS256", "typ": kind }), ours()).is_ok(), "{kind}");
    }
    assert!(check(json!({ "alg": "EdDSA", "jwk": 7, "jku": [] }), ours()).is_ok());
    for other in ["none", "None", "HS256", "HS512", "RS1", "ES512", "rs256", ""] {
        assert_eq!(reason(check(json!({ "alg": other }), ours())), "TOKEN_ALGORITHM", "{other}");
    }
    assert_eq!(reason(check(json!({}), ours())), "TOKEN_ALGORITHM");
    assert_eq!(reason(check(json!({ "alg": "RS256", "typ": "logout+jwt" }), ours())), "TOKEN_MALFORMED");
    assert_eq!(reason(check(json!({ "alg": "RS256", "crit": ["b64"] }), ours())), "TOKEN_MALFORMED");
    for issuer in [json!("https://id.example/"), json!(["https://id.example"]), json!(null)] {
        assert_eq!(reason(check(json!({ "alg": "none" }), json!({ "iss": issuer }))), "TOKEN_ISSUER");
    }
}

#[test]
fn what_is_no_token_has_no_issuer() {
    for text in ["", ".", "..", "a.b.c", "e30.e30", "e30.W10.x", "e30.e30.e30.e30", &"x".repeat(100_000)] {
        assert_eq!(issuer_of(text), None, "{text}");
    }
    assert_eq!(issuer_of(&token(&json!({}), &json!({ "iss": "x" }))).as_deref(), Some("x"));
}

#[test]
fn keys_that_cannot_verify_are_left_out() {
    let long = URL_SAFE_NO_PAD.encode([1_u8; 256]);
    let short = URL_SAFE_NO_PAD.encode([1_u8; 255]);
    let rsa = |more: Json| {
        let mut key = json!({ "kty": "RSA", "n": long, "e": "AQAB", "kid": "a" });
        key.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        Keys::read(&json!({ "keys": [key] })).unwrap()
    };
    assert!(rsa(json!({ "use": "sig", "alg": "RS256" })).has(Some("a"), Algorithm::RS256));
    assert!(rsa(json!({ "key_ops": ["verify"] })).for_token(Some("a"), Algorithm::PS512).is_ok());
    for useless in [
        json!({ "use": "enc" }),
        json!({ "key_ops": ["encrypt"] }),
        json!({ "n": short }),
        json!({ "n": "!" }),
        json!({ "kty": "oct", "k": "c2VjcmV0" }),
        json!({ "kty": "EC" }),
        json!({ "kty": 7 }),
        json!({ "e": null }),
    ] {
        assert!(rsa(useless.clone()).is_empty(), "{useless}");
    }
    let keys = rsa(json!({ "alg": "RS256" }));
    assert_eq!(reason(keys.for_token(Some("a"), Algorithm::RS512).map(|_| ())), "TOKEN_ALGORITHM");
    assert_eq!(reason(keys.for_token(Some("a"), Algorithm::ES256).map(|_| ())), "TOKEN_ALGORITHM");
    assert_eq!(reason(keys.for_token(Some("b"), Algorithm::RS256).map(|_| ())), "TOKEN_KEY_UNKNOWN");
    assert!(keys.for_token(None, Algorithm::RS256).is_ok(), "only one can be meant");
    let two = super::keys::Keys([keys.0.clone(), rsa(json!({ "kid": "b" })).0].concat());
    assert_eq!(reason(two.for_token(None, Algorithm::RS256).map(|_| ())), "TOKEN_KEY_UNKNOWN");
    assert!(Keys::read(&json!({ "keys": "x" })).is_none() && Keys::read(&json!([])).is_none());
}
