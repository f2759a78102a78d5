//! The house put together: what stands behind the edge, and a server that runs.

use std::{any::TypeId, future::Future, net::SocketAddr, sync::Arc};

use async_graphql::{Pos, Request, Response};
use bytes::Bytes;
use entity::ImportStatus;
use futures_util::{
    StreamExt,
    stream::{self, BoxStream},
};
use serde_json::json;
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use crate::{
    access::{Actor, Origin, Who},
    audit::{Export, Format},
    error::{Code, Error, Result},
    graphql::schema::{self, RequestKey, TandemSchema},
    http::{
        self, Settings,
        host::{ACTUAL_COST, About, Caller, ExportAnswer, ExportPart, FirstSight, Host, UploadAnswer},
    },
    imports::upload,
    people::{preview, sign_in::Authority},
    store::{Backend, Store},
};

/// What stands behind the edge.
#[derive(Clone)]
pub struct App(Arc<Inner>);

struct Inner {
    backend: Arc<Backend>,
    authority: Authority,
    strict: TandemSchema,
    fast: TandemSchema,
}

impl std::fmt::Debug for App {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("App").field(&self.0.backend).finish()
    }
}

impl App {
    /// Over a database that is migrated.
    #[must_use]
    pub fn new(backend: Arc<Backend>, authority: Authority) -> Self {
        Self(Arc::new(Inner { backend, authority, strict: schema::strict(), fast: schema::fast() }))
    }

    /// A store that acts for the caller.
    fn store(&self, caller: &Caller, about: &About) -> Store {
        let actor = caller.data.downcast_ref::<Actor>().cloned().unwrap_or_else(Actor::anonymous);
        self.0.backend.store(actor, Some(&about.request_id))
    }

    /// The schema for a request, and the request with what its resolvers need.
    fn prepare(&self, request: Request, store: Store, about: &About) -> (&TandemSchema, Request) {
        let first = request.data.get(&TypeId::of::<FirstSight>()).and_then(|sight| sight.downcast_ref::<FirstSight>());
        let schema = if first.is_none_or(|sight| sight.0) { &self.0.strict } else { &self.0.fast };
        let request = request
            .data(store)
            .data(self.0.authority.clone())
            .data(Origin { address: Some(about.address), user_agent: about.user_agent.clone() })
            .data(RequestKey(about.idempotency_key.clone()));
        (schema, request)
    }
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

    fn is_strange(&self, bearer: &str) -> bool {
        self.0.authority.is_strange(bearer)
    }

    async fn execute(&self, request: Request, caller: &Caller, about: &About) -> Response {
        // Over a socket the caller may have come long ago: what they may do now holds.
        let store = match self.store(caller, about).refreshed().await {
            Ok(store) => store,
            Err(error) => return refused(error),
        };
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
        let job = upload::receive(&store, id, body).await?;
        Ok(UploadAnswer(json!({ "job": job.to_string(), "status": ImportStatus::Running.as_str() })))
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
        self.0.backend.db().ping().await
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
    listening: JoinHandle<()>,
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
        let app = App::new(backend.clone(), authority);
        let connections = settings.serving();
        let router = http::router(app, &schema::sdl(), settings, backend.clock())?;
        let shutdown = CancellationToken::new();
        let asked = shutdown.clone().cancelled_owned();
        let serving = tokio::spawn(http::serve(listener, router, connections, asked));
        let listening = tokio::spawn(backend.clone().listen());
        Ok(Self { address, backend, shutdown, serving, listening })
    }

    /// Serves until `signal`, then finishes what runs and closes the database.
    pub async fn until(self, signal: impl Future<Output = ()>) -> Result<()> {
        let Self { shutdown, mut serving, listening, backend, .. } = self;
        let served = tokio::select! {
            served = &mut serving => served,
            () = signal => {
                shutdown.cancel();
                serving.await
            }
        };
        listening.abort();
        backend.db().close().await?;
        served.map_err(Error::internal)?.map_err(Error::internal)
    }

    /// Stops it.
    pub async fn stop(self) -> Result<()> {
        self.until(std::future::ready(())).await
    }
}
