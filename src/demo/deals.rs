//! The pipelines of the demo company and the deals in them.

use std::collections::HashMap;

use chrono::Datelike;
use entity::{
    DealType,
    ForecastCategory::{self, BestCase, Closed, Commit, Omitted},
    Instant, Kind, LeadStage,
    StageCategory::{self, Lost, Open, Won},
    deal, pipeline, stage,
};
use serde_json::{Value, json};

use super::{
    Company,
    accounts::{Entry, Sign, Signs},
    leads::{Pursuits, transition},
    phrases::{EXPANSIONS, LOST_BECAUSE, NEW_DEALS, WON_BECAUSE},
    world::{DAY, HOUR, MINUTE, Subject, World, became, day_of},
};

/// Name, probability, category, forecast category.
type Step = (&'static str, i32, StageCategory, ForecastCategory);

const PIPELINES: &[(&str, &[Step])] = &[
    (
        "New business",
        &[
            ("Discovery", 10, Open, ForecastCategory::Pipeline),
            ("Evaluation", 30, Open, ForecastCategory::Pipeline),
            ("Proposal", 50, Open, BestCase),
            ("Negotiation", 70, Open, Commit),
            ("Won", 100, Won, Closed),
            ("Lost", 0, Lost, Omitted),
        ],
    ),
    (
        "Renewals",
        &[
            ("Upcoming", 60, Open, BestCase),
            ("In negotiation", 80, Open, Commit),
            ("Renewed", 100, Won, Closed),
            ("Churned", 0, Lost, Omitted),
        ],
    ),
];

/// Of a hundred decided deals, so many are won.
const WIN_RATE: usize = 24;

/// A deal before it is known how it ends.
#[derive(Debug)]
struct Draft {
    at: Instant,
    entry: usize,
    lead: Option<usize>,
    kind: DealType,
    /// How long it takes to decide, in days.
    cycle: i64,
    closed: Option<Instant>,
    won: bool,
}

/// Fills pipelines, stages and deals, oldest first, and closes the leads whose deals are decided.
pub(super) fn pursue(world: &mut World, company: &mut Company, book: &[Entry], pursuits: Pursuits) -> Signs {
    lay_pipelines(world, company);
    let Pursuits { openings, mut signs } = pursuits;
    let mut drafts = vec![];
    for opening in openings {
        let at = Instant(opening.at.0 + world.chance.between(1, 40) * MINUTE).0.min(world.now.0 - 1);
        drafts.push(draft(world, Instant(at), opening.entry, DealType::New));
        drafts.last_mut().into_iter().for_each(|draft| draft.lead = Some(opening.lead));
    }
    for (entry, account) in book.iter().enumerate() {
        let old = account.old_customer;
        // Sellers find some business by themselves, and customers come back for more.
        if world.chance.percent(if old { 70 } else { 24 }) {
            let kind = if old { DealType::Expansion } else { DealType::New };
            let earliest = Instant(account.opened.0 + 10 * DAY);
            // What is in the sellers' hands today is written down more carefully than what was there two years ago.
            let earliest =
                if world.chance.percent(40) { earliest.max(Instant(world.now.0 - 90 * DAY)) } else { earliest };
            let at = world.within(earliest, Instant(world.now.0 - 3 * DAY));
            drafts.push(draft(world, at, entry, kind));
        }
        if old && world.chance.percent(40) {
            let at = world.within(Instant(account.opened.0 + 30 * DAY), Instant(world.now.0 - 15 * DAY));
            drafts.push(draft(world, at, entry, DealType::Renewal));
        }
    }
    drafts.sort_by_key(|draft| (draft.at, draft.entry));
    decide(world, company, &mut drafts);
    let mut customer_since: HashMap<usize, Instant> = HashMap::new();
    for mut draft in drafts {
        let customer =
            customer_since.get(&draft.entry).is_some_and(|&since| since < draft.at) || book[draft.entry].old_customer;
        if customer && draft.kind == DealType::New {
            draft.kind = DealType::Expansion;
        }
        if let Some(closed) = draft.closed.filter(|_| draft.won) {
            customer_since.entry(draft.entry).and_modify(|since| *since = closed.min(*since)).or_insert(closed);
        }
        run(world, company, &draft, &book[draft.entry], &mut signs);
    }
    signs
}

fn draft(world: &mut World, at: Instant, entry: usize, kind: DealType) -> Draft {
    let cycle = match kind {
        DealType::New => world.chance.quantile(&[28, 55, 85, 120, 170, 260]),
        DealType::Expansion => world.chance.between(20, 110),
        DealType::Renewal => world.chance.between(40, 85),
    };
    let closed = world.after(at, cycle, cycle);
    Draft { at, entry, lead: None, kind, cycle, closed, won: false }
}

/// Chooses what is won. The rate is met exactly, whatever the seed; recommendations and high scores help.
fn decide(world: &mut World, company: &Company, drafts: &mut [Draft]) {
    let mut chances: Vec<(i64, usize)> = vec![];
    for (place, draft) in drafts.iter().enumerate().filter(|(_, draft)| draft.closed.is_some()) {
        let lead = draft.lead.map(|lead| &company.leads[lead]);
        let trusted = lead
            .and_then(|lead| lead.source.as_deref())
            .is_some_and(|source| source == "referral" || source == "partner");
        let help = match draft.kind {
            DealType::Renewal => 700,
            DealType::Expansion => 230,
            DealType::New if trusted => 300,
            DealType::New => lead.and_then(|lead| lead.score).map_or(0, |score| i64::from(score) * 2),
        };
        chances.push((help + world.chance.between(0, 1_000), place));
    }
    chances.sort_unstable_by_key(|&(chance, place)| (-chance, place));
    let wins = (chances.len() * WIN_RATE + 50) / 100;
    chances.into_iter().take(wins).for_each(|(_, place)| drafts[place].won = true);
}

fn lay_pipelines(world: &mut World, company: &mut Company) {
    let begun = world.start.0 + 2 * DAY;
    for (place, &(name, steps)) in (0..).zip(PIPELINES) {
        let at = Instant(begun + i64::from(place) * HOUR);
        let id = world.id(at).into();
        company.pipelines.push(pipeline::Model {
            id,
            name: name.to_owned(),
            name_fold: world.fold(name),
            name_key: Some(crate::store::key(name)),
            position: place,
            version: 1,
            created_at: at,
            updated_at: at,
            archived_at: None,
        });
        for (position, &(name, probability, category, forecast_category)) in (0..).zip(steps) {
            let at = Instant(at.0 + i64::from(position + 1) * MINUTE);
            company.stages.push(stage::Model {
                id: world.id(at).into(),
                pipeline_id: id,
                name: name.to_owned(),
                name_fold: world.fold(name),
                name_key: Some(crate::store::key(name)),
                position,
                category,
                probability,
                forecast_category,
                version: 1,
                created_at: at,
                updated_at: at,
                archived_at: None,
            });
        }
    }
}

/// Takes a deal through the stages of its pipeline, up to its end or to the present.
fn run(world: &mut World, company: &mut Company, draft: &Draft, entry: &Entry, signs: &mut Signs) {
    let pipeline = usize::from(draft.kind == DealType::Renewal);
    let pipeline_id = company.pipelines[pipeline].id;
    let stages: Vec<stage::Model> =
        company.stages.iter().filter(|stage| stage.pipeline_id == pipeline_id).cloned().collect();
    let steps = stages.iter().filter(|stage| stage.category == Open).count();
    let mut row = begun(world, draft, entry, company);
    row.pipeline_id = pipeline_id;
    row.stage_id = stages[0].id;
    let until = draft.closed.unwrap_or(world.now);
    let passed = match draft.closed {
        Some(_) if draft.won => steps - 1,
        Some(_) => world.chance.weighted(&[(0, 28), (1, 36), (2, 21), (3, 15)]).min(steps - 1),
        None => {
            let span = i64::try_from(steps).unwrap_or(1) * (world.now.0 - draft.at.0) / (draft.cycle * DAY);
            usize::try_from(span).unwrap_or(0).min(steps - 1)
        }
    };
    let mut moments: Vec<Instant> = (0..passed).map(|_| world.within(draft.at, until)).collect();
    moments.sort();
    for (place, at) in moments.into_iter().enumerate() {
        enter(world, &mut row, &stages[place + 1], (at, entry));
        if place == 1 && world.chance.percent(45) {
            revalue(world, &mut row, entry, at);
        }
    }
    signs.push((draft.at, entry.id, Sign::DealOpened, entry.seller));
    if let Some(closed) = draft.closed {
        close(world, &mut row, draft.won, closed);
        let ending = if draft.won { Won } else { Lost };
        let stage = stages.iter().find(|stage| stage.category == ending).unwrap_or(&stages[0]);
        enter(world, &mut row, stage, (closed, entry));
        signs.push((closed, entry.id, if draft.won { Sign::DealWon } else { Sign::DealLost }, entry.seller));
        if let Some(lead) = draft.lead {
            let ending = if draft.won {
                LeadStage::Won
            } else {
                // What is lost goes back to nurture, unless it never fitted.
                world.chance.weighted(&[(LeadStage::Recycled, 75), (LeadStage::Disqualified, 25)])
            };
            transition(world, &mut company.leads[lead], ending, (closed, entry.seller));
        }
    }
    company.deals.push(row);
}

fn begun(world: &mut World, draft: &Draft, entry: &Entry, company: &Company) -> deal::Model {
    let what = match draft.kind {
        DealType::New => (*world.chance.pick(NEW_DEALS)).to_owned(),
        DealType::Expansion => (*world.chance.pick(EXPANSIONS)).to_owned(),
        DealType::Renewal => format!("Renewal {}", draft.at.to_utc().year()),
    };
    let name = format!("{} – {what}", company.accounts[draft.entry].name);
    let id = world.id(draft.at);
    let amount = amount(world, draft.kind, entry);
    let expected =
        Instant(draft.at.0 + draft.cycle * DAY).max(Instant(world.now.0 + world.chance.between(6, 60) * DAY));
    deal::Model {
        id: id.into(),
        name_fold: world.fold(&name),
        name,
        amount_minor: Some(amount),
        amount_currency: Some(currency(entry).0.to_owned()),
        kind: draft.kind,
        close_date: Some(day_of(draft.closed.unwrap_or(expected))),
        opened_at: Some(draft.at),
        closed_at: None,
        close_reason: None,
        stage_id: sea_orm::prelude::Uuid::nil().into(),
        pipeline_id: sea_orm::prelude::Uuid::nil().into(),
        account_id: Some(entry.id),
        lead_id: draft.lead.map(|lead| company.leads[lead].id),
        owner_id: Some(entry.seller),
        version: 1,
        created_at: draft.at,
        updated_at: draft.at,
        archived_at: None,
    }
}

/// The currency of the price list and how many of its units make a euro, in hundredths.
fn currency(entry: &Entry) -> (&'static str, i64) {
    match entry.country.currency {
        listed @ ("USD" | "GBP" | "PLN") => (listed, entry.country.rate),
        _ => ("EUR", 100),
    }
}

fn amount(world: &mut World, kind: DealType, entry: &Entry) -> i64 {
    let quantiles: &[i64] = match entry.employees {
        ..150 => &[6_000, 9_000, 13_000, 19_000, 31_000],
        150..500 => &[14_000, 22_000, 33_000, 52_000, 85_000],
        500..2_000 => &[28_000, 46_000, 74_000, 115_000, 190_000],
        _ => &[65_000, 110_000, 175_000, 280_000, 520_000],
    };
    let share = match kind {
        DealType::New => 100,
        DealType::Expansion => 45,
        DealType::Renewal => 80,
    };
    let units = world.chance.quantile(quantiles) * share * currency(entry).1 / 10_000;
    // Offers are round.
    units / 250 * 250 * 100
}

fn subject(row: &deal::Model) -> Subject {
    Subject { kind: Kind::Deal, id: row.id.0, account: row.account_id }
}

fn enter(world: &mut World, row: &mut deal::Model, stage: &stage::Model, (at, entry): (Instant, &Entry)) {
    let mut changes = became("stage", row.stage_id.to_string(), stage.id.to_string());
    if let (Value::Object(changes), Some(reason)) = (&mut changes, &row.close_reason) {
        changes.insert("closedAt".to_owned(), json!({ "before": null, "after": at.rfc3339() }));
        changes.insert("closeReason".to_owned(), json!({ "before": null, "after": reason }));
    }
    world.updated(at, entry.seller, subject(row), changes);
    row.stage_id = stage.id;
    row.updated_at = at;
}

/// The offer differs from the first guess.
fn revalue(world: &mut World, row: &mut deal::Model, entry: &Entry, at: Instant) {
    let Some(before) = row.amount_minor else { return };
    let after = before * world.chance.between(70, 125) / 100 / 25_000 * 25_000;
    let currency = currency(entry).0;
    let money = |minor: i64| json!({ "amount": super::happenings::decimal(minor), "currency": currency });
    let at = Instant((at.0 + 1_000).min(world.now.0));
    world.updated(at, entry.seller, subject(row), became("amount", money(before), money(after)));
    row.amount_minor = Some(after);
    row.updated_at = at;
}

fn close(world: &mut World, row: &mut deal::Model, won: bool, at: Instant) {
    let reason = if won { *world.chance.pick(WON_BECAUSE) } else { world.chance.weighted(LOST_BECAUSE) };
    row.closed_at = Some(at);
    row.close_reason = Some(reason.to_owned());
}
