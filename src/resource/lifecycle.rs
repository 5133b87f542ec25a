//! What a commit wants done about what runs otherwise, or is not asked for.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;

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

/// That nothing is done, for a while.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Suspension {
    /// When it is over, in UTC.
    #[schemars(
        with = "String",
        extend("pattern" = MOMENT, "x-expected" = "a time such as `2026-12-01T09:00:00Z`")
    )]
    pub until: Timestamp,
    /// Why.
    #[schemars(length(min = 1, max = 200))]
    pub reason: String,
}

/// A day that there is, but for leap days, and a time of it.
const MOMENT: &str = "^20[0-9]{2}-((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)|\
    02-(0[1-9]|1[0-9]|2[0-8]))T([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?Z$";

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
