//! The one declaration of a table, from which its model and its description follow.

use sea_orm::{EntityTrait, FromQueryResult, IntoActiveModel, ModelTrait, TryIntoModel, prelude::Uuid};

use crate::{
    Kind,
    table::Table,
    value::{ColumnType, Instant},
};

/// A table whose rows are reached through the store.
pub trait Record:
    EntityTrait<
        Model: ModelTrait<Entity = Self> + FromQueryResult + IntoActiveModel<Self::ActiveModel> + Sync + PartialEq,
        ActiveModel: TryIntoModel<Self::Model> + Send,
        Column: Send + Sync,
    > + Sync
{
    /// Its kind.
    const KIND: Kind;
    /// The typed id of its rows.
    type Id: Copy + From<Uuid> + Into<Uuid> + Send + Sync;

    /// A row's id.
    fn id(row: &Self::Model) -> Uuid;
    /// A row's version.
    fn version(row: &Self::Model) -> i32;
    /// When a row was archived.
    fn archived_at(row: &Self::Model) -> Option<Instant>;
    /// Sets what every save sets.
    fn stamp(row: &mut Self::Model, version: i32, updated_at: Instant);
    /// Archives or restores a row.
    fn set_archived(row: &mut Self::Model, at: Option<Instant>);
    /// Its description.
    #[must_use]
    fn table() -> &'static Table {
        Self::KIND.table()
    }
}

/// What the Rust type of a column says about it; a helper of [`record!`](crate::record).
#[must_use]
pub fn field<T: ColumnType>(spec: crate::table::Spec, column: &'static str, doc: &str) -> crate::table::Field {
    spec.build(column, T::TYPE, T::NULLABLE, doc)
}

/// Declares a table: the sea-orm model, its typed id, and its [`Table`].
///
/// Every table also has `id`, `version`, `created_at`, `updated_at` and `archived_at`.
macro_rules! record {
    (
        $(#[doc = $doc:literal])+
        $name:ident($id:ident = $prefix:literal) in $table:literal, $plural:literal;
        owner $owner:expr;
        display $display:ident $column:literal;
        columns { $($(#[doc = $fdoc:literal])* $field:ident: $ty:ident $(<$($arg:ident)::+>)? => $spec:expr;)* }
        links { $($(#[doc = $ldoc:literal])+ $link:ident: $target:ident $join:expr;)* }
        $(computed { $($(#[doc = $cdoc:literal])+ $computed:ident: $cty:ident $(<$($carg:ident)::+>)? => $cspec:expr;)* })?
    ) => {
        use sea_orm::entity::prelude::*;

        $(#[doc = $doc])+
        #[derive(Clone, Debug, PartialEq, DeriveEntityModel, serde::Serialize)]
        #[sea_orm(table_name = $table)]
        pub struct Model {
            /// Identifies the row for ever.
            #[sea_orm(primary_key, auto_increment = false)]
            pub id: $id,
            $($(#[doc = $fdoc])* pub $field: $ty $(<$($arg)::+>)?,)*
            /// Counts the saves.
            pub version: i32,
            /// When the row was created.
            pub created_at: crate::Instant,
            /// When the row was last saved.
            pub updated_at: crate::Instant,
            /// When the row was archived.
            pub archived_at: Option<crate::Instant>,
        }

        /// Unused: links stand in the table's description.
        #[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
        pub enum Relation {}
        impl ActiveModelBehavior for ActiveModel {}

        $crate::id::typed_id!($id, $name, $prefix);

        impl $crate::Record for Entity {
            const KIND: $crate::Kind = $crate::Kind::$name;
            type Id = $id;
            fn id(row: &Model) -> sea_orm::prelude::Uuid { row.id.0 }
            fn version(row: &Model) -> i32 { row.version }
            fn archived_at(row: &Model) -> Option<$crate::Instant> { row.archived_at }
            fn stamp(row: &mut Model, version: i32, updated_at: $crate::Instant) {
                row.version = version;
                row.updated_at = updated_at;
            }
            fn set_archived(row: &mut Model, at: Option<$crate::Instant>) { row.archived_at = at; }
        }

        /// The table's description.
        #[must_use]
        pub fn describe() -> $crate::table::Table {
            use $crate::{record::field, table};
            #[expect(unused_imports, reason = "which words a table's declaration needs varies")]
            use table::{create, expression, link, money, physical, server, write, Join::*, Owner};
            let mut fields = vec![
                table::Spec::build(server().sort(), "id", table::Type::Id, false, "The global ID of the record. It never changes."),
                $(field::<$ty $(<$($arg)::+>)?>($spec, stringify!($field), concat!($($fdoc, "\n"),*)),)*
            ];
            fields.extend($crate::record::common());
            let mut links = $crate::record::key_links(&fields);
            let declared: Vec<table::Link> = vec![$(table::Link {
                name: table::camel(stringify!($link)),
                doc: table::tidy(concat!($($ldoc, "\n"),+)),
                target: $crate::Kind::$target,
                join: $join,
            }),*];
            links.extend(declared);
            table::Table {
                kind: $crate::Kind::$name,
                name: stringify!($name),
                plural: $plural,
                table: $table,
                prefix: $prefix,
                doc: table::tidy(concat!($($doc, "\n"),+)),
                fields,
                computed: vec![$($(
                    field::<$cty $(<$($carg)::+>)?>($cspec, stringify!($computed), concat!($($cdoc, "\n"),+)),
                )*)?],
                links,
                owner: $owner,
                display: table::Display::$display($column),
            }
        }
    };
}
pub(crate) use record;

/// The columns that every table ends with.
#[must_use]
pub fn common() -> [crate::table::Field; 4] {
    use crate::table::server;
    [
        field::<i32>(
            server(),
            "version",
            "Version of the record, starting at 1 and incremented by every change. Pass it as `expectedVersion` to detect concurrent changes.",
        ),
        field::<Instant>(server().sort(), "created_at", "When the record was created in Tandem."),
        field::<Instant>(server().sort(), "updated_at", "When the record was last updated."),
        field::<Option<Instant>>(server(), "archived_at", "When the record was archived; null if it is not archived."),
    ]
}

/// The links that follow from the key columns.
#[must_use]
pub fn key_links(fields: &[crate::table::Field]) -> Vec<crate::table::Link> {
    fields
        .iter()
        .filter_map(|field| {
            let crate::table::Type::Key(target) = field.ty else { return None };
            Some(crate::table::Link {
                name: field.link_name.clone()?,
                doc: field.doc.clone(),
                target,
                join: crate::table::Join::One { column: field.column },
            })
        })
        .collect()
}
