//! The plain find: every record of every kind through the root lists, with all its fields. It is what
//! all other answers are measured by.

use std::collections::{BTreeMap, BTreeSet};

use entity::{
    Kind,
    table::{Join, Type},
};
use serde_json::{Map, Value, json};

use crate::support::client::Client;

/// A record: its fields under their API names, its to-one links as ids.
pub type Row = Map<String, Value>;

/// All that somebody finds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plain(pub BTreeMap<Kind, BTreeMap<String, Row>>);

impl Plain {
    /// Asks for everything, archived records too.
    pub async fn read(client: &Client) -> Self {
        let mut all = BTreeMap::new();
        for kind in Kind::ALL {
            all.insert(kind, read(client, kind).await);
        }
        Self(all)
    }

    /// The records of a kind in the order of their ids.
    pub fn of(&self, kind: Kind) -> impl Iterator<Item = &Row> {
        self.0.get(&kind).into_iter().flat_map(BTreeMap::values)
    }

    /// The record of a global id.
    pub fn row(&self, id: &str) -> Option<(Kind, &Row)> {
        let (kind, _) = entity::id::parse(id)?;
        Some((kind, self.0.get(&kind)?.get(id)?))
    }

    /// All texts in it, for words that are looked for in other answers.
    pub fn text(&self) -> String {
        self.0.values().flat_map(BTreeMap::values).map(|row| Value::Object(row.clone()).to_string()).collect()
    }

    /// What is in this one and not in the other, or otherwise: in short, for people.
    pub fn differences(&self, other: &Self) -> Vec<String> {
        let mut found = Vec::new();
        for kind in Kind::ALL {
            let (one, two) = (&self.0[&kind], &other.0[&kind]);
            for id in one.keys().chain(two.keys()).collect::<BTreeSet<_>>() {
                match (one.get(id), two.get(id)) {
                    (Some(one), Some(two)) if one == two => {}
                    (Some(one), Some(two)) => {
                        let fields = one.keys().filter(|name| one.get(*name) != two.get(*name));
                        found.extend(fields.map(|name| format!("{id}.{name}: {:?} or {:?}", one[name], two.get(name))));
                    }
                    (one, _) => {
                        found.push(format!("{id} stands only on the {}", if one.is_some() { "left" } else { "right" }));
                    }
                }
            }
        }
        found.truncate(20);
        found
    }
}

/// Whether a record is not archived.
pub fn live(row: &Row) -> bool {
    row.get("archivedAt").is_none_or(Value::is_null)
}

/// The text under a name; nothing where there is none.
pub fn text<'a>(row: &'a Row, name: &str) -> Option<&'a str> {
    row.get(name)?.as_str()
}

fn selection(kind: Kind) -> String {
    let table = kind.table();
    let mut selected = String::from("id hiddenFields displayName viewerCan { update delete assign export manage }");
    for field in table.readable().filter(|field| field.shown() && field.name != "id") {
        let more = match field.ty {
            Type::Money => format!(" {} {{ amount currency }}", field.name),
            Type::Parted(parted) => {
                let parts: Vec<&str> = parted.parts.iter().map(|part| part.name).collect();
                format!(" {} {{ {} }}", field.name, parts.join(" "))
            }
            _ => format!(" {}", field.name),
        };
        selected.push_str(&more);
    }
    for link in &table.links {
        match link.join {
            Join::One { .. } => selected.push_str(&[" ", &link.name, " { id }"].concat()),
            Join::Subject => selected.push_str(&[" ", &link.name, " { __typename id }"].concat()),
            _ => {}
        }
    }
    if kind != Kind::Event {
        selected += " externalIds { system id }";
    }
    selected
}

async fn read(client: &Client, kind: Kind) -> BTreeMap<String, Row> {
    let table = kind.table();
    let archived = if table.column("archived_at").is_some() { ", includeArchived: true" } else { "" };
    let document = format!(
        "query($after: String) {{ {}(first: 200, after: $after{archived}) {{
            pageInfo {{ hasNextPage endCursor }} nodes {{ {} }} }} }}",
        table.plural,
        selection(kind)
    );
    let (mut rows, mut after) = (BTreeMap::new(), Value::Null);
    loop {
        let answer = client.query_with(&document, json!({ "after": after })).await.expect_ok();
        for node in answer.data(&format!("{}.nodes", table.plural)).as_array().expect("a list") {
            let mut row = node.as_object().expect("a record").clone();
            for link in table.links.iter().filter(|link| matches!(link.join, Join::One { .. })) {
                let id = row[&link.name].get("id").cloned().unwrap_or_default();
                row.insert(link.name.clone(), id);
            }
            rows.insert(row["id"].as_str().expect("an id").to_owned(), row);
        }
        let page = answer.data(&format!("{}.pageInfo", table.plural));
        if page["hasNextPage"] == false {
            return rows;
        }
        after = page["endCursor"].clone();
    }
}
