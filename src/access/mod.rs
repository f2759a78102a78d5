//! Who may do what: actors, actions, reach, and roles compiled to a policy.

pub mod builtin;
pub mod guess;
pub mod key;
pub mod oidc;
pub mod password;
mod policy;
mod possible;
pub mod token;

use std::net::{IpAddr, Ipv6Addr};

use entity::{Choice, Day, Department, Kind, api_key::ApiKeyId, session::SessionId, table::Choices, user::UserId};

pub use policy::{Excess, FieldRule, Grant, Policy};
pub use possible::has_effect;

/// What can be done to a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Action {
    /// See it.
    Read,
    /// Make one.
    Create,
    /// Change it.
    Update,
    /// Archive it and bring it back.
    Delete,
    /// Approve it for one's department.
    Approve,
    /// Give it to another owner.
    Assign,
    /// Take it out in bulk.
    Export,
    /// Bring it in from files.
    Import,
    /// Merge it with a duplicate.
    Merge,
    /// Erase it for good.
    Erase,
    /// Administer it.
    Manage,
}

impl Action {
    /// All actions.
    pub const ALL: [Self; 11] = [
        Self::Read,
        Self::Create,
        Self::Update,
        Self::Delete,
        Self::Approve,
        Self::Assign,
        Self::Export,
        Self::Import,
        Self::Merge,
        Self::Erase,
        Self::Manage,
    ];
}

/// How far a permission goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub enum Reach {
    /// Nowhere.
    #[default]
    None,
    /// One's own records.
    Own,
    /// The records of one's teams and of the teams below them.
    Team,
    /// All records.
    All,
}

impl Reach {
    /// All reaches, narrowest first.
    pub const ALL: [Self; 4] = [Self::None, Self::Own, Self::Team, Self::All];
}

macro_rules! choice {
    ($type:ident, $name:literal, $doc:literal, $($variant:ident = $text:literal $vdoc:literal),* $(,)?) => {
        impl $type {
            /// The set, for the API.
            pub const CHOICES: &'static Choices = &Choices { name: $name, doc: $doc, values: &[$(($text, $vdoc)),*] };

            /// Its name in storage and in the API.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),* }
            }

            /// The value of this name.
            #[must_use]
            pub fn parse(name: &str) -> Option<Self> {
                match name { $($text => Some(Self::$variant),)* _ => None }
            }
        }

        impl Choice for $type {
            fn choices() -> &'static Choices { Self::CHOICES }
            fn named(name: &str) -> Option<Self> { Self::parse(name) }
            fn name(self) -> &'static str { self.as_str() }
        }
    };
}

mod explained;

pub use explained::{Bond, Obstacle};

choice! { Action, "PermissionAction", "An action on a record.",
    Read = "READ" "Read the record.", Create = "CREATE" "Create a record.", Update = "UPDATE" "Update the record.",
    Delete = "DELETE" "Archive and restore the record.", Approve = "APPROVE" "Approve the record for the user's department.",
    Assign = "ASSIGN" "Assign the record to another owner.", Export = "EXPORT" "Export records in bulk.",
    Import = "IMPORT" "Import records from files.", Merge = "MERGE" "Merge the record with a duplicate.",
    Erase = "ERASE" "Permanently erase the record.", Manage = "MANAGE" "Administer the record.",
}
choice! { FieldRule, "FieldRuleKind", "Restriction that a role places on a field.",
    Hidden = "HIDDEN" "The field is hidden.", ReadOnly = "READ_ONLY" "The field can be read but not changed.",
}
choice! { Reach, "PermissionReach", "The records that a permission applies to.",
    None = "NONE" "No records.", Own = "OWN" "Records that belong to the user.",
    Team = "TEAM" "Records that belong to the user's teams and the teams below them.", All = "ALL" "All records.",
}

/// Where an address is, as what is limited by address counts it: an IPv6 network counts as one, since its 2⁶⁴ addresses
/// are all one customer's.
#[must_use]
pub fn place(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
        address @ IpAddr::V4(_) => address,
    }
}

/// Where a request comes from.
#[derive(Clone, Debug, Default)]
pub struct Origin {
    /// The client's address.
    pub address: Option<IpAddr>,
    /// The program, as it names itself.
    pub user_agent: Option<String>,
}

/// On whose behalf something is done.
#[derive(Clone, Debug)]
pub struct Actor {
    /// Who it is.
    pub who: Who,
    /// The department they work in.
    pub department: Option<Department>,
    /// What they may do: the union of their roles.
    pub policy: Policy,
    /// The day on which they act, in UTC: what has ended before is theirs no more. The store sets it.
    pub today: Day,
    /// Who looks at what this person sees; they may change nothing.
    pub previewed_by: Option<UserId>,
}

/// The identity of an actor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// Nobody has signed in.
    Anonymous,
    /// A signed-in person.
    User {
        /// The person.
        id: UserId,
        /// Their session; none when acting through the command line.
        session: Option<SessionId>,
    },
    /// An integration.
    Key {
        /// Its API key.
        id: ApiKeyId,
        /// Who answers for it: OWN and TEAM are theirs.
        owner: UserId,
        /// By which of its secrets it calls, and from where.
        by: key::Presented,
    },
    /// Tandem itself.
    System(Purpose),
}

/// What Tandem does on its own behalf. The one hatch through every permission.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Telling who signs in and keeping their session.
    SignIn,
    /// Commands of whoever runs the machine.
    CommandLine,
    /// What one permitted change makes necessary elsewhere.
    SideEffect,
    /// Keeping the queue of jobs; what a job does for a person, it does as that person.
    Jobs,
    /// Loading the demo company.
    Demo,
    /// Explaining to who may know what somebody else may do, and telling of previews, in which nothing
    /// else is written.
    Oversight,
}

impl Actor {
    /// Nobody: may do nothing.
    #[must_use]
    pub fn anonymous() -> Self {
        Self {
            who: Who::Anonymous,
            department: None,
            policy: Policy::nothing(),
            today: Day::default(),
            previewed_by: None,
        }
    }

    /// A person who has signed in.
    #[must_use]
    pub fn person(id: UserId, session: Option<SessionId>, department: Option<Department>, policy: Policy) -> Self {
        Self { who: Who::User { id, session }, department, policy, today: Day::default(), previewed_by: None }
    }

    /// Tandem itself: may do everything.
    #[must_use]
    pub fn system(purpose: Purpose) -> Self {
        Self {
            who: Who::System(purpose),
            department: None,
            policy: Policy::everything(),
            today: Day::default(),
            previewed_by: None,
        }
    }

    /// The person whose OWN and TEAM hold, if there is one.
    #[must_use]
    pub fn user(&self) -> Option<UserId> {
        match self.who {
            Who::User { id, .. } | Who::Key { owner: id, .. } => Some(id),
            Who::Anonymous | Who::System(_) => None,
        }
    }

    /// The API key, if it acts by one.
    #[must_use]
    pub fn api_key(&self) -> Option<ApiKeyId> {
        match self.who {
            Who::Key { id, .. } => Some(id),
            Who::User { .. } | Who::Anonymous | Who::System(_) => None,
        }
    }

    /// An integration, which acts by the role of its key alone.
    #[must_use]
    pub fn integration(who: Who, department: Option<Department>, policy: &Policy) -> Self {
        // The sign-ins of who answers for it are none of its business.
        let policy = policy.without_own(Kind::Session);
        Self { who, department, policy, today: Day::default(), previewed_by: None }
    }

    /// As whom its requests are told apart: the key's own id, or else the person's.
    #[must_use]
    pub fn id(&self) -> Option<sea_orm::prelude::Uuid> {
        self.api_key().map(|key| key.0).or_else(|| self.user().map(|user| user.0))
    }

    /// Whether nobody has signed in.
    #[must_use]
    pub fn is_anonymous(&self) -> bool {
        self.who == Who::Anonymous
    }
}
