//! Imports and how far they have come.

use crate::{ImportStatus, Instant, record::record, user::UserId};

record! {
    /// One import of one file.
    ImportJob(ImportJobId = "impj") in "import_job", "importJobs";
    owner Owner::Columns(&["user_id"]);

    columns {
        /// The name of the file.
        file_name: String => server().sort().max(500);
        /// The kind of record it brings, `Lead`.
        resource: String => server().group();
        /// Whether it only checks and changes nothing.
        dry_run: bool => server().group();
        /// How far it has come.
        status: ImportStatus => server().sort().group();
        /// Rows in the file, without the header.
        rows: i32 => server();
        /// Rows dealt with so far.
        processed: i32 => server();
        /// Rows that made a record.
        created: i32 => server();
        /// Rows that changed a record.
        updated: i32 => server();
        /// Rows that said nothing new.
        unchanged: i32 => server();
        /// Rows refused.
        failed: i32 => server();
        /// Why it stopped, where it failed as a whole.
        message: Option<String> => server().max(2_000);
        /// When it ended.
        finished_at: Option<Instant> => server().sort();
        /// Fingerprint of file and map, by which a broken-off import is resumed.
        fingerprint: String => physical();
        /// The map, as TOML, where the file comes after the job.
        map: Option<String> => physical();
        /// Who started it.
        user_id: UserId => link("user").always_shown().by_server();
    }
    links {}
}
