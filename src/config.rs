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

/// An account-based-marketing backend with a GraphQL API.
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
    /// Runs background jobs beside servers, without serving the API.
    Work(Work),
    /// Migrates the database to the schema of this version.
    Migrate(Migrate),
    /// Backs up a SQLite database to a file while the server is running; for PostgreSQL prints the command to use.
    Backup(Backup),
    /// Restores a SQLite database from a backup; the database must not be in use. Starts a new event history.
    Restore(Restore),
    /// Prints the GraphQL schema.
    Schema,
    /// Manages users.
    #[command(subcommand)]
    User(User),
    /// Imports a delimited file.
    Import(Import),
    /// Exports records to a file.
    #[command(subcommand)]
    Export(Export),
    /// Checks whether a running server is ready; exits with code 0 if it is.
    Health {
        /// URL of the readiness check.
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
    /// Maximum number of `PostgreSQL` connections for reading, and the same number for writing.
    #[arg(long, env = "TANDEM_DATABASE_CONNECTIONS", default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub database_connections: u32,
    /// Seconds that a request waits for a connection, for its turn to write, or for a lock.
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
    /// Starts a new event history, after a PostgreSQL database was restored into its original cluster: cursors of
    /// lost events are rejected from then on. Stop the servers first.
    #[arg(long)]
    pub new_history: bool,
}

/// How to run background jobs.
#[derive(Clone, Debug, Args)]
pub struct Work {
    /// The database.
    #[command(flatten)]
    pub database: Database,
    /// Seconds after which the job of a process that ended without notice goes to another.
    #[arg(long, env = "TANDEM_JOB_LEASE", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub job_lease: u64,
    /// Address and port for `/metrics`.
    #[arg(long, env = "TANDEM_METRICS_LISTEN")]
    pub metrics_listen: Option<SocketAddr>,
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
    /// Address and port for `/metrics` only; if omitted, metrics are served on the same port as the API.
    #[arg(long, env = "TANDEM_METRICS_LISTEN")]
    pub metrics_listen: Option<SocketAddr>,
    /// Allowed CORS origins, separated by commas.
    #[arg(long, env = "TANDEM_ALLOWED_ORIGINS", value_delimiter = ',')]
    pub allowed_origins: Vec<String>,
    /// Networks or addresses of trusted proxies whose `X-Forwarded-For` header is used, separated by commas.
    #[arg(long, env = "TANDEM_TRUSTED_PROXIES", value_delimiter = ',', value_parser = proxies)]
    pub trusted_proxies: Vec<ipnet::IpNet>,
    /// Rate limit per caller, in query cost per second, or `off`.
    #[arg(long, env = "TANDEM_RATE_LIMIT", default_value = "5000")]
    pub rate_limit: String,
    /// Timeout of an operation, in seconds.
    #[arg(long, env = "TANDEM_DEADLINE", default_value_t = 30)]
    pub deadline: u64,
    /// Seconds after which the job of a process that ended without notice goes to another.
    #[arg(long, env = "TANDEM_JOB_LEASE", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub job_lease: u64,
    /// Whether this process runs background jobs too; without them, `tandem work` has to.
    #[arg(long, env = "TANDEM_JOBS", default_value_t = true, action = clap::ArgAction::Set)]
    pub jobs: bool,
    /// Seconds within which the headers of a connection's first request must be received.
    #[arg(long, env = "TANDEM_HEADER_TIMEOUT", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=3_600))]
    pub header_timeout: u64,
    /// Seconds that a connection may stay open without a request.
    #[arg(long, env = "TANDEM_IDLE_TIMEOUT", default_value_t = 75, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub idle_timeout: u64,
    /// Maximum number of simultaneous connections per address; trusted proxies are exempt.
    #[arg(long, env = "TANDEM_CONNECTIONS_PER_ADDRESS", default_value_t = 1_024, value_parser = clap::value_parser!(u32).range(1..))]
    pub connections_per_address: u32,
    /// Maximum number of simultaneous connections in total.
    #[arg(long, env = "TANDEM_CONNECTIONS", default_value_t = 8_192, value_parser = clap::value_parser!(u32).range(1..))]
    pub connections: u32,
    /// Whether `GraphiQL` is served at `/`.
    #[arg(long, env = "TANDEM_GRAPHIQL", default_value_t = true, action = clap::ArgAction::Set)]
    pub graphiql: bool,
    /// Whether the schema may be introspected.
    #[arg(long, env = "TANDEM_INTROSPECTION", default_value_t = true, action = clap::ArgAction::Set)]
    pub introspection: bool,
    /// Secret that signs access tokens, at least 32 characters; if omitted, one is generated and stored in the
    /// database.
    #[arg(long, env = "TANDEM_SIGNING_KEY", hide_env_values = true)]
    pub signing_key: Option<String>,
    /// OpenID Connect settings.
    #[command(flatten)]
    pub oidc: Oidc,
    /// E-mail address of the first administrator.
    #[arg(long, env = "TANDEM_ADMIN_EMAIL")]
    pub admin_email: Option<String>,
    /// Password of the first administrator, 12 to 128 characters.
    #[arg(long, env = "TANDEM_ADMIN_PASSWORD", hide_env_values = true)]
    pub admin_password: Option<String>,
    /// Password of all demo users; generated and printed if omitted.
    #[arg(long, env = "TANDEM_DEMO_PASSWORD", hide_env_values = true)]
    pub demo_password: Option<String>,
}

/// Whose tokens are taken beside Tandem's own.
#[derive(Clone, Debug, Default, Args)]
pub struct Oidc {
    /// URL of the OpenID issuer, exactly as in the `iss` claim of its tokens.
    #[arg(long, env = "TANDEM_OIDC_ISSUER")]
    pub oidc_issuer: Option<String>,
    /// Accepted audiences (`aud` claim) of the tokens, separated by commas.
    #[arg(long, env = "TANDEM_OIDC_AUDIENCE", value_delimiter = ',')]
    pub oidc_audience: Vec<String>,
    /// Claim with the user's groups; nested claims are written as `realm_access.roles`.
    #[arg(long, env = "TANDEM_OIDC_GROUPS_CLAIM", default_value = "groups")]
    pub oidc_groups_claim: String,
    /// Mapping of groups to roles: `group=role_key`, separated by commas or given repeatedly. A comma in a group name
    /// is written `\,`.
    #[arg(long, env = "TANDEM_OIDC_ROLES")]
    pub oidc_roles: Vec<String>,
    /// Claim with the user's department, used when the user signs in for the first time.
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
                return Err(Error::internal("--oidc-audience and --oidc-roles require --oidc-issuer"));
            }
            return Ok(None);
        };
        let settings = issuer::Settings::new(issuer, &self.oidc_audience, &self.oidc_groups_claim, &self.oidc_roles)?;
        Issuer::new(settings.with_department(self.oidc_department_claim.as_deref())).map(Some)
    }
}

/// Managing users.
#[derive(Debug, Subcommand)]
pub enum User {
    /// Creates a user. The password is read from `TANDEM_PASSWORD`, or prompted for.
    Create {
        /// The database.
        #[command(flatten)]
        database: Database,
        /// E-mail address.
        email: String,
        /// Full name; defaults to the e-mail address.
        #[arg(long)]
        name: Option<String>,
        /// Key of the role, e.g. `admin`.
        #[arg(long)]
        role: String,
        /// Department.
        #[arg(long, default_value = "OTHER", value_parser = department)]
        department: Department,
        /// Requires the user to change the password at the next sign-in.
        #[arg(long)]
        must_change_password: bool,
    },
    /// Lists the users with their roles.
    List {
        /// The database.
        #[command(flatten)]
        database: Database,
    },
    /// Sets the password of a user, read from `TANDEM_PASSWORD` or prompted for, and revokes all their sessions.
    SetPassword {
        /// The database.
        #[command(flatten)]
        database: Database,
        /// E-mail address.
        email: String,
        /// Requires the user to change the password at the next sign-in.
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
    /// E-mail address of the user on whose behalf the file is imported.
    #[arg(long = "as", value_name = "EMAIL")]
    pub actor: String,
    /// File with the mapping of columns to fields.
    #[arg(long, value_name = "FILE.toml")]
    pub map: PathBuf,
    /// Validates the file without changing anything.
    #[arg(long)]
    pub dry_run: bool,
    /// File to write the result of each row to.
    #[arg(long, value_name = "FILE.csv")]
    pub result: Option<PathBuf>,
    /// Starts from the beginning instead of resuming an interrupted run.
    #[arg(long)]
    pub no_resume: bool,
    /// File to import.
    #[arg(value_name = "DATA.csv")]
    pub data: PathBuf,
}

/// What to export.
#[derive(Debug, Subcommand)]
pub enum Export {
    /// Exports the audit log, as visible to a user with permission to export it.
    Audit {
        /// The database.
        #[command(flatten)]
        database: Database,
        /// E-mail address of the user on whose behalf the audit log is exported.
        #[arg(long = "as", value_name = "EMAIL")]
        actor: String,
        /// Format of the file.
        #[arg(long, value_enum, default_value_t = Format::Csv)]
        format: Format,
        /// Filter for the events: an `EventFilter` of the API as JSON.
        #[arg(long, value_name = "JSON")]
        filter: Option<String>,
        /// File to write; defaults to standard output.
        #[arg(long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
}

fn proxies(text: &str) -> Result<ipnet::IpNet, String> {
    key::network(text).ok_or_else(|| "must be addresses like 127.0.0.1 or networks like 10.0.0.0/8".to_owned())
}

fn department(name: &str) -> Result<Department, String> {
    let known = || Department::CHOICES.values.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
    Department::parse(&name.to_uppercase()).ok_or_else(|| format!("must be one of {}", known()))
}

impl Serve {
    /// What the edge allows.
    pub fn edge(&self) -> Result<Settings> {
        let rate = match self.rate_limit.as_str() {
            "off" => Rate { maximum: u32::MAX, restore: u32::MAX },
            text => {
                let restore = text.parse::<u32>().ok().filter(|restore| *restore > 0);
                let restore = restore.ok_or_else(|| {
                    Error::internal(format!("--rate-limit must be an integer greater than 0, or off; got “{text}”"))
                })?;
                Rate { maximum: restore.saturating_mul(20).max(50_000), restore }
            }
        };
        if self.signing_key.as_ref().is_some_and(|key| key.len() < 32) {
            return Err(Error::internal("TANDEM_SIGNING_KEY has fewer than 32 characters"));
        }
        if self.deadline == 0 {
            return Err(Error::internal("--deadline must be at least 1 second"));
        }
        Ok(Settings {
            rate,
            deadline: Duration::from_secs(self.deadline),
            jobs: self.jobs.then(|| Duration::from_secs(self.job_lease)),
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
    /// Overwrites the file if it exists.
    #[arg(long)]
    pub force: bool,
    /// The file to write.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
}

/// What to restore.
#[derive(Clone, Debug, Args)]
pub struct Restore {
    /// The database to replace.
    #[command(flatten)]
    pub database: Database,
    /// Backup file written by `tandem backup`.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
}
