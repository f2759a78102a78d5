//! Nouns: what a slice says about its record type, and the same operations for all of them.

use std::marker::PhantomData;

use entity::{Instant, Kind, Record};
use futures_util::future::BoxFuture;
use sea_orm::prelude::Uuid;

use super::{
    Change, Problems, Saved,
    draft::{Draft, Extra},
};
use crate::{
    access::Actor,
    error::{Result, UserError},
    text::tidy,
};

/// The rules of a record type. Everything has a default: a noun without rules of its own is one line.
pub trait Rules: Record {
    /// Adds what a new record gets where the client says nothing.
    fn complete(_draft: &mut Draft, _actor: &Actor, _now: Instant) {}

    /// Whether [`Rules::complete`] gives this column a value where the client says nothing.
    #[must_use]
    fn completes(_column: &str) -> bool {
        false
    }

    /// Derives columns from others and from other records, before the row is checked.
    fn settle<'a>(
        _change: &'a mut Change,
        _row: &'a mut Self::Model,
        _before: Option<&'a Self::Model>,
        _draft: &'a Draft,
    ) -> BoxFuture<'a, Result<()>> {
        Box::pin(async { Ok(()) })
    }

    /// Rules that hold for every stored row: pure.
    fn check(_row: &Self::Model, _before: Option<&Self::Model>, _problems: &mut Problems) {}

    /// What a saved row makes necessary elsewhere.
    fn after<'a>(
        _change: &'a mut Change,
        _row: &'a Self::Model,
        _before: Option<&'a Self::Model>,
        _draft: &'a Draft,
    ) -> BoxFuture<'a, Result<()>> {
        Box::pin(async { Ok(()) })
    }

    /// Whether a row is work of the past, which may stay with somebody who has left: pure.
    #[must_use]
    fn past(_row: &Self::Model) -> bool {
        false
    }

    /// Why a row takes no more changes, if it does not: pure.
    #[must_use]
    fn closed(_row: &Self::Model) -> Option<UserError> {
        None
    }

    /// Whether a row may be archived, and what must go first.
    fn before_archive<'a>(_change: &'a mut Change, _row: &'a Self::Model) -> BoxFuture<'a, Result<()>> {
        Box::pin(async { Ok(()) })
    }

    /// A unique field's value as it is stored, for looking a row up by what a client wrote.
    #[must_use]
    fn normalise(_field: &str, value: &str) -> String {
        tidy(value).into_owned()
    }
}

/// Which of the standard mutations a noun has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verbs {
    /// `xCreate`, `xBulkUpsert`.
    pub create: bool,
    /// `xUpdate`.
    pub update: bool,
    /// `xArchive`, `xRestore`.
    pub archive: bool,
}

impl Verbs {
    /// All of them.
    pub const ALL: Self = Self { create: true, update: true, archive: true };
    /// None: read only.
    pub const NONE: Self = Self { create: false, update: false, archive: false };
}

/// The standard operations of a noun, whatever its type.
pub trait Noun: Send + Sync {
    /// Its kind.
    fn kind(&self) -> Kind;
    /// Which mutations it has.
    fn verbs(&self) -> Verbs;
    /// Inputs of its create mutation that are no columns.
    fn extras(&self) -> &'static [Extra];
    /// Whether a column gets a value where the client says nothing.
    fn completes(&self, column: &str) -> bool;
    /// Creates a record.
    fn create<'a>(&self, change: &'a mut Change, draft: Draft) -> BoxFuture<'a, Result<Uuid>>;
    /// Changes a record.
    fn update<'a>(
        &self,
        change: &'a mut Change,
        id: Uuid,
        expected: Option<i32>,
        draft: Draft,
    ) -> BoxFuture<'a, Result<Saved>>;
    /// Archives a record or brings it back.
    fn archive<'a>(
        &self,
        change: &'a mut Change,
        id: Uuid,
        expected: Option<i32>,
        archived: bool,
    ) -> BoxFuture<'a, Result<()>>;
    /// A unique field's value as it is stored.
    fn normalise(&self, field: &str, value: &str) -> String;
}

/// A noun of the record type `E`.
#[derive(Clone, Copy, Debug)]
pub struct Slice<E> {
    verbs: Verbs,
    extras: &'static [Extra],
    of: PhantomData<fn() -> E>,
}

impl<E: Rules> Slice<E> {
    /// With these mutations.
    #[must_use]
    pub const fn new(verbs: Verbs) -> Self {
        Self { verbs, extras: &[], of: PhantomData }
    }

    /// With inputs that are no columns.
    #[must_use]
    pub const fn with(mut self, extras: &'static [Extra]) -> Self {
        self.extras = extras;
        self
    }
}

impl<E: Rules> Noun for Slice<E> {
    fn kind(&self) -> Kind {
        E::KIND
    }

    fn verbs(&self) -> Verbs {
        self.verbs
    }

    fn extras(&self) -> &'static [Extra] {
        self.extras
    }

    fn completes(&self, column: &str) -> bool {
        E::completes(column)
    }

    fn create<'a>(&self, change: &'a mut Change, draft: Draft) -> BoxFuture<'a, Result<Uuid>> {
        Box::pin(async move { Ok(E::id(&change.create::<E>(draft).await?)) })
    }

    fn update<'a>(
        &self,
        change: &'a mut Change,
        id: Uuid,
        expected: Option<i32>,
        draft: Draft,
    ) -> BoxFuture<'a, Result<Saved>> {
        Box::pin(async move { Ok(change.update::<E>(id, expected, draft).await?.1) })
    }

    fn archive<'a>(
        &self,
        change: &'a mut Change,
        id: Uuid,
        expected: Option<i32>,
        archived: bool,
    ) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move { change.archive::<E>(id, expected, archived).await.map(|_| ()) })
    }

    fn normalise(&self, field: &str, value: &str) -> String {
        E::normalise(field, value)
    }
}

/// All nouns, in the order they are shown.
#[derive(Clone, Copy)]
pub struct Nouns(pub &'static [&'static dyn Noun]);

impl std::fmt::Debug for Nouns {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.0.iter().map(|noun| noun.kind())).finish()
    }
}

impl Nouns {
    /// None: for who reads a database without writing records.
    pub const NONE: Self = Self(&[]);

    /// The noun of a kind.
    #[must_use]
    pub fn of(&self, kind: Kind) -> Option<&'static dyn Noun> {
        self.0.iter().copied().find(|noun| noun.kind() == kind)
    }
}
