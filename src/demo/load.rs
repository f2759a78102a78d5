//! Puts the demo company into an empty database.

use super::Company;
use crate::{error::Result, store::Change};

/// Inserts all rows and events, what is referred to first. Neither roles nor passwords are given.
pub async fn load(change: &mut Change, company: &Company) -> Result<()> {
    change.load::<entity::user::Entity>(&company.users).await?;
    change.load::<entity::team::Entity>(&company.teams).await?;
    change.load::<entity::team_membership::Entity>(&company.team_memberships).await?;
    change.load::<entity::persona::Entity>(&company.personas).await?;
    change.load::<entity::story::Entity>(&company.stories).await?;
    change.load::<entity::account::Entity>(&company.accounts).await?;
    change.load::<entity::account_domain::Entity>(&company.account_domains).await?;
    change.load::<entity::account_team_member::Entity>(&company.account_team_members).await?;
    change.load::<entity::contact::Entity>(&company.contacts).await?;
    change.load::<entity::account_contact::Entity>(&company.account_contacts).await?;
    change.load::<entity::target_account_list::Entity>(&company.target_account_lists).await?;
    change.load::<entity::target_account_list_member::Entity>(&company.target_account_list_members).await?;
    change.load::<entity::lead::Entity>(&company.leads).await?;
    change.load::<entity::pipeline::Entity>(&company.pipelines).await?;
    change.load::<entity::stage::Entity>(&company.stages).await?;
    change.load::<entity::deal::Entity>(&company.deals).await?;
    let events: Vec<entity::event::Model> = company
        .history
        .iter()
        .map(|happening| entity::event::Model {
            api_key_id: None,
            id: happening.event,
            occurred_at: happening.at,
            action: happening.action,
            subject_kind: happening.kind.name().to_owned(),
            subject_id: happening.id,
            account_id: happening.account,
            actor_id: Some(happening.actor),
            request_id: None,
            changes: happening.changes.clone(),
        })
        .collect();
    change.load::<entity::event::Entity>(&events).await
}
