//! The part of the second executor that answers aggregates.

use entity::{Kind, table::Type};
use serde_json::{Map, Value, json};

use super::{
    evaluator::Refused,
    figures::{Group, Grouped, figure, group},
    reference::{Picked, Reference, arguments},
};

impl Reference<'_> {
    /// Figures over groups of what is visible.
    pub fn aggregate(&self, kind: Kind, picked: &Picked<'_>) -> Result<Value, Refused> {
        let arguments = arguments(picked.field);
        let groups = Group::read(kind, &arguments["groupBy"]);
        groups.iter().try_for_each(|group| group.check(&self.sight, kind))?;
        let items = self.pick(&picked.sets, &format!("{}Aggregate", kind.name()));
        for item in &items {
            match item.field.name.as_str() {
                "key" => {
                    for part in self.pick(&item.sets, &format!("{}GroupKey", kind.name())) {
                        let grouped = groups.iter().find(|group| group.name == part.field.name.as_str());
                        if let (Some(_), Some(link)) = (grouped, kind.table().link(&part.field.name)) {
                            self.check(link.target, &part.sets)?;
                        }
                    }
                }
                "count" | "__typename" => {}
                _ => {
                    let measured = self.pick(&item.sets, item.field.ty().inner_named_type());
                    if measured.iter().any(|part| self.sight.roles.hides(kind, &part.field.name)) {
                        return Err(Refused);
                    }
                }
            }
        }
        // Who sees none of the records has no groups, whatever the filter says.
        if !self.sight.roles.reads(kind) && !groups.is_empty() {
            return Ok(json!([]));
        }
        if !arguments["filter"].is_null() {
            self.sight.check_filter(kind, &arguments["filter"])?;
        }
        let rows = self.found(kind, self.sight.plain.of(kind).collect(), &arguments);
        Ok(group(rows, &groups).iter().map(|grouped| self.figures(kind, &groups, grouped, &items)).collect())
    }

    fn figures(&self, kind: Kind, groups: &[Group], (keys, rows): &Grouped<'_>, items: &[Picked<'_>]) -> Value {
        let mut object = Map::new();
        for item in items {
            let value = match item.field.name.as_str() {
                "__typename" => json!(format!("{}Aggregate", kind.name())),
                "count" => json!(rows.len()),
                "key" => {
                    let part = |part: Picked<'_>| {
                        let name = part.field.name.as_str();
                        let at = groups.iter().position(|group| group.name == name);
                        let value = match (at, kind.table().link(name)) {
                            _ if name == "__typename" => json!(format!("{}GroupKey", kind.name())),
                            (None, _) => Value::Null,
                            (Some(at), Some(_)) => self.any(&keys[at], &part.sets),
                            (Some(at), None) => keys[at].clone(),
                        };
                        (part.key.to_owned(), value)
                    };
                    let parts = self.pick(&item.sets, &format!("{}GroupKey", kind.name()));
                    Value::Object(parts.into_iter().map(part).collect())
                }
                function => {
                    let type_name = item.field.ty().inner_named_type();
                    let part = |part: Picked<'_>| {
                        let value = match kind.table().field(&part.field.name) {
                            Some(field) if matches!(field.ty, Type::Money) => {
                                self.parts(&figure(function, field, rows), "Money", &part.sets)
                            }
                            Some(field) => figure(function, field, rows),
                            None => json!(type_name.as_str()),
                        };
                        (part.key.to_owned(), value)
                    };
                    Value::Object(self.pick(&item.sets, type_name).into_iter().map(part).collect())
                }
            };
            object.insert(item.key.to_owned(), value);
        }
        object.into()
    }
}
