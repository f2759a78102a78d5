//! The company that is measured: deterministic ids, names and counts, the same on both engines.

use sea_orm::prelude::Uuid;

/// Raised whenever the rows change, so that cached databases are built anew.
pub const VERSION: u32 = 2;
/// The first account's creation.
pub const ACCOUNTS_SINCE: i64 = 1_672_531_200_000;
/// The first lead's arrival.
pub const LEADS_SINCE: i64 = 1_700_000_000_000;
/// The first deal's creation.
pub const DEALS_SINCE: i64 = 1_735_689_600_000;
/// People, personas and what accounts do.
pub const USERS: u32 = 50;
/// Kinds of people.
pub const PERSONAS: u32 = 12;
/// Leads of an ordinary account.
pub const LEADS_PER_ACCOUNT: u32 = 10;
/// Four accounts in five work in one of these; the lists are filtered by them.
pub const INDUSTRIES: [&str; 4] = ["Software", "Machinery", "Logistics", "Retail"];
/// The lists are filtered by at least this many employees, which half of the accounts have.
pub const EMPLOYEES: i32 = 200;

/// Sorted, of equal length: names made of them sort as the numbers they were made of.
const SYLLABLES: [&str; 10] = ["ba", "ce", "di", "fo", "gu", "la", "me", "ni", "ro", "tu"];
const FORMS: [&str; 5] = ["GmbH", "AG", "Ltd", "Inc", "SA"];

/// The company's size, and its accounts in the order of their names.
#[derive(Debug)]
pub struct World {
    /// How many accounts.
    pub accounts: u32,
    by_rank: Vec<u32>,
}

impl World {
    /// A company of so many accounts, a multiple of a thousand.
    pub fn of(accounts: u32) -> Self {
        let mut by_rank = vec![0; accounts as usize];
        for account in 0..accounts {
            by_rank[rank(account, accounts) as usize] = account;
        }
        Self { accounts, by_rank }
    }

    /// How many leads.
    pub fn leads(&self) -> u32 {
        self.accounts * LEADS_PER_ACCOUNT
    }

    /// How many deals.
    pub fn deals(&self) -> u32 {
        self.accounts * 2
    }

    /// The id of the account with this place in the order of names.
    pub fn account_at(&self, rank: u32) -> Uuid {
        account_id(self.by_rank[rank as usize % self.by_rank.len()])
    }

    /// Place of an account in the order of names.
    pub fn rank(&self, account: u32) -> u32 {
        rank(account, self.accounts)
    }

    /// The page that is measured starts after this place in the order of names.
    pub fn page_after(&self) -> u32 {
        self.accounts / 2
    }

    /// The account of a lead: ten each, but the twentieth account's go to five that have thousands,
    /// one of which stands on the first page by name.
    pub fn account_of_lead(&self, lead: u32) -> u32 {
        let (round, place) = (u64::from(lead / self.accounts), u64::from(lead % self.accounts));
        let account = scaled(place * 7919 + round * 104_729, self.accounts);
        let rank = self.rank(account);
        if rank < 20 || !rank.is_multiple_of(20) {
            return account;
        }
        let large = scaled(noise(u64::from(lead)), 5);
        self.by_rank[(large * (self.accounts / 5) + 3) as usize]
    }
}

/// How many deals an account has: two in the mean.
pub fn deals_of(account: u32) -> u32 {
    [1, 1, 0, 6][account as usize % 4]
}

fn rank(account: u32, accounts: u32) -> u32 {
    scaled(u64::from(account) * 7919 + 13, accounts)
}

/// The rest of a division, which fits.
pub fn scaled(value: u64, by: u32) -> u32 {
    u32::try_from(value % u64::from(by)).unwrap_or_default()
}

/// Well-mixed bits of a number (splitmix64).
pub fn noise(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// A `UUIDv7` of this instant.
fn id(table: u64, at: i64, number: u32) -> Uuid {
    let seed = table << 32 | u64::from(number);
    let mut random = [0; 10];
    random[..8].copy_from_slice(&noise(seed).to_be_bytes());
    random[8..].copy_from_slice(&noise(!seed).to_be_bytes()[..2]);
    uuid::Builder::from_unix_timestamp_millis(u64::try_from(at).unwrap_or_default(), &random).into_uuid()
}

/// When an account was created.
pub fn account_created(account: u32) -> i64 {
    ACCOUNTS_SINCE + i64::from(account) * 250_000
}

/// When a lead arrived.
pub fn lead_received(lead: u32) -> i64 {
    LEADS_SINCE + i64::from(lead) * 30_000
}

/// When a deal was created.
pub fn deal_created(deal: u32) -> i64 {
    DEALS_SINCE + i64::from(deal) * 120_000
}

/// Id of an account.
pub fn account_id(account: u32) -> Uuid {
    id(1, account_created(account), account)
}

/// Id of a lead.
pub fn lead_id(lead: u32) -> Uuid {
    id(2, lead_received(lead), lead)
}

/// Id of a deal.
pub fn deal_id(deal: u32) -> Uuid {
    id(3, deal_created(deal), deal)
}

/// Id of a person.
pub fn user_id(user: u32) -> Uuid {
    id(4, ACCOUNTS_SINCE, user)
}

/// Id of a persona.
pub fn persona_id(persona: u32) -> Uuid {
    id(5, ACCOUNTS_SINCE, persona)
}

/// Id of a stage.
pub fn stage_id(stage: u32) -> Uuid {
    id(6, ACCOUNTS_SINCE + i64::from(stage), stage)
}

/// Id of the pipeline.
pub fn pipeline_id() -> Uuid {
    id(7, ACCOUNTS_SINCE, 0)
}

/// Id of a place in an account's team.
pub fn member_id(member: u32) -> Uuid {
    id(8, ACCOUNTS_SINCE, member)
}

/// The word that an account's name and domain begin with.
pub fn word(rank: u32) -> String {
    [10_000, 1000, 100, 10, 1].map(|place| SYLLABLES[(rank / place % 10) as usize]).concat()
}

/// An account's name; names sort as their ranks.
pub fn account_name(rank: u32) -> String {
    let word = word(rank);
    format!("{}{} {}", word[..1].to_uppercase(), &word[1..], FORMS[rank as usize % 5])
}
