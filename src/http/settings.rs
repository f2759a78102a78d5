//! What the edge allows: limits, origins, proxies, and what is shown.

use std::time::Duration;

use ipnet::IpNet;

/// The settings of the edge; `Settings::default()` is what the API promises.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Limits of the admission gate.
    pub limits: Limits,
    /// How much cost a caller may spend.
    pub rate: Rate,
    /// How long one query or mutation may take, and how long an upload may pause.
    pub deadline: Duration,
    /// Bytes of an uploaded file.
    pub upload: u64,
    /// How long a WebSocket may stay without `connection_init`.
    pub init_timeout: Duration,
    /// How long the client of a WebSocket may take to read a message; then it is closed with 1013.
    pub send_timeout: Duration,
    /// How often an open WebSocket is pinged and an event stream gets a comment.
    pub keep_alive: Duration,
    /// How many operations one WebSocket may run at a time.
    pub operations_per_socket: usize,
    /// How long running requests may go on after a shutdown was asked for.
    pub grace: Duration,
    /// How long background jobs that run here are held without a sign of life; none where no jobs run here.
    pub jobs: Option<Duration>,
    /// How many connections there may be, and how long they may be silent.
    pub connections: ConnectionLimits,
    /// Origins whose pages may call the API; none by default.
    pub allowed_origins: Vec<String>,
    /// Proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// Memory for parsed and validated documents, roughly, in bytes.
    pub document_cache: u64,
    /// Whether `GraphiQL` is served at `/`.
    pub graphiql: bool,
    /// Whether `__schema` and `__type` may be asked for.
    pub introspection: bool,
    /// Whether `/metrics` is served.
    pub metrics: bool,
}

/// Limits of connections.
#[derive(Clone, Copy, Debug)]
pub struct ConnectionLimits {
    /// How long a new connection may take until the head of its first request is complete.
    pub headers: Duration,
    /// How long a connection may stay without a request after the last one ended.
    pub idle: Duration,
    /// Connections from one address, or from one /64 network of IPv6; trusted proxies are exempt.
    pub per_address: usize,
    /// Connections altogether.
    pub total: usize,
}

/// What a server needs to know of the settings once its router is made.
#[derive(Clone, Debug)]
pub struct Serving {
    /// How long running requests may go on after a shutdown was asked for.
    pub grace: Duration,
    /// Limits of connections.
    pub connections: ConnectionLimits,
    /// Proxies, each of which stands for many callers.
    pub trusted_proxies: Vec<IpNet>,
}

impl Settings {
    /// The part that concerns connections.
    #[must_use]
    pub fn serving(&self) -> Serving {
        let Self { grace, connections, trusted_proxies, .. } = self;
        Serving { grace: *grace, connections: *connections, trusted_proxies: trusted_proxies.clone() }
    }
}

/// Limits of the admission gate.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Bytes of a body, with its variables.
    pub body: usize,
    /// JSON values in a body: short ones take far more memory than they are long.
    pub values: usize,
    /// Bytes of a document.
    pub document: usize,
    /// Nesting of brackets in a document.
    pub brackets: usize,
    /// Tokens in a document.
    pub tokens: usize,
    /// Nesting of selection sets once fragments are expanded; the schema's own recursion limit must not be lower.
    pub depth: u64,
    /// Selections once fragments are expanded: the executor walks each of them.
    pub selections: u64,
    /// Fields below `__schema` and `__type`.
    pub introspection: u64,
    /// Cost of one request.
    pub cost: u64,
    /// Page size where none is asked for.
    pub page: u64,
    /// Page size at the root of an operation.
    pub root_page: u64,
    /// Page size anywhere below.
    pub nested_page: u64,
}

/// A leaky bucket of cost.
#[derive(Clone, Copy, Debug)]
pub struct Rate {
    /// What the bucket holds; at least the cost limit, or a request that is allowed could never be paid.
    pub maximum: u32,
    /// What flows back each second.
    pub restore: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            rate: Rate { maximum: 100_000, restore: 5_000 },
            deadline: Duration::from_secs(30),
            upload: 1024 * 1024 * 1024,
            init_timeout: Duration::from_secs(10),
            send_timeout: Duration::from_secs(10),
            keep_alive: Duration::from_secs(15),
            operations_per_socket: 100,
            grace: Duration::from_secs(35),
            jobs: Some(Duration::from_secs(30)),
            connections: ConnectionLimits::default(),
            allowed_origins: vec![],
            trusted_proxies: vec![],
            document_cache: 64 * 1024 * 1024,
            graphiql: true,
            introspection: true,
            metrics: true,
        }
    }
}

impl Default for ConnectionLimits {
    fn default() -> Self {
        Self { headers: Duration::from_secs(10), idle: Duration::from_secs(75), per_address: 1_024, total: 8_192 }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body: 5 * 1024 * 1024,
            values: 250_000,
            document: 100 * 1024,
            brackets: 64,
            tokens: 10_000,
            depth: 64,
            selections: 20_000,
            introspection: 1_000,
            cost: 50_000,
            page: 25,
            root_page: 200,
            nested_page: 50,
        }
    }
}
