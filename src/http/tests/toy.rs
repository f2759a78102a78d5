//! A small house behind the edge, for its tests.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering},
    },
    time::Duration,
};

use async_graphql::{
    Context, Enum, ID, InputObject, Interface, Object, OneofObject, Request, Response, Schema, SimpleObject,
    Subscription, ValidationMode, Value, scalar,
};
use bytes::Bytes;
use entity::Instant;
use futures_util::{
    Stream, StreamExt,
    stream::{self, BoxStream},
};
use serde::{Deserialize, Serialize};

use crate::{
    error::{Code, Error},
    http::host::{ACTUAL_COST, About, Caller, ExportAnswer, ExportPart, FirstSight, Host, UploadAnswer},
};

/// What the toy remembers.
#[derive(Default)]
pub(crate) struct Memory {
    pub bumps: AtomicU64,
    pub lookups: AtomicU64,
    pub resolved: AtomicU64,
    pub revoked: AtomicBool,
    pub unready: AtomicBool,
    pub flood_over: tokio::sync::Notify,
    pub strict: AtomicU64,
    pub expires_at: AtomicI64,
    pub about: Mutex<Option<About>>,
}

#[derive(Clone)]
pub(crate) struct Toy {
    strict: Schema<Query, Mutation, Ticks>,
    fast: Schema<Query, Mutation, Ticks>,
    pub memory: Arc<Memory>,
}

impl Toy {
    pub fn new() -> Self {
        let memory = Arc::new(Memory::default());
        memory.expires_at.store(i64::MAX, Ordering::SeqCst);
        let schema = |mode| {
            Schema::build(Query, Mutation, Ticks)
                .data(Arc::clone(&memory))
                .limit_recursive_depth(64)
                .disable_suggestions()
                .validation_mode(mode)
                .finish()
        };
        Self { strict: schema(ValidationMode::Strict), fast: schema(ValidationMode::Fast), memory }
    }

    pub fn sdl(&self) -> String {
        self.strict.sdl()
    }

    fn schema(&self, request: &Request) -> &Schema<Query, Mutation, Ticks> {
        let first = request.data.get(&std::any::TypeId::of::<FirstSight>());
        let strict = first.and_then(|first| first.downcast_ref::<FirstSight>()).is_none_or(|first| first.0);
        if strict {
            self.memory.strict.fetch_add(1, Ordering::SeqCst);
            &self.strict
        } else {
            &self.fast
        }
    }
}

impl Host for Toy {
    async fn caller(&self, bearer: Option<&str>, about: &About) -> Result<Caller, Error> {
        *self.memory.about.lock().unwrap() = Some(about.clone());
        let key = match bearer {
            Some("panic") => panic!("no such caller"),
            Some(token) if token.starts_with("good") => token.to_owned(),
            Some(token) if token.starts_with("strange") => {
                self.memory.lookups.fetch_add(1, Ordering::SeqCst);
                return Err(Error::refused_because(Code::Unauthenticated, "API_KEY_INVALID", "There is no such key."));
            }
            Some(_) => {
                return Err(Error::refused_because(Code::Unauthenticated, "TOKEN_INVALID", "The token is not valid."));
            }
            None => format!("anonymous:{}", about.address),
        };
        let expires_at = Some(Instant(self.memory.expires_at.load(Ordering::SeqCst)));
        Ok(Caller {
            key,
            expires_at,
            anonymous: bearer.is_none(),
            preview: about.preview_as.is_some(),
            data: Arc::new(()),
        })
    }

    async fn is_strange(&self, bearer: &str) -> Result<bool, Error> {
        Ok(bearer.starts_with("strange"))
    }

    async fn execute(&self, request: Request, _: &Caller, _: &About) -> Response {
        let response = self.schema(&request).execute(request).await;
        response.extension(ACTUAL_COST, Value::from(2))
    }

    fn subscribe(&self, request: Request, _: &Caller, _: &About) -> BoxStream<'static, Response> {
        self.schema(&request).execute_stream(request).boxed()
    }

    async fn upload(
        &self,
        _: &Caller,
        id: &str,
        mut body: BoxStream<'_, Result<Bytes, Error>>,
        _: &About,
    ) -> Result<UploadAnswer, Error> {
        match id {
            "wanted" => {}
            "had" => return Err(Error::refused(Code::Conflict, "It is here already.")),
            _ => return Err(Error::refused(Code::NotFound, "Nothing waits for this file.")),
        }
        let mut bytes = 0;
        while let Some(chunk) = body.next().await {
            bytes += chunk?.len();
        }
        Ok(UploadAnswer(serde_json::json!({ "bytes": bytes })))
    }

    /// `good` comes in three parts, `broken` breaks off behind the first, `sudden` at once; `endless` never ends.
    async fn export(
        &self,
        _: &Caller,
        name: &str,
        filter: Option<serde_json::Value>,
        _: &About,
    ) -> Result<ExportAnswer, Error> {
        let part = |text: String| Ok(ExportPart { text: text.into(), rows: 10 });
        let broken = || Err(Error::refused(Code::ServiceUnavailable, "The database is gone."));
        let parts = match name {
            "good" => vec![part("one\n".to_owned()), part("two\n".to_owned()), part(format!("{filter:?}\n"))],
            "broken" => vec![part("one\n".to_owned()), broken()],
            "sudden" => vec![broken()],
            "endless" => {
                let parts = stream::repeat_with(|| Ok(ExportPart { text: "x".repeat(65_536).into(), rows: 0 })).boxed();
                return Ok(ExportAnswer { content_type: "text/csv", file_name: "endless.csv".to_owned(), parts });
            }
            _ => return Err(Error::refused(Code::NotFound, "There is no such export.")),
        };
        let parts = stream::iter(parts).boxed();
        Ok(ExportAnswer { content_type: "text/csv", file_name: format!("{name}.csv"), parts })
    }

    async fn ready(&self) -> Result<(), Error> {
        if self.memory.unready.load(Ordering::SeqCst) {
            return Err(Error::refused(Code::ServiceUnavailable, "The database cannot be reached."));
        }
        Ok(())
    }

    async fn still_good(&self, _: &Caller) -> bool {
        !self.memory.revoked.load(Ordering::SeqCst)
    }
}

/// Anything with an id.
#[derive(Interface)]
#[graphql(field(name = "id", ty = "ID"))]
pub(crate) enum Node {
    Account(Account),
    Contact(Contact),
}

pub(crate) struct Account(u32);
pub(crate) struct Contact(u32);

#[derive(SimpleObject)]
struct PageInfo {
    has_next_page: bool,
}

#[derive(SimpleObject)]
struct AccountEdge {
    node: Account,
    cursor: String,
}

#[derive(SimpleObject)]
struct AccountConnection {
    edges: Vec<AccountEdge>,
    nodes: Vec<Account>,
    page_info: PageInfo,
    total_count: i32,
}

#[derive(SimpleObject)]
struct ContactConnection {
    nodes: Vec<Contact>,
    page_info: PageInfo,
}

#[derive(SimpleObject)]
struct User {
    id: ID,
    email: String,
}

#[derive(OneofObject)]
enum AccountRef {
    Id(ID),
    Domain(String),
}

#[derive(Enum, Clone, Copy, PartialEq, Eq)]
enum Color {
    Red,
    Green,
}

#[Object]
impl Account {
    async fn id(&self) -> ID {
        format!("acct_{}", self.0).into()
    }

    async fn name(&self) -> String {
        format!("Account \"{}\"", self.0)
    }

    async fn owner(&self) -> User {
        User { id: "user_1".into(), email: "u@example.com".into() }
    }

    async fn contacts(&self, first: Option<i32>, last: Option<i32>) -> ContactConnection {
        let size = first.or(last).unwrap_or(2).min(2);
        ContactConnection {
            nodes: (0..size).filter_map(|n| u32::try_from(n).ok()).map(Contact).collect(),
            page_info: PageInfo { has_next_page: false },
        }
    }
}

#[Object]
impl Contact {
    async fn id(&self) -> ID {
        format!("cont_{}", self.0).into()
    }

    async fn account(&self) -> Account {
        Account(1)
    }
}

/// JSON that is written already.
#[derive(Clone, Serialize, Deserialize)]
struct Raw(String);

impl From<Raw> for Value {
    fn from(raw: Raw) -> Self {
        Self::Binary(raw.0.into())
    }
}

#[derive(Clone, Serialize, Deserialize)]
struct Anything(serde_json::Value);
scalar!(Anything);

struct ReadyMade;

#[async_graphql::Scalar(name = "ReadyMade")]
impl async_graphql::ScalarType for ReadyMade {
    fn parse(_: Value) -> async_graphql::InputValueResult<Self> {
        Ok(Self)
    }

    fn to_value(&self) -> Value {
        Raw(r#"[{"id":"acct_1","tags":["a","b"]}]"#.to_owned()).into()
    }
}

/// What no request carries.
struct Never;

pub(crate) struct Query;

#[Object]
impl Query {
    async fn hello(&self, context: &Context<'_>, name: Option<String>) -> String {
        context.data_unchecked::<Arc<Memory>>().resolved.fetch_add(1, Ordering::SeqCst);
        format!("Hello {}", name.unwrap_or_default())
    }

    async fn me(&self, context: &Context<'_>) -> User {
        context.data_unchecked::<Arc<Memory>>().resolved.fetch_add(1, Ordering::SeqCst);
        User { id: "user_1".into(), email: "u@example.com".into() }
    }

    async fn accounts(&self, first: Option<i32>, last: Option<i32>, filter: Option<Anything>) -> AccountConnection {
        let _ = filter.map(|filter| filter.0);
        let size = first.or(last).unwrap_or(2).clamp(0, 3);
        let all = || (0..size).filter_map(|n| u32::try_from(n).ok());
        AccountConnection {
            edges: all().map(|n| AccountEdge { node: Account(n), cursor: n.to_string() }).collect(),
            nodes: all().map(Account).collect(),
            page_info: PageInfo { has_next_page: false },
            total_count: size,
        }
    }

    async fn account(&self, by: AccountRef) -> Option<Account> {
        match by {
            AccountRef::Id(_) => Some(Account(1)),
            AccountRef::Domain(domain) => (domain == "a.example").then_some(Account(2)),
        }
    }

    async fn node(&self, id: ID) -> Option<Node> {
        if id.starts_with("acct_") {
            return Some(Node::Account(Account(1)));
        }
        Some(Node::Contact(Contact(1)))
    }

    async fn nodes(&self, ids: Vec<ID>) -> Vec<Option<Node>> {
        ids.iter().map(|_| Some(Node::Account(Account(1)))).collect()
    }

    async fn ready_made(&self) -> ReadyMade {
        ReadyMade
    }

    async fn paint(&self, color: Color) -> Color {
        color
    }

    async fn forbidden(&self) -> Option<Result<i32, async_graphql::Error>> {
        Some(Err(Error::refused(Code::Forbidden, "Not \"yours\".").into()))
    }

    async fn broken(&self) -> Option<Result<i32, async_graphql::Error>> {
        Some(Err(async_graphql::Error::new("relation secret_table does not exist")))
    }

    async fn panics(&self, context: &Context<'_>) -> i32 {
        assert!(context.data_opt::<Never>().is_some(), "at the disco");
        0
    }

    async fn sleep(&self, milliseconds: u64) -> bool {
        tokio::time::sleep(Duration::from_millis(milliseconds)).await;
        true
    }
}

#[derive(InputObject)]
struct Item {
    name: String,
}

#[derive(InputObject)]
struct BulkInput {
    items: Vec<Item>,
}

#[derive(SimpleObject)]
struct Bumped {
    value: u64,
    account: Option<Account>,
}

pub(crate) struct Mutation;

#[Object]
impl Mutation {
    async fn bump(&self, context: &Context<'_>) -> Bumped {
        let bumps = &context.data_unchecked::<Arc<Memory>>().bumps;
        Bumped { value: bumps.fetch_add(1, Ordering::SeqCst) + 1, account: None }
    }

    async fn bulk(&self, input: BulkInput) -> Vec<Bumped> {
        let _ = input.items.iter().map(|item| item.name.len()).sum::<usize>();
        vec![]
    }
}

pub(crate) struct Ticks;

struct FloodEnd(Arc<Memory>);

impl Drop for FloodEnd {
    fn drop(&mut self) {
        self.0.flood_over.notify_one();
    }
}

#[Subscription]
impl Ticks {
    async fn ticks(&self, count: i32, every: Option<u64>) -> impl Stream<Item = i32> {
        let pause = Duration::from_millis(every.unwrap_or(5));
        stream::iter(0..count).then(move |n| async move {
            tokio::time::sleep(pause).await;
            n
        })
    }

    /// More than anybody reads at once, and a note when it is given up.
    async fn flood(&self, context: &Context<'_>) -> impl Stream<Item = String> {
        let end = FloodEnd(Arc::clone(context.data_unchecked::<Arc<Memory>>()));
        stream::repeat_with(move || {
            let _ = &end;
            "x".repeat(100_000)
        })
    }

    async fn collapse(&self) -> impl Stream<Item = i32> {
        stream::iter(0..3).map(|n| if n == 1 { panic!("in mid-air") } else { n })
    }

    async fn refused(&self) -> Result<stream::Empty<i32>, async_graphql::Error> {
        tokio::task::yield_now().await;
        Err(Error::refused(Code::Forbidden, "Not for you.").into())
    }
}
