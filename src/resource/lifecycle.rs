//! What a commit wants done about what runs otherwise, or is not asked for.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What is done about a difference that no commit made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Drift {
    /// It is put back.
    #[default]
    Revert,
    /// It is reported and stays.
    Report,
}

/// Whether there is to be anything at all.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Presence {
    /// What the configuration says is to run.
    #[default]
    Present,
    /// Nothing is to run. Needs `deletion: destroy`.
    Absent,
}

/// What is done about what was made for a commit and is not asked for any more.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Deletion {
    /// It stays.
    #[default]
    Retain,
    /// It is taken down. The registry, code, data and artefacts stay in any case.
    Destroy,
}

/// All of it, for one unit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Lifecycle {
    /// About changes behind Git's back.
    pub drift: Drift,
    /// About the whole unit.
    pub presence: Presence,
    /// About what is left over.
    pub deletion: Deletion,
}

impl Lifecycle {
    /// Whether nothing is to run.
    pub fn is_absent(self) -> bool {
        self.presence == Presence::Absent
    }

    /// Whether what is left over is taken down.
    pub fn destroys(self) -> bool {
        self.deletion == Deletion::Destroy
    }
}
