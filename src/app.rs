//! The house put together: what stands behind the edge, and a server that runs.

use std::{any::TypeId, future::Future, net::SocketAddr, sync::Arc};

use async_graphql::{Request, Response};
use bytes::Bytes;
use entity::ImportStatus;
use futures_util::{
    StreamExt,
    stream::{self, BoxStream},
};
use serde_json::json;
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::sync::CancellationToken;

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
    people::sign_in::Authority,
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

    /// The schema for a request, and the request with what its resolvers need.
    fn prepare(&self, request: Request, caller: &Caller, about: &About) -> (&TandemSchema, Request, Store) {
        let actor = caller.data.downcast_ref::<Actor>().cloned().unwrap_or_else(Actor::anonymous);
        let store = self.0.backend.store(actor, Some(&about.request_id));
        let first = request.data.get(&TypeId::of::<FirstSight>()).and_then(|sight| sight.downcast_ref::<FirstSight>());
        let schema = if first.is_none_or(|sight| sight.0) { &self.0.strict } else { &self.0.fast };
        let request = request
            .data(store.clone())
            .data(self.0.authority.clone())
            .data(Origin { address: Some(about.address), user_agent: about.user_agent.clone() })
            .data(RequestKey(about.idempotency_key.clone()));
        (schema, request, store)
    }
}

impl Host for App {
    async fn caller(&self, bearer: Option<&str>, about: &About) -> Result<Caller> {
        let origin = Origin { address: Some(about.address), user_agent: about.user_agent.clone() };
        let (actor, expires_at) = self.0.authority.actor(bearer, &origin).await?;
        let key = match actor.who {
            Who::User { id, .. } => id.to_string(),
            Who::Key { id, .. } => id.to_string(),
            Who::Anonymous | Who::System(_) => format!("anonymous:{}", about.address),
        };
        Ok(Caller { key, expires_at, anonymous: actor.is_anonymous(), data: Arc::new(actor) })
    }

    async fn execute(&self, request: Request, caller: &Caller, about: &About) -> Response {
        let (schema, request, store) = self.prepare(request, caller, about);
        let response = schema.execute(request).await;
        response.extension(ACTUAL_COST, store.objects().into())
    }

    fn subscribe(&self, request: Request, caller: &Caller, about: &About) -> BoxStream<'static, Response> {
        let (schema, request, _) = self.prepare(request, caller, about);
        schema.execute_stream(request).boxed()
    }

    async fn upload(
        &self,
        caller: &Caller,
        id: &str,
        body: BoxStream<'_, Result<Bytes>>,
        about: &About,
    ) -> Result<UploadAnswer> {
        let actor = caller.data.downcast_ref::<Actor>().cloned().unwrap_or_else(Actor::anonymous);
        let store = self.0.backend.store(actor, Some(&about.request_id));
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
        let actor = caller.data.downcast_ref::<Actor>().cloned().unwrap_or_else(Actor::anonymous);
        let store = self.0.backend.store(actor, Some(&about.request_id));
        let export = Export::begin(&store, format, filter).await?;
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
        let Some(Actor { who: Who::User { id, session }, .. }) = caller.data.downcast_ref::<Actor>() else {
            return true;
        };
        // A database out of reach ends no session.
        self.0.backend.known(*id, *session).await.is_ok_and(|known| known.good)
            || self.0.backend.db().ping().await.is_err()
    }
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
        let grace = settings.grace;
        let router = http::router(app, &schema::sdl(), settings, backend.clock())?;
        let shutdown = CancellationToken::new();
        let asked = shutdown.clone().cancelled_owned();
        let serving = tokio::spawn(http::serve(listener, router, grace, asked));
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
