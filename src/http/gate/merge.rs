//! Makes one selection of those that share a response key, at the root of an operation and one level below.
//!
//! async-graphql would run a root field once for each of its selections: a mutation twice, and of two answers that are
//! ready-made JSON it would drop the second.

use std::collections::{HashMap, HashSet};

use apollo_compiler::{Schema, ast::OperationType as Kind, validation::Valid};
use async_graphql::{
    Name, Positioned, Variables,
    parser::types::{
        Directive, DocumentOperations, ExecutableDocument, FragmentDefinition, OperationDefinition, OperationType,
        Selection, SelectionSet,
    },
};
use async_graphql_value::Value as Literal;

type Fragments = HashMap<Name, Positioned<FragmentDefinition>>;

/// How many levels are merged: the root fields, and their fields.
const LEVELS: usize = 2;

/// Whether `@skip` or `@include` decides over what is merged, so that it can only be done once the variables are known.
pub(super) fn is_conditional(document: &ExecutableDocument) -> bool {
    fn looks(set: &SelectionSet, fragments: &Fragments, levels: usize, seen: &mut HashSet<(Name, usize)>) -> bool {
        levels > 0
            && set.items.iter().any(|item| {
                let inner = match &item.node {
                    Selection::Field(field) => looks(&field.node.selection_set.node, fragments, levels - 1, seen),
                    Selection::InlineFragment(fragment) => {
                        looks(&fragment.node.selection_set.node, fragments, levels, seen)
                    }
                    Selection::FragmentSpread(spread) => {
                        let name = &spread.node.fragment_name.node;
                        seen.insert((name.clone(), levels))
                            && fragments
                                .get(name)
                                .is_some_and(|f| looks(&f.node.selection_set.node, fragments, levels, seen))
                    }
                };
                inner || item.node.directives().iter().any(is_condition)
            })
    }
    let mut seen = HashSet::new();
    document
        .operations
        .iter()
        .any(|(_, operation)| looks(&operation.node.selection_set.node, &document.fragments, LEVELS, &mut seen))
}

/// Merges the document's operation, then drops the fragments and variables that nothing refers to any more, because
/// strict validation would complain of them.
pub(super) fn merge(document: &mut ExecutableDocument, schema: &Valid<Schema>, variables: &Variables) {
    let operation = match &mut document.operations {
        DocumentOperations::Single(operation) => Some(operation),
        DocumentOperations::Multiple(operations) => operations.values_mut().next(),
    };
    let Some(operation) = operation else { return };
    let kind = match operation.node.ty {
        OperationType::Query => Kind::Query,
        OperationType::Mutation => Kind::Mutation,
        OperationType::Subscription => Kind::Subscription,
    };
    let root = schema.root_operation(kind).map_or("", |name| name.as_str());
    let merging = Merging { schema, fragments: &document.fragments, variables };
    let set = std::mem::take(&mut operation.node.selection_set.node);
    operation.node.selection_set.node = merging.set(set, root, LEVELS);
    prune(&mut operation.node, &mut document.fragments);
}

struct Merging<'a> {
    schema: &'a Valid<Schema>,
    fragments: &'a Fragments,
    variables: &'a Variables,
}

/// What makes two selections one.
#[derive(PartialEq, Eq, Hash)]
enum Key {
    Field(Name),
    On(Name),
}

#[derive(Default)]
struct Merged {
    items: Vec<Positioned<Selection>>,
    places: HashMap<Key, usize>,
    spread: HashSet<Name>,
}

impl Merging<'_> {
    fn set(&self, set: SelectionSet, ty: &str, levels: usize) -> SelectionSet {
        if levels == 0 {
            return set;
        }
        let mut merged = Merged::default();
        self.collect(set, ty, &mut merged);
        for item in &mut merged.items {
            match &mut item.node {
                Selection::Field(field) if !field.node.selection_set.node.items.is_empty() => {
                    let inner = self.schema.type_field(ty, &field.node.name.node);
                    let inner = inner.map_or("", |definition| definition.ty.inner_named_type().as_str());
                    let set = std::mem::take(&mut field.node.selection_set.node);
                    field.node.selection_set.node = self.set(set, inner, levels - 1);
                }
                Selection::InlineFragment(fragment) => {
                    let on = fragment.node.type_condition.as_ref().map(|on| on.node.on.node.clone());
                    let set = std::mem::take(&mut fragment.node.selection_set.node);
                    fragment.node.selection_set.node = self.set(set, on.as_deref().unwrap_or(ty), levels);
                }
                _ => {}
            }
        }
        SelectionSet { items: merged.items }
    }

    fn collect(&self, set: SelectionSet, ty: &str, merged: &mut Merged) {
        for mut item in set.items {
            if item.node.directives().iter().any(|directive| self.leaves_out(directive)) {
                continue;
            }
            item.node.directives_mut().retain(|directive| !is_condition(directive));
            let pos = item.pos;
            match item.node {
                Selection::Field(field) => {
                    let key = Key::Field(field.node.response_key().node.clone());
                    if let Some(Selection::Field(first)) = merged.at(&key) {
                        first.node.selection_set.node.items.extend(field.node.selection_set.node.items);
                    } else {
                        merged.push(key, Positioned::new(Selection::Field(field), pos));
                    }
                }
                Selection::InlineFragment(fragment) => {
                    let on = fragment.node.type_condition.as_ref().map(|on| on.node.on.node.clone());
                    match on {
                        Some(on) if !self.always(&on, ty) => merged.narrow(on, fragment, pos),
                        _ => self.collect(fragment.node.selection_set.node, ty, merged),
                    }
                }
                Selection::FragmentSpread(spread) => {
                    let name = spread.node.fragment_name.node.clone();
                    let Some(fragment) = self.fragments.get(&name) else {
                        merged.items.push(Positioned::new(Selection::FragmentSpread(spread), pos));
                        continue;
                    };
                    if !merged.spread.insert(name) {
                        continue;
                    }
                    let on = &fragment.node.type_condition.node.on.node;
                    if self.always(on, ty) {
                        self.collect(fragment.node.selection_set.node.clone(), ty, merged);
                    } else {
                        let inline = async_graphql::parser::types::InlineFragment {
                            type_condition: Some(fragment.node.type_condition.clone()),
                            directives: vec![],
                            selection_set: fragment.node.selection_set.clone(),
                        };
                        merged.narrow(on.clone(), Positioned::new(inline, pos), pos);
                    }
                }
            }
        }
    }

    /// Whether every object of this type meets the condition.
    fn always(&self, condition: &str, ty: &str) -> bool {
        condition == ty || self.schema.is_subtype(condition, ty)
    }

    fn leaves_out(&self, directive: &Positioned<Directive>) -> bool {
        let unless = match directive.node.name.node.as_str() {
            "skip" => true,
            "include" => false,
            _ => return false,
        };
        let condition = directive.node.get_argument("if").map(|value| &value.node);
        let holds = match condition {
            Some(Literal::Boolean(holds)) => *holds,
            Some(Literal::Variable(name)) => {
                matches!(self.variables.get(name), Some(async_graphql::Value::Boolean(true)))
            }
            _ => false,
        };
        holds == unless
    }
}

impl Merged {
    fn at(&mut self, key: &Key) -> Option<&mut Selection> {
        let place = *self.places.get(key)?;
        self.items.get_mut(place).map(|item| &mut item.node)
    }

    fn push(&mut self, key: Key, item: Positioned<Selection>) {
        self.places.insert(key, self.items.len());
        self.items.push(item);
    }

    fn narrow(
        &mut self,
        on: Name,
        fragment: Positioned<async_graphql::parser::types::InlineFragment>,
        pos: async_graphql::Pos,
    ) {
        let key = Key::On(on);
        if let Some(Selection::InlineFragment(first)) = self.at(&key) {
            first.node.selection_set.node.items.extend(fragment.node.selection_set.node.items);
        } else {
            self.push(key, Positioned::new(Selection::InlineFragment(fragment), pos));
        }
    }
}

fn is_condition(directive: &Positioned<Directive>) -> bool {
    matches!(directive.node.name.node.as_str(), "skip" | "include")
}

/// Keeps what the operation refers to.
pub(super) fn prune(operation: &mut OperationDefinition, fragments: &mut Fragments) {
    let mut used = Used::default();
    used.set(&operation.selection_set.node, fragments);
    used.directives(&operation.directives);
    fragments.retain(|name, _| used.fragments.contains(name));
    operation.variable_definitions.retain(|variable| used.variables.contains(&variable.node.name.node));
}

#[derive(Default)]
struct Used {
    fragments: HashSet<Name>,
    variables: HashSet<Name>,
}

impl Used {
    fn set(&mut self, set: &SelectionSet, fragments: &Fragments) {
        for item in &set.items {
            self.directives(item.node.directives());
            match &item.node {
                Selection::Field(field) => {
                    for (_, value) in &field.node.arguments {
                        self.literal(&value.node);
                    }
                    self.set(&field.node.selection_set.node, fragments);
                }
                Selection::InlineFragment(fragment) => self.set(&fragment.node.selection_set.node, fragments),
                Selection::FragmentSpread(spread) => {
                    let name = &spread.node.fragment_name.node;
                    if self.fragments.insert(name.clone())
                        && let Some(fragment) = fragments.get(name)
                    {
                        self.set(&fragment.node.selection_set.node, fragments);
                    }
                }
            }
        }
    }

    fn directives(&mut self, directives: &[Positioned<Directive>]) {
        for (_, value) in directives.iter().flat_map(|directive| &directive.node.arguments) {
            self.literal(&value.node);
        }
    }

    fn literal(&mut self, value: &Literal) {
        match value {
            Literal::Variable(name) => {
                self.variables.insert(name.clone());
            }
            Literal::List(items) => items.iter().for_each(|item| self.literal(item)),
            Literal::Object(fields) => fields.values().for_each(|value| self.literal(value)),
            _ => {}
        }
    }
}
