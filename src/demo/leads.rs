//! The leads of the demo company and how far each of them comes.

use std::collections::HashMap;

use chrono::Datelike;
use entity::{
    Instant, Kind,
    LeadStage::{self, Disqualified, Inquiry, Mql, Opportunity, Raw, Recycled, Rejected, Sal, Sql},
    Seniority, contact, lead,
    user::UserId,
};
use serde_json::Value;

use super::{
    Company,
    accounts::{Entry, Sign, Signs},
    names::{FIRST, LAST},
    phrases::{ORIGINS, Origin},
    world::{DAY, MINUTE, Subject, World, became, day_of},
};

const LEADS: usize = 700;

/// How lively each month is, January first: trade fairs in spring and autumn, holidays in July, August and December.
const SEASON: [i64; 12] = [62, 75, 95, 78, 80, 76, 42, 34, 92, 100, 88, 36];

/// A lead that deserves a deal.
#[derive(Debug)]
pub(super) struct Opening {
    /// Its place among the leads.
    pub(super) lead: usize,
    /// The place of its account in the book.
    pub(super) entry: usize,
    pub(super) at: Instant,
}

/// What the pursuits have led to.
#[derive(Debug, Default)]
pub(super) struct Pursuits {
    pub(super) openings: Vec<Opening>,
    pub(super) signs: Signs,
}

/// Where leads go from a stage: next stage (none: they stay), weight; and after how many days.
type Ways = (&'static [(Option<LeadStage>, i64)], i64, i64);

fn ways(stage: LeadStage) -> Ways {
    match stage {
        Raw => (&[(Some(Inquiry), 83), (Some(Disqualified), 12), (None, 5)], 0, 4),
        Inquiry => (&[(Some(Mql), 63), (Some(Recycled), 14), (Some(Disqualified), 13), (None, 10)], 1, 40),
        Mql => (&[(Some(Sal), 68), (Some(Rejected), 17), (Some(Recycled), 8), (None, 7)], 0, 5),
        Sal => (&[(Some(Sql), 71), (Some(Recycled), 14), (Some(Disqualified), 8), (None, 7)], 2, 18),
        Sql => (&[(Some(Opportunity), 79), (Some(Recycled), 11), (Some(Disqualified), 5), (None, 5)], 2, 25),
        _ => (&[(None, 1)], 0, 0),
    }
}

/// Fills leads, oldest first, and follows them up.
pub(super) fn receive(world: &mut World, company: &mut Company, book: &[Entry]) -> Pursuits {
    let places: HashMap<_, _> = book.iter().enumerate().map(|(place, entry)| (entry.id, place)).collect();
    let primary = company.account_contacts.iter().filter(|role| role.is_primary);
    let home: HashMap<_, _> = primary.map(|role| (role.contact_id, places[&role.account_id])).collect();
    let mut arrivals: Vec<Instant> = (0..LEADS).map(|_| arrival(world)).collect();
    arrivals.sort();
    let mut pursuits = Pursuits::default();
    for at in arrivals {
        let known = company.contacts.partition_point(|contact| contact.created_at < at);
        // A few are nobody we know, and stay so until somebody looks into it.
        let contact =
            (known > 0 && !world.chance.percent(3)).then(|| world.chance.pick(&company.contacts[..known]).clone());
        let origin = world.chance.weighted(ORIGINS);
        let entry = contact.as_ref().map(|contact| home[&contact.id]);
        let mut row = arrived(world, origin, contact.as_ref(), at);
        row.account_id = entry.map(|entry| book[entry].id);
        if let (Some(contact), Some(entry)) = (contact, entry) {
            row.owner_id = world.chance.percent(65).then_some(book[entry].marketer);
            follow(world, &mut row, &contact, &book[entry], &mut pursuits.signs);
            if row.stage == Opportunity {
                pursuits.openings.push(Opening { lead: company.leads.len(), entry, at: row.updated_at });
            }
        }
        let (least, most) = scores(row.stage);
        row.score = i32::try_from(world.chance.between(least, most))
            .ok()
            .filter(|_| row.stage != Raw || world.chance.percent(50));
        company.leads.push(row);
    }
    pursuits
}

/// A moment in the two years, in season; business grows, so that later moments are likelier.
fn arrival(world: &mut World) -> Instant {
    loop {
        let at = world.within(Instant(world.start.0 + 12 * DAY), Instant(world.now.0 - 10 * MINUTE));
        let month = usize::try_from(day_of(at).to_date().month0()).unwrap_or(0);
        let growth = 50 + 50 * (at.0 - world.start.0) / (world.now.0 - world.start.0);
        if world.chance.percent(SEASON[month] * growth / 100) {
            return at;
        }
    }
}

fn arrived(
    world: &mut World,
    (source, topics, page): Origin,
    contact: Option<&contact::Model>,
    at: Instant,
) -> lead::Model {
    let who = contact.map_or_else(
        || {
            let tongue = usize::try_from(world.chance.between(0, 6)).unwrap_or(0);
            format!("{} {}", world.chance.pick(FIRST[tongue]), world.chance.pick(LAST[tongue]))
        },
        |contact| contact.name.clone(),
    );
    let name = format!("{who} · {}", world.chance.pick(topics));
    lead::Model {
        id: world.id(at).into(),
        name_fold: world.fold(&name),
        name,
        stage: Raw,
        source: source.map(str::to_owned),
        landing_page: page.map(|page| format!("https://www.demo.example{page}")),
        score: None,
        received_at: at,
        account_id: None,
        contact_id: contact.map(|contact| contact.id),
        persona_id: contact.and_then(|contact| contact.persona_id),
        owner_id: None,
        version: 1,
        created_at: at,
        updated_at: at,
        archived_at: None,
    }
}

/// Leads the pursuit on until it rests, ends, or is yet to go on.
fn follow(world: &mut World, row: &mut lead::Model, contact: &contact::Model, entry: &Entry, signs: &mut Signs) {
    loop {
        let (ways, least, most) = ways(row.stage);
        let mut to = world.chance.weighted(ways);
        if contact.seniority == Some(Seniority::Entry) && row.stage == Inquiry {
            // Students ask, too.
            to = Some(Disqualified);
        }
        let Some(to) = to else { return };
        let Some(at) = world.after(row.updated_at, least, most) else { return };
        let actor = if matches!(row.stage, Raw | Inquiry) { entry.marketer } else { entry.seller };
        transition(world, row, to, (at, actor));
        match to {
            Inquiry => signs.push((at, entry.id, Sign::Asked, actor)),
            Mql => {
                signs.push((at, entry.id, Sign::Qualified, actor));
                hand_over(world, row, entry, at);
            }
            _ => {}
        }
    }
}

/// Moves a lead to a stage and notes it.
pub(super) fn transition(world: &mut World, row: &mut lead::Model, to: LeadStage, (at, actor): (Instant, UserId)) {
    let changes = became("stage", row.stage.as_str(), to.as_str());
    world.updated(at, actor, subject(row), changes);
    row.stage = to;
    row.updated_at = at;
}

/// Gives a qualified lead to the seller of the account.
fn hand_over(world: &mut World, row: &mut lead::Model, entry: &Entry, at: Instant) {
    let before = row.owner_id.map_or(Value::Null, |owner| owner.to_string().into());
    let at = Instant((at.0 + 1_000).min(world.now.0));
    world.updated(at, entry.marketer, subject(row), became("owner", before, entry.seller.to_string()));
    row.owner_id = Some(entry.seller);
    row.updated_at = at;
}

fn subject(row: &lead::Model) -> Subject {
    Subject { kind: Kind::Lead, id: row.id.0, account: row.account_id }
}

fn scores(stage: LeadStage) -> (i64, i64) {
    match stage {
        Raw => (3, 30),
        Disqualified => (2, 45),
        Inquiry | Recycled => (18, 52),
        Rejected => (40, 66),
        Mql => (50, 80),
        Sal => (55, 86),
        Sql => (60, 92),
        LeadStage::Opportunity | LeadStage::Won => (65, 98),
    }
}
