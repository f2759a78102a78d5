//! Proving who one is by a password: as often as failures permit, which are counted, told, and forgotten again.

use std::{net::IpAddr, sync::atomic::Ordering, time::Duration};

use entity::{Instant, session::SessionId, user, user::UserId};

use super::{
    authority::Authority,
    throttle::{self, Acquaintance, Attempt},
};
use crate::{
    access::{Action, Purpose, password::Turn},
    error::{Code, Error, Result, UserCode, UserError},
    store::{Change, Failures, Store},
};

/// How often old failures are forgotten, and failures looked for that are to be told.
const SWEEP: i64 = 60_000;
const LOOK: Duration = Duration::from_secs(1);

/// Somebody who says that they are a person.
pub(super) struct Claimant {
    attempt: Attempt,
    user: Option<UserId>,
    device: Option<SessionId>,
    address: Option<IpAddr>,
}

impl Claimant {
    /// Who gave this e-mail address, from this address; with the person whose it is, if it is somebody's, and the
    /// session of theirs that was on the same device.
    pub(super) fn new(email: &str, address: Option<IpAddr>, user: Option<UserId>, device: Option<SessionId>) -> Self {
        Self { attempt: Attempt::new(email, address), user, device, address }
    }

    async fn acquaintance(&self, store: &Store) -> Result<Acquaintance> {
        if let Some(session) = self.device {
            return Ok(Acquaintance::Device(session));
        }
        let since = Instant(store.now().0 - throttle::KNOWN);
        let known = self.attempt.comes_from(&store.addresses_of(self.user, since).await?);
        Ok(if known { Acquaintance::Place } else { Acquaintance::None })
    }

    async fn counted(&self, store: &Store) -> Result<Vec<Failures>> {
        let attempt = &self.attempt;
        match self.device {
            Some(session) => store.failures(&[&attempt.device(session)]).await,
            None => store.failures(&[attempt.person(), &attempt.pair(), &attempt.place()]).await,
        }
    }
}

/// A password that was right, while failures before it may still be counted.
pub(super) struct Proof {
    claimant: Claimant,
    /// Whether failures were counted before it.
    counted: bool,
    claimed: Vec<Failures>,
    at: Instant,
}

impl Proof {
    /// Forgets the failures before it where something else than the password is in the way.
    pub(super) async fn forgive(&self, store: &Store) -> Result<()> {
        if !self.counted {
            return Ok(());
        }
        let mut change = store.begin().await?;
        self.forget(&mut change).await?;
        change.commit().await
    }

    /// Forgets the failures before it: of this person here, and of this person altogether. What others failed from
    /// the same place stays.
    pub(super) async fn forget(&self, change: &mut Change) -> Result<()> {
        if !self.counted {
            return Ok(());
        }
        let attempt = &self.claimant.attempt;
        if let Some(session) = self.claimant.device {
            return change.forget_failures(&attempt.device(session)).await.map(|_| ());
        }
        change.forget_failures(attempt.person()).await?;
        let place = attempt.place();
        if change.forget_failures(&attempt.pair()).await? {
            change.uncount_failure(&place).await?;
        }
        match self.claimed.iter().find(|claim| claim.key == place) {
            Some(claim) => change.give_attempt_back(claim, self.at).await,
            None => Ok(()),
        }
    }
}

impl Authority {
    /// Whether a password is right, as often as may be asked; with the turn in which it was verified, in which
    /// another may be hashed. What else is in the way answers as a wrong password does, in the same time.
    pub(super) async fn prove(
        &self,
        store: &Store,
        claimant: Claimant,
        (password, hash): (&str, Option<&str>),
        welcome: bool,
    ) -> Result<(Turn, Proof)> {
        permit(store, &claimant).await?;
        let turn = self.passwords().turn().await?;
        // Many may have waited for their turn: each waits for those that failed before it.
        let (counted, one_only) = permit(store, &claimant).await?;
        let at = store.now();
        let claimed = claim(store, &claimant, one_only, at).await?;
        if turn.verify(password, hash).await? && welcome {
            return Ok((turn, Proof { claimant, counted, claimed, at }));
        }
        count(store, &claimant).await?;
        // Whose turn is next finds the failure counted.
        drop(turn);
        tracing::info!(address = ?claimant.address, "a sign-in failed");
        self.note_failure(claimant.user, store.now());
        self.sweep(store).await?;
        Err(wrong())
    }

    /// Has the audit tell of a failure. The event is written beside the answer, which takes as long for names that
    /// nobody has.
    fn note_failure(&self, user: Option<UserId>, now: Instant) {
        let Some(user) = user else { return };
        if let Some(failures) = self.memory().untold.note(user, now) {
            let authority = self.clone();
            tokio::spawn(async move { authority.tell(user, failures).await });
        }
    }

    async fn tell(&self, user: UserId, failures: i64) {
        let told = async {
            let mut change = self.backend().as_system(Purpose::SignIn).begin().await?;
            change.record_failed_sign_ins(user, failures).await?;
            change.commit().await
        };
        if let Err(error) = Box::pin(told).await {
            tracing::warn!(user.id = %user, failures, %error, "failed sign-ins were not told yet");
            self.memory().untold.take_back(user, failures, self.backend().now());
        }
    }

    /// Has the audit tell of failures that were collected, until the end of the process.
    pub async fn tell_failures(self) {
        loop {
            tokio::time::sleep(LOOK).await;
            self.tell_collected(false).await;
        }
    }

    /// Has the audit tell of what was collected for a minute, or of everything.
    pub async fn tell_collected(&self, everything: bool) {
        for (user, failures) in self.memory().untold.due(self.backend().now(), everything) {
            self.tell(user, failures).await;
        }
    }

    /// Forgets old failures, once a minute at most.
    async fn sweep(&self, store: &Store) -> Result<()> {
        let (now, swept_at) = (store.now().0, &self.memory().swept_at);
        let last = swept_at.load(Ordering::Relaxed);
        let due = now - last >= SWEEP;
        if !due || swept_at.compare_exchange(last, now, Ordering::Relaxed, Ordering::Relaxed).is_err() {
            return Ok(());
        }
        let mut change = store.begin().await?;
        change.forget_old_failures(Instant(now - throttle::REMEMBERED)).await?;
        change.commit().await
    }
}

/// Whether somebody may try now, whether failures are counted, and of which counts one attempt only is permitted.
async fn permit(store: &Store, claimant: &Claimant) -> Result<(bool, Vec<Failures>)> {
    let counted = claimant.counted(store).await?;
    if counted.is_empty() {
        return Ok((false, vec![]));
    }
    let rules = claimant.attempt.waits_for(claimant.acquaintance(store).await?);
    throttle::judge(&counted, &rules, store.now()).map(|one_only| (true, one_only)).map_err(wait)
}

/// Takes the one attempt that each of these counts permits at this time.
async fn claim(store: &Store, claimant: &Claimant, one_only: Vec<Failures>, at: Instant) -> Result<Vec<Failures>> {
    if one_only.is_empty() {
        return Ok(one_only);
    }
    let mut change = store.begin().await?;
    for count in &one_only {
        if !change.claim_attempt(count, at).await? {
            change.roll_back().await?;
            let rules = claimant.attempt.waits_for(claimant.acquaintance(store).await?);
            return Err(wait(throttle::beaten(&rules, count)));
        }
    }
    change.commit().await?;
    Ok(one_only)
}

/// Counts a failure, under keys that are locked in their order.
async fn count(store: &Store, claimant: &Claimant) -> Result<()> {
    let (known, attempt) = (claimant.acquaintance(store).await?, &claimant.attempt);
    let since = Instant(store.now().0 - throttle::REMEMBERED);
    let mut change = store.begin().await?;
    if let Acquaintance::Device(session) = known {
        change.count_failure(&attempt.device(session), since).await?;
        return change.commit().await;
    }
    if known == Acquaintance::None {
        change.count_failure(attempt.person(), since).await?;
    }
    // For the place it counts how many people failed there, not how often.
    if change.count_failure(&attempt.pair(), since).await? == 1 {
        change.count_failure(&attempt.place(), since).await?;
    }
    change.commit().await
}

fn wait(wait: Duration) -> Error {
    let message = format!("Too many failed sign-ins; try again in {:.1} seconds.", wait.as_secs_f64());
    Error::later(Code::RateLimited, "SIGN_IN_THROTTLED", message, wait)
}

/// The one answer to everything that keeps somebody from signing in.
pub(super) fn wrong() -> Error {
    UserError::new(UserCode::Invalid, "", "The e-mail address or the password is wrong.")
        .because("INVALID_CREDENTIALS")
        .into()
}

/// Forgets the failures to sign in as somebody; answers how many there were. For whoever may administer people.
pub async fn unlock(store: &Store, user: UserId) -> Result<i64> {
    store.require_sign_in()?;
    let mut change = store.begin().await?;
    change.find::<user::Entity>(user.0).await?;
    store.require(entity::Kind::User, Action::Manage, "unlock users")?;
    let forgotten = change.as_system(Purpose::SignIn, async |change| change.free_sign_in(&[user]).await).await?;
    if forgotten > 0 {
        change.record_unlock(user, forgotten).await?;
    }
    change.commit().await?;
    Ok(forgotten)
}
