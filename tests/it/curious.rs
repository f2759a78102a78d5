//! Somebody who asks everything: random operations over the whole schema, the same for the same seed.

use std::fmt::Write;

use apollo_compiler::{
    Name, Node, Schema,
    ast::{FieldDefinition, InputValueDefinition, Type},
    schema::{ExtendedType, InputObjectType},
    validation::Valid,
};
use entity::Kind;
use rand::{RngExt, SeedableRng, rngs::StdRng, seq::IndexedRandom};

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
        let sdl = tandem::graphql::schema::sdl();
        let schema = Schema::parse_and_validate(sdl, "schema.graphql").expect("the schema is one");
        Self { schema, random: StdRng::seed_from_u64(seed), ids, words, names: 0, kind: None }
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
            document += &self.field(&root, 2);
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
            field.arguments.iter().filter(|argument| self.gives(argument)).cloned().collect();
        let given: Vec<String> = given
            .iter()
            .map(|argument| format!("{}: {}", argument.name, self.value(&argument.name, &argument.ty, 2)))
            .collect();
        if !given.is_empty() {
            let _ = write!(text, "({})", given.join(", "));
        }
        text += &self.selection(target.to_owned().as_str(), depth);
        self.kind = outer;
        text
    }

    fn gives(&mut self, argument: &InputValueDefinition) -> bool {
        match argument.name.as_str() {
            // Cursors come from answers only, and `last` goes with `before`.
            "after" | "before" | "last" => false,
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
            return format!("[{}]", items.join(", "));
        }
        let ty = ty.inner_named_type().clone();
        if ty == "NameFilter" {
            // A name that the schema does not have is refused; what is refused tells nothing.
            let names: &[&str] =
                if name == "field" { &["name", "amount", "owner", "parent"] } else { &["Account", "Deal", "Lead"] };
            return format!("{{ eq: {:?} }}", names.choose(&mut self.random).expect("there are names"));
        }
        if ty == "IdFilter" && name == "subject" {
            return format!("{{ eq: {:?} }}", self.ids.choose(&mut self.random).expect("there are ids"));
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
        // Of a kind of which none is known, one that names nothing: another kind's would be refused.
        let nothing = || format!("{}{}", fitting.unwrap_or_default(), "0".repeat(26));
        known.choose(&mut self.random).cloned().unwrap_or_else(nothing)
    }

    fn input(&mut self, input: &InputObjectType, depth: u32) -> String {
        let one_of = input.directives.has("oneOf");
        let outer = self.kind;
        if let Some(kind) =
            ["RelationFilter", "Filter", "Ref"].iter().find_map(|end| Kind::named(input.name.strip_suffix(end)?))
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
        let given: Vec<String> = chosen
            .iter()
            .map(|field| format!("{}: {}", field.name, self.value(&field.name, &field.ty, depth.saturating_sub(1))))
            .collect();
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
