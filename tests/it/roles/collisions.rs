//! Two who decide about one person at the same moment: the second is judged by what the first has made of them.

use entity::Department;
use serde_json::json;

use super::{assign, field_rules, grants, officer, role_id, save};
use crate::crew;

/// How often each race is run.
const ROUNDS: usize = 12;

on_both_engines! {
    async fn two_roles_of_one_person_widened_at_once_do_not_add_up_to_what_neither_editor_holds(world: World) {
        let admin = world.admin().await;
        let sam = crew::hire(&world, "sid@tandem.test", "it", Department::Sales).await.id;
        let edits = ["Role:READ:ALL", "Role:UPDATE:ALL", "RoleAssignment:READ:ALL"];
        let hidden = field_rules(&["Deal:amount:HIDDEN"]);
        // One sees the amounts of their own deals; the other sees all deals, without the amounts.
        let near = officer(&world, "near", &[&edits[..], &["Deal:READ:OWN"]].concat()).await;
        let far = officer(&world, "far", &[&edits[..], &["Deal:READ:ALL"]].concat()).await;
        save(&admin, "Update", json!({ "id": role_id(&admin, "far").await, "fieldRules": hidden })).await.expect_ok();
        for round in 0..ROUNDS {
            let mut ids = Vec::new();
            for (name, grant) in [("one", "Deal:READ:OWN"), ("two", "Deal:READ:OWN")] {
                let key = format!("{name}_{round}");
                let input = json!({ "key": key, "name": key, "grants": grants(&[grant]), "fieldRules": hidden });
                save(&admin, "Create", input).await.expect_ok();
                let id = role_id(&admin, &key).await;
                assign(&admin, &id, &sam).await.expect_ok();
                ids.push(id);
            }
            let uncover = json!({ "id": ids[0], "fieldRules": [] });
            let widen = json!({ "id": ids[1], "grants": grants(&["Deal:READ:ALL"]) });
            let (one, two) = tokio::join!(save(&near.client, "Update", uncover), save(&far.client, "Update", widen));
            let refused = [one.user_errors("roleUpdate"), two.user_errors("roleUpdate")];
            assert_eq!(refused.iter().filter(|errors| errors.is_empty()).count(), 1, "round {round}: {refused:?}");
            for id in ids {
                super::delete(&admin, json!({ "id": id, "evenIfInUse": true })).await.expect_ok();
            }
        }
    }
}
