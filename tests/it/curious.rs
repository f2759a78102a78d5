//! Somebody who asks everything: random operations over the whole schema, the same for the same seed.

use std::fmt::Write;

use apollo_compiler::{
    Name, Node, Schema,
    ast::{FieldDefinition, InputValueDefinition, Type},
    schema::{ExtendedType, InputObjectType},
    validation::Valid,
};
use entity::{Kind, table};
use rand::{RngExt, SeedableRng, rngs::StdRng, seq::IndexedRandom};

/// How many steps from record to record a question takes at most.
const ROOT_DEPTH: u32 = 2;

/// Makes up operations.
pub struct Curious {
    schema: Valid<Schema>,
    random: StdRng,
    ids: Vec<String>,
    words: Vec<String>,
    names: u32,
    kind: Option<Kind>,
}

impl Curious {
    /// Asks about these records, in these words.
    pub fn new(seed: u64, ids: Vec<String>, words: Vec<String>) -> Self {
        let sdl = tandem::api::sdl();
        let schema = Schema::parse_and_validate(sdl, "schema.graphql").expect("the schema is one");
        Self { schema, random: StdRng::seed_from_u64(seed), ids, words, names: 0, kind: None }
    }

    /// The schema that is asked.
    pub fn schema(&self) -> &Valid<Schema> {
        &self.schema
    }

    /// An operation of one or two root fields whose names pass.
    pub fn ask(&mut self, operation: &str, about: impl Fn(&str) -> bool) -> String {
        let root = self.schema.get_object(operation).expect("the operation is there");
        let roots: Vec<Node<FieldDefinition>> =
            root.fields.values().map(|field| field.node.clone()).filter(|field| about(&field.name)).collect();
        let mut document = format!("{} {{", operation.to_lowercase());
        for _ in 0..if self.sometimes(0.8) { 1 } else { 2 } {
            let root = roots.choose(&mut self.random).expect("there are root fields").clone();
            document += &self.field(&root, ROOT_DEPTH);
        }
        document + " }"
    }

    /// Made-up values for those of a root field's arguments that have these names.
    pub fn arguments(&mut self, root: &str, names: &[&str]) -> String {
        let query = self.schema.get_object("Query").expect("there are queries");
        let field = query.fields[root].node.clone();
        let outer = self.kind;
        self.kind = field.ty.inner_named_type().strip_suffix("Connection").and_then(Kind::named);
        let given: Vec<String> = field
            .arguments
            .iter()
            .filter(|argument| names.contains(&argument.name.as_str()))
            .map(|argument| format!(", {}: {}", argument.name, self.value(&argument.name, &argument.ty, 2)))
            .collect();
        self.kind = outer;
        given.concat()
    }

    /// A query of a few root fields.
    pub fn query(&mut self) -> String {
        let roots: Vec<Node<FieldDefinition>> = {
            let root = self.schema.get_object("Query").expect("there are queries");
            root.fields.values().map(|field| field.node.clone()).collect()
        };
        let mut document = String::from("{");
        // Mostly about customers: of the others nothing is secret.
        let about =
            ["account", "contact", "lead", "deal", "persona", "stage", "targetAccount", "event", "audit", "node"];
        let (much, little): (Vec<_>, Vec<_>) =
            roots.into_iter().partition(|root| about.iter().any(|stem| root.name.starts_with(stem)));
        for _ in 0..self.random.random_range(1..=3) {
            let some = if self.sometimes(0.8) { &much } else { &little };
            let root = some.choose(&mut self.random).expect("there are root fields").clone();
            document += &self.field(&root, ROOT_DEPTH);
        }
        document + " }"
    }

    fn sometimes(&mut self, chance: f64) -> bool {
        self.random.random_bool(chance)
    }

    /// A field under a name of its own, so that no two fields of a document ever meet.
    fn field(&mut self, field: &FieldDefinition, depth: u32) -> String {
        self.names += 1;
        let mut text = format!(" f{}: {}", self.names, field.name);
        let outer = self.kind;
        let target = field.ty.inner_named_type().as_str();
        let stem = ["Connection", "Aggregate"].iter().find_map(|end| target.strip_suffix(end)).unwrap_or(target);
        self.kind = Kind::named(stem);
        let given: Vec<Node<InputValueDefinition>> =
            field.arguments.iter().filter(|argument| self.gives(argument, depth)).cloned().collect();
        let mut given: Vec<String> = given
            .iter()
            .map(|argument| format!("{}: {}", argument.name, self.value(&argument.name, &argument.ty, 2)))
            .collect();
        // What has no `last` goes forward only.
        let backward = field.arguments.iter().any(|argument| argument.name == "last");
        for page in given.iter_mut().filter(|given| backward && given.starts_with("first: ")) {
            if self.random.random_bool(0.2) {
                *page = page.replace("first", "last");
            }
        }
        if !given.is_empty() {
            let _ = write!(text, "({})", given.join(", "));
        }
        text += &self.selection(target.to_owned().as_str(), depth);
        self.kind = outer;
        text
    }

    fn gives(&mut self, argument: &InputValueDefinition, depth: u32) -> bool {
        match argument.name.as_str() {
            // Cursors come from answers only, and `last` excludes `first`.
            "after" | "before" | "last" => false,
            // Three full pages, one within the other, cost more than is taken.
            "first" => depth < ROOT_DEPTH || self.random.random_bool(0.5),
            "filter" | "groupBy" | "orderBy" => self.random.random_bool(0.4),
            _ => argument.is_required() || self.random.random_bool(0.3),
        }
    }

    fn selection(&mut self, ty: &str, depth: u32) -> String {
        let (fields, interface) = match self.schema.types.get(ty) {
            Some(ExtendedType::Object(object)) => {
                (object.fields.values().map(|field| field.node.clone()).collect(), false)
            }
            Some(ExtendedType::Interface(interface)) => {
                (interface.fields.values().map(|field| field.node.clone()).collect::<Vec<_>>(), true)
            }
            _ => return String::new(),
        };
        let is_leaf = |this: &Self, field: &FieldDefinition| {
            !matches!(
                this.schema.types.get(field.ty.inner_named_type().as_str()),
                Some(ExtendedType::Object(_) | ExtendedType::Interface(_))
            )
        };
        let mut text = String::from(" { __typename");
        let through =
            ty.ends_with("Connection") || ty.ends_with("Edge") || ty.ends_with("Aggregate") || ty.ends_with("GroupKey");
        for field in fields {
            if is_leaf(self, &field) {
                if self.sometimes(0.4) || matches!(field.name.as_str(), "id" | "totalCount" | "count") {
                    text += &self.field(&field, depth);
                }
            } else if through {
                // On the way to the records, not a step of its own.
                if self.sometimes(0.9) {
                    text += &self.field(&field, depth);
                }
            } else if depth > 0 && self.sometimes(0.35) {
                text += &self.field(&field, depth - 1);
            }
        }
        if !interface && Kind::named(ty).is_some() && self.sometimes(0.2) {
            let _ = write!(text, " ... on Node {{ id }} ... on {ty} {{ id again: id }} ... {{ id }}");
        }
        if interface && depth > 0 {
            for _ in 0..3 {
                let kind = *Kind::ALL.choose(&mut self.random).expect("there are kinds");
                let inner = self.selection(kind.name(), depth - 1);
                let _ = write!(text, " ... on {}{inner}", kind.name());
            }
        }
        text + " }"
    }

    fn value(&mut self, name: &Name, ty: &Type, depth: u32) -> String {
        if ty.is_list() {
            let items: Vec<String> =
                (0..self.random.random_range(1..=2)).map(|_| self.value(name, ty.item_type(), depth)).collect();
            // The first value of an order's or a group's key is its field, which may not be named twice.
            let first = |item: &String| item.split([',', '}']).next().map(|field| field.trim().to_owned());
            let mut seen = Vec::new();
            let mut items = items;
            items.retain(|item| match name.as_str() {
                "orderBy" | "groupBy" => {
                    let new = !seen.contains(&first(item));
                    seen.push(first(item));
                    new
                }
                _ => true,
            });
            return format!("[{}]", items.join(", "));
        }
        let ty = ty.inner_named_type().clone();
        if ty == "NameFilter" {
            // A name that the schema does not have is refused; what is refused tells nothing.
            let names: &[&str] =
                if name == "field" { &["name", "amount", "owner", "parent"] } else { &["Account", "Deal", "Lead"] };
            return format!("{{ eq: {:?} }}", names.choose(&mut self.random).expect("there are names"));
        }
        if ty == "StringFilter" && name == "country" {
            // A code that is none is refused, too.
            let tests = ["{ eq: \"DE\" }", "{ ne: \"FR\" }", "{ in: [\"DE\", \"FR\"] }", "{ isNull: true }"];
            return (*tests.choose(&mut self.random).expect("there are tests")).to_owned();
        }
        if ty == "IdFilter" && name == "subject" {
            return format!("{{ eq: {:?} }}", self.ids.choose(&mut self.random).expect("there are ids"));
        }
        if ty == "ReferenceFilter" {
            // Ids of another type than that of the related record are refused; what is refused tells nothing.
            let outer = self.kind;
            let link = outer.and_then(|kind| kind.table().link(name.strip_suffix("Id").unwrap_or_default()));
            self.kind = link.map(|link| link.target).or(outer);
            let Some(ExtendedType::InputObject(input)) = self.schema.types.get(ty.as_str()) else { unreachable!() };
            let input = input.clone();
            let value = self.input(&input, depth);
            self.kind = outer;
            return value;
        }
        if let Some(ExtendedType::InputObject(input)) = self.schema.types.get(ty.as_str()) {
            let input = input.clone();
            return self.input(&input, depth);
        }
        if let Some(ExtendedType::Enum(choices)) = self.schema.types.get(ty.as_str()) {
            let names: Vec<String> = choices.values.keys().map(ToString::to_string).collect();
            return names.choose(&mut self.random).expect("an enum has values").clone();
        }
        let constants: &[&str] = match ty.as_str() {
            "Int" if name == "first" => &["1", "2", "3", "7"],
            "Int" => &["0", "1", "5", "50", "99"],
            "Float" => &["0.5"],
            "Boolean" => &["true", "false"],
            "ID" => return format!("{:?}", self.id()),
            "DateTime" => &["\"2026-03-02T09:00:00Z\"", "\"2020-01-01T00:00:00Z\""],
            "Date" => &["\"2026-03-02\"", "\"2026-06-30\""],
            "Decimal" => &["\"0\"", "\"1000\"", "\"77000.5\""],
            "CurrencyCode" => &["\"EUR\"", "\"USD\""],
            "CountryCode" => &["\"DE\"", "\"FR\""],
            "EmailAddress" => &["\"nobody@secret.example\""],
            "URL" => &["\"https://secret.example/\""],
            "JSON" => &["{}"],
            _ if name == "timeZone" => &["\"UTC\"", "\"Europe/Berlin\""],
            _ => return format!("{:?}", self.words.choose(&mut self.random).expect("there are words")),
        };
        (*constants.choose(&mut self.random).expect("there are constants")).to_owned()
    }

    /// The id of some record, mostly of the kind that is asked about.
    fn id(&mut self) -> String {
        let fitting = self.kind.map(|kind| format!("{}_", kind.table().prefix));
        let fits = |id: &&String| fitting.as_ref().is_none_or(|prefix| id.starts_with(prefix.as_str()));
        let known: Vec<String> = self.ids.iter().filter(fits).cloned().collect();
        match (known.choose(&mut self.random), fitting) {
            (Some(id), _) => id.clone(),
            // Well formed, and of no record.
            (None, prefix) => format!("{}{}1", prefix.as_deref().unwrap_or("acct_"), "0".repeat(25)),
        }
    }

    fn input(&mut self, input: &InputObjectType, depth: u32) -> String {
        let one_of = input.directives.has("oneOf");
        let outer = self.kind;
        if let Some(kind) = ["RelationFilter", "Filter", "GroupBy", "Ref"]
            .iter()
            .find_map(|end| Kind::named(input.name.strip_suffix(end)?))
        {
            self.kind = Some(kind);
        }
        let fields: Vec<Node<InputValueDefinition>> = input.fields.values().map(|field| field.node.clone()).collect();
        let optional: Vec<_> = fields
            .iter()
            .filter(|field| !field.is_required() && (depth > 0 || self.is_flat(&field.ty)))
            .cloned()
            .collect();
        let mut chosen: Vec<_> = fields.iter().filter(|field| field.is_required()).cloned().collect();
        let more = if one_of || !chosen.is_empty() { 1 } else { self.random.random_range(1..=2) };
        for field in optional.sample(&mut self.random, more) {
            chosen.push(field.clone());
        }
        if input.name == "MoneyFilter" && !chosen.iter().any(|field| field.name == "currency") {
            chosen.extend(fields.iter().find(|field| field.name == "currency").cloned());
        }
        let mut given: Vec<String> = Vec::with_capacity(chosen.len());
        for field in &chosen {
            given.push(format!("{}: {}", field.name, self.value(&field.name, &field.ty, depth.saturating_sub(1))));
        }
        if input.name.ends_with("GroupBy") {
            let dated = self.kind.is_some_and(|kind| is_dated(kind, &given[0]));
            given.retain(|entry| dated || !entry.starts_with("bucket"));
            if dated && !given.iter().any(|entry| entry.starts_with("bucket")) {
                given.push("bucket: MONTH".to_owned());
            }
        }
        self.kind = outer;
        format!("{{ {} }}", given.join(", "))
    }

    /// Whether a value of this type ends here or with one more level.
    fn is_flat(&self, ty: &Type) -> bool {
        match self.schema.types.get(ty.inner_named_type().as_str()) {
            Some(ExtendedType::InputObject(input)) => input.fields.values().all(|field| {
                !matches!(
                    self.schema.types.get(field.ty.inner_named_type().as_str()),
                    Some(ExtendedType::InputObject(_))
                )
            }),
            _ => true,
        }
    }
}

/// Whether `field: CREATED_AT` names a date of a kind, which groups by a calendar period.
fn is_dated(kind: Kind, entry: &str) -> bool {
    let name = entry.trim_start_matches("field: ");
    let dated = |field: &&entity::table::Field| matches!(field.ty, table::Type::Instant | table::Type::Day);
    kind.table().fields.iter().filter(dated).any(|field| tandem::store::page::screaming(&field.name) == name)
}
