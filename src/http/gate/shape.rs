//! How large and how deep an operation is once its fragments are expanded, found without expanding them.

use std::collections::HashMap;

use apollo_compiler::{
    ExecutableDocument,
    executable::{Field, Operation, Selection, SelectionSet},
};

/// Size and depth of an operation as the executor walks it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Shape {
    /// Selections, each fragment counted wherever it is spread.
    pub selections: u64,
    /// Nested selection sets, counted as async-graphql counts them: fragments are levels too.
    pub depth: u64,
    /// Fields below `__schema` and `__type`, and these themselves.
    pub introspection: u64,
    /// How deep the lists of the introspection are nested in each other: each level multiplies the answer.
    pub lists: u64,
    /// How many of these lists there are.
    pub listed: u64,
}

impl Shape {
    fn beside(self, other: Self) -> Self {
        Self {
            selections: self.selections.saturating_add(other.selections),
            depth: self.depth.max(other.depth),
            introspection: self.introspection.saturating_add(other.introspection),
            lists: self.lists.max(other.lists),
            listed: self.listed.saturating_add(other.listed),
        }
    }
}

/// The shape of this operation.
pub(super) fn shape(document: &ExecutableDocument, operation: &Operation) -> Shape {
    Measure { document, known: HashMap::new() }.of(&operation.selection_set)
}

struct Measure<'a> {
    document: &'a ExecutableDocument,
    known: HashMap<&'a str, Shape>,
}

impl<'a> Measure<'a> {
    fn of(&mut self, set: &'a SelectionSet) -> Shape {
        let mut all = Shape::default();
        for selection in &set.selections {
            let one = match selection {
                Selection::Field(field) => {
                    let mut inner = self.of(&field.selection_set);
                    inner.depth += u64::from(!field.selection_set.selections.is_empty());
                    if is_introspection(&field.name) {
                        inner.introspection = inner.selections.saturating_add(1);
                    }
                    let list = u64::from(multiplies(field));
                    inner.lists += list;
                    inner.listed = inner.listed.saturating_add(list);
                    inner
                }
                Selection::InlineFragment(fragment) => {
                    let mut inner = self.of(&fragment.selection_set);
                    inner.depth += 1;
                    inner
                }
                Selection::FragmentSpread(spread) => self.fragment(&spread.fragment_name),
            };
            all = all.beside(Shape { selections: one.selections.saturating_add(1), ..one });
        }
        all
    }

    fn fragment(&mut self, name: &str) -> Shape {
        let Some((name, fragment)) = self.document.fragments.get_key_value(name) else { return Shape::default() };
        if let Some(known) = self.known.get(name.as_str()) {
            return *known;
        }
        let mut found = self.of(&fragment.selection_set);
        found.depth += 1;
        self.known.insert(name, found);
        found
    }
}

/// Whether this is one of the lists by which an introspection query multiplies its answer.
fn multiplies(field: &Field) -> bool {
    field.definition.ty.inner_named_type().starts_with("__")
        && matches!(field.name.as_str(), "types" | "fields" | "interfaces" | "possibleTypes" | "inputFields")
}

/// Whether a field looks at the schema.
pub(super) fn is_introspection(name: &str) -> bool {
    matches!(name, "__schema" | "__type")
}
