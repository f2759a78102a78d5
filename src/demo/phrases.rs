//! What leads come for and what is said when deals are decided.

/// Where a lead comes from: source, weight, what it came for, landing page.
pub(super) type Origin = (Option<&'static str>, &'static [&'static str], Option<&'static str>);

pub(super) const ORIGINS: &[(Origin, i64)] = &[
    (
        (
            Some("webinar"),
            &[
                "Webinar: Why plans break on Tuesday",
                "Webinar: Spare parts are frozen cash",
                "Webinar: Audit-ready on any Tuesday",
            ],
            Some("/webinars"),
        ),
        17,
    ),
    ((Some("organic_search"), &["Demo request", "Question by contact form", "Price request"], Some("/demo")), 18),
    (
        (
            Some("paid_search"),
            &["Demo request", "Maintenance planning, landing page"],
            Some("/lp/maintenance-planning"),
        ),
        13,
    ),
    (
        (
            Some("content_download"),
            &[
                "Guide: The plan that holds until Friday",
                "Checklist: Inspections that fall due",
                "Calculator: What a stop costs",
            ],
            Some("/library"),
        ),
        17,
    ),
    ((Some("event"), &["Fair: Maintenance Days", "Round table: Energy and water", "Fair: Service Summit"], None), 10),
    ((Some("referral"), &["Recommended by a customer", "Recommended by a former colleague"], None), 7),
    ((Some("outbound"), &["Call after intent signal", "Answer to a letter", "Answer on a business network"], None), 10),
    ((Some("partner"), &["Introduced by an ERP partner", "Introduced by a systems integrator"], Some("/partners")), 5),
    ((None, &["Imported by hand", "Business card"], None), 3),
];

pub(super) const NEW_DEALS: &[&str] = &[
    "Planning for the first plant",
    "Maintenance planning",
    "Field service, 40 technicians",
    "Inspection register",
    "Pilot and roll-out",
    "Planning and spare parts",
    "Group framework agreement",
];
pub(super) const EXPANSIONS: &[&str] =
    &["Second site", "Spare-parts module", "Inspection register", "60 more technicians", "Roll-out abroad"];

pub(super) const WON_BECAUSE: &[&str] = &[
    "Pilot met its figures",
    "Best fit with the existing ERP",
    "Reference customer convinced the board",
    "Fastest start",
    "Fitters liked the app",
    "Best terms of exit",
];
pub(super) const LOST_BECAUSE: &[(&str, i64)] = &[
    ("No decision", 30),
    ("Lost to the ERP vendor's own module", 18),
    ("Lost to a competitor", 16),
    ("Budget cut", 14),
    ("Price", 9),
    ("No executive sponsor", 7),
    ("A required interface was missing", 6),
];
