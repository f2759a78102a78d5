//! From rows to records: each row on its own, within its actor's rights, or refused with every reason.

use std::collections::{HashMap, HashSet};

use entity::{Kind, id};
use sea_orm::prelude::Uuid;

use super::{Item, LinkRef, Row, links::Links};
use crate::{
    access::Action,
    error::{Error, Result, UserCode, UserError},
    store::{
        Change, Draft, JobRow, Noun, Saved,
        bulk::{self, Recognised},
    },
};

/// Most characters of a row's reasons that are kept.
const MOST: usize = 2_000;

/// Saves the rows of one import.
pub(super) struct Saver {
    noun: &'static dyn Noun,
    match_on: Option<String>,
    /// Lines refused here, so that a repetition of one is refused as well.
    refused: HashSet<u64>,
}

/// What is known of the rows of a chunk.
struct Chunk {
    links: Links,
    /// Records by the names under which rows before have saved them.
    made: HashMap<String, Uuid>,
}

impl Saver {
    pub fn new(noun: &'static dyn Noun, match_on: Option<&str>) -> Self {
        Self { noun, match_on: match_on.map(str::to_owned), refused: HashSet::new() }
    }

    /// Saves some rows and tells what became of each.
    pub async fn save(&mut self, change: &mut Change, rows: &[Row]) -> Result<Vec<JobRow>> {
        let items = || rows.iter().filter_map(|row| if let Row::Item(item) = row { Some(item) } else { None });
        let mut chunk = Chunk { links: Links::look_up(change, items()).await?, made: HashMap::new() };
        let identities: Vec<Result<Draft>> = rows.iter().map(|row| Ok(self.identity(row))).collect();
        let known = bulk::recognise(self.noun, change, &identities, self.match_on.as_deref()).await?;
        let mut saved = Vec::with_capacity(rows.len());
        for (row, known) in rows.iter().zip(known) {
            saved.push(self.row(change, row, known, &mut chunk).await?);
        }
        Ok(saved)
    }

    async fn row(
        &mut self,
        change: &mut Change,
        row: &Row,
        known: Result<Recognised>,
        chunk: &mut Chunk,
    ) -> Result<JobRow> {
        let done = match (row, known) {
            (Row::Refused { reasons, .. }, _) => return Ok(refused(row, reasons)),
            (Row::Repeated { first, .. }, _) if self.refused.contains(first) => {
                Err(Error::input(UserCode::Invalid, "", format!("says the same as line {first}, which is refused")))
            }
            (Row::Repeated { .. }, known) => {
                let record = known.ok().and_then(|known| existing(&known, chunk));
                return Ok(JobRow { line: line(row), saved: Some(Saved::Unchanged), record, message: None });
            }
            (Row::Item(_), Err(error)) => Err(error),
            (Row::Item(item), Ok(known)) => self.item(change, item, known, chunk).await,
        };
        match done {
            Ok((id, saved)) => Ok(JobRow { line: line(row), saved: Some(saved), record: Some(id), message: None }),
            Err(Error::Input(mistakes)) => {
                self.refused.insert(row.line());
                Ok(refused(row, &mistakes.iter().map(reason).collect::<Vec<_>>()))
            }
            Err(error) => Err(error),
        }
    }

    async fn item(
        &self,
        change: &mut Change,
        item: &Item,
        known: Recognised,
        chunk: &mut Chunk,
    ) -> Result<(Uuid, Saved)> {
        let existing = existing(&known, chunk);
        let mut made = Vec::new();
        let links = &chunk.links;
        let made_here = &mut made;
        let work = async move |change: &mut Change| self.write(change, item, existing, (links, made_here)).await;
        let (id, saved) = change.attempt(work).await?;
        chunk.made.extend(known.names.into_iter().map(|name| (name, id)));
        if self.match_on.is_none() {
            let own = made.iter().filter(|(link, _)| link.target == self.noun.kind());
            chunk.made.extend(own.map(|(link, id)| (name(&link.system, &link.id), *id)));
        }
        chunk.links.keep(made);
        Ok((id, saved))
    }

    async fn write(
        &self,
        change: &mut Change,
        item: &Item,
        existing: Option<Uuid>,
        (links, made): (&Links, &mut Vec<(LinkRef, Uuid)>),
    ) -> Result<(Uuid, Saved)> {
        let kind = self.noun.kind();
        let mut values = item.values.clone();
        if existing.is_none() {
            values.extend(item.initial.clone());
        }
        let mut mistakes = Vec::new();
        for link in &item.links {
            match links.resolve(change, link, made).await {
                Ok(target) => drop(values.insert(link.field.clone(), id::global(link.target, target).into())),
                Err(Error::Input(why)) => mistakes.extend(why),
                Err(error) => return Err(error),
            }
        }
        let draft = match Draft::read(kind, &values, true, (&change.store().actor().policy, &[])) {
            Ok(draft) => Some(draft),
            Err(Error::Input(why)) => {
                mistakes.extend(why);
                None
            }
            Err(error) => return Err(error),
        };
        let Some(mut draft) = draft.filter(|_| mistakes.is_empty()) else { return Err(Error::Input(mistakes)) };
        let (id, saved) = if let Some(id) = existing {
            (id, self.noun.update(change, id, None, draft).await.map_err(|error| out_of_reach(kind, error))?)
        } else {
            draft.external_ids.extend(item.external.clone());
            (self.noun.create(change, draft).await?, Saved::Created)
        };
        if saved != Saved::Unchanged {
            change.must_reach(kind, id, Action::Import).await?;
        }
        Ok((id, saved))
    }

    /// A draft of nothing but what a row is recognised by.
    fn identity(&self, row: &Row) -> Draft {
        let mut draft = Draft::default();
        match row {
            Row::Item(Item { external, values, .. }) => {
                draft.external_ids.extend(external.clone());
                let table = self.noun.kind().table();
                if let Some(field) = self.match_on.as_deref().and_then(|name| table.field(name))
                    && let Some(text) = values.get(&field.name).and_then(|value| value.as_str())
                {
                    draft.set(table, field.column, text);
                }
            }
            Row::Repeated { external, .. } => draft.external_ids.extend(external.clone()),
            // Whose record it would be does not matter.
            Row::Refused { .. } => {}
        }
        draft
    }
}

fn existing(known: &Recognised, chunk: &Chunk) -> Option<Uuid> {
    known.record.or_else(|| known.names.iter().find_map(|name| chunk.made.get(name)).copied())
}

/// As [`bulk::recognise`] names an external id.
fn name(system: &str, id: &str) -> String {
    format!("{system}\n{id}")
}

/// A record that is recognised but not found lies out of reach.
fn out_of_reach(kind: Kind, error: Error) -> Error {
    match error {
        Error::Input(mistakes)
            if mistakes.iter().any(|mistake| mistake.code == UserCode::NotFound && mistake.field == ["id"]) =>
        {
            Error::input(UserCode::NotFound, "", format!("its {} is out of your reach", kind.name()))
        }
        error => error,
    }
}

fn refused(row: &Row, reasons: &[String]) -> JobRow {
    let message: String = reasons.join("; ").chars().take(MOST).collect();
    JobRow { line: line(row), saved: None, record: None, message: Some(message) }
}

fn line(row: &Row) -> i32 {
    i32::try_from(row.line()).unwrap_or(i32::MAX)
}

/// A mistake as a refusal tells it: with its field, unless it names it already.
fn reason(mistake: &UserError) -> String {
    let field = mistake.field.join(".");
    let told = field.is_empty() || field == "id" || mistake.message.contains(&field);
    if told { mistake.message.clone() } else { format!("{field}: {}", mistake.message) }
}
