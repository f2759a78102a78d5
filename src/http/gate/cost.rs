//! What an operation may cost at most: one for each object, times the pages around it; fields of a leaf type are free.

mod page;

use std::fmt::Write;

use apollo_compiler::{
    ExecutableDocument, Schema,
    ast::Value,
    collections::{HashMap, HashSet, IndexMap},
    executable::{Field, Operation, Selection, SelectionSet},
    response::{JsonMap, JsonValue},
    schema::ExtendedType,
    validation::Valid,
};

use self::page::{Pages, Times};
use super::{refusal::Refusal, shape};
use crate::{error::Code, http::settings::Limits};

/// The cost of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::http) struct Cost {
    /// Objects at most.
    pub requested: u64,
    /// Whether it is the same for all variables.
    pub constant: bool,
}

/// Selections that the analysis visits at most; honest documents need a few thousand.
const STEPS: usize = 400_000;

/// Paths that a refusal names.
const DEAREST: usize = 5;

/// What is reckoned with.
pub(super) struct Priced<'a> {
    pub schema: &'a Valid<Schema>,
    /// The object types of each interface and union.
    pub possible: &'a HashMap<String, Vec<String>>,
    pub document: &'a ExecutableDocument,
    pub operation: &'a Operation,
    pub variables: &'a JsonMap,
    pub limits: &'a Limits,
}

impl Priced<'_> {
    /// The cost, unless it passes the limit or a page size does.
    pub fn cost(&self) -> Result<Cost, Refusal> {
        let mut analysis = CostAnalysis::new(self);
        let root = self.operation.selection_set.ty.as_str();
        let weight = analysis.set(&[&self.operation.selection_set], root, Depth::Root)?;
        let introspection = shape::shape(self.document, self.operation).introspection;
        let requested = weight.fixed.saturating_add(introspection);
        if requested > self.limits.cost {
            return Err(self.too_dear(requested));
        }
        Ok(Cost { requested, constant: !analysis.pages.variable })
    }

    /// A Relay connection, and not some noun that is called so.
    pub fn is_connection(&self, ty: &str) -> bool {
        ty.ends_with("Connection")
            && self.schema.get_object(ty).is_some_and(|object| object.fields.contains_key("pageInfo"))
    }

    fn too_dear(&self, figure: u64) -> Refusal {
        let limit = self.limits.cost;
        let mut analysis = CostAnalysis::new(self);
        let mut paths = Vec::new();
        let root = self.operation.selection_set.ty.as_str();
        // Out of breath, the dearest of what was seen is still the best advice.
        let _ = analysis.dearest(&[&self.operation.selection_set], root, &mut Trail::default(), &mut paths);
        let mut message = format!("The operation may cost {figure}, the limit is {limit}. Most expensive:");
        for (cost, path) in &paths {
            let _ = write!(message, " {path} ({cost})");
        }
        let told = paths.into_iter().map(|(cost, path)| {
            let path = async_graphql::Value::from(path);
            async_graphql::Value::Object(
                [(async_graphql::Name::new("path"), path), (async_graphql::Name::new("cost"), cost.into())].into(),
            )
        });
        let told = async_graphql::Value::List(told.collect());
        Refusal::limit(Code::QueryTooComplex, message, limit, Some(figure)).with("dearest", told)
    }
}

/// What a selection costs: once, and for each row of the page around it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Weight {
    fixed: u64,
    each: u64,
}

/// Where a field stands: pages may be larger at the root.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Depth {
    Root,
    Below,
}

/// The way down to a selection, and how often each stop comes.
#[derive(Default)]
struct Trail<'a> {
    path: Vec<&'a str>,
    times: Vec<u64>,
}

struct CostAnalysis<'a> {
    on: &'a Priced<'a>,
    known: HashMap<(Vec<usize>, &'a str, Depth), Weight>,
    steps: usize,
    pages: Pages<'a>,
}

type Groups<'a> = IndexMap<&'a str, Vec<&'a Field>>;

impl<'a> CostAnalysis<'a> {
    fn new(on: &'a Priced<'a>) -> Self {
        Self { on, known: HashMap::default(), steps: 0, pages: Pages { on, variable: false } }
    }

    /// The weight of selection sets that apply to the same object: the most that any of its possible types costs.
    fn set(&mut self, sets: &[&'a SelectionSet], ty: &'a str, depth: Depth) -> Result<Weight, Refusal> {
        let mut key: Vec<usize> = sets.iter().map(|set| std::ptr::from_ref(*set).addr()).collect();
        key.sort_unstable();
        key.dedup();
        let key = (key, ty, depth);
        if let Some(known) = self.known.get(&key) {
            return Ok(*known);
        }
        let mut most = Weight::default();
        for concrete in self.types(sets, ty)? {
            let one = self.object(sets, concrete, depth)?;
            most = Weight { fixed: most.fixed.max(one.fixed), each: most.each.max(one.each) };
        }
        self.known.insert(key, most);
        Ok(most)
    }

    fn object(&mut self, sets: &[&'a SelectionSet], ty: &'a str, depth: Depth) -> Result<Weight, Refusal> {
        let connection = self.on.is_connection(ty);
        let mut all = Weight::default();
        for fields in self.groups(sets, ty)?.values() {
            let field = fields[0];
            if !self.is_composite(field.definition.ty.inner_named_type()) || field.name.starts_with("__") {
                continue;
            }
            let below = self.below(fields)?;
            match field.name.as_str() {
                "pageInfo" if connection => {}
                "edges" if connection => all.each = all.each.saturating_add(below.fixed),
                "nodes" if connection => all.each = all.each.saturating_add(below.fixed).saturating_add(1),
                _ => {
                    let cost = match self.pages.times(field, depth)? {
                        Times::Once => below.fixed.saturating_add(1),
                        Times::Page(size) => size.saturating_mul(below.each).saturating_add(below.fixed + 1),
                        Times::Many(size) => size.max(1).saturating_mul(below.fixed.saturating_add(1)),
                    };
                    all.fixed = all.fixed.saturating_add(cost);
                }
            }
        }
        // `fixed + 1` above must not pass the end.
        all.fixed = all.fixed.min(u64::MAX - 1);
        Ok(all)
    }

    fn below(&mut self, fields: &[&'a Field]) -> Result<Weight, Refusal> {
        let sets: Vec<_> = fields.iter().map(|field| &field.selection_set).collect();
        self.set(&sets, fields[0].definition.ty.inner_named_type(), Depth::Below)
    }

    /// The types to look at: the static one, unless a fragment narrows it.
    fn types(&mut self, sets: &[&'a SelectionSet], ty: &'a str) -> Result<Vec<&'a str>, Refusal> {
        let Some(possible) = self.on.possible.get(ty) else { return Ok(vec![ty]) };
        let mut seen = HashSet::default();
        for set in sets {
            if self.narrows(set, ty, &mut seen)? {
                return Ok(possible.iter().map(String::as_str).collect());
            }
        }
        Ok(vec![ty])
    }

    fn narrows(&mut self, set: &'a SelectionSet, ty: &str, seen: &mut HashSet<&'a str>) -> Result<bool, Refusal> {
        for selection in &set.selections {
            let inner = match selection {
                Selection::Field(_) => continue,
                Selection::InlineFragment(fragment) => &fragment.selection_set,
                Selection::FragmentSpread(spread) => {
                    let Some(fragment) = self.on.document.fragments.get(&spread.fragment_name) else { continue };
                    if !seen.insert(fragment.name.as_str()) {
                        continue;
                    }
                    &fragment.selection_set
                }
            };
            self.step()?;
            if !self.applies(&inner.ty, ty) || self.narrows(inner, ty, seen)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The fields of an object of this type by their response keys.
    fn groups(&mut self, sets: &[&'a SelectionSet], ty: &str) -> Result<Groups<'a>, Refusal> {
        let (mut groups, mut seen) = (Groups::default(), HashSet::default());
        for set in sets {
            self.collect(set, ty, &mut groups, &mut seen)?;
        }
        Ok(groups)
    }

    fn collect(
        &mut self,
        set: &'a SelectionSet,
        ty: &str,
        groups: &mut Groups<'a>,
        seen: &mut HashSet<&'a str>,
    ) -> Result<(), Refusal> {
        for selection in &set.selections {
            self.step()?;
            if self.is_left_out(selection) {
                continue;
            }
            let inner = match selection {
                Selection::Field(field) => {
                    groups.entry(field.response_key().as_str()).or_default().push(field);
                    continue;
                }
                Selection::InlineFragment(fragment) => &fragment.selection_set,
                Selection::FragmentSpread(spread) => {
                    let Some(fragment) = self.on.document.fragments.get(&spread.fragment_name) else { continue };
                    if !seen.insert(fragment.name.as_str()) {
                        continue;
                    }
                    &fragment.selection_set
                }
            };
            if self.applies(&inner.ty, ty) {
                self.collect(inner, ty, groups, seen)?;
            }
        }
        Ok(())
    }

    fn is_left_out(&mut self, selection: &Selection) -> bool {
        selection.directives().iter().any(|directive| {
            let unless = match directive.name.as_str() {
                "skip" => true,
                "include" => false,
                _ => return false,
            };
            match directive.specified_argument_by_name("if").map(|value| &**value) {
                Some(Value::Boolean(holds)) => *holds == unless,
                Some(Value::Variable(variable)) => {
                    self.pages.variable = true;
                    let holds = self.on.variables.get(variable.as_str()).and_then(JsonValue::as_bool);
                    holds == Some(unless)
                }
                _ => false,
            }
        })
    }

    /// Collects the paths that hold the most objects.
    fn dearest(
        &mut self,
        sets: &[&'a SelectionSet],
        ty: &'a str,
        trail: &mut Trail<'a>,
        paths: &mut Vec<(u64, String)>,
    ) -> Result<(), Refusal> {
        let depth = if trail.path.is_empty() { Depth::Root } else { Depth::Below };
        let mut dearest = (0, ty);
        for concrete in self.types(sets, ty)? {
            let weight = self.object(sets, concrete, depth)?;
            let weight = weight.fixed.saturating_add(weight.each);
            if weight > dearest.0 {
                dearest = (weight, concrete);
            }
        }
        let ty = dearest.1;
        let connection = self.on.is_connection(ty);
        let times = trail.times.last().copied().unwrap_or(1);
        for (key, fields) in self.groups(sets, ty)? {
            let field = fields[0];
            if !self.is_composite(field.definition.ty.inner_named_type()) || field.name.starts_with("__") {
                continue;
            }
            let (own, below) = match field.name.as_str() {
                "pageInfo" if connection => continue,
                "edges" if connection => (0, times),
                "nodes" if connection => (times, times),
                _ => match self.pages.times(field, depth)? {
                    Times::Once => (times, times),
                    // Below, only the rows matter: one connection beside a page of them.
                    Times::Page(size) => (times, times.saturating_mul(size)),
                    Times::Many(size) => (times.saturating_mul(size), times.saturating_mul(size)),
                },
            };
            trail.path.push(key);
            trail.times.push(below);
            if own > 0 {
                paths.push((own, trail.path.join(".")));
                paths.sort_by_key(|path| std::cmp::Reverse(path.0));
                paths.truncate(DEAREST);
            }
            let sets: Vec<_> = fields.iter().map(|field| &field.selection_set).collect();
            let done = self.dearest(&sets, field.definition.ty.inner_named_type(), trail, paths);
            trail.path.pop();
            trail.times.pop();
            done?;
        }
        Ok(())
    }

    fn applies(&self, condition: &str, ty: &str) -> bool {
        condition == ty || self.on.schema.is_subtype(condition, ty)
    }

    fn is_composite(&self, ty: &str) -> bool {
        matches!(
            self.on.schema.types.get(ty),
            Some(ExtendedType::Object(_) | ExtendedType::Interface(_) | ExtendedType::Union(_))
        )
    }

    fn step(&mut self) -> Result<(), Refusal> {
        self.steps += 1;
        if self.steps > STEPS {
            let message = format!("Calculating the cost of the operation takes more than {STEPS} steps.");
            return Err(Refusal::limit(Code::QueryTooComplex, message, STEPS as u64, None));
        }
        Ok(())
    }
}
