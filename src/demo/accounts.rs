//! The accounts of the demo company: who they are, who works them, and how far they come.

use std::collections::{BTreeSet, HashMap};

use entity::{
    AccountStage, AccountTier, Instant, Kind, account, account::AccountId, account_domain, account_team_member,
    user::UserId,
};

use super::{
    Company,
    names::{COUNTRIES, Country, INDUSTRIES, Industry, STEMS},
    people::Staff,
    world::{DAY, MINUTE, Subject, World, ascii, became},
};

const ACCOUNTS: usize = 240;
/// Of them, those that came in the import of the first days; every fourth had bought before.
const IMPORTED: usize = 100;
/// Deciles of the number of employees of European and American B2B customers: roughly log-normal.
const EMPLOYEES: &[i64] = &[35, 90, 160, 260, 400, 610, 930, 1_500, 2_600, 5_400, 24_000];

/// What later chapters need to know of an account.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) id: AccountId,
    pub(super) country: &'static Country,
    pub(super) seller: UserId,
    pub(super) marketer: UserId,
    pub(super) success: UserId,
    pub(super) opened: Instant,
    pub(super) old_customer: bool,
    pub(super) employees: i64,
    pub(super) domain: String,
}

/// What changes how far an account has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Sign {
    Fits,
    ShowsIntent,
    Asked,
    Qualified,
    DealOpened,
    DealWon,
    DealLost,
}

/// A sign, when it came, and through whom.
pub(super) type Signs = Vec<(Instant, AccountId, Sign, UserId)>;

/// Fills accounts, their domains and their teams.
pub(super) fn open(world: &mut World, company: &mut Company, staff: &Staff) -> Vec<Entry> {
    let first = world.start.0 + 3 * DAY;
    let mut moments: Vec<Instant> = (0..ACCOUNTS)
        .map(|place| match place {
            // What was there already came in one import; the rest was added as it was found.
            0..IMPORTED => Instant(first + i64::try_from(place).unwrap_or(0) * 700),
            _ => world.within(Instant(first + 5 * DAY), Instant(world.now.0 - 20 * DAY)),
        })
        .collect();
    moments.sort();
    let countries: Vec<_> = COUNTRIES.iter().map(|country| (country, country.weight)).collect();
    let mut domains = BTreeSet::new();
    let mut book: Vec<Entry> = vec![];
    for (place, at) in moments.into_iter().enumerate() {
        let country = world.chance.weighted(&countries);
        let industry = world.chance.pick(INDUSTRIES);
        let parent = if place > 30 && world.chance.percent(7) { subsidiary_of(world, company, country) } else { None };
        let (name, domain, industry) = match parent {
            Some(parent) => parent.daughter(country),
            None => named(world, country, industry, &domains),
        };
        if !domains.insert(domain.clone()) {
            // The parent has a daughter in this country already.
            continue;
        }
        let employees = world.chance.quantile(EMPLOYEES);
        let sellers: Vec<_> = staff.sellers.iter().filter(|(territory, _)| *territory == country.territory).collect();
        let entry = Entry {
            id: world.id(at).into(),
            country,
            seller: world.chance.pick(&sellers).1,
            marketer: *world.chance.pick(&staff.marketers),
            success: *world.chance.pick(&staff.success),
            opened: at,
            old_customer: place < IMPORTED && place % 4 == 1,
            employees,
            domain,
        };
        let row = row(world, &entry, name, industry);
        company.accounts.push(account::Model { parent_id: parent.map(|parent| parent.id), ..row });
        book.push(entry);
    }
    for entry in &book {
        also_known_as(world, company, entry, &mut domains);
        staffed(world, company, staff, entry);
    }
    book
}

#[derive(Clone, Copy)]
struct Parent {
    id: AccountId,
    stem: &'static str,
    industry: &'static Industry,
}

impl Parent {
    fn daughter(self, country: &Country) -> (String, String, &'static Industry) {
        let name = format!("{} {} {}", self.stem, country.name, country.forms[0]);
        let domain = format!("{}-{}.example", ascii(self.stem, true, '-'), country.code.to_lowercase());
        (name, domain, self.industry)
    }
}

/// An independent account abroad that may have a daughter here.
fn subsidiary_of(world: &mut World, company: &Company, country: &Country) -> Option<Parent> {
    let candidates: Vec<Parent> = company
        .accounts
        .iter()
        .filter(|account| account.parent_id.is_none() && account.country.as_deref() != Some(country.code))
        .filter(|account| account.employee_count.is_some_and(|employees| employees > 900))
        .filter_map(|account| {
            let stem = STEMS.iter().copied().flatten().find(|stem| account.name.starts_with(**stem))?;
            let industry = INDUSTRIES.iter().find(|industry| account.industry.as_deref() == Some(industry.name))?;
            Some(Parent { id: account.id, stem, industry })
        })
        .collect();
    (!candidates.is_empty()).then(|| *world.chance.pick(&candidates))
}

/// A name and a domain that nobody has yet.
fn named(
    world: &mut World,
    country: &Country,
    industry: &'static Industry,
    taken: &BTreeSet<String>,
) -> (String, String, &'static Industry) {
    let german = country.tongue as usize == 0;
    loop {
        let stem = world.chance.pick(STEMS[country.tongue as usize]);
        let trade = world.chance.pick(industry.words[country.tongue as usize]);
        let form = world.chance.pick(country.forms);
        let domain = format!("{}-{}.example", ascii(stem, german, '-'), ascii(trade, german, '-'));
        if !taken.contains(&domain) {
            return (format!("{stem} {trade} {form}"), domain, industry);
        }
        // All names of this industry may be given away: another city tells the next one apart.
        let city = world.chance.pick(country.cities);
        let domain = format!("{}-{}.example", ascii(stem, german, '-'), ascii(city, german, '-'));
        if !taken.contains(&domain) {
            return (format!("{stem} {trade} {city} {form}"), domain, industry);
        }
    }
}

fn row(world: &mut World, entry: &Entry, name: String, industry: &Industry) -> account::Model {
    let &Entry { id, country, employees, opened, seller, .. } = entry;
    let per_head = industry.revenue * world.chance.between(60, 150) / 100;
    // In thousands, rounded to two or three digits as such figures are.
    let thousands = employees * per_head * country.rate / 100;
    let grain = [1_000_000, 100_000, 10_000, 1_000].into_iter().find(|grain| thousands >= grain * 10).unwrap_or(100);
    let revenue = thousands / grain * grain;
    let revenue_known = world.chance.percent(88);
    let size_fit = if employees < 150 {
        4
    } else if employees < 500 {
        18
    } else {
        30
    };
    let fit = (industry.fit + size_fit + world.chance.between(0, 30)).clamp(0, 100);
    let tier = match fit {
        78.. if employees >= 900 => Some(AccountTier::Tier1),
        62.. => Some(AccountTier::Tier2),
        40.. => Some(AccountTier::Tier3),
        _ => None,
    };
    let city = *world.chance.pick(country.cities);
    let name_fold = world.fold(&name);
    account::Model {
        id,
        description: Some(format!("{name} {}; headquarters in {city}, some {employees} people.", industry.does)),
        name,
        name_fold,
        domain: Some(entry.domain.clone()),
        website: Some(format!("https://www.{}", entry.domain)),
        industry: Some(industry.name.to_owned()),
        employee_count: i32::try_from(employees).ok().filter(|_| world.chance.percent(95)),
        annual_revenue_minor: revenue_known.then_some(revenue * 100_000),
        annual_revenue_currency: revenue_known.then(|| country.currency.to_owned()),
        country: Some(country.code.to_owned()),
        city: Some(city.to_owned()),
        tier,
        stage: if entry.old_customer { AccountStage::Customer } else { AccountStage::Unaware },
        fit_score: i32::try_from(fit).ok(),
        intent_score: i32::try_from(world.chance.quantile(&[0, 3, 9, 18, 30, 44, 60, 78, 97]))
            .ok()
            .filter(|_| world.chance.percent(85)),
        parent_id: None,
        owner_id: Some(seller),
        version: 1,
        created_at: opened,
        updated_at: opened,
        archived_at: None,
    }
}

fn also_known_as(world: &mut World, company: &mut Company, entry: &Entry, taken: &mut BTreeSet<String>) {
    if !world.chance.percent(28) {
        return;
    }
    let stem = entry.domain.trim_end_matches(".example");
    let ending = world.chance.pick(&["group", "online", "service", "intl"]);
    let domain = format!("{stem}-{ending}.example");
    if taken.insert(domain.clone()) {
        let at = Instant(entry.opened.0 + 2 * MINUTE);
        company.account_domains.push(account_domain::Model {
            id: world.id(at).into(),
            account_id: entry.id,
            domain,
            version: 1,
            created_at: at,
            updated_at: at,
            archived_at: None,
        });
    }
}

fn staffed(world: &mut World, company: &mut Company, staff: &Staff, entry: &Entry) {
    let mut members = vec![(entry.seller, "Account executive"), (entry.marketer, "ABM marketer")];
    if world.chance.percent(45) {
        members.push((*world.chance.pick(&staff.developers), "Sales development"));
    }
    if entry.old_customer {
        members.push((entry.success, "Customer success"));
    }
    for (place, (user, role)) in (3..).zip(members) {
        join(world, company, (entry.id, user), role, Instant(entry.opened.0 + place * MINUTE));
    }
}

/// Puts somebody on the team of an account.
fn join(world: &mut World, company: &mut Company, (account_id, user_id): (AccountId, UserId), role: &str, at: Instant) {
    company.account_team_members.push(account_team_member::Model {
        id: world.id(at).into(),
        account_id,
        user_id,
        role: Some(role.to_owned()),
        version: 1,
        created_at: at,
        updated_at: at,
        archived_at: None,
    });
}

/// Moves the accounts through their stages as the signs come in.
pub(super) fn advance(world: &mut World, company: &mut Company, book: &[Entry], mut signs: Signs) {
    for (entry, account) in book.iter().zip(&company.accounts) {
        if account.fit_score >= Some(70) {
            signs.extend(world.after(entry.opened, 1, 9).map(|at| (at, entry.id, Sign::Fits, entry.marketer)));
        }
        if account.intent_score >= Some(40) {
            signs
                .extend(world.after(entry.opened, 12, 160).map(|at| (at, entry.id, Sign::ShowsIntent, entry.marketer)));
        }
    }
    signs.sort_by_key(|&(at, account, sign, _)| (at, account, sign));
    let places: HashMap<AccountId, usize> = book.iter().enumerate().map(|(place, entry)| (entry.id, place)).collect();
    let mut open_deals = vec![0_u32; book.len()];
    for (at, id, sign, actor) in signs {
        let place = places[&id];
        match sign {
            Sign::DealOpened => open_deals[place] += 1,
            Sign::DealWon | Sign::DealLost => open_deals[place] -= 1,
            _ => {}
        }
        let before = company.accounts[place].stage;
        let after = next(before, sign, open_deals[place]);
        if before == after {
            continue;
        }
        let account = &mut company.accounts[place];
        account.stage = after;
        account.updated_at = at;
        let subject = Subject { kind: Kind::Account, id: id.0, account: Some(id) };
        world.updated(at, actor, subject, became("stage", before.as_str(), after.as_str()));
        if after == AccountStage::Customer {
            // Before the minute is over, so that nobody asks who looks after the new customer.
            join(world, company, (id, book[place].success), "Customer success", at);
        }
    }
}

fn next(stage: AccountStage, sign: Sign, open_deals: u32) -> AccountStage {
    use AccountStage::{Aware, Customer, Engaged, Mqa, Opportunity, Qualified, Unaware};
    match (stage, sign) {
        (Customer, _) | (_, Sign::DealWon) => Customer,
        (_, Sign::DealOpened) => Opportunity,
        (Opportunity, Sign::DealLost) if open_deals == 0 => Engaged,
        (Unaware, Sign::Fits) => Qualified,
        (Unaware | Qualified, Sign::ShowsIntent) => Aware,
        (Unaware | Qualified | Aware, Sign::Asked) => Engaged,
        (Unaware | Qualified | Aware | Engaged, Sign::Qualified) => Mqa,
        _ => stage,
    }
}
