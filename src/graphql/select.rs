//! From a query's selection to a plan.

use std::collections::BTreeMap;

use async_graphql::{
    Name, Pos, Positioned, Value as ConstValue,
    parser::types::{Field, FragmentDefinition, Selection, SelectionSet},
};
use async_graphql_value::Value as Literal;
use entity::{
    Kind,
    table::{Display, EXTERNAL_IDS, Join, Link, Type},
};
use serde_json::{Map, Value as Json};

use crate::{
    access::Action,
    error::{Error, Result},
    store::{
        bucket::{Bucket, time_zone},
        filter::Filter,
        page::{MAX_NESTED_PAGE, MAX_PAGE, Order, Page, screaming},
        plan::{
            Aggregate, AggregateItem, Any, Child, Connection, ConnectionItem, EdgeItem, Figure, Find, Function, Group,
            Item, Measure, Rows, Shape, Slot,
        },
    },
};

/// What a selection needs to be understood: fragments and variables of its request.
#[derive(Clone, Copy)]
pub struct Selections<'a> {
    env: &'a async_graphql::QueryEnv,
}

/// One key of an answer: a field and all selections made under the key.
pub struct Picked<'a> {
    /// The key.
    pub key: &'a str,
    /// The field as it stands first.
    pub field: &'a Field,
    /// What is selected of it.
    pub sets: Vec<&'a SelectionSet>,
}

impl<'a> Picked<'a> {
    /// All that is selected under the key as one selection, and where it stands.
    #[must_use]
    pub fn merged(&self, pos: Pos) -> (Positioned<SelectionSet>, Positioned<Field>) {
        let items = self.sets.iter().flat_map(|set| set.items.iter().cloned()).collect();
        (Positioned::new(SelectionSet { items }, pos), Positioned::new(self.field.clone(), pos))
    }

    /// The field's name.
    #[must_use]
    pub fn name(&self) -> &'a str {
        &self.field.name.node
    }
}

impl<'a> Selections<'a> {
    /// Of a request.
    #[must_use]
    pub fn new(env: &'a async_graphql::QueryEnv) -> Self {
        Self { env }
    }

    /// The fields selected of an object type, fragments spread out and equal keys put together, in
    /// the order of their first mention (GraphQL specification, `CollectFields`).
    #[must_use]
    pub fn pick(self, sets: &[&'a SelectionSet], type_name: &str) -> Vec<Picked<'a>> {
        let mut picked = Vec::new();
        for set in sets {
            self.pick_from(set, type_name, &mut picked);
        }
        picked
    }

    fn pick_from(self, set: &'a SelectionSet, type_name: &str, picked: &mut Vec<Picked<'a>>) {
        for selection in &set.items {
            match &selection.node {
                Selection::Field(field) => {
                    let field = &field.node;
                    let key = field.response_key().node.as_str();
                    match picked.iter_mut().find(|other| other.key == key) {
                        Some(other) => other.sets.push(&field.selection_set.node),
                        None => picked.push(Picked { key, field, sets: vec![&field.selection_set.node] }),
                    }
                }
                Selection::FragmentSpread(spread) => {
                    let fragment: Option<&'a Positioned<FragmentDefinition>> =
                        self.env.fragments.get(&spread.node.fragment_name.node);
                    if let Some(fragment) =
                        fragment.filter(|fragment| applies(&fragment.node.type_condition.node.on.node, type_name))
                    {
                        self.pick_from(&fragment.node.selection_set.node, type_name, picked);
                    }
                }
                Selection::InlineFragment(fragment) => {
                    let condition = fragment.node.type_condition.as_ref();
                    if condition.is_none_or(|condition| applies(&condition.node.on.node, type_name)) {
                        self.pick_from(&fragment.node.selection_set.node, type_name, picked);
                    }
                }
            }
        }
    }

    /// A field's arguments, variables filled in; what is not given is left out.
    #[must_use]
    pub fn arguments(self, field: &Field) -> Map<String, Json> {
        field
            .arguments
            .iter()
            .filter_map(|(name, value)| Some((name.node.to_string(), self.literal(&value.node)?)))
            .collect()
    }

    fn literal(self, value: &Literal) -> Option<Json> {
        Some(match value {
            Literal::Variable(name) => return self.variable(name),
            Literal::Null => Json::Null,
            Literal::Number(number) => Json::Number(number.clone()),
            Literal::String(text) => Json::String(text.clone()),
            Literal::Boolean(truth) => Json::Bool(*truth),
            Literal::Enum(name) => Json::String(name.to_string()),
            Literal::List(items) => items.iter().map(|item| self.literal(item).unwrap_or(Json::Null)).collect(),
            Literal::Object(fields) => Json::Object(
                fields.iter().filter_map(|(name, value)| Some((name.to_string(), self.literal(value)?))).collect(),
            ),
            Literal::Binary(_) => return None,
        })
    }

    fn variable(self, name: &Name) -> Option<Json> {
        let given: Option<ConstValue> = self.env.variables.get(name).cloned();
        let definition =
            || self.env.operation.node.variable_definitions.iter().find(|variable| variable.node.name.node == *name);
        // Not `default_value()`, which makes null of a variable that is not given: that would clear fields.
        let value = given.or_else(|| Some(definition()?.node.default_value.as_ref()?.node.clone()))?;
        value.into_json().ok()
    }

    /// How rows of a kind are read and written.
    pub fn object(self, sets: &[&'a SelectionSet], rows: &mut Rows) -> Result<Shape> {
        let kind = rows.kind;
        let table = kind.table();
        let mut items = Vec::new();
        for picked in self.pick(sets, table.name) {
            let name = picked.name();
            let item = if name == "__typename" {
                Item::Typename
            } else if name == "hiddenFields" {
                Item::HiddenFields
            } else if name == VIEWER_CAN {
                Item::Permissions(self.permissions(&picked, rows))
            } else if name == DISPLAY_NAME {
                display_name(rows)
            } else if name == EXTERNAL_IDS {
                Item::Child(rows.child(Child::ExternalIds(self.parts(&picked.sets, "ExternalId", &["system", "id"]))))
            } else if let Some(item) = self.event_item(&picked, rows) {
                item
            } else if let Some(field) = table.field(name) {
                let slot = rows.slot(field, field.column);
                match field.currency {
                    Some(currency) => Item::Money(
                        slot,
                        rows.slot(field, currency),
                        self.parts(&picked.sets, "Money", &["amount", "currency"]),
                    ),
                    None if let Type::Parted(parted) = field.ty => {
                        let names: Vec<&'static str> = parted.parts.iter().map(|part| part.name).collect();
                        Item::Parted(slot, parted, self.parts(&picked.sets, parted.name, &names))
                    }
                    None => Item::Column(slot),
                }
            } else if let Some(link) = table.link(name) {
                self.link(&picked, link, rows)?
            } else {
                return Err(Error::argument(format!("{} has no field {name}.", table.name)));
            };
            items.push((picked.key.to_owned(), item));
        }
        Ok(Shape(items))
    }

    /// What the reader may do to a record.
    fn permissions(self, picked: &Picked<'a>, rows: &mut Rows) -> Vec<(String, Option<usize>)> {
        let part = |picked: Picked<'a>| {
            let action = PERMISSIONS.iter().find(|(name, ..)| *name == picked.name());
            (picked.key.to_owned(), action.map(|(_, action, _)| rows.permitted_slot(*action)))
        };
        self.pick(&picked.sets, "ViewerPermissions").into_iter().map(part).collect()
    }

    /// What events alone have: what they tell of their subject.
    fn event_item(self, picked: &Picked<'a>, rows: &mut Rows) -> Option<Item> {
        if rows.kind != Kind::Event || !matches!(picked.name(), "subjectId" | "changedFields" | "changes") {
            return None;
        }
        let (kind, id) = rows.subject_slots()?;
        if picked.name() == "subjectId" {
            return Some(Item::AnyId(kind, id));
        }
        let changes = rows.column_slot("changes")?;
        if picked.name() == "changedFields" {
            return Some(Item::ChangedFields(kind, changes));
        }
        let parts = self.parts(&picked.sets, "FieldChange", &["field", "before", "after"]);
        Some(Item::Child(rows.child(Child::Changes { kind, changes, parts })))
    }

    fn link(self, picked: &Picked<'a>, link: &'static Link, rows: &mut Rows) -> Result<Item> {
        Ok(Item::Child(match link.join {
            Join::One { .. } => {
                let Some(slot) = rows.key_slot(link) else {
                    return Err(Error::internal(format!("{} has no column", link.name)));
                };
                let mut inner = Rows::new(link.target);
                let shape = self.object(&picked.sets, &mut inner)?;
                rows.child(Child::One { slot, rows: inner, shape })
            }
            Join::Subject => {
                let subject = rows.subject_slots();
                let (kind, id) = subject.ok_or_else(|| Error::internal("an event without a subject"))?;
                let any = self.any(&picked.sets)?;
                rows.child(Child::Subject { kind, id, any })
            }
            Join::Many { .. } | Join::Through { .. } | Join::Listed => {
                let (find, connection) = self.list(picked, link.target, MAX_NESTED_PAGE)?;
                rows.child(Child::Many { link, find, connection: Box::new(connection) })
            }
        }))
    }

    /// How rows of any kind are read and written.
    pub fn any(self, sets: &[&'a SelectionSet]) -> Result<Any> {
        let mut plans = BTreeMap::new();
        for kind in Kind::ALL {
            let mut rows = Rows::new(kind);
            let shape = self.object(sets, &mut rows)?;
            plans.insert(kind, (rows, shape));
        }
        Ok(Any(plans))
    }

    /// A list field: which rows, and how their page is written.
    pub fn list(self, picked: &Picked<'a>, kind: Kind, most: usize) -> Result<(Find, Connection)> {
        let find = find(kind, &self.arguments(picked.field), most).map_err(|error| at(picked.key, error))?;
        let mut connection = Connection { rows: Rows::new(kind), cursor: None, reads_rows: false, items: Vec::new() };
        let mut cursors = false;
        for picked in self.pick(&picked.sets, &format!("{}Connection", kind.name())) {
            let item = match picked.name() {
                "__typename" => ConnectionItem::Typename,
                "totalCount" => ConnectionItem::TotalCount,
                "nodes" => ConnectionItem::Nodes(self.object(&picked.sets, &mut connection.rows)?),
                "pageInfo" => {
                    let parts = self.parts(
                        &picked.sets,
                        "PageInfo",
                        &["hasNextPage", "hasPreviousPage", "startCursor", "endCursor"],
                    );
                    cursors |= parts.iter().any(|(_, part)| part.ends_with("Cursor"));
                    ConnectionItem::PageInfo(parts)
                }
                "edges" => {
                    let mut items = Vec::new();
                    for picked in self.pick(&picked.sets, &format!("{}Edge", kind.name())) {
                        items.push((
                            picked.key.to_owned(),
                            match picked.name() {
                                "__typename" => EdgeItem::Typename,
                                "cursor" => {
                                    cursors = true;
                                    EdgeItem::Cursor
                                }
                                _ => EdgeItem::Node(self.object(&picked.sets, &mut connection.rows)?),
                            },
                        ));
                    }
                    ConnectionItem::Edges(items)
                }
                other => return Err(Error::argument(format!("{}Connection has no field {other}.", kind.name()))),
            };
            connection.reads_rows |= !matches!(item, ConnectionItem::Typename | ConnectionItem::TotalCount);
            connection.items.push((picked.key.to_owned(), item));
        }
        if cursors {
            let slots = find.order.keys().iter().map(|key| connection.rows.slot(key.field, key.column)).collect();
            connection.cursor = Some(slots);
        }
        Ok((find, connection))
    }

    /// The parts selected of a small object whose fields are leaves.
    #[must_use]
    pub fn parts(
        self,
        sets: &[&'a SelectionSet],
        type_name: &str,
        known: &[&'static str],
    ) -> Vec<(String, &'static str)> {
        let part = |picked: Picked<'a>| {
            let name = known.iter().find(|name| **name == picked.name()).copied().unwrap_or("__typename");
            (picked.key.to_owned(), name)
        };
        self.pick(sets, type_name).into_iter().map(part).collect()
    }

    /// Figures over groups.
    pub fn aggregate(self, picked: &Picked<'a>, kind: Kind) -> Result<Aggregate> {
        let arguments = self.arguments(picked.field);
        let groups = groups(kind, arguments.get("groupBy"))?;
        let mut plan = Aggregate {
            find: find(kind, &arguments, MAX_PAGE)?,
            key: Rows { kind, slots: vec![], children: vec![] },
            groups,
            measures: vec![],
            items: vec![],
        };
        for group in &plan.groups {
            plan.key.slots.push(Slot::Field(group.field, group.field.column));
        }
        for picked in self.pick(&picked.sets, &format!("{}Aggregate", kind.name())) {
            let item = match picked.name() {
                "count" => AggregateItem::Count,
                "key" => AggregateItem::Key(self.group_key(&picked, &mut plan)?),
                "sum" => self.figures(&picked, &mut plan, Function::Sum),
                "avg" => self.figures(&picked, &mut plan, Function::Avg),
                "min" => self.figures(&picked, &mut plan, Function::Min),
                "max" => self.figures(&picked, &mut plan, Function::Max),
                _ => AggregateItem::Typename(format!("{}Aggregate", kind.name())),
            };
            plan.items.push((picked.key.to_owned(), item));
        }
        Ok(plan)
    }

    /// The key of a group: fields it is not grouped by are null.
    fn group_key(self, picked: &Picked<'a>, plan: &mut Aggregate) -> Result<Shape> {
        let kind = plan.key.kind;
        let table = kind.table();
        let mut items = Vec::new();
        for picked in self.pick(&picked.sets, &format!("{}GroupKey", kind.name())) {
            let name = picked.name();
            let slot = plan
                .groups
                .iter()
                .position(|group| group.field.link_name.as_ref().unwrap_or(&group.field.name) == name);
            let item = match (slot, table.link(name)) {
                _ if name == "__typename" => Item::Fixed(format!("\"{}GroupKey\"", kind.name())),
                (None, _) => Item::Fixed("null".to_owned()),
                (Some(slot), Some(link)) => {
                    let mut inner = Rows::new(link.target);
                    let shape = self.object(&picked.sets, &mut inner)?;
                    Item::Child(plan.key.child(Child::One { slot, rows: inner, shape }))
                }
                (Some(slot), None) => Item::Column(slot),
            };
            items.push((picked.key.to_owned(), item));
        }
        Ok(Shape(items))
    }

    fn figures(self, picked: &Picked<'a>, plan: &mut Aggregate, function: Function) -> AggregateItem {
        let kind = plan.key.kind;
        let suffix = match function {
            Function::Sum => "Sum",
            Function::Avg => "Avg",
            Function::Min => "Min",
            Function::Max => "Max",
        };
        let type_name = format!("{}{suffix}", kind.name());
        let mut figures = Vec::new();
        for picked in self.pick(&picked.sets, &type_name) {
            let figure = match kind.table().field(picked.name()) {
                Some(field) => {
                    let parts = if field.currency.is_some() {
                        self.parts(&picked.sets, "Money", &["amount", "currency"])
                    } else {
                        vec![]
                    };
                    plan.measures.push(Measure { function, field });
                    Figure::Measure(plan.measures.len() - 1, parts)
                }
                None => Figure::Typename(type_name.clone()),
            };
            figures.push((picked.key.to_owned(), figure));
        }
        AggregateItem::Figures(figures)
    }
}

/// The field that says what the reader may do to a record.
pub const VIEWER_CAN: &str = "viewerCan";

/// What the reader may do to a record: field, action, description.
pub const PERMISSIONS: [(&str, Action, &str); 5] = [
    ("update", Action::Update, "Update the record."),
    ("delete", Action::Delete, "Archive and restore the record; for sessions and API keys, end them."),
    ("assign", Action::Assign, "Assign the record to another owner."),
    ("export", Action::Export, "Export the record."),
    ("manage", Action::Manage, "Administer the record."),
];

/// The field with what a record is called.
pub const DISPLAY_NAME: &str = "displayName";

/// What a record is called: a text of its own, or that of the record behind one of its links.
fn display_name(rows: &mut Rows) -> Item {
    let own = |rows: &mut Rows| match rows.kind.table().display {
        Display::Column(column) => rows.column_slot(column).map(Item::Column),
        Display::Key(_) | Display::Nothing => None,
    };
    let nothing = || Item::Fixed("null".to_owned());
    let Display::Key(column) = rows.kind.table().display else { return own(rows).unwrap_or_else(nothing) };
    let Some((slot, field)) = rows.column_slot(column).zip(rows.kind.table().column(column)) else { return nothing() };
    let Type::Key(target) = field.ty else { return nothing() };
    let mut inner = Rows::new(target);
    match own(&mut inner) {
        Some(item) => {
            let shape = Shape(vec![(String::new(), item)]);
            Item::NameOf(rows.child(Child::One { slot, rows: inner, shape }))
        }
        None => nothing(),
    }
}

/// Whether a fragment on a type or interface holds for an object type.
fn applies(condition: &str, type_name: &str) -> bool {
    condition == type_name || condition == "Node" && Kind::named(type_name).is_some()
}

/// Names the field in whose arguments a mistake lies.
fn at(key: &str, error: Error) -> Error {
    match error {
        Error::Refused(mut refusal) => {
            refusal.message = format!("{key}: {}", refusal.message);
            Error::Refused(refusal)
        }
        other => other,
    }
}

/// Which rows a list's arguments ask for.
pub fn find(kind: Kind, arguments: &Map<String, Json>, most: usize) -> Result<Find> {
    let given = |name: &str| arguments.get(name).filter(|json| !json.is_null());
    Ok(Find {
        filter: given("filter").map_or(Ok(Filter::Everything), |json| Filter::read(kind, json))?,
        search: given("search").and_then(Json::as_str).map(str::to_owned),
        archived: given("includeArchived").and_then(Json::as_bool).unwrap_or(false),
        order: Order::read(kind, given("orderBy"))?,
        page: Page::read(|name| arguments.get(name).cloned(), most)?,
    })
}

fn groups(kind: Kind, json: Option<&Json>) -> Result<Vec<Group>> {
    let items = match json {
        None | Some(Json::Null) => return Ok(vec![]),
        Some(Json::Array(items)) => items.as_slice(),
        Some(one) => std::slice::from_ref(one),
    };
    if items.len() > 4 {
        return Err(Error::argument(format!("groupBy may have at most 4 keys; got {}.", items.len())));
    }
    let mut groups: Vec<Group> = Vec::new();
    for item in items {
        let name = item.get("field").and_then(Json::as_str).unwrap_or_default();
        let field = groupable(kind).find(|(other, _)| other == name).map(|(_, field)| field);
        let field = field.ok_or_else(|| Error::argument(format!("{} cannot be grouped by {name}.", kind.name())))?;
        if groups.iter().any(|group| group.field.column == field.column) {
            return Err(Error::argument(format!("groupBy contains {name} more than once.")));
        }
        let dated = matches!(field.ty, Type::Instant | Type::Day);
        let bucket = item.get("bucket").and_then(Json::as_str).and_then(Bucket::parse);
        let zone = time_zone(item.get("timeZone").and_then(Json::as_str).unwrap_or("UTC"))?;
        groups.push(match (dated, bucket) {
            (true, Some(bucket)) => Group { field, bucket: Some((bucket, zone)) },
            (false, None) => Group { field, bucket: None },
            (true, None) => {
                return Err(Error::argument(format!(
                    "Grouping by {name} requires a bucket: DAY, WEEK, MONTH, QUARTER or YEAR."
                )));
            }
            (false, Some(_)) => {
                return Err(Error::argument(format!("{name} is not a date field and cannot have a bucket.")));
            }
        });
    }
    Ok(groups)
}

/// The fields that aggregates of a kind may be grouped by, under their enum names.
pub fn groupable(kind: Kind) -> impl Iterator<Item = (String, &'static entity::table::Field)> {
    kind.table().readable().filter(|field| !field.physical).filter_map(|field| {
        let dated = matches!(field.ty, Type::Instant | Type::Day) && field.column != "archived_at";
        let name = field.link_name.as_ref().unwrap_or(&field.name);
        (field.group || dated).then(|| (screaming(name), field))
    })
}
