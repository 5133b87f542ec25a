//! Where a model is served, and how a version gets there.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Roles;
use super::deployment::Deployment;
use super::monitors::Monitors;
use super::network::{Encryption, Network};
use super::notifications::Notifications;
use crate::config::units::Seconds;
use crate::resource::lifecycle::{Deletion, Drift, Presence, Suspension};

/// One environment: where a release is served.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Environment {
    /// Its name; the key under `environments`.
    pub name: String,
    /// How strict. Default: `production` for an environment of that name, else `development`.
    pub mode: EnvironmentMode,
    /// The account that serves.
    #[schemars(extend("pattern" = "^[0-9]{12}$", "x-expected" = "12 digits in quotes"))]
    pub account: String,
    /// The region that serves.
    #[schemars(extend("pattern" = "^[a-z]{2}(-[a-z]+)+-[0-9]{1,2}$",
        "x-expected" = "a region such as `eu-west-1`"))]
    pub region: String,
    /// IAM roles.
    #[serde(default)]
    pub roles: Roles,
    /// The network of what serves.
    #[serde(default)]
    pub network: Network,
    /// The keys that what serves encrypts with.
    #[serde(default)]
    pub encryption: Encryption,
    /// Tags for every resource of the model in this environment.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
    /// How a version gets here.
    pub promote: Promote,
    /// How it is served.
    pub deployment: Deployment,
    /// What is watched.
    #[serde(default)]
    pub monitors: Monitors,
    /// Who is told.
    #[serde(default)]
    pub notifications: Notifications,
    /// What is done about a change that no commit made.
    #[serde(default)]
    pub drift: Option<Drift>,
    /// Whether the model is to run here at all.
    #[serde(default)]
    pub state: Presence,
    /// What is done about what was made here and is not asked for any more.
    #[serde(default)]
    pub deletion: Deletion,
    /// That nothing is to be done, for a while: no run, no release, no change, no deletion.
    #[serde(default)]
    pub suspend: Option<Suspension>,
}

/// How strict an environment is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum EnvironmentMode {
    /// For trying.
    #[default]
    Development,
    /// For users.
    Production,
}

/// How a version gets to an environment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Promote {
    /// Who writes the release.
    pub mode: PromoteMode,
    /// The environment that a version must have converged in. Absent in the first.
    #[serde(default)]
    pub from: Option<String>,
    /// How long it must have been there.
    #[serde(default)]
    pub soak: Seconds,
}

/// Who writes a release.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PromoteMode {
    /// trueup, on the tracked branch.
    Commit,
    /// trueup proposes a branch; merging it is the approval.
    Branch,
}
