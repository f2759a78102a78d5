//! Signing in: passwords to tokens.

use entity::{UserStatus, user::UserId};
use tracing::Instrument;

use super::{
    authority::Authority,
    must_change,
    passwords::forgiven,
    proof::{Claimant, Proof, wrong},
    sessions::{Tokens, session_of},
};
use crate::{
    access::{Origin, Purpose, token},
    error::{Error, Result},
    store::Store,
    text::email_key,
};

/// By what somebody signs in.
#[derive(Clone, Copy)]
pub struct Credentials<'a> {
    /// The person's e-mail address.
    pub email: &'a str,
    /// Their password.
    pub password: &'a str,
    /// Another password, for whom the present one must be changed.
    pub new: Option<&'a str>,
    /// A refresh token that the same device was given before, if it has one.
    pub device: Option<&'a str>,
}

impl std::fmt::Debug for Credentials<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credentials").finish_non_exhaustive()
    }
}

impl Authority {
    /// Signs somebody in. It runs to its end where the client goes away, so that no failure stays
    /// uncounted.
    pub async fn sign_in(&self, store: &Store, by: Credentials<'_>, origin: &Origin) -> Result<Tokens> {
        let (authority, store) = (self.clone(), store.as_system(Purpose::SignIn));
        let (email, password, origin) = (email_key(by.email), by.password.to_owned(), origin.clone());
        let new = by.new.map(str::to_owned);
        let device = by.device.map(|token| token::hash(token.trim()));
        let work = async move {
            let login = store.login(&email).await?;
            let user = login.as_ref().map(|login| login.user);
            let device = match device {
                Some(hash) => store.device_of(&hash).await?.filter(|(of, _)| Some(*of) == user).map(|(_, at)| at),
                None => None,
            };
            let active = login.as_ref().is_some_and(|login| login.status == UserStatus::Active);
            let hash = login.as_ref().and_then(|login| login.password.as_deref());
            let claimant = Claimant::new(&email, origin.address, user, device);
            let (turn, proof) = authority.prove(&store, claimant, (&password, hash), active).await?;
            match login {
                Some(login) => {
                    let user = login.user;
                    let passwords = (&*password, new.as_deref());
                    let settled = must_change::settle(&store, (&turn, &proof), login, passwords).await;
                    // Others wait for their turn meanwhile.
                    drop(turn);
                    let hash = forgiven(&store, &proof, settled).await?;
                    authority.open_session(&store, user, hash, (&proof, &origin)).await
                }
                None => Err(wrong()),
            }
        };
        tokio::spawn(work.in_current_span()).await.map_err(Error::internal)?
    }

    async fn open_session(
        &self,
        store: &Store,
        user: UserId,
        hash: Option<String>,
        (proof, origin): (&Proof, &Origin),
    ) -> Result<Tokens> {
        let key = self.signing_key().await?;
        let mut change = store.begin().await?;
        change.written_by(user);
        // The password may have been changed, or the person deactivated, while it was verified.
        let person = change.find::<entity::user::Entity>(user.0).await?;
        let (now, must_change) = change.password(user).await?;
        if person.status != UserStatus::Active || now != hash {
            return Err(wrong());
        }
        if must_change {
            return Err(must_change::required());
        }
        proof.forget(&mut change).await?;
        session_of(change, &key, user, origin).await
    }
}
