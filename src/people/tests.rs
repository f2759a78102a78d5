//! Signing in as clients see it: through the schema, over a database of its own.

use std::{sync::Arc, time::Duration};

use async_graphql::{Request, Value, Variables};
use entity::{Department, Instant, Kind};
use serde_json::{Value as Json, json};

use super::{admin, authority::Authority, sign_in::Credentials};
use crate::{
    access::{Actor, Origin, Policy, Purpose, password::Cost, token},
    api,
    clock::ManualClock,
    error::Error,
    store::{self, Backend, Position},
};

const PASSWORD: &str = "correct horse battery";
const OTHER: &str = "another horse entirely";

struct World {
    backend: Arc<Backend>,
    authority: Authority,
    clock: Arc<ManualClock>,
    schema: api::Schema,
    folder: tempfile::TempDir,
}

/// Tokens as a client keeps them.
#[derive(Clone, Debug)]
struct Kept {
    access: String,
    refresh: String,
}

impl World {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::at(Instant(1_795_000_000_000)));
        let url = format!("sqlite://{}", folder.path().join("tandem.db").display());
        let backend = Backend::open(&url, clock.clone(), api::NOUNS).await.unwrap();
        store::migrate(&backend).await.unwrap();
        let authority = Authority::new(backend.clone(), None, Cost::LEAST).unwrap();
        let world = Self { backend, authority, clock, schema: api::strict(), folder };
        assert!(
            admin::ensure_first_admin(&world.backend, world.authority.passwords(), "Ann@acme.example", PASSWORD)
                .await
                .unwrap()
        );
        world
    }

    async fn hire(&self, name: &str, role: &str) -> String {
        let email = format!("{}@acme.example", name.to_lowercase());
        let who = (name, email.as_str());
        let user =
            admin::create_user(&self.backend, self.authority.passwords(), who, (Department::Sales, role), PASSWORD)
                .await
                .unwrap();
        user.to_string()
    }

    fn wait(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    async fn ask_from(&self, actor: Actor, address: &str, query: &str, input: Json) -> Json {
        let store = self.backend.store(actor, Some("request"));
        let origin = Origin { address: Some(address.parse().unwrap()), user_agent: Some("tests".to_owned()) };
        let variables = Variables::from_json(json!({ "input": input }));
        let request = Request::new(query).variables(variables).data(store).data(self.authority.clone()).data(origin);
        let response = self.schema.execute(request).await;
        let mut answer = json!({ "data": plain(&response.data) });
        if !response.errors.is_empty() {
            answer["errors"] = serde_json::to_value(&response.errors).unwrap();
        }
        answer
    }

    /// As the bearer of a token, or as nobody.
    async fn ask(&self, token: Option<&Kept>, query: &str, input: Json) -> Json {
        let (actor, _) =
            self.authority.actor(token.map(|kept| kept.access.as_str()), &Origin::default()).await.unwrap();
        self.ask_from(actor, "192.0.2.7", query, input).await
    }

    async fn try_sign_in(&self, email: &str, password: &str) -> Json {
        self.ask(None, SIGN_IN, json!({ "email": email, "password": password })).await
    }

    async fn sign_in(&self, email: &str, password: &str) -> Kept {
        kept(&self.try_sign_in(email, password).await["data"]["signIn"])
    }

    async fn try_refresh(&self, kept: &Kept) -> Json {
        self.ask(None, REFRESH, json!({ "refreshToken": kept.refresh })).await["data"]["refresh"].clone()
    }

    /// Why a token is refused; nothing where it is good.
    async fn refusal(&self, access: &str) -> Option<String> {
        refusal(&self.authority, access).await
    }
}

/// A value with the records in it, which are written as bytes.
fn plain(value: &Value) -> Json {
    match value {
        Value::Binary(bytes) => serde_json::from_slice(bytes).unwrap(),
        Value::List(items) => items.iter().map(plain).collect(),
        Value::Object(fields) => fields.iter().map(|(name, value)| (name.to_string(), plain(value))).collect(),
        value => value.clone().into_json().unwrap(),
    }
}

async fn refusal(authority: &Authority, access: &str) -> Option<String> {
    match authority.actor(Some(access), &Origin::default()).await {
        Ok(_) => None,
        Err(Error::Refused(refusal)) => refusal.reason.map(std::borrow::Cow::into_owned),
        Err(error) => panic!("{error}"),
    }
}

const SIGN_IN: &str = "mutation($input: SignInInput!) { signIn(input: $input) {
    accessToken refreshToken expiresAt user { email } userErrors { code reason message field } } }";
const REFRESH: &str = "mutation($input: RefreshInput!) { refresh(input: $input) {
    accessToken refreshToken userErrors { code reason field } } }";
const DEACTIVATE: &str = "mutation($input: UserDeactivateInput!) { userDeactivate(input: $input) {
    handedOver user { status version } userErrors { code reason message field } } }";

fn kept(payload: &Json) -> Kept {
    assert_eq!(payload["userErrors"], json!([]), "{payload}");
    let text = |name: &str| payload[name].as_str().unwrap_or_else(|| panic!("{payload}")).to_owned();
    Kept { access: text("accessToken"), refresh: text("refreshToken") }
}

fn reason(payload: &Json) -> &str {
    payload["userErrors"][0]["reason"].as_str().unwrap_or_else(|| panic!("{payload}"))
}

#[tokio::test]
async fn who_signs_in_is_the_viewer() {
    let world = World::new().await;
    let nobody = world.ask(None, "{ viewer { user { id } } }", json!(null)).await;
    assert_eq!(nobody, json!({ "data": { "viewer": null } }));

    let answer = world.try_sign_in(" ANN@acme.example ", PASSWORD).await;
    let payload = &answer["data"]["signIn"];
    assert_eq!(payload["user"]["email"], "ann@acme.example");
    assert_eq!(payload["expiresAt"], Instant(world.clock_now().0 + 900_000).rfc3339());
    let ann = kept(payload);
    let query = "{ viewer { user { email roles { nodes { key } } } session { userAgent address } sessions { address }
        grants { resource action reach } permissions hiddenFields { resource } readOnlyFields { resource } } }";
    let answer = world.ask(Some(&ann), query, json!(null)).await;
    let viewer = &answer["data"]["viewer"];
    assert_eq!(
        viewer["user"],
        json!({ "email": "ann@acme.example", "roles": { "nodes": [{ "key": "admin" }] } }),
        "{answer}"
    );
    assert_eq!(viewer["session"], json!({ "userAgent": "tests", "address": "192.0.2.7" }));
    assert_eq!(viewer["sessions"].as_array().unwrap().len(), 1);
    assert!(viewer["permissions"].as_array().unwrap().contains(&json!("Deal:DELETE:ALL")));
    let permissions = viewer["grants"].as_array().unwrap();
    assert!(permissions.contains(&json!({ "resource": "Deal", "action": "DELETE", "reach": "ALL" })));
    let possible = |kind| crate::access::Action::ALL.iter().filter(|of| crate::access::has_effect(kind, **of)).count();
    assert_eq!(permissions.len(), Kind::ALL.into_iter().map(possible).sum::<usize>());

    world.hire("Sue", "service").await;
    let sue = world.sign_in("sue@acme.example", PASSWORD).await;
    let answer =
        world.ask(Some(&sue), "{ viewer { hiddenFields { resource fields } sessions { id } } }", json!(null)).await;
    let hidden =
        json!([{ "resource": "Account", "fields": ["annualRevenue"] }, { "resource": "Deal", "fields": ["amount"] }]);
    assert_eq!(answer["data"]["viewer"]["hiddenFields"], hidden);
    assert_eq!(answer["data"]["viewer"]["sessions"].as_array().unwrap().len(), 1);
}

impl World {
    fn clock_now(&self) -> Instant {
        self.backend.now()
    }
}

#[tokio::test]
async fn whoever_is_refused_learns_nothing_of_why() {
    let world = World::new().await;
    let bob = world.hire("Bob", "rep").await;
    let wrong = world.try_sign_in("bob@acme.example", "wrong horse battery").await;
    let unknown = world.try_sign_in("nobody@acme.example", PASSWORD).await;
    let admin = world.sign_in("ann@acme.example", PASSWORD).await;
    world.ask(Some(&admin), DEACTIVATE, json!({ "id": bob })).await;
    let gone = world.try_sign_in("bob@acme.example", PASSWORD).await;
    assert_eq!(wrong["data"]["signIn"]["userErrors"][0]["code"], "INVALID");
    assert_eq!(reason(&wrong["data"]["signIn"]), "INVALID_CREDENTIALS");
    assert_eq!(wrong, unknown);
    assert_eq!(wrong, gone);
}

#[tokio::test]
async fn failures_make_the_next_attempt_wait_in_every_process() {
    let world = World::new().await;
    for _ in 0..5 {
        world.try_sign_in("ann@acme.example", OTHER).await;
        world.wait(1);
    }
    let closed = world.try_sign_in("ann@acme.example", PASSWORD).await;
    assert_eq!(
        closed["errors"][0]["extensions"],
        json!({ "code": "RATE_LIMITED", "reason": "SIGN_IN_THROTTLED", "retryAfter": 4.0 }),
        "{closed}"
    );
    // Another process counts the same.
    let other = Authority::new(world.backend.clone(), None, Cost::LEAST).unwrap();
    let store = world.backend.store(Actor::anonymous(), None);
    let origin = Origin { address: Some("192.0.2.7".parse().unwrap()), user_agent: None };
    let ann = Credentials { email: "ann@acme.example", password: PASSWORD, new: None, device: None };
    assert!(other.sign_in(&store, ann, &origin).await.is_err());
    world.wait(4);
    assert!(other.sign_in(&store, ann, &origin).await.is_ok());
    world.sign_in("ann@acme.example", PASSWORD).await;
}

#[tokio::test]
async fn a_success_forgets_the_failures_before_it() {
    let world = World::new().await;
    for _ in 0..3 {
        for _ in 0..4 {
            world.try_sign_in("ann@acme.example", OTHER).await;
        }
        world.sign_in("ann@acme.example", PASSWORD).await;
    }
}

#[tokio::test]
async fn one_place_may_not_try_everybody() {
    let world = World::new().await;
    for n in 0..20 {
        let answer = world.try_sign_in(&format!("{n}@acme.example"), OTHER).await;
        assert_eq!(reason(&answer["data"]["signIn"]), "INVALID_CREDENTIALS");
    }
    let closed = world.try_sign_in("ann@acme.example", PASSWORD).await;
    assert_eq!(closed["errors"][0]["extensions"]["reason"], "SIGN_IN_THROTTLED");
    world.wait(1);
    world.sign_in("ann@acme.example", PASSWORD).await;
    let input = json!({ "email": "ann@acme.example", "password": PASSWORD });
    let elsewhere = world.ask_from(Actor::anonymous(), "192.0.2.8", SIGN_IN, input).await;
    kept(&elsewhere["data"]["signIn"]);
}

#[tokio::test]
async fn guesses_sent_at_once_are_counted_one_by_one() {
    let world = World::new().await;
    let guesses = (0..40).map(|_| world.try_sign_in("ann@acme.example", OTHER));
    let answers = futures_util::future::join_all(guesses).await;
    let tried = answers.iter().filter(|answer| answer["errors"].is_null()).count();
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    assert!((5..5 + cores).contains(&tried), "{tried} of 40 were tried");
}

#[tokio::test]
async fn an_access_token_ends_after_fifteen_minutes() {
    let world = World::new().await;
    let ann = world.sign_in("ann@acme.example", PASSWORD).await;
    let (_, expires_at) = world.authority.actor(Some(&ann.access), &Origin::default()).await.unwrap();
    assert_eq!(expires_at, Some(Instant(world.clock_now().0 + 960_000)), "a minute comes on top, for clocks differ");
    world.wait(15 * 60 + 59);
    assert_eq!(world.refusal(&ann.access).await, None);
    world.wait(1);
    assert_eq!(world.refusal(&ann.access).await.as_deref(), Some("TOKEN_EXPIRED"));
    assert_eq!(world.refusal("rubbish").await.as_deref(), Some("TOKEN_MALFORMED"));
    // The first letter of the signature, of which every bit counts: the last one may not be base64 at all.
    let (message, signature) = ann.access.rsplit_once('.').unwrap();
    let other = if signature.starts_with('A') { "B" } else { "A" };
    let forged = format!("{message}.{other}{}", &signature[1..]);
    assert_eq!(world.refusal(&forged).await.as_deref(), Some("TOKEN_INVALID"));
}

#[tokio::test]
async fn refresh_tokens_follow_one_another() {
    let world = World::new().await;
    let first = world.sign_in("ann@acme.example", PASSWORD).await;
    // Each refresh gives the session another thirty days.
    let mut last = first.clone();
    for _ in 0..3 {
        world.wait(29 * 24 * 60 * 60);
        last = kept(&world.try_refresh(&last).await);
        assert_eq!(world.refusal(&last.access).await, None);
    }
    world.wait(30 * 24 * 60 * 60);
    assert_eq!(reason(&world.try_refresh(&last).await), "REFRESH_TOKEN_EXPIRED");
    let unknown = Kept { refresh: "tdr_nothing".to_owned(), ..last };
    assert_eq!(reason(&world.try_refresh(&unknown).await), "REFRESH_TOKEN_INVALID");
}

#[tokio::test]
async fn a_refresh_token_used_twice_ends_its_session() {
    let world = World::new().await;
    let first = world.sign_in("ann@acme.example", PASSWORD).await;
    let elsewhere = world.sign_in("ann@acme.example", PASSWORD).await;
    let second = kept(&world.try_refresh(&first).await);
    assert_eq!(reason(&world.try_refresh(&first).await), "REFRESH_TOKEN_REUSED");
    assert_eq!(reason(&world.try_refresh(&second).await), "SESSION_ENDED");
    assert_eq!(world.refusal(&second.access).await.as_deref(), Some("SESSION_ENDED"));
    assert_eq!(world.refusal(&elsewhere.access).await, None);
}

#[tokio::test]
async fn of_two_refreshes_at_once_one_wins() {
    let world = World::new().await;
    let first = world.sign_in("ann@acme.example", PASSWORD).await;
    let (one, two) = tokio::join!(world.try_refresh(&first), world.try_refresh(&first));
    let (won, lost) = if one["accessToken"].is_null() { (two, one) } else { (one, two) };
    let won = kept(&won);
    assert_eq!(reason(&lost), "REFRESH_TOKEN_REUSED");
    assert_eq!(reason(&world.try_refresh(&won).await), "SESSION_ENDED");
}

#[tokio::test]
async fn signing_out_ends_this_session() {
    let world = World::new().await;
    let (here, there) =
        (world.sign_in("ann@acme.example", PASSWORD).await, world.sign_in("ann@acme.example", PASSWORD).await);
    let out = "mutation { signOut { signedOut userErrors { code } query { viewer { user { email } } } } }";
    let answer = world.ask(Some(&here), out, json!(null)).await;
    assert_eq!(answer["data"]["signOut"]["signedOut"], true, "{answer}");
    assert_eq!(world.refusal(&here.access).await.as_deref(), Some("SESSION_ENDED"));
    assert_eq!(reason(&world.try_refresh(&here).await), "SESSION_ENDED");
    assert_eq!(world.refusal(&there.access).await, None);
    let nobody = world.ask(None, out, json!(null)).await;
    assert_eq!(nobody["errors"][0]["extensions"]["code"], "UNAUTHENTICATED");
}

#[tokio::test]
async fn another_password_ends_the_other_sessions() {
    let world = World::new().await;
    let (here, there) =
        (world.sign_in("ann@acme.example", PASSWORD).await, world.sign_in("ann@acme.example", PASSWORD).await);
    let query = "mutation($input: PasswordChangeInput!) { passwordChange(input: $input) {
        user { email } userErrors { code reason field } } }";
    let change = async |current: &str, new: &str| {
        world.ask(Some(&here), query, json!({ "currentPassword": current, "newPassword": new })).await["data"]["passwordChange"].clone()
    };
    assert_eq!(reason(&change(OTHER, "a third horse then").await), "INVALID_CREDENTIALS");
    assert_eq!(change(OTHER, "a third horse then").await["userErrors"][0]["field"], json!(["currentPassword"]));
    assert_eq!(reason(&change(PASSWORD, "short").await), "PASSWORD_TOO_SHORT");
    assert_eq!(reason(&change(PASSWORD, PASSWORD).await), "PASSWORD_UNCHANGED");
    assert_eq!(change(PASSWORD, OTHER).await, json!({ "user": { "email": "ann@acme.example" }, "userErrors": [] }));
    assert_eq!(world.refusal(&here.access).await, None);
    assert_eq!(world.refusal(&there.access).await.as_deref(), Some("SESSION_ENDED"));
    assert_eq!(reason(&world.try_sign_in("ann@acme.example", PASSWORD).await["data"]["signIn"]), "INVALID_CREDENTIALS");
    world.sign_in("ann@acme.example", OTHER).await;
}

#[tokio::test]
async fn guessing_the_current_password_is_throttled_too() {
    let world = World::new().await;
    let ann = world.sign_in("ann@acme.example", PASSWORD).await;
    let query = "mutation($input: PasswordChangeInput!) { passwordChange(input: $input) { userErrors { reason } } }";
    let input = json!({ "currentPassword": OTHER, "newPassword": "a third horse then" });
    for _ in 0..5 {
        world.ask(Some(&ann), query, input.clone()).await;
    }
    let closed = world.ask(Some(&ann), query, input).await;
    assert_eq!(closed["errors"][0]["extensions"]["reason"], "SIGN_IN_THROTTLED", "{closed}");
}

#[tokio::test]
async fn sessions_are_revoked_by_their_owner_and_by_administrators() {
    let world = World::new().await;
    world.hire("Bob", "rep").await;
    world.hire("Eve", "rep").await;
    let bob = world.sign_in("bob@acme.example", PASSWORD).await;
    let phone = world.sign_in("bob@acme.example", PASSWORD).await;
    let eve = world.sign_in("eve@acme.example", PASSWORD).await;
    let ann = world.sign_in("ann@acme.example", PASSWORD).await;
    let listed = world
        .ask(Some(&bob), "{ viewer { session { id } sessions { id } } sessions { nodes { id } } }", json!(null))
        .await;
    let ids: Vec<&str> =
        listed["data"]["viewer"]["sessions"].as_array().unwrap().iter().filter_map(|row| row["id"].as_str()).collect();
    assert_eq!(ids.len(), 2);
    assert_eq!(listed["data"]["sessions"]["nodes"].as_array().unwrap().len(), 2);
    let own = listed["data"]["viewer"]["session"]["id"].as_str().unwrap();
    let other = ids.iter().find(|id| **id != own).unwrap();
    let query = "mutation($input: SessionRevokeInput!) { sessionRevoke(input: $input) { session { revokedAt } userErrors { code } } }";
    let revoke = async |by: &Kept, id: &str| {
        world.ask(Some(by), query, json!({ "id": id })).await["data"]["sessionRevoke"].clone()
    };
    assert_eq!(revoke(&eve, other).await["userErrors"][0]["code"], "NOT_FOUND");
    assert_eq!(world.refusal(&phone.access).await, None);
    assert_eq!(revoke(&bob, other).await["session"]["revokedAt"], world.clock_now().rfc3339());
    assert_eq!(world.refusal(&phone.access).await.as_deref(), Some("SESSION_ENDED"));
    assert_eq!(revoke(&ann, own).await["userErrors"], json!([]));
    assert_eq!(world.refusal(&bob.access).await.as_deref(), Some("SESSION_ENDED"));
    let left = world.ask(Some(&eve), "{ viewer { sessions { id } } }", json!(null)).await;
    assert_eq!(left["data"]["viewer"]["sessions"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn who_leaves_hands_everything_over() {
    let world = World::new().await;
    let (bob, eve) = (world.hire("Bob", "sales_manager").await, world.hire("Eve", "rep").await);
    let (ann, bobs) =
        (world.sign_in("ann@acme.example", PASSWORD).await, world.sign_in("bob@acme.example", PASSWORD).await);
    let founding = "mutation($input: JSON) { team: teamCreate(input: { name: \"North\", department: SALES }) { team { id } }
        account: accountCreate(input: { name: \"Acme\", ownerId: \"BOB\" }) { account { id } userErrors { message } }
        story: storyCreate(input: { title: \"Why\", ownerId: \"BOB\", department: SALES }) { story { id } userErrors { message } }
        list: targetAccountListCreate(input: { name: \"Top\", kind: STATIC, salesOwnerId: \"BOB\" }) { targetAccountList { id } userErrors { message } } }"
        .replace("BOB", &bob)
        .replace("($input: JSON)", "");
    let made = world.ask(Some(&ann), &founding, json!(null)).await;
    let id = |alias: &str, name: &str| {
        made["data"][alias][name]["id"].as_str().unwrap_or_else(|| panic!("{made}")).to_owned()
    };
    let (team, account) = (id("team", "team"), id("account", "account"));
    let join = format!(
        "mutation {{ teamMembershipCreate(input: {{ teamId: \"{team}\", userId: \"{bob}\" }}) {{ userErrors {{ message }} }}
         accountTeamMemberCreate(input: {{ accountId: \"{account}\", userId: \"{bob}\" }}) {{ userErrors {{ message }} }} }}"
    );
    let joined = world.ask(Some(&ann), &join, json!(null)).await;
    assert!(joined["errors"].is_null(), "{joined}");

    let deactivate =
        async |by: &Kept, input: Json| world.ask(Some(by), DEACTIVATE, input).await["data"]["userDeactivate"].clone();
    assert_eq!(reason(&deactivate(&bobs, json!({ "id": eve })).await), "PERMISSION_MISSING");
    let unnamed = deactivate(&ann, json!({ "id": bob })).await;
    assert_eq!(reason(&unnamed), "NEW_OWNER_REQUIRED", "{unnamed}");
    assert_eq!(unnamed["userErrors"][0]["field"], json!(["newOwnerId"]));
    assert_eq!(world.refusal(&bobs.access).await, None);
    assert_eq!(deactivate(&ann, json!({ "id": bob, "newOwnerId": bob })).await["userErrors"][0]["code"], "INVALID");
    assert_eq!(
        reason(&deactivate(&ann, json!({ "id": bob, "newOwnerId": eve, "expectedVersion": 7 })).await),
        "STALE_VERSION"
    );
    let left = deactivate(&ann, json!({ "id": bob, "newOwnerId": eve, "expectedVersion": 1 })).await;
    assert_eq!(left, json!({ "handedOver": 3, "user": { "status": "DEACTIVATED", "version": 2 }, "userErrors": [] }));
    assert_eq!(world.refusal(&bobs.access).await.as_deref(), Some("SESSION_ENDED"));

    let look = format!(
        "{{ account(by: {{ id: \"{account}\" }}) {{ owner {{ name }} version team {{ nodes {{ user {{ name }} }} }} }}
            stories {{ nodes {{ owner {{ name }} }} }} targetAccountLists {{ nodes {{ salesOwner {{ name }} marketingOwner {{ name }} }} }}
            team(by: {{ id: \"{team}\" }}) {{ members {{ nodes {{ name }} }} }}
            audit(last: 1) {{ nodes {{ actor {{ name }} subject {{ __typename }} }} }} }}"
    );
    let seen = world.ask(Some(&ann), &look, json!(null)).await;
    let data = &seen["data"];
    assert_eq!(data["account"]["owner"]["name"], "Eve", "{seen}");
    assert_eq!(data["account"]["team"]["nodes"], json!([]));
    assert_eq!(data["stories"]["nodes"][0]["owner"]["name"], "Eve");
    assert_eq!(data["targetAccountLists"]["nodes"][0]["salesOwner"]["name"], "Eve");
    assert_eq!(data["team"]["members"]["nodes"], json!([]));
    let told = json!([{ "actor": { "name": "Administrator" }, "subject": { "__typename": "TeamMembership" } }]);
    assert_eq!(data["audit"]["nodes"], told);

    let back = "mutation($input: UserReactivateInput!) { userReactivate(input: $input) { user { status } userErrors { message } } }";
    let back = world.ask(Some(&ann), back, json!({ "id": bob })).await;
    assert_eq!(back["data"]["userReactivate"], json!({ "user": { "status": "ACTIVE" }, "userErrors": [] }));
    world.sign_in("bob@acme.example", PASSWORD).await;
}

#[tokio::test]
async fn the_last_administrator_stays() {
    let world = World::new().await;
    let ann = world.sign_in("ann@acme.example", PASSWORD).await;
    let me =
        world.ask(Some(&ann), "{ viewer { user { id } } }", json!(null)).await["data"]["viewer"]["user"]["id"].clone();
    let leave = async || world.ask(Some(&ann), DEACTIVATE, json!({ "id": me })).await["data"]["userDeactivate"].clone();
    let last = leave().await;
    assert_eq!((last["userErrors"][0]["code"].as_str(), reason(&last)), (Some("IN_USE"), "LAST_ADMIN"));
    world.hire("Zoe", "admin").await;
    assert_eq!(leave().await["user"]["status"], "DEACTIVATED");
}

#[tokio::test]
async fn administrators_give_passwords_and_others_do_not() {
    let world = World::new().await;
    let bob = world.hire("Bob", "rep").await;
    let (ann, bobs) =
        (world.sign_in("ann@acme.example", PASSWORD).await, world.sign_in("bob@acme.example", PASSWORD).await);
    let query = "mutation($input: UserSetPasswordInput!) { userSetPassword(input: $input) { user { id } userErrors { code reason } } }";
    let set = async |by: &Kept| {
        world.ask(Some(by), query, json!({ "id": bob, "password": OTHER })).await["data"]["userSetPassword"].clone()
    };
    assert_eq!(reason(&set(&bobs).await), "PERMISSION_MISSING");
    assert_eq!(set(&ann).await["userErrors"], json!([]));
    assert_eq!(world.refusal(&bobs.access).await.as_deref(), Some("SESSION_ENDED"));
    world.sign_in("bob@acme.example", OTHER).await;
}

#[tokio::test]
async fn a_rotated_key_is_known_in_every_process_and_the_old_one_lasts_its_tokens() {
    let world = World::new().await;
    let other = Authority::new(world.backend.clone(), None, Cost::LEAST).unwrap();
    let old = world.sign_in("ann@acme.example", PASSWORD).await;
    assert_eq!(refusal(&other, &old.access).await, None);
    let query = "mutation { signingKeyRotate { keyId userErrors { code reason } } }";
    world.hire("Bob", "rep").await;
    let bob = world.sign_in("bob@acme.example", PASSWORD).await;
    assert_eq!(
        reason(&world.ask(Some(&bob), query, json!(null)).await["data"]["signingKeyRotate"]),
        "PERMISSION_MISSING"
    );
    let rotated = world.ask(Some(&old), query, json!(null)).await;
    let kid = rotated["data"]["signingKeyRotate"]["keyId"].as_str().unwrap();
    let new = world.sign_in("ann@acme.example", PASSWORD).await;
    assert_eq!(crate::access::token::key_of(&new.access).unwrap(), kid);
    assert_ne!(crate::access::token::key_of(&old.access).unwrap(), kid);
    for authority in [&world.authority, &other] {
        assert_eq!(refusal(authority, &new.access).await, None);
        assert_eq!(refusal(authority, &old.access).await, None);
    }
    world.wait(20 * 60);
    assert_eq!(refusal(&other, &old.access).await.as_deref(), Some("TOKEN_INVALID"));
    let configured =
        Authority::new(world.backend.clone(), Some("a configured key of enough bytes!"), Cost::LEAST).unwrap();
    let store = world.backend.store(Actor::anonymous(), None);
    let ann = Credentials { email: "ann@acme.example", password: PASSWORD, new: None, device: None };
    let tokens = configured.sign_in(&store, ann, &Origin::default()).await.unwrap();
    assert_eq!(refusal(&configured, &tokens.access).await, None);
    assert_eq!(refusal(&other, &tokens.access).await.as_deref(), Some("TOKEN_INVALID"));
    assert!(configured.rotate_key(&world.backend.as_system(Purpose::CommandLine)).await.is_err());
}

#[tokio::test]
async fn the_command_line_finds_its_people() {
    let world = World::new().await;
    let passwords = world.authority.passwords();
    assert!(!admin::ensure_first_admin(&world.backend, passwords, "zoe@acme.example", PASSWORD).await.unwrap());
    world.hire("Bob", "rep").await;
    let people = admin::list_users(&world.backend).await.unwrap();
    let shown: Vec<_> = people
        .iter()
        .map(|person| (person.name.as_str(), person.roles.join(","), person.active && person.password))
        .collect();
    assert_eq!(shown, [("Administrator", "admin".to_owned(), true), ("Bob", "rep".to_owned(), true)]);
    let bob = world.sign_in("bob@acme.example", PASSWORD).await;
    admin::set_password(&world.backend, passwords, "BOB@acme.example", OTHER).await.unwrap();
    assert_eq!(world.refusal(&bob.access).await.as_deref(), Some("SESSION_ENDED"));
    let actor = admin::actor_for(&world.backend, "bob@acme.example").await.unwrap();
    assert_eq!(actor.user(), Some(people[1].id));
    assert!(admin::actor_for(&world.backend, "nobody@acme.example").await.is_err());
    let ann = world.sign_in("ann@acme.example", PASSWORD).await;
    world.ask(Some(&ann), DEACTIVATE, json!({ "id": people[1].id.to_string() })).await;
    assert!(admin::actor_for(&world.backend, "bob@acme.example").await.is_err());
    let twice = admin::create_user(
        &world.backend,
        passwords,
        ("Bob", "bob@acme.example"),
        (Department::Sales, "rep"),
        PASSWORD,
    )
    .await;
    assert!(matches!(twice, Err(Error::Input(_))), "{twice:?}");
    let nameless =
        admin::create_user(&world.backend, passwords, ("X", "no address"), (Department::Sales, "rep"), PASSWORD).await;
    assert!(matches!(nameless, Err(Error::Input(_))), "{nameless:?}");
}

#[tokio::test]
async fn what_happened_is_told_without_secrets() {
    let world = World::new().await;
    let ann = world.sign_in("ann@acme.example", PASSWORD).await;
    let query = "{ audit(last: 1) { nodes { action requestId actor { email } subject { __typename } } } }";
    let answer = world.ask(Some(&ann), query, json!(null)).await;
    let last = json!({ "action": "CREATED", "requestId": "request", "actor": { "email": "ann@acme.example" }, "subject": { "__typename": "Session" } });
    assert_eq!(answer["data"]["audit"]["nodes"], json!([last]), "{answer}");
    let (events, _) =
        world.backend.as_system(Purpose::CommandLine).feed(Position::default(), &[Kind::User], 100).await.unwrap();
    assert!(events.iter().any(|event| event.changed == ["password"]), "{events:?}");

    let invite =
        "mutation($input: UserInviteInput!) { userInvite(input: $input) { invitation userErrors { message } } }";
    let newcomer = json!({ "name": "Nora", "email": "nora@acme.example", "department": "SALES" });
    let invited = world.ask(Some(&ann), invite, newcomer).await;
    let invitation = invited["data"]["userInvite"]["invitation"].as_str().unwrap_or_else(|| panic!("{invited}"));

    world.backend.db().close().await.unwrap();
    let database = std::fs::read(world.folder.path().join("tandem.db")).unwrap();
    let holds = |text: &str| database.windows(text.len()).any(|part| part == text.as_bytes());
    assert!(holds("ann@acme.example") && holds("$argon2id$") && holds(&token::hash(invitation)));
    for secret in [PASSWORD, &ann.refresh, &ann.access, invitation] {
        assert!(!holds(secret), "{secret}");
    }
}

#[tokio::test]
async fn clients_do_not_come_near_credentials() {
    let world = World::new().await;
    let mut actor = admin::actor_for(&world.backend, "ann@acme.example").await.unwrap();
    actor.policy = Policy::everything();
    let store = world.backend.store(actor, None);
    assert!(matches!(store.login("ann@acme.example").await, Err(Error::Internal(_))));
    assert!(matches!(store.signing_keys().await, Err(Error::Internal(_))));
    let mut change = store.begin().await.unwrap();
    assert!(matches!(change.set_password(&[store.user().unwrap()], "hash").await, Err(Error::Internal(_))));
    assert!(matches!(store.invitation("hash").await, Err(Error::Internal(_))));
    assert!(matches!(change.claim_invitation("hash").await, Err(Error::Internal(_))));
}
