//! The people of the demo company and their teams.

use entity::{
    Department::{
        self, Executive, Finance, It, Marketing, Operations, Other, People, Product, Project, Sales, Service, Support,
    },
    Instant, UserStatus, team,
    team::TeamId,
    team_membership, user,
    user::UserId,
};

use super::{
    Company, Login,
    world::{MINUTE, World},
};

/// Name, department, team above.
const TEAMS: &[(&str, Department, Option<&str>)] = &[
    ("Executive board", Executive, None),
    ("Sales", Sales, None),
    ("DACH", Sales, Some("Sales")),
    ("Nordics", Sales, Some("Sales")),
    ("UK & Ireland", Sales, Some("Sales")),
    ("Continental Europe", Sales, Some("Sales")),
    ("Americas", Sales, Some("Sales")),
    ("Business development", Sales, Some("Sales")),
    ("Marketing", Marketing, None),
    ("Demand generation", Marketing, Some("Marketing")),
    ("Product marketing", Marketing, Some("Marketing")),
    ("Field marketing", Marketing, Some("Marketing")),
    ("Customer service", Service, None),
    ("Customer success", Service, Some("Customer service")),
    ("Support", Support, Some("Customer service")),
    ("Projects", Project, None),
    ("Product", Product, None),
    ("IT", It, None),
    ("Finance", Finance, None),
    ("Human resources", People, None),
    ("Operations", Operations, None),
];

/// Local part of the address, role, name, title, department, team, whether they lead it.
type Person = (&'static str, &'static str, &'static str, &'static str, Department, &'static str, bool);

/// An empty local part stands for somebody who never signs in.
const STAFF: &[Person] = &[
    ("admin", "admin", "Franziska Rößler", "Head of Revenue Operations", It, "IT", false),
    ("executive", "executive", "Henrik Ahlström", "Chief Executive Officer", Executive, "Executive board", true),
    ("caroline.feld", "executive", "Caroline Feld", "Chief Revenue Officer", Executive, "Executive board", false),
    ("sales", "sales_manager", "Martin Achenbach", "VP Sales", Sales, "Sales", true),
    ("rep", "rep", "Jonas Bergér", "Account Executive DACH", Sales, "DACH", true),
    ("katrin.loew", "rep", "Katrin Löw", "Account Executive DACH", Sales, "DACH", false),
    ("ida.nygaard", "rep", "Ida Nygaard", "Account Executive Nordics", Sales, "Nordics", true),
    ("owen.price", "rep", "Owen Price", "Account Executive UK & Ireland", Sales, "UK & Ireland", true),
    (
        "claire.dumont",
        "rep",
        "Claire Dumont",
        "Account Executive Continental Europe",
        Sales,
        "Continental Europe",
        true,
    ),
    ("marcus.hill", "rep", "Marcus Hill", "Account Executive Americas", Sales, "Americas", true),
    ("tomasz.wrona", "rep", "Tomasz Wrona", "Sales Development Representative", Sales, "Business development", true),
    ("lea.sommer", "rep", "Lea Sommer", "Sales Development Representative", Sales, "Business development", false),
    ("marketing", "marketing_manager", "Verena Höfling", "VP Marketing", Marketing, "Marketing", true),
    ("marketer", "marketer", "David Okafor", "ABM Manager", Marketing, "Demand generation", true),
    ("nele.kramer", "marketer", "Nele Kramer", "Campaign Manager", Marketing, "Demand generation", false),
    ("paul.lindberg", "marketer", "Paul Lindberg", "Product Marketing Manager", Marketing, "Product marketing", true),
    ("sofia.ibanez", "marketer", "Sofía Ibáñez", "Content Editor", Marketing, "Product marketing", false),
    ("grace.turner", "marketer", "Grace Turner", "Field Marketing Manager", Marketing, "Field marketing", true),
    ("service", "service", "Miriam Kessler", "Head of Customer Service", Service, "Customer service", true),
    ("anders.holm", "service", "Anders Holm", "Customer Success Manager", Service, "Customer success", true),
    ("julie.carron", "service", "Julie Carron", "Customer Success Manager", Service, "Customer success", false),
    ("bartek.sowa", "service", "Bartek Sowa", "Support Engineer", Support, "Support", true),
    ("emma.doyle", "service", "Emma Doyle", "Support Engineer", Support, "Support", false),
    ("ruth.amsel", "service", "Ruth Amsel", "Project Lead", Project, "Projects", true),
    ("felix.dorn", "service", "Felix Dorn", "Implementation Consultant", Project, "Projects", false),
    ("it", "it", "Sven Tiedemann", "Head of IT", It, "IT", true),
    ("mira.novak", "it", "Mira Novak", "Integration Engineer", It, "IT", false),
    (
        "integration",
        "integration",
        "Integration account",
        "Website, enrichment and marketing automation",
        It,
        "IT",
        false,
    ),
    ("birgit.saal", "executive", "Birgit Saal", "Chief Financial Officer", Finance, "Finance", true),
    ("", "", "Oskar Prinz", "Controller", Finance, "Finance", false),
    ("", "", "Laura Etzel", "VP Product", Product, "Product", true),
    ("", "", "Yusuf Demir", "Product Manager", Product, "Product", false),
    ("", "", "Anna Hjelm", "UX Researcher", Product, "Product", false),
    ("", "", "Petra Gohl", "Head of Human Resources", People, "Human resources", true),
    ("", "", "Nico Balthasar", "Recruiter", People, "Human resources", false),
    ("", "", "Simone Ritter", "Head of Operations", Operations, "Operations", true),
    ("", "", "Karl Wendt", "Office Manager", Operations, "Operations", false),
    ("", "", "Dr. Elke Marquardt", "External Data Protection Officer", Other, "Executive board", false),
];

/// Who does what, for the records that follow.
#[derive(Debug)]
pub(super) struct Staff {
    pub(super) admin: UserId,
    pub(super) integration: UserId,
    pub(super) marketing_manager: UserId,
    pub(super) sales_manager: UserId,
    pub(super) product_marketer: UserId,
    pub(super) editor: UserId,
    /// The people who run programmes and campaigns.
    pub(super) marketers: Vec<UserId>,
    /// The people who qualify leads before an account executive takes them.
    pub(super) developers: Vec<UserId>,
    pub(super) success: Vec<UserId>,
    /// Account executives with the territory they sell in.
    pub(super) sellers: Vec<(&'static str, UserId)>,
}

/// Fills users, teams, memberships and logins.
pub(super) fn hire(world: &mut World, company: &mut Company) -> Staff {
    let founded = world.start;
    for (place, &(name, department, parent)) in (0..).zip(TEAMS) {
        let at = Instant(founded.0 + place * MINUTE);
        let parent_id = parent.and_then(|parent| team_named(company, parent));
        let id = world.id(at).into();
        let name_fold = world.fold(name);
        company.teams.push(team::Model {
            id,
            name: name.to_owned(),
            name_fold,
            department,
            parent_id,
            version: 1,
            created_at: at,
            updated_at: at,
            archived_at: None,
        });
    }
    for (place, person) in (30..).zip(STAFF) {
        add(world, company, person, Instant(founded.0 + place * MINUTE));
    }
    let by_address = |address: &str| {
        let email = format!("{address}@demo.tandem");
        company.logins.iter().find(|login| login.email == email).map_or(company.users[0].id, |login| login.user_id)
    };
    let titled = |title: &str| {
        let holders = company.users.iter().filter(|user| user.title.as_deref() == Some(title));
        holders.map(|user| user.id).collect::<Vec<_>>()
    };
    let sellers = STAFF.iter().filter(|person| person.3.starts_with("Account Executive"));
    Staff {
        admin: by_address("admin"),
        integration: by_address("integration"),
        marketing_manager: by_address("marketing"),
        sales_manager: by_address("sales"),
        product_marketer: by_address("paul.lindberg"),
        editor: by_address("sofia.ibanez"),
        marketers: ["marketer", "nele.kramer", "grace.turner"].map(by_address).to_vec(),
        developers: titled("Sales Development Representative"),
        success: titled("Customer Success Manager"),
        sellers: sellers.map(|person| (person.5, by_address(person.0))).collect(),
    }
}

fn team_named(company: &Company, name: &str) -> Option<TeamId> {
    company.teams.iter().find(|team| team.name == name).map(|team| team.id)
}

fn add(world: &mut World, company: &mut Company, person: &Person, at: Instant) {
    let &(address, role_key, name, title, department, team, leads) = person;
    let id: UserId = world.id(at).into();
    let email = (!address.is_empty()).then(|| format!("{address}@demo.tandem"));
    if let Some(email) = email.clone() {
        company.logins.push(Login { email, role_key, name: name.to_owned(), department, user_id: id });
    }
    let name_fold = world.fold(name);
    company.users.push(user::Model {
        id,
        name: name.to_owned(),
        name_fold,
        email,
        title: Some(title.to_owned()),
        department,
        status: UserStatus::Active,
        version: 1,
        created_at: at,
        updated_at: at,
        archived_at: None,
    });
    if let Some(team_id) = team_named(company, team) {
        let joined = Instant(at.0 + 1_000);
        company.team_memberships.push(team_membership::Model {
            id: world.id(joined).into(),
            team_id,
            user_id: id,
            leads,
            version: 1,
            created_at: joined,
            updated_at: joined,
            archived_at: None,
        });
    }
}
