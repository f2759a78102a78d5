//! Dry runs tell what the real run does, wherever the chunks are cut.

use std::fmt::Write;

use rand::{RngExt, SeedableRng, rngs::StdRng};

use super::*;

const ACCOUNTS: &str = "resource = \"Account\"\n[identity]\nsystem = \"crm\"\ncolumn = \"id\"\n\
    [fields.name]\ncolumn = \"name\"\n[fields.domain]\ncolumn = \"domain\"\nempty = \"keep\"\n\
    [links.parent]\nsystem = \"crm\"\ncolumn = \"parent\"\nempty = \"keep\"\n";
const BY_DOMAIN: &str = "[links.parent]\nby = \"domain\"\ncolumn = \"parent_site\"\nempty = \"keep\"\n";
const REPS: &str = "[links.owner]\nsystem = \"hr\"\ncolumn = \"rep\"\ncreate = { name = \"{rep}\", email = \"{mail}\", department = \"SALES\" }\n";

/// A map of accounts whose parents are named by id or by domain.
fn map(by_domain: bool) -> Map {
    let text = match ACCOUNTS.split_once("[links.parent]") {
        Some((start, _)) if by_domain => format!("{start}{BY_DOMAIN}{REPS}"),
        _ => format!("{ACCOUNTS}{REPS}"),
    };
    Map::parse(&text, NOUNS).unwrap()
}

/// Rows that often mean one another, take one another's domains, and contradict earlier ones.
fn file(random: &mut StdRng, rows: usize) -> String {
    let mut text = "id,name,domain,parent,parent_site,rep,mail\n".to_owned();
    let domain = |random: &mut StdRng| match random.random_range(0..14) {
        0..=3 => String::new(),
        at => format!("{}d{at}.example", ["", "https://www.", "shop."][random.random_range(0..3)]),
    };
    for _ in 0..rows {
        let id = random.random_range(0..rows * 3 / 2);
        let name = format!("N{}", random.random_range(0..8));
        let parent = if random.random_bool(0.4) { random.random_range(0..rows).to_string() } else { String::new() };
        let by =
            if random.random_bool(0.4) { format!("d{}.example", random.random_range(3..15)) } else { String::new() };
        let (rep, mail) = (random.random_range(0..5), random.random_range(0..4));
        let domain = domain(random);
        writeln!(text, "{id},{name},{domain},{parent},{by},r{rep},m{mail}@x.example").unwrap();
    }
    text
}

async fn told(desk: &Desk, summary: &Summary) -> Vec<JobRow> {
    let rows = desk.admin.job_rows(summary.job.0, None, 0, 10_000).await.unwrap();
    rows.into_iter().map(|row| JobRow { record: None, ..row }).collect()
}

#[tokio::test]
async fn a_dry_run_in_chunks_tells_of_every_row_what_becomes_of_it() {
    for seed in 0..12 {
        let mut random = StdRng::seed_from_u64(seed);
        let desk = Desk::open().await;
        for round in 0..2 {
            let (map, text) = (map(random.random_bool(0.5)), file(&mut random, 25));
            let options = |dry_run, chunk| Options { chunk, ..small(dry_run) };
            let mut dry = Vec::new();
            for chunk in [1, 4, 100] {
                let summary = run(&desk.admin, &map, text.clone().into(), options(true, chunk), |_| {}).await.unwrap();
                dry.push((chunk, counts(&summary), told(&desk, &summary).await));
            }
            let chunk = random.random_range(1..9);
            let real = run(&desk.admin, &map, text.clone().into(), options(false, chunk), |_| {}).await.unwrap();
            let rows = told(&desk, &real).await;
            for (of, counted, foretold) in dry {
                for (foretold, came) in foretold.iter().zip(&rows) {
                    assert_eq!(foretold, came, "seed {seed}, round {round}, chunks of {of}\n{text}");
                }
                assert_eq!(counted, counts(&real), "seed {seed}, round {round}, chunks of {of}");
            }
        }
    }
}

#[tokio::test]
async fn a_row_that_frees_a_domain_leaves_it_to_a_later_chunk() {
    let desk = Desk::open().await;
    let map = map(false);
    let head = "id,name,domain,parent,parent_site,rep,mail\n";
    let rows = |text: &str| Source::from(format!("{head}{text}"));
    run(&desk.admin, &map, rows("1,One,a.example,,,r,r@x.example\n"), small(false), |_| {}).await.unwrap();
    let text =
        "1,One,b.example,,,r,r@x.example\n2,Two,a.example,1,,r,r@x.example\n3,Three,b.example,2,,r,r@x.example\n";
    let options = |dry_run| Options { chunk: 1, ..small(dry_run) };
    let dry = run(&desk.admin, &map, rows(text), options(true), |_| {}).await.unwrap();
    let real = run(&desk.admin, &map, rows(text), options(false), |_| {}).await.unwrap();
    assert_eq!((counts(&dry), counts(&real)), ([3, 1, 1, 0, 1], [3, 1, 1, 0, 1]));
    assert_eq!(dry.refusals, real.refusals);
}

#[tokio::test]
async fn rows_that_lead_to_one_record_by_two_of_its_domains_are_told() {
    let desk = Desk::open().await;
    let by = "resource = \"Account\"\n[identity]\nby = \"domain\"\n[fields.name]\ncolumn = \"name\"\n[fields.domain]\ncolumn = \"site\"\n";
    desk.import(by, "name,site\nAcme,acme.com\n").await;
    let further = "resource = \"AccountDomain\"\n[identity]\nby = \"domain\"\n[fields.domain]\ncolumn = \"site\"\n[links.account]\nby = \"domain\"\nvalue = \"acme.com\"\n";
    desk.import(further, "site\nacme.de\n").await;
    let same = desk.import(by, "name,site\nAcme,https://www.acme.com/\nAcme,shop.acme.com\n").await;
    assert_eq!((counts(&same), same.refusals.len()), ([2, 0, 0, 2, 0], 0), "{same}");
    let other = desk.import(by, "name,site\nAcme SE,acme.com\nAcme AG,www.acme.com\n").await;
    assert_eq!((counts(&other), other.refusals[0].0), ([2, 0, 1, 0, 1], 3), "{other}");
    assert!(other.refusals[0].1.contains("line 2"), "{other}");
}
