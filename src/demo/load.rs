//! Puts the demo company into an empty database.

use sea_orm::{ActiveModelTrait, DatabaseTransaction, EntityTrait, IntoActiveModel, Iterable};

use super::Company;
use crate::error::Error;

/// Bound values of one statement: `SQLite` takes 32,766, `PostgreSQL` 65,535.
const PARAMETERS: usize = 30_000;

/// Inserts all rows and events, what is referred to first. Neither roles nor passwords are given.
pub async fn load(db: &DatabaseTransaction, company: &Company) -> Result<(), Error> {
    insert::<entity::user::Entity>(db, &company.users).await?;
    insert::<entity::team::Entity>(db, &company.teams).await?;
    insert::<entity::team_membership::Entity>(db, &company.team_memberships).await?;
    insert::<entity::persona::Entity>(db, &company.personas).await?;
    insert::<entity::story::Entity>(db, &company.stories).await?;
    insert::<entity::account::Entity>(db, &company.accounts).await?;
    insert::<entity::account_domain::Entity>(db, &company.account_domains).await?;
    insert::<entity::account_team_member::Entity>(db, &company.account_team_members).await?;
    insert::<entity::contact::Entity>(db, &company.contacts).await?;
    insert::<entity::account_contact::Entity>(db, &company.account_contacts).await?;
    insert::<entity::target_account_list::Entity>(db, &company.target_account_lists).await?;
    insert::<entity::target_account_list_member::Entity>(db, &company.target_account_list_members).await?;
    insert::<entity::lead::Entity>(db, &company.leads).await?;
    insert::<entity::pipeline::Entity>(db, &company.pipelines).await?;
    insert::<entity::stage::Entity>(db, &company.stages).await?;
    insert::<entity::deal::Entity>(db, &company.deals).await?;
    let events: Vec<entity::event::Model> = company
        .history
        .iter()
        .map(|happening| entity::event::Model {
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
    insert::<entity::event::Entity>(db, &events).await
}

async fn insert<E>(db: &DatabaseTransaction, rows: &[E::Model]) -> Result<(), Error>
where
    E: EntityTrait<Model: IntoActiveModel<E::ActiveModel> + Sync>,
    E::ActiveModel: ActiveModelTrait<Entity = E> + Send,
{
    let columns = E::Column::iter().count();
    for rows in rows.chunks(PARAMETERS / columns) {
        let rows = rows.iter().cloned().map(IntoActiveModel::into_active_model);
        E::insert_many(rows).exec_without_returning(db).await?;
    }
    Ok(())
}
