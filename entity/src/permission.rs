//! What roles permit, as columns: permissions and field rules, each encoded as one text.

use sea_orm::FromJsonQueryResult;
use serde::{Deserialize, Serialize};

use crate::{
    table::{Part, Parted, Type},
    value::ColumnType,
};

/// Permissions, each encoded `Account:UPDATE:OWN`.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize, FromJsonQueryResult)]
pub struct Grants(pub Vec<String>);

/// Field rules, each encoded `Deal:amount:HIDDEN`.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize, FromJsonQueryResult)]
pub struct FieldRules(pub Vec<String>);

impl ColumnType for Grants {
    const TYPE: Type = Type::Parted(&Parted {
        name: "Permission",
        doc: "Permission for one action on records of one type.",
        parts: &[
            Part { name: "resource", ty: "RecordType", doc: "Record type, e.g. `Account`." },
            Part { name: "action", ty: "PermissionAction", doc: "Permitted action." },
            Part { name: "reach", ty: "PermissionReach", doc: "Reach of the permission: the records it applies to." },
        ],
    });
}

impl ColumnType for FieldRules {
    const TYPE: Type = Type::Parted(&Parted {
        name: "FieldRule",
        doc: "Restriction that a role places on one field.",
        parts: &[
            Part { name: "resource", ty: "RecordType", doc: "Record type, e.g. `Deal`." },
            Part { name: "field", ty: "String", doc: "Name of the field or link, e.g. `amount`." },
            Part { name: "rule", ty: "FieldRuleKind", doc: "Kind of restriction." },
        ],
    });
}
