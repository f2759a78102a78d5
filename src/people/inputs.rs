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

/// Input for `signIn`.
#[derive(InputObject)]
pub struct SignInInput {
    /// E-mail address of the user.
    pub(super) email: String,
    /// Current password.
    #[graphql(secret)]
    pub(super) password: String,
    /// New password, 12 to 128 characters. Required together with the current one if signing in fails with the reason
    /// `PASSWORD_CHANGE_REQUIRED`; sets the new password and signs the user in.
    #[graphql(secret)]
    pub(super) new_password: Option<String>,
    /// Refresh token that this device received for this user within the last 30 days, even if no longer valid. It
    /// identifies the device as known, so that failures elsewhere do not throttle it; it does not authenticate.
    #[graphql(secret)]
    pub(super) device_token: Option<String>,
}

/// Input for `refresh`.
#[derive(InputObject)]
pub struct RefreshInput {
    /// The latest refresh token. Each can be used once.
    #[graphql(secret)]
    pub(super) refresh_token: String,
}

/// Input for `passwordChange`.
#[derive(InputObject)]
pub struct PasswordChangeInput {
    /// The current password.
    #[graphql(secret)]
    pub(super) current_password: String,
    /// The new password, 12 to 128 characters.
    #[graphql(secret)]
    pub(super) new_password: String,
}

/// Input for `userInvite`.
#[derive(Debug, InputObject)]
pub struct UserInviteInput {
    /// Full name.
    name: String,
    /// E-mail address with which the user will sign in.
    email: EmailAddress,
    /// Job title.
    title: Option<String>,
    /// Department of the user.
    department: Of<Department>,
    /// Roles to assign to the user.
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

/// Input for `userReinvite`.
#[derive(Debug, InputObject)]
pub struct UserReinviteInput {
    /// The global ID of the user.
    pub(super) id: IdText,
}

/// Input for `invitationAccept`.
#[derive(InputObject)]
pub struct InvitationAcceptInput {
    /// The token of the invitation.
    #[graphql(secret)]
    pub(super) token: String,
    /// The new password, 12 to 128 characters.
    #[graphql(secret)]
    pub(super) password: String,
}

/// Input for `userPasswordResetCreate`.
#[derive(Debug, InputObject)]
pub struct UserPasswordResetCreateInput {
    /// The global ID of the user.
    pub(super) id: IdText,
}

/// Input for `passwordReset`.
#[derive(InputObject)]
pub struct PasswordResetInput {
    /// The token that `userPasswordResetCreate` answered.
    #[graphql(secret)]
    pub(super) token: String,
    /// The new password, 12 to 128 characters.
    #[graphql(secret)]
    pub(super) password: String,
}

/// Input for `sessionRevoke`.
#[derive(Debug, InputObject)]
pub struct SessionRevokeInput {
    /// The global ID of the session.
    pub(super) id: IdText,
}

/// Input for ending all sessions of a person.
#[derive(Debug, InputObject)]
pub struct SessionsRevokeInput {
    /// The global ID of the user.
    pub(super) user_id: IdText,
}

/// The records that one new owner gets from a deactivated person.
#[derive(Debug, InputObject)]
pub struct UserHandoverInput {
    /// Type of records to reassign. If omitted, all records that the user owns, but no account team memberships.
    #[graphql(name = "type")]
    of: Option<Of<HandoverType>>,
    /// Reassigns only records of these accounts, at most 500: the accounts themselves, their leads, deals and account
    /// team memberships.
    account_ids: Option<Vec<IdText>>,
    /// New owner: another active user who may see records of this type.
    to_id: IdText,
}

/// Input for `userDeactivate`.
#[derive(Debug, InputObject)]
pub struct UserDeactivateInput {
    /// The global ID of the user.
    pub(super) id: IdText,
    /// New owner of all accounts, leads, deals, personas, stories, lists and API keys that no `handover` entry
    /// matches; required if non-archived ones would remain.
    new_owner_id: Option<IdText>,
    /// New owners by type and account, at most 100 entries; the first entry that matches a record applies.
    handover: Option<Vec<UserHandoverInput>>,
    /// The `version` you have read. If the record has changed since, the mutation is refused with CONFLICT.
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
            let message = format!("handover may have at most {MAX_ENTRIES} entries; got {}.", entries.len());
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
                let message = format!("accountIds must have 1 to {MAX_ACCOUNTS} entries; got {}.", ids.len());
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

/// Input for `userReactivate`.
#[derive(Debug, InputObject)]
pub struct UserReactivateInput {
    /// The global ID of the user.
    pub(super) id: IdText,
    /// The `version` you have read. If the record has changed since, the mutation is refused with CONFLICT.
    pub(super) expected_version: Option<i32>,
    /// Done once.
    #[graphql(flatten)]
    pub(super) once: Once,
}

/// Input for `userUnlock`.
#[derive(Debug, InputObject)]
pub struct UserUnlockInput {
    /// The global ID of the user.
    pub(super) id: IdText,
}

/// Input for `userSetPassword`.
#[derive(InputObject)]
pub struct UserSetPasswordInput {
    /// The global ID of the user.
    pub(super) id: IdText,
    /// The new password, 12 to 128 characters.
    #[graphql(secret)]
    pub(super) password: String,
    /// Whether the person must change it at the next sign-in.
    #[graphql(default = false)]
    pub(super) must_change_password: bool,
}
