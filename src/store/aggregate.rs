//! Figures over groups of rows: counts, sums, means and bounds, on either engine the same.

use std::{collections::HashMap, str::FromStr};

use chrono::{DateTime, Datelike, Days, Months, NaiveDate, TimeZone};
use chrono_tz::Tz;
use entity::{
    Day,
    table::{Field, Type},
};
use sea_orm::{QueryResult, Value};

use super::{
    Store,
    filter::refuse_hidden,
    json::{self, Out},
    plan::{Find, Rows, Shape},
    scope,
    sql::{Engine, Sql},
    value, write,
};
use crate::{
    access::{Action, Reach},
    error::{Error, Result},
};

/// The most groups an answer may have.
pub const MAX_GROUPS: usize = 1_000;

/// Figures over groups of rows.
#[derive(Debug)]
pub struct Aggregate {
    /// Which rows; order and page do not count.
    pub find: Find,
    /// What groups them.
    pub groups: Vec<Group>,
    /// The key's columns (one slot per group, in order) and what hangs off them.
    pub key: Rows,
    /// What is measured.
    pub measures: Vec<Measure>,
    /// Keys in the order asked for.
    pub items: Vec<(String, AggregateItem)>,
}

/// One thing that groups rows.
#[derive(Clone, Debug)]
pub struct Group {
    /// The column.
    pub field: &'static Field,
    /// For dates and instants: the calendar period.
    pub bucket: Option<(Bucket, Tz)>,
}

/// A calendar period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bucket {
    /// From midnight to midnight.
    Day,
    /// From Monday to Sunday (ISO 8601).
    Week,
    /// A calendar month.
    Month,
    /// Three calendar months, the first from January on.
    Quarter,
    /// A calendar year.
    Year,
}

impl Bucket {
    /// The period of this name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "DAY" => Self::Day,
            "WEEK" => Self::Week,
            "MONTH" => Self::Month,
            "QUARTER" => Self::Quarter,
            "YEAR" => Self::Year,
            _ => return None,
        })
    }

    /// The first day of the period that a date lies in.
    #[must_use]
    pub fn start(self, date: NaiveDate) -> NaiveDate {
        let first = |month| NaiveDate::from_ymd_opt(date.year(), month, 1).unwrap_or(date);
        match self {
            Self::Day => date,
            Self::Week => date.checked_sub_days(Days::new(date.weekday().num_days_from_monday().into())).unwrap_or(date),
            Self::Month => first(date.month()),
            Self::Quarter => first((date.month0() / 3) * 3 + 1),
            Self::Year => first(1),
        }
    }

    /// The first day of the next period.
    #[must_use]
    pub fn next(self, start: NaiveDate) -> Option<NaiveDate> {
        match self {
            Self::Day => start.checked_add_days(Days::new(1)),
            Self::Week => start.checked_add_days(Days::new(7)),
            Self::Month => start.checked_add_months(Months::new(1)),
            Self::Quarter => start.checked_add_months(Months::new(3)),
            Self::Year => start.checked_add_months(Months::new(12)),
        }
    }
}

/// Midnight of a date in a zone, in milliseconds; where the clock skips midnight, the first moment of the day.
fn midnight(date: NaiveDate, zone: Tz) -> i64 {
    let midnight = date.and_hms_opt(0, 0, 0).unwrap_or_default();
    let found = zone.from_local_datetime(&midnight).earliest().or_else(|| {
        (1..=4).find_map(|half_hours| {
            zone.from_local_datetime(&(midnight + chrono::TimeDelta::minutes(30 * half_hours))).earliest()
        })
    });
    found.map_or_else(|| midnight.and_utc().timestamp_millis(), |at| at.timestamp_millis())
}

/// Reads an IANA time-zone name.
pub fn time_zone(name: &str) -> Result<Tz> {
    Tz::from_str(name).map_err(|_| Error::argument(format!("“{}” is not a time zone such as Europe/Berlin.", value::short(name))))
}

/// One figure of one column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Function {
    /// The sum.
    Sum,
    /// The arithmetic mean of the values there are.
    Avg,
    /// The least.
    Min,
    /// The greatest.
    Max,
}

/// What is measured.
#[derive(Clone, Copy, Debug)]
pub struct Measure {
    /// How.
    pub function: Function,
    /// Of which column.
    pub field: &'static Field,
}

/// What stands under a key of an aggregate.
#[derive(Debug)]
pub enum AggregateItem {
    /// The type's name.
    Typename(String),
    /// What its rows have in common.
    Key(Shape),
    /// How many rows.
    Count,
    /// Figures of columns: indexes of measures; for money also the parts asked for.
    Figures(Vec<(String, Figure)>),
}

/// What stands under a key of a group of figures.
#[derive(Debug)]
pub enum Figure {
    /// The type's name.
    Typename(String),
    /// A measure.
    Measure(usize, Vec<(String, &'static str)>),
}

impl Store {
    pub(super) async fn read_aggregate(&self, plan: &Aggregate, out: &mut Out) -> Result<()> {
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
        let plain = self.figures_sql(plan, &bounds, None)?;
        let rows = self.fetch(plain).await?;
        if rows.len() > MAX_GROUPS {
            return Err(Error::argument(format!("There are more than {MAX_GROUPS} groups; group more coarsely or filter.")));
        }
        let mut money = HashMap::new();
        for currency in plan.measures.iter().filter_map(|measure| measure.field.currency) {
            if !money.contains_key(currency) {
                let rows = self.fetch(self.figures_sql(plan, &bounds, Some(currency))?).await?;
                money.insert(currency, by_key(plan, rows)?);
            }
        }
        let level = self.load(&plan.key, rows).await?;
        out.push(b'[');
        for at in 0..level.rows.len() {
            if at > 0 {
                out.push(b',');
            }
            self.count_object();
            self.write_group(out, plan, (&level, at), &money)?;
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
            for (start, function) in [("SELECT ", "min("), (", ", "max(")] {
                sql.push(start).push(function).column("t", group.field.column).push(")");
            }
            sql.push(" FROM ").table(plan.key.kind.table().table).push(" t WHERE TRUE");
            self.and_found(&mut sql, (plan.key.kind, "t"), &plan.find)?;
            let rows = self.fetch(sql).await?;
            let Some(row) = rows.first() else { continue };
            let instants = matches!(group.field.ty, Type::Instant);
            let edge = |at: usize| -> Result<Option<NaiveDate>> {
                Ok(if instants {
                    json::bigint(row, at)?
                        .and_then(DateTime::from_timestamp_millis)
                        .map(|at| at.with_timezone(&zone).date_naive())
                } else {
                    json::int(row, at)?.map(|days| Day(days).to_date())
                })
            };
            let (Some(first), Some(last)) = (edge(0)?, edge(1)?) else { continue };
            let mut next = Some(bucket.start(first));
            while let Some(start) = next.filter(|start| *start <= last) {
                bounds.push(if instants { midnight(start, zone) } else { Day::from_date(start).0.into() });
                if bounds.len() > MAX_GROUPS {
                    return Err(Error::argument(format!("There are more than {MAX_GROUPS} periods; group more coarsely or filter.")));
                }
                next = bucket.next(start);
            }
        }
        Ok(all)
    }

    fn figures_sql(&self, plan: &Aggregate, bounds: &[Vec<i64>], currency: Option<&'static str>) -> Result<Sql> {
        let kind = plan.key.kind;
        let mut sql = Sql::new(self.engine());
        sql.push("SELECT ");
        for (group, bounds) in plan.groups.iter().zip(bounds) {
            self.push_group(&mut sql, group, bounds);
            sql.push(", ");
        }
        match currency {
            Some(currency) => sql.column("t", currency),
            None => sql.push("count(*)"),
        };
        for measure in &plan.measures {
            if measure.field.currency != currency {
                continue;
            }
            // The mean follows from sum and count, so that both engines round it alike.
            let bigint = matches!(measure.field.ty, Type::Money | Type::Instant);
            let (function, also) = match measure.function {
                Function::Sum => ("sum", ""),
                Function::Avg => ("sum", "count"),
                Function::Min => ("min", ""),
                Function::Max => ("max", ""),
            };
            sql.push(", ").push(function).push("(").column("t", measure.field.column).push(")");
            if function == "sum" && bigint && sql.engine() == Engine::Postgres {
                sql.push("::bigint");
            }
            if !also.is_empty() {
                sql.push(", count(").column("t", measure.field.column).push(")");
            }
        }
        sql.push(" FROM ").table(kind.table().table).push(" t WHERE TRUE");
        self.and_found(&mut sql, (kind, "t"), &plan.find)?;
        if let Some(currency) = currency {
            sql.push(" AND ").column("t", currency).push(" IS NOT NULL");
        }
        let keys = plan.groups.len() + usize::from(currency.is_some());
        if keys == 0 {
            return Ok(sql);
        }
        let places = (1..=keys).map(|place| place.to_string()).collect::<Vec<_>>();
        sql.push(" GROUP BY ").push(&places.join(", ")).push(" ORDER BY ");
        sql.push(&places.iter().map(|place| format!("{place} NULLS LAST")).collect::<Vec<_>>().join(", "));
        if currency.is_none() {
            sql.push(" LIMIT ").bind(i64::try_from(MAX_GROUPS + 1).unwrap_or(i64::MAX));
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
                sql.push("CASE WHEN EXISTS (SELECT 1 FROM ").table(target.table().table).push(" ").push(&other).push(" WHERE ");
                sql.column(&other, "id").push(" = ").column("t", column);
                scope::and_within(sql, self.actor(), (target, &other), Action::Read);
                sql.push(") THEN ").column("t", column).push(" END");
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
                        sql.push("(").bind(array.clone()).push(")[nullif(width_bucket(").column("t", column).push("::bigint, ");
                        sql.bind(array).push("), 0)]");
                        if matches!(group.field.ty, Type::Day) {
                            sql.push("::integer");
                        }
                    }
                    Engine::Sqlite => {
                        sql.push("(SELECT max(b.value) FROM json_each(").bind(json).push(") b WHERE b.value <= ");
                        sql.column("t", column).push(")");
                    }
                }
            }
            _ => {
                sql.column("t", column);
            }
        }
    }

    fn write_group(
        &self,
        out: &mut Out,
        plan: &Aggregate,
        (level, at): (&super::read::Level, usize),
        money: &HashMap<&'static str, HashMap<Vec<String>, Vec<QueryResult>>>,
    ) -> Result<()> {
        let row = &level.rows[at];
        out.push(b'{');
        for (n, (key, item)) in plan.items.iter().enumerate() {
            write::write_key(out, n, key);
            match item {
                AggregateItem::Typename(name) => json::quoted(out, name),
                AggregateItem::Count => json::integer(out, json::bigint(row, plan.groups.len())?.unwrap_or(0)),
                AggregateItem::Key(shape) => write::object(self, out, (&plan.key, shape), (level, at))?,
                AggregateItem::Figures(figures) => {
                    out.push(b'{');
                    for (n, (key, figure)) in figures.iter().enumerate() {
                        write::write_key(out, n, key);
                        match figure {
                            Figure::Typename(name) => json::quoted(out, name),
                            Figure::Measure(n, parts) => {
                                let measure = plan.measures[*n];
                                match measure.field.currency {
                                    Some(currency) => {
                                        let rows = money.get(currency).and_then(|rows| rows.get(&group_key(plan, row).ok()?));
                                        write_money(out, plan, (*n, parts), rows.map_or(&[], Vec::as_slice))?;
                                    }
                                    None => write_figure(out, plan, *n, row)?,
                                }
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

/// Where a measure's first column stands in a row of figures.
fn place(plan: &Aggregate, n: usize) -> usize {
    let currency = plan.measures[n].field.currency;
    let before = plan.measures[..n].iter().filter(|measure| measure.field.currency == currency);
    plan.groups.len() + 1 + before.map(|measure| if measure.function == Function::Avg { 2 } else { 1 }).sum::<usize>()
}

fn write_figure(out: &mut Out, plan: &Aggregate, n: usize, row: &QueryResult) -> Result<()> {
    use std::io::Write;
    let (measure, at) = (plan.measures[n], place(plan, n));
    match (measure.function, measure.field.ty) {
        (Function::Sum, _) => match json::bigint(row, at)? {
            Some(sum) => json::quoted(out, &sum.to_string()),
            None => json::null(out),
        },
        (Function::Avg, _) => match (json::bigint(row, at)?, json::bigint(row, at + 1)?) {
            #[expect(clippy::cast_precision_loss, reason = "a mean is a floating-point figure")]
            (Some(sum), Some(count)) if count > 0 => {
                let _ = write!(out, "{}", sum as f64 / count as f64);
            }
            _ => json::null(out),
        },
        (_, Type::Instant) => match json::bigint(row, at)? {
            Some(millis) => json::instant(out, millis),
            None => json::null(out),
        },
        (_, Type::Day) => match json::int(row, at)? {
            Some(days) => json::quoted(out, &Day(days).to_date().to_string()),
            None => json::null(out),
        },
        _ => match json::int(row, at)? {
            Some(number) => json::integer(out, number.into()),
            None => json::null(out),
        },
    }
    Ok(())
}

fn write_money(out: &mut Out, plan: &Aggregate, (n, parts): (usize, &[(String, &'static str)]), rows: &[QueryResult]) -> Result<()> {
    let at = place(plan, n);
    out.push(b'[');
    for (nth, row) in rows.iter().enumerate() {
        let (Some(currency), Some(minor)) = (json::text(row, plan.groups.len())?, json::bigint(row, at)?) else { continue };
        let minor = match plan.measures[n].function {
            // Half away from zero, as money is rounded in trade.
            Function::Avg => {
                let count = json::bigint(row, at + 1)?.unwrap_or(1).max(1);
                let (quotient, rest) = (minor / count, minor % count);
                quotient + if rest.abs() * 2 >= count { rest.signum() } else { 0 }
            }
            _ => minor,
        };
        if nth > 0 {
            out.push(b',');
        }
        write::write_money(out, minor, currency, parts);
    }
    out.push(b']');
    Ok(())
}

fn group_key(plan: &Aggregate, row: &QueryResult) -> Result<Vec<String>> {
    let cell = |(at, slot): (usize, &super::plan::Slot)| Ok(format!("{:?}", json::value(row, at, slot.ty())?));
    plan.key.slots.iter().enumerate().map(cell).collect()
}

fn by_key(plan: &Aggregate, rows: Vec<QueryResult>) -> Result<HashMap<Vec<String>, Vec<QueryResult>>> {
    let mut found: HashMap<Vec<String>, Vec<QueryResult>> = HashMap::new();
    for row in rows {
        found.entry(group_key(plan, &row)?).or_default().push(row);
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_date_lies_in_its_period(days in -10_000_i32..40_000, bucket in prop::sample::select(vec![Bucket::Day, Bucket::Week, Bucket::Month, Bucket::Quarter, Bucket::Year])) {
            let date = Day(days).to_date();
            let start = bucket.start(date);
            prop_assert!(start <= date && date < bucket.next(start).unwrap());
            prop_assert_eq!(bucket.start(start), start);
        }
    }

    #[test]
    fn a_day_that_has_no_midnight_starts_at_its_first_moment() {
        // São Paulo's clocks went from 23:59:59 to 01:00 on 4 November 2018.
        let date = NaiveDate::from_ymd_opt(2018, 11, 4).unwrap();
        assert_eq!(midnight(date, chrono_tz::America::Sao_Paulo), date.and_hms_opt(3, 0, 0).unwrap().and_utc().timestamp_millis());
    }
}
