//! What the rules have found in one model.

use super::level::severity;
use super::{Subject, rule};
use crate::config::installation::Installation;
use crate::config::model::EnvironmentMode;
use crate::diagnostic::Diagnostic;

/// What the rules have found in one model. A finding gets its severity when it is put here.
pub(super) struct Findings<'a> {
    installation: Option<&'a Installation>,
    /// The mode for what is about the model as a whole: that of its strictest environment.
    mode: EnvironmentMode,
    all: Vec<Diagnostic>,
}

impl<'a> Findings<'a> {
    /// Nothing found yet.
    pub(super) fn new(subject: &Subject<'a>) -> Self {
        let mut modes = subject.environments().map(|(.., one)| Subject::mode(one));
        let strict = modes.any(|mode| mode == EnvironmentMode::Production);
        Self {
            installation: subject.installation,
            mode: if strict {
                EnvironmentMode::Production
            } else {
                EnvironmentMode::Development
            },
            all: Vec::new(),
        }
    }

    /// Takes a finding about the model as a whole.
    pub(super) fn push(&mut self, finding: Diagnostic) {
        self.push_in(self.mode, finding);
    }

    /// Takes a finding about an environment of `mode`.
    pub(super) fn push_in(&mut self, mode: EnvironmentMode, mut finding: Diagnostic) {
        let rule = rule(&finding.code).expect("findings are made by rules of the list");
        if let Some(severity) = severity(rule, mode, self.installation) {
            finding.severity = severity;
            self.all.push(finding);
        }
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    /// All of them.
    pub(super) fn into_all(self) -> Vec<Diagnostic> {
        self.all
    }
}
