//! What a dry run knows of its earlier rows.
//!
//! Each chunk of a dry run is undone, and yet a row may rely on any row before it: link to its record,
//! or want a domain that it took. The rows done so far are kept in a temporary file, with an index in
//! memory of by what later rows can come to depend on them. A chunk first does again those rows that
//! it depends on, so that it finds what the real run would find.

use std::{
    collections::{BTreeSet, HashMap, VecDeque},
    hash::{BuildHasher, RandomState},
    io::{Read, Seek, SeekFrom, Write},
    time::Instant,
};

use entity::Kind;
use sea_orm::prelude::Uuid;
use tempfile::SpooledTempFile;

use super::{
    Item, LinkRef, Map, Row,
    check::LOOKUPS,
    permitted::{CHUNK, permitted_change},
    save::{Came, Rows, Saver},
};
use crate::{
    error::{Error, Result},
    store::{Noun, Nouns, Store, key},
};

/// Earlier rows that a chunk does again at most. A row that depends on more, as the last of a chain of
/// parents of this length, is foretold without the farthest.
const MAX_AGAIN: usize = 1_000;

/// Bounds of the rows of a chunk.
const SMALLEST: usize = 25;
const LARGEST: usize = 500;

/// How often a chunk is tried again because it turned out to depend on another row.
const ROUNDS: usize = 8;

/// Bytes of rows that stay in memory.
const IN_MEMORY: usize = 8 << 20;

/// The rows of a dry run so far.
pub(super) struct Trial {
    noun: &'static dyn Noun,
    nouns: Nouns,
    match_on: Option<String>,
    file: SpooledTempFile,
    /// Where each row ends in the file.
    ends: Vec<u64>,
    /// The first row that provides a key. That two keys have one hash does no harm.
    first: HashMap<u64, usize>,
    /// The first row that wrote a record that was there before.
    wrote: HashMap<Uuid, usize>,
    hashes: RandomState,
    /// Rows of a chunk, fewer where the rows to do again take long.
    size: usize,
}

impl Trial {
    pub fn new(noun: &'static dyn Noun, map: &Map) -> Self {
        let match_on = map.match_on();
        Self {
            noun,
            nouns: map.nouns,
            match_on: match_on.map(str::to_owned),
            file: SpooledTempFile::new(IN_MEMORY),
            ends: Vec::new(),
            first: HashMap::new(),
            wrote: HashMap::new(),
            hashes: RandomState::new(),
            size: LARGEST,
        }
    }

    /// Tells what would come of some rows, at least one, in a transaction that is undone.
    pub async fn foretell(&mut self, saver: &Saver, rows: &[Row], (store, map): (&Store, &Map)) -> Result<Vec<Came>> {
        let (mut rows, mut found) = (&rows[..rows.len().min(self.size)], BTreeSet::new());
        for round in 1.. {
            let (again, whole) = self.again(rows, &found)?;
            if !whole && rows.len() > 1 {
                rows = &rows[..rows.len() / 2];
                found.clear();
                continue;
            }
            let earlier = again.iter().map(|at| self.read(*at).map(Row::Item)).collect::<Result<Vec<_>>>()?;
            let mut change = permitted_change(store, map).await?;
            let began = Instant::now();
            let came = saver.save(&mut change, Rows { earlier: &earlier, new: rows, limit: CHUNK }).await;
            change.roll_back().await?;
            let came = came?;
            let took = began.elapsed();
            if took > 2 * CHUNK {
                self.size = (rows.len() / 2).max(SMALLEST);
            } else if took < CHUNK {
                self.size = (self.size * 2).min(LARGEST);
            }
            let used = came.iter().flat_map(|came| &came.used).filter_map(|record| self.wrote.get(record));
            let before = found.len();
            found.extend(used.filter(|at| !again.contains(at)));
            if found.len() == before || round > ROUNDS {
                self.keep(rows, &came)?;
                return Ok(came);
            }
        }
        Ok(Vec::new())
    }

    /// The earlier rows that rows depend on, directly or through others, and whether that is all of them.
    fn again(&mut self, rows: &[Row], found: &BTreeSet<usize>) -> Result<(BTreeSet<usize>, bool)> {
        let mut again = BTreeSet::new();
        let mut next: VecDeque<usize> = found.iter().copied().collect();
        for row in rows {
            if let Row::Item(item) = row {
                next.extend(self.depends_on(item));
            }
        }
        while let Some(at) = next.pop_front() {
            if again.contains(&at) {
                continue;
            }
            if again.len() == MAX_AGAIN {
                return Ok((again, false));
            }
            again.insert(at);
            let item = self.read(at)?;
            next.extend(self.depends_on(&item).into_iter().filter(|before| *before < at));
        }
        Ok((again, true))
    }

    fn depends_on(&self, item: &Item) -> Vec<usize> {
        let mut keys = self.own_keys(item);
        keys.extend(item.links.iter().map(|link| self.link(link)));
        for link in &item.links {
            keys.extend(self.created_keys(link));
        }
        keys.iter().filter_map(|key| self.first.get(key)).copied().collect()
    }

    /// Notes rows that would be saved.
    fn keep(&mut self, rows: &[Row], came: &[Came]) -> Result<()> {
        for (row, came) in rows.iter().zip(came) {
            let Row::Item(item) = row else { continue };
            if came.row.saved.is_none() {
                continue;
            }
            let at = self.ends.len();
            let mut keys = self.own_keys(item);
            for link in &came.made {
                keys.push(self.link(link));
                keys.extend(self.created_keys(link));
            }
            for key in keys {
                self.first.entry(key).or_insert(at);
            }
            if let Some(record) = came.existing {
                self.wrote.entry(record).or_insert(at);
            }
            let text = serde_json::to_vec(item).map_err(Error::internal)?;
            self.file.seek(SeekFrom::End(0)).map_err(Error::internal)?;
            self.file.write_all(&text).map_err(Error::internal)?;
            self.ends.push(self.ends.last().unwrap_or(&0) + text.len() as u64);
        }
        Ok(())
    }

    fn read(&mut self, at: usize) -> Result<Item> {
        let start = if at == 0 { 0 } else { self.ends[at - 1] };
        let mut text = vec![0; usize::try_from(self.ends[at] - start).unwrap_or(0)];
        self.file.seek(SeekFrom::Start(start)).map_err(Error::internal)?;
        self.file.read_exact(&mut text).map_err(Error::internal)?;
        serde_json::from_slice(&text).map_err(Error::internal)
    }

    /// What a row's record is called by, and what no other record may have.
    fn own_keys(&self, item: &Item) -> Vec<u64> {
        let kind = self.noun.kind();
        let mut keys: Vec<u64> =
            item.external.iter().map(|(system, id)| self.hash(&(kind, system.as_str(), id.as_str()))).collect();
        let values = || item.values.iter().chain(&item.initial);
        keys.extend(self.named(kind, values()));
        // Names are unique within a parent, and ties between two records are unique altogether.
        let name = values().find(|(name, _)| *name == "name").and_then(|(_, name)| name.as_str()).map(key);
        if !item.links.is_empty() && (name.is_some() || kind.table().field("name").is_none()) {
            let mut ties: Vec<u64> = item.links.iter().map(|link| self.link(link)).collect();
            ties.sort_unstable();
            keys.push(self.hash(&(kind, name, ties)));
        }
        debug_assert!(self.match_on.is_none() || !keys.is_empty(), "a row that nothing recognises");
        keys
    }

    /// What a record that a link makes is called by.
    fn created_keys(&self, link: &LinkRef) -> Vec<u64> {
        link.create.iter().flat_map(|values| self.named(link.target, values.iter())).collect()
    }

    /// The values by which a record is looked up or which are unique.
    fn named<'v>(&self, kind: Kind, values: impl Iterator<Item = (&'v String, &'v serde_json::Value)>) -> Vec<u64> {
        let named = |name: &str| LOOKUPS.contains(&name) || kind.table().field(name).is_some_and(|field| field.unique);
        let values = values.filter(|(name, _)| named(name));
        values.filter_map(|(name, value)| Some(self.field(kind, name, value.as_str()?))).collect()
    }

    fn link(&self, link: &LinkRef) -> u64 {
        if LOOKUPS.contains(&link.system.as_str()) {
            self.field(link.target, &link.system, &link.id)
        } else {
            self.hash(&(link.target, link.system.as_str(), link.id.as_str()))
        }
    }

    fn field(&self, kind: Kind, field: &str, text: &str) -> u64 {
        let stored = self.nouns.of(kind).map_or_else(|| text.to_owned(), |noun| noun.normalise(field, text));
        self.hash(&(kind, field, key(&stored)))
    }

    fn hash(&self, key: &impl std::hash::Hash) -> u64 {
        self.hashes.hash_one(key)
    }
}
