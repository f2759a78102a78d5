//! What the edge asks of the house behind it: who calls, what an operation answers, whether a caller is still good.

use std::{any::Any, fmt, future::Future, net::IpAddr, sync::Arc};

use bytes::Bytes;
use futures_util::stream::BoxStream;

use crate::{access::guess::Guesses, error::Error};

/// Who calls.
#[derive(Clone)]
pub struct Caller {
    /// What the rate limit counts by: the id of a user or an API key, or `anonymous:<address>`.
    pub key: String,
    /// When the token ends; open streams end with it.
    pub expires_at: Option<entity::Instant>,
    /// Whether nobody is signed in.
    pub anonymous: bool,
    /// Whether they look through somebody else's eyes: then they run queries and nothing else.
    pub preview: bool,
    /// The host's own.
    pub data: Arc<dyn Any + Send + Sync>,
}

impl fmt::Debug for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Caller").field("anonymous", &self.anonymous).finish_non_exhaustive()
    }
}

/// What is known of a request besides its operation.
#[derive(Clone, Debug)]
pub struct About {
    /// The client's `X-Request-Id`, or ours.
    pub request_id: String,
    /// The client's address, as far as trusted proxies tell.
    pub address: IpAddr,
    /// `User-Agent`.
    pub user_agent: Option<String>,
    /// `Idempotency-Key`.
    pub idempotency_key: Option<String>,
    /// `Tandem-Preview-As`: whose view the caller wants to see.
    pub preview_as: Option<String>,
    /// What guesses at secrets cost the address.
    pub guesses: Guesses,
}

/// Stands in the data of each request: whether this document has not yet passed the strict validation of async-graphql,
/// which knows rules that the gate does not (`@oneOf`, unique input fields).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FirstSight(pub bool);

/// The name under which a response tells, in its extensions, how many objects it really cost. The edge takes it out.
pub const ACTUAL_COST: &str = "actualCost";

/// What an upload is answered with.
#[derive(Clone, Debug)]
pub struct UploadAnswer(pub serde_json::Value);

/// A file that goes out.
pub struct ExportAnswer {
    /// Its media type.
    pub content_type: &'static str,
    /// What it should be called: visible ASCII without quotes.
    pub file_name: String,
    /// Its parts; an error is the last.
    pub parts: BoxStream<'static, Result<ExportPart, Error>>,
}

impl fmt::Debug for ExportAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExportAnswer").field("file_name", &self.file_name).finish_non_exhaustive()
    }
}

/// A part of a file that goes out.
#[derive(Clone, Debug)]
pub struct ExportPart {
    /// Its text.
    pub text: Bytes,
    /// How many records it tells of: its cost.
    pub rows: u64,
}

/// The house behind the edge.
pub trait Host: Clone + Send + Sync + 'static {
    /// Who calls with this token, or without one; a bad token is `UNAUTHENTICATED`.
    fn caller(&self, bearer: Option<&str>, about: &About) -> impl Future<Output = Result<Caller, Error>> + Send;

    /// Whether a guess is to be paid for by its address before anybody looks what there is to this token. For what is
    /// good it is not, whoever else guesses at the same address.
    fn is_strange(&self, bearer: &str) -> impl Future<Output = Result<bool, Error>> + Send;

    /// Runs a query or a mutation that passed the gate.
    fn execute(
        &self,
        request: async_graphql::Request,
        caller: &Caller,
        about: &About,
    ) -> impl Future<Output = async_graphql::Response> + Send;

    /// Runs a subscription that passed the gate.
    fn subscribe(
        &self,
        request: async_graphql::Request,
        caller: &Caller,
        about: &About,
    ) -> BoxStream<'static, async_graphql::Response>;

    /// Takes a file for what this id names. Nothing of the body may be read before it is known that it is wanted; an
    /// error in the body is answered as it is, and nothing of the file is kept.
    fn upload(
        &self,
        caller: &Caller,
        id: &str,
        body: BoxStream<'_, Result<Bytes, Error>>,
        about: &About,
    ) -> impl Future<Output = Result<UploadAnswer, Error>> + Send;

    /// Begins the export that a file name stands for, of the records that meet a filter.
    fn export(
        &self,
        caller: &Caller,
        name: &str,
        filter: Option<serde_json::Value>,
        about: &About,
    ) -> impl Future<Output = Result<ExportAnswer, Error>> + Send;

    /// Whether requests can be served.
    fn ready(&self) -> impl Future<Output = Result<(), Error>> + Send;

    /// Whether the session behind an open stream still holds; asked once a second, so answer from memory.
    fn still_good(&self, caller: &Caller) -> impl Future<Output = bool> + Send;
}
