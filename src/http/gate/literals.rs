//! Literals that are refused: objects that name a field twice, which the specification forbids and
//! neither library looks for, and texts that hold U+0000.

use apollo_compiler::{
    Name, Node,
    ast::{Argument, Definition, Directive, Document, Selection, Value},
};

/// What a literal is looked through for.
type Look<'a, T> = fn(&'a Value) -> Option<T>;

/// The first input field that is named twice in one object; nesting is bounded by the lexer.
pub(super) fn twice(document: &Document) -> Option<&Name> {
    first(document, twice_in)
}

/// Whether a text literal holds the character U+0000, escaped or as it is.
pub(super) fn holds_nul(document: &Document) -> bool {
    first(document, nul_in).is_some()
}

fn first<'a, T>(document: &'a Document, look: Look<'a, T>) -> Option<T> {
    document.definitions.iter().find_map(|definition| match definition {
        Definition::OperationDefinition(operation) => operation
            .variables
            .iter()
            .find_map(|variable| {
                variable.default_value.as_deref().and_then(look).or_else(|| directives(&variable.directives, look))
            })
            .or_else(|| directives(&operation.directives, look))
            .or_else(|| selections(&operation.selection_set, look)),
        Definition::FragmentDefinition(fragment) => {
            directives(&fragment.directives, look).or_else(|| selections(&fragment.selection_set, look))
        }
        _ => None,
    })
}

fn selections<'a, T>(set: &'a [Selection], look: Look<'a, T>) -> Option<T> {
    set.iter().find_map(|selection| match selection {
        Selection::Field(field) => arguments(&field.arguments, look)
            .or_else(|| directives(&field.directives, look))
            .or_else(|| selections(&field.selection_set, look)),
        Selection::FragmentSpread(spread) => directives(&spread.directives, look),
        Selection::InlineFragment(fragment) => {
            directives(&fragment.directives, look).or_else(|| selections(&fragment.selection_set, look))
        }
    })
}

fn directives<'a, T>(directives: &'a [Node<Directive>], look: Look<'a, T>) -> Option<T> {
    directives.iter().find_map(|directive| arguments(&directive.arguments, look))
}

fn arguments<'a, T>(all: &'a [Node<Argument>], look: Look<'a, T>) -> Option<T> {
    all.iter().find_map(|argument| look(&argument.value))
}

fn twice_in(literal: &Value) -> Option<&Name> {
    match literal {
        Value::List(items) => items.iter().find_map(|item| twice_in(item)),
        Value::Object(fields) => {
            let mut seen = std::collections::HashSet::with_capacity(fields.len());
            fields.iter().find_map(|(name, inner)| if seen.insert(name) { twice_in(inner) } else { Some(name) })
        }
        _ => None,
    }
}

fn nul_in(literal: &Value) -> Option<()> {
    match literal {
        Value::String(text) => text.contains('\0').then_some(()),
        Value::List(items) => items.iter().find_map(|item| nul_in(item)),
        Value::Object(fields) => fields.iter().find_map(|(_, inner)| nul_in(inner)),
        _ => None,
    }
}
