//! A map as it stands in its TOML file; [`map`](super::map) checks what it means.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::{Spanned, Value};

use super::cell::Empty;

type Text = Spanned<String>;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Shape {
    pub resource: Text,
    pub time_zone: Option<Text>,
    #[serde(default)]
    pub file: FileShape,
    pub identity: Spanned<IdentityShape>,
    #[serde(default)]
    pub fields: BTreeMap<String, Spanned<FieldShape>>,
    #[serde(default)]
    pub links: BTreeMap<String, Spanned<LinkShape>>,
    #[serde(default)]
    pub checks: BTreeMap<String, Spanned<CheckShape>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FileShape {
    pub delimiter: Option<Text>,
    pub encoding: Option<Text>,
    pub decimal: Option<Text>,
    pub thousands: Option<Text>,
    #[serde(default)]
    pub null: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct IdentityShape {
    pub system: Option<Text>,
    pub by: Option<Text>,
    pub column: Option<String>,
    pub template: Option<Text>,
    pub pattern: Option<Text>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FieldShape {
    pub column: Option<String>,
    pub template: Option<Text>,
    pub value: Option<Spanned<Value>>,
    #[serde(default)]
    pub values: BTreeMap<String, String>,
    pub allow: Option<Vec<String>>,
    pub pattern: Option<Text>,
    pub empty: Option<Spanned<Empty>>,
    #[serde(default)]
    pub once: bool,
    pub format: Option<Text>,
    pub currency: Option<Text>,
    pub currency_column: Option<String>,
    pub separator: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LinkShape {
    pub system: Option<Text>,
    pub by: Option<Text>,
    pub column: Option<String>,
    pub template: Option<Text>,
    pub value: Option<Spanned<Value>>,
    #[serde(default)]
    pub values: BTreeMap<String, String>,
    pub allow: Option<Vec<String>>,
    pub pattern: Option<Text>,
    pub empty: Option<Spanned<Empty>>,
    pub create: Option<BTreeMap<String, Spanned<Value>>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CheckShape {
    pub allow: Option<Vec<String>>,
    pub pattern: Option<Text>,
    #[serde(default)]
    pub required: bool,
}

/// What fields, links, identity and checks share.
#[derive(Debug, Default)]
pub(super) struct CellShape {
    pub column: Option<String>,
    pub template: Option<Text>,
    pub value: Option<Spanned<Value>>,
    pub values: BTreeMap<String, String>,
    pub allow: Option<Vec<String>>,
    pub pattern: Option<Text>,
}
