//! The door: everything that reads or writes records goes through here, within its actor's reach.
//!
//! [`Store`] reads, [`Change`] writes. Neither hands out a connection; both add the actor's reach
//! when they turn what is asked into SQL, so a caller cannot forget it. The one hatch is
//! [`Store::as_system`].

pub mod answer;
mod change;
mod db;
mod events;
mod fold;
mod identity;
mod ids;
pub mod jobs;
mod json;
pub mod read;
mod scope;
pub mod sql;
mod upkeep;
pub mod value;

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

use entity::{Instant, Kind, user::UserId};
use sea_orm::{QueryResult, prelude::Uuid};
use tokio::sync::{Notify, OnceCell, watch};

pub use change::{
    Answered, Change, Draft, Extra, IDEMPOTENCY_KEPT, Idempotency, Lock, Noun, Nouns, Problems, REMOVED_EXTERNAL_IDS,
    Replay, Rules, Saved, Slice, Verbs, bulk, input_name, is_key,
};
pub use db::{Db, Fault, Settings, redact, sqlite_file};
pub use events::{FeedEvent, Follower, Position, Wanted};
pub use fold::{fold, key};
pub use identity::{
    Asked, Claimed, Failures, Handover, HandoverFailure, HandoverStep, Held, Hold, Holder, Identity, Invited, Known,
    Login, PLACE, Person, Place, Reached, RightsEvent, Seen, account_of, failure_key,
};
pub use jobs::{Awaited, Counts, Done, Job, JobRow, JobStart, Kept, Upload};
pub use read::{Sighting, Tie, Verdict, bucket, filter, page, plan};
pub use upkeep::{backup, migrate, pending, require_current};

use crate::{
    access::{Action, Actor, Purpose, Reach, Who},
    clock::Clock,
    error::{Code, Error, Result, UserCode, UserError},
};
use db::Transaction;
use sql::{Engine, Sql};

/// What all stores of a process share.
pub struct Backend {
    db: Db,
    clock: Arc<dyn Clock>,
    nouns: Nouns,
    ids: ids::Ids,
    policies: identity::policies::Cache<(Uuid, Option<Uuid>), Known>,
    compiled: identity::policies::Compiled,
    keys: identity::keys::Keys,
    changed: watch::Sender<u64>,
    queued: Notify,
    feed: events::feed::Feed,
    history: OnceCell<String>,
    /// Tells `tandem restore` that the file is in use.
    in_use: Mutex<Option<db::private_file::InUse>>,
}

impl std::fmt::Debug for Backend {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Backend").field("engine", &self.db.engine()).finish_non_exhaustive()
    }
}

impl Backend {
    /// Opens the database at a URL, which holds records of these nouns.
    pub async fn open(url: &str, clock: Arc<dyn Clock>, nouns: Nouns) -> Result<Arc<Self>> {
        Self::open_with(url, clock, nouns, Settings::default()).await
    }

    /// Opens the database at a URL, with these limits of its connections.
    pub async fn open_with(url: &str, clock: Arc<dyn Clock>, nouns: Nouns, settings: Settings) -> Result<Arc<Self>> {
        let in_use = db::private_file::prepare(url)?;
        let db = Db::open(url, settings).await?;
        Ok(Arc::new(Self {
            db,
            clock,
            nouns,
            ids: ids::Ids::default(),
            policies: identity::policies::Cache::default(),
            compiled: identity::policies::Compiled::default(),
            keys: identity::keys::Keys::default(),
            changed: watch::Sender::new(0),
            queued: Notify::new(),
            feed: events::feed::Feed::default(),
            history: OnceCell::new(),
            in_use: Mutex::new(in_use),
        }))
    }

    /// The database.
    #[must_use]
    pub fn db(&self) -> &Db {
        &self.db
    }

    /// Waits for what runs, closes the connections, and lets go of the file.
    pub async fn close(&self) -> Result<()> {
        self.db.close().await?;
        self.in_use.lock().unwrap_or_else(PoisonError::into_inner).take();
        Ok(())
    }

    /// The present instant.
    #[must_use]
    pub fn now(&self) -> Instant {
        self.clock.now()
    }

    /// The nouns that can be written.
    #[must_use]
    pub fn nouns(&self) -> Nouns {
        self.nouns
    }

    /// The clock.
    #[must_use]
    pub fn clock(&self) -> Arc<dyn Clock> {
        self.clock.clone()
    }

    /// A new id, in order of time.
    #[must_use]
    pub fn new_id(&self) -> Uuid {
        self.ids.next(self.clock.now())
    }

    /// A store that acts for an actor.
    #[must_use]
    pub fn store(self: &Arc<Self>, mut actor: Actor, request: Option<&str>) -> Store {
        actor.today = self.now().day();
        Store { backend: self.clone(), actor: Arc::new(actor), request: request.map(Arc::from), fate: Arc::default() }
    }

    /// A store for which no permission is asked.
    #[must_use]
    pub fn as_system(self: &Arc<Self>, purpose: Purpose) -> Store {
        self.store(Actor::system(purpose), None)
    }

    /// Tells of every committed change in this process (and, on PostgreSQL, in others).
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    async fn ask(&self, asking: Asking<'_>, sql: Sql) -> Result<Vec<QueryResult>> {
        match asking {
            // On SQLite a transaction may hold what others have not committed yet.
            Asking::Within(tx) if self.db.engine() == Engine::Postgres => {
                self.db.count();
                Ok(tx.rows(&sql.finish()).await?)
            }
            _ => self.db.fetch(sql).await,
        }
    }

    fn wake(&self) {
        self.changed.send_modify(|count| *count += 1);
    }
}

/// Over which connection something is asked.
#[derive(Clone, Copy, Debug)]
enum Asking<'a> {
    /// One of those that read.
    Beside,
    /// The one on which this transaction is open: whoever holds one connection must never wait for another.
    Within(&'a Transaction),
}

/// What became of a request so far; shared by all its stores.
#[derive(Debug, Default)]
struct Fate {
    /// Objects written into the answer.
    objects: AtomicU64,
    committed: AtomicBool,
    collided: AtomicBool,
}

impl Fate {
    fn committed(&self) {
        self.committed.store(true, Ordering::Release);
    }

    fn collided(&self) {
        self.collided.store(true, Ordering::Release);
    }
}

/// The refusal of what takes a permission that is missing.
#[must_use]
pub fn permission_missing(what: &str) -> Error {
    UserError::new(UserCode::Forbidden, "", format!("You may not {what}.")).because("PERMISSION_MISSING").into()
}

/// Reads records for one actor.
#[derive(Clone, Debug)]
pub struct Store {
    backend: Arc<Backend>,
    actor: Arc<Actor>,
    request: Option<Arc<str>>,
    fate: Arc<Fate>,
}

impl Store {
    /// For whom it reads.
    #[must_use]
    pub fn actor(&self) -> &Actor {
        &self.actor
    }

    /// The signed-in user, or a refusal.
    pub fn user(&self) -> Result<UserId> {
        self.actor.user().ok_or_else(|| Error::refused(Code::Unauthenticated, "Sign in first."))
    }

    /// What it shares with the process's other stores.
    #[must_use]
    pub fn backend(&self) -> &Arc<Backend> {
        &self.backend
    }

    /// The same request, acting for Tandem itself. The one hatch through every permission.
    #[must_use]
    pub fn as_system(&self, purpose: Purpose) -> Self {
        Self { actor: Arc::new(Actor::system(purpose)), ..self.clone() }
    }

    /// The same store with what the actor's roles permit now; refused where they may act no more.
    pub async fn refreshed(&self) -> Result<Self> {
        self.refreshed_by(Asking::Beside).await
    }

    async fn refreshed_by(&self, asking: Asking<'_>) -> Result<Self> {
        let actor = match self.actor.who {
            Who::Anonymous | Who::System(_) => return Ok(self.clone()),
            Who::User { id, session } => {
                let known = self.backend.known_by(asking, id, session).await?;
                if !known.good && session.is_none() {
                    let message = "The user is deactivated.";
                    return Err(Error::refused_because(Code::Forbidden, "USER_DEACTIVATED", message));
                }
                if !known.good {
                    return Err(Error::refused_because(
                        Code::Unauthenticated,
                        "SESSION_ENDED",
                        "The session has ended; sign in again.",
                    ));
                }
                Actor {
                    department: known.department,
                    policy: known.policy,
                    today: self.now().day(),
                    ..(*self.actor).clone()
                }
            }
            Who::Key { by, .. } => Actor { today: self.now().day(), ..self.backend.key_holder_by(asking, by).await?.0 },
        };
        Ok(Self { actor: Arc::new(actor), ..self.clone() })
    }

    /// The present instant.
    #[must_use]
    pub fn now(&self) -> Instant {
        self.backend.now()
    }

    /// How many objects were written into answers so far.
    #[must_use]
    pub fn objects(&self) -> u64 {
        self.fate.objects.load(Ordering::Relaxed)
    }

    /// Whether a change was given up because another one was in its way, and none was kept: then the whole request
    /// may be run again with a fresh store.
    #[must_use]
    pub fn may_run_again(&self) -> bool {
        self.fate.collided.load(Ordering::Acquire) && !self.fate.committed.load(Ordering::Acquire)
    }

    /// The same store for another run of the same request.
    #[must_use]
    pub fn for_another_run(&self) -> Self {
        Self { fate: Arc::default(), ..self.clone() }
    }

    fn count_object(&self) {
        self.fate.objects.fetch_add(1, Ordering::Relaxed);
    }

    fn engine(&self) -> Engine {
        self.backend.db.engine()
    }

    async fn fetch(&self, sql: Sql) -> Result<Vec<QueryResult>> {
        self.backend.db.fetch(sql).await
    }

    /// Refuses who has not signed in.
    pub fn require_sign_in(&self) -> Result<()> {
        match self.actor.who {
            Who::Anonymous => {
                Err(Error::refused(Code::Unauthenticated, "Sign in first: send `Authorization: Bearer …`."))
            }
            Who::User { .. } | Who::Key { .. } | Who::System(_) => Ok(()),
        }
    }

    /// Refuses who may not do this to all records of a kind; `what` ends the sentence "You may not …".
    pub fn require(&self, kind: Kind, action: Action, what: &str) -> Result<()> {
        if self.actor.policy.reach(kind, action) == Reach::All { Ok(()) } else { Err(permission_missing(what)) }
    }

    /// Which of these rows the actor may do this to.
    pub async fn reachable(&self, kind: Kind, action: Action, ids: &[Uuid]) -> Result<Vec<Uuid>> {
        let mut sql = Sql::new(self.engine());
        sql.push("SELECT t.id FROM ").table(kind.table().table).push(" t WHERE t.id").in_ids(ids);
        scope::and_within(&mut sql, &self.actor, (kind, "t"), Action::Read);
        scope::and_within(&mut sql, &self.actor, (kind, "t"), action);
        let rows = self.fetch(sql).await?;
        rows.iter().filter_map(|row| json::uuid(row, 0).transpose()).collect()
    }

    /// Opens a transaction; dropped without [`Change::commit`], it rolls everything back.
    pub async fn begin(&self) -> Result<Change> {
        Change::open(self.clone()).await
    }
}
