//! Who may do what to which record: asked for oneself, and explained of others.

use async_graphql::{Context, ID, Object, SimpleObject};
use entity::{Department, Kind, id, role, user, user::UserId};

use crate::{
    access::{Action, Bond, FieldRule, Obstacle, Reach},
    error::{Error, Result},
    graphql::{
        choice::Of,
        node::{self, Row},
        scalars::IdText,
    },
    people::explain::{self, Explanation, Kept, Share},
    store::{Store, Tie, value},
};

/// The most records that `can` is asked of at once.
const MAX_RECORDS: usize = 100;

/// Who may do what.
#[derive(Clone, Copy, Debug, Default)]
pub struct AccessQuery;

/// Whether you may perform an action on a record.
#[derive(Clone, Debug, SimpleObject)]
pub struct Can {
    /// Global ID of the record.
    id: ID,
    /// Whether you may perform the action; also false if the record does not exist or you do not have access to it.
    allowed: bool,
}

/// Whether a user may perform an action on a record, and why.
#[derive(Debug, SimpleObject)]
pub struct AccessExplanation {
    /// Whether the user may perform the action.
    allowed: bool,
    /// The decision and its reason, in one or two sentences.
    summary: String,
    /// Widest reach of the action that any role of the user grants on records of this type.
    reach: Of<Reach>,
    /// Reasons why the action is not permitted; empty if it is.
    obstacles: Vec<Of<Obstacle>>,
    /// Effect of each role of the user, sorted by name.
    roles: Vec<AccessRole>,
    /// Users and departments that the record belongs to, as far as you have access to them, at most 100; those that
    /// bring the record within the user's reach come first.
    ties: Vec<AccessTie>,
    /// Fields of this record type that are hidden from the user.
    hidden_fields: Vec<AccessField>,
    /// Fields of this record type that the user can see but not change.
    read_only_fields: Vec<AccessField>,
}

/// The effect of one role on an access decision.
#[derive(Debug, SimpleObject)]
pub struct AccessRole {
    /// The role. Selecting it adds a separate read per entry.
    role: Option<Row<role::Entity>>,
    /// Name of the role.
    name: String,
    /// Reach of the action that the role grants on records of this type.
    reach: Of<Reach>,
    /// Whether the record is within that reach; only roles that cover the record count in the decision.
    covers: bool,
    /// Why the role covers the record, or why not.
    because: String,
}

/// A user or department that a record belongs to.
#[derive(Debug, SimpleObject)]
pub struct AccessTie {
    /// How the record belongs to the user or department.
    how: Of<Bond>,
    /// The user; null for a department, or if you do not have access to the user. Selecting it adds a separate read
    /// per entry.
    user: Option<Row<user::Entity>>,
    /// Name of the user; null for a department, or if you do not have access to the user.
    name: Option<String>,
    /// The department; null for a user.
    department: Option<Of<Department>>,
    /// Whether this is the user in question; if so, reach OWN covers the record.
    is_person: bool,
    /// Whether it brings the record within the user's teams; if so, reach TEAM covers the record.
    in_teams: bool,
}

/// A field that is hidden from a user or read-only for them, and the roles that cause it.
#[derive(Debug, SimpleObject)]
pub struct AccessField {
    /// Name of the field or link.
    field: String,
    /// Kind of restriction.
    rule: Of<FieldRule>,
    /// Roles that cause the restriction. It applies because every role that lets the user see (or change) such
    /// records has it.
    roles: Vec<AccessFieldRole>,
}

/// A role that restricts a field.
#[derive(Debug, SimpleObject)]
pub struct AccessFieldRole {
    /// The role. Selecting it adds a separate read per entry.
    role: Option<Row<role::Entity>>,
    /// Name of the role.
    name: String,
}

#[Object]
impl AccessQuery {
    /// Checks whether you may perform an action on each of several records of one type, in the given order. A record
    /// that you do not have access to is treated like one that does not exist.
    async fn can(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The record type, for example `Account`.")] resource: Of<Kind>,
        #[graphql(desc = "The action.")] action: Of<Action>,
        #[graphql(desc = "Global IDs of records of the type, at most 100.")] ids: Vec<IdText>,
    ) -> async_graphql::Result<Vec<Can>> {
        Ok(can(node::store(ctx)?, resource.0, action.0, ids).await?)
    }

    /// Explains whether a user may perform an action on a record, by which of their roles, and why the record is or
    /// is not within their reach. Requires READ on all roles and role assignments; null if the user or record does
    /// not exist or you do not have access to it.
    async fn explain_access(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Credentials.")] user: IdText,
        #[graphql(desc = "Global ID of a record of any type.")] record: IdText,
        #[graphql(desc = "The action.")] action: Of<Action>,
    ) -> Option<async_graphql::Result<AccessExplanation>> {
        let explained = async {
            let store = node::store(ctx)?;
            store.require_sign_in()?;
            let person = value::key(Kind::User, &user.0).map_err(|misfit| Error::argument(misfit.message))?;
            let no_id = || Error::argument(format!("“{}” is not a global ID.", value::short(&record.0)));
            let record = id::parse(&record.0).ok_or_else(no_id)?;
            explain::explain(store, UserId(person), record, action.0).await
        };
        explained.await.map_err(Into::into).transpose().map(|explained| explained.map(AccessExplanation::from))
    }
}

async fn can(store: &Store, kind: Kind, action: Action, ids: Vec<IdText>) -> Result<Vec<Can>> {
    store.require_sign_in()?;
    if ids.len() > MAX_RECORDS {
        return Err(Error::argument(format!("ids may have at most {MAX_RECORDS} entries; got {}.", ids.len())));
    }
    let keys = ids.iter().map(|id| value::key(kind, &id.0).map_err(|misfit| Error::argument(misfit.message)));
    let keys = keys.collect::<Result<Vec<_>>>()?;
    let within = if keys.is_empty() { vec![] } else { store.reachable(kind, action, &keys).await? };
    let told = keys.iter().map(|key| Can { id: ID(id::global(kind, *key)), allowed: within.contains(key) });
    Ok(told.collect())
}

impl From<Explanation> for AccessExplanation {
    fn from(explained: Explanation) -> Self {
        let (hidden, locked): (Vec<Kept>, Vec<Kept>) =
            explained.kept.into_iter().partition(|kept| kept.rule == FieldRule::Hidden);
        Self {
            allowed: explained.allowed,
            summary: explained.summary,
            reach: Of(explained.reach),
            obstacles: explained.obstacles.into_iter().map(Of).collect(),
            roles: explained.roles.into_iter().map(AccessRole::from).collect(),
            ties: explained.ties.into_iter().map(AccessTie::from).collect(),
            hidden_fields: hidden.into_iter().map(AccessField::from).collect(),
            read_only_fields: locked.into_iter().map(AccessField::from).collect(),
        }
    }
}

impl From<Share> for AccessRole {
    fn from(Share { role, name, reach, covers, because }: Share) -> Self {
        Self { role: Some(Row::new(role)), name, reach: Of(reach), covers, because }
    }
}

impl From<Tie> for AccessTie {
    fn from(tie: Tie) -> Self {
        Self {
            how: Of(tie.bond),
            user: tie.user.map(Row::new),
            name: tie.name,
            department: tie.department.map(Of),
            is_person: tie.own,
            in_teams: tie.team,
        }
    }
}

impl From<Kept> for AccessField {
    fn from(Kept { field, rule, roles }: Kept) -> Self {
        let roles = roles.into_iter().map(|(role, name)| AccessFieldRole { role: Some(Row::new(role)), name });
        Self { field, rule: Of(rule), roles: roles.collect() }
    }
}
