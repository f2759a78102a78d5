//! Accounts, their further domains and the people who work them.

pub mod rules;

use entity::{Kind, account, account_domain, account_team_member};
use futures_util::future::BoxFuture;

use crate::{
    error::{Error, Result, UserCode, UserError},
    store::{Change, Draft, Lock, Problems, Rules, Slice, Verbs},
    text,
};

/// Accounts.
pub static ACCOUNT: Slice<account::Entity> = Slice::new(Verbs::ALL);
/// Their further domains.
pub static DOMAIN: Slice<account_domain::Entity> = Slice::new(Verbs { update: false, ..Verbs::ALL });
/// The people who work them.
pub static TEAM: Slice<account_team_member::Entity> = Slice::new(Verbs::ALL);

impl Rules for account::Entity {
    fn settle<'a>(
        change: &'a mut Change,
        row: &'a mut account::Model,
        before: Option<&'a account::Model>,
        _: &'a Draft,
    ) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            if let Some(domain) = &row.domain {
                let domain = rules::domain(domain).map_err(|why| Error::input(UserCode::Invalid, "domain", why))?;
                if before.is_none_or(|before| before.domain.as_ref() != Some(&domain)) {
                    not_another_account(change, row.id, &domain).await?;
                }
                row.domain = Some(domain);
            }
            match row.parent_id.filter(|parent| before.is_none_or(|before| before.parent_id != Some(*parent))) {
                Some(parent) if change.leads_up_to::<account::Entity>("parent_id", parent.0, row.id.0).await? => {
                    let message = "An account cannot be its own parent or descendant.";
                    Err(UserError::new(UserCode::Invalid, "parentId", message).because("ACCOUNT_CYCLE").into())
                }
                _ => Ok(()),
            }
        })
    }

    fn check(row: &account::Model, _: Option<&account::Model>, problems: &mut Problems) {
        if row.annual_revenue_minor.is_some_and(|revenue| revenue < 0) {
            problems.add(UserCode::OutOfRange, "annualRevenue", "annualRevenue must not be negative.");
        }
    }

    fn normalise(field: &str, value: &str) -> String {
        if field == "domain" { rules::domain(value).unwrap_or_default() } else { text::tidy(value).into_owned() }
    }
}

/// A domain that stands as a further domain of another account is taken.
async fn not_another_account(change: &Change, id: account::AccountId, domain: &str) -> Result<()> {
    change.lock(Lock::Domain(domain)).await?;
    let others = change.unscoped_rows::<account_domain::Entity>("domain", domain).await?;
    match others.iter().find(|other| other.account_id != id) {
        Some(other) => {
            let taken =
                UserError::new(UserCode::Taken, "domain", "This domain is an additional domain of another account.");
            // Who may not see the further domain does not learn whose it is.
            let seen = change.sees(Kind::AccountDomain, other.id.0).await?;
            Err(if seen { taken.against(Kind::Account, other.account_id.0) } else { taken }.into())
        }
        None => Ok(()),
    }
}

impl Rules for account_domain::Entity {
    fn settle<'a>(
        change: &'a mut Change,
        row: &'a mut account_domain::Model,
        _: Option<&'a account_domain::Model>,
        _: &'a Draft,
    ) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            row.domain = rules::domain(&row.domain).map_err(|why| Error::input(UserCode::Invalid, "domain", why))?;
            change.lock(Lock::Domain(&row.domain)).await?;
            match change.unscoped_rows::<account::Entity>("domain", row.domain.as_str()).await?.first() {
                Some(account) => {
                    let taken =
                        UserError::new(UserCode::Taken, "domain", "This domain is the primary domain of an account.");
                    // Who may not see accounts' domains does not learn whose it is.
                    let hidden = change.store().actor().policy.hides(Kind::Account, "domain");
                    Err(if hidden { taken } else { taken.against(Kind::Account, account.id.0) }.into())
                }
                None => Ok(()),
            }
        })
    }

    fn normalise(_: &str, value: &str) -> String {
        rules::domain(value).unwrap_or_default()
    }
}

impl Rules for account_team_member::Entity {
    fn settle<'a>(
        change: &'a mut Change,
        row: &'a mut account_team_member::Model,
        before: Option<&'a account_team_member::Model>,
        _: &'a Draft,
    ) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            if before.is_some() {
                return Ok(());
            }
            let pair = (("account_id", row.account_id.0), ("user_id", row.user_id.0));
            match change.unscoped_pair::<account_team_member::Entity>(pair.0, pair.1).await? {
                Some(other) => {
                    let taken = UserError::new(UserCode::Taken, "userId", "The user is already on the account team.");
                    Err(taken.against(Kind::AccountTeamMember, other).into())
                }
                None => Ok(()),
            }
        })
    }
}
