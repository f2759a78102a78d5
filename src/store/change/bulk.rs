//! Bulk upserts: many records, each recognised by what other systems call it or by a unique field.

use std::collections::HashMap;

use entity::{
    Kind, id,
    table::{Choices, EXTERNAL_IDS, Field},
};
use sea_orm::{Value, prelude::Uuid};
use serde_json::{Value as Json, json};

use crate::{
    access::Policy,
    error::{Error, Result, UserCode, UserError},
    store::{Change, Draft, Noun, Saved, json as cells, read::filter, sql::Engine, value},
};

/// The most items of one call.
pub const MAX_ITEMS: usize = 1_000;

/// What happens to the others where an item fails.
pub const ON_ERROR: &Choices = &Choices {
    name: "BulkOnError",
    doc: "What to do with the other items if one fails.",
    values: &[("ROLLBACK_ALL", "All changes are rolled back."), ("SKIP_FAILED", "The other items are saved.")],
};

/// What became of an item.
pub const STATUS: &Choices = &Choices {
    name: "BulkStatus",
    doc: "Result of one item or row.",
    values: &[
        ("CREATED", "The item created a record."),
        ("UPDATED", "The item updated a record."),
        ("UNCHANGED", "The record already had these values."),
        ("ROLLED_BACK", "The item was rolled back because another item failed."),
        ("FAILED", "The item was rejected."),
    ],
};

/// What happens to the others where an item fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnError {
    /// Nothing is changed at all.
    RollBackAll,
    /// The others are kept.
    SkipFailed,
}

/// What became of an item.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// How it was saved; nothing where it failed.
    pub saved: Option<Saved>,
    /// The record; nothing where it failed or was undone.
    pub record: Option<Uuid>,
    /// Why it failed.
    pub mistakes: Vec<UserError>,
    /// Whether it was undone because another item failed.
    pub rolled_back: bool,
}

impl Outcome {
    /// As the API names it.
    #[must_use]
    pub fn status(&self) -> &'static str {
        if self.rolled_back && self.saved.is_some() {
            return "ROLLED_BACK";
        }
        status(self.saved)
    }

    fn failed(mut mistakes: Vec<UserError>, index: usize) -> Self {
        for mistake in &mut mistakes {
            mistake.index = Some(index);
        }
        Self { mistakes, ..Self::default() }
    }
}

/// How an item was saved, as the API names it; nothing where it failed.
#[must_use]
pub const fn status(saved: Option<Saved>) -> &'static str {
    match saved {
        Some(Saved::Created) => "CREATED",
        Some(Saved::Updated) => "UPDATED",
        Some(Saved::Unchanged) => "UNCHANGED",
        None => "FAILED",
    }
}

/// Reads what [`status`] has named.
#[must_use]
pub fn saved(status: Option<&str>) -> Option<Saved> {
    [Saved::Created, Saved::Updated, Saved::Unchanged]
        .into_iter()
        .find(|saved| Some(self::status(Some(*saved))) == status)
}

/// Reads the items; which are changes and which are new shows only later, so each is read as new.
#[must_use]
pub fn drafts(noun: &dyn Noun, items: &[Json], policy: &Policy) -> Vec<Result<Draft>> {
    let read = |item: &Json| match item.as_object() {
        Some(object) => Draft::read(noun.kind(), object, true, (policy, noun.extras())),
        None => Err(Error::argument("An item must be an object.")),
    };
    items.iter().map(read).collect()
}

/// Creates or changes records, each on its own: an item that fails leaves the others.
pub async fn upsert(
    noun: &dyn Noun,
    change: &mut Change,
    mut drafts: Vec<Result<Draft>>,
    match_on: Option<&str>,
) -> Result<Vec<Outcome>> {
    resolve(change, &mut drafts).await?;
    let mut found = recognise(noun, change, &drafts, match_on).await?;
    let new = found.iter().flatten().filter(|known| known.record.is_none()).flat_map(|known| &known.identities);
    let new: Vec<String> = new.map(Identity::name).collect();
    if change.store().engine() == Engine::Postgres && !new.is_empty() {
        change.lock_names(noun.kind(), new).await?;
        // Others may have created them while this waited.
        found = recognise(noun, change, &drafts, match_on).await?;
    }
    let records: Vec<Uuid> = found.iter().flatten().filter_map(|known| known.record).collect();
    // All of them now and in one order, so that two calls over the same records do not wait for each other.
    change.lock_rows(noun.kind(), &records).await?;
    let mut made: HashMap<Identity, Uuid> = HashMap::new();
    let mut outcomes = Vec::with_capacity(drafts.len());
    for (index, (draft, known)) in drafts.into_iter().zip(found).enumerate() {
        let done = match (draft, known) {
            (Ok(draft), Ok(known)) => {
                // An earlier item of this very call may have made it.
                let earlier = || known.identities.iter().find_map(|identity| made.get(identity)).copied();
                let existing = known.record.or_else(earlier);
                let done = save(noun, change, draft, (existing, match_on)).await;
                if let Ok((id, _)) = &done {
                    made.extend(known.identities.into_iter().map(|identity| (identity, *id)));
                }
                done
            }
            (Err(error), _) | (_, Err(error)) => Err(error),
        };
        outcomes.push(match done {
            Ok((id, saved)) => Outcome { saved: Some(saved), record: Some(id), mistakes: vec![], rolled_back: false },
            Err(Error::Input(mistakes)) => Outcome::failed(mistakes, index),
            Err(error) => return Err(error),
        });
    }
    Ok(outcomes)
}

/// Looks up what the items refer to, for all of them at once.
async fn resolve(change: &Change, drafts: &mut [Result<Draft>]) -> Result<()> {
    let mut good: Vec<&mut Draft> = drafts.iter_mut().filter_map(|draft| draft.as_mut().ok()).collect();
    let mut mistakes = change.resolve(&mut good).await?.into_iter();
    for draft in drafts.iter_mut().filter(|draft| draft.is_ok()) {
        if let Some(mistakes) = mistakes.next().filter(|mistakes| !mistakes.is_empty()) {
            *draft = Err(Error::Input(mistakes));
        }
    }
    Ok(())
}

/// Changes the record that an item was recognised as, or creates one. Where somebody else creates the same record at
/// the same moment, it is theirs that is changed.
async fn save(
    noun: &dyn Noun,
    change: &mut Change,
    draft: Draft,
    (existing, match_on): (Option<Uuid>, Option<&str>),
) -> Result<(Uuid, Saved)> {
    if let Some(id) = existing {
        return overwrite(noun, change, draft, (id, match_on)).await;
    }
    let created = change.attempt(async |change| noun.create(change, draft.clone()).await).await;
    let taken = match created {
        Ok(id) => return Ok((id, Saved::Created)),
        Err(Error::Input(mistakes)) if mistakes.iter().all(|mistake| mistake.code == UserCode::Taken) => {
            Error::Input(mistakes)
        }
        Err(error) => return Err(error),
    };
    let drafts = [Ok(draft.clone())];
    let again = recognise(noun, change, &drafts, match_on).await?.into_iter().next().transpose()?;
    match again.and_then(|known| known.record) {
        Some(id) => overwrite(noun, change, draft, (id, match_on)).await,
        None => Err(taken),
    }
}

async fn overwrite(
    noun: &dyn Noun,
    change: &mut Change,
    mut draft: Draft,
    (id, match_on): (Uuid, Option<&str>),
) -> Result<(Uuid, Saved)> {
    let table = noun.kind().table();
    draft.forget_fixed(table);
    // What a record is found by is no value to be written: it may be one of several that lead to it.
    if let Some(field) = match_on.and_then(|name| table.field(name)) {
        draft.forget(table, field.column);
    }
    change.attempt(async |change| Ok((id, noun.update(change, id, None, draft).await?))).await
}

/// By what a record is recognised, as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Identity {
    /// What another system calls it: system and id.
    External(String, String),
    /// The value of a unique field.
    Unique(String),
}

impl Identity {
    /// As one text, which only a lock is named after.
    fn name(&self) -> String {
        match self {
            Self::External(system, id) => format!("external {system} {id}"),
            Self::Unique(value) => format!("unique {value}"),
        }
    }
}

/// What is known of an item's record before it is saved.
#[derive(Clone, Debug)]
pub struct Recognised {
    /// Its id, if there is one.
    pub record: Option<Uuid>,
    /// By what later items of the same call may recognise it.
    pub identities: Vec<Identity>,
}

/// Finds the records of drafts by their external ids or by a unique field.
pub async fn recognise(
    noun: &dyn Noun,
    change: &Change,
    drafts: &[Result<Draft>],
    match_on: Option<&str>,
) -> Result<Vec<Result<Recognised>>> {
    let table = noun.kind().table();
    match match_on {
        None | Some("externalId") => {
            let mut systems: HashMap<&str, Vec<String>> = HashMap::new();
            for (system, id) in drafts.iter().flatten().flat_map(|draft| &draft.external_ids) {
                systems.entry(system).or_default().push(id.clone());
            }
            let mut known: HashMap<(String, String), Uuid> = HashMap::new();
            for (system, ids) in systems {
                let rows = change.by_external_ids(noun.kind(), system, &ids).await?;
                known.extend(rows.into_iter().map(|(external, id)| ((system.to_owned(), external), id)));
            }
            let one = |draft: &Result<Draft>| {
                let names = draft.as_ref().map(|draft| draft.external_ids.clone()).unwrap_or_default();
                let mut records: Vec<Uuid> = names.iter().filter_map(|name| known.get(name)).copied().collect();
                records.sort_unstable();
                records.dedup();
                if records.len() > 1 {
                    return Err(Error::input(
                        UserCode::Conflict,
                        EXTERNAL_IDS,
                        "These external ids belong to different records.",
                    ));
                }
                if names.is_empty() && match_on.is_some() && draft.is_ok() {
                    return Err(missing(EXTERNAL_IDS));
                }
                let identities = names.into_iter().map(|(system, id)| Identity::External(system, id));
                Ok(Recognised { record: records.first().copied(), identities: identities.collect() })
            };
            Ok(drafts.iter().map(one).collect())
        }
        Some(name) => {
            let Some(field) = table.field(name).filter(|field| field.unique) else {
                let unique: Vec<&str> = table.unique().map(|field| field.name.as_str()).collect();
                let message = format!(
                    "matchOn must be externalId{}{}.",
                    if unique.is_empty() { "" } else { " or " },
                    unique.join(" or ")
                );
                return Err(Error::input(UserCode::Invalid, "matchOn", message));
            };
            recognise_by(noun, change, drafts, field).await
        }
    }
}

async fn recognise_by(
    noun: &dyn Noun,
    change: &Change,
    drafts: &[Result<Draft>],
    field: &'static Field,
) -> Result<Vec<Result<Recognised>>> {
    let table = noun.kind().table();
    let mut found = Vec::with_capacity(drafts.len());
    for draft in drafts {
        let given = draft.as_ref().ok().and_then(|draft| draft.get(table, field.column));
        let Some(Value::String(Some(text))) = given else {
            found.push(Err(missing(&field.name)));
            continue;
        };
        let text = noun.normalise(&field.name, text);
        let mut sql = change.sql();
        sql.push("SELECT t.id FROM ").table(table.table).push(" t WHERE ");
        let named = filter::Filter::Unique(field, text.clone());
        named.check(change.store().actor(), noun.kind())?.push(&mut sql, change.store().actor(), "t");
        filter::and_live(&mut sql, table, "t");
        let rows = change.fetch(sql).await?;
        let record = rows.first().map(|row| cells::uuid(row, 0)).transpose()?.flatten();
        found.push(Ok(Recognised { record, identities: vec![Identity::Unique(text)] }));
    }
    Ok(found)
}

/// An item without what its record is recognised by; created anyway, it would be created at every run.
fn missing(field: &str) -> Error {
    Error::input(UserCode::Required, field, format!("{field} is required, because records are matched by it."))
}

/// The outcomes of a run that was undone, without records. Of a dry run they tell what would have happened; where an
/// item failed and that undoes all, the others are rolled back, dry or not.
#[must_use]
pub fn undone(outcomes: Vec<Outcome>, rolled_back: bool) -> Vec<Outcome> {
    outcomes.into_iter().map(|outcome| Outcome { record: None, rolled_back, ..outcome }).collect()
}

/// Outcomes as they are kept under an idempotency key.
#[must_use]
pub fn show(kind: Kind, outcomes: &[Outcome]) -> Json {
    let one = |outcome: &Outcome| {
        let mistakes = outcome.mistakes.iter().map(|mistake| {
            json!({
                "code": mistake.code.as_str(),
                "reason": mistake.reason,
                "message": mistake.message,
                "field": mistake.field,
                "index": mistake.index,
                "conflict": mistake.conflict.map(|(kind, id)| id::global(kind, id)),
            })
        });
        json!({
            "status": outcome.status(),
            "record": outcome.record.map(|record| id::global(kind, record)),
            "mistakes": mistakes.collect::<Vec<_>>(),
        })
    };
    outcomes.iter().map(one).collect()
}

/// Reads what [`show`] has written.
#[must_use]
pub fn read(kind: Kind, kept: &Json) -> Vec<Outcome> {
    let one = |json: &Json| {
        let saved = saved(json["status"].as_str());
        let mistakes = json["mistakes"].as_array().into_iter().flatten().map(|mistake| {
            let code = UserCode::ALL.iter().find(|code| Some(code.as_str()) == mistake["code"].as_str()).copied();
            let field: Vec<String> = serde_json::from_value(mistake["field"].clone()).unwrap_or_default();
            let mut error =
                UserError::new(code.unwrap_or(UserCode::Invalid), "", mistake["message"].as_str().unwrap_or_default());
            error.field = field;
            error.reason = mistake["reason"].as_str().map(|reason| reason.to_owned().into());
            error.conflict = mistake["conflict"].as_str().and_then(id::parse);
            error.index = mistake["index"].as_u64().and_then(|index| usize::try_from(index).ok());
            error
        });
        Outcome {
            saved,
            record: json["record"].as_str().and_then(|id| value::key(kind, id).ok()),
            mistakes: mistakes.collect(),
            rolled_back: false,
        }
    };
    kept.as_array().into_iter().flatten().map(one).collect()
}
