//! Leads and stories in depth.

use serde_json::{Value, json};

use crate::shared::{archive, create, mutate, names, update};

on_both_engines! {
    async fn a_lead_arrives_now_and_raw_unless_it_is_said_otherwise(world: World) {
        let admin = world.admin().await;
        let select = "stage receivedAt account { name } contact { name } score source";
        let plain = mutate(&admin, "lead", "Create", json!({ "name": "Ann" }), select).await.expect_ok();
        let mut expected = json!({
            "id": plain.data("leadCreate.lead.id"), "version": 1, "stage": "RAW", "receivedAt": "2026-03-02T09:00:00.000Z",
            "account": null, "contact": null, "score": null, "source": null,
        });
        assert_eq!(plain.data("leadCreate.lead"), &expected);
        let account = create(&admin, "account", json!({ "name": "Acme" })).await;
        let contact = create(&admin, "contact", json!({ "name": "Ann" })).await;
        let full = json!({
            "name": "Ann", "stage": "SAL", "receivedAt": "2025-12-24T18:00:00+01:00", "accountId": account,
            "contactId": contact, "score": 88, "source": "organic_search",
        });
        let full = mutate(&admin, "lead", "Create", full, select).await.expect_ok();
        expected = json!({
            "id": full.data("leadCreate.lead.id"), "version": 1, "stage": "SAL", "receivedAt": "2025-12-24T17:00:00.000Z",
            "account": { "name": "Acme" }, "contact": { "name": "Ann" }, "score": 88, "source": "organic_search",
        });
        assert_eq!(full.data("leadCreate.lead"), &expected);
    }

    async fn a_lead_keeps_its_stage_and_arrival_and_loses_the_rest_when_cleared(world: World) {
        let admin = world.admin().await;
        let account = create(&admin, "account", json!({ "name": "Acme" })).await;
        let id = create(&admin, "lead", json!({ "name": "Ann", "accountId": account, "score": 5, "source": "fair" })).await;
        for field in ["stage", "receivedAt", "name"] {
            let refused = mutate(&admin, "lead", "Update", json!({ "id": id, field: null }), "").await;
            assert_eq!(refused.user_errors("leadUpdate"), [format!("REQUIRED {field}")]);
        }
        let cleared = mutate(&admin, "lead", "Update", json!({ "id": id, "accountId": null, "score": null, "source": null }), "account { id } score source stage").await.expect_ok();
        assert_eq!(cleared.data("leadUpdate.lead"), &json!({ "id": id, "version": 2, "account": null, "score": null, "source": null, "stage": "RAW" }));
    }

    async fn one_person_may_be_pursued_many_times(world: World) {
        let admin = world.admin().await;
        let ann = create(&admin, "contact", json!({ "name": "Ann" })).await;
        for name in ["First", "Second"] {
            create(&admin, "lead", json!({ "name": name, "contactId": ann })).await;
        }
        let seen = admin.query("{ contacts { nodes { leads { totalCount nodes { name } } } } }").await.expect_ok();
        assert_eq!(seen.data("contacts.nodes.0.leads"), &json!({ "totalCount": 2, "nodes": [{ "name": "First" }, { "name": "Second" }] }));
    }

    async fn variants_vary_core_stories_and_never_each_other(world: World) {
        let admin = world.admin().await;
        let core = create(&admin, "story", json!({ "title": "Core" })).await;
        let variant = create(&admin, "story", json!({ "title": "For buyers", "coreId": core })).await;
        let other = create(&admin, "story", json!({ "title": "Other" })).await;
        for (id, of) in [(&other, &variant), (&core, &core), (&core, &other), (&variant, &variant)] {
            let refused = mutate(&admin, "story", "Update", json!({ "id": id, "coreId": of }), "").await;
            assert_eq!(refused.user_errors("storyUpdate"), ["INVALID coreId"]);
            assert_eq!(refused.data("storyUpdate.userErrors.0.reason"), "NOT_A_CORE_STORY");
        }
        let seen = admin.query("{ stories(filter: { coreId: { isNull: false } }) { nodes { title core { title } } } cores: stories(filter: { coreId: { isNull: true } }) { nodes { title variants { nodes { title } } } } }").await.expect_ok();
        assert_eq!(seen.data("stories.nodes"), &json!([{ "title": "For buyers", "core": { "title": "Core" } }]));
        assert_eq!(seen.data("cores.nodes"), &json!([
            { "title": "Core", "variants": { "nodes": [{ "title": "For buyers" }] } },
            { "title": "Other", "variants": { "nodes": [] } },
        ]));
        update(&admin, "story", json!({ "id": variant, "coreId": other })).await;
        let freed = mutate(&admin, "story", "Update", json!({ "id": variant, "coreId": null }), "core { title }").await.expect_ok();
        assert_eq!(freed.data("storyUpdate.story.core"), &Value::Null);
    }

    async fn a_variant_does_not_come_back_to_a_story_that_became_a_variant(world: World) {
        let admin = world.admin().await;
        let core = create(&admin, "story", json!({ "title": "Core" })).await;
        let variant = create(&admin, "story", json!({ "title": "Variant", "coreId": core })).await;
        archive(&admin, "story", &variant).await;
        let top = create(&admin, "story", json!({ "title": "Top" })).await;
        update(&admin, "story", json!({ "id": core, "coreId": top })).await;
        let refused = mutate(&admin, "story", "Restore", json!({ "id": variant }), "").await;
        assert_eq!(refused.user_errors("storyRestore"), ["INVALID coreId"]);
    }

    async fn a_persona_ties_contacts_stories_and_leads_together(world: World) {
        let admin = world.admin().await;
        let persona = create(&admin, "persona", json!({ "name": "Buyer", "buyingRole": "BUDGET_HOLDER", "department": "SALES" })).await;
        create(&admin, "contact", json!({ "name": "Ann", "personaId": persona })).await;
        create(&admin, "story", json!({ "title": "Save money", "personaId": persona })).await;
        create(&admin, "lead", json!({ "name": "Lead", "personaId": persona })).await;
        let seen = admin.query("{ personas { nodes { name buyingRole department contacts { nodes { name } } stories { nodes { title } } leads { nodes { name } } } } }").await.expect_ok();
        assert_eq!(names(&seen, "personas", "name"), ["Buyer"]);
        assert_eq!(seen.data("personas.nodes.0"), &json!({
            "name": "Buyer", "buyingRole": "BUDGET_HOLDER", "department": "SALES",
            "contacts": { "nodes": [{ "name": "Ann" }] }, "stories": { "nodes": [{ "title": "Save money" }] }, "leads": { "nodes": [{ "name": "Lead" }] },
        }));
    }
}
