//! The house put together: what stands behind the edge, and a server that runs.

mod changes;

use std::{any::TypeId, future::Future, net::SocketAddr, sync::Arc, time::Duration};

use async_graphql::{Pos, Request, Response, parser::types::OperationType};
use bytes::Bytes;
use futures_util::{
    StreamExt,
    stream::{self, BoxStream},
};
use serde_json::json;
use tokio::{net::TcpListener, task::JoinHandle, time::timeout};
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use crate::{
    access::{Actor, Origin, Who},
    api::{self, JOBS, Schema},
    audit::{Export, Format},
    error::{Code, Error, Result},
    graphql::once::RequestKey,
    http::{
        self, Settings,
        host::{ACTUAL_COST, About, Caller, ExportAnswer, ExportPart, FirstSight, Host, UploadAnswer},
    },
    imports::upload,
    people::{authority::Authority, preview},
    store::{Backend, Store},
    worker,
};

/// How long the end of the process waits for the steps of running jobs.
const HANDING_OVER: Duration = Duration::from_secs(15);

/// What stands behind the edge.
#[derive(Clone)]
pub struct App(Arc<Inner>);

struct Inner {
    /// How long a mutation may take once nobody waits for it any more.
    deadline: Duration,
    backend: Arc<Backend>,
    authority: Authority,
    strict: Schema,
    fast: Schema,
}

impl std::fmt::Debug for App {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("App").field(&self.0.backend).finish()
    }
}

impl App {
    /// Over a database that is migrated.
    #[must_use]
    pub fn new(backend: Arc<Backend>, authority: Authority, deadline: Duration) -> Self {
        Self(Arc::new(Inner { deadline, backend, authority, strict: api::strict(), fast: api::fast() }))
    }

    /// A store that acts for the caller.
    fn store(&self, caller: &Caller, about: &About) -> Store {
        let actor = caller.data.downcast_ref::<Actor>().cloned().unwrap_or_else(Actor::anonymous);
        self.0.backend.store(actor, Some(&about.request_id))
    }

    /// The schema for a request, and the request with what its resolvers need.
    fn prepare(&self, request: Request, store: Store, about: &About) -> (&Schema, Request) {
        let first = request.data.get(&TypeId::of::<FirstSight>()).and_then(|sight| sight.downcast_ref::<FirstSight>());
        let schema = if first.is_none_or(|sight| sight.0) { &self.0.strict } else { &self.0.fast };
        let request = request
            .data(store)
            .data(self.0.authority.clone())
            .data(Origin { address: Some(about.address), user_agent: about.user_agent.clone() })
            .data(about.guesses.clone())
            .data(RequestKey(about.idempotency_key.clone()));
        (schema, request)
    }
}

impl App {
    /// Runs a query or a mutation once.
    async fn run(&self, request: Request, store: Store, about: &About) -> Response {
        let (schema, request) = self.prepare(request, store.clone(), about);
        let response = match (store.actor().previewed_by, store.actor().user()) {
            (Some(admin), Some(person)) => {
                let span = tracing::info_span!("preview", user.id = %person, previewed_by.id = %admin);
                let told = async {
                    preview::tell(&store).await?;
                    Ok::<_, Error>(schema.execute(request).await)
                };
                told.instrument(span).await.unwrap_or_else(refused)
            }
            _ => schema.execute(request).await,
        };
        response.extension(ACTUAL_COST, store.objects().into())
    }
}

fn is_mutation(request: &mut Request) -> bool {
    request.parsed_query().is_ok_and(|document| {
        document.operations.iter().any(|(_, operation)| operation.node.ty == OperationType::Mutation)
    })
}

impl Host for App {
    async fn caller(&self, bearer: Option<&str>, about: &About) -> Result<Caller> {
        let origin = Origin { address: Some(about.address), user_agent: about.user_agent.clone() };
        let (caller, expires_at) = self.0.authority.actor(bearer, &origin).await?;
        // What a preview costs is spent by whoever looks.
        let key = match caller.who {
            Who::User { id, .. } => id.to_string(),
            Who::Key { id, .. } => id.to_string(),
            Who::Anonymous | Who::System(_) => format!("anonymous:{}", about.address),
        };
        let anonymous = caller.is_anonymous();
        let actor = match &about.preview_as {
            Some(person) => preview::preview(&self.0.backend, &caller, person).await?,
            None => caller,
        };
        Ok(Caller { key, expires_at, anonymous, preview: actor.previewed_by.is_some(), data: Arc::new(actor) })
    }

    async fn is_strange(&self, bearer: &str) -> Result<bool> {
        self.0.authority.is_strange(bearer).await
    }

    async fn execute(&self, mut request: Request, caller: &Caller, about: &About) -> Response {
        // Over a socket the caller may have come long ago: what they may do now holds.
        let store = match self.store(caller, about).refreshed().await {
            Ok(store) => store,
            Err(error) => return refused(error),
        };
        if is_mutation(&mut request) {
            // On a task of its own: a client that goes away does not cut a change off between two of its statements.
            // Boxed, since it is large and moved more than once.
            let work = Box::pin(changes::run(self.clone(), request, store, about.clone())).in_current_span();
            let work = tokio::spawn(tokio::time::timeout(self.0.deadline, work));
            return match work.await {
                Ok(Ok(response)) => response,
                Ok(Err(_)) => refused(Error::refused(Code::Timeout, "The operation took too long.")),
                Err(error) => match error.try_into_panic() {
                    Ok(panic) => std::panic::resume_unwind(panic),
                    Err(error) => refused(Error::internal(error)),
                },
            };
        }
        self.run(request, store, about).await
    }

    fn subscribe(&self, request: Request, caller: &Caller, about: &About) -> BoxStream<'static, Response> {
        let (schema, request) = self.prepare(request, self.store(caller, about), about);
        schema.execute_stream(request).boxed()
    }

    async fn upload(
        &self,
        caller: &Caller,
        id: &str,
        body: BoxStream<'_, Result<Bytes>>,
        about: &About,
    ) -> Result<UploadAnswer> {
        let store = self.store(caller, about);
        let (job, status) = upload::receive(&store, id, body).await?;
        Ok(UploadAnswer(json!({ "job": job.to_string(), "status": status })))
    }

    async fn export(
        &self,
        caller: &Caller,
        name: &str,
        filter: Option<serde_json::Value>,
        about: &About,
    ) -> Result<ExportAnswer> {
        let nothing =
            || Error::refused(Code::NotFound, "There is no such export; there are audit.csv and audit.jsonl.");
        let format = Format::of_file(name).ok_or_else(nothing)?;
        let export = Export::begin(&self.store(caller, about), format, filter).await?;
        let file_name = export.file_name();
        let parts = stream::try_unfold(export, async |mut export| {
            let part = export.next().await?;
            Ok(part.map(|part| (ExportPart { text: part.text.into(), rows: part.events }, export)))
        });
        Ok(ExportAnswer { content_type: format.content_type(), file_name, parts: parts.boxed() })
    }

    async fn ready(&self) -> Result<()> {
        self.0.backend.db().ready().await
    }

    async fn still_good(&self, caller: &Caller) -> bool {
        let Some(actor) = caller.data.downcast_ref::<Actor>() else { return true };
        // A database out of reach ends no session.
        self.0.backend.store(actor.clone(), None).refreshed().await.is_ok() || self.0.backend.db().ping().await.is_err()
    }
}

fn refused(error: Error) -> Response {
    Response::from_errors(vec![async_graphql::Error::from(error).into_server_error(Pos::default())])
}

/// A server that runs.
#[derive(Debug)]
pub struct Running {
    /// Where it listens.
    pub address: SocketAddr,
    /// The database behind it.
    pub backend: Arc<Backend>,
    shutdown: CancellationToken,
    serving: JoinHandle<std::io::Result<()>>,
    /// What runs beside the server and ends with it.
    beside: Vec<JoinHandle<()>>,
    working: JoinHandle<()>,
    authority: Authority,
}

impl Running {
    /// Serves over a migrated database, on a listener that is already bound.
    pub fn start(
        listener: TcpListener,
        backend: Arc<Backend>,
        authority: Authority,
        settings: Settings,
    ) -> Result<Self> {
        let address = listener.local_addr().map_err(Error::internal)?;
        let app = App::new(backend.clone(), authority.clone(), settings.deadline);
        let (connections, lease) = (settings.serving(), settings.jobs);
        let router = http::router(app, &api::sdl(), settings, backend.clock())?;
        let shutdown = CancellationToken::new();
        let asked = shutdown.clone().cancelled_owned();
        let serving = tokio::spawn(http::serve(listener, router, connections, asked));
        let listening = tokio::spawn(backend.clone().listen());
        let keeping = tokio::spawn({
            let backend = backend.clone();
            async move { backend.db().upkeep().await }
        });
        let reading = tokio::spawn(backend.clone().share_feed());
        let telling = tokio::spawn(authority.clone().tell_failures());
        let working = tokio::spawn({
            let (backend, shutdown) = (backend.clone(), shutdown.clone());
            async move {
                match lease {
                    Some(lease) => worker::work(backend, JOBS, lease, shutdown).await,
                    None => shutdown.cancelled().await,
                }
            }
        });
        let beside = vec![listening, keeping, reading, telling];
        Ok(Self { address, backend, shutdown, serving, beside, working, authority })
    }

    /// Serves until `signal`, then finishes what runs and closes the database.
    pub async fn until(self, signal: impl Future<Output = ()>) -> Result<()> {
        let Self { shutdown, mut serving, beside, working, authority, backend, .. } = self;
        let served = tokio::select! {
            served = &mut serving => served,
            () = signal => {
                shutdown.cancel();
                serving.await
            }
        };
        beside.iter().for_each(JoinHandle::abort);
        shutdown.cancel();
        // Each job ends its step and is given back, so that another process can go on at once.
        let _ = timeout(HANDING_OVER, working).await;
        // Failed sign-ins that wait for the end of their minute are told now.
        let _ = timeout(HANDING_OVER, authority.tell_collected(true)).await;
        backend.close().await?;
        served.map_err(Error::internal)?.map_err(Error::internal)
    }

    /// Stops it.
    pub async fn stop(self) -> Result<()> {
        self.until(std::future::ready(())).await
    }
}

/// Runs background jobs over a migrated database until `signal`, then lets each finish its step.
pub async fn work(backend: Arc<Backend>, lease: Duration, signal: impl Future<Output = ()>) -> Result<()> {
    let shutdown = CancellationToken::new();
    let listening = tokio::spawn(backend.clone().listen());
    let working = tokio::spawn(worker::work(backend.clone(), JOBS, lease, shutdown.clone()));
    signal.await;
    shutdown.cancel();
    listening.abort();
    let _ = timeout(HANDING_OVER, working).await;
    backend.close().await
}
