//! The command line and its environment: what can be configured, each with its default.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use clap::{Args, Parser, Subcommand};
use entity::Department;

use crate::{
    access::key,
    audit::Format,
    error::{Error, Result},
    http::settings::{ConnectionLimits, Rate, Settings},
    people::issuer::{self, Issuer},
};

/// The account-based-marketing backbone of a B2B company, served as a GraphQL API.
#[derive(Debug, Parser)]
#[command(version, about, arg_required_else_help = true)]
pub struct CommandLine {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What the program can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Migrates the database and serves the API.
    Serve(Serve),
    /// Loads the demo company into an empty database and serves it.
    Demo(Serve),
    /// Brings the database to this program's schema.
    Migrate(Migrate),
    /// Copies a SQLite database into a file while it is served; for PostgreSQL it names the command to use.
    Backup(Backup),
    /// Puts a backup in the place of a SQLite database that nobody has open; a new history of events begins.
    Restore(Restore),
    /// Prints the GraphQL schema.
    Schema,
    /// Keeps the people who may sign in.
    #[command(subcommand)]
    User(User),
    /// Imports a delimited file.
    Import(Import),
    /// Takes records out as a file.
    #[command(subcommand)]
    Export(Export),
    /// Asks a running server whether it is ready; exit code 0 where it is.
    Health {
        /// Address of its readiness check.
        #[arg(long, default_value = "http://127.0.0.1:4000/health/ready")]
        url: String,
    },
}

/// Where the records are kept.
#[derive(Clone, Debug, Args)]
pub struct Database {
    /// `sqlite://FILE`, or `postgres://USER:PASSWORD@HOST/NAME`.
    #[arg(long, env = "TANDEM_DATABASE_URL", default_value = "sqlite://tandem.db", hide_env_values = true)]
    pub database_url: String,
    /// On `PostgreSQL` the most connections for reading, and as many again for writing.
    #[arg(long, env = "TANDEM_DATABASE_CONNECTIONS", default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub database_connections: u32,
    /// Seconds that a request waits for a connection, its turn to write, or a lock.
    #[arg(long, env = "TANDEM_DATABASE_WAIT", default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=300))]
    pub database_wait: u64,
}

impl Database {
    /// How its connections are kept.
    #[must_use]
    pub fn settings(&self) -> crate::store::Settings {
        crate::store::Settings {
            connections: self.database_connections,
            wait: Duration::from_secs(self.database_wait),
            ..crate::store::Settings::default()
        }
    }
}

/// How to migrate.
#[derive(Clone, Debug, Args)]
pub struct Migrate {
    /// The database.
    #[command(flatten)]
    pub database: Database,
    /// Begins a new history of events, after a PostgreSQL database was restored into the cluster it came from: cursors
    /// of what was lost are refused from then on. Stop the servers first.
    #[arg(long)]
    pub new_history: bool,
}

/// How to serve.
#[derive(Clone, Debug, Args)]
pub struct Serve {
    /// The database.
    #[command(flatten)]
    pub database: Database,
    /// Address and port to listen on.
    #[arg(long, env = "TANDEM_LISTEN", default_value = "127.0.0.1:4000")]
    pub listen: SocketAddr,
    /// Address and port for `/metrics` alone; without it they are served beside the API.
    #[arg(long, env = "TANDEM_METRICS_LISTEN")]
    pub metrics_listen: Option<SocketAddr>,
    /// Origins whose pages may call the API, separated by commas.
    #[arg(long, env = "TANDEM_ALLOWED_ORIGINS", value_delimiter = ',')]
    pub allowed_origins: Vec<String>,
    /// Networks or single addresses of proxies whose `X-Forwarded-For` is believed, separated by commas.
    #[arg(long, env = "TANDEM_TRUSTED_PROXIES", value_delimiter = ',', value_parser = proxies)]
    pub trusted_proxies: Vec<ipnet::IpNet>,
    /// Cost that a caller may spend each second, or `off`.
    #[arg(long, env = "TANDEM_RATE_LIMIT", default_value = "5000")]
    pub rate_limit: String,
    /// Seconds that one operation may take.
    #[arg(long, env = "TANDEM_DEADLINE", default_value_t = 30)]
    pub deadline: u64,
    /// Seconds after which the job of a process that ended without notice goes to another.
    #[arg(long, env = "TANDEM_JOB_LEASE", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub job_lease: u64,
    /// Seconds until the head of a connection's first request must be complete.
    #[arg(long, env = "TANDEM_HEADER_TIMEOUT", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=3_600))]
    pub header_timeout: u64,
    /// Seconds that a connection may stay open without a request.
    #[arg(long, env = "TANDEM_IDLE_TIMEOUT", default_value_t = 75, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub idle_timeout: u64,
    /// Connections from one address at a time; trusted proxies are exempt.
    #[arg(long, env = "TANDEM_CONNECTIONS_PER_ADDRESS", default_value_t = 1_024, value_parser = clap::value_parser!(u32).range(1..))]
    pub connections_per_address: u32,
    /// Connections at a time altogether.
    #[arg(long, env = "TANDEM_CONNECTIONS", default_value_t = 8_192, value_parser = clap::value_parser!(u32).range(1..))]
    pub connections: u32,
    /// Whether `GraphiQL` is served at `/`.
    #[arg(long, env = "TANDEM_GRAPHIQL", default_value_t = true, action = clap::ArgAction::Set)]
    pub graphiql: bool,
    /// Whether the schema may be introspected.
    #[arg(long, env = "TANDEM_INTROSPECTION", default_value_t = true, action = clap::ArgAction::Set)]
    pub introspection: bool,
    /// Secret that signs access tokens, at least 32 characters; without it one is made and kept in the database.
    #[arg(long, env = "TANDEM_SIGNING_KEY", hide_env_values = true)]
    pub signing_key: Option<String>,
    /// The company's own sign-in.
    #[command(flatten)]
    pub oidc: Oidc,
    /// E-mail address of the first administrator.
    #[arg(long, env = "TANDEM_ADMIN_EMAIL")]
    pub admin_email: Option<String>,
    /// Password of the first administrator, 12 to 128 characters.
    #[arg(long, env = "TANDEM_ADMIN_PASSWORD", hide_env_values = true)]
    pub admin_password: Option<String>,
    /// Password of all demo logins; made up and printed where none is given.
    #[arg(long, env = "TANDEM_DEMO_PASSWORD", hide_env_values = true)]
    pub demo_password: Option<String>,
}

/// Whose tokens are taken beside Tandem's own.
#[derive(Clone, Debug, Default, Args)]
pub struct Oidc {
    /// Address of the OpenID issuer, exactly as its tokens say it in `iss`.
    #[arg(long, env = "TANDEM_OIDC_ISSUER")]
    pub oidc_issuer: Option<String>,
    /// For whom the issuer's tokens must be meant (`aud`): one of these, separated by commas.
    #[arg(long, env = "TANDEM_OIDC_AUDIENCE", value_delimiter = ',')]
    pub oidc_audience: Vec<String>,
    /// The claim that names a person's groups; `realm_access.roles` for one inside another.
    #[arg(long, env = "TANDEM_OIDC_GROUPS_CLAIM", default_value = "groups")]
    pub oidc_groups_claim: String,
    /// Which group gives which role: `group=role_key`, several separated by commas or by saying it again. A comma in a
    /// group's name is written `\,`.
    #[arg(long, env = "TANDEM_OIDC_ROLES")]
    pub oidc_roles: Vec<String>,
    /// The claim that names a person's department, when they come for the first time.
    #[arg(long, env = "TANDEM_OIDC_DEPARTMENT_CLAIM")]
    pub oidc_department_claim: Option<String>,
}

impl Oidc {
    /// The issuer, where one is configured.
    pub fn issuer(&self) -> Result<Option<Issuer>> {
        let said = |texts: &[String]| texts.iter().any(|text| !text.trim().is_empty());
        // An empty variable of the environment is none.
        let Some(issuer) = self.oidc_issuer.as_deref().map(str::trim).filter(|issuer| !issuer.is_empty()) else {
            if said(&self.oidc_audience) || said(&self.oidc_roles) {
                return Err(Error::internal("--oidc-audience and --oidc-roles need --oidc-issuer"));
            }
            return Ok(None);
        };
        let settings = issuer::Settings::new(issuer, &self.oidc_audience, &self.oidc_groups_claim, &self.oidc_roles)?;
        Issuer::new(settings.with_department(self.oidc_department_claim.as_deref())).map(Some)
    }
}

/// Keeping people.
#[derive(Debug, Subcommand)]
pub enum User {
    /// Creates a person who may sign in. The password is read from `TANDEM_PASSWORD`, or asked for.
    Create {
        /// The database.
        #[command(flatten)]
        database: Database,
        /// E-mail address.
        email: String,
        /// Full name; the address where none is given.
        #[arg(long)]
        name: Option<String>,
        /// Key of the role, `admin`.
        #[arg(long)]
        role: String,
        /// Department.
        #[arg(long, default_value = "OTHER", value_parser = department)]
        department: Department,
        /// The person must choose another password when they sign in.
        #[arg(long)]
        must_change_password: bool,
    },
    /// Lists the people with their roles.
    List {
        /// The database.
        #[command(flatten)]
        database: Database,
    },
    /// Sets a person's password, read from `TANDEM_PASSWORD` or asked for; ends all their sessions.
    SetPassword {
        /// The database.
        #[command(flatten)]
        database: Database,
        /// E-mail address.
        email: String,
        /// The person must choose another password when they sign in.
        #[arg(long)]
        must_change_password: bool,
    },
}

/// What to import.
#[derive(Debug, Args)]
pub struct Import {
    /// The database.
    #[command(flatten)]
    pub database: Database,
    /// E-mail address of the person on whose behalf it is imported.
    #[arg(long = "as", value_name = "EMAIL")]
    pub actor: String,
    /// The map: which column is which field.
    #[arg(long, value_name = "FILE.toml")]
    pub map: PathBuf,
    /// Only checks, and changes nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// Where to write what became of each row.
    #[arg(long, value_name = "FILE.csv")]
    pub result: Option<PathBuf>,
    /// Starts over instead of going on where an earlier run broke off.
    #[arg(long)]
    pub no_resume: bool,
    /// The file.
    #[arg(value_name = "DATA.csv")]
    pub data: PathBuf,
}

/// What to export.
#[derive(Debug, Subcommand)]
pub enum Export {
    /// The audit trail, as a person sees it who may export it.
    Audit {
        /// The database.
        #[command(flatten)]
        database: Database,
        /// E-mail address of the person on whose behalf it is exported.
        #[arg(long = "as", value_name = "EMAIL")]
        actor: String,
        /// The form of the file.
        #[arg(long, value_enum, default_value_t = Format::Csv)]
        format: Format,
        /// Which events: JSON in the shape of the API's `EventFilter`.
        #[arg(long, value_name = "JSON")]
        filter: Option<String>,
        /// The file; standard output where none is named.
        #[arg(long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
}

fn proxies(text: &str) -> Result<ipnet::IpNet, String> {
    key::network(text).ok_or_else(|| "takes addresses like 127.0.0.1 and networks like 10.0.0.0/8".to_owned())
}

fn department(name: &str) -> Result<Department, String> {
    let known = || Department::CHOICES.values.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
    Department::parse(&name.to_uppercase()).ok_or_else(|| format!("takes one of {}", known()))
}

impl Serve {
    /// What the edge allows.
    pub fn edge(&self) -> Result<Settings> {
        let rate = match self.rate_limit.as_str() {
            "off" => Rate { maximum: u32::MAX, restore: u32::MAX },
            text => {
                let restore = text.parse::<u32>().ok().filter(|restore| *restore > 0);
                let restore = restore.ok_or_else(|| {
                    Error::internal(format!("--rate-limit takes a whole number above 0, or off; not “{text}”"))
                })?;
                Rate { maximum: restore.saturating_mul(20).max(50_000), restore }
            }
        };
        if self.signing_key.as_ref().is_some_and(|key| key.len() < 32) {
            return Err(Error::internal("TANDEM_SIGNING_KEY has fewer than 32 characters"));
        }
        if self.deadline == 0 {
            return Err(Error::internal("--deadline takes at least one second"));
        }
        Ok(Settings {
            rate,
            deadline: Duration::from_secs(self.deadline),
            job_lease: Duration::from_secs(self.job_lease),
            connections: ConnectionLimits {
                headers: Duration::from_secs(self.header_timeout),
                idle: Duration::from_secs(self.idle_timeout),
                per_address: self.connections_per_address as usize,
                total: self.connections as usize,
            },
            allowed_origins: self.allowed_origins.clone(),
            trusted_proxies: self.trusted_proxies.clone(),
            graphiql: self.graphiql,
            introspection: self.introspection,
            metrics: self.metrics_listen.is_none(),
            ..Settings::default()
        })
    }
}

/// What to back up.
#[derive(Clone, Debug, Args)]
pub struct Backup {
    /// The database.
    #[command(flatten)]
    pub database: Database,
    /// Replaces the file where it exists.
    #[arg(long)]
    pub force: bool,
    /// The file to write.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
}

/// What to restore.
#[derive(Clone, Debug, Args)]
pub struct Restore {
    /// The database that is replaced.
    #[command(flatten)]
    pub database: Database,
    /// A file that `tandem backup` wrote.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
}
