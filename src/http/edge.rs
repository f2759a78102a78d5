//! One operation on its way: caller, gate, allowance, execution, answer. Every transport goes this way.

use std::{future::Future, panic::AssertUnwindSafe, sync::Arc, time::Duration};

use apollo_compiler::ast::OperationType;
use async_graphql::Response;
use futures_util::{FutureExt, StreamExt, stream, stream::BoxStream};
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::time::Instant;
use tracing::{Instrument, Span, field::Empty};

use super::{
    answer::{Answer, Costs},
    forwarders::Forwarders,
    gate::{Document, Gate, refusal::Refusal},
    host::{About, Caller, Host},
    limits::Buckets,
    metrics,
    params::Params,
    settings::Settings,
};
use crate::{
    clock::Clock,
    error::{Code, Error},
};

/// All that the handlers share.
pub(super) struct Edge<H> {
    pub host: H,
    pub gate: Gate,
    pub buckets: Arc<Buckets>,
    pub forwarders: Forwarders,
    pub settings: Settings,
    pub clock: Arc<dyn Clock>,
    pub metrics: Option<PrometheusHandle>,
}

/// How an operation came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Transport {
    Post,
    Get,
    WebSocket,
    EventsByPost,
    EventsByGet,
    Upload,
    Export,
}

impl Transport {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Post => "post",
            Self::Get => "get",
            Self::WebSocket => "websocket",
            Self::EventsByPost | Self::EventsByGet => "sse",
            Self::Upload => "upload",
            Self::Export => "export",
        }
    }

    /// Whether this kind of operation may come this way.
    fn takes(self, kind: OperationType) -> Result<(), Refusal> {
        match (self, kind) {
            (Self::Get | Self::EventsByGet, OperationType::Mutation) => {
                Err(Refusal::new(Code::MethodNotAllowed, "A mutation requires POST."))
            }
            (Self::Post | Self::Get, OperationType::Subscription) => {
                let message = "A subscription requires /graphql/ws or /graphql/stream.";
                Err(Refusal::new(Code::BadRequest, message).with("reason", "SUBSCRIPTION_NEEDS_STREAM"))
            }
            _ => Ok(()),
        }
    }
}

/// An operation that passed the gate and was paid for.
pub(super) struct Paid {
    request: async_graphql::Request,
    document: Arc<Document>,
    costs: Costs,
}

impl Paid {
    pub fn is_subscription(&self) -> bool {
        self.document.kind() == OperationType::Subscription
    }
}

/// Measures one operation from its arrival to its answer.
pub(super) struct Meter {
    transport: Transport,
    kind: &'static str,
    since: Instant,
    span: Span,
    _open: metrics::Open,
}

impl Meter {
    pub fn new(transport: Transport, about: &About) -> Self {
        let span = tracing::info_span!(
            "operation",
            request.id = about.request_id,
            transport = transport.as_str(),
            operation.kind = Empty,
            operation.name = Empty,
            cost = Empty,
            outcome = Empty,
        );
        Self { transport, kind: "none", since: Instant::now(), span, _open: metrics::Open::request() }
    }

    pub fn span(&self) -> Span {
        self.span.clone()
    }

    /// Notes what kind of operation it is.
    fn concerns(&mut self, document: &Document) {
        self.kind = document.kind().name();
        self.span.record("operation.kind", self.kind);
        if let Some(name) = document.name() {
            self.span.record("operation.name", super::gate::short(name));
        }
    }

    /// Notes what it may cost.
    fn costs(&self, cost: u64) {
        self.span.record("cost", cost);
        metrics::cost(self.kind, cost);
    }

    /// Notes how it ended.
    pub fn finish(&self, outcome: &'static str) {
        let took = self.since.elapsed();
        self.span.record("outcome", outcome);
        metrics::answered(self.transport.as_str(), self.kind, outcome, took);
        let took_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        tracing::debug!(parent: &self.span, outcome, took_us, "answered");
    }
}

/// Finishes the meter of a stream of answers when it is dropped, however that comes about.
pub(super) struct Note {
    meter: Meter,
    outcome: &'static str,
}

impl Note {
    pub fn new(meter: Meter) -> Self {
        Self { meter, outcome: "OK" }
    }

    /// The first answer that is not well decides.
    pub fn hear(&mut self, answer: &Answer) {
        if self.outcome == "OK" {
            self.outcome = answer.outcome();
        }
    }

    /// It ended with this code.
    pub fn fail(&mut self, code: Code) {
        self.outcome = code.as_str();
    }
}

impl Drop for Note {
    fn drop(&mut self) {
        self.meter.finish(self.outcome);
    }
}

impl<H: Host> Edge<H> {
    /// Who calls. Credentials that are no good are paid for by the address, those that need a look-up before it; nobody
    /// else at that address pays or waits for them.
    pub async fn caller(&self, bearer: Option<&str>, about: &About) -> Result<Caller, Refusal> {
        let Some(presented) = bearer else { return self.identified(None, about).await };
        let is_strange = self.host.is_strange(presented).await?;
        if is_strange {
            self.buckets.charge_guess(about.address)?;
        }
        let caller = self.identified(bearer, about).await;
        if !is_strange && matches!(&caller, Err(refusal) if refusal.code == Code::Unauthenticated) {
            self.buckets.charge_guess(about.address)?;
        }
        caller
    }

    /// Who opens a stream or a socket. The opening is paid for by the address before anybody looks who it is.
    pub async fn opener(&self, bearer: Option<&str>, about: &About, transport: Transport) -> Result<Caller, Refusal> {
        self.buckets.charge_at(transport.as_str(), about.address)?;
        self.caller(bearer, about).await
    }

    async fn identified(&self, bearer: Option<&str>, about: &About) -> Result<Caller, Refusal> {
        let caller = self.host.caller(bearer, about).await?;
        if self.has_expired(&caller) {
            let message = "The token has expired.";
            return Err(Error::refused_because(Code::Unauthenticated, "TOKEN_EXPIRED", message).into());
        }
        Ok(caller)
    }

    pub fn has_expired(&self, caller: &Caller) -> bool {
        caller.expires_at.is_some_and(|at| at <= self.clock.now())
    }

    /// Returns when an open stream of this caller must end.
    pub async fn until_no_good(&self, caller: &Caller) {
        let mut tick = tokio::time::interval(Duration::from_secs(1));
        loop {
            tick.tick().await;
            if self.has_expired(caller) || !self.host.still_good(caller).await {
                return;
            }
        }
    }

    /// Through the gate, and paid for.
    pub fn admit(&self, params: Params, caller: &Caller, meter: &mut Meter) -> Result<Paid, Refusal> {
        let (text, operation, variables) = params.parts()?;
        // One before anything is parsed, the rest when it is known: who has nothing left costs us nothing.
        let first = self.buckets.charge(&caller.key, 1)?;
        let document = self.gate.document(&text, operation.as_deref())?;
        meter.concerns(&document);
        meter.transport.takes(document.kind())?;
        if caller.preview && document.kind() != OperationType::Query {
            return Err(Refusal::read_only());
        }
        let admitted = self.gate.admit(document, &variables)?;
        meter.costs(admitted.cost);
        let throttle = match admitted.cost {
            0 | 1 => first,
            cost => self.buckets.charge(&caller.key, cost - 1)?,
        };
        let costs = Costs { requested: admitted.cost, actual: admitted.cost, throttle };
        Ok(Paid { request: admitted.request, document: admitted.document, costs })
    }

    /// Runs a query or a mutation.
    pub async fn execute(&self, paid: Paid, caller: &Caller, about: &About) -> Answer {
        let Paid { request, document, costs } = paid;
        let running = AssertUnwindSafe(self.host.execute(request, caller, about)).catch_unwind();
        let response = running.await.unwrap_or_else(|_| panicked(about));
        let answer = Answer::executed(response, costs, &about.request_id);
        if answer.is_executed() {
            document.passed();
        }
        answer
    }

    /// Runs a subscription.
    pub fn subscribe(&self, paid: Paid, caller: &Caller, about: &About) -> BoxStream<'static, Answer> {
        let Paid { request, document, costs } = paid;
        let id = about.request_id.clone();
        let begun = std::panic::catch_unwind(AssertUnwindSafe(|| self.host.subscribe(request, caller, about)));
        let responses = begun.unwrap_or_else(|_| stream::iter([panicked(about)]).boxed());
        let after_panic = about.clone();
        AssertUnwindSafe(responses)
            .catch_unwind()
            .map(move |response| {
                let response = response.unwrap_or_else(|_| panicked(&after_panic));
                let answer = Answer::executed(response, costs, &id);
                if answer.is_executed() {
                    document.passed();
                }
                answer
            })
            .boxed()
    }

    /// The answer of what was admitted, or the refusal; within the deadline.
    pub async fn answer<F>(&self, about: &About, work: F) -> Answer
    where
        F: Future<Output = Result<Answer, Refusal>>,
    {
        let refusal = match tokio::time::timeout(self.settings.deadline, work).await {
            Ok(Ok(answer)) => return answer,
            Ok(Err(refusal)) => refusal,
            Err(_) => {
                let message =
                    format!("The operation took longer than {} seconds.", self.settings.deadline.as_secs_f64());
                Refusal::new(Code::Timeout, message)
            }
        };
        Answer::refused(refusal, &about.request_id)
    }

    /// One query or mutation from its token to its answer.
    pub async fn run<P>(&self, params: P, bearer: Option<&str>, about: &About, transport: Transport) -> Answer
    where
        P: Future<Output = Result<Params, Refusal>>,
    {
        let mut meter = Meter::new(transport, about);
        let span = meter.span();
        let work = async {
            let params = params.await?;
            let caller = self.caller(bearer, about).await?;
            let paid = self.admit(params, &caller, &mut meter)?;
            Ok(self.execute(paid, &caller, about).await)
        };
        let answer = self.answer(about, work).instrument(span).await;
        meter.finish(answer.outcome());
        answer
    }
}

fn panicked(about: &About) -> Response {
    tracing::error!(request.id = about.request_id, "a resolver panicked");
    let refusal = Refusal::from(Error::internal("a resolver panicked"));
    Response::from_errors(refusal.errors)
}
