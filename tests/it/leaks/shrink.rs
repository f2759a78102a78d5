//! Makes a question that shows a leak as small as it can be.

use apollo_compiler::{
    ExecutableDocument, Schema,
    ast::{Definition, Document, Selection},
    validation::Valid,
};

/// The question with less and less in it, as long as it still fails.
pub async fn shrink(schema: &Valid<Schema>, question: String, fails: impl AsyncFn(&str) -> bool) -> String {
    let mut smallest = question;
    'again: loop {
        for smaller in smaller(schema, &smallest) {
            if fails(&smaller).await {
                smallest = smaller;
                continue 'again;
            }
        }
        return smallest;
    }
}

/// All questions with one field, fragment or argument less.
fn smaller(schema: &Valid<Schema>, question: &str) -> Vec<String> {
    let document = Document::parse(question, "question.graphql").expect("it is one");
    let mut found = Vec::new();
    for nth in 0.. {
        let mut document = document.clone();
        let mut left = nth;
        for definition in &mut document.definitions {
            if let Definition::OperationDefinition(operation) = definition {
                without(&mut operation.make_mut().selection_set, &mut left);
            }
        }
        // Nothing was left to take away.
        if left != usize::MAX {
            return found;
        }
        let text = document.to_string();
        if ExecutableDocument::parse_and_validate(schema, text.as_str(), "question.graphql").is_ok() {
            found.push(text);
        }
    }
    found
}

/// Takes away the selection or argument of this number; the number is [`usize::MAX`] once that is done.
fn without(selections: &mut Vec<Selection>, left: &mut usize) {
    let mut at = 0;
    while at < selections.len() && *left != usize::MAX {
        if *left == 0 {
            selections.remove(at);
            *left = usize::MAX;
            return;
        }
        *left -= 1;
        match &mut selections[at] {
            Selection::Field(field) => {
                let field = field.make_mut();
                if *left < field.arguments.len() {
                    field.arguments.remove(*left);
                    *left = usize::MAX;
                    return;
                }
                *left -= field.arguments.len();
                without(&mut field.selection_set, left);
            }
            Selection::InlineFragment(fragment) => without(&mut fragment.make_mut().selection_set, left),
            Selection::FragmentSpread(_) => {}
        }
        at += 1;
    }
}
