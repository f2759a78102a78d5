//! The closed sets of names that columns take. Each is documented as open: more may come.

use crate::value::choices;

choices! {
    /// A department of a company.
    Department {
        /// Marketing.
        Marketing = "MARKETING",
        /// Sales.
        Sales = "SALES",
        /// Customer service and success.
        Service = "SERVICE",
        /// Technical support.
        Support = "SUPPORT",
        /// Project delivery and consulting.
        Project = "PROJECT",
        /// Product management and development.
        Product = "PRODUCT",
        /// Information technology.
        It = "IT",
        /// Finance, purchasing and legal.
        Finance = "FINANCE",
        /// Human resources.
        People = "PEOPLE",
        /// Operations, production and logistics.
        Operations = "OPERATIONS",
        /// The executive board.
        Executive = "EXECUTIVE",
        /// None of the others.
        Other = "OTHER",
    }
    /// Whether a person may sign in.
    UserStatus {
        /// May sign in, once a password or an issuer is there.
        Active = "ACTIVE",
        /// May not sign in; stands for past work.
        Deactivated = "DEACTIVATED",
    }
    /// How much effort an account deserves.
    AccountTier {
        /// One-to-one: the few accounts worth their own plan.
        Tier1 = "TIER_1",
        /// One-to-few: clusters with shared needs.
        Tier2 = "TIER_2",
        /// One-to-many: programmes at scale.
        Tier3 = "TIER_3",
    }
    /// How far an account has come.
    AccountStage {
        /// Does not know us.
        Unaware = "UNAWARE",
        /// Fits the ideal customer profile.
        Qualified = "QUALIFIED",
        /// Shows intent.
        Aware = "AWARE",
        /// Spends time with us.
        Engaged = "ENGAGED",
        /// Marketing-qualified account: engaged enough for sales.
        Mqa = "MQA",
        /// Has an open deal.
        Opportunity = "OPPORTUNITY",
        /// Has bought.
        Customer = "CUSTOMER",
    }
    /// A person's rank.
    Seniority {
        /// Member of the executive board.
        CLevel = "C_LEVEL",
        /// Vice president.
        Vp = "VP",
        /// Director or head of department.
        Director = "DIRECTOR",
        /// Manager or team lead.
        Manager = "MANAGER",
        /// Senior individual contributor.
        Senior = "SENIOR",
        /// Individual contributor.
        Individual = "INDIVIDUAL",
        /// Intern, trainee or student.
        Entry = "ENTRY",
    }
    /// The part a person plays in a purchase.
    BuyingRole {
        /// Decides.
        DecisionMaker = "DECISION_MAKER",
        /// Holds the budget.
        BudgetHolder = "BUDGET_HOLDER",
        /// Sells for us inside.
        Champion = "CHAMPION",
        /// Backs the purchase from the board.
        ExecutiveSponsor = "EXECUTIVE_SPONSOR",
        /// Is listened to.
        Influencer = "INFLUENCER",
        /// Judges the technology.
        TechnicalEvaluator = "TECHNICAL_EVALUATOR",
        /// Will use it.
        EndUser = "END_USER",
        /// Buys for the company.
        Procurement = "PROCUREMENT",
        /// Checks law and compliance.
        LegalCompliance = "LEGAL_COMPLIANCE",
        /// Works against it.
        Blocker = "BLOCKER",
    }
    /// A way of going to market.
    Motion {
        /// Account-based, one account at a time.
        Abm1To1 = "ABM_ONE_TO_ONE",
        /// Account-based, few accounts at a time.
        Abm1ToFew = "ABM_ONE_TO_FEW",
        /// Account-based, many accounts at a time.
        Abm1ToMany = "ABM_ONE_TO_MANY",
        /// Inbound.
        Inbound = "INBOUND",
        /// Demand generation.
        DemandGen = "DEMAND_GEN",
        /// Product marketing.
        ProductMarketing = "PRODUCT_MARKETING",
        /// Existing customers.
        Customer = "CUSTOMER",
    }
    /// How the accounts of a list are found.
    ListKind {
        /// Named one by one.
        Static = "STATIC",
        /// By a filter, evaluated whenever the list is read.
        Dynamic = "DYNAMIC",
    }
    /// How many accounts one programme addresses.
    ListProgram {
        /// One account, one plan.
        OneToOne = "ONE_TO_ONE",
        /// A cluster of accounts with shared needs.
        OneToFew = "ONE_TO_FEW",
        /// Many accounts at once.
        OneToMany = "ONE_TO_MANY",
    }
    /// How far a lead has come.
    LeadStage {
        /// Just arrived, unchecked.
        Raw = "RAW",
        /// Asked something.
        Inquiry = "INQUIRY",
        /// Marketing-qualified.
        Mql = "MQL",
        /// Accepted by sales.
        Sal = "SAL",
        /// Qualified by sales.
        Sql = "SQL",
        /// Has a deal.
        Opportunity = "OPPORTUNITY",
        /// Its deal is won.
        Won = "WON",
        /// Refused by sales.
        Rejected = "REJECTED",
        /// Given back to marketing to nurture.
        Recycled = "RECYCLED",
        /// Found not to be a lead.
        Disqualified = "DISQUALIFIED",
    }
    /// What a stage says of the deals in it.
    StageCategory {
        /// Undecided.
        Open = "OPEN",
        /// Won.
        Won = "WON",
        /// Lost.
        Lost = "LOST",
    }
    /// How far a deal counts in the forecast.
    ForecastCategory {
        /// Not at all.
        Omitted = "OMITTED",
        /// Possible.
        Pipeline = "PIPELINE",
        /// Likely if things go well.
        BestCase = "BEST_CASE",
        /// Promised.
        Commit = "COMMIT",
        /// Decided.
        Closed = "CLOSED",
    }
    /// Where a deal's money comes from.
    DealType {
        /// A new customer.
        New = "NEW",
        /// More for a customer.
        Expansion = "EXPANSION",
        /// A customer's renewal.
        Renewal = "RENEWAL",
    }
    /// How far an import has come.
    ImportStatus {
        /// Waiting for its file.
        Waiting = "WAITING",
        /// Under way.
        Running = "RUNNING",
        /// All rows dealt with.
        Done = "DONE",
        /// Stopped by an error; rows dealt with so far stay.
        Failed = "FAILED",
    }
    /// What somebody who leaves hands over.
    HandoverType {
        /// Accounts they own.
        Account = "ACCOUNT",
        /// Leads they own.
        Lead = "LEAD",
        /// Deals they own, open and closed.
        Deal = "DEAL",
        /// Personas they keep.
        Persona = "PERSONA",
        /// Stories they keep.
        Story = "STORY",
        /// Target-account lists they answer for in Marketing or in Sales.
        TargetAccountList = "TARGET_ACCOUNT_LIST",
        /// API keys they answer for.
        ApiKey = "API_KEY",
        /// Their places in account teams. They end where no successor takes them.
        AccountTeamMember = "ACCOUNT_TEAM_MEMBER",
    }
    /// How far a hand-over has come.
    UserHandoverStatus {
        /// Under way.
        Running = "RUNNING",
        /// Nothing is left with the person.
        Done = "DONE",
        /// Stopped by an error; what was handed over until then stays with the successors. Deactivate the person once more, with other successors, to continue.
        Failed = "FAILED",
        /// Ended because the person came back, or because another hand-over took its place.
        Cancelled = "CANCELLED",
    }
    /// What happened to a record.
    EventAction {
        /// It was created.
        Created = "CREATED",
        /// It was changed.
        Updated = "UPDATED",
        /// It was archived.
        Archived = "ARCHIVED",
        /// It was brought back.
        Restored = "RESTORED",
        /// Somebody saw what this person sees.
        Previewed = "PREVIEWED",
        /// Records were taken out in bulk.
        Exported = "EXPORTED",
        /// Somebody failed to prove that they are this person; told once a minute at most, with how often.
        SignInFailed = "SIGN_IN_FAILED",
    }
}
