//! `/graphql/stream`: server-sent events in the "distinct connections" mode, one operation a connection.

use std::{convert::Infallible, future::ready, sync::Arc};

use axum::{
    Extension,
    body::Body,
    extract::State,
    http::{HeaderMap, HeaderValue, Method, Uri, header},
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
};
use futures_util::{Stream, StreamExt, stream};

use super::{
    accept::{self, Media},
    ahead::ahead,
    answer::Answer,
    edge::{Edge, Meter, Note, Paid, Transport},
    gate::refusal::Refusal,
    graphql::refuse,
    host::{About, Caller, Host},
    metrics,
    params::{self, Params},
    request,
    serve::Closing,
};
use crate::error::Code;

/// Any operation, its results as events.
pub(super) async fn stream<H: Host>(
    State(edge): State<Arc<Edge<H>>>,
    Extension(about): Extension<About>,
    closing: Option<Extension<Closing>>,
    (method, uri): (Method, Uri),
    headers: HeaderMap,
    body: Body,
) -> Response {
    if !accept::takes_events(&headers) {
        return refuse(Refusal::new(Code::NotAcceptable, "Events are only available as text/event-stream."), &about);
    }
    let transport = if method == Method::POST { Transport::EventsByPost } else { Transport::EventsByGet };
    let mut meter = Meter::new(transport, &about);
    let limits = &edge.settings.limits;
    let admission = async {
        let params = match transport {
            Transport::EventsByPost => Params::from_json(&params::body(&headers, body, limits).await?, limits)?,
            _ => Params::from_uri(&uri)?,
        };
        let caller = edge.opener(request::bearer(&headers), &about, transport).await?;
        let paid = edge.admit(params, &caller, &mut meter)?;
        Ok::<_, Refusal>((caller, paid))
    };
    let refusal = match tokio::time::timeout(edge.settings.deadline, admission).await {
        Ok(Ok((caller, paid))) => {
            let closing = closing.map(|Extension(closing)| closing).unwrap_or_default();
            return events(edge, (caller, paid), about, meter, closing);
        }
        Ok(Err(refusal)) => refusal,
        Err(_) => Refusal::new(Code::Timeout, "The request was not received in time."),
    };
    let answer = Answer::refused(refusal, &about.request_id);
    meter.finish(answer.outcome());
    answer.into_http(Media::GraphQl)
}

fn events<H: Host>(
    edge: Arc<Edge<H>>,
    (caller, paid): (Caller, Paid),
    about: About,
    meter: Meter,
    closing: Closing,
) -> Response {
    let keep_alive = KeepAlive::new().interval(edge.settings.keep_alive);
    let answers = ahead(answers(Arc::clone(&edge), paid, caller.clone(), about));
    let (watching, good) = (Arc::clone(&edge), caller.clone());
    let end = async move {
        tokio::select! {
            () = watching.until_no_good(&good) => {}
            () = closing.token.cancelled() => {}
        }
    };
    let open = metrics::Open::event_stream();
    let mut ending = Ending { note: Note::new(meter), _open: open };
    let events = answers
        .map(move |answer| {
            ending.hear(&answer);
            event("next", &answer.to_json())
        })
        .chain(stream::once(ready(event("complete", b""))))
        .take_while(move |_| ready(!edge.has_expired(&caller)))
        // Cut short, it ends without `complete`, so that the client comes again and hears why it may not.
        .take_until(Box::pin(end))
        .map(Ok::<_, Infallible>);
    let mut response = Sse::new(events).keep_alive(keep_alive).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    // Proxies that collect answers would hold events back.
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    response
}

fn answers<H: Host>(
    edge: Arc<Edge<H>>,
    paid: Paid,
    caller: Caller,
    about: About,
) -> impl Stream<Item = Answer> + Send + 'static {
    if paid.is_subscription() {
        return edge.subscribe(paid, &caller, &about);
    }
    stream::once(async move {
        let work = async { Ok(edge.execute(paid, &caller, &about).await) };
        edge.answer(&about, work).await
    })
    .boxed()
}

fn event(name: &str, data: &[u8]) -> Event {
    // JSON has no raw line breaks of its own, but ready-made JSON may: the type splits them into lines.
    Event::default().event(name).data(String::from_utf8_lossy(data))
}

/// What lives as long as the stream.
struct Ending {
    note: Note,
    _open: metrics::Open,
}

impl Ending {
    // A method, for a closure that named the field would capture the note alone.
    fn hear(&mut self, answer: &Answer) {
        self.note.hear(answer);
    }
}
