//! Mutations that stood in each other's way are run again.

use std::time::Duration;

use async_graphql::{Request, Response, Variables, parser::types::ExecutableDocument};

use super::App;
use crate::{
    http::host::{About, FirstSight},
    store::{Store, sql::Engine},
};

/// How often a mutation is run at most.
const RUNS: u32 = 6;

/// The longest wait before the second run; it doubles with each further one.
const PAUSE: Duration = Duration::from_millis(10);

/// Runs a mutation. Where the database gives it up because another one was in its way (a deadlock, a serialisation
/// failure), and nothing of it was kept, the whole of it runs again after a random pause; the last refusal is told
/// as it is.
pub(super) async fn run(app: App, mut request: Request, mut store: Store, about: About) -> Response {
    // SQLite has one writer, so there is no other in the way.
    if store.backend().db().engine() == Engine::Sqlite {
        let backend = store.backend().clone();
        let response = Box::pin(app.run(request, store, &about)).await;
        // It may tell of what another request has just done, as the replay of one does.
        return match backend.db().settled().await {
            Ok(()) => response,
            Err(error) => super::refused(error),
        };
    }
    let Ok(copy) = Copy::of(&mut request) else { return Box::pin(app.run(request, store, &about)).await };
    for run in 1.. {
        let response = Box::pin(app.run(request, store.clone(), &about)).await;
        if run == RUNS || !store.may_run_again() {
            return response;
        }
        tracing::debug!(run, "a mutation collided with another one and runs again");
        let pause = (PAUSE * 2_u32.pow(run)).mul_f64(rand::random());
        tokio::time::sleep(pause).await;
        store = store.for_another_run();
        request = copy.request();
    }
    unreachable!("the loop ends with its last run")
}

/// What a request is made of.
struct Copy {
    document: ExecutableDocument,
    variables: Variables,
    operation: Option<String>,
}

impl Copy {
    fn of(request: &mut Request) -> Result<Self, async_graphql::ServerError> {
        let document = request.parsed_query()?.clone();
        Ok(Self { document, variables: request.variables.clone(), operation: request.operation_name.clone() })
    }

    fn request(&self) -> Request {
        let mut request = Request::new("").variables(self.variables.clone()).data(FirstSight(false));
        request.operation_name.clone_from(&self.operation);
        request.set_parsed_query(self.document.clone());
        request
    }
}
