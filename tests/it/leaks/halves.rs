//! What somebody may not see has no effect on any answer they get: no id, no name, no count, no order, no group.

use entity::{Department, Kind};
use serde_json::{Value, json};

use crate::{
    crew,
    curious::Curious,
    support::{
        client::Client,
        world::{OTHER_SELLER, SELLER, SERVICE, TEAM_MATE, World},
    },
};

/// Stands in the name of everything that the rep may not see.
const SECRET: &str = "Zaubernuss";
/// How many questions are asked; the seed makes them the same in every run.
const QUESTIONS: usize = 120;

/// A company of which the rep sees one half.
struct Halves {
    admin: Client,
    seen: Vec<String>,
    unseen: Vec<String>,
    owners: [String; 3],
    stage: String,
    persona: String,
    list: String,
}

impl Halves {
    async fn found(world: &World) -> Self {
        let admin = world.admin().await;
        let mut owners = Vec::new();
        for person in [SELLER, TEAM_MATE, OTHER_SELLER] {
            let document = "query($email: String!) { users(filter: { email: { eq: $email } }) { nodes { id } } }";
            let answer = admin.query_with(document, json!({ "email": person.email })).await.expect_ok();
            owners.push(crew::text(&answer, "users.nodes.0.id"));
        }
        let owners: [String; 3] = owners.try_into().unwrap();
        let pipeline = crew::create(&admin, Kind::Pipeline, json!({ "name": "P" })).await;
        let stage =
            json!({ "pipelineId": pipeline, "name": "Open", "position": 1, "category": "OPEN", "probability": 10 });
        let stage = crew::create(&admin, Kind::Stage, stage).await;
        let persona = crew::create(&admin, Kind::Persona, json!({ "name": "Persona" })).await;
        let list = crew::create(&admin, Kind::TargetAccountList, json!({ "name": "List", "kind": "STATIC" })).await;
        let mut halves = Self { admin, seen: vec![], unseen: vec![], owners, stage, persona, list };
        let first = halves.half(0, 0, "Alder").await;
        let mate = halves.half(10, 1, "Birch").await;
        let other = halves.half(20, 2, SECRET).await;
        let more = halves.half(30, 2, SECRET).await;
        halves.seen = [first, mate].concat();
        halves.unseen = [other, more].concat();
        halves.tie_together().await;
        halves
    }

    /// Three accounts of one owner and all that hangs off them; accounts first.
    async fn half(&self, from: usize, owner: usize, word: &str) -> Vec<String> {
        let owner = &self.owners[owner];
        let accounts = (from..from + 3).map(|n| (Kind::Account, json!({
            "name": format!("{word} {n}"), "ownerId": owner, "domain": format!("{word}{n}.example").to_lowercase(),
            "industry": format!("Trade {}", n % 4), "tier": format!("TIER_{}", n % 3 + 1), "fitScore": n * 2, "country": "DE",
            "annualRevenue": { "amount": format!("{}000", n + 1), "currency": "EUR" },
            "externalIds": [{ "system": "crm", "id": format!("{n}") }],
        })));
        let mut ids = crew::create_all(&self.admin, accounts.collect()).await;
        let mut more = Vec::new();
        for (n, account) in ids.iter().enumerate() {
            let name = format!("{word} {}", from + n);
            let email = format!("{word}{}@secret.example", from + n).to_lowercase();
            more.push((
                Kind::Contact,
                json!({ "name": name, "accountId": account, "email": email, "personaId": self.persona }),
            ));
            more.push((Kind::Lead, json!({ "name": name, "accountId": account, "score": from + n, "source": "web", "personaId": self.persona })));
            more.push((Kind::Deal, json!({ "name": name, "accountId": account, "ownerId": owner, "stageId": self.stage,
                "amount": { "amount": format!("{}.50", from * 100 + n), "currency": "EUR" }, "closeDate": "2026-06-30" })));
            more.push((
                Kind::AccountDomain,
                json!({ "accountId": account, "domain": format!("{word}-{}.example", from + n).to_lowercase() }),
            ));
            more.push((Kind::AccountTeamMember, json!({ "accountId": account, "userId": owner })));
            more.push((Kind::TargetAccountListMember, json!({ "listId": self.list, "accountId": account })));
        }
        ids.extend(crew::create_all(&self.admin, more).await);
        ids
    }

    /// Threads between the halves, at which one end must not show the other.
    async fn tie_together(&mut self) {
        let mine = json!(self.owners[0]);
        let (seen, unseen) = (self.seen[0].clone(), self.unseen[0].clone());
        let contact = self.seen[3].clone();
        let child = crew::create(
            &self.admin,
            Kind::Account,
            json!({ "name": "Child of a secret", "ownerId": mine, "parentId": unseen }),
        )
        .await;
        let secret_child = json!({ "name": format!("{SECRET} child"), "ownerId": self.owners[2], "parentId": seen });
        let secret_child = crew::create(&self.admin, Kind::Account, secret_child).await;
        let deal = json!({ "name": "Deal at a secret", "ownerId": mine, "stageId": self.stage, "accountId": unseen });
        let deal = crew::create(&self.admin, Kind::Deal, deal).await;
        let lead =
            json!({ "name": "Lead at a secret", "ownerId": mine, "accountId": unseen, "contactId": self.unseen[3] });
        let lead = crew::create(&self.admin, Kind::Lead, lead).await;
        let place = json!({ "accountId": unseen, "contactId": contact, "title": SECRET });
        let place = crew::create(&self.admin, Kind::AccountContact, place).await;
        self.seen.extend([child, deal, lead]);
        self.unseen.extend([secret_child, place]);
    }

    /// Changes much, and nothing that the rep sees.
    async fn disturb(&self, world: &World) {
        world.clock.advance(std::time::Duration::from_secs(77));
        let named = |kind: Kind| {
            let prefix = format!("{}_", kind.table().prefix);
            self.unseen.iter().filter(move |id| id.starts_with(&prefix)).enumerate()
        };
        let mut changes: Vec<(Kind, Value)> = named(Kind::Account).map(|(n, id)| (Kind::Account, json!({
            "id": id, "name": if n % 2 == 0 { format!("Aaa {SECRET} {n}") } else { format!("zzz {SECRET} {n}") },
            "industry": SECRET, "tier": "TIER_1", "fitScore": 99 - n, "country": "FR", "domain": format!("{SECRET}-new-{n}.example").to_lowercase(),
            "annualRevenue": { "amount": "7", "currency": "USD" },
        }))).collect();
        changes.extend(named(Kind::Contact).map(|(n, id)| {
            (Kind::Contact, json!({ "id": id, "name": format!("Aaa {SECRET} {n}"), "email": null, "personaId": null }))
        }));
        changes.extend(
            named(Kind::Lead)
                .map(|(n, id)| (Kind::Lead, json!({ "id": id, "score": 100 - n, "source": SECRET, "stage": "MQL" }))),
        );
        changes.extend(named(Kind::Deal).map(|(n, id)| (Kind::Deal, json!({ "id": id, "amount": { "amount": format!("{}", 99_999 - n), "currency": "USD" }, "closeDate": "2020-01-01" }))));
        let done = crew::mutate(&self.admin, "Update", changes).await;
        assert!(done.iter().all(Result::is_ok), "{done:?}");
        self.half(40, 2, SECRET).await;
        let archived = [Kind::Lead, Kind::AccountDomain, Kind::TargetAccountListMember, Kind::AccountTeamMember];
        let archived = archived
            .into_iter()
            .flat_map(|kind| named(kind).skip(2).map(move |(_, id)| (kind, json!({ "id": id }))))
            .collect();
        let done = crew::mutate(&self.admin, "Archive", archived).await;
        assert!(done.iter().all(Result::is_ok), "{done:?}");
        let account = named(Kind::Account).last().expect("there are accounts").1;
        let done = crew::mutate(&self.admin, "Archive", vec![(Kind::Account, json!({ "id": account }))]).await;
        assert!(done.iter().all(Result::is_ok), "{done:?}");
    }

    fn curious(&self, seed: u64) -> Curious {
        let ids = [
            self.seen.clone(),
            self.unseen.clone(),
            self.owners.to_vec(),
            vec![self.stage.clone(), self.persona.clone(), self.list.clone()],
        ]
        .concat();
        let words =
            ["Alder 0", "Birch 11", "a", "Trade 1", "web", SECRET, "Zaubernuss 20", "zaub", "example", "Aaa", "UTC"];
        Curious::new(seed, ids, words.map(str::to_owned).into())
    }
}

/// What an answer tells, without what it cost.
async fn told(client: &Client, question: &str) -> Value {
    let answer = client.query(question).await;
    assert_ne!(answer.error_code(), Some("INTERNAL_SERVER_ERROR"), "{question}\n{answer}");
    assert_ne!(answer.error_code(), Some("GRAPHQL_VALIDATION_FAILED"), "{question}\n{answer}");
    // Root fields run side by side: in which order two of them fail is chance, and where one that may not be
    // null takes the whole answer with it, whether the other had failed before.
    let mut errors = answer.body["errors"].as_array().cloned().unwrap_or_default();
    if answer.body["data"].is_null() {
        assert!(!errors.is_empty(), "{answer}");
        return json!({ "data": null, "errors": ["refused"] });
    }
    errors.sort_by_key(|error| error["path"].to_string());
    json!({ "data": answer.body["data"], "errors": errors })
}

on_both_engines! {
    async fn what_a_rep_may_not_see_changes_no_answer(world: World) {
        let halves = Halves::found(&world).await;
        let seller = world.seller().await;
        let mut curious = halves.curious(20_261_121);
        let mut asked = Vec::with_capacity(QUESTIONS);
        let (mut rows, mut refused) = (0, 0);
        for _ in 0..QUESTIONS {
            let question = curious.query();
            let answer = told(&seller, &question).await;
            let text = answer["data"].to_string();
            for unseen in &halves.unseen {
                assert!(!text.contains(unseen.as_str()), "{unseen} stands in the answer to\n{question}\n{answer:#}");
            }
            assert!(!text.contains(SECRET), "a secret name stands in the answer to\n{question}\n{answer:#}");
            rows += halves.seen.iter().filter(|id| text.contains(id.as_str())).count();
            refused += usize::from(answer["errors"] != json!([]));
            asked.push((question, answer));
        }
        assert!(rows > QUESTIONS / 2, "the questions find too little to tell anything: {rows} rows");
        assert!(refused < QUESTIONS / 2, "{refused} of {QUESTIONS} questions were refused");
        let mut known = Vec::with_capacity(QUESTIONS);
        for (question, _) in &asked {
            known.push(told(&halves.admin, question).await);
        }
        halves.disturb(&world).await;
        let mut noticed = 0;
        for ((question, before), known) in asked.into_iter().zip(known) {
            assert_eq!(told(&seller, &question).await, before, "the answer changed to\n{question}");
            noticed += usize::from(told(&halves.admin, &question).await != known);
        }
        assert!(noticed > QUESTIONS / 4, "who sees everything noticed only {noticed} changes, so the others prove little");
    }

    async fn hidden_figures_change_no_answer(world: World) {
        let halves = Halves::found(&world).await;
        let service = world.sign_in(&SERVICE).await;
        let mut curious = halves.curious(7);
        let mut asked = Vec::with_capacity(QUESTIONS);
        for _ in 0..QUESTIONS {
            let question = curious.query();
            asked.push((told(&service, &question).await, question));
        }
        // Behind the back: a change through the API would show in the version.
        crew::behind_the_back(&world, "UPDATE deal SET amount_minor = 4711 - amount_minor, amount_currency = 'USD' WHERE amount_minor IS NOT NULL").await;
        crew::behind_the_back(&world, "UPDATE account SET annual_revenue_minor = 1 WHERE annual_revenue_minor IS NOT NULL").await;
        crew::behind_the_back(&world, "UPDATE lead SET score = 1, source = 'secret'").await;
        for (before, question) in asked {
            assert_eq!(told(&service, &question).await, before, "the answer changed to\n{question}");
        }
        let sum = "{ dealAggregate { sum { amount { currency } } } }";
        let sum = halves.admin.query(sum).await.expect_ok();
        assert_eq!(sum.data("dealAggregate.0.sum.amount"), &json!([{ "currency": "USD" }]), "the figures did change");
    }

    async fn a_hidden_field_is_null_named_and_of_no_use(world: World) {
        let halves = Halves::found(&world).await;
        let service = world.sign_in(&SERVICE).await;
        let answer = service.query("{ deals { nodes { amount { amount } hiddenFields } } accounts { nodes { annualRevenue { amount } hiddenFields } } }").await.expect_ok();
        assert_eq!(answer.data("deals.nodes").as_array().unwrap().len(), 13);
        assert_eq!(*answer.data("deals.nodes.0"), json!({ "amount": null, "hiddenFields": ["amount"] }));
        assert_eq!(*answer.data("accounts.nodes.0"), json!({ "annualRevenue": null, "hiddenFields": ["annualRevenue"] }));
        for question in [
            "{ it: deals(filter: { amount: { gt: \"1\", currency: \"EUR\" } }) { totalCount } }",
            "{ it: deals(filter: { amount: { isNull: true } }) { totalCount } }",
            "{ it: deals(filter: { not: { or: [{ amount: { gt: \"1\", currency: \"EUR\" } }] } }) { totalCount } }",
            "{ it: accounts(filter: { deals: { some: { amount: { gt: \"1\", currency: \"EUR\" } } } }) { totalCount } }",
            "{ it: contacts(filter: { accounts: { every: { annualRevenue: { gt: \"1\", currency: \"EUR\" } } } }) { totalCount } }",
            "{ it: deals(orderBy: { field: AMOUNT }) { totalCount nodes { id } } }",
            "{ it: accounts(orderBy: [{ field: NAME }, { field: ANNUAL_REVENUE }]) { nodes { id } } }",
            "{ it: dealAggregate { sum { amount { amount } } } }",
            "{ it: dealAggregate(groupBy: { field: STAGE }) { max { amount { amount } } } }",
            "{ it: accountAggregate { avg { annualRevenue { amount } } } }",
            "{ it: accountAggregate(filter: { annualRevenue: { gt: \"1\", currency: \"EUR\" } }) { count } }",
        ] {
            let answer = service.query(question).await;
            assert_eq!(answer.error_code(), Some("FORBIDDEN"), "{question}\n{answer}");
            assert!(answer.body["data"]["it"].is_null(), "{answer}");
        }
        let admin = halves.admin.query("{ deals(filter: { amount: { gt: \"1\", currency: \"EUR\" } }, orderBy: { field: AMOUNT }) { totalCount nodes { hiddenFields } } }").await;
        assert_eq!(admin.expect_ok().data("deals.nodes.0.hiddenFields"), &json!([]));
    }

    async fn a_rep_sees_exactly_the_team_s_half(world: World) {
        let halves = Halves::found(&world).await;
        let seller = world.seller().await;
        let document = "query($ids: [ID!]!) { nodes(ids: $ids) { id } }";
        let seen = seller.query_with(document, json!({ "ids": halves.seen })).await.expect_ok();
        let ids: Vec<&str> = seen.data("nodes").as_array().unwrap().iter().filter_map(|node| node["id"].as_str()).collect();
        assert_eq!(ids, halves.seen);
        let unseen = seller.query_with(document, json!({ "ids": halves.unseen })).await.expect_ok();
        assert!(unseen.data("nodes").as_array().unwrap().iter().all(Value::is_null), "{unseen}");
        for (by, unseen) in [("id", json!(halves.unseen[0])), ("domain", json!("zaubernuss20.example")), ("external", json!({ "system": "crm", "id": "20" }))] {
            let answer = seller.query_with("query($by: AccountRef!) { account(by: $by) { id } }", json!({ "by": { by: unseen } })).await;
            assert_eq!(answer.expect_ok().data("account"), &Value::Null, "by {by}");
        }
        let groups = seller.query("{ accountAggregate(groupBy: { field: OWNER }) { count key { owner { email } } } }").await.expect_ok();
        let owners: Vec<&str> = groups.data("accountAggregate").as_array().unwrap().iter().filter_map(|group| group["key"]["owner"]["email"].as_str()).collect();
        assert_eq!(owners.len(), 2, "{groups}");
        assert!(!owners.contains(&OTHER_SELLER.email));
    }

    async fn what_is_taken_by_a_secret_is_told_without_naming_it(world: World) {
        let halves = Halves::found(&world).await;
        let marketer = crew::hire(&world, "own@tandem.test", "rep", Department::Sales).await;
        let account = crew::create(&halves.admin, Kind::Account, json!({ "name": "Mine", "ownerId": marketer.id })).await;
        let tell = "contact { id } userErrors { code field message conflict { id } }";
        let document = format!("mutation($input: ContactCreateInput!) {{ contactCreate(input: $input) {{ {tell} }} }}");
        let taken = json!({ "input": { "name": "C", "accountId": account, "email": "zaubernuss20@secret.example" } });
        let answer = marketer.client.query_with(&document, taken.clone()).await;
        assert_eq!(answer.user_errors("contactCreate"), ["TAKEN email"]);
        assert_eq!(answer.data("contactCreate.userErrors.0.conflict"), &Value::Null);
        let answer = halves.admin.query_with(&document, taken).await;
        assert_eq!(answer.data("contactCreate.userErrors.0.conflict.id"), &json!(halves.unseen[3]), "who may see it is led to it");

        let document = "mutation($input: ContactBulkUpsertInput!) { contactBulkUpsert(input: $input) {
            userErrors { code } results { status node { id } userErrors { code field conflict { id } } } } }";
        let item = json!({ "name": "Hijacked", "email": "zaubernuss20@secret.example", "accountId": account });
        let answer = marketer.client.query_with(document, json!({ "input": { "items": [item], "matchOn": "email" } })).await;
        let result = answer.data("contactBulkUpsert.results.0");
        assert_eq!((&result["status"], &result["node"]), (&json!("FAILED"), &Value::Null), "{answer}");
        assert!(!answer.body.to_string().contains(SECRET) && !answer.body.to_string().contains(&halves.unseen[3]));
        let kept = halves.admin.query_with("query($id: ID!) { node(id: $id) { ... on Contact { name version } } }", json!({ "id": halves.unseen[3] })).await;
        assert_eq!(kept.data("node"), &json!({ "name": "Zaubernuss 20", "version": 1 }));
        for verb in ["Update", "Archive", "Restore"] {
            let done = crew::mutate(&marketer.client, verb, vec![(Kind::Contact, json!({ "id": halves.unseen[3], "expectedVersion": 99 }))]).await;
            assert_eq!(done[0], Err(vec!["NOT_FOUND id".to_owned()]), "the same as for one that does not exist");
        }
    }

    async fn nobody_gets_the_answer_that_was_kept_for_another(world: World) {
        let halves = Halves::found(&world).await;
        let seller = world.seller().await;
        let lead = json!({ "name": "The very same", "accountId": halves.seen[0], "idempotencyKey": "once" });
        let document = "mutation($input: LeadCreateInput!) { leadCreate(input: $input) { lead { id } userErrors { code } } }";
        let create = async |client: &Client| {
            let answer = client.query_with(document, json!({ "input": lead })).await.expect_ok();
            crew::text(&answer, "leadCreate.lead.id")
        };
        let (one, another) = (create(&halves.admin).await, create(&seller).await);
        assert_ne!(one, another, "the key is each person's own");
        assert_eq!((create(&halves.admin).await, create(&seller).await), (one, another), "and holds for each");
    }
}
