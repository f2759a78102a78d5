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

/// Whether you may do something to one record.
#[derive(Clone, Debug, SimpleObject)]
pub struct Can {
    /// Global id of the record.
    id: ID,
    /// Whether you may; false too where there is no such record or you may not see it.
    allowed: bool,
}

/// Whether somebody may do something to a record, and why.
#[derive(Debug, SimpleObject)]
pub struct AccessExplanation {
    /// Whether they may.
    allowed: bool,
    /// The decision and its reason in one or two sentences, to be read aloud.
    summary: String,
    /// How far any of their roles lets them do it to records of this type.
    reach: Of<Reach>,
    /// What stands in the way; empty where they may.
    obstacles: Vec<Of<Obstacle>>,
    /// What each role that they hold says, by name.
    roles: Vec<AccessRole>,
    /// To whom the record belongs as far as you may see, at most 100, those first by whom it is within their reach.
    ties: Vec<AccessTie>,
    /// The fields of records of this type that are kept from their sight.
    hidden_fields: Vec<AccessField>,
    /// The fields of records of this type that they see and may not change.
    read_only_fields: Vec<AccessField>,
}

/// What one role has to do with a decision.
#[derive(Debug, SimpleObject)]
pub struct AccessRole {
    /// The role; to read it costs a step of its own.
    role: Option<Row<role::Entity>>,
    /// Its name.
    name: String,
    /// How far it lets its holders do this to records of the type.
    reach: Of<Reach>,
    /// Whether the record is within that: the roles that cover it decide.
    covers: bool,
    /// Why it does, or does not.
    because: String,
}

/// Somebody, or a department, to whom a record belongs.
#[derive(Debug, SimpleObject)]
pub struct AccessTie {
    /// How it belongs to them.
    how: Of<Bond>,
    /// Who; null for a department, and where you may not see them. To read them costs a step of their own.
    user: Option<Row<user::Entity>>,
    /// Their name, where you may see them.
    name: Option<String>,
    /// Which department; null for a person.
    department: Option<Of<Department>>,
    /// Whether it is the person asked about: then reach OWN covers the record.
    is_person: bool,
    /// Whether their teams cover it by this: then reach TEAM does.
    in_teams: bool,
}

/// A field that is kept from somebody, and the roles that keep it.
#[derive(Debug, SimpleObject)]
pub struct AccessField {
    /// The name of the field or link.
    field: String,
    /// What holds for it.
    rule: Of<FieldRule>,
    /// The roles behind it: it holds because each role of theirs that lets them see (or change) such records has it.
    roles: Vec<AccessFieldRole>,
}

/// A role that keeps a field from its holders.
#[derive(Debug, SimpleObject)]
pub struct AccessFieldRole {
    /// The role; to read it costs a step of its own.
    role: Option<Row<role::Entity>>,
    /// Its name.
    name: String,
}

#[Object]
impl AccessQuery {
    /// Which of several records of one type you may do something to, in their order. One that you may
    /// not see and one that does not exist are answered alike.
    async fn can(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The record type, `Account`.")] resource: Of<Kind>,
        #[graphql(desc = "What is to be done.")] action: Of<Action>,
        #[graphql(desc = "Global ids of records of the type, at most 100.")] ids: Vec<IdText>,
    ) -> async_graphql::Result<Vec<Can>> {
        Ok(can(node::store(ctx)?, resource.0, action.0, ids).await?)
    }

    /// Whether somebody may do something to a record, by which of their roles, and why the record is or
    /// is not within their reach. For whoever may see all roles and who holds them; null where you may
    /// not see the person or the record, or there is none.
    async fn explain_access(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Who.")] user: IdText,
        #[graphql(desc = "Global id of a record of any type.")] record: IdText,
        #[graphql(desc = "What is to be done.")] action: Of<Action>,
    ) -> Option<async_graphql::Result<AccessExplanation>> {
        let explained = async {
            let store = node::store(ctx)?;
            store.require_sign_in()?;
            let person = value::key(Kind::User, &user.0).map_err(|misfit| Error::argument(misfit.message))?;
            let no_id = || Error::argument(format!("“{}” is not a global id.", value::short(&record.0)));
            let record = id::parse(&record.0).ok_or_else(no_id)?;
            explain::explain(store, UserId(person), record, action.0).await
        };
        explained.await.map_err(Into::into).transpose().map(|explained| explained.map(AccessExplanation::from))
    }
}

async fn can(store: &Store, kind: Kind, action: Action, ids: Vec<IdText>) -> Result<Vec<Can>> {
    store.require_sign_in()?;
    if ids.len() > MAX_RECORDS {
        return Err(Error::argument(format!("ids takes at most {MAX_RECORDS}; this has {}.", ids.len())));
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
