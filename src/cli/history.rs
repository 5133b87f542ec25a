//! `trueup history`: what an environment served, and who decided it.

use clap::Args;

use super::connect::{SourceArg, mirror_to_look};
use super::error::CommandError;
use super::plan::unknown;
use super::render::history::{Entry, entries, json, text};
use super::shell::Shell;
use super::{Output, exit};
use crate::clock::{Clock as _, SystemClock};
use crate::config::{LoadedModel, below, load};
use crate::limits::HISTORY_COMMITS_MAX;
use crate::snapshot::Snapshot;

/// Show what each environment of a model served, and who decided it
///
/// Reads Git alone: every commit that changed a release, the newest first. Nothing is sent to AWS.
#[derive(Debug, Args)]
pub(super) struct History {
    /// The model
    model: String,
    #[command(flatten)]
    source: SourceArg,
    /// Only this environment
    #[arg(long, short, value_name = "NAME")]
    environment: Option<String>,
    /// At most so many changes
    #[arg(long, short = 'n', value_name = "COUNT", default_value_t = 20)]
    limit: usize,
    /// The form of the history
    #[arg(long, short, value_enum, default_value_t = Output::Text)]
    output: Output,
}

impl History {
    pub(super) fn run(self, shell: &Shell) -> Result<u8, CommandError> {
        let mut mirror = mirror_to_look(self.source.source(shell)?, shell)?;
        let fetched = mirror.fetch(SystemClock.now())?;
        let snapshot = mirror.snapshot(&fetched.tip, None)?;
        let paths = self.paths(&snapshot, model(&snapshot, &self.model)?)?;
        let changes = mirror.changes(&fetched.tip, &paths, HISTORY_COMMITS_MAX)?;
        let mut entries: Vec<Entry> = entries(&changes);
        entries.truncate(self.limit);
        match self.output {
            Output::Text => {
                let (now, paint) = (SystemClock.now(), shell.streams.paint);
                shell.streams.data(&text(&entries, now, paint));
            }
            Output::Json => {
                let document = json(&self.model, &entries);
                shell.streams.data(&format!("{document:#}\n"));
            }
        }
        Ok(exit::OK)
    }

    /// The release files of the environments that are asked for.
    fn paths(&self, snapshot: &Snapshot, model: LoadedModel) -> Result<Vec<String>, CommandError> {
        let declared = model.config.into_iter();
        let declared = declared
            .flat_map(|config| config.environments)
            .map(|one| one.name);
        let releases = below(&model.folder, "releases");
        let written = snapshot.below(&releases);
        let written = written.filter_map(|(file, _)| file.strip_suffix(".yaml").map(str::to_owned));
        let mut names: Vec<_> = declared.chain(written).collect();
        names.sort();
        names.dedup();
        if let Some(wanted) = &self.environment {
            if !names.contains(wanted) {
                return Err(unknown("environment", wanted, &names));
            }
            names.retain(|name| name == wanted);
        }
        Ok(names
            .iter()
            .map(|name| below(&releases, &format!("{name}.yaml")))
            .collect())
    }
}

pub(super) fn model(snapshot: &Snapshot, name: &str) -> Result<LoadedModel, CommandError> {
    let mut models = load(snapshot).models;
    let named = models
        .iter()
        .position(|model| model.name.as_deref() == Some(name));
    if let Some(named) = named {
        return Ok(models.swap_remove(named));
    }
    let names: Vec<_> = models.into_iter().filter_map(|model| model.name).collect();
    Err(unknown("model", name, &names))
}
