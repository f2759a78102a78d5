//! Events as lines of a file.

use clap::ValueEnum;
use serde_json::Value as Json;

use crate::error::{Error, Result};

/// The form of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// One line per changed field, for spreadsheets.
    Csv,
    /// One JSON object per event and line.
    Jsonl,
}

const COLUMNS: [&str; 12] = [
    "occurredAt",
    "id",
    "action",
    "subjectType",
    "subjectId",
    "actor",
    "actorName",
    "apiKey",
    "requestId",
    "field",
    "before",
    "after",
];

impl Format {
    /// The form of a file of this name, `audit.csv`.
    #[must_use]
    pub fn of_file(name: &str) -> Option<Self> {
        match name {
            "audit.csv" => Some(Self::Csv),
            "audit.jsonl" => Some(Self::Jsonl),
            _ => None,
        }
    }

    /// Its name, which files end with.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Jsonl => "jsonl",
        }
    }

    /// Its media type.
    #[must_use]
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8; header=present",
            Self::Jsonl => "application/jsonl; charset=utf-8",
        }
    }

    /// Writes events; the first of a file below its head.
    pub fn write(self, events: &[Json], first: bool) -> Result<Vec<u8>> {
        match self {
            Self::Csv => csv(events, first),
            Self::Jsonl => {
                let mut text = Vec::with_capacity(events.len() * 512);
                for event in events {
                    serde_json::to_writer(&mut text, event)?;
                    text.push(b'\n');
                }
                Ok(text)
            }
        }
    }
}

fn csv(events: &[Json], first: bool) -> Result<Vec<u8>> {
    let mut writer = csv::Writer::from_writer(Vec::with_capacity(events.len() * 512));
    let mut line = |line: &[String]| writer.write_record(line).map_err(Error::internal);
    if first {
        line(&COLUMNS.map(str::to_owned))?;
    }
    for event in events {
        let about = [
            &event["occurredAt"],
            &event["id"],
            &event["action"],
            &event["subjectType"],
            &event["subjectId"],
            &event["actor"]["id"],
            &event["actor"]["name"],
            &event["apiKey"]["id"],
            &event["requestId"],
        ];
        let about = about.map(cell);
        let changes = event["changes"].as_array().map(Vec::as_slice).unwrap_or_default();
        // An event of which nothing is told is an event still.
        for change in if changes.is_empty() { &[Json::Null] } else { changes } {
            let change = [&change["field"], &change["before"], &change["after"]].map(cell);
            line(&[about.as_slice(), &change].concat())?;
        }
    }
    writer.into_inner().map_err(Error::internal)
}

/// A value as a cell: text as it is, empty for null, otherwise JSON. Text that a spreadsheet would take for
/// a formula gets an apostrophe in front.
fn cell(value: &Json) -> String {
    match value {
        Json::Null => String::new(),
        Json::String(text) if text.starts_with(['=', '+', '-', '@', '\t', '\r']) => format!("'{text}"),
        Json::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_event_has_a_line_per_changed_field_and_one_where_nothing_changed() {
        let event = |changes: Json| {
            json!({ "occurredAt": "2026", "id": "evnt_1", "action": "UPDATED", "subjectType": "Deal", "subjectId": "deal_1",
                "actor": { "id": "user_1", "name": "Ann \"A\", B" }, "apiKey": null, "requestId": "r", "changes": changes })
        };
        let money = json!({ "amount": "1.50", "currency": "EUR" });
        let two = json!([{ "field": "amount", "before": null, "after": money }, { "field": "won", "before": true, "after": -3 }]);
        let text = String::from_utf8(csv(&[event(two), event(json!([]))], true).unwrap()).unwrap();
        let about = "2026,evnt_1,UPDATED,Deal,deal_1,user_1,\"Ann \"\"A\"\", B\",,r";
        let expected = format!(
            "{}\n{about},amount,,\"{{\"\"amount\"\":\"\"1.50\"\",\"\"currency\"\":\"\"EUR\"\"}}\"\n{about},won,true,-3\n{about},,,\n",
            COLUMNS.join(",")
        );
        assert_eq!(text, expected);
        assert_eq!(csv(&[], false).unwrap(), b"");
    }

    #[test]
    fn a_spreadsheet_takes_no_text_for_a_formula() {
        for text in ["=1+1", "+49", "-x", "@SUM(A1)", "\t=1", "\r=1"] {
            assert_eq!(cell(&json!(text)), format!("'{text}"));
        }
        assert_eq!(cell(&json!("a=1")), "a=1");
        assert_eq!(cell(&json!(-1)), "-1", "a number is no formula");
    }
}
