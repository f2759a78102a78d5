//! A small GraphQL server with as much of Tandem's outside as the harness touches.
#![expect(clippy::unused_async, reason = "the library's macros ask for async resolvers")]

use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use async_graphql::{
    Context, Data, Error, ErrorExtensions, InputObject, Object, Request, Result, Schema, SimpleObject, Subscription,
    http::{WebSocket, WebSocketProtocols, WsMessage},
};
use axum::{
    Router,
    body::Bytes,
    extract::{State, WebSocketUpgrade, ws},
    http::{HeaderMap, StatusCode, header::AUTHORIZATION},
    response::{IntoResponse, Json, Response, Sse, sse},
    routing::{any, post},
};
use futures_util::{SinkExt, Stream, StreamExt, stream};
use sea_orm::{ConnectionTrait, Database, DatabaseConnection, DbErr, Statement, TryGetable};
use serde_json::{Value, json};
use tandem::clock::{Clock, ManualClock};

use crate::support::world::PASSWORD;

type Small = Schema<Query, Mutation, Subscriptions>;

/// The server's routes, on this database.
#[expect(clippy::disallowed_methods, reason = "this server has no store")]
pub async fn router(url: &str, clock: Arc<ManualClock>, statements: Arc<AtomicUsize>) -> Router {
    let connection = Database::connect(url).await.expect("the database answers");
    let schema =
        Schema::build(Query, Mutation, Subscriptions).data(Counted { connection, statements }).data(clock).finish();
    Router::new()
        .route("/graphql", post(graphql))
        .route("/graphql/stream", post(events))
        .route("/graphql/ws", any(websocket))
        .with_state(schema)
}

struct Counted {
    connection: DatabaseConnection,
    statements: Arc<AtomicUsize>,
}

impl Counted {
    async fn one<T: TryGetable>(&self, sql: &str) -> Result<T, tandem::error::Error> {
        self.statements.fetch_add(1, Ordering::SeqCst);
        let statement = Statement::from_string(self.connection.get_database_backend(), sql);
        let row = self.connection.query_one_raw(statement).await?;
        let row = row.ok_or_else(|| DbErr::RecordNotFound(sql.to_owned()))?;
        T::try_get_by_index(&row, 0).map_err(|error| DbErr::from(error).into())
    }

    async fn execute(&self, sql: &str) -> Result<u64, tandem::error::Error> {
        Ok(self.connection.execute_unprepared(sql).await?.rows_affected())
    }
}

/// The e-mail address that the bearer token names.
struct Token(Option<String>);

impl Token {
    fn read(header: Option<&str>) -> Self {
        Self(header.and_then(|header| header.strip_prefix("Bearer of ")).map(str::to_owned))
    }

    fn owner(&self) -> Result<&str> {
        let refused =
            || Error::new("sign in first").extend_with(|_, extensions| extensions.set("code", "UNAUTHENTICATED"));
        self.0.as_deref().ok_or_else(refused)
    }
}

#[derive(SimpleObject)]
struct Viewer {
    email: String,
}

struct Query;

#[Object]
impl Query {
    async fn engine(&self, context: &Context<'_>) -> Result<String> {
        let backend = context.data::<Counted>()?.connection.get_database_backend();
        Ok(format!("{backend:?}").to_lowercase())
    }

    async fn migrations(&self, context: &Context<'_>) -> Result<i64> {
        Ok(context.data::<Counted>()?.one("SELECT count(*) FROM seaql_migrations").await?)
    }

    async fn now(&self, context: &Context<'_>) -> Result<String> {
        Ok(context.data::<Arc<ManualClock>>()?.now().rfc3339())
    }

    async fn viewer(&self, context: &Context<'_>) -> Result<Viewer> {
        Ok(Viewer { email: context.data::<Token>()?.owner()?.to_owned() })
    }
}

#[derive(InputObject)]
struct SignInInput {
    email: String,
    password: String,
}

#[derive(SimpleObject)]
struct UserError {
    code: String,
    message: String,
    field: Vec<String>,
}

#[derive(SimpleObject)]
struct SignInPayload {
    access_token: Option<String>,
    user_errors: Vec<UserError>,
}

#[derive(SimpleObject)]
struct AccountCreatePayload {
    user_errors: Vec<UserError>,
}

struct Mutation;

#[Object]
impl Mutation {
    async fn sign_in(&self, context: &Context<'_>, input: SignInInput) -> Result<SignInPayload> {
        let holder = format!(
            "SELECT count(*) FROM role_assignment JOIN \"user\" ON \"user\".id = user_id WHERE email = '{}'",
            input.email
        );
        let known = context.data::<Counted>()?.one::<i64>(&holder).await? == 1 && input.password == PASSWORD;
        Ok(SignInPayload { access_token: known.then(|| format!("of {}", input.email)), user_errors: vec![] })
    }

    async fn account_create(&self, context: &Context<'_>, domain: String) -> Result<AccountCreatePayload> {
        let database = context.data::<Counted>()?;
        database.execute("CREATE TABLE IF NOT EXISTS harness (domain TEXT UNIQUE)").await?;
        let sql = format!("INSERT INTO harness (domain) VALUES ('{domain}') ON CONFLICT DO NOTHING");
        let taken = database.execute(&sql).await? == 0;
        let error =
            UserError { code: "TAKEN".into(), message: "taken".into(), field: vec!["by".into(), "domain".into()] };
        Ok(AccountCreatePayload { user_errors: if taken { vec![error] } else { vec![] } })
    }
}

struct Subscriptions;

#[Subscription]
impl Subscriptions {
    async fn count(&self, #[graphql(default = 1)] to: i32) -> impl Stream<Item = i32> {
        stream::iter(1..=to)
    }

    async fn whose(&self, context: &Context<'_>) -> Result<impl Stream<Item = String> + use<>> {
        let owner = context.data::<Token>()?.owner()?.to_owned();
        Ok(stream::iter([owner]))
    }
}

fn bearer(headers: &HeaderMap) -> Token {
    Token::read(headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()))
}

async fn graphql(State(schema): State<Small>, headers: HeaderMap, body: Bytes) -> Response {
    let Ok(request) = serde_json::from_slice::<Request>(&body) else {
        let body = json!({ "errors": [{ "message": "not a request", "extensions": { "code": "BAD_REQUEST" } }] });
        return (StatusCode::BAD_REQUEST, Json(body)).into_response();
    };
    Json(schema.execute(request.data(bearer(&headers))).await).into_response()
}

async fn events(State(schema): State<Small>, headers: HeaderMap, Json(request): Json<Request>) -> impl IntoResponse {
    let results = schema.execute_stream(request.data(bearer(&headers))).map(|result| {
        let result = serde_json::to_string(&result).expect("a result is JSON");
        sse::Event::default().event("next").data(result)
    });
    let end = stream::once(async { sse::Event::default().event("complete") });
    Sse::new(results.chain(end).map(Ok::<_, Infallible>))
}

async fn websocket(State(schema): State<Small>, upgrade: WebSocketUpgrade) -> Response {
    upgrade.protocols(["graphql-transport-ws"]).on_upgrade(|socket| async move {
        let (mut sink, stream) = socket.split();
        let said = stream.take_while(|message| std::future::ready(message.is_ok())).map(|message| match message {
            Ok(message) => message.into_data(),
            Err(_) => Bytes::new(),
        });
        let conversation = WebSocket::new(schema, said, WebSocketProtocols::GraphQLWS).on_connection_init(
            |payload: Value| async move {
                let mut data = Data::default();
                data.insert(Token::read(payload["Authorization"].as_str()));
                Ok(data)
            },
        );
        let mut answers = conversation.map(|answer| match answer {
            WsMessage::Text(text) => ws::Message::Text(text.into()),
            WsMessage::Close(code, reason) => ws::Message::Close(Some(ws::CloseFrame { code, reason: reason.into() })),
        });
        while let Some(answer) = answers.next().await {
            if sink.send(answer).await.is_err() {
                break;
            }
        }
    })
}
