//! A believable company to try everything on: accounts, people, messages, leads, deals and two years of history, made up
//! here and the same for the same seed and moment.
//!
//! Every company's domain ends in `.example` and telephone numbers come from ranges kept free for
//! fiction, so that nothing leads to anybody real.

mod accounts;
mod contacts;
mod deals;
mod happenings;

mod leads;
mod load;
mod messaging;
mod names;
mod people;
mod phrases;
mod prepare;
mod targeting;
#[cfg(test)]
mod tests;
mod world;

use entity::{EventAction, Instant, Kind, account::AccountId, user::UserId};
use sea_orm::prelude::Uuid;

pub use load::load;
pub use prepare::{Logins, prepare};

/// All rows of the demo company, each list in an order in which it can be inserted.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Company {
    /// The people who work with Tandem.
    pub users: Vec<entity::user::Model>,
    /// Their teams, parents first.
    pub teams: Vec<entity::team::Model>,
    /// Who belongs to which team.
    pub team_memberships: Vec<entity::team_membership::Model>,
    /// The accounts, parents first.
    pub accounts: Vec<entity::account::Model>,
    /// Their further domains.
    pub account_domains: Vec<entity::account_domain::Model>,
    /// Who works them.
    pub account_team_members: Vec<entity::account_team_member::Model>,
    /// The kinds of people who take part in a purchase.
    pub personas: Vec<entity::persona::Model>,
    /// What is said to them, core stories first.
    pub stories: Vec<entity::story::Model>,
    /// The people at the accounts.
    pub contacts: Vec<entity::contact::Model>,
    /// Who works or worked where.
    pub account_contacts: Vec<entity::account_contact::Model>,
    /// Static and dynamic lists.
    pub target_account_lists: Vec<entity::target_account_list::Model>,
    /// Members of the static ones.
    pub target_account_list_members: Vec<entity::target_account_list_member::Model>,
    /// The pursuits.
    pub leads: Vec<entity::lead::Model>,
    /// The ways deals go.
    pub pipelines: Vec<entity::pipeline::Model>,
    /// Their steps.
    pub stages: Vec<entity::stage::Model>,
    /// What accounts buy, or do not.
    pub deals: Vec<entity::deal::Model>,
    /// Who may sign in, and as what; the rows that give the roles are not among the others.
    pub logins: Vec<Login>,
    /// What happened, oldest first.
    pub history: Vec<Happening>,
}

/// Somebody who may sign in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Login {
    /// By which they sign in.
    pub email: String,
    /// Key of the built-in role they hold.
    pub role_key: &'static str,
    /// Full name.
    pub name: String,
    /// Where they work.
    pub department: entity::Department,
    /// Their row.
    pub user_id: UserId,
}

/// One change of one record.
#[derive(Clone, Debug, PartialEq)]
pub struct Happening {
    /// Id of the event itself.
    pub event: Uuid,
    /// When it happened.
    pub at: Instant,
    /// Who did it.
    pub actor: UserId,
    /// Kind of the record.
    pub kind: Kind,
    /// The record.
    pub id: Uuid,
    /// The account whose timeline it belongs to.
    pub account: Option<AccountId>,
    /// What happened.
    pub action: EventAction,
    /// Changed API fields with their values before and after.
    pub changes: serde_json::Value,
}

/// Makes the company as it stands at a moment, with the two years before it. `fold` gives the key by
/// which a text is found and ordered.
#[must_use]
pub fn company(seed: u64, now: Instant, fold: fn(&str) -> String) -> Company {
    let mut world = world::World::new(seed, now, fold);
    let mut company = Company::default();
    let staff = people::hire(&mut world, &mut company);
    messaging::write(&mut world, &mut company, &staff);
    let book = accounts::open(&mut world, &mut company, &staff);
    contacts::meet(&mut world, &mut company, &book);
    let pursuits = leads::receive(&mut world, &mut company, &book);
    let signs = deals::pursue(&mut world, &mut company, &book, pursuits);
    accounts::advance(&mut world, &mut company, &book, signs);
    targeting::choose(&mut world, &mut company, &staff);
    happenings::tell(&mut world, &mut company, &staff);
    company
}
