//! Whether two parsers read the same document: the gate weighs what one of them read, and what the other read is run.

use apollo_compiler::{
    ExecutableDocument as Checked, Node,
    ast::{Argument, Directive as CheckedDirective, Value as CheckedValue},
    executable::{Operation, Selection as CheckedSelection},
};
use async_graphql::{
    Name, Positioned,
    parser::types::{Directive, DocumentOperations, ExecutableDocument, Selection, SelectionSet},
};
use async_graphql_value::Value;

/// Whether this operation and all fragments have the same selections with the same arguments in both.
pub(super) fn is_same(checked: &Checked, operation: &Operation, parsed: &ExecutableDocument) -> bool {
    let twin = match &parsed.operations {
        DocumentOperations::Single(twin) => Some(twin),
        DocumentOperations::Multiple(operations) => {
            operation.name.as_ref().and_then(|name| operations.get(name.as_str()))
        }
    };
    twin.is_some_and(|twin| selections(&operation.selection_set.selections, &twin.node.selection_set.node))
        && checked.fragments.len() == parsed.fragments.len()
        && checked.fragments.iter().all(|(name, fragment)| {
            parsed.fragments.get(name.as_str()).is_some_and(|twin| {
                fragment.type_condition().as_str() == twin.node.type_condition.node.on.node.as_str()
                    && selections(&fragment.selection_set.selections, &twin.node.selection_set.node)
            })
        })
}

fn selections(checked: &[CheckedSelection], parsed: &SelectionSet) -> bool {
    checked.len() == parsed.items.len()
        && checked.iter().zip(&parsed.items).all(|(one, other)| {
            directives(one.directives(), other.node.directives())
                && match (one, &other.node) {
                    (CheckedSelection::Field(one), Selection::Field(other)) => {
                        one.name.as_str() == other.node.name.node.as_str()
                            && one.response_key().as_str() == other.node.response_key().node.as_str()
                            && arguments(&one.arguments, &other.node.arguments)
                            && selections(&one.selection_set.selections, &other.node.selection_set.node)
                    }
                    (CheckedSelection::FragmentSpread(one), Selection::FragmentSpread(other)) => {
                        one.fragment_name.as_str() == other.node.fragment_name.node.as_str()
                    }
                    (CheckedSelection::InlineFragment(one), Selection::InlineFragment(other)) => {
                        let condition = other.node.type_condition.as_ref().map(|on| on.node.on.node.as_str());
                        one.type_condition.as_ref().map(apollo_compiler::Name::as_str) == condition
                            && selections(&one.selection_set.selections, &other.node.selection_set.node)
                    }
                    _ => false,
                }
        })
}

fn directives(checked: &[Node<CheckedDirective>], parsed: &[Positioned<Directive>]) -> bool {
    checked.len() == parsed.len()
        && checked.iter().zip(parsed).all(|(one, other)| {
            one.name.as_str() == other.node.name.node.as_str() && arguments(&one.arguments, &other.node.arguments)
        })
}

fn arguments(checked: &[Node<Argument>], parsed: &[(Positioned<Name>, Positioned<Value>)]) -> bool {
    checked.len() == parsed.len()
        && checked.iter().zip(parsed).all(|(one, (name, value))| {
            one.name.as_str() == name.node.as_str() && is_same_value(&one.value, &value.node)
        })
}

/// Texts and floats are left to each parser: nothing is weighed by them.
fn is_same_value(checked: &CheckedValue, parsed: &Value) -> bool {
    match (checked, parsed) {
        (CheckedValue::Null, Value::Null)
        | (CheckedValue::String(_), Value::String(_))
        | (CheckedValue::Float(_), Value::Number(_)) => true,
        (CheckedValue::Boolean(one), Value::Boolean(other)) => one == other,
        (CheckedValue::Int(one), Value::Number(other)) => {
            one.as_str().parse().is_ok_and(|one: i64| other.as_i64() == Some(one)) || !other.is_i64()
        }
        (CheckedValue::Enum(one), Value::Enum(other)) | (CheckedValue::Variable(one), Value::Variable(other)) => {
            one.as_str() == other.as_str()
        }
        (CheckedValue::List(one), Value::List(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| is_same_value(one, other))
        }
        (CheckedValue::Object(one), Value::Object(other)) => {
            one.len() == other.len()
                && one.iter().all(|(name, one)| other.get(name.as_str()).is_some_and(|other| is_same_value(one, other)))
        }
        _ => false,
    }
}
