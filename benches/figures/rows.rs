//! Fills an empty, migrated database with the company.

use std::fmt::Write;

use sea_orm::{ConnectionTrait, DatabaseConnection, TransactionTrait, prelude::Uuid};

use crate::{
    Outcome,
    data::{self, EMPLOYEES, INDUSTRIES, PERSONAS, USERS, World, noise, scaled},
    engine::Engine,
};

const STAGES: [(&str, &str, u32, &str); 6] = [
    ("Qualified", "OPEN", 10, "PIPELINE"),
    ("Discovery", "OPEN", 25, "PIPELINE"),
    ("Proposal", "OPEN", 50, "BEST_CASE"),
    ("Negotiation", "OPEN", 75, "COMMIT"),
    ("Won", "WON", 100, "CLOSED"),
    ("Lost", "LOST", 0, "OMITTED"),
];
const LEAD_STAGES: [&str; 8] = ["RAW", "INQUIRY", "MQL", "SAL", "SQL", "OPPORTUNITY", "REJECTED", "RECYCLED"];
const ACCOUNT_STAGES: [&str; 6] = ["UNAWARE", "QUALIFIED", "AWARE", "ENGAGED", "MQA", "CUSTOMER"];
const SOURCES: [&str; 5] = ["organic_search", "webinar", "referral", "paid_search", "event"];
const COUNTRIES: [&str; 6] = ["DE", "AT", "CH", "FR", "US", "GB"];
const SMALL: [&str; 5] = ["Energy", "Banking", "Health", "Media", "Education"];
const FIRST: [&str; 8] = ["Ada", "Ben", "Carla", "Dirk", "Elif", "Frank", "Greta", "Hugo"];
const LAST: [&str; 8] = ["Adler", "Berger", "Conrad", "Decker", "Engel", "Fuchs", "Graf", "Huber"];

/// Values of one row, written as literals: the same text but for ids serves both engines.
struct Row<'a> {
    text: &'a mut String,
    engine: Engine,
}

impl Row<'_> {
    fn raw(&mut self, value: impl std::fmt::Display) -> &mut Self {
        if !self.text.ends_with('(') {
            self.text.push(',');
        }
        let _ = write!(self.text, "{value}");
        self
    }

    fn id(&mut self, id: Uuid) -> &mut Self {
        let prefix = if self.engine == Engine::Sqlite { "x" } else { "" };
        self.raw(format_args!("{prefix}'{}'", id.simple()))
    }

    fn maybe_id(&mut self, id: Option<Uuid>) -> &mut Self {
        match id {
            Some(id) => self.id(id),
            None => self.raw("NULL"),
        }
    }

    /// No text of the company holds a quotation mark.
    fn text(&mut self, text: impl std::fmt::Display) -> &mut Self {
        self.raw(format_args!("'{text}'"))
    }

    fn name(&mut self, name: &str) -> &mut Self {
        self.text(name).text(name.to_lowercase())
    }

    /// The columns that every record ends with.
    fn common(&mut self, at: i64) {
        self.raw(1).raw(at).raw(at).raw("NULL");
    }
}

struct Filling<'a> {
    engine: Engine,
    connection: &'a DatabaseConnection,
}

impl Filling<'_> {
    /// Inserts `count` rows; the first columns are named, the common ones follow.
    async fn table(&self, name: &str, columns: &str, count: u32, mut row: impl FnMut(u32, &mut Row)) -> Outcome<()> {
        let transaction = self.connection.begin().await?;
        let mut sql = String::new();
        for number in 0..count {
            if sql.is_empty() {
                let common = "version, created_at, updated_at, archived_at";
                let _ = write!(sql, "INSERT INTO {name} ({columns}, {common}) VALUES (");
            } else {
                sql.push_str(",(");
            }
            row(number, &mut Row { text: &mut sql, engine: self.engine });
            sql.push(')');
            if number % 500 == 499 || number + 1 == count {
                transaction.execute_unprepared(&sql).await?;
                sql.clear();
            }
        }
        transaction.commit().await?;
        Ok(())
    }
}

/// Inserts the whole company.
pub async fn fill(engine: Engine, connection: &DatabaseConnection, world: &World) -> Outcome<()> {
    let filling = Filling { engine, connection };
    people(&filling).await?;
    accounts(&filling, world).await?;
    let leads = leads(&filling, world).await?;
    deals(&filling, world, &leads).await
}

async fn people(filling: &Filling<'_>) -> Outcome<()> {
    let at = data::ACCOUNTS_SINCE;
    filling
        .table("\"user\"", "id, name, name_fold, email, department, status", USERS, |n, row| {
            row.id(data::user_id(n)).name(&format!("Person {n}")).text(format_args!("person{n}@bench.example"));
            row.text("SALES").text("ACTIVE").common(at);
        })
        .await?;
    let columns = "id, name, name_fold, goals, pains, questions, objections, department";
    filling
        .table("persona", columns, PERSONAS, |n, row| {
            row.id(data::persona_id(n)).name(&format!("Persona {n}"));
            row.text("[]").text("[]").text("[]").text("[]").text("MARKETING").common(at);
        })
        .await?;
    filling
        .table("pipeline", "id, name, name_fold, position", 1, |_, row| {
            row.id(data::pipeline_id()).name("Sales of the bench").raw(1).common(at);
        })
        .await?;
    let columns = "id, pipeline_id, name, name_fold, position, category, probability, forecast_category";
    filling
        .table("stage", columns, 6, |n, row| {
            let (name, category, probability, forecast) = STAGES[n as usize];
            row.id(data::stage_id(n)).id(data::pipeline_id()).name(name).raw(n);
            row.text(category).raw(probability).text(forecast).common(at);
        })
        .await?;
    Ok(())
}

async fn accounts(filling: &Filling<'_>, world: &World) -> Outcome<()> {
    let columns = "id, name, name_fold, domain, industry, employee_count, country, description, tier, stage, owner_id";
    filling
        .table("account", columns, world.accounts, |n, row| {
            let (rank, bits) = (world.rank(n), noise(u64::from(n)));
            row.id(data::account_id(n)).name(&data::account_name(rank));
            row.text(format_args!("{}.example", data::word(rank)));
            match scaled(bits, 5) {
                4 => row.text(SMALL[scaled(bits >> 8, 5) as usize]),
                large => row.text(INDUSTRIES[large as usize]),
            };
            let employees = match scaled(bits >> 16, 20) {
                0 => None,
                1..=9 => Some(scaled(bits >> 24, 190) + 5),
                10..=16 => Some(scaled(bits >> 24, 800) + EMPLOYEES.unsigned_abs()),
                _ => Some(scaled(bits >> 24, 20_000) + 1000),
            };
            match employees {
                Some(employees) => row.raw(employees),
                None => row.raw("NULL"),
            };
            row.text(COUNTRIES[scaled(bits >> 32, 6) as usize]).text("A company of the bench.");
            row.text(["TIER_1", "TIER_2", "TIER_3"][scaled(bits >> 40, 3) as usize]);
            row.text(ACCOUNT_STAGES[scaled(bits >> 44, 6) as usize]);
            row.id(data::user_id(scaled(bits >> 48, USERS))).common(data::account_created(n));
        })
        .await?;
    filling
        .table("account_team_member", "id, account_id, user_id", world.accounts / 50, |n, row| {
            row.id(data::member_id(n)).id(data::account_id(n * 50)).id(data::user_id(n % USERS));
            row.common(data::ACCOUNTS_SINCE);
        })
        .await
}

/// Inserts the leads and answers up to ten of each account.
async fn leads(filling: &Filling<'_>, world: &World) -> Outcome<Vec<Vec<u32>>> {
    let mut of_account = vec![Vec::new(); world.accounts as usize];
    let columns = "id, name, name_fold, stage, source, score, received_at, account_id, persona_id, owner_id";
    filling
        .table("lead", columns, world.leads(), |n, row| {
            let (account, bits) = (world.account_of_lead(n), noise(u64::from(n) << 20));
            let known: &mut Vec<u32> = &mut of_account[account as usize];
            if known.len() < 10 {
                known.push(n);
            }
            let (first, last) = (FIRST[scaled(bits, 8) as usize], LAST[scaled(bits >> 4, 8) as usize]);
            row.id(data::lead_id(n)).name(&format!("{first} {last} {n}"));
            row.text(LEAD_STAGES[scaled(bits >> 8, 8) as usize]).text(SOURCES[scaled(bits >> 12, 5) as usize]);
            row.raw(scaled(bits >> 16, 101)).raw(data::lead_received(n)).id(data::account_id(account));
            row.maybe_id((n % 10 != 9).then(|| data::persona_id(scaled(bits >> 24, PERSONAS))));
            row.id(data::user_id(scaled(bits >> 32, USERS))).common(data::lead_received(n));
        })
        .await?;
    Ok(of_account)
}

async fn deals(filling: &Filling<'_>, world: &World, leads: &[Vec<u32>]) -> Outcome<()> {
    // Round by round, so that an account's deals do not lie side by side.
    let places: Vec<(u32, u32)> = (0..6)
        .flat_map(|round| (0..world.accounts).map(move |account| (round, account)))
        .filter(|&(round, account)| round < data::deals_of(account))
        .collect();
    let columns = "id, name, name_fold, amount_minor, amount_currency, kind, close_date, closed_at, stage_id, \
                   pipeline_id, account_id, lead_id, owner_id";
    filling
        .table("deal", columns, u32::try_from(places.len())?, |n, row| {
            let ((round, account), bits) = (places[n as usize], noise(u64::from(n) << 40));
            let created = data::deal_created(n);
            row.id(data::deal_id(n)).name(&format!("Deal {n}"));
            if n % 20 == 19 {
                row.raw("NULL").raw("NULL");
            } else {
                row.raw(scaled(bits, 20_000_000) + 100_000).text(if scaled(bits >> 32, 4) == 0 {
                    "USD"
                } else {
                    "EUR"
                });
            }
            let stage = scaled(bits >> 36, 6);
            row.text(["NEW", "EXPANSION", "RENEWAL"][scaled(bits >> 40, 3) as usize]);
            row.raw(created / 86_400_000 + i64::from(scaled(bits >> 44, 90)));
            if stage < 4 {
                row.raw("NULL");
            } else {
                row.raw(created + 86_400_000);
            }
            // Every second busy account has all six deals on one lead: more than the page shows.
            let at = if account % 8 == 7 { 0 } else { round as usize };
            let lead = leads[account as usize].get(at).filter(|_| data::deals_of(account) > 1 || n % 3 != 0);
            row.id(data::stage_id(stage)).id(data::pipeline_id()).id(data::account_id(account));
            row.maybe_id(lead.map(|&lead| data::lead_id(lead)));
            row.id(data::user_id(scaled(bits >> 52, USERS))).common(created);
        })
        .await
}
