//! What signing in and the keeping of people take in the API.

use async_graphql::InputObject;
use entity::Department;

use super::invitations::Newcomer;
use crate::graphql::{
    choice::Of,
    once::Once,
    scalars::{EmailAddress, IdText},
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

/// Somebody who leaves.
#[derive(Debug, InputObject)]
pub struct UserDeactivateInput {
    /// Which person.
    pub(super) id: IdText,
    /// Who gets their accounts, leads, deals, personas, stories, lists and API keys; required where they have any.
    pub(super) new_owner_id: Option<IdText>,
    /// The version you have seen; refused with CONFLICT where the record has moved on.
    pub(super) expected_version: Option<i32>,
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
