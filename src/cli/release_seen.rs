//! A model at one commit, as a rollback needs it.

use super::error::CommandError;
use super::plan::unknown;
use crate::config::{LoadedModel, Policy, load_installation, quarantine_file, read_quarantine};
use crate::git::Known;
use crate::plan::rollback::Place;
use crate::resource::call::Scope;
use crate::signing::SigningKey;
use crate::snapshot::{ObjectId, Snapshot};

/// A model at one commit.
pub(super) struct Seen {
    pub(super) known: Known,
    pub(super) snapshot: Snapshot,
    pub(super) model: LoadedModel,
}

impl Seen {
    pub(super) fn place<T>(&self, ask: impl FnOnce(&Place<'_>) -> T) -> T {
        let Self {
            known,
            snapshot,
            model,
        } = self;
        ask(&Place {
            model: model.name.as_deref().unwrap_or_default(),
            folder: &model.folder,
            branch: &known.branch,
            snapshot,
            releases: &model.releases,
            quarantine: &model.quarantine,
        })
    }

    /// Why a commit that is signed with `key`, or not signed, would not be followed.
    pub(super) fn objection_to_own(&self, key: Option<&SigningKey>) -> Option<String> {
        let installation = load_installation(&self.snapshot).0?;
        Policy::read(&self.snapshot, &installation)
            .0
            .objection_to_own(key)
    }

    pub(super) fn release_file(&self, environment: &str) -> Option<&ObjectId> {
        let path = self.place(|place| place.release_file(environment));
        Some(&self.snapshot.files.get(&path)?.blob)
    }

    /// That there is such an environment, or a release of it.
    pub(super) fn declares(&self, environment: &str) -> Result<(), CommandError> {
        let config = self.model.config.iter();
        let declared = config.flat_map(|config| &config.environments);
        let declared = declared.map(|one| one.name.clone());
        let known: Vec<_> = declared
            .chain(self.model.releases.keys().cloned())
            .collect();
        if known.iter().any(|name| name == environment) {
            return Ok(());
        }
        Err(unknown("environment", environment, &known))
    }

    /// That a package can be added to what is quarantined, where one is to be.
    pub(super) fn lists(&self, unneeded: bool) -> Result<(), CommandError> {
        let path = quarantine_file(&self.model.folder);
        let text = self.snapshot.text(&path);
        if unneeded || text.is_none_or(|text| read_quarantine(text).is_some()) {
            return Ok(());
        }
        let words = format!("`{path}` cannot be read, so nothing can be added to it");
        let help = "mend it, as `trueup lint` says, or roll back with `--no-quarantine`";
        Err(CommandError::message(words).help(help))
    }

    /// Where the environment's endpoint is.
    pub(super) fn scope(&self, environment: &str) -> Result<Scope, CommandError> {
        let config = self.model.config.iter();
        let mut declared = config.flat_map(|config| &config.environments);
        let declared = declared.find(|one| one.name == environment);
        let declared = declared.ok_or_else(|| {
            let file = &self.model.folder;
            let words = format!("where the endpoint is cannot be read: `{file}/config.yaml`");
            CommandError::message(words).help("`trueup lint` says what is wrong with it")
        })?;
        Ok(Scope {
            account: declared.account.clone(),
            region: declared.region.clone(),
        })
    }
}
