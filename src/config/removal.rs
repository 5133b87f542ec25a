//! A commit that takes down a great part of an account: it is held until it is said twice.

use std::collections::BTreeSet;

use serde_json::json;

use super::INSTALLATION_FILE;
use super::installation::Installation;
use super::yaml::first_byte;
use crate::diagnostic::Diagnostic;
use crate::resource::call::Scope;
use crate::resource::canonical;
use crate::resource::unit::Unit;

/// What a commit takes down in one account and region. It follows from the files alone: the same
/// commit has the same digest, before it is merged, after a restart, and half-way through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Removal {
    /// Where.
    pub scope: Scope,
    /// What confirms it: 12 hexadecimal digits over the account, the region and the units.
    pub digest: String,
    units: usize,
    all: usize,
}

impl Removal {
    pub(super) fn new(scope: &Scope, units: &BTreeSet<&Unit>, all: usize) -> Self {
        let names: Vec<_> = units.iter().map(ToString::to_string).collect();
        let content = json!({"v": 1, "scope": scope.to_string(), "units": names});
        Self {
            scope: scope.clone(),
            digest: canonical::digest(&content)[..DIGITS].to_owned(),
            units: units.len(),
            all,
        }
    }

    /// Whether it waits to be confirmed.
    pub fn is_held(&self, installation: &Installation) -> bool {
        !installation.confirm_removals.contains(&self.digest)
    }

    /// Why nothing is taken down.
    pub fn words(&self) -> String {
        let Self {
            scope,
            digest,
            units,
            all,
        } = self;
        format!(
            "the commit takes down {units} of {all} units in {scope}, and one commit may take down \
             no more than a tenth: nothing is, until `confirm_removals` in {INSTALLATION_FILE} holds \
             \"{digest}\""
        )
    }

    /// The same as a finding.
    pub(super) fn finding(&self) -> Diagnostic {
        Diagnostic::error("G007", first_byte(INSTALLATION_FILE), self.words()).help(format!(
            "if it is meant, write `confirm_removals: [\"{}\"]`; it stands for exactly these units",
            self.digest
        ))
    }
}

/// Digits of a removal's digest.
const DIGITS: usize = 12;
