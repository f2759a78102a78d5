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
        /// Any other department.
        Other = "OTHER",
    }
    /// Whether a user may sign in.
    UserStatus {
        /// May sign in, once a password or an OpenID issuer is set up.
        Active = "ACTIVE",
        /// May not sign in; kept for the history of past work.
        Deactivated = "DEACTIVATED",
    }
    /// Priority tier of an account.
    AccountTier {
        /// One-to-one: the few accounts with an individual plan.
        Tier1 = "TIER_1",
        /// One-to-few: clusters of accounts with shared needs.
        Tier2 = "TIER_2",
        /// One-to-many: programs at scale.
        Tier3 = "TIER_3",
    }
    /// Stage of an account in the account lifecycle.
    AccountStage {
        /// Not aware of your company.
        Unaware = "UNAWARE",
        /// Fits the ideal customer profile.
        Qualified = "QUALIFIED",
        /// Shows buying intent.
        Aware = "AWARE",
        /// Engages with your company.
        Engaged = "ENGAGED",
        /// Marketing-qualified account: engaged enough to hand over to Sales.
        Mqa = "MQA",
        /// Has an open deal.
        Opportunity = "OPPORTUNITY",
        /// Is a customer.
        Customer = "CUSTOMER",
    }
    /// Seniority of a person in their company.
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
    /// Role of a person in a purchase.
    BuyingRole {
        /// Makes the decision.
        DecisionMaker = "DECISION_MAKER",
        /// Holds the budget.
        BudgetHolder = "BUDGET_HOLDER",
        /// Promotes the purchase within their company.
        Champion = "CHAMPION",
        /// Supports the purchase at board level.
        ExecutiveSponsor = "EXECUTIVE_SPONSOR",
        /// Influences the decision.
        Influencer = "INFLUENCER",
        /// Evaluates the technology.
        TechnicalEvaluator = "TECHNICAL_EVALUATOR",
        /// Will use the product.
        EndUser = "END_USER",
        /// Handles purchasing.
        Procurement = "PROCUREMENT",
        /// Reviews legal and compliance aspects.
        LegalCompliance = "LEGAL_COMPLIANCE",
        /// Opposes the purchase.
        Blocker = "BLOCKER",
    }
    /// A go-to-market motion.
    Motion {
        /// Account-based, one account at a time.
        Abm1To1 = "ABM_ONE_TO_ONE",
        /// Account-based, few accounts at a time.
        Abm1ToFew = "ABM_ONE_TO_FEW",
        /// Account-based, many accounts at a time.
        Abm1ToMany = "ABM_ONE_TO_MANY",
        /// Inbound marketing.
        Inbound = "INBOUND",
        /// Demand generation.
        DemandGen = "DEMAND_GEN",
        /// Product marketing.
        ProductMarketing = "PRODUCT_MARKETING",
        /// Existing customers.
        Customer = "CUSTOMER",
    }
    /// How the accounts of a list are determined.
    ListKind {
        /// Accounts are listed individually.
        Static = "STATIC",
        /// Accounts are selected by a filter, which is evaluated whenever the list is read.
        Dynamic = "DYNAMIC",
    }
    /// Number of accounts that one program addresses.
    ListProgram {
        /// One account with an individual plan.
        OneToOne = "ONE_TO_ONE",
        /// A cluster of accounts with shared needs.
        OneToFew = "ONE_TO_FEW",
        /// Many accounts at once.
        OneToMany = "ONE_TO_MANY",
    }
    /// Stage of a lead.
    LeadStage {
        /// Received and not yet reviewed.
        Raw = "RAW",
        /// Made an inquiry.
        Inquiry = "INQUIRY",
        /// Marketing-qualified.
        Mql = "MQL",
        /// Accepted by Sales.
        Sal = "SAL",
        /// Qualified by Sales.
        Sql = "SQL",
        /// Has a deal.
        Opportunity = "OPPORTUNITY",
        /// The deal is won.
        Won = "WON",
        /// Rejected by Sales.
        Rejected = "REJECTED",
        /// Returned to Marketing for nurturing.
        Recycled = "RECYCLED",
        /// Determined not to be a lead.
        Disqualified = "DISQUALIFIED",
    }
    /// Category of the deals in a stage.
    StageCategory {
        /// Deals are open.
        Open = "OPEN",
        /// Deals are won.
        Won = "WON",
        /// Deals are lost.
        Lost = "LOST",
    }
    /// Forecast category of a deal.
    ForecastCategory {
        /// Not included in the forecast.
        Omitted = "OMITTED",
        /// Possible, in the pipeline.
        Pipeline = "PIPELINE",
        /// Likely in the best case.
        BestCase = "BEST_CASE",
        /// Committed.
        Commit = "COMMIT",
        /// Closed.
        Closed = "CLOSED",
    }
    /// Type of a deal.
    DealType {
        /// Business with a new customer.
        New = "NEW",
        /// Additional business with an existing customer.
        Expansion = "EXPANSION",
        /// Renewal by an existing customer.
        Renewal = "RENEWAL",
    }
    /// Status of an import.
    ImportStatus {
        /// Waiting for the file to be uploaded.
        Waiting = "WAITING",
        /// In progress.
        Running = "RUNNING",
        /// All rows have been processed.
        Done = "DONE",
        /// Stopped by an error; rows already processed are kept.
        Failed = "FAILED",
    }
    /// Type of record that is reassigned when a user is deactivated.
    HandoverType {
        /// Accounts owned by the user.
        Account = "ACCOUNT",
        /// Leads owned by the user.
        Lead = "LEAD",
        /// Deals owned by the user, open and closed.
        Deal = "DEAL",
        /// Personas owned by the user.
        Persona = "PERSONA",
        /// Stories owned by the user.
        Story = "STORY",
        /// Target account lists that the user is responsible for in Marketing or Sales.
        TargetAccountList = "TARGET_ACCOUNT_LIST",
        /// API keys owned by the user.
        ApiKey = "API_KEY",
        /// Account team memberships of the user. They end if no new owner is given.
        AccountTeamMember = "ACCOUNT_TEAM_MEMBER",
    }
    /// Status of a handover.
    UserHandoverStatus {
        /// In progress.
        Running = "RUNNING",
        /// All records of the user have been reassigned.
        Done = "DONE",
        /// Stopped by an error; records already reassigned stay with their new owners. To continue, deactivate the user again with other new owners.
        Failed = "FAILED",
        /// Ended because the user was reactivated or another handover replaced it.
        Cancelled = "CANCELLED",
    }
    /// Action recorded by an event.
    EventAction {
        /// The record was created.
        Created = "CREATED",
        /// The record was updated.
        Updated = "UPDATED",
        /// The record was archived.
        Archived = "ARCHIVED",
        /// The record was restored.
        Restored = "RESTORED",
        /// Someone previewed what this user sees.
        Previewed = "PREVIEWED",
        /// Records were exported in bulk.
        Exported = "EXPORTED",
        /// A sign-in as this user failed; recorded at most once per minute, with the number of failures.
        SignInFailed = "SIGN_IN_FAILED",
    }
}
