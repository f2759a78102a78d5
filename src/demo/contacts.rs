//! The people at the demo company's accounts.

use std::collections::BTreeSet;

use entity::{
    Department::{self, Executive, Finance, It, Operations, Other, Product, Service},
    Instant,
    Seniority::{self, CLevel, Director, Entry as Trainee, Individual, Manager, Senior, Vp},
    account_contact, contact,
};

use super::{
    Company,
    accounts::Entry,
    names::{FIRST, LAST, Tongue},
    world::{DAY, World, ascii, day_of},
};

const CONTACTS: usize = 900;

/// A position at an account.
#[derive(Debug)]
struct Position {
    weight: i64,
    persona: Option<&'static str>,
    department: Department,
    seniority: Seniority,
    /// In English, German and French.
    titles: [&'static str; 3],
}

macro_rules! positions {
    ($($weight:literal $persona:expr, $department:ident $seniority:ident [$english:literal, $german:literal, $french:literal];)*) => {
        const POSITIONS: &[Position] = &[$(Position {
            weight: $weight, persona: $persona, department: $department, seniority: $seniority, titles: [$english, $german, $french],
        }),*];
    };
}

positions! {
    16 Some("Head of Maintenance"), Operations Director ["Head of Maintenance", "Leiter/in Instandhaltung", "Responsable maintenance"];
    6 Some("Head of Maintenance"), Operations Manager ["Maintenance Manager", "Teamleitung Instandhaltung", "Chef d’équipe maintenance"];
    10 Some("Plant Manager"), Operations Director ["Plant Manager", "Werkleiter/in", "Directeur/trice d’usine"];
    7 Some("Chief Operating Officer"), Executive CLevel ["Chief Operating Officer", "Geschäftsführung Betrieb", "Directeur/trice des opérations"];
    4 None, Executive CLevel ["Chief Executive Officer", "Vorsitz der Geschäftsführung", "Président-directeur général"];
    7 Some("Chief Financial Officer"), Finance CLevel ["Chief Financial Officer", "Kaufmännische Leitung", "Directeur/trice financier/ère"];
    4 None, Finance Manager ["Head of Controlling", "Leiter/in Controlling", "Contrôleur/euse de gestion"];
    7 Some("Chief Information Officer"), It CLevel ["Chief Information Officer", "IT-Leitung", "Directeur/trice des systèmes d’information"];
    9 Some("IT Architect"), It Senior ["Solution Architect", "IT-Architekt/in", "Architecte SI"];
    8 Some("Procurement Lead"), Finance Manager ["Procurement Lead", "Leiter/in Einkauf", "Responsable achats"];
    8 Some("Service Dispatcher"), Service Individual ["Service Dispatcher", "Disponent/in", "Planificateur/trice"];
    5 None, Service Vp ["VP Service", "Bereichsleitung Service", "Vice-président service"];
    6 Some("Health and Safety Officer"), Other Manager ["Health and Safety Officer", "Sicherheitsfachkraft", "Responsable QHSE"];
    4 None, Product Vp ["VP Engineering", "Leiter/in Technik", "Directeur/trice technique"];
    3 None, Operations Individual ["Reliability Engineer", "Betriebsingenieur/in", "Ingénieur/e fiabilité"];
    2 None, Operations Trainee ["Working Student Operations", "Werkstudent/in Betrieb", "Stagiaire opérations"];
}

/// Fills contacts and their places, oldest first.
pub(super) fn meet(world: &mut World, company: &mut Company, book: &[Entry]) {
    let larger: Vec<(usize, i64)> =
        book.iter().enumerate().map(|(place, entry)| (place, if entry.employees < 300 { 2 } else { 5 })).collect();
    // Nobody is an account without people: the first contacts go round, the others go where more people work.
    let mut meetings: Vec<(Instant, usize)> = (0..CONTACTS)
        .map(|place| {
            let at_account = if place < book.len() { place } else { world.chance.weighted(&larger) };
            let opened = book[at_account].opened;
            let early = place < book.len() || world.chance.percent(35);
            let at = early.then(|| world.after(opened, 0, 20)).flatten();
            (at.unwrap_or_else(|| world.within(opened, world.now)), at_account)
        })
        .collect();
    meetings.sort();
    let positions: Vec<_> = POSITIONS.iter().map(|position| (position, position.weight)).collect();
    let mut addresses = BTreeSet::new();
    for (at, place) in meetings {
        let entry = &book[place];
        let position = world.chance.weighted(&positions);
        let contact = person(world, entry, position, &mut addresses);
        let persona = company.personas.iter().find(|persona| Some(persona.name.as_str()) == position.persona);
        let contact = contact::Model {
            persona_id: persona.map(|persona| persona.id).filter(|_| world.chance.percent(92)),
            id: world.id(at).into(),
            created_at: at,
            updated_at: at,
            ..contact
        };
        let moved_from = (world.chance.percent(4) && place > 0).then(|| &book[earlier(world, place)]);
        let worked = Instant(at.0 - world.chance.between(200, 2_400) * DAY);
        let primary = account_contact::Model {
            id: world.id(Instant(at.0 + 1_000)).into(),
            account_id: entry.id,
            contact_id: contact.id,
            is_primary: true,
            title: contact.title.clone(),
            since: world.chance.percent(40).then(|| day_of(worked)),
            until: None,
            version: 1,
            created_at: Instant(at.0 + 1_000),
            updated_at: Instant(at.0 + 1_000),
            archived_at: None,
        };
        if let Some(before) = moved_from.filter(|before| before.opened <= at) {
            company.account_contacts.push(account_contact::Model {
                id: world.id(primary.created_at).into(),
                account_id: before.id,
                is_primary: false,
                since: Some(day_of(Instant(worked.0 - 900 * DAY))),
                until: Some(day_of(worked)),
                ..primary.clone()
            });
        }
        company.account_contacts.push(primary);
        company.contacts.push(contact);
    }
}

/// The place of an account that was there before this one.
fn earlier(world: &mut World, before: usize) -> usize {
    let last = i64::try_from(before).unwrap_or(1) - 1;
    usize::try_from(world.chance.between(0, last)).unwrap_or(0)
}

fn person(world: &mut World, entry: &Entry, position: &Position, addresses: &mut BTreeSet<String>) -> contact::Model {
    // One in eight has come from elsewhere, as people do.
    let tongue = if world.chance.percent(12) {
        *world.chance.pick(&[
            Tongue::German,
            Tongue::French,
            Tongue::Spanish,
            Tongue::English,
            Tongue::Nordic,
            Tongue::Polish,
        ])
    } else {
        entry.country.tongue
    };
    let (first, last) = (*world.chance.pick(FIRST[tongue as usize]), *world.chance.pick(LAST[tongue as usize]));
    let german = tongue == Tongue::German;
    let local = format!("{}.{}", ascii(first, german, '.'), ascii(last, german, '.'));
    let mut email = format!("{local}@{}", entry.domain);
    for twin in 2.. {
        if addresses.insert(email.clone()) {
            break;
        }
        email = format!("{local}{twin}@{}", entry.domain);
    }
    let title = match entry.country.tongue {
        Tongue::German if world.chance.percent(70) => position.titles[1],
        Tongue::French if world.chance.percent(80) => position.titles[2],
        _ => position.titles[0],
    };
    let phone = entry.country.phone.filter(|_| world.chance.percent(55));
    let phone = phone.map(|form| form.chars().map(|c| if c == '#' { digit(world) } else { c }).collect());
    let name = format!("{first} {last}");
    contact::Model {
        // Set by the caller, who knows when they were met.
        id: sea_orm::prelude::Uuid::nil().into(),
        name_fold: world.fold(&name),
        name,
        first_name: Some(first.to_owned()),
        last_name: Some(last.to_owned()),
        email: Some(email).filter(|_| world.chance.percent(96)),
        phone,
        title: Some(title.to_owned()),
        seniority: Some(position.seniority),
        department: Some(position.department),
        persona_id: None,
        version: 1,
        created_at: Instant::default(),
        updated_at: Instant::default(),
        archived_at: None,
    }
}

fn digit(world: &mut World) -> char {
    *world.chance.pick(&['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'])
}
