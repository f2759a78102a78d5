//! Whole imports, from bytes to rows.

use entity::{Instant, Kind};
use proptest::prelude::*;
use serde_json::json;

use super::{Item, Map, Row, count, fingerprint, rows};
use crate::{api::NOUNS, error::Error};

pub(super) const LEADS: &str = r#"
resource = "Lead"
time_zone = "America/Sao_Paulo"
[identity]
system = "crm"
column = "id"
[fields.name]
template = "Lead {id}"
[fields.receivedAt]
column = "date"
format = "%Y-%m-%d"
[fields.source]
column = "origin"
"#;

fn now() -> Instant {
    Instant::parse("2026-11-21T00:00:00Z").unwrap()
}

fn read(map: &str, file: impl AsRef<[u8]>) -> Result<Vec<Row>, Error> {
    rows(&Map::parse(map, NOUNS)?, file.as_ref(), now())?.collect()
}

fn items(map: &str, file: impl AsRef<[u8]>) -> Vec<Item> {
    let item = |row| match row {
        Row::Item(item) => item,
        other => panic!("{other:?}"),
    };
    read(map, file).unwrap().into_iter().map(item).collect()
}

fn refusals(map: &str, file: impl AsRef<[u8]>) -> Vec<(u64, String)> {
    let refused = |row| match row {
        Row::Refused { line, reasons, .. } => Some((line, reasons.join("; "))),
        _ => None,
    };
    read(map, file).unwrap().into_iter().filter_map(refused).collect()
}

fn file_error(map: &str, file: impl AsRef<[u8]>) -> String {
    read(map, file).unwrap_err().to_string()
}

fn utf16(text: &str, little: bool) -> Vec<u8> {
    let units = std::iter::once(0xFEFF).chain(text.encode_utf16());
    units.flat_map(|unit| if little { unit.to_le_bytes() } else { unit.to_be_bytes() }).collect()
}

#[test]
fn a_row_becomes_a_lead_and_an_empty_origin_stays_empty() {
    let found = items(LEADS, "id,date,origin\na1,2018-02-01,social\na2,2017-10-15,\na3,2018-02-01,unknown\n");
    assert_eq!(found[0].line, 2);
    assert_eq!(found[0].external, Some(("crm".into(), "a1".into())));
    let values = json!({"name": "Lead a1", "receivedAt": "2018-02-01T02:00:00.000Z", "source": "social"});
    assert_eq!(serde_json::Value::from(found[0].values.clone()), values);
    assert_eq!(found[1].values["source"], json!(null));
    assert_eq!(found[2].values["source"], json!("unknown"));
}

#[test]
fn encodings_marks_and_line_endings_do_not_change_what_is_read() {
    let text = "id,date,origin\nä1,2018-02-01,\"Köln, Süd\"\nb,2018-02-02,x\n";
    let plain = items(LEADS, text);
    assert_eq!(plain[0].values["source"], json!("Köln, Süd"));
    let latin = encoding_rs::WINDOWS_1252.encode(text).0.into_owned();
    let named = LEADS.replace("[identity]", "[file]\nencoding = \"windows-1252\"\n[identity]");
    for file in [format!("\u{FEFF}{text}").into_bytes(), utf16(text, true), utf16(text, false), latin.clone()] {
        assert_eq!(items(LEADS, file), plain);
    }
    assert_eq!(items(&named, latin), plain);
    assert_eq!(items(LEADS, text.replace('\n', "\r\n")), plain);
    assert_eq!(items(LEADS, text.trim_end()), plain);
}

#[test]
fn damaged_letters_refuse_their_row_and_no_other() {
    let file = b"id,date,origin\na,2018-02-01,M\xC3\xBCnchen\nb,2018-02-01,K\xF6ln\nc,2018-02-01,x\n";
    let found = refusals(LEADS, file);
    assert_eq!(found.len(), 1);
    assert!(found[0].0 == 3 && found[0].1.contains("origin: is not UTF-8"), "{found:?}");
    // In a file that begins as windows-1252, sound UTF-8 is the damage.
    let late =
        [b"id,date,origin\na,2018-02-01,K\xF6ln\n".as_slice(), &vec![b'\n'; 1 << 20], b"b,2018-02-01,M\xC3\xBCnchen\n"];
    assert!(refusals(LEADS, late.concat())[0].1.contains("is UTF-8 in a file that otherwise is windows-1252"));
    assert!(refusals(LEADS, "id,date,origin\na,2018-02-01,K\u{FFFD}ln\n")[0].1.contains("letters were lost"));
    assert!(refusals(LEADS, "id,date,origin\na,2018-02-01,K\0ln\n")[0].1.contains("NUL"));
    let mut odd = utf16("id,date,origin\na,2018-02-01,x\n", true);
    odd.extend([0x62, 0, 0, 0xD8, 0x2C, 0]);
    assert!(refusals(LEADS, odd).len() == 1);
}

#[test]
fn the_delimiter_is_the_one_under_which_the_maps_columns_are_found() {
    let comma = "id,date,origin\na,2018-02-01,x\n";
    let plain = items(LEADS, comma);
    for delimiter in [";", "\t", "|"] {
        assert_eq!(items(LEADS, comma.replace(',', delimiter)), plain);
    }
    let shifted = items(LEADS, format!("sep=;\r\n{}", comma.replace(',', ";")));
    assert_eq!((shifted[0].line, &shifted[0].values), (3, &plain[0].values));
    // A header full of commas does not mislead.
    let file = "id;date;origin;a,b,c,d,e,f\na;2018-02-01;x;1,2,3\n";
    assert_eq!(items(LEADS, file), plain);
}

#[test]
fn a_row_of_another_shape_is_refused_by_its_line() {
    let file = "id,date,origin\r\na,2018-02-01\r\n\r\nb,2018-02-01,\"two\r\nlines\"\r\nc,2018-02-01,x,y\r\n,,\r\n\"d\"e,2018-02-01,x\r\nf,2018-02-01,x";
    let found = refusals(LEADS, file);
    let lines: Vec<_> = found.iter().map(|(line, _)| *line).collect();
    assert_eq!(lines, [2, 4, 6, 7, 8]);
    assert_eq!(found[0].1, "has 2 cells, the header has 3");
    assert!(found[1].1.contains("control character"), "{found:?}");
    assert_eq!(found[3].1, "has nothing but empty cells");
    assert!(found[4].1.contains("closing quote"));
    assert_eq!(read(LEADS, file).unwrap().last().map(Row::line), Some(9));
}

#[test]
fn a_file_that_cannot_be_right_is_refused_as_a_whole() {
    for empty in ["", "\u{FEFF}", "\r\n\r\n"] {
        assert!(file_error(LEADS, empty).contains("empty"));
    }
    assert_eq!(
        file_error(LEADS, "id,when,origin\n"),
        "the map names columns that the file lacks: `date`; the file has: `id`, `when`, `origin`"
    );
    assert_eq!(file_error(LEADS, "id,date,origin,date\n"), "the file has two columns named `date`");
    assert!(file_error(LEADS, &utf16("id,date,origin\n", true)[2..]).contains("NUL"));
    let open = file_error(LEADS, "id,date,origin\na,2018-02-01,x\nb,2018-02-01,\"x\nc,2018-02-01,x\n");
    assert!(open.starts_with("line 3: ") && open.contains("never closed"), "{open}");
    assert!(read(LEADS, "id,date,origin\n").unwrap().is_empty());
    let named = LEADS.replace("[identity]", "[file]\nencoding = \"windows-1252\"\n[identity]");
    assert!(file_error(&named, "\u{FEFF}id,date,origin\n").contains("Unicode mark"));
}

#[test]
fn rows_before_an_open_quote_stand() {
    let map = Map::parse(LEADS, NOUNS).unwrap();
    let file = "id,date,origin\na,2018-02-01,x\nb,2018-02-01,\"x\n";
    let found: Vec<_> = rows(&map, file.as_bytes(), now()).unwrap().collect();
    assert!(matches!(found.as_slice(), [Ok(Row::Item(_)), Err(Error::Input(_))]));
}

#[test]
fn an_identity_stands_once_in_a_file() {
    let file = "id,date,origin,note\na,2018-02-01,x,1\na,2018-02-01,x,2\na,2018-02-01,y,3\nb,2018-13-01,x,4\nb,2018-12-01,x,5\n";
    let found = read(LEADS, file).unwrap();
    let external = Some(("crm".to_owned(), "a".to_owned()));
    assert_eq!(found[1], Row::Repeated { line: 3, first: 2, external });
    let refused = refusals(LEADS, file);
    assert_eq!(refused[0], (4, "\"a\" stands in line 2 already, with other content".to_owned()));
    // Which of the two is right is not ours to guess.
    assert!(refused[1].1.contains("%Y-%m-%d") && refused[2].1.contains("line 5 already"), "{refused:?}");
}

#[test]
fn every_reason_names_the_column_and_the_value() {
    let long = "x".repeat(300);
    let found =
        refusals(LEADS, format!("id,date,origin\n,01-02-2018,{long}\na,2018-02-01,#N/A\n1.2E+11,2018-02-01,x\n"));
    let expected = format!(
        "id: is empty; Lead {{id}}: is empty; date: \"01-02-2018\" is not a date of the form %Y-%m-%d; \
         origin: \"{}…\" has 300 characters, more than 200",
        "x".repeat(60)
    );
    assert_eq!(found[0], (2, expected));
    assert_eq!(found[1].1, "origin: \"#N/A\" is a spreadsheet's error, not a value");
    assert!(found[2].1.contains("spreadsheet has rounded"));
}

#[test]
fn a_check_refuses_what_a_spreadsheet_spoilt_in_a_column_that_is_not_stored() {
    let map = format!(
        "{LEADS}\n[checks.stock]\nallow = [\"1-5\", \"5-20\"]\n[checks.code]\npattern = \"[A-Z]{{2}}\"\nrequired = true\n"
    );
    let file = "id,date,origin,stock,code\na,2018-02-01,x,1-5,BR\nb,2018-02-01,x,01-May,BR\nc,2018-02-01,x,,BRA\nd,2018-02-01,x,,\n";
    let found = refusals(&map, file);
    assert_eq!(found[0], (3, "stock: \"01-May\" is none of the allowed `1-5`, `5-20`".to_owned()));
    assert_eq!(found[1], (4, "code: \"BRA\" does not match the pattern [A-Z]{2}".to_owned()));
    assert_eq!(found[2], (5, "code: is empty".to_owned()));
    let first = &read(&map, file).unwrap()[0];
    assert!(matches!(first, Row::Item(item) if !item.values.contains_key("stock")));
}

#[test]
fn values_are_translated_and_empty_cells_mean_what_the_map_says() {
    let map = LEADS
        .replace("column = \"origin\"", "column = \"origin\"\nvalues = { organic = \"organic_search\", none = \"\" }")
        + "[fields.score]\ncolumn = \"score\"\nempty = \"keep\"\n[fields.stage]\nvalue = \"MQL\"\nonce = true\n";
    let found = items(&map, "id,date,origin,score\na,2018-02-01, organic ,\nb,2018-02-01,none,5\n");
    assert_eq!(found[0].values["source"], json!("organic_search"));
    assert!(!found[0].values.contains_key("score"));
    assert_eq!(found[1].values["source"], json!(null));
    assert_eq!(found[1].values["score"], json!(5));
    assert_eq!(serde_json::Value::from(found[1].initial.clone()), json!({"stage": "MQL"}));
    let strict = LEADS
        .replace("column = \"origin\"", "column = \"origin\"\nempty = \"refuse\"")
        .replace("[identity]", "[file]\nnull = [\"NULL\"]\n[identity]");
    assert_eq!(refusals(&strict, "id,date,origin\na,2018-02-01,NULL\n")[0].1, "origin: is empty");
}

pub(super) const DEALS: &str = r#"
resource = "Deal"
time_zone = "UTC"
[file]
decimal = ","
thousands = "."
[identity]
system = "crm"
column = "deal"
[fields.name]
template = "{{{deal}}}"
[fields.closedAt]
column = "won"
format = "%-m/%-d/%Y %-H:%M"
[fields.amount]
column = "amount"
currency = "EUR"
[links.stage]
by = "name"
value = "New business / Won"
[links.lead]
system = "crm"
column = "lead"
[links.owner]
system = "crm-rep"
column = "rep"
create = { name = "Rep {rep}", department = "SALES" }
"#;

#[test]
fn links_go_by_external_id_or_by_name_and_may_create() {
    let found = items(DEALS, "deal;won;amount;lead;rep\nd1;2/26/2018 9:05;1.234,5;l1;r1\nd2;2/26/2018 19:58;;;\n");
    assert_eq!(found[0].values["name"], json!("{d1}"));
    assert_eq!(found[0].values["closedAt"], json!("2018-02-26T09:05:00.000Z"));
    assert_eq!(found[0].values["amount"], json!({"amount": "1234.50", "currency": "EUR"}));
    let links: Vec<_> =
        found[0].links.iter().map(|l| (l.field.as_str(), l.target, l.system.as_str(), l.id.as_str())).collect();
    let expected = [
        ("leadId", Kind::Lead, "crm", "l1"),
        ("ownerId", Kind::User, "crm-rep", "r1"),
        ("stageId", Kind::Stage, "name", "New business / Won"),
    ];
    assert_eq!(links, expected);
    assert_eq!(found[0].links[1].create, json!({"name": "Rep r1", "department": "SALES"}).as_object().cloned());
    // Without a lead or a representative the deal's are cleared.
    assert_eq!((&found[1].values["leadId"], &found[1].values["ownerId"]), (&json!(null), &json!(null)));
    assert_eq!(found[1].links.len(), 1);
}

#[test]
fn records_may_be_recognised_by_a_field_of_their_own() {
    let map = "resource = \"Account\"\n[identity]\nby = \"domain\"\n[fields.name]\ncolumn = \"name\"\n[fields.domain]\ncolumn = \"domain\"\n";
    assert_eq!(Map::parse(map, NOUNS).unwrap().match_on(), Some("domain"));
    let found = read(map, "name,domain\nA,a.com\nB,A.com\nC,\n").unwrap();
    assert!(matches!(&found[0], Row::Item(item) if item.external.is_none()));
    assert!(matches!(&found[1], Row::Refused { reasons, .. } if reasons[0].contains("line 2 already")));
    assert!(matches!(&found[2], Row::Refused { reasons, .. } if reasons[0].contains("no identity to match it by")));
}

#[test]
fn rows_are_counted_without_being_converted() {
    let map = Map::parse(LEADS, NOUNS).unwrap();
    assert_eq!(count(&map, "id,date,origin\n\nx\n\"a\nb\",,\n".as_bytes()).unwrap(), 2);
    assert_eq!(rows(&map, "id,x,date,origin, y\n".as_bytes(), now()).unwrap().unused().collect::<Vec<_>>(), ["x", "y"]);
}

#[test]
fn a_fingerprint_changes_with_the_map_and_with_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("leads.csv");
    let map = Map::parse(LEADS, NOUNS).unwrap();
    std::fs::write(&path, "id,date,origin\n").unwrap();
    let first = fingerprint(&map, std::fs::File::open(&path).unwrap()).unwrap();
    assert!(first.len() == 64 && first == fingerprint(&map, std::fs::File::open(&path).unwrap()).unwrap());
    let other = Map::parse(&LEADS.replace("Lead {id}", "MQL {id}"), NOUNS).unwrap();
    assert_ne!(fingerprint(&other, std::fs::File::open(&path).unwrap()).unwrap(), first);
    std::fs::write(&path, "id,date,origin\r\n").unwrap();
    assert_ne!(fingerprint(&map, std::fs::File::open(&path).unwrap()).unwrap(), first);
}

#[test]
fn the_maps_of_the_examples_are_sound() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/olist");
    let mut maps = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        Map::load(&entry.unwrap().path(), NOUNS).unwrap();
        maps += 1;
    }
    assert_eq!(maps, 6);
}

proptest! {
    #[test]
    fn no_bytes_panic_the_reader(bytes in proptest::collection::vec(any::<u8>(), 0..600), start in 0..5) {
        let heads: [&[u8]; 5] = [b"", b"id,date,origin\n", b"\xFF\xFEi\0d\0", b"\xEF\xBB\xBFid;date;origin\n", b"sep=;\r\n"];
        let file = [heads[usize::try_from(start).unwrap()], &bytes].concat();
        let map = Map::parse(LEADS, NOUNS).unwrap();
        if let Ok(rows) = rows(&map, file.as_slice(), now()) {
            rows.for_each(drop);
        }
    }

    #[test]
    fn no_line_of_a_file_is_passed_over(cells in proptest::collection::vec("[a-z0-9,\"\n]{0,6}", 1..40)) {
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.write_record(["id", "date", "origin"]).unwrap();
        for (place, cell) in cells.iter().enumerate() {
            writer.write_record([&format!("r{place}"), "2018-02-01", cell]).unwrap();
        }
        let found = read(LEADS, writer.into_inner().unwrap()).unwrap();
        prop_assert_eq!(found.len(), cells.len());
        for (row, cell) in found.iter().zip(&cells) {
            match row {
                Row::Item(item) => prop_assert_eq!(item.values["source"].as_str().unwrap_or_default(), cell.trim()),
                Row::Refused { .. } => prop_assert!(cell.trim().contains('\n')),
                Row::Repeated { .. } => prop_assert!(false),
            }
        }
    }

    #[test]
    fn no_text_panics_the_map(text in "\\PC{0,80}", place in 0..LEADS.len()) {
        let _ = Map::parse(&text, NOUNS);
        if LEADS.is_char_boundary(place) {
            let _ = Map::parse(&format!("{}{text}{}", &LEADS[..place], &LEADS[place..]), NOUNS);
        }
    }
}
