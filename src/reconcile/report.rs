//! What passes come to.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;

use crate::clock::Timestamp;
use crate::diagnostic::{Diagnostic, any_error};
use crate::execute::model::ModelPass;
use crate::execute::pass::UnitPass;
use crate::execute::steps::Outcome;
use crate::plan::report::State;
use crate::release::Release;
use crate::snapshot::{ObjectId, Snapshot};

/// What one pass over a repository, or over some of its models, came to.
#[derive(Debug, Clone)]
pub struct RepositoryPass {
    /// The branch that decides.
    pub branch: String,
    /// The commit.
    pub commit: ObjectId,
    /// When the pass began.
    pub at: Timestamp,
    /// Findings about the repository as a whole.
    pub diagnostics: Vec<Diagnostic>,
    /// The models.
    pub models: Vec<ModelReport>,
    /// What was written to Git.
    pub writes: Vec<WriteReport>,
    /// The files that belong to no model: `trueup.yaml` and presets.
    pub shared: Arc<Snapshot>,
}

/// What a pass came to for one model.
#[derive(Debug, Clone)]
pub struct ModelReport {
    /// The model's name, or its folder where the name cannot be read.
    pub name: String,
    /// Its folder.
    pub folder: String,
    /// Findings about its files.
    pub diagnostics: Vec<Diagnostic>,
    /// Its files, where there are findings to show in them.
    pub files: Option<Arc<Snapshot>>,
    /// Environment to the release that the commit names for it.
    pub releases: BTreeMap<String, Release>,
    /// The pass; `None` where the files do not allow one, or where it broke off.
    pub pass: Option<ModelPass>,
    /// Whether a unit has had its turn: another may take it.
    pub had_turn: bool,
    /// Why it broke off: a defect of trueup's, or a repository that could not be read.
    pub defect: Option<String>,
}

/// A commit that was, or was not, made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WriteReport {
    /// The branch.
    pub branch: String,
    /// Why.
    pub reason: String,
    /// The new commit.
    pub commit: Option<ObjectId>,
    /// Why not.
    pub error: Option<String>,
}

impl ModelReport {
    /// A model of which nothing is known but its folder.
    pub(super) fn unread(folder: &str) -> Self {
        Self {
            name: folder.to_owned(),
            folder: folder.to_owned(),
            diagnostics: Vec::new(),
            files: None,
            releases: BTreeMap::new(),
            pass: None,
            had_turn: false,
            defect: None,
        }
    }

    /// The same, because the pass broke off.
    pub(super) fn broken_off(folder: &str, why: String) -> Self {
        Self {
            defect: Some(why),
            ..Self::unread(folder)
        }
    }

    /// The model's state.
    pub fn state(&self) -> State {
        match &self.pass {
            Some(pass) => pass.state(),
            None if self.defect.is_some() => State::Unknown,
            None => State::Blocked,
        }
    }

    /// Whether nothing was left to do.
    pub fn is_settled(&self) -> bool {
        self.pass.as_ref().is_some_and(ModelPass::is_settled)
    }

    /// Whether the pass changed anything in AWS. A step that was refused changed nothing.
    pub fn changed(&self) -> bool {
        let acted = |unit: &UnitPass| unit.outcome.as_ref().is_some_and(Outcome::changed);
        self.units().any(acted)
    }

    /// Whether anything is on its way, or could not be seen for a reason that may pass: worth
    /// another look before long, whatever else is held or broken beside it.
    pub fn in_motion(&self) -> bool {
        self.defect.is_some() || self.units().any(UnitPass::in_motion)
    }

    /// Whether a unit waits for others to have had their turn.
    pub fn is_queued(&self) -> bool {
        self.units().any(UnitPass::is_queued)
    }

    fn units(&self) -> impl Iterator<Item = &UnitPass> {
        self.pass.iter().flat_map(|pass| &pass.units)
    }
}

impl RepositoryPass {
    /// Whether nothing was left to do anywhere, and everything is known.
    pub fn is_settled(&self) -> bool {
        !any_error(&self.diagnostics)
            && self.models.iter().all(ModelReport::is_settled)
            && self.writes.is_empty()
    }

    /// Every unit that was passed over, with the model it belongs to.
    pub fn units(&self) -> impl Iterator<Item = (&ModelReport, &UnitPass)> {
        let of = |model| ModelReport::units(model).map(move |unit| (model, unit));
        self.models.iter().flat_map(of)
    }

    /// Whether the pass changed anything, in AWS or in Git.
    pub fn changed(&self) -> bool {
        let written = self.writes.iter().any(|write| write.commit.is_some());
        written || self.models.iter().any(ModelReport::changed)
    }

    /// The text of a file that findings are about.
    pub fn text(&self, file: &str) -> Option<&str> {
        let models = self.models.iter().filter_map(|model| model.files.as_ref());
        std::iter::once(&self.shared)
            .chain(models)
            .find_map(|files| files.text(file))
    }
}
