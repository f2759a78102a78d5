//! Lists of the slices' own types, which are read forwards alone.

use std::borrow::Cow;

use async_graphql::{
    ContextSelectionSet, Name, OutputType, Positioned, ServerResult, Value, indexmap::IndexMap, parser::types::Field,
    registry::Registry,
};

use super::select::Selections;

/// `PageInfo` of a list that is read forwards.
#[derive(Clone, Debug)]
pub(crate) struct Page {
    pub(crate) previous: bool,
    pub(crate) next: bool,
    pub(crate) start: Option<String>,
    pub(crate) end: Option<String>,
}

impl OutputType for Page {
    fn type_name() -> Cow<'static, str> {
        "PageInfo".into()
    }
    fn create_type_info(_: &mut Registry) -> String {
        "PageInfo!".to_owned()
    }
    async fn resolve(&self, ctx: &ContextSelectionSet<'_>, _: &Positioned<Field>) -> ServerResult<Value> {
        let text = |text: &Option<String>| text.clone().map_or(Value::Null, Value::String);
        let mut object = IndexMap::new();
        for picked in Selections::new(ctx.query_env).pick(&[&ctx.item.node], "PageInfo") {
            let value = match picked.name() {
                "hasNextPage" => self.next.into(),
                "hasPreviousPage" => self.previous.into(),
                "startCursor" => text(&self.start),
                "endCursor" => text(&self.end),
                _ => Value::String("PageInfo".to_owned()),
            };
            object.insert(Name::new(picked.key), value);
        }
        Ok(Value::Object(object))
    }
}
