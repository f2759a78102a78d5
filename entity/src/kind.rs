//! The one list of record types.

use std::sync::LazyLock;

use crate::{
    table::{Choices, Table},
    value::Choice,
};

macro_rules! kinds {
    ($($name:ident $module:ident),* $(,)?) => {
        /// A record type. A new table does not compile without a row here.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Kind { $(#[doc = concat!("`", stringify!($name), "`")] $name),* }

        impl Kind {
            /// All record types.
            pub const ALL: [Kind; [$(Kind::$name),*].len()] = [$(Kind::$name),*];

            /// Its description.
            #[must_use]
            pub fn table(self) -> &'static Table {
                static TABLES: LazyLock<Vec<Table>> = LazyLock::new(|| vec![$(crate::$module::describe()),*]);
                &TABLES[self as usize]
            }

            /// The kind of this GraphQL type name.
            #[must_use]
            pub fn named(name: &str) -> Option<Kind> {
                match name { $(stringify!($name) => Some(Kind::$name),)* _ => None }
            }

            /// Its GraphQL type name.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Kind::$name => stringify!($name)),* }
            }
        }
    };
}

kinds! {
    User user,
    Team team,
    TeamMembership team_membership,
    Role role,
    RoleAssignment role_assignment,
    Session session,
    ApiKey api_key,
    Account account,
    AccountDomain account_domain,
    AccountTeamMember account_team_member,
    Contact contact,
    AccountContact account_contact,
    Persona persona,
    Story story,
    TargetAccountList target_account_list,
    TargetAccountListMember target_account_list_member,
    Lead lead,
    Pipeline pipeline,
    Stage stage,
    Deal deal,
    ImportJob import_job,
    Event event,
}

/// In the API record types are an enum whose values are encoded as the types themselves: what is answered, by
/// `__typename` too, can be sent back as it is.
impl Choice for Kind {
    fn choices() -> &'static Choices {
        static CHOICES: LazyLock<Choices> = LazyLock::new(|| {
            let values: Vec<(&'static str, &'static str)> =
                Kind::ALL.into_iter().map(|kind| (kind.name(), kind.table().doc.as_str())).collect();
            Choices {
                name: "RecordType",
                doc: "A record type; values are spelled like the GraphQL type names.",
                values: values.leak(),
            }
        });
        &CHOICES
    }

    fn named(name: &str) -> Option<Self> {
        Self::named(name)
    }

    fn name(self) -> &'static str {
        self.name()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_finds_its_own_table_and_every_link_its_columns() {
        for kind in Kind::ALL {
            let table = kind.table();
            assert_eq!(table.kind, kind);
            assert_eq!(Kind::named(table.name), Some(kind));
            for link in &table.links {
                match link.join {
                    crate::table::Join::One { column } => {
                        assert!(table.column(column).is_some(), "{}.{column}", table.name);
                    }
                    crate::table::Join::Many { column } => {
                        assert!(link.target.table().column(column).is_some(), "{}.{column}", link.target.name());
                    }
                    _ => {}
                }
            }
        }
    }
}
