//! Makes sure, before anything is measured, that both sides answer, answer rightly, and answer the same.

use std::collections::BTreeMap;

use entity::id;
use rust_decimal::Decimal;
use sea_orm::prelude::Uuid;
use serde_json::Value;

use crate::{
    Outcome,
    cases::Case,
    data::{EMPLOYEES, World, account_name},
    http,
    servers::{Floor, Tandem, data},
};

/// Asks each side the same and compares every field of the answers.
pub async fn check(case: Case, world: &World, floor: &Floor, tandem: Option<&Tandem>) -> Outcome<()> {
    for number in 0..4 {
        let by_floor = http::once(floor.server.address, &case.floor_request(world, number)).await?;
        right(case, world, &by_floor).map_err(|why| format!("the floor, {}: {why}", case.title()))?;
        if let Some(tandem) = tandem {
            let answer = http::once(tandem.server.address, &tandem.request(case, world, number)).await?;
            let by_tandem = data(answer)?;
            right(case, world, &by_tandem).map_err(|why| format!("Tandem, {}: {why}", case.title()))?;
            match case {
                // Each write makes its own row or version.
                Case::Create | Case::Update => {}
                Case::Aggregate => {
                    let (floor, tandem) = (by_stage(&by_floor)?, by_stage(&by_tandem)?);
                    if floor != tandem {
                        return Err(format!("the sides differ by stage: {floor:?} and {tandem:?}").into());
                    }
                }
                _ => same("data", &by_floor, &by_tandem)?,
            }
        }
    }
    Ok(())
}

/// What an answer of this case must be on any side.
fn right(case: Case, world: &World, answer: &Value) -> Outcome<()> {
    let nodes = |of: &Value| of["nodes"].as_array().cloned().unwrap_or_default();
    let accounts = nodes(&answer["accounts"]);
    let names: Vec<&str> = accounts.iter().filter_map(|account| account["name"].as_str()).collect();
    let ordered = names.is_sorted_by(|a, b| a.to_lowercase() < b.to_lowercase());
    let holds = match case {
        Case::Account => answer["account"]["name"].is_string(),
        Case::Filtered => {
            let selects = |account: &Value| {
                account["industry"] == accounts[0]["industry"]
                    && account["employeeCount"].as_i64().is_some_and(|count| count >= i64::from(EMPLOYEES))
            };
            names.len() == 50 && ordered && accounts.iter().all(selects)
        }
        Case::Nested => {
            let leads: Vec<Value> = accounts.iter().flat_map(|account| nodes(&account["leads"])).collect();
            let deals: Vec<usize> = leads.iter().map(|lead| nodes(&lead["deals"]).len()).collect();
            // Some lead of the page has more deals than it shows, and most have a persona.
            names.len() == 20
                && ordered
                && leads.len() == 200
                && deals.iter().max() == Some(&5)
                && leads.iter().filter(|lead| lead["persona"]["name"].is_string()).count() > 150
        }
        Case::Aggregate => {
            let by_stage = by_stage(answer)?;
            by_stage.len() == 6 && by_stage.values().map(|(count, _)| count).sum::<i64>() == i64::from(world.deals())
        }
        Case::Page => {
            let first = account_name(world.page_after());
            names.len() == 50 && ordered && names[0] == first
        }
        Case::Create => {
            answer["leadCreate"]["lead"]["stage"] == "RAW"
                && answer["leadCreate"]["userErrors"].as_array().is_some_and(Vec::is_empty)
        }
        Case::Update => {
            answer["accountUpdate"]["account"]["version"].as_i64().is_some_and(|version| version > 1)
                && answer["accountUpdate"]["userErrors"].as_array().is_some_and(Vec::is_empty)
        }
    };
    if holds { Ok(()) } else { Err(format!("not the expected rows: {answer}").into()) }
}

/// Deals and money of each stage, whether an answer splits a stage by currency or not.
fn by_stage(answer: &Value) -> Outcome<BTreeMap<String, (i64, Decimal)>> {
    let mut stages = BTreeMap::new();
    for row in answer["dealAggregate"].as_array().ok_or("no rows")? {
        let name = row["key"]["stage"]["name"].as_str().ok_or("a row without stage")?;
        let (count, sum): &mut (i64, Decimal) = stages.entry(name.to_owned()).or_default();
        *count += row["count"].as_i64().ok_or("a row without count")?;
        let amounts = &row["sum"]["amount"];
        let amounts = amounts.as_array().cloned().unwrap_or_else(|| vec![amounts.clone()]);
        for amount in amounts.iter().filter_map(|amount| amount["amount"].as_str()) {
            *sum += amount.parse::<Decimal>()?;
        }
    }
    Ok(stages)
}

/// Compares all that the floor returns; ids are written differently, amounts may be.
fn same(path: &str, floor: &Value, tandem: &Value) -> Outcome<()> {
    match (floor, tandem) {
        (Value::Object(floor), Value::Object(_)) => {
            for (key, value) in floor {
                same(&format!("{path}.{key}"), value, &tandem[key.as_str()])?;
            }
            Ok(())
        }
        (Value::Array(floor), Value::Array(tandem)) if floor.len() == tandem.len() => {
            for (at, (floor, tandem)) in floor.iter().zip(tandem).enumerate() {
                same(&format!("{path}.{at}"), floor, tandem)?;
            }
            Ok(())
        }
        (Value::String(floor), Value::String(tandem)) if same_text(floor, tandem) => Ok(()),
        _ if floor == tandem => Ok(()),
        _ => Err(format!("the sides differ at {path}: {floor} and {tandem}").into()),
    }
}

fn same_text(floor: &str, tandem: &str) -> bool {
    let same_id = || Some(Uuid::parse_str(floor).ok()? == id::parse(tandem)?.1);
    let same_amount = || Some(floor.parse::<Decimal>().ok()? == tandem.parse::<Decimal>().ok()?);
    floor == tandem || same_id().or_else(same_amount).unwrap_or(false)
}
