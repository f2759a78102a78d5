//! Contacts: the people at the accounts, and where they work or worked.

use entity::{Instant, Kind, Record, account_contact, contact};
use futures_util::future::BoxFuture;
use sea_orm::Value;
use serde_json::Value as Json;

use crate::{
    access::{Action, Actor, Purpose},
    error::{Result, UserCode, UserError},
    store::{Change, Draft, Extra, Lock, Problems, Rules, Slice, Verbs, value},
    text,
};

/// Contacts.
pub static CONTACT: Slice<contact::Entity> = Slice::new(Verbs::ALL).with(&[Extra {
    name: "accountId",
    ty: "ID",
    doc: "Account at which the contact works; becomes their primary position.",
}]);
/// Where they work or worked.
pub static PLACE: Slice<account_contact::Entity> = Slice::new(Verbs::ALL);

impl Rules for contact::Entity {
    /// The full name follows from its parts where it is not given.
    fn complete(draft: &mut Draft, _: &Actor, _: Instant) {
        let table = contact::Entity::table();
        if draft.get(table, "name").is_none() {
            let part = |column: &str| match draft.get(table, column) {
                Some(Value::String(Some(text))) => text.clone(),
                _ => String::new(),
            };
            let name = format!("{} {}", part("first_name"), part("last_name"));
            if !name.trim().is_empty() {
                draft.set(table, "name", name.trim());
            }
        }
    }

    fn completes(column: &str) -> bool {
        column == "name"
    }

    fn settle<'a>(
        _: &'a mut Change,
        row: &'a mut contact::Model,
        before: Option<&'a contact::Model>,
        _: &'a Draft,
    ) -> BoxFuture<'a, Result<()>> {
        if before.is_none_or(|before| before.email != row.email) {
            row.email = row.email.take().map(|email| text::email_key(&email));
        }
        Box::pin(async { Ok(()) })
    }

    fn after<'a>(
        change: &'a mut Change,
        row: &'a contact::Model,
        before: Option<&'a contact::Model>,
        draft: &'a Draft,
    ) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let Some(Json::String(account)) = draft.extras.get("accountId").filter(|_| before.is_none()) else {
                return Ok(());
            };
            let wrong = |misfit: value::Misfit| UserError::new(misfit.code, "accountId", misfit.message);
            let account = value::key(Kind::Account, account).map_err(wrong)?;
            change.must_see(Kind::Account, account, "accountId").await?;
            let mut place = Draft::default();
            let table = account_contact::Entity::table();
            place.set(table, "account_id", account);
            place.set(table, "contact_id", row.id);
            place.set(table, "is_primary", true);
            change
                .as_system(Purpose::SideEffect, async |change| {
                    change.create::<account_contact::Entity>(place).await.map(|_| ())
                })
                .await
        })
    }

    fn normalise(field: &str, value: &str) -> String {
        if field == "email" { text::email_key(value) } else { text::tidy(value).into_owned() }
    }
}

impl Rules for account_contact::Entity {
    fn settle<'a>(
        change: &'a mut Change,
        row: &'a mut account_contact::Model,
        before: Option<&'a account_contact::Model>,
        _: &'a Draft,
    ) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            change.lock(Lock::Within(Kind::AccountContact, row.contact_id.0)).await?;
            let places = change.unscoped_rows::<account_contact::Entity>("contact_id", row.contact_id).await?;
            if before.is_none()
                && let Some(other) = places.iter().find(|other| other.account_id == row.account_id)
            {
                let taken =
                    UserError::new(UserCode::Taken, "contactId", "The contact already has a position at this account.");
                return Err(taken.against(Kind::AccountContact, other.id.0).into());
            }
            // Whoever has a contact's place at an account has the contact: giving one takes the right to change it.
            if before.is_none() {
                change.must_reach(Kind::Contact, row.contact_id.0, Action::Update).await?;
            }
            if row.is_primary {
                // One main place: the others give way.
                for other in places.into_iter().filter(|other| other.is_primary && other.id != row.id) {
                    let give_way = async |change: &mut Change| {
                        change
                            .edit::<account_contact::Entity>(other.id.0, |other| other.is_primary = false)
                            .await
                            .map(|_| ())
                    };
                    change.as_system(Purpose::SideEffect, give_way).await?;
                }
            }
            Ok(())
        })
    }

    fn check(row: &account_contact::Model, _: Option<&account_contact::Model>, problems: &mut Problems) {
        if row.since.zip(row.until).is_some_and(|(since, until)| until < since) {
            problems.add(UserCode::OutOfRange, "until", "until must not be before since.");
        }
    }
}
