//! The history of the demo company: that every record was created, and by whom, before anything else happened to it.

use std::collections::HashMap;

use entity::{EventAction, Instant, Record, account::AccountId, event, table::Type, user::UserId};
use sea_orm::{EntityTrait, prelude::Uuid};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{Company, Happening, people::Staff, world::World};

/// Completes the history and puts it in order.
pub(super) fn tell(world: &mut World, company: &mut Company, staff: &Staff) {
    let mut told = std::mem::take(&mut world.history);
    told.sort_by_key(|happening| happening.at);
    let mut news = Births { first: first_values(&told), told: vec![] };
    let sellers: HashMap<AccountId, UserId> =
        company.accounts.iter().filter_map(|account| Some((account.id, account.owner_id?))).collect();
    let seller = |account: AccountId| sellers.get(&account).copied().unwrap_or(staff.admin);
    for row in &company.users {
        news.of::<entity::user::Entity>(row, row.created_at, staff.admin, None);
    }
    for row in &company.teams {
        news.of::<entity::team::Entity>(row, row.created_at, staff.admin, None);
    }
    for row in &company.team_memberships {
        news.of::<entity::team_membership::Entity>(row, row.created_at, staff.admin, None);
    }
    for row in &company.personas {
        news.of::<entity::persona::Entity>(row, row.created_at, row.owner_id.unwrap_or(staff.admin), None);
    }
    for row in &company.stories {
        news.of::<entity::story::Entity>(row, row.created_at, row.owner_id.unwrap_or(staff.admin), None);
    }
    for row in &company.accounts {
        news.of::<entity::account::Entity>(row, row.created_at, staff.integration, Some(row.id));
    }
    for row in &company.account_domains {
        news.of::<entity::account_domain::Entity>(row, row.created_at, staff.integration, Some(row.account_id));
    }
    for row in &company.account_team_members {
        news.of::<entity::account_team_member::Entity>(
            row,
            row.created_at,
            seller(row.account_id),
            Some(row.account_id),
        );
    }
    let homes: HashMap<_, _> = company
        .account_contacts
        .iter()
        .filter(|role| role.is_primary)
        .map(|role| (role.contact_id, role.account_id))
        .collect();
    for row in &company.contacts {
        let home = homes.get(&row.id).copied();
        news.of::<entity::contact::Entity>(row, row.created_at, home.map_or(staff.integration, seller), home);
    }
    for row in &company.account_contacts {
        news.of::<entity::account_contact::Entity>(row, row.created_at, seller(row.account_id), Some(row.account_id));
    }
    for row in &company.target_account_lists {
        news.of::<entity::target_account_list::Entity>(row, row.created_at, staff.marketing_manager, None);
    }
    for row in &company.target_account_list_members {
        let account = Some(row.account_id);
        news.of::<entity::target_account_list_member::Entity>(row, row.created_at, staff.marketing_manager, account);
    }
    for row in &company.leads {
        news.of::<entity::lead::Entity>(row, row.created_at, staff.integration, row.account_id);
    }
    for row in &company.pipelines {
        news.of::<entity::pipeline::Entity>(row, row.created_at, staff.sales_manager, None);
    }
    for row in &company.stages {
        news.of::<entity::stage::Entity>(row, row.created_at, staff.sales_manager, None);
    }
    for row in &company.deals {
        news.of::<entity::deal::Entity>(
            row,
            row.created_at,
            row.owner_id.unwrap_or(staff.sales_manager),
            row.account_id,
        );
    }
    let mut history = news.told;
    history.append(&mut told);
    // Stable: what happened in the same moment stays in the order in which it was told.
    history.sort_by_key(|happening| happening.at);
    for happening in &mut history {
        happening.event = world.id(happening.at);
    }
    company.history = history;
}

/// What a field of a record was before it was first changed.
type FirstValues = HashMap<(Uuid, String), Value>;

fn first_values(told: &[Happening]) -> FirstValues {
    let mut first = FirstValues::new();
    for happening in told {
        for (field, change) in happening.changes.as_object().into_iter().flatten() {
            first.entry((happening.id, field.clone())).or_insert_with(|| change["before"].clone());
        }
    }
    first
}

struct Births {
    first: FirstValues,
    told: Vec<Happening>,
}

impl Births {
    /// Tells that a record was created, with the values that it had then.
    fn of<E>(&mut self, row: &E::Model, at: Instant, actor: UserId, account: Option<AccountId>)
    where
        E: Record + EntityTrait<Model: Serialize>,
    {
        let id = E::id(row);
        let mut changes = Map::new();
        for (field, now) in shown::<E>(row) {
            let then = self.first.get(&(id, field.clone())).cloned().unwrap_or(now);
            if !then.is_null() {
                changes.insert(field, json!({ "before": null, "after": then }));
            }
        }
        let (kind, action, changes) = (E::KIND, EventAction::Created, Value::Object(changes));
        self.told.push(Happening { event: Uuid::nil(), at, actor, kind, id, account, action, changes });
    }
}

/// A row's fields by their API names, with their values as the API writes them.
fn shown<E>(row: &E::Model) -> Vec<(String, Value)>
where
    E: Record + EntityTrait<Model: Serialize>,
{
    let stored = serde_json::to_value(row).unwrap_or_default();
    let fields = E::table().fields.iter().filter(|field| event::is_in_events(field));
    fields
        .map(|field| {
            let name = field.event_name().to_owned();
            let value = stored[field.column].clone();
            let value = match (field.ty, value.as_i64()) {
                (Type::Instant, Some(at)) => Instant(at).rfc3339().into(),
                (Type::Day, Some(day)) => {
                    entity::Day(i32::try_from(day).unwrap_or_default()).to_date().to_string().into()
                }
                (Type::Money, Some(minor)) => {
                    json!({ "amount": decimal(minor), "currency": field.currency.map(|currency| &stored[currency]) })
                }
                _ => value,
            };
            (name, value)
        })
        .collect()
}

/// Minor units of a currency with two digits: the demo company knows no others.
pub(super) fn decimal(minor: i64) -> String {
    format!("{}.{:02}", minor / 100, minor % 100)
}
