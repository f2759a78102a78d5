//! Events: the audit trail, the change feed and the timeline, one row per change.

use sea_orm::prelude::*;

use crate::{
    Instant, Kind,
    account::AccountId,
    api_key::ApiKeyId,
    choice::EventAction,
    record::field,
    table::{Display, EXTERNAL_IDS, Field, Join, Link, Owner, Table, Type, physical, server},
    user::UserId,
};

/// One change of one record, written in the same transaction.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "event")]
pub struct Model {
    /// Identifies the event.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// When it happened; part of the key, because the table is partitioned by month.
    #[sea_orm(primary_key, auto_increment = false)]
    pub occurred_at: Instant,
    /// What happened.
    pub action: EventAction,
    /// Kind of the record, `Account`.
    pub subject_kind: String,
    /// The record.
    pub subject_id: Uuid,
    /// The account it belongs to, if any: the timeline's key.
    pub account_id: Option<AccountId>,
    /// Who did it; empty for the system itself.
    pub actor_id: Option<UserId>,
    /// The API key by which it was done, if any.
    pub api_key_id: Option<ApiKeyId>,
    /// The request that did it.
    pub request_id: Option<String>,
    /// Changed API fields with their values before and after.
    pub changes: Json,
}

/// Unused: links stand in the table's description.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}
impl ActiveModelBehavior for ActiveModel {}

/// The table's description.
#[must_use]
pub fn describe() -> Table {
    let fields = vec![
        crate::table::Spec::build(server().sort(), "id", Type::Id, false, "Global ID of the event; never changes."),
        field::<Instant>(server().sort(), "occurred_at", "When the event occurred."),
        field::<EventAction>(server().group(), "action", "Action that the event records."),
        field::<String>(
            server().named("subject_type").group(),
            "subject_kind",
            "Type of the record that changed, for example `Account`.",
        ),
        crate::table::Spec::build(physical(), "subject_id", Type::Id, false, ""),
        field::<Option<AccountId>>(
            crate::table::link("account").by_server().always_shown(),
            "account_id",
            "Account that the event belongs to, if any.",
        ),
        field::<Option<UserId>>(
            crate::table::link("actor").by_server().always_shown(),
            "actor_id",
            "User who made the change, or the owner of the API key that did; null for the system.",
        ),
        field::<Option<ApiKeyId>>(
            crate::table::link("api_key").by_server().always_shown(),
            "api_key_id",
            "API key that made the change, if any.",
        ),
        field::<Option<String>>(
            server(),
            "request_id",
            "ID of the request that made the change, as returned in its `X-Request-Id` header.",
        ),
        field::<Json>(physical(), "changes", ""),
    ];
    let mut links = crate::record::key_links(&fields);
    links.push(Link {
        name: "subject".into(),
        doc: "Current state of the record that the event is about; null if you do not have access to it.".into(),
        target: Kind::Event,
        join: Join::Subject,
    });
    Table {
        kind: Kind::Event,
        name: "Event",
        plural: "audit",
        table: "event",
        prefix: "evnt",
        doc: "An audit log entry: who changed which fields of a record, and when. Sorted oldest first; use \
              `orderBy: { field: OCCURRED_AT, direction: DESC }` for newest first. Also available as a file from \
              `GET /exports/audit.csv` or `audit.jsonl`. Events are immutable."
            .into(),
        fields,
        computed: vec![],
        links,
        owner: Owner::Subject,
        display: Display::Nothing,
    }
}

/// What events tell of beside fields: somebody was given a password, invited, or recognised by the issuer; how often
/// signing in failed; what was exported and how.
const BESIDE_FIELDS: [(Kind, &str); 7] = [
    (Kind::User, "password"),
    (Kind::User, "mustChangePassword"),
    (Kind::User, "invitation"),
    (Kind::User, "issuer"),
    (Kind::User, "failedSignIns"),
    (Kind::User, "format"),
    (Kind::User, "filter"),
];

/// The names under which events tell of changes of records of a kind.
pub fn field_names(kind: Kind) -> impl Iterator<Item = &'static str> {
    let beside = BESIDE_FIELDS.into_iter().filter(move |(of, _)| *of == kind).map(|(_, name)| name);
    let fields = kind.table().fields.iter().filter(|field| is_in_events(field));
    fields.map(Field::event_name).chain((kind != Kind::Event).then_some(EXTERNAL_IDS)).chain(beside)
}

/// Whether events tell of changes of a field: not of what changes with every save.
#[must_use]
pub fn is_in_events(field: &Field) -> bool {
    !field.physical && !matches!(field.column, "id" | "version" | "created_at" | "updated_at" | "archived_at")
}
