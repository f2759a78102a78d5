//! What roles permit, as columns: permissions and field rules, each spelled as one text.

use sea_orm::FromJsonQueryResult;
use serde::{Deserialize, Serialize};

use crate::{
    table::{Part, Parted, Type},
    value::ColumnType,
};

/// Permissions, each spelled `Account:UPDATE:OWN`.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize, FromJsonQueryResult)]
pub struct Grants(pub Vec<String>);

/// Field rules, each spelled `Deal:amount:HIDDEN`.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize, FromJsonQueryResult)]
pub struct FieldRules(pub Vec<String>);

impl ColumnType for Grants {
    const TYPE: Type = Type::Parted(&Parted {
        name: "Permission",
        doc: "One thing that somebody may do.",
        parts: &[
            Part { name: "resource", ty: "RecordType", doc: "The record type, `Account`." },
            Part { name: "action", ty: "PermissionAction", doc: "What may be done to records of it." },
            Part { name: "reach", ty: "PermissionReach", doc: "To which of them." },
        ],
    });
}

impl ColumnType for FieldRules {
    const TYPE: Type = Type::Parted(&Parted {
        name: "FieldRule",
        doc: "What a role says of one field.",
        parts: &[
            Part { name: "resource", ty: "RecordType", doc: "The record type, `Deal`." },
            Part { name: "field", ty: "String", doc: "The name of the field or link, `amount`." },
            Part { name: "rule", ty: "FieldRuleKind", doc: "What holds for it." },
        ],
    });
}
