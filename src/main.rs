//! The command line.

use std::{net::SocketAddr, process::ExitCode, sync::Arc, time::Duration};

use clap::Parser;
use tandem::{
    access::password::{Cost, Passwords},
    api,
    app::{self, Running},
    audit, backup,
    clock::SystemClock,
    config::{Command, CommandLine, Database, Export, Import, Migrate, Serve, User, Work},
    deals, demo,
    error::{Error, Result},
    health::health,
    imports::command,
    people::{admin, authority::Authority, passwords::Given},
    store::{self, Backend},
    telemetry, text,
};
use tokio::net::TcpListener;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let command = CommandLine::parse().command;
    telemetry::start();
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&Error::internal(error)),
    };
    let outcome = runtime.block_on(run(command));
    // What still hangs must not keep the process.
    runtime.shutdown_timeout(std::time::Duration::from_secs(1));
    match outcome {
        Ok(code) => code,
        Err(error) => fail(&error),
    }
}

/// One clear line.
fn fail(error: &Error) -> ExitCode {
    let text = match error {
        Error::Input(mistakes) => {
            mistakes.iter().map(|mistake| mistake.message.as_str()).collect::<Vec<_>>().join("\n")
        }
        Error::Refused(refusal) => refusal.message.clone(),
        Error::Internal(error) => error.to_string(),
    };
    eprintln!("tandem: {}", text::escaped_lines(&text));
    ExitCode::FAILURE
}

async fn run(command: Command) -> Result<ExitCode> {
    match command {
        Command::Serve(serve) => self::serve(serve, false).await?,
        Command::Demo(serve) => self::serve(serve, true).await?,
        Command::Work(work) => self::work(work).await?,
        Command::Migrate(Migrate { database, new_history }) => {
            let backend = open(&database).await?;
            let pending = store::pending(&backend).await?;
            store::migrate(&backend).await?;
            if new_history {
                backend.renew_history().await?;
            }
            deals::seed::default_pipeline(&backend).await?;
            println!("{} migrations applied; the database schema is up to date.", pending.len());
        }
        Command::Schema => print!("{}", api::sdl()),
        Command::User(user) => self::user(user).await?,
        Command::Import(import) => return self::import(import).await,
        Command::Export(export) => self::export(export).await?,
        Command::Backup(backup) => return backup.run().await,
        Command::Restore(restore) => return restore.run(Arc::new(SystemClock)).await,
        Command::Health { url } => health(&url).await?,
    }
    Ok(ExitCode::SUCCESS)
}

async fn open(database: &Database) -> Result<Arc<Backend>> {
    let (url, shown) = (&database.database_url, store::redact(&database.database_url));
    let opened = Backend::open_with(url, Arc::new(SystemClock), api::NOUNS, database.settings()).await;
    // What reads the URL may quote it in its message.
    let told = |error: Error| error.to_string().replace(url.as_str(), &shown);
    opened.map_err(|error| Error::internal(format!("cannot open the database {shown}: {}", told(error))))
}

async fn serve(serve: Serve, with_demo: bool) -> Result<()> {
    let settings = serve.edge()?;
    let issuer = serve.oidc.issuer()?;
    // Bound first: an address in use is told before anything is migrated.
    let listener = TcpListener::bind(serve.listen)
        .await
        .map_err(|error| Error::internal(format!("cannot listen on {}: {error}", serve.listen)))?;
    let backend = open(&serve.database).await?;
    store::migrate(&backend).await?;
    let logins = if with_demo {
        Some(demo::prepare(&backend, &passwords()?, serve.demo_password.as_deref()).await?)
    } else {
        None
    };
    deals::seed::default_pipeline(&backend).await?;
    match (&serve.admin_email, &serve.admin_password) {
        (Some(email), Some(password)) => {
            if admin::ensure_first_admin(&backend, &passwords()?, email, password).await? {
                tracing::info!(email, "made the first administrator");
            }
        }
        (None, None) => {}
        _ => return Err(Error::internal("TANDEM_ADMIN_EMAIL and TANDEM_ADMIN_PASSWORD must be set together")),
    }
    if let Some(issuer) = &issuer {
        issuer.check_roles(&backend).await?;
    }
    let others = issuer.is_some();
    let authority = Authority::trusting(backend.clone(), serve.signing_key.as_deref(), Cost::OWASP, issuer)?;
    let metrics = serve.metrics_listen;
    let end = asked_to_end()?;
    let running = Running::start(listener, backend, authority, settings)?;
    if let Some(address) = metrics {
        serve_metrics(address).await?;
    }
    if !others && !admin::list_users(&running.backend).await?.iter().any(|user| user.active && user.password) {
        tracing::warn!("nobody can sign in yet: run tandem user create --role admin EMAIL");
    }
    tracing::info!(address = %running.address, "serving");
    if let Some(logins) = logins {
        println!("{logins}\nhttp://{}/", running.address);
    }
    running.until(end).await
}

async fn work(work: Work) -> Result<()> {
    let end = asked_to_end()?;
    // Whoever serves the database brings it to the schema; another one is refused.
    let backend = existing(&work.database).await?;
    if let Some(address) = work.metrics_listen {
        serve_metrics(address).await?;
    }
    tracing::info!("working");
    app::work(backend, Duration::from_secs(work.job_lease), end).await
}

async fn serve_metrics(address: SocketAddr) -> Result<()> {
    let listener = TcpListener::bind(address)
        .await
        .map_err(|error| Error::internal(format!("cannot listen on {address}: {error}")))?;
    tokio::spawn(tandem::http::serve_metrics(listener));
    Ok(())
}

/// The end that the operating system or a person at the keyboard asks for, heard from this call on and
/// not only once it is waited for.
fn asked_to_end() -> Result<impl Future<Output = ()>> {
    #[cfg(unix)]
    let (mut terminate, mut interrupt) = {
        use tokio::signal::unix::{SignalKind, signal};
        (
            signal(SignalKind::terminate()).map_err(Error::internal)?,
            signal(SignalKind::interrupt()).map_err(Error::internal)?,
        )
    };
    Ok(async move {
        #[cfg(unix)]
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        #[cfg(not(unix))]
        let _ = tokio::signal::ctrl_c().await;
    })
}

async fn user(user: User) -> Result<()> {
    match user {
        User::Create { database, email, name, role, department, must_change_password } => {
            let backend = migrated(&database).await?;
            let name = name.unwrap_or_else(|| email.clone());
            let password = password()?;
            let given = Given { password: &password, must_change: must_change_password };
            let id = admin::create_user(&backend, &passwords()?, (&name, &email), (department, &role), given).await?;
            println!("{id} {email}");
        }
        User::List { database } => {
            for person in admin::list_users(&existing(&database).await?).await? {
                let state = match (person.active, person.password) {
                    (false, _) => "deactivated",
                    (true, false) => "no password",
                    (true, true) => "active",
                };
                let email = person.email.as_deref().unwrap_or("-");
                let line = format!("{email:<36} {state:<12} {:<28} {}", person.roles.join(","), person.name);
                println!("{}", text::escaped(&line));
            }
        }
        User::SetPassword { database, email, must_change_password } => {
            let backend = existing(&database).await?;
            let password = password()?;
            let given = Given { password: &password, must_change: must_change_password };
            admin::set_password(&backend, &passwords()?, &email, given).await?;
            println!("The password of {email} is set; all sessions have ended.");
        }
    }
    Ok(())
}

/// For commands that make nothing new: a mistyped name is told instead of made, and an older database left as it is.
async fn existing(database: &Database) -> Result<Arc<Backend>> {
    backup::sqlite_file(database, true)?;
    let backend = open(database).await?;
    store::require_current(&backend).await?;
    Ok(backend)
}

async fn migrated(database: &Database) -> Result<Arc<Backend>> {
    let backend = open(database).await?;
    store::migrate(&backend).await?;
    Ok(backend)
}

fn passwords() -> Result<Passwords> {
    Passwords::new(Cost::OWASP)
}

/// From `TANDEM_PASSWORD`, or typed without being shown.
fn password() -> Result<String> {
    match std::env::var("TANDEM_PASSWORD") {
        Ok(password) => Ok(password),
        Err(_) => rpassword::prompt_password("Password: ")
            .map_err(|error| Error::internal(format!("no password: set TANDEM_PASSWORD or use a terminal ({error})"))),
    }
}

async fn import(import: Import) -> Result<ExitCode> {
    let backend = existing(&import.database).await?;
    deals::seed::default_pipeline(&backend).await?;
    let actor = admin::actor_for(&backend, &import.actor).await?;
    let options = command::Options { dry_run: import.dry_run, result: import.result, resume: !import.no_resume };
    let summary = command::command(&backend, actor, &import.map, &import.data, options).await?;
    println!("{}", text::escaped_lines(&summary.to_string()));
    Ok(if summary.failed == 0 { ExitCode::SUCCESS } else { ExitCode::from(2) })
}

async fn export(export: Export) -> Result<()> {
    let Export::Audit { database, actor, format, filter, output } = export;
    let backend = existing(&database).await?;
    let actor = admin::actor_for(&backend, &actor).await?;
    let events = audit::command::command(&backend, actor, (format, filter.as_deref()), output.as_deref()).await?;
    if let Some(output) = output {
        println!("{events} events exported to {}.", output.display());
    }
    Ok(())
}
