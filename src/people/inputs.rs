//! What signing in and the keeping of people take in the API.

use async_graphql::InputObject;
use entity::{Department, HandoverType, Kind};
use sea_orm::prelude::Uuid;

use super::{
    invitations::Newcomer,
    leaving::{Plan, Rule},
};
use crate::{
    error::{Error, Result, UserCode},
    graphql::{
        choice::Of,
        once::Once,
        scalars::{EmailAddress, IdText},
    },
    store::value,
};

/// Who signs in.
#[derive(InputObject)]
pub struct SignInInput {
    /// The person's e-mail address.
    pub(super) email: String,
    /// Their password.
    #[graphql(secret)]
    pub(super) password: String,
    /// Another password, 12 to 128 characters: where the present one must be changed, which sign-in answers by the reason
    /// `PASSWORD_CHANGE_REQUIRED`. Both are sent; the new one holds, and the person is signed in.
    #[graphql(secret)]
    pub(super) new_password: Option<String>,
    /// A refresh token that this device was given for this person within the last 30 days, whether it is still good or
    /// not. It shows that the device is known, so that failures elsewhere do not hold it up; it signs nobody in.
    #[graphql(secret)]
    pub(super) device_token: Option<String>,
}

/// What renews a session's tokens.
#[derive(InputObject)]
pub struct RefreshInput {
    /// The refresh token that was given last; it can be used once.
    #[graphql(secret)]
    pub(super) refresh_token: String,
}

/// Another password.
#[derive(InputObject)]
pub struct PasswordChangeInput {
    /// The password that holds now.
    #[graphql(secret)]
    pub(super) current_password: String,
    /// The password that is to hold, 12 to 128 characters.
    #[graphql(secret)]
    pub(super) new_password: String,
}

/// Somebody who is to join.
#[derive(Debug, InputObject)]
pub struct UserInviteInput {
    /// Full name.
    name: String,
    /// E-mail address, by which they will sign in.
    email: EmailAddress,
    /// Job title.
    title: Option<String>,
    /// The department they work in.
    department: Of<Department>,
    /// The roles they hold from the start.
    role_ids: Option<Vec<IdText>>,
}

impl UserInviteInput {
    pub(super) fn newcomer(self) -> Newcomer {
        Newcomer {
            name: self.name,
            email: self.email.0,
            title: self.title,
            department: self.department.0,
            roles: self.role_ids.unwrap_or_default().into_iter().map(|id| id.0).collect(),
        }
    }
}

/// Somebody who is invited again.
#[derive(Debug, InputObject)]
pub struct UserReinviteInput {
    /// Which person.
    pub(super) id: IdText,
}

/// An invitation to follow.
#[derive(InputObject)]
pub struct InvitationAcceptInput {
    /// The token of the invitation.
    #[graphql(secret)]
    pub(super) token: String,
    /// The password that is to hold, 12 to 128 characters.
    #[graphql(secret)]
    pub(super) password: String,
}

/// A person whose password is to be reset.
#[derive(Debug, InputObject)]
pub struct UserPasswordResetCreateInput {
    /// Which person.
    pub(super) id: IdText,
}

/// A password to set by a token.
#[derive(InputObject)]
pub struct PasswordResetInput {
    /// The token that `userPasswordResetCreate` answered.
    #[graphql(secret)]
    pub(super) token: String,
    /// The password that is to hold, 12 to 128 characters.
    #[graphql(secret)]
    pub(super) password: String,
}

/// A session to end.
#[derive(Debug, InputObject)]
pub struct SessionRevokeInput {
    /// Which session.
    pub(super) id: IdText,
}

/// Somebody whose sessions are to end.
#[derive(Debug, InputObject)]
pub struct SessionsRevokeInput {
    /// Which person.
    pub(super) user_id: IdText,
}

/// What goes to one successor of somebody who leaves.
#[derive(Debug, InputObject)]
pub struct UserHandoverInput {
    /// What; where it is left out, all that they own, and of places in account teams none.
    #[graphql(name = "type")]
    of: Option<Of<HandoverType>>,
    /// Only what belongs to these accounts, at most 500: the accounts themselves, and their leads, deals and places in
    /// account teams.
    account_ids: Option<Vec<IdText>>,
    /// Who gets it: somebody else who is active and may see records of the type.
    to_id: IdText,
}

/// Somebody who leaves.
#[derive(Debug, InputObject)]
pub struct UserDeactivateInput {
    /// Which person.
    pub(super) id: IdText,
    /// Who gets the accounts, leads, deals, personas, stories, lists and API keys that `handover` gives to nobody else;
    /// required where live ones would be left.
    new_owner_id: Option<IdText>,
    /// What goes to whom, at most 100 entries; of several that a record meets, the first holds.
    handover: Option<Vec<UserHandoverInput>>,
    /// The version you have seen; refused with CONFLICT where the record has moved on.
    pub(super) expected_version: Option<i32>,
    /// Done once.
    #[graphql(flatten)]
    pub(super) once: Once,
}

impl UserDeactivateInput {
    /// What goes to whom.
    pub(super) fn plan(&self) -> Result<Plan> {
        let entries = self.handover.as_deref().unwrap_or_default();
        if entries.len() > MAX_ENTRIES {
            let message = format!("handover takes at most {MAX_ENTRIES} entries; this has {}.", entries.len());
            return Err(Error::input(UserCode::LimitReached, "handover", message));
        }
        let mut rules = Vec::with_capacity(entries.len() + 1);
        for (n, entry) in entries.iter().enumerate() {
            rules.push(entry.rule(format!("handover.{n}"))?);
        }
        if let Some(owner) = &self.new_owner_id {
            rules.push(Rule {
                of: None,
                accounts: None,
                to: key(Kind::User, owner, "newOwnerId")?,
                input: String::new(),
            });
        }
        Ok(Plan { rules })
    }
}

/// Entries that one hand-over takes, and accounts that one entry takes.
const MAX_ENTRIES: usize = 100;
const MAX_ACCOUNTS: usize = 500;

impl UserHandoverInput {
    fn rule(&self, input: String) -> Result<Rule> {
        let field = format!("{input}.accountIds");
        let accounts = self.account_ids.as_ref().map(|ids| -> Result<Vec<_>> {
            if ids.is_empty() || ids.len() > MAX_ACCOUNTS {
                let message = format!("accountIds takes 1 to {MAX_ACCOUNTS} ids; this has {}.", ids.len());
                return Err(Error::input(UserCode::OutOfRange, &field, message));
            }
            ids.iter().map(|id| key(Kind::Account, id, &field)).collect()
        });
        let accounts = accounts.transpose()?;
        Ok(Rule {
            of: self.of.map(|of| of.0),
            accounts,
            to: key(Kind::User, &self.to_id, &format!("{input}.toId"))?,
            input,
        })
    }
}

fn key(kind: Kind, id: &IdText, field: &str) -> Result<Uuid> {
    value::key(kind, &id.0).map_err(|misfit| Error::input(misfit.code, field, misfit.message))
}

/// Somebody who comes back.
#[derive(Debug, InputObject)]
pub struct UserReactivateInput {
    /// Which person.
    pub(super) id: IdText,
    /// The version you have seen; refused with CONFLICT where the record has moved on.
    pub(super) expected_version: Option<i32>,
    /// Done once.
    #[graphql(flatten)]
    pub(super) once: Once,
}

/// Somebody whose failed sign-ins are to be forgotten.
#[derive(Debug, InputObject)]
pub struct UserUnlockInput {
    /// Which person.
    pub(super) id: IdText,
}

/// A password for somebody.
#[derive(InputObject)]
pub struct UserSetPasswordInput {
    /// Which person.
    pub(super) id: IdText,
    /// The password that is to hold, 12 to 128 characters.
    #[graphql(secret)]
    pub(super) password: String,
    /// Whether the person must replace it by another one when they sign in.
    #[graphql(default = false)]
    pub(super) must_change_password: bool,
}
