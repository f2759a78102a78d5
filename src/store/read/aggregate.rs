//! Figures over groups of rows: counts, sums, means and bounds, on either engine the same.

use std::collections::BTreeMap;

use chrono::DateTime;
use entity::{Day, table::Type};
use sea_orm::{QueryResult, Value};

use super::{
    bucket::midnight,
    filter::refuse_hidden,
    level::Level,
    plan::{Aggregate, AggregateItem, Figure, Function, Group, MAX_GROUPS, Measure},
    write,
};
use crate::{
    access::{Action, Reach},
    error::{Error, Result},
    store::{
        Store,
        json::{self, Out},
        scope,
        sql::{Engine, Sql},
    },
};

impl Store {
    pub(in crate::store) async fn read_aggregate(&self, plan: &Aggregate, out: &mut Out) -> Result<()> {
        let kind = plan.key.kind;
        for group in &plan.groups {
            refuse_hidden(self.actor(), kind, group.field.link_name.as_deref().unwrap_or(&group.field.name))?;
        }
        for measure in &plan.measures {
            refuse_hidden(self.actor(), kind, &measure.field.name)?;
        }
        // Without groups there is one of nothing, as for somebody who sees none of the records.
        if self.actor().policy.reach(kind, Action::Read) == Reach::None && !plan.groups.is_empty() {
            out.extend_from_slice(b"[]");
            return Ok(());
        }
        let bounds = self.bounds(plan).await?;
        let rows = self.fetch(self.figures_sql(plan, &bounds)?).await?;
        let groups = gather(plan, &rows)?;
        if groups.len() > MAX_GROUPS || rows.len() > MAX_ROWS {
            return Err(Error::argument(format!(
                "There are more than {MAX_GROUPS} groups; group more coarsely or filter."
            )));
        }
        let level = self.load(&plan.key, rows).await?;
        out.push(b'[');
        for (n, group) in groups.iter().enumerate() {
            if n > 0 {
                out.push(b',');
            }
            self.count_object();
            self.write_group(out, plan, &level, group)?;
        }
        out.push(b']');
        Ok(())
    }

    /// The bounds of the calendar periods that the rows lie in, per group.
    async fn bounds(&self, plan: &Aggregate) -> Result<Vec<Vec<i64>>> {
        let mut all = vec![Vec::new(); plan.groups.len()];
        for (group, bounds) in plan.groups.iter().zip(&mut all) {
            let Some((bucket, zone)) = group.bucket else { continue };
            let mut sql = Sql::new(self.engine());
            // The stretches of a power of two in which there are values, each shorter than a period:
            // what lies far from the rest costs one more, and not all that is between.
            let instants = matches!(group.field.ty, Type::Instant);
            let shift = bucket.stretch(instants);
            let shifted = format!(" >> {shift} AS stretch");
            sql.push("SELECT DISTINCT ").value("t", group.field, group.field.column).push(&shifted);
            sql.push(" FROM ").table(plan.key.kind.table().table).push(" t WHERE TRUE");
            self.and_found(&mut sql, (plan.key.kind, "t"), &plan.find)?;
            sql.push(" ORDER BY 1 LIMIT ").bind(i64::try_from(MAX_STRETCHES + 1).unwrap_or(i64::MAX));
            let rows = self.fetch(sql).await?;
            if rows.len() > MAX_STRETCHES {
                return Err(Error::argument(format!(
                    "There are more than {MAX_GROUPS} periods; group more coarsely or filter."
                )));
            }
            let date = |value: i64| {
                if instants {
                    DateTime::from_timestamp_millis(value).map(|at| at.with_timezone(&zone).date_naive())
                } else {
                    i32::try_from(value).ok().map(|days| Day(days).to_date())
                }
            };
            for row in &rows {
                let stretch = if instants { json::bigint(row, 0)? } else { json::int(row, 0)?.map(i64::from) };
                let Some(stretch) = stretch else { continue };
                let (Some(first), Some(last)) = (date(stretch << shift), date(((stretch + 1) << shift) - 1)) else {
                    continue;
                };
                let mut next = Some(bucket.start(first));
                while let Some(start) = next.filter(|start| *start <= last) {
                    bounds.push(if instants { midnight(start, zone) } else { Day::from_date(start).0.into() });
                    next = bucket.next(start);
                }
            }
            // A day that the zone skipped starts where the next one does, and is none.
            bounds.sort_unstable();
            bounds.dedup();
        }
        Ok(all)
    }

    /// One statement for all figures: grouped by the keys asked for and by the currencies of the
    /// amounts measured, whose rows are put together afterwards.
    fn figures_sql(&self, plan: &Aggregate, bounds: &[Vec<i64>]) -> Result<Sql> {
        let kind = plan.key.kind;
        let mut sql = Sql::new(self.engine());
        sql.push("SELECT ");
        for (group, bounds) in plan.groups.iter().zip(bounds) {
            self.push_group(&mut sql, group, bounds);
            sql.push(", ");
        }
        let currencies = currencies(plan);
        for currency in &currencies {
            sql.column("t", currency).push(", ");
        }
        sql.push("count(*)");
        for measure in &plan.measures {
            // The mean follows from sum and count, so that both engines round it alike. A sum comes as
            // those of the upper and lower 32 bits, neither of which leaves 64 bits.
            let parts = match measure.function {
                Function::Sum | Function::Avg => [("sum(", " >> 32)"), ("sum(", " & 4294967295)")],
                Function::Min => [("min(", ")"), ("0 * count(", ")")],
                Function::Max => [("max(", ")"), ("0 * count(", ")")],
            };
            for (before, after) in parts.into_iter().chain([("count(", ")")]) {
                sql.push(", CAST(").push(before).push("CAST(").value("t", measure.field, measure.field.column);
                sql.push(" AS bigint)").push(after).push(" AS bigint)");
            }
        }
        sql.push(" FROM ").table(kind.table().table).push(" t WHERE TRUE");
        self.and_found(&mut sql, (kind, "t"), &plan.find)?;
        let keys = plan.groups.len() + currencies.len();
        if keys > 0 {
            let places = (1..=keys).map(|place| place.to_string()).collect::<Vec<_>>();
            sql.push(" GROUP BY ").push(&places.join(", ")).push(" ORDER BY ");
            sql.push(&places.iter().map(|place| format!("{place} NULLS LAST")).collect::<Vec<_>>().join(", "));
            sql.push(" LIMIT ").bind(i64::try_from(MAX_ROWS + 1).unwrap_or(i64::MAX));
        }
        Ok(sql)
    }

    /// Appends what a group's rows have in common. A key whose row the actor may not see groups as
    /// empty, so that not even its existence shows.
    fn push_group(&self, sql: &mut Sql, group: &Group, bounds: &[i64]) {
        let column = group.field.column;
        match (group.field.ty, group.bucket) {
            (Type::Key(target), _) if !scope::unrestricted(self.actor(), target, Action::Read) => {
                let other = sql.alias();
                sql.push("CASE WHEN EXISTS (SELECT 1 FROM ")
                    .table(target.table().table)
                    .push(" ")
                    .push(&other)
                    .push(" WHERE ");
                sql.column(&other, "id").push(" = ").value("t", group.field, column);
                scope::and_within(sql, self.actor(), (target, &other), Action::Read);
                sql.push(") THEN ").value("t", group.field, column).push(" END");
            }
            (_, Some(_)) => {
                let json = serde_json::to_string(bounds).unwrap_or_default();
                // The greatest bound that is not beyond the value.
                match sql.engine() {
                    Engine::Postgres => {
                        let array = Value::Array(
                            sea_orm::sea_query::ArrayType::BigInt,
                            Some(Box::new(bounds.iter().map(|bound| Value::from(*bound)).collect())),
                        );
                        sql.push("(")
                            .bind(array.clone())
                            .push(")[nullif(width_bucket(")
                            .value("t", group.field, column)
                            .push("::bigint, ");
                        sql.bind(array).push("), 0)]");
                        if matches!(group.field.ty, Type::Day) {
                            sql.push("::integer");
                        }
                    }
                    Engine::Sqlite => {
                        sql.push("(SELECT max(b.value) FROM json_each(").bind(json).push(") b WHERE b.value <= ");
                        sql.value("t", group.field, column).push(")");
                    }
                }
            }
            _ => {
                sql.value("t", group.field, column);
            }
        }
    }

    fn write_group(&self, out: &mut Out, plan: &Aggregate, level: &Level, group: &Gathered) -> Result<()> {
        out.push(b'{');
        for (n, (key, item)) in plan.items.iter().enumerate() {
            write::write_key(out, n, key);
            match item {
                AggregateItem::Typename(name) => json::quoted(out, name),
                AggregateItem::Count => json::integer(out, group.count),
                AggregateItem::Key(shape) => match group.first {
                    Some(at) => write::object(self, out, (&plan.key, shape), (level, at))?,
                    None => write::fixed(out, shape),
                },
                AggregateItem::Figures(figures) => {
                    out.push(b'{');
                    for (n, (key, figure)) in figures.iter().enumerate() {
                        write::write_key(out, n, key);
                        match figure {
                            Figure::Typename(name) => json::quoted(out, name),
                            Figure::Measure(n, parts) => {
                                write_figure(out, plan.measures[*n], &group.tallies[*n], parts);
                            }
                        }
                    }
                    out.push(b'}');
                }
            }
        }
        out.push(b'}');
        Ok(())
    }
}

/// The most rows that groups and currencies together may come to.
const MAX_ROWS: usize = 20 * MAX_GROUPS;

/// The most stretches that the periods of the most groups may touch.
const MAX_STRETCHES: usize = 3 * MAX_GROUPS;

/// The currency columns of the amounts measured.
fn currencies(plan: &Aggregate) -> Vec<&'static str> {
    let mut columns: Vec<&'static str> = plan.measures.iter().filter_map(|measure| measure.field.currency).collect();
    columns.sort_unstable();
    columns.dedup();
    columns
}

/// One group: its rows of figures put together.
struct Gathered {
    /// A row with its key; none where there is no key and no row.
    first: Option<usize>,
    count: i64,
    /// What each measure came to, by currency; under the empty one where it has none.
    tallies: Vec<BTreeMap<String, Tally>>,
}

/// A figure in the making: the sum or bound, and how many values it is of.
#[derive(Clone, Copy, Default)]
struct Tally {
    figure: i128,
    count: i64,
}

/// Puts rows of the same key together; they stand side by side.
fn gather(plan: &Aggregate, rows: &[QueryResult]) -> Result<Vec<Gathered>> {
    let currencies = currencies(plan);
    let empty = |first| Gathered { first, count: 0, tallies: vec![BTreeMap::new(); plan.measures.len()] };
    let mut groups: Vec<(Vec<Value>, Gathered)> = Vec::new();
    for (at, row) in rows.iter().enumerate() {
        let key = plan
            .key
            .slots
            .iter()
            .enumerate()
            .map(|(n, slot)| json::value(row, n, slot.ty()))
            .collect::<Result<Vec<_>>>()?;
        if groups.last().is_none_or(|(last, _)| *last != key) {
            groups.push((key, empty((!plan.groups.is_empty()).then_some(at))));
        }
        let Some((_, group)) = groups.last_mut() else { continue };
        let counted = plan.groups.len() + currencies.len();
        group.count += json::bigint(row, counted)?.unwrap_or(0);
        for (n, measure) in plan.measures.iter().enumerate() {
            let place = counted + 1 + 3 * n;
            let part = |at: usize| json::bigint(row, place + at);
            let (Some(upper), Some(lower), Some(count)) = (part(0)?, part(1)?, part(2)?) else { continue };
            let figure = match measure.function {
                Function::Sum | Function::Avg => (i128::from(upper) << 32) + i128::from(lower),
                Function::Min | Function::Max => upper.into(),
            };
            let currency =
                match measure.field.currency.and_then(|column| currencies.iter().position(|other| *other == column)) {
                    Some(at) => json::text(row, plan.groups.len() + at)?.unwrap_or_default().to_owned(),
                    None => String::new(),
                };
            group.tallies[n]
                .entry(currency)
                .and_modify(|tally| tally.add(measure.function, figure, count))
                .or_insert(Tally { figure, count });
        }
    }
    if groups.is_empty() && plan.groups.is_empty() {
        groups.push((vec![], empty(None)));
    }
    Ok(groups.into_iter().map(|(_, group)| group).collect())
}

impl Tally {
    fn add(&mut self, function: Function, figure: i128, count: i64) {
        self.count += count;
        self.figure = match function {
            Function::Sum | Function::Avg => self.figure + figure,
            Function::Min => self.figure.min(figure),
            Function::Max => self.figure.max(figure),
        };
    }
}

fn write_figure(out: &mut Out, measure: Measure, tallies: &BTreeMap<String, Tally>, parts: &[(String, &'static str)]) {
    use std::io::Write;
    if measure.field.currency.is_some() {
        out.push(b'[');
        for (n, (currency, tally)) in tallies.iter().enumerate() {
            if n > 0 {
                out.push(b',');
            }
            let minor = if measure.function == Function::Avg { mean(tally) } else { tally.figure };
            write::write_money(out, minor, currency, parts);
        }
        out.push(b']');
        return;
    }
    let Some(tally) = tallies.get("").filter(|tally| tally.count > 0) else { return json::null(out) };
    // A bound is a value of the column.
    let bound = i64::try_from(tally.figure).unwrap_or_default();
    match (measure.function, measure.field.ty) {
        (Function::Sum, _) => json::quoted(out, &tally.figure.to_string()),
        #[expect(clippy::cast_precision_loss, reason = "a mean is a floating-point figure")]
        (Function::Avg, _) => {
            // Writing into a Vec cannot fail.
            let _ = write!(out, "{}", tally.figure as f64 / tally.count as f64);
        }
        (_, Type::Instant) => json::instant(out, bound),
        (_, Type::Day) => {
            json::quoted(out, &Day(i32::try_from(bound).unwrap_or_default()).to_date().to_string());
        }
        _ => json::integer(out, bound),
    }
}

/// The mean of amounts in minor units, half away from zero as money is rounded in trade.
fn mean(tally: &Tally) -> i128 {
    let count = i128::from(tally.count.max(1));
    let (quotient, rest) = (tally.figure / count, tally.figure % count);
    quotient + if rest.abs() * 2 >= count { rest.signum() } else { 0 }
}
