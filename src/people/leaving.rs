//! Somebody leaves: their sessions end, their records get a new owner. And somebody comes back.

use entity::{
    Kind, Record, UserStatus, account, account_team_member, api_key, deal, lead, persona, story, target_account_list,
    team_membership, user, user::UserId,
};
use sea_orm::{Iterable, ModelTrait, prelude::Uuid};

use super::sign_in;
use crate::{
    access::{Action, Purpose},
    error::{Error, Result, UserCode, UserError},
    store::{Change, Draft, Rules, Store},
};

/// Takes somebody out of service. Their live records go to the new owner, who must be named where
/// there are any; tells how many went over.
pub async fn deactivate(
    store: &Store,
    user: UserId,
    new_owner: Option<UserId>,
    expected: Option<i32>,
) -> Result<usize> {
    let mut change = store.begin().await?;
    may_do(&mut change, user).await?;
    if let Some(owner) = new_owner {
        accept(&change, user, owner).await?;
    }
    set_status(&mut change, user, UserStatus::Deactivated, expected).await?;
    let leave = async |change: &mut Change| {
        sign_in::revoke_all(change, user, None).await?;
        change.withdraw_invitations(&[user]).await?;
        let moved = hand_over(change, user, new_owner).await?;
        archive::<account_team_member::Entity>(change, user).await?;
        archive::<team_membership::Entity>(change, user).await?;
        Ok(moved)
    };
    let moved = change.as_system(Purpose::Consequence, leave).await?;
    change.commit().await?;
    Ok(moved)
}

/// Lets somebody sign in again. Their records stay with whom they went to.
pub async fn reactivate(change: &mut Change, user: UserId, expected: Option<i32>) -> Result<()> {
    may_do(change, user).await?;
    set_status(change, user, UserStatus::Active, expected).await
}

async fn may_do(change: &mut Change, user: UserId) -> Result<()> {
    change.store().require_sign_in()?;
    change.find::<user::Entity>(user.0).await?;
    sign_in::permitted(change.store(), Kind::User, Action::Update, "decide who may sign in")
}

async fn set_status(change: &mut Change, user: UserId, status: UserStatus, expected: Option<i32>) -> Result<()> {
    let mut draft = Draft::default();
    draft.set(user::Entity::table(), "status", status.as_str());
    change.update::<user::Entity>(user.0, expected, draft).await.map(|_| ())
}

/// The new owner must be somebody else who still works here.
async fn accept(change: &Change, user: UserId, owner: UserId) -> Result<()> {
    if owner == user {
        return Err(Error::input(UserCode::Invalid, "newOwnerId", "The new owner is somebody else."));
    }
    change.must_see(Kind::User, owner.0, "newOwnerId").await?;
    let active = change.rows::<user::Entity>("id", owner).await?.iter().any(|row| row.status == UserStatus::Active);
    if active {
        return Ok(());
    }
    Err(UserError::new(UserCode::Invalid, "newOwnerId", "The new owner is deactivated.")
        .because("OWNER_DEACTIVATED")
        .into())
}

/// The columns by which people own records.
const OWNED: [(Kind, &str); 8] = [
    (Kind::Account, "owner_id"),
    (Kind::Lead, "owner_id"),
    (Kind::Deal, "owner_id"),
    (Kind::Persona, "owner_id"),
    (Kind::Story, "owner_id"),
    (Kind::TargetAccountList, "marketing_owner_id"),
    (Kind::TargetAccountList, "sales_owner_id"),
    (Kind::ApiKey, "owner_id"),
];

async fn hand_over(change: &mut Change, from: UserId, to: Option<UserId>) -> Result<usize> {
    let mut owned = 0;
    for (kind, column) in OWNED {
        owned += change.count(kind, column, from.0).await?;
    }
    let Some(to) = to else {
        if owned == 0 {
            return Ok(0);
        }
        let message = format!("{owned} live records belong to this person; name their new owner.");
        return Err(UserError::new(UserCode::Required, "newOwnerId", message).because("NEW_OWNER_REQUIRED").into());
    };
    let mut moved = 0;
    for (kind, column) in OWNED {
        moved += match kind {
            Kind::Account => give::<account::Entity>(change, column, from, to).await?,
            Kind::Lead => give::<lead::Entity>(change, column, from, to).await?,
            Kind::Deal => give::<deal::Entity>(change, column, from, to).await?,
            Kind::Persona => give::<persona::Entity>(change, column, from, to).await?,
            Kind::Story => give::<story::Entity>(change, column, from, to).await?,
            Kind::TargetAccountList => give::<target_account_list::Entity>(change, column, from, to).await?,
            Kind::ApiKey => give::<api_key::Entity>(change, column, from, to).await?,
            _ => return Err(Error::internal(format!("nobody says how {} goes to another owner", kind.name()))),
        };
    }
    Ok(moved)
}

/// Gives the live rows whose column names one person to another.
async fn give<E: Rules>(change: &mut Change, column: &str, from: UserId, to: UserId) -> Result<usize> {
    let at = E::table().fields.iter().position(|field| field.column == column);
    let column_of = at
        .and_then(|at| E::Column::iter().nth(at))
        .ok_or_else(|| Error::internal(format!("{} has no {column}", E::KIND.name())))?;
    let ids: Vec<Uuid> = change.rows::<E>(column, from).await?.iter().map(E::id).collect();
    for id in &ids {
        change.edit::<E>(*id, |row| row.set(column_of, to.into())).await?;
    }
    Ok(ids.len())
}

async fn archive<E: Rules>(change: &mut Change, user: UserId) -> Result<()> {
    for row in change.rows::<E>("user_id", user).await? {
        change.archive::<E>(E::id(&row), None, true).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use entity::table::{Owner, Type};

    #[test]
    fn every_column_by_which_people_own_records_is_handed_over() {
        for kind in Kind::ALL {
            let table = kind.table();
            let columns: Vec<&str> = match table.owner {
                Owner::Columns(columns) => columns.to_vec(),
                Owner::Account { owner, .. } => owner.into_iter().collect(),
                Owner::Library { owner, .. } => vec![owner],
                _ => vec![],
            };
            // Who a person is, signed in and imported stays theirs.
            if matches!(kind, Kind::User | Kind::Session | Kind::ImportJob) {
                continue;
            }
            for column in columns {
                assert!(OWNED.contains(&(kind, column)), "{}.{column}", kind.name());
            }
        }
        for (kind, column) in OWNED {
            let field = kind.table().column(column).expect("a column");
            assert!(matches!(field.ty, Type::Key(Kind::User)), "{}.{column}", kind.name());
        }
    }
}
