//! Target-account lists and their members.

use entity::{Kind, ListKind, target_account_list, target_account_list_member};
use futures_util::future::BoxFuture;

use crate::{
    error::{Error, Result, UserCode, UserError},
    store::{Change, Draft, Problems, Rules, Slice, Verbs, filter::Filter},
};

/// Lists.
pub static LIST: Slice<target_account_list::Entity> = Slice::new(Verbs::ALL);
/// Their members.
pub static MEMBER: Slice<target_account_list_member::Entity> = Slice::new(Verbs::ALL);

impl Rules for target_account_list::Entity {
    fn check(row: &target_account_list::Model, _: Option<&target_account_list::Model>, problems: &mut Problems) {
        match (row.kind, &row.filter) {
            (ListKind::Static, Some(_)) => {
                problems.add(UserCode::Invalid, "filter", "A static list cannot have a filter.");
            }
            (ListKind::Dynamic, None) => {
                problems.add(UserCode::Required, "filter", "A dynamic list requires a filter.");
            }
            (ListKind::Dynamic, Some(filter)) => {
                if let Err(error) = Filter::read(Kind::Account, filter) {
                    problems.add(UserCode::Invalid, "filter", error.to_string());
                }
            }
            (ListKind::Static, None) => {}
        }
    }
}

impl Rules for target_account_list_member::Entity {
    fn settle<'a>(
        change: &'a mut Change,
        row: &'a mut target_account_list_member::Model,
        before: Option<&'a target_account_list_member::Model>,
        _: &'a Draft,
    ) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            if before.is_some() {
                return Ok(());
            }
            let lists = change.unscoped_rows::<target_account_list::Entity>("id", row.list_id).await?;
            if lists.iter().any(|list| list.kind == ListKind::Dynamic) {
                let message = "Members cannot be added to a dynamic list; its accounts are determined by its filter.";
                return Err(UserError::new(UserCode::Invalid, "listId", message).because("LIST_IS_DYNAMIC").into());
            }
            let pair = (("list_id", row.list_id.0), ("account_id", row.account_id.0));
            match change.unscoped_pair::<target_account_list_member::Entity>(pair.0, pair.1).await? {
                Some(other) => {
                    let taken = UserError::new(UserCode::Taken, "accountId", "The account is already on the list.");
                    Err(Error::from(taken.against(Kind::TargetAccountListMember, other)))
                }
                None => Ok(()),
            }
        })
    }

    fn check(
        row: &target_account_list_member::Model,
        _: Option<&target_account_list_member::Model>,
        problems: &mut Problems,
    ) {
        if row.since.zip(row.until).is_some_and(|(since, until)| until < since) {
            problems.add(UserCode::OutOfRange, "until", "until must not be before since.");
        }
    }
}
