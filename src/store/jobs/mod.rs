//! Work beside the requests: the queue of jobs, and what imports keep between their steps.

mod import_files;
mod imports;
mod queue;

pub use import_files::Upload;
pub use imports::{Awaited, Counts, Done, Job, JobRow, JobStart, Kept};
pub use queue::{Claim, Release};
