//! Large tables are read by index, whoever reads.

use entity::Kind;
use serde_json::json;
use tandem::{
    access::{Action, Actor, Reach},
    graphql::select,
    people::admin,
};

use crate::{
    crew::{self, behind_the_back},
    shared::pipeline,
    support::{
        database::Engine,
        world::{SELLER, World},
    },
};

/// Enough for both planners to leave a scan of the whole table to those who have to see it.
const LEADS: u32 = 1_000_000;

async fn many_leads(world: &World) {
    let (numbers, id) = match world.engine {
        Engine::Sqlite => (
            format!(
                "(WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < {LEADS}) SELECT n FROM c) g"
            ),
            "randomblob(16)",
        ),
        Engine::Postgres => (format!("generate_series(1, {LEADS}) g(n)"), "gen_random_uuid()"),
    };
    let seller = format!("(SELECT id FROM \"user\" WHERE email = '{}')", SELLER.email);
    let fill = [
        format!(
            "INSERT INTO \"user\" (id, name, name_fold, department, status, version, created_at, updated_at) \
             SELECT {id}, 'p', 'p', 'SALES', 'ACTIVE', 1, n, n FROM {numbers} WHERE n < 500"
        ),
        "CREATE TABLE person AS SELECT id, created_at AS n FROM \"user\" WHERE created_at < 500".to_owned(),
        format!("INSERT INTO person SELECT {seller}, 0"),
        "CREATE UNIQUE INDEX person_n ON person (n)".to_owned(),
        // Each of 500 people owns as much as the seller; half of everything is nobody's.
        format!(
            "INSERT INTO account (id, name, name_fold, stage, owner_id, version, created_at, updated_at) \
             SELECT {id}, 'a', 'a', 'UNAWARE', (SELECT p.id FROM person p WHERE p.n = g.n % 1000), 1, n, n \
             FROM {numbers} WHERE n <= {LEADS} / 10"
        ),
        "CREATE TABLE place AS SELECT id, row_number() OVER (ORDER BY created_at) AS n FROM account".to_owned(),
        "CREATE UNIQUE INDEX place_n ON place (n)".to_owned(),
        format!(
            "INSERT INTO lead (id, name, name_fold, stage, received_at, account_id, owner_id, version, created_at, updated_at) \
             SELECT {id}, 'l', 'l', 'RAW', n, (SELECT p.id FROM place p WHERE p.n = g.n % ({LEADS} / 10) + 1), \
             (SELECT p.id FROM person p WHERE p.n = g.n * 31 % 1000), 1, n, n FROM {numbers}"
        ),
        "ANALYZE".to_owned(),
    ];
    for statement in fill {
        behind_the_back(world, &statement).await;
    }
}

on_both_engines! {
    async fn a_seller_reads_their_own_of_many_leads_by_index(world: World) {
        many_leads(&world).await;
        let backend = crew::backend(&world).await;
        let seller = admin::actor_for(&backend, SELLER.email).await.expect("they work here");
        let own = seller.policy.with(Kind::Lead, Action::Read, Reach::Own);
        let store = backend.store(Actor { policy: own, ..seller }, None);
        for arguments in [
            json!({ "first": 25 }),
            json!({ "first": 25, "orderBy": [{ "field": "RECEIVED_AT", "direction": "DESC" }] }),
            json!({ "first": 25, "filter": { "stage": { "eq": "RAW" } }, "orderBy": [{ "field": "CREATED_AT" }] }),
        ] {
            let find = select::find(Kind::Lead, arguments.as_object().expect("an object"), 200).expect("good arguments");
            let [page, count] = store.explain(Kind::Lead, &find).await.expect("the database explains");
            for (what, plan) in [("page", &page), ("count", &count)] {
                let scan = if world.engine == Engine::Postgres { "Seq Scan on lead" } else { "SCAN t" };
                let scans = plan.lines().any(|line| line.contains(scan) && !line.contains("USING INDEX"));
                assert!(!scans, "the {what} of {arguments} looks at every lead:\n{plan}");
            }
            // Counting follows no order, so only the owner's indexes can spare it the others' leads.
            for index in ["lead_owner", "lead_account"] {
                assert!(count.contains(index), "the count of {arguments} does without {index}:\n{count}");
            }
        }
        backend.db().close().await.expect("it closes");
    }

    async fn what_is_computed_or_named_elsewhere_is_found_by_index(world: World) {
        let admin = world.admin().await;
        pipeline(&admin, "New business").await;
        let (numbers, id) = match world.engine {
            Engine::Sqlite => ("(WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 50000) SELECT n FROM c) g", "randomblob(16)"),
            Engine::Postgres => ("generate_series(1, 50000) g(n)", "gen_random_uuid()"),
        };
        for statement in [
            format!(
                "INSERT INTO deal (id, name, name_fold, kind, stage_id, pipeline_id, opened_at, closed_at, version, created_at, updated_at) \
                 SELECT {id}, 'd', 'd', 'NEW', s.id, s.pipeline_id, 0, n * CAST(864000 AS bigint), 1, n, n FROM {numbers}, stage s WHERE s.name = 'Won'"
            ),
            "INSERT INTO external_id (resource, system, external_id, record_id) SELECT 'Deal', 'crm', 'x' || d.created_at, d.id FROM deal d".to_owned(),
            "ANALYZE".to_owned(),
        ] {
            behind_the_back(&world, &statement).await;
        }
        let backend = crew::backend(&world).await;
        let store = backend.as_system(tandem::access::Purpose::CommandLine);
        for (filter, index) in [
            (json!({ "cycleDays": { "gte": 499 } }), "deal_cycle"),
            (json!({ "external": { "system": "crm", "in": ["x1", "x2"] } }), "external_id"),
        ] {
            let arguments = json!({ "filter": filter });
            let find = select::find(Kind::Deal, arguments.as_object().expect("an object"), 200).expect("good arguments");
            let [_, count] = store.explain(Kind::Deal, &find).await.expect("the database explains");
            assert!(count.contains(index) && !count.contains("Seq Scan on deal") && !count.contains("SCAN t"), "{filter}:\n{count}");
        }
        backend.db().close().await.expect("it closes");
    }
}
