//! The target-account lists of the demo company.

use entity::{AccountTier, Instant, ListKind, ListProgram, account, target_account_list, target_account_list_member};
use serde_json::{Value, json};

use super::{
    Company,
    people::Staff,
    world::{DAY, MINUTE, World, day_of},
};

/// Which accounts a static list is made of, and why each of them is on it.
type Choice = (fn(&account::Model) -> bool, usize, &'static [&'static str]);

/// Fills lists and memberships.
pub(super) fn choose(world: &mut World, company: &mut Company, staff: &Staff) {
    let named: [(&str, &str, ListProgram, Choice); 3] = [
        (
            "Strategic accounts",
            "The accounts worth a plan of their own: reviewed every quarter by Marketing and Sales together.",
            ListProgram::OneToOne,
            (
                |account| account.tier == Some(AccountTier::Tier1),
                14,
                &["Board sponsor found", "Nine sites and one ERP", "Framework agreement runs out next year"],
            ),
        ),
        (
            "Energy and rail cluster",
            "Operators of spread-out equipment who all fight the same stand-by duty: one story, one round table, few accounts.",
            ListProgram::OneToFew,
            (
                |account| matches!(account.industry.as_deref(), Some("Energy" | "Rail and public transport")),
                30,
                &["Spread-out equipment", "Asked for the round table", "Neighbour of a customer"],
            ),
        ),
        (
            "UK & Ireland growth",
            "Everybody in the territory who fits, for programmes at scale.",
            ListProgram::OneToMany,
            (
                |account| matches!(account.country.as_deref(), Some("GB" | "IE")) && account.fit_score >= Some(45),
                60,
                &["Fits the profile", "Named by the seller", "Met at the Service Summit"],
            ),
        ),
    ];
    for (place, (name, description, program, choice)) in (0..).zip(named) {
        let at = Instant(world.start.0 + (45 + place * 70) * DAY + 9 * 60 * MINUTE);
        let capacity = i32::try_from(choice.1).ok();
        let list = list(world, staff, (name, description), at);
        let list = target_account_list::Model { program: Some(program), capacity, ..list };
        enlist(world, company, &list, choice);
        company.target_account_lists.push(list);
    }
    let found: [(&str, &str, ListProgram, Value); 3] = [
        (
            "Large energy companies",
            "Energy companies of 500 people and more, whoever owns them.",
            ListProgram::OneToFew,
            json!({ "industry": { "eq": "Energy" }, "employeeCount": { "gte": 500 } }),
        ),
        (
            "Nordics, tiers 1 and 2",
            "The better accounts of the Nordic countries, for the spring programme.",
            ListProgram::OneToMany,
            json!({ "country": { "in": ["SE", "DK", "NO"] }, "tier": { "in": ["TIER_1", "TIER_2"] } }),
        ),
        (
            "Warm, without a deal",
            "Engaged accounts with intent and no deal yet: the weekly call list of business development.",
            ListProgram::OneToMany,
            json!({ "stage": { "in": ["ENGAGED", "MQA"] }, "intentScore": { "gte": 40 } }),
        ),
    ];
    for (place, (name, description, program, filter)) in (0..).zip(found) {
        let at = Instant(world.start.0 + (90 + place * 110) * DAY + 10 * 60 * MINUTE);
        let list = list(world, staff, (name, description), at);
        let list = target_account_list::Model {
            kind: ListKind::Dynamic,
            filter: Some(filter),
            program: Some(program),
            ..list
        };
        company.target_account_lists.push(list);
    }
}

fn list(
    world: &mut World,
    staff: &Staff,
    (name, description): (&str, &str),
    at: Instant,
) -> target_account_list::Model {
    let sales_owner = if world.chance.percent(50) { world.chance.pick(&staff.sellers).1 } else { staff.sales_manager };
    target_account_list::Model {
        id: world.id(at).into(),
        name: name.to_owned(),
        name_fold: world.fold(name),
        description: Some(description.to_owned()),
        kind: ListKind::Static,
        filter: None,
        program: None,
        capacity: None,
        marketing_owner_id: Some(*world.chance.pick(&staff.marketers)),
        sales_owner_id: Some(sales_owner),
        version: 1,
        created_at: at,
        updated_at: at,
        archived_at: None,
    }
}

fn enlist(
    world: &mut World,
    company: &mut Company,
    list: &target_account_list::Model,
    (fits, capacity, reasons): Choice,
) {
    let mut fitting: Vec<&account::Model> = company.accounts.iter().filter(|account| fits(account)).collect();
    world.chance.shuffle(&mut fitting);
    for account in fitting.into_iter().take(capacity) {
        let earliest = list.created_at.max(account.created_at);
        let at = world.after(earliest, 0, 30).unwrap_or_else(|| world.within(earliest, world.now));
        // Some were taken off again: they had bought, or proved not to fit.
        let left = if world.chance.percent(8) { world.after(at, 60, 300) } else { None };
        company.target_account_list_members.push(target_account_list_member::Model {
            id: world.id(at).into(),
            list_id: list.id,
            account_id: account.id,
            reason: Some((*world.chance.pick(reasons)).to_owned()),
            since: Some(day_of(at)),
            until: left.map(day_of),
            version: 1,
            created_at: at,
            updated_at: left.unwrap_or(at),
            archived_at: None,
        });
    }
}
