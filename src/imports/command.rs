//! `tandem import`: an import with a progress bar, told in plain text.

use std::{
    fmt,
    io::IsTerminal,
    path::{Path, PathBuf},
    sync::Arc,
};

use indicatif::{ProgressBar, ProgressStyle};

use super::{Map, Source, Summary, run};
use crate::{
    access::Actor,
    error::{Error, Result, UserCode},
    store::Backend,
};

/// How the command is to work.
#[derive(Clone, Debug)]
pub struct Options {
    /// Whether to tell what would happen and change nothing.
    pub dry_run: bool,
    /// Where to write what became of every row; `DATA.result.csv` in the current folder if not said.
    pub result: Option<PathBuf>,
    /// Whether to go on with an import of the same map and data that broke off.
    pub resume: bool,
}

/// Imports a file for a person. The summary's text is its [`Display`](fmt::Display).
pub async fn command(
    backend: &Arc<Backend>,
    actor: Actor,
    map: &Path,
    data: &Path,
    options: Options,
) -> Result<Summary> {
    let checked = Map::load(map, backend.nouns())?;
    let result = options.result.unwrap_or_else(|| default_result(data));
    for (file, name) in [(data, "data file"), (map, "map")] {
        if same(file, &result) {
            let message = format!("{} is the {name}; choose another file for the result.", result.display());
            return Err(Error::input(UserCode::Invalid, "result", message));
        }
    }
    let options = run::Options {
        dry_run: options.dry_run,
        result_file: Some(result),
        resume: options.resume,
        ..run::Options::new(data.file_name().unwrap_or_default().to_string_lossy())
    };
    let bar = bar();
    let store = backend.store(actor, None);
    let summary = run(&store, &checked, Source::File(data.to_owned()), options, |progress| {
        bar.set_length(progress.rows);
        bar.set_position(u64::try_from(progress.counts.processed).unwrap_or(0));
        bar.set_message(progress.counts.failed.to_string());
    });
    let summary = summary.await;
    bar.finish_and_clear();
    summary
}

/// A bar on a terminal, nothing elsewhere.
fn bar() -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(0);
    match ProgressStyle::with_template("{bar:40} {percent:>3} %  {pos} of {len} rows, {msg} refused, {eta} left") {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

/// Not beside the data: its folder may be another's.
fn default_result(data: &Path) -> PathBuf {
    let mut name = data.file_stem().unwrap_or_default().to_owned();
    name.push(".result.csv");
    name.into()
}

/// Whether both paths lead to one file that is there.
fn same(one: &Path, other: &Path) -> bool {
    match (one.canonicalize(), other.canonicalize()) {
        (Ok(one), Ok(other)) => one == other,
        _ => false,
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { processed, created, updated, unchanged, failed, .. } = self;
        let dry = if self.dry_run { "Dry run, nothing is changed: " } else { "" };
        write!(
            f,
            "{dry}{processed} rows: {created} created, {updated} updated, {unchanged} unchanged, {failed} refused."
        )?;
        if self.resumed > 0 {
            write!(f, "\n{} of them were dealt with by a run that broke off; this one went on with it.", self.resumed)?;
        }
        for (line, reasons) in &self.refusals {
            write!(f, "\nline {line}: {reasons}")?;
        }
        let more = usize::try_from(*failed).unwrap_or(0).saturating_sub(self.refusals.len());
        if more > 0 {
            write!(f, "\nand {more} more")?;
        }
        if let Some(file) = &self.result_file {
            write!(f, "\nWhat became of every row: {}", file.display())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_summary_tells_counts_refusals_and_where_the_rest_stands() {
        let summary = Summary {
            job: entity::import_job::ImportJobId::from(sea_orm::prelude::Uuid::nil()),
            dry_run: true,
            resumed: 2,
            processed: 8,
            created: 3,
            updated: 2,
            unchanged: 1,
            failed: 2,
            refusals: vec![(4, "origin: \"x\" is none".to_owned())],
            result_file: Some("leads.result.csv".into()),
        };
        let expected = "Dry run, nothing is changed: 8 rows: 3 created, 2 updated, 1 unchanged, 2 refused.\n\
            2 of them were dealt with by a run that broke off; this one went on with it.\n\
            line 4: origin: \"x\" is none\nand 1 more\nWhat became of every row: leads.result.csv";
        assert_eq!(summary.to_string(), expected);
    }

    #[test]
    fn the_result_stands_in_the_current_folder_under_the_name_of_the_data() {
        assert_eq!(default_result(Path::new("/data/leads.csv")), Path::new("leads.result.csv"));
    }
}
