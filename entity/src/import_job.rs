//! Imports and how far they have come.

use crate::{ImportStatus, Instant, record::record, user::UserId};

record! {
    /// An import of one file.
    ImportJob(ImportJobId = "impj") in "import_job", "importJobs";
    owner Owner::Columns(&["user_id"]);
    display Column "file_name";

    columns {
        /// Name of the file.
        file_name: String => server().sort().max(500);
        /// Type of the imported records, e.g. `Lead`.
        resource: String => server().group();
        /// Whether the import only validates the file without changing anything.
        dry_run: bool => server().group();
        /// Status of the import.
        status: ImportStatus => server().sort().group();
        /// Number of rows in the file, excluding the header.
        rows: i32 => server();
        /// Number of rows processed so far.
        processed: i32 => server();
        /// Number of rows that created a record.
        created: i32 => server();
        /// Number of rows that updated a record.
        updated: i32 => server();
        /// Number of rows that changed nothing.
        unchanged: i32 => server();
        /// Number of rows that were rejected.
        failed: i32 => server();
        /// Why the import stopped, if it failed as a whole.
        message: Option<String> => server().max(2_000);
        /// When the import finished; null while it has not.
        finished_at: Option<Instant> => server().sort();
        /// Fingerprint of file and map, by which a broken-off import is resumed.
        fingerprint: String => physical();
        /// The map, as TOML, where the file comes after the job.
        map: Option<String> => physical();
        /// User who started the import.
        user_id: UserId => link("user").always_shown().by_server();
    }
    links {}
}
