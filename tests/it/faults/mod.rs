//! Faults of disks, files, connections and servers, with an oracle that counts what was acknowledged.

mod collisions;
mod connections;
mod disk;
mod files;
mod followers;
mod proxy;

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use serde_json::json;
use tandem::{
    app::Running,
    store::{Backend, Settings},
};

use crate::{
    crew,
    support::{
        client::{Answer, Client},
        world::{PASSWORD, World},
    },
};

/// Creates an account.
pub const CREATE: &str =
    "mutation($name: String!) { accountCreate(input: { name: $name }) { account { id } userErrors { code } } }";

/// A second server over the world's database, whose connections are limited so; and its administrator.
async fn limited(world: &World, settings: Settings) -> (Client, Running) {
    at(&world.database_url, world, settings).await
}

/// The same, where the database is reached by another URL.
async fn at(url: &str, world: &World, settings: Settings) -> (Client, Running) {
    let backend =
        Backend::open_with(url, world.clock.clone(), tandem::api::NOUNS, settings).await.expect("the database opens");
    let (client, running) = crew::serve(backend, crew::generous()).await;
    let answer = crew::try_sign_in(&client, "ada@tandem.test", PASSWORD).await.expect_ok();
    (client.with_token(crew::text(&answer, "signIn.accessToken")), running)
}

/// What became of a request to create.
#[derive(Debug, PartialEq, Eq)]
enum Outcome {
    Acknowledged,
    /// With the reason that the client was told.
    Refused(String),
}

/// Creates an account of this name.
async fn create(client: &Client, name: &str) -> Outcome {
    outcome(&client.query_with(CREATE, json!({ "name": name })).await)
}

#[track_caller]
fn outcome(answer: &Answer) -> Outcome {
    if answer.body["data"]["accountCreate"]["account"]["id"].is_string() {
        return Outcome::Acknowledged;
    }
    let extensions = &answer.body["errors"][0]["extensions"];
    assert_ne!(extensions["code"], "INTERNAL_SERVER_ERROR", "{answer}");
    Outcome::Refused(extensions["reason"].as_str().unwrap_or_else(|| panic!("no reason in {answer}")).to_owned())
}

/// The names of all accounts that begin so.
async fn names(client: &Client, prefix: &str) -> BTreeSet<String> {
    let document = "query($prefix: String!, $after: String) {
        accounts(first: 200, after: $after, filter: { name: { startsWith: $prefix } }) {
            nodes { name } pageInfo { hasNextPage endCursor }
        }
    }";
    let (mut names, mut after) = (BTreeSet::new(), json!(null));
    loop {
        let page = client.query_with(document, json!({ "prefix": prefix, "after": after })).await.expect_ok();
        let nodes = page.data("accounts.nodes").as_array().expect("a list");
        names.extend(nodes.iter().map(|node| node["name"].as_str().expect("a name").to_owned()));
        if page.data("accounts.pageInfo.hasNextPage") == false {
            return names;
        }
        after = page.data("accounts.pageInfo.endCursor").clone();
    }
}

/// Writers that create accounts until they are stopped; what was acknowledged and what was refused.
struct Writers {
    stop: tokio_util::sync::CancellationToken,
    tasks: Vec<tokio::task::JoinHandle<Written>>,
    told: tokio::sync::watch::Receiver<Told>,
}

/// What the writers were told.
#[derive(Default)]
struct Written {
    acknowledged: Vec<String>,
    refused: Vec<String>,
}

/// How often they were told what, so far and since the last acknowledgement or refusal.
#[derive(Clone, Copy, Default)]
struct Told {
    acknowledged: u32,
    refused: u32,
}

impl Writers {
    fn start(client: &Client, number: usize) -> Self {
        let stop = tokio_util::sync::CancellationToken::new();
        let (tell, told) = tokio::sync::watch::channel(Told::default());
        let tell = Arc::new(tell);
        let write = |writer: usize| {
            let (client, stop, tell) = (client.clone(), stop.clone(), Arc::clone(&tell));
            tokio::spawn(async move {
                let mut written = Written::default();
                for n in 0.. {
                    if stop.is_cancelled() {
                        break;
                    }
                    let name = format!("Written {writer}-{n}");
                    let outcome = create(&client, &name).await;
                    if outcome == Outcome::Acknowledged {
                        written.acknowledged.push(name);
                        tell.send_modify(|told| told.acknowledged += 1);
                        continue;
                    }
                    // Of a commit that was cut off nobody knows whether it was made.
                    if outcome != Outcome::Refused("OUTCOME_UNKNOWN".to_owned()) {
                        written.refused.push(name);
                    }
                    tell.send_modify(|told| told.refused += 1);
                }
                written
            })
        };
        let tasks = (0..number).map(write).collect();
        Self { stop, tasks, told }
    }

    /// Waits until so many more were acknowledged.
    async fn until_acknowledged(&mut self, more: u32) {
        let now = self.told.borrow().acknowledged;
        self.told.wait_for(|told| told.acknowledged >= now + more).await.expect("the writers write");
    }

    /// Waits until so many more were refused.
    async fn until_refused(&mut self, more: u32) {
        let now = self.told.borrow().refused;
        self.told.wait_for(|told| told.refused >= now + more).await.expect("the writers write");
    }

    async fn stop(self) -> Written {
        self.stop.cancel();
        let mut all = Written::default();
        for task in self.tasks {
            let written = task.await.expect("a writer does not panic");
            all.acknowledged.extend(written.acknowledged);
            all.refused.extend(written.refused);
        }
        all
    }
}

/// All that was acknowledged is there, and nothing that was refused.
#[track_caller]
fn assert_kept(written: &Written, there: &BTreeSet<String>) {
    let lost: Vec<_> = written.acknowledged.iter().filter(|name| !there.contains(*name)).collect();
    assert!(lost.is_empty(), "{} of {} acknowledged writes are lost: {lost:?}", lost.len(), written.acknowledged.len());
    let ghosts: Vec<_> = written.refused.iter().filter(|name| there.contains(*name)).collect();
    assert!(ghosts.is_empty(), "{} refused writes are there: {ghosts:?}", ghosts.len());
}

/// Limits under which a test waits for no time that it does not mean.
fn patient() -> Settings {
    Settings { wait: Duration::from_mins(2), ..Settings::default() }
}
