//! From rows to records: each row on its own, within its actor's rights, or refused with every reason.

use std::{
    collections::{HashMap, HashSet},
    time::{Duration, Instant},
};

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
    text::escaped,
};

/// Most characters of a row's reasons that are kept.
const MAX_CHARACTERS: usize = 2_000;

/// Saves the rows of one import.
pub(super) struct Saver {
    noun: &'static dyn Noun,
    match_on: Option<String>,
    /// Lines refused here, so that a repetition of one is refused as well.
    refused: HashSet<u64>,
    /// Records written by rows before, with the line of each.
    records: HashMap<Uuid, u64>,
}

/// What came of a row, and what it relied on.
pub(super) struct Came {
    /// As it is told.
    pub row: JobRow,
    /// The record that was there before it.
    pub existing: Option<Uuid>,
    /// Records that it made, or that rows before it made and it found.
    pub made: Vec<LinkRef>,
    /// Records of its own kind that decided what came of it.
    pub used: Vec<Uuid>,
}

/// By what a later row recognises the record of an earlier one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Key {
    /// Another system's id: system and id.
    External(String, String),
    /// The field by which the map recognises records.
    Field(String),
}

/// What is known of the rows of a chunk.
struct Chunk {
    links: Links,
    /// Records by the keys under which rows before have saved them.
    made: HashMap<Key, Uuid>,
    refused: HashSet<u64>,
    records: HashMap<Uuid, u64>,
}

/// The rows of a chunk.
pub(super) struct Rows<'r> {
    /// Rows dealt with before, to be done again first because this chunk relies on them.
    pub earlier: &'r [Row],
    /// The rows that it is about.
    pub new: &'r [Row],
    /// How long these may take; what is not done by then is left for the next chunk.
    pub limit: Duration,
}

impl Saver {
    pub fn new(noun: &'static dyn Noun, match_on: Option<&str>) -> Self {
        let match_on = match_on.map(str::to_owned);
        Self { noun, match_on, refused: HashSet::new(), records: HashMap::new() }
    }

    /// Notes what rows before came to: the lines refused, and the records saved with the line of each.
    pub fn remember(&mut self, refused: impl Iterator<Item = i32>, records: impl Iterator<Item = (Uuid, i32)>) {
        self.refused.extend(refused.filter_map(|line| u64::try_from(line).ok()));
        self.records.extend(records.filter_map(|(record, line)| Some((record, u64::try_from(line).ok()?))));
    }

    /// Saves some rows, at least one, and tells what became of each.
    pub async fn save(&self, change: &mut Change, Rows { earlier, new: rows, limit }: Rows<'_>) -> Result<Vec<Came>> {
        let all = || earlier.iter().chain(rows);
        let items = || all().filter_map(|row| if let Row::Item(item) = row { Some(item) } else { None });
        let mut chunk = Chunk {
            links: Links::look_up(change, self.noun.kind(), items()).await?,
            made: HashMap::new(),
            refused: HashSet::new(),
            records: HashMap::new(),
        };
        let identities: Vec<Result<Draft>> = all().map(|row| Ok(self.identity(row))).collect();
        let known = bulk::recognise(self.noun, change, &identities, self.match_on.as_deref()).await?;
        let mut came = Vec::with_capacity(rows.len());
        let mut began = Instant::now();
        for (at, (row, known)) in all().zip(known).enumerate() {
            if at == earlier.len() {
                began = Instant::now();
            }
            if came.is_empty() || began.elapsed() < limit {
                let one = self.row(change, (row, at < earlier.len()), known, &mut chunk).await?;
                came.extend((at >= earlier.len()).then_some(one));
            }
        }
        Ok(came)
    }

    async fn row(
        &self,
        change: &mut Change,
        (row, again): (&Row, bool),
        known: Result<Recognised>,
        chunk: &mut Chunk,
    ) -> Result<Came> {
        let (existing, mut used) = (known.as_ref().ok().and_then(|known| known.record), Vec::new());
        used.extend(existing);
        let mut made = Vec::new();
        let done = match (row, known) {
            (Row::Refused { reasons, .. }, _) => Err(reasons.clone()),
            (Row::Repeated { first, .. }, _) if self.refused.contains(first) || chunk.refused.contains(first) => {
                Err(vec![format!("says the same as line {first}, which is refused")])
            }
            (Row::Repeated { external, .. }, _) => {
                let key = external.clone().map(|(system, id)| Key::External(system, id));
                let record = existing.or_else(|| key.and_then(|key| chunk.made.get(&key).copied()));
                Ok((record, Saved::Unchanged))
            }
            (Row::Item(_), Err(error)) => Err(reasons(error, &mut used)?),
            (Row::Item(item), Ok(_)) => {
                let existing = existing.or_else(|| chunk.made.get(&self.key(item)?).copied());
                used.extend(existing);
                match self.item(change, item, (existing, again), chunk, &mut used).await {
                    Ok((id, saved, links)) => {
                        made = links;
                        Ok((Some(id), saved))
                    }
                    Err(error) => Err(reasons(error, &mut used)?),
                }
            }
        };
        let row = match done {
            Ok((record, saved)) => JobRow { line: line(row), saved: Some(saved), record, message: None },
            Err(reasons) => {
                chunk.refused.insert(row.line());
                refused(row, &reasons)
            }
        };
        Ok(Came { row, existing, made, used })
    }

    async fn item(
        &self,
        change: &mut Change,
        item: &Item,
        (existing, again): (Option<Uuid>, bool),
        chunk: &mut Chunk,
        used: &mut Vec<Uuid>,
    ) -> Result<(Uuid, Saved, Vec<LinkRef>)> {
        let before = existing.and_then(|id| self.records.get(&id).or_else(|| chunk.records.get(&id)).copied());
        let mut made = Vec::new();
        let (links, made_here) = (&chunk.links, &mut made);
        let work = async move |change: &mut Change| {
            let (id, saved) = self.write(change, item, existing, (links, made_here), used).await?;
            match before.filter(|before| !again && *before != item.line && saved == Saved::Updated) {
                Some(before) => {
                    let message = format!("describes the same record as line {before}, with other content");
                    Err(UserError::new(UserCode::Conflict, "", message).because("ROW_REPEATED").into())
                }
                None => Ok((id, saved)),
            }
        };
        let (id, saved) = change.attempt(work).await?;
        chunk.records.entry(id).or_insert(item.line);
        chunk.made.extend(self.key(item).map(|key| (key, id)));
        if self.match_on.is_none() {
            let own = made.iter().filter(|(link, _)| link.target == self.noun.kind());
            chunk.made.extend(own.map(|(link, id)| (Key::External(link.system.clone(), link.id.clone()), *id)));
        }
        let links = made.iter().map(|(link, _)| link.clone()).collect();
        chunk.links.keep(made);
        Ok((id, saved, links))
    }

    /// Notes what rows came to, for those after them.
    pub fn keep(&mut self, came: &[Came], dry: bool) {
        for came in came {
            if came.row.saved.is_none() {
                self.refused.extend(u64::try_from(came.row.line).ok());
            }
            // What a dry run has made is gone.
            let record = if dry { came.existing } else { came.row.record };
            if let (Some(record), Ok(line), Some(_)) = (record, u64::try_from(came.row.line), came.row.saved) {
                self.records.entry(record).or_insert(line);
            }
        }
    }

    /// By what its record is recognised.
    fn key(&self, item: &Item) -> Option<Key> {
        match self.match_on.as_deref() {
            None => item.external.clone().map(|(system, id)| Key::External(system, id)),
            Some(field) => {
                let text = item.values.get(field)?.as_str()?;
                Some(Key::Field(self.noun.normalise(field, text)))
            }
        }
    }

    async fn write(
        &self,
        change: &mut Change,
        item: &Item,
        existing: Option<Uuid>,
        (links, made): (&Links, &mut Vec<(LinkRef, Uuid)>),
        used: &mut Vec<Uuid>,
    ) -> Result<(Uuid, Saved)> {
        let kind = self.noun.kind();
        let mut values = item.values.clone();
        if existing.is_none() {
            values.extend(item.initial.clone());
        } else if let Some(field) = &self.match_on {
            // By what a record is found is not what it gets: it may have been found by a further domain.
            values.shift_remove(field);
        }
        let mut mistakes = Vec::new();
        for link in &item.links {
            match links.resolve(change, link, made).await {
                Ok(target) => {
                    used.extend((link.target == kind).then_some(target));
                    values.insert(link.field.clone(), id::global(link.target, target).into());
                }
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

/// Why a row is refused; other errors go on. Records in the way are added to `used`.
fn reasons(error: Error, used: &mut Vec<Uuid>) -> Result<Vec<String>> {
    match error {
        Error::Input(mistakes) => {
            used.extend(mistakes.iter().filter_map(|mistake| Some(mistake.conflict?.1)));
            Ok(mistakes.iter().map(reason).collect())
        }
        error => Err(error),
    }
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
    let message: String = escaped(&reasons.join("; ")).chars().take(MAX_CHARACTERS).collect();
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
