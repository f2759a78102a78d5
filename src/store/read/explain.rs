//! Why somebody may or may not do something to a record: the door's own conditions, asked one by one.

mod ties;

use entity::{Department, Kind, UserStatus, table::Owner, user::UserId};
use sea_orm::prelude::Uuid;

use crate::{
    access::{Action, Actor, Bond, Reach},
    error::Result,
    store::{Store, json, scope, sql::Sql},
};

/// The most people that are named for one record.
const MAX_TIES: i64 = 100;

/// A person and a record that its reader sees both.
#[derive(Clone, Debug)]
pub struct Sighting {
    /// The person's name.
    pub person: String,
    /// Whether they may act at all.
    pub active: bool,
    /// Where they work.
    pub department: Option<Department>,
    /// What the record is called, where records of its kind have names.
    pub record: Option<String>,
}

/// What the door says of one actor and one record.
#[derive(Clone, Debug)]
pub struct Verdict {
    /// Whether they may see it.
    pub read: bool,
    /// Whether their roles let them do it.
    pub act: bool,
    /// Whether each of the reaches asked for would.
    pub reaches: Vec<(Reach, bool)>,
    /// The records of which it is a part, and whether each is seen.
    pub parents: Vec<(Kind, bool)>,
}

/// Somebody to whom a record belongs.
#[derive(Clone, Debug)]
pub struct Tie {
    /// How.
    pub bond: Bond,
    /// Who; nobody where it is a department.
    pub user: Option<UserId>,
    /// Their name, where the reader may see them.
    pub name: Option<String>,
    /// Which department, where it is one.
    pub department: Option<Department>,
    /// Whether reach OWN covers the record by it.
    pub own: bool,
    /// Whether reach TEAM does.
    pub team: bool,
}

impl Store {
    /// A person and a record; nothing where the actor does not see both.
    pub async fn sight(&self, person: UserId, (kind, id): (Kind, Uuid)) -> Result<Option<Sighting>> {
        let table = kind.table();
        // What a record is called has a fold key and is never hidden.
        let name = table.fields.iter().find(|field| field.fold.is_some() && !field.hidable);
        let mut sql = Sql::new(self.engine());
        sql.push("SELECT u.name, u.status, u.department, ");
        match name {
            Some(field) => sql.column("t", field.column),
            None => sql.push("NULL"),
        };
        sql.push(" FROM \"user\" u CROSS JOIN ").table(table.table).push(" t WHERE u.archived_at IS NULL AND u.id = ");
        sql.bind(person.0).push(" AND t.id = ").bind(id);
        scope::and_within(&mut sql, self.actor(), (Kind::User, "u"), Action::Read);
        scope::and_within(&mut sql, self.actor(), (kind, "t"), Action::Read);
        let rows = self.fetch(sql).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        Ok(Some(Sighting {
            person: json::text(row, 0)?.unwrap_or_default().to_owned(),
            active: json::text(row, 1)? == Some(UserStatus::Active.as_str()),
            department: json::text(row, 2)?.and_then(Department::parse),
            record: json::text(row, 3)?.map(str::to_owned),
        }))
    }

    /// What the door says of the actor and a record, and what it would say at other reaches.
    pub async fn verdict(&self, (kind, id): (Kind, Uuid), action: Action, reaches: &[Reach]) -> Result<Verdict> {
        let (actor, table) = (self.actor(), kind.table());
        let parents: &[(&str, Kind)] = if let Owner::Parts(parents) = table.owner { parents } else { &[] };
        let mut sql = Sql::new(self.engine());
        sql.push("SELECT ");
        scope::is_within(&mut sql, actor, (kind, "t"), Action::Read);
        sql.push(", ");
        scope::is_within(&mut sql, actor, (kind, "t"), action);
        for reach in reaches {
            let as_if = Actor { policy: actor.policy.with(kind, action, *reach), ..actor.clone() };
            sql.push(", ");
            scope::is_within(&mut sql, &as_if, (kind, "t"), action);
        }
        for (column, parent) in parents {
            let inner = sql.alias();
            sql.push(", EXISTS (SELECT 1 FROM ").table(parent.table().table).push(" ").push(&inner).push(" WHERE ");
            sql.column(&inner, "id").push(" = ").column("t", column);
            scope::and_within(&mut sql, actor, (*parent, &inner), Action::Read);
            sql.push(")");
        }
        sql.push(" FROM ").table(table.table).push(" t WHERE t.id = ").bind(id);
        let rows = self.fetch(sql).await?;
        // A record that is gone meanwhile is within nobody's reach.
        let holds = |at: usize| rows.first().map_or(Ok(false), |row| row.try_get_by_index::<bool>(at));
        let mut verdict = Verdict { read: holds(0)?, act: holds(1)?, reaches: vec![], parents: vec![] };
        for (n, reach) in reaches.iter().enumerate() {
            verdict.reaches.push((*reach, holds(2 + n)?));
        }
        for (n, (_, parent)) in parents.iter().enumerate() {
            verdict.parents.push((*parent, holds(2 + reaches.len() + n)?));
        }
        Ok(verdict)
    }

    /// The people to whom a record belongs, as far as the actor may know: whom reach OWN and TEAM
    /// would cover first. `person` is whose reach is asked for. Also whether the actor may know of everybody.
    pub async fn ties(
        &self,
        (person, department): (UserId, Option<Department>),
        (kind, id): (Kind, Uuid),
    ) -> Result<(Vec<Tie>, bool)> {
        let mut sql = Sql::new(self.engine());
        sql.push("SELECT x.bond, x.user_id, u.name, x.department, ");
        scope::is_within(&mut sql, self.actor(), (Kind::User, "u"), Action::Read);
        sql.push(", ((x.user_id = ").bind(person.0).push(") IS TRUE) AS own, ");
        sql.push("EXISTS (SELECT 1 FROM user_reach r WHERE r.member_id = x.user_id AND r.user_id = ").bind(person.0);
        sql.push(") AS team FROM (");
        let ways = ties::push(&mut sql, self.actor(), (kind, id));
        if !ways.any {
            return Ok((vec![], ways.all));
        }
        sql.push(") x LEFT JOIN \"user\" u ON u.id = x.user_id ");
        sql.push("ORDER BY own DESC, team DESC, x.bond, u.name_fold, x.user_id LIMIT ").bind(MAX_TIES);
        let mut found = Vec::new();
        for row in self.fetch(sql).await? {
            let Some(bond) = json::text(&row, 0)?.and_then(Bond::parse) else { continue };
            let (seen, own): (bool, bool) = (row.try_get_by_index(4)?, row.try_get_by_index(5)?);
            let works_at = json::text(&row, 3)?.and_then(Department::parse);
            found.push(Tie {
                bond,
                user: json::uuid(&row, 1)?.map(UserId),
                name: json::text(&row, 2)?.filter(|_| seen).map(str::to_owned),
                department: works_at,
                own,
                team: match bond {
                    Bond::Department => works_at.is_some() && works_at == department,
                    // A shared work is the team's by its department, whoever keeps it.
                    Bond::Author => own,
                    _ => row.try_get_by_index(6)?,
                },
            });
        }
        // What SQL could not know: that a work of their department is within their reach.
        found.sort_by_key(|tie| (!tie.own, !tie.team));
        Ok((found, ways.all))
    }
}
