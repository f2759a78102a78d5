//! Object literals that name a field twice: the specification forbids them, and neither library looks.

use apollo_compiler::{
    Name, Node,
    ast::{Argument, Definition, Directive, Document, Selection, Value},
};

/// The first input field that is named twice in one object; nesting is bounded by the lexer.
pub(super) fn twice(document: &Document) -> Option<&Name> {
    document.definitions.iter().find_map(|definition| match definition {
        Definition::OperationDefinition(operation) => operation
            .variables
            .iter()
            .find_map(|variable| {
                variable.default_value.as_deref().and_then(value).or_else(|| directives(&variable.directives))
            })
            .or_else(|| directives(&operation.directives))
            .or_else(|| selections(&operation.selection_set)),
        Definition::FragmentDefinition(fragment) => {
            directives(&fragment.directives).or_else(|| selections(&fragment.selection_set))
        }
        _ => None,
    })
}

fn selections(set: &[Selection]) -> Option<&Name> {
    set.iter().find_map(|selection| match selection {
        Selection::Field(field) => arguments(&field.arguments)
            .or_else(|| directives(&field.directives))
            .or_else(|| selections(&field.selection_set)),
        Selection::FragmentSpread(spread) => directives(&spread.directives),
        Selection::InlineFragment(fragment) => {
            directives(&fragment.directives).or_else(|| selections(&fragment.selection_set))
        }
    })
}

fn directives(directives: &[Node<Directive>]) -> Option<&Name> {
    directives.iter().find_map(|directive| arguments(&directive.arguments))
}

fn arguments(all: &[Node<Argument>]) -> Option<&Name> {
    all.iter().find_map(|argument| value(&argument.value))
}

fn value(literal: &Value) -> Option<&Name> {
    match literal {
        Value::List(items) => items.iter().find_map(|item| value(item)),
        Value::Object(fields) => {
            let mut seen = std::collections::HashSet::with_capacity(fields.len());
            fields.iter().find_map(|(name, inner)| if seen.insert(name) { value(inner) } else { Some(name) })
        }
        _ => None,
    }
}
