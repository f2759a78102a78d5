//! The audit trail taken out as a file: page by page, as its reader would see it in lists.

pub mod command;
mod format;

use entity::{Instant, Kind};
use sea_orm::Value;
use serde_json::{Value as Json, json};

pub use format::Format;

use crate::{
    access::{Action, Reach},
    error::{Code, Error, Result},
    store::{
        Store,
        filter::Filter,
        page::{Order, Page},
        plan::{Child, Connection, ConnectionItem, Find, Item, Plan, Rows, Shape},
    },
};

/// Events that are read at a time: what an export holds in memory.
const PAGE: usize = 500;

/// An export under way.
#[derive(Debug)]
pub struct Export {
    store: Store,
    format: Format,
    filter: Filter,
    /// Behind the last event that was read.
    after: Option<String>,
    /// Before what happens from its beginning on, its own event first.
    before: String,
    begun: Instant,
    ended: bool,
}

/// A part of the file.
#[derive(Debug)]
pub struct Part {
    /// Its text.
    pub text: Vec<u8>,
    /// How many events it tells of.
    pub events: u64,
}

impl Export {
    /// Begins an export of the events within reach that meet a filter in the shape of `EventFilter`, and
    /// notes in an event of its own who takes out what.
    pub async fn begin(store: &Store, format: Format, filter: Option<Json>) -> Result<Self> {
        let user = store.user()?;
        require_export(store)?;
        let json = filter.unwrap_or_else(|| json!({}));
        let filter = Filter::read(Kind::Event, &json)?;
        store.refuse_hidden_filter(Kind::Event, &filter)?;
        let begun = store.now();
        let before = order()?.cursor(&[Value::BigInt(Some(begun.0)), Value::Uuid(Some(store.backend().new_id()))]);
        let mut change = store.begin().await?;
        let what = json!({
            "format": { "before": null, "after": format.name() },
            "filter": { "before": null, "after": json },
        });
        change.record_export(user, what).await?;
        change.commit().await?;
        Ok(Self { store: store.clone(), format, filter, after: None, before, begun, ended: false })
    }

    /// What the file should be called.
    #[must_use]
    pub fn file_name(&self) -> String {
        format!("tandem-audit-{}.{}", self.begun.to_utc().format("%Y-%m-%d"), self.format.name())
    }

    /// The next part; nothing after the last. What ends or is taken away meanwhile ends the export too.
    pub async fn next(&mut self) -> Result<Option<Part>> {
        if self.ended {
            return Ok(None);
        }
        self.store = self.store.refreshed().await?;
        require_export(&self.store)?;
        let first = self.after.is_none();
        let page = Page { size: PAGE, backwards: false, after: self.after.take(), before: Some(self.before.clone()) };
        let page: Json = serde_json::from_slice(&self.store.read(&plan(self.filter.clone(), page)?).await?.json)?;
        let events = page["nodes"].as_array().map(Vec::as_slice).unwrap_or_default();
        self.after = page["pageInfo"]["endCursor"].as_str().map(str::to_owned);
        self.ended = page["pageInfo"]["hasNextPage"] != true;
        let text = self.format.write(events, first)?;
        Ok(Some(Part { text, events: events.len() as u64 }))
    }
}

/// Who may read events may still not take them out in bulk.
fn require_export(store: &Store) -> Result<()> {
    if store.actor().policy.reach(Kind::Event, Action::Export) > Reach::None {
        return Ok(());
    }
    let message = "Exporting the audit log requires the permission EXPORT on Event records.";
    Err(Error::refused_because(Code::Forbidden, "PERMISSION_MISSING", message))
}

fn order() -> Result<Order> {
    Order::read(Kind::Event, Some(&json!([{ "field": "OCCURRED_AT" }])))
}

/// What a list of events would ask for.
fn plan(filter: Filter, page: Page) -> Result<Plan> {
    let order = order()?;
    let mut rows = Rows::new(Kind::Event);
    let shape = shape(&mut rows).ok_or_else(|| Error::internal("an event lacks a column"))?;
    let cursor = order.keys().iter().map(|key| rows.slot(key.field, key.column)).collect();
    let info = ["hasNextPage", "endCursor"].map(|name| (name.to_owned(), name));
    let items = vec![
        ("nodes".to_owned(), ConnectionItem::Nodes(shape)),
        ("pageInfo".to_owned(), ConnectionItem::PageInfo(info.to_vec())),
    ];
    let connection = Connection { rows, cursor: Some(cursor), reads_rows: true, items };
    let find = Find { filter, search: None, archived: false, order, page };
    Ok(Plan::List(find, Box::new(connection)))
}

fn shape(rows: &mut Rows) -> Option<Shape> {
    let (kind, id) = rows.subject_slots()?;
    let changes = rows.column_slot("changes")?;
    let parts = ["field", "before", "after"].map(|part| (part.to_owned(), part)).to_vec();
    let items = [
        ("occurredAt", Item::Column(rows.column_slot("occurred_at")?)),
        ("id", Item::Column(0)),
        ("action", Item::Column(rows.column_slot("action")?)),
        ("subjectType", Item::Column(kind)),
        ("subjectId", Item::AnyId(kind, id)),
        ("actor", named(rows, "actor")?),
        ("apiKey", named(rows, "apiKey")?),
        ("requestId", Item::Column(rows.column_slot("request_id")?)),
        ("changes", Item::Child(rows.child(Child::Changes { kind, changes, parts }))),
    ];
    Some(Shape(items.into_iter().map(|(key, item)| (key.to_owned(), item)).collect()))
}

/// Id and name of who stands at the other end of a link.
fn named(rows: &mut Rows, link: &str) -> Option<Item> {
    let link = Kind::Event.table().link(link)?;
    let slot = rows.key_slot(link)?;
    let mut inner = Rows::new(link.target);
    let name = inner.column_slot("name")?;
    let shape = Shape(vec![("id".to_owned(), Item::Column(0)), ("name".to_owned(), Item::Column(name))]);
    Some(Item::Child(rows.child(Child::One { slot, rows: inner, shape })))
}
