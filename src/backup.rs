//! `tandem backup` and `tandem restore`.

use std::{path::PathBuf, process::ExitCode, sync::Arc};

use crate::{
    clock::Clock,
    config::{Backup, Database, Restore},
    error::{Error, Result},
    store, text,
};

/// The file of a SQLite database, none for PostgreSQL.
pub fn sqlite_file(database: &Database, must_exist: bool) -> Result<Option<PathBuf>> {
    let url = store::redact(&database.database_url);
    let file = store::sqlite_file(&database.database_url);
    let file = file.map_err(|error| Error::internal(format!("cannot open the database {url}: {error}")))?;
    match file.as_ref().filter(|file| must_exist && !file.is_file()) {
        Some(file) => {
            let name = file.display();
            Err(Error::internal(format!("there is no database {name}; tandem migrate or tandem serve makes one")))
        }
        None => Ok(file),
    }
}

/// Exit code 2 where another program does it.
fn elsewhere(how: &str) -> ExitCode {
    eprintln!("tandem: {how}");
    ExitCode::from(2)
}

impl Backup {
    /// Writes the file, and says how large it is.
    pub async fn run(self) -> Result<ExitCode> {
        let Self { database, force, file } = self;
        let Some(from) = sqlite_file(&database, true)? else {
            let how = "PostgreSQL has its own program: pg_dump --format=custom --file=FILE \"$TANDEM_DATABASE_URL\"";
            return Ok(elsewhere(how));
        };
        let bytes = store::backup::backup(&from, &file, force).await?;
        println!("{bytes} bytes written to {}.", text::escaped(&file.display().to_string()));
        Ok(ExitCode::SUCCESS)
    }
}

impl Restore {
    /// Replaces the database.
    pub async fn run(self, clock: Arc<dyn Clock>) -> Result<ExitCode> {
        let Self { database, file } = self;
        let Some(to) = sqlite_file(&database, false)? else {
            let how = "PostgreSQL has its own program: stop the servers, then pg_restore --clean --if-exists \
            --dbname=\"$TANDEM_DATABASE_URL\" FILE && tandem migrate --new-history";
            return Ok(elsewhere(how));
        };
        store::backup::restore(&to, &file, clock).await?;
        println!("{} is restored.", text::escaped(&to.display().to_string()));
        Ok(ExitCode::SUCCESS)
    }
}
