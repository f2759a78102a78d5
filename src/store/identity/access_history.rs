//! What changed somebody's rights, from the events of everything these hang on.

use entity::{EventAction, Instant, Kind, id, user::UserId};
use sea_orm::{QueryResult, Value, prelude::Uuid, sea_query::ArrayType};
use serde_json::{Map, Value as Json};

use super::credentials::system_only;
use crate::{
    error::Result,
    store::{
        Store, json,
        read::filter,
        sql::{Engine, Sql},
    },
};

/// One change of what somebody may do.
#[derive(Clone, Debug)]
pub struct RightsEvent {
    /// The event.
    pub id: Uuid,
    /// Whose rights they are.
    pub whose: UserId,
    /// When it happened.
    pub at: Instant,
    /// What happened.
    pub action: Option<EventAction>,
    /// To what kind of record.
    pub kind: Kind,
    /// What the record, or the role or team that it is about, is called now.
    pub name: Option<String>,
    /// What the role of an API key is called now.
    pub key_role: Option<String>,
    /// Who did it.
    pub actor: Option<UserId>,
    /// What they are called.
    pub actor_name: Option<String>,
    /// By which API key.
    pub api_key_name: Option<String>,
    /// Changed fields with their values before and after.
    pub changes: Map<String, Json>,
}

/// The teams that somebody belongs to or has belonged to, and those that stand below them now.
const TEAMS: &str = "WITH RECURSIVE below(id) AS (SELECT m.team_id FROM team_membership m WHERE m.user_id = ";
const BELOW: &str = " UNION SELECT t.id FROM team t JOIN below b ON t.parent_id = b.id) SELECT b.id FROM below b";

impl Store {
    /// What changed the rights of somebody, the newest first, at most so many and after one of these. For Tandem itself.
    pub async fn access_history(
        &self,
        user: UserId,
        after: Option<(Instant, Uuid)>,
        most: usize,
    ) -> Result<Vec<RightsEvent>> {
        system_only(self)?;
        let mut sql = Sql::new(self.engine());
        sql.push(TEAMS).bind(user.0).push(BELOW);
        let mut teams = Vec::new();
        for row in self.fetch(sql).await? {
            teams.extend(json::uuid(&row, 0)?);
        }
        let mut sql = Sql::new(self.engine());
        sql.push(
            "SELECT e.id, e.occurred_at, e.action, e.subject_kind, COALESCE(r.name, t.name, k.name), kr.name, e.actor_id, \
             a.name, ak.name, CAST(e.changes AS text) FROM event e \
             LEFT JOIN role_assignment ra ON ra.id = e.subject_id LEFT JOIN role r ON r.id = COALESCE(ra.role_id, e.subject_id) \
             LEFT JOIN team_membership tm ON tm.id = e.subject_id LEFT JOIN team t ON t.id = COALESCE(tm.team_id, e.subject_id) \
             LEFT JOIN api_key k ON k.id = e.subject_id LEFT JOIN role kr ON kr.id = k.role_id \
             LEFT JOIN \"user\" a ON a.id = e.actor_id LEFT JOIN api_key ak ON ak.id = e.api_key_id WHERE ",
        );
        push_concerned(&mut sql, user);
        sql.push(" AND (");
        push_arms(&mut sql, user, &teams);
        sql.push(")");
        if let Some((at, id)) = after {
            sql.push(" AND (e.occurred_at, e.id) < (").bind(at.0).push(", ").bind(id).push(")");
        }
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        sql.push(" ORDER BY e.occurred_at DESC, e.id DESC LIMIT ").bind(most);
        self.fetch(sql).await?.iter().filter_map(|row| read(row, user).transpose()).collect()
    }
}

/// Appends the condition that an event is about one of the records that somebody's rights hang on, for the index. Of
/// teams and keys there are few, and some concern them by what they were.
fn push_concerned(sql: &mut Sql, user: UserId) {
    sql.push("e.subject_id IN (SELECT u.id FROM \"user\" u WHERE u.id = ").bind(user.0);
    for (column, table) in [("id", "role_assignment"), ("role_id", "role_assignment"), ("id", "team_membership")] {
        sql.push(" UNION SELECT x.").push(column).push(" FROM ").push(table).push(" x WHERE x.user_id = ").bind(user.0);
    }
    sql.push(" UNION SELECT k.id FROM api_key k UNION SELECT t.id FROM team t)");
}

/// Appends which of their changes count, for each kind of record.
fn push_arms(sql: &mut Sql, user: UserId, teams: &[Uuid]) {
    let me = id::global(Kind::User, user.0);
    sql.push("(e.subject_kind = 'User' AND (e.action = 'CREATED'");
    push_changed(sql, &["status", "department", "issuer"]);
    // A role that was given and taken again is told of while it was held.
    sql.push(")) OR e.subject_kind = 'RoleAssignment' OR (e.subject_kind = 'Role' AND e.action = 'UPDATED' AND (FALSE");
    push_changed(sql, &["grants", "fieldRules"]);
    sql.push(") AND EXISTS (SELECT 1 FROM role_assignment h WHERE h.role_id = e.subject_id AND h.user_id = ")
        .bind(user.0);
    sql.push(" AND h.created_at <= e.occurred_at AND (h.archived_at IS NULL OR h.archived_at >= e.occurred_at)))");
    sql.push(" OR (e.subject_kind = 'TeamMembership' AND e.action <> 'UPDATED')");
    sql.push(" OR (e.subject_kind = 'Team' AND e.action <> 'CREATED' AND (e.action <> 'UPDATED'");
    push_changed(sql, &["parent"]);
    sql.push(") AND (e.subject_id").in_ids(teams);
    let teams: Vec<String> = teams.iter().map(|team| id::global(Kind::Team, *team)).collect();
    for side in ["before", "after"] {
        sql.push(" OR ");
        push_value(sql, "parent", side);
        push_among(sql, &teams);
    }
    sql.push(")) OR (e.subject_kind = 'ApiKey' AND (e.action <> 'UPDATED'");
    push_changed(sql, &["role", "owner", "expiresAt", "allowedNetworks", "revokedAt"]);
    sql.push(") AND (k.owner_id = ").bind(user.0);
    for side in ["before", "after"] {
        sql.push(" OR ");
        push_value(sql, "owner", side);
        sql.push(" = ").bind(me.as_str());
    }
    sql.push("))");
}

/// Appends ` OR …` for each field: that the event tells of it.
fn push_changed(sql: &mut Sql, fields: &[&str]) {
    for field in fields {
        sql.push(" OR ");
        filter::push_changed(sql, "e", field);
    }
}

/// Appends a field's value before or after, as text.
fn push_value(sql: &mut Sql, field: &str, side: &str) {
    match sql.engine() {
        Engine::Postgres => sql.push("e.changes #>> '{").push(field).push(",").push(side).push("}'"),
        Engine::Sqlite => sql.push("json_extract(e.changes, '$.").push(field).push(".").push(side).push("')"),
    };
}

fn push_among(sql: &mut Sql, texts: &[String]) {
    match sql.engine() {
        Engine::Postgres => {
            let texts = texts.iter().map(|text| Value::from(text.as_str())).collect();
            sql.push(" = ANY(").bind(Value::Array(ArrayType::String, Some(Box::new(texts)))).push(")")
        }
        Engine::Sqlite => sql.push(" IN (SELECT value FROM json_each(").bind(Json::from(texts).to_string()).push("))"),
    };
}

fn read(row: &QueryResult, whose: UserId) -> Result<Option<RightsEvent>> {
    let text = |at| Ok::<_, crate::error::Error>(json::text(row, at)?.map(str::to_owned));
    let Some(kind) = json::text(row, 3)?.and_then(Kind::named) else { return Ok(None) };
    Ok(Some(RightsEvent {
        id: json::uuid(row, 0)?.unwrap_or_default(),
        whose,
        at: Instant(json::bigint(row, 1)?.unwrap_or_default()),
        action: json::text(row, 2)?.and_then(EventAction::parse),
        kind,
        name: text(4)?,
        key_role: text(5)?,
        actor: json::uuid(row, 6)?.map(UserId),
        actor_name: text(7)?,
        api_key_name: text(8)?,
        changes: json::text(row, 9)?.map(serde_json::from_str).transpose()?.unwrap_or_default(),
    }))
}
