//! What the check of a map says of its mistakes.

use crate::{
    api::NOUNS,
    error::Error,
    imports::{
        Map,
        tests::{DEALS, LEADS},
    },
};

fn mistakes(map: &str) -> Vec<String> {
    match Map::parse(map, NOUNS) {
        Ok(_) => vec![],
        Err(Error::Input(errors)) => errors.into_iter().map(|error| error.message).collect(),
        Err(other) => panic!("{other}"),
    }
}

#[test]
fn every_mistake_of_a_map_is_named_with_its_place() {
    for (from, to, expected) in [
        ("column = \"origin\"", "colum = \"origin\"", "unknown field `colum`"),
        ("resource = \"Lead\"", "resource = \"Leads\"", "line 2, column 12: resource: `Leads` cannot be imported"),
        ("resource = \"Lead\"", "resource = \"Session\"", "`Session` cannot be imported"),
        ("[fields.source]", "[fields.origin]", "fields.origin: a Lead has nothing of this name to fill; it has `name`"),
        ("[fields.source]", "[fields.createdAt]", "fields.createdAt: a Lead has nothing"),
        ("[fields.source]", "[fields.nameFold]", "fields.nameFold: a Lead has nothing"),
        (
            "[fields.source]",
            "[links.boss]\nsystem = \"x\"",
            "links.boss: a Lead has nothing of this name to fill; it has `account`",
        ),
        ("format = \"%Y-%m-%d\"", "", "fields.receivedAt: needs a `format`"),
        ("format = \"%Y-%m-%d\"", "format = \"%Y-%m\"", "is not a complete date format"),
        ("time_zone = \"America/Sao_Paulo\"", "", "needs `time_zone`"),
        ("time_zone = \"America/Sao_Paulo\"", "time_zone = \"Brazil\"", "time_zone: is no time zone"),
        ("template = \"Lead {id}\"", "template = \"Lead {id\"", "is not a valid template"),
        ("column = \"origin\"", "column = \"origin\"\nvalue = \"x\"", "exactly one source"),
        ("column = \"origin\"", "", "exactly one source"),
        ("column = \"origin\"", "column = \"origin\"\nformat = \"%F\"", "`format` belongs to dates only"),
        ("column = \"origin\"", "column = \"origin\"\npattern = \"(\"", "is no regular expression"),
        ("system = \"crm\"", "system = \"name\"", "cannot name a system"),
        ("system = \"crm\"", "", "says how a row is recognised again"),
        ("system = \"crm\"\ncolumn = \"id\"", "by = \"name\"", "no unique field of a Lead"),
        ("[fields.name]\ntemplate = \"Lead {id}\"", "", "a Lead needs `name`"),
        ("[fields.source]", "[fields.stage]\nempty = \"clear\"", "cannot clear it"),
        ("[fields.source]\ncolumn = \"origin\"", "[fields.stage]\nvalue = \"BEST\"", "\"BEST\" is none of `RAW`"),
        ("[fields.source]", "[fields.stage]\nvalues = { a = \"BEST\" }", "\"BEST\" is none of `RAW`"),
        ("[fields.source]", "[checks.origin]\nrequired = false\n[fields.source]", "checks nothing"),
        ("[identity]", "[file]\ndelimiter = \"ab\"\n[identity]", "file.delimiter"),
        ("[identity]", "[file]\nencoding = \"latin1\"\n[identity]", "file.encoding"),
        ("[identity]", "[file]\nthousands = \".\"\n[identity]", "file.thousands"),
    ] {
        let map = LEADS.replace(from, to);
        assert_ne!(map, LEADS);
        let found = mistakes(&map);
        assert!(found.iter().any(|message| message.contains(expected)), "{to}: {found:?}");
        assert!(found.iter().all(|message| message.starts_with("line ")), "{found:?}");
    }
    for (from, to, expected) in [
        ("by = \"name\"", "by = \"position\"", "cannot be looked up by `position`; it can by: `name`"),
        ("by = \"name\"", "", "needs the `system` of the external id"),
        ("department = \"SALES\"", "title = \"x\"", "links.owner.create: a User needs `department`"),
        ("department = \"SALES\"", "department = \"SALE\"", "links.owner.create.department: \"SALE\" is none of"),
        ("department = \"SALES\"", "department = \"SALES\", status = \"ACTIVE\"", "create.status: a User has nothing"),
        ("system = \"crm-rep\"", "by = \"email\"", "`create` needs a `system`"),
        ("currency = \"EUR\"", "", "needs a `currency`"),
        ("currency = \"EUR\"", "currency = \"euro\"", "is a code like"),
    ] {
        let map = DEALS.replace(from, to);
        let found = mistakes(&map);
        assert!(found.iter().any(|message| message.contains(expected)), "{to}: {found:?}");
    }
    let two = LEADS.replace("[fields.source]", "[fields.origin]").replace("America/Sao_Paulo", "Brazil");
    assert_eq!(mistakes(&two).len(), 3, "{:?}", mistakes(&two));
    assert_eq!(
        mistakes("resource = \"Lead\"\nx = 1\n"),
        [
            "line 2, column 1: unknown field `x`, expected one of `resource`, `time_zone`, `file`, `identity`, `fields`, `links`, `checks`"
        ]
    );
}
