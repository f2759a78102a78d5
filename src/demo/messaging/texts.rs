//! What the personas want and what the stories say.

use entity::{BuyingRole, Department, Motion, Seniority};

/// One persona in words.
#[derive(Debug)]
pub(in crate::demo) struct Persona {
    pub(in crate::demo) name: &'static str,
    pub(super) description: &'static str,
    pub(super) goals: &'static [&'static str],
    pub(super) pains: &'static [&'static str],
    pub(super) questions: &'static [&'static str],
    pub(super) objections: &'static [&'static str],
    pub(super) buying_role: BuyingRole,
    pub(super) seniority: Seniority,
    pub(super) department: Department,
}

pub(super) const PERSONAS: &[Persona] = &[
    Persona {
        name: "Head of Maintenance",
        description: "Answers for the availability of all equipment with a team that is too small for it.",
        goals: &[
            "Fewer unplanned stops",
            "A week's plan that still holds on Wednesday",
            "Knowledge that does not retire with the fitters",
        ],
        pains: &[
            "Half of the hours go into firefighting",
            "Work orders come back incomplete or not at all",
            "Spare parts are found missing on site",
        ],
        questions: &[
            "How long until my fitters really use it?",
            "Does it work in the basement without a network?",
            "Who else with our kind of plant runs it?",
        ],
        objections: &["We have tried to replace the spreadsheet twice", "My people are fitters, not clerks"],
        buying_role: BuyingRole::Champion,
        seniority: Seniority::Director,
        department: Department::Operations,
    },
    Persona {
        name: "Plant Manager",
        description: "Runs a site by output, cost and safety, and is called at night when a line stands still.",
        goals: &["Meet the output plan", "No accidents", "Predictable cost per unit"],
        pains: &[
            "Stops come as a surprise and always at the worst moment",
            "Maintenance and production plan against each other",
        ],
        questions: &[
            "What did comparable sites gain in the first year?",
            "Can production see when a machine will be taken out?",
        ],
        objections: &["Not during the ramp-up", "Head office chooses our systems"],
        buying_role: BuyingRole::DecisionMaker,
        seniority: Seniority::Director,
        department: Department::Operations,
    },
    Persona {
        name: "Chief Operating Officer",
        description: "Compares sites, decides where capital goes, and wants one way of working.",
        goals: &[
            "The same standard at every site",
            "Older assets that last longer",
            "Delivery that customers can rely on",
        ],
        pains: &["Every site counts downtime differently", "Investment requests cannot be compared"],
        questions: &[
            "How do we roll this out to nine sites without stopping one?",
            "Which figure will have moved in a year?",
        ],
        objections: &["We are in the middle of an ERP change", "The sites will resist"],
        buying_role: BuyingRole::ExecutiveSponsor,
        seniority: Seniority::CLevel,
        department: Department::Executive,
    },
    Persona {
        name: "Chief Financial Officer",
        description: "Signs the contract and asks for the case behind it.",
        goals: &["Cash tied up in spare parts released", "Maintenance cost that can be forecast"],
        pains: &[
            "Emergency repairs blow the budget every fourth quarter",
            "Savings are promised and never seen in the books",
        ],
        questions: &["When has it paid for itself?", "What happens to the price when we grow?"],
        objections: &["No new software in this fiscal year", "The benefit is soft"],
        buying_role: BuyingRole::BudgetHolder,
        seniority: Seniority::CLevel,
        department: Department::Finance,
    },
    Persona {
        name: "Chief Information Officer",
        description: "Wants fewer systems, clean interfaces and no new risk.",
        goals: &["A landscape that can be explained on one page", "No shadow systems in the workshops"],
        pains: &["Forty spreadsheets that became critical", "Vendors who call everything an integration"],
        questions: &["Where does our data lie and how do we get it out?", "Who patches it and how fast?"],
        objections: &["Our ERP has a maintenance module", "We cannot support another vendor"],
        buying_role: BuyingRole::Influencer,
        seniority: Seniority::CLevel,
        department: Department::It,
    },
    Persona {
        name: "IT Architect",
        description: "Reads the API documentation before the brochure.",
        goals: &["Interfaces that survive the next release", "Single sign-on from the first day"],
        pains: &["Nightly CSV files that fail silently", "Fields that vanish after an update"],
        questions: &["Is there a sandbox?", "How are events delivered and replayed?", "What are the limits?"],
        objections: &["No documented API, no project", "Another agent on the shop-floor network"],
        buying_role: BuyingRole::TechnicalEvaluator,
        seniority: Seniority::Senior,
        department: Department::It,
    },
    Persona {
        name: "Procurement Lead",
        description: "Compares three offers and protects the company from lock-in.",
        goals: &["Comparable offers", "Terms that allow an exit"],
        pains: &["Is brought in when everything has been promised already"],
        questions: &["What is in the price and what is not?", "How may we leave?"],
        objections: &["Your payment terms are not ours", "We need a second source"],
        buying_role: BuyingRole::Procurement,
        seniority: Seniority::Manager,
        department: Department::Finance,
    },
    Persona {
        name: "Service Dispatcher",
        description: "Sends thirty technicians out every morning and re-plans the day by nine o'clock.",
        goals: &["The right person with the right part at the right door", "Fewer second visits"],
        pains: &["The plan lives in one head and on one wall", "Technicians call to ask what is in the system"],
        questions: &["Can I move a job with one hand while on the phone?", "Does the customer hear of it by itself?"],
        objections: &["An algorithm does not know our customers"],
        buying_role: BuyingRole::EndUser,
        seniority: Seniority::Individual,
        department: Department::Service,
    },
    Persona {
        name: "Health and Safety Officer",
        description: "Must be able to prove every inspection, years later, to people who do not know the plant.",
        goals: &["Every inspection done, on time and with proof", "Audits without overtime"],
        pains: &["Paper certificates in five binders", "Overdue inspections noticed by the auditor first"],
        questions: &["Which norms are prepared?", "Can a record be altered afterwards?"],
        objections: &["A signature must stay a signature"],
        buying_role: BuyingRole::LegalCompliance,
        seniority: Seniority::Manager,
        department: Department::Other,
    },
];

/// Title, message and body of the core stories.
pub(super) const CORES: &[(&str, &str, &str)] = &[
    (
        "The plan that holds until Friday",
        "Plan maintenance around people and parts you really have, and the plan survives the week.",
        "Most maintenance plans fail on Tuesday: a fitter is ill, a part is missing, production cannot spare the line. Not the dates are wrong, but what they take for granted. A plan that knows who is there, what lies in the store and when the line is free bends instead of breaking. Customers who plan this way do four of five jobs in the week for which they were planned, and get back the hours they spent firefighting.",
    ),
    (
        "Proof without paper",
        "Every inspection leaves a proof behind the moment it is done, so that an audit is a search and not a project.",
        "An inspection that cannot be proved has not taken place. Paper proves it only until somebody needs the paper. When the record is made at the machine, with the person, the time and the finding, nothing is typed twice and nothing goes missing. What is due shows itself before it is overdue, and the auditor's question is answered while the auditor is still in the room.",
    ),
    (
        "Assets that earn longer",
        "Knowing what each asset really costs tells you which to keep, which to mend and which to replace.",
        "Companies replace good machines and keep bad ones, because nobody sees the hours and parts that each of them eats. When work, parts and downtime are booked to the asset in passing, the ten that cost the most stand out by themselves. That turns the yearly argument about investments into a list that operations and finance read the same way.",
    ),
];

/// A variant of a core story.
#[derive(Debug)]
pub(super) struct Variant {
    pub(super) core: usize,
    pub(super) title: &'static str,
    pub(super) persona: Option<&'static str>,
    pub(super) motion: Option<Motion>,
    pub(super) department: Department,
    pub(super) message: &'static str,
    pub(super) body: &'static str,
}

macro_rules! variants {
    ($($core:literal $title:literal, $persona:expr, $motion:ident, $department:ident: $message:literal $body:literal;)*) => {
        pub(super) const VARIANTS: &[Variant] = &[$(Variant {
            core: $core, title: $title, persona: $persona, motion: Some(Motion::$motion), department: Department::$department,
            message: $message, body: $body,
        }),*];
    };
}

variants! {
    0 "Your fitters' hours back", Some("Head of Maintenance"), Abm1ToFew, Marketing:
        "Give your fitters back the day a week that they lose to firefighting."
        "You know which jobs were planned for this week, and you know which of them will be done. The difference is not diligence: it is a part that was not there and a line that was not free. Plan with both in view, and start with one workshop and four weeks of work orders.";
    0 "One calendar for production and maintenance", Some("Plant Manager"), Abm1To1, Marketing:
        "When production and maintenance read the same calendar, a stop is an appointment."
        "Every stop that surprises production was known to somebody in maintenance. We put the two plans on one page, so that the window for the gearbox is agreed on Monday and not demanded on Thursday. At a comparable site surprise stops fell by a third in two quarters.";
    0 "One way of working at every site", Some("Chief Operating Officer"), Abm1To1, Sales:
        "Nine sites, one definition of downtime, and a comparison that nobody can dispute."
        "You cannot improve what every site counts differently. We begin with one definition and one pilot, and roll out in the order in which sites ask for it. No site is stopped for the change, and after a year the board sees one figure instead of nine.";
    0 "The morning that plans itself", Some("Service Dispatcher"), Inbound, Marketing:
        "At seven the day is planned; at nine it is re-planned in three moves."
        "A cancelled job, a technician in traffic, a lift with people in it: your plan changes twelve times a day. Move the job, and the route, the part and the customer's message move with it. You keep the decision, and lose the telephone calls.";
    0 "Why plans break on Tuesday", None, DemandGen, Marketing:
        "Not the date breaks a maintenance plan, but what the date takes for granted."
        "We looked at the work orders of forty plants. The plans did not fail for lack of discipline: in two of three cases a part or a person was missing on the day, and both were known the evening before. What would your week look like if the plan had known it too?";
    0 "Quieter nights for water and energy", Some("Head of Maintenance"), Abm1ToMany, Marketing:
        "The station that fails at night announced itself by day."
        "Pumps and switchgear spread over two hundred kilometres cannot be watched by walking past. With rounds planned by condition and distance, the same team sees every station that matters before the weekend, and stand-by duty becomes what the word says.";
    1 "Audit-ready on any Tuesday", Some("Health and Safety Officer"), Abm1ToFew, Marketing:
        "The certificate is in the system before the inspector has left the hall."
        "Five binders and a good memory have served you well, until the day one of them was missing. Record each inspection where it happens, signed and unalterable. What falls due in the next sixty days is a list, and so is what was done in the last ten years.";
    1 "Validated from the first batch", Some("Plant Manager"), Abm1To1, Sales:
        "Calibration and maintenance records that stand up to an inspection of your production licence."
        "In regulated production a stop is expensive and a gap in the records is worse. Each calibration is tied to the instrument, the procedure and the person who did it, and a batch shows at once which equipment was overdue. Your quality department approves the templates once.";
    1 "An audit trail that IT need not build", Some("IT Architect"), ProductMarketing, Marketing:
        "Every change with person, time, before and after: readable by API, alterable by nobody."
        "Compliance asks for a trail, and usually it becomes your nightly job. Here it is part of the record itself: events can be read, replayed and kept in your own warehouse, and single sign-on says who it was. The sandbox is open today; you do not have to speak to anybody.";
    1 "Less paper, fewer fines", None, Inbound, Marketing:
        "What is overdue should be found by you and not by the inspectorate."
        "Lifts, fire doors, pressure vessels, ladders: every one has its own interval and its own form. A single register with everything due, the person in charge and the proof is enough to sleep well, and it takes two weeks to fill.";
    1 "Safe data, clear exit", Some("Chief Information Officer"), Abm1ToFew, Marketing:
        "Your maintenance data on European servers, with an export that you can test on the first day."
        "Forty spreadsheets are a risk that nobody has signed for. One system with documented interfaces, updates announced a month ahead and a full export at any time is a smaller one. Test the export before you sign; most vendors hope you never will.";
    2 "The ten machines that eat your budget", Some("Chief Financial Officer"), Abm1To1, Sales:
        "A tenth of your assets causes half of your maintenance cost; we show you which."
        "Your books show what maintenance costs, not why. Within a quarter, hours, parts and downtime stand against each asset, and the ten worst are known by name. Customers who acted on that list had paid for the software after eleven months.";
    2 "Spare parts are frozen cash", Some("Chief Financial Officer"), DemandGen, Marketing:
        "Much of a spare-parts store is never used: find out what yours could release."
        "Parts are bought out of fear: nobody knows which of them will be needed. Tie parts to the assets that need them and to the plan that uses them, and the fear becomes a figure. A store of two million seldom needs more than one and a half.";
    2 "A price that can be compared", Some("Procurement Lead"), Abm1ToFew, Sales:
        "One price per asset, every interface included, notice of three months."
        "You were brought in late, as usual, so here is what you need: the full price list, what it leaves out (travel and translation), the terms of notice and the format of the export. Compare it line by line. If another offer is better on all lines, take it.";
    2 "From one hall to the whole fleet", Some("Head of Maintenance"), Customer, Sales:
        "What the first hall has learned, the next one need not find out again."
        "You have planned one hall with us for a year, and your colleagues have noticed. Templates, parts lists and intervals can be taken over as they are, so that the second site starts in three weeks and not in three months. The figures of your first year make the case for you.";
}
