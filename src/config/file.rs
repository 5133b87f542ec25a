//! `config.yaml` as people write it, before environments are resolved.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::model::{
    Dataset, Deployment, Encryption, Environment, EnvironmentMode, Evaluation, ModelConfig,
    Monitors, Network, Notifications, Processing, Promote, Registration, Roles, Serving, Training,
};
use crate::resource::lifecycle::{Deletion, Drift, Presence, Suspension};

/// One model: how it is trained, measured, deployed and watched.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ConfigFile {
    /// Major version of the format.
    #[schemars(extend("const" = 1))]
    pub version: u32,
    /// The model's name: lower-case letters, digits and single hyphens.
    #[schemars(extend("pattern" = r"^[a-z0-9](-?[a-z0-9])*$",
        "x-expected" = "lower-case letters, digits and single hyphens between them"))]
    pub name: String,
    /// Who answers for the model.
    #[serde(default)]
    pub owner: Option<String>,
    /// What the model is for.
    #[serde(default)]
    pub description: Option<String>,
    /// Tags for every resource of the model.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
    /// The home account: where the code, the pipeline, the runs and the package group live.
    #[schemars(extend("pattern" = "^[0-9]{12}$", "x-expected" = "12 digits in quotes"))]
    pub account: String,
    /// The home region.
    #[schemars(extend("pattern" = "^[a-z]{2}(-[a-z]+)+-[0-9]{1,2}$",
        "x-expected" = "a region such as `eu-west-1`"))]
    pub region: String,
    /// Framework and version, such as `sklearn@1.2-1`.
    #[schemars(extend("pattern" = "^[a-z0-9-]+@[A-Za-z0-9.-]+$",
        "x-expected" = "a framework and its version, such as `sklearn@1.2-1`"))]
    pub framework: String,
    /// IAM roles.
    #[serde(default)]
    pub roles: Roles,
    /// The network of jobs, and of endpoints where an environment does not say otherwise.
    #[serde(default)]
    pub network: Network,
    /// The keys of jobs, and of endpoints where an environment does not say otherwise.
    #[serde(default)]
    pub encryption: Encryption,
    /// Datasets by name.
    pub data: BTreeMap<String, Dataset>,
    /// Processing steps by name, run before training.
    #[serde(default)]
    pub processing: BTreeMap<String, Processing>,
    /// How the model is trained.
    pub training: Training,
    /// How it is measured, and what it must reach.
    #[serde(default)]
    pub evaluation: Option<Evaluation>,
    /// How it answers.
    #[serde(default)]
    pub serving: Serving,
    /// Where its versions are registered.
    #[serde(default)]
    pub registration: Registration,
    /// How it is served, where an environment does not say otherwise.
    #[serde(default)]
    pub deployment: Option<Deployment>,
    /// What is watched, where an environment does not say otherwise.
    #[serde(default)]
    pub monitors: Option<Monitors>,
    /// Who is told, where an environment does not say otherwise.
    #[serde(default)]
    pub notifications: Option<Notifications>,
    /// What is done about a change that no commit made, where an environment does not say otherwise.
    /// Default: as `drift` in trueup.yaml.
    #[serde(default)]
    pub drift: Option<Drift>,
    /// Whether the model is to run at all. `absent` takes everything down and needs
    /// `deletion: destroy`.
    #[serde(default)]
    pub state: Presence,
    /// What is done about what was made for this file and is not asked for any more.
    #[serde(default)]
    pub deletion: Deletion,
    /// That nothing is to be done, for a while: no run, no release, no change, no deletion.
    #[serde(default)]
    pub suspend: Option<Suspension>,
    /// Where it is served: name to what differs there; `null` deletes what is inherited.
    #[serde(default)]
    pub environments: BTreeMap<String, EnvironmentFile>,
}

/// One environment: what differs from the base.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EnvironmentFile {
    /// How strict. Default: `production` for an environment of that name, else `development`.
    pub mode: EnvironmentMode,
    /// The account that serves. Default: the home account.
    #[schemars(extend("pattern" = "^[0-9]{12}$", "x-expected" = "12 digits in quotes"))]
    pub account: String,
    /// The region that serves. Default: the home region.
    #[schemars(extend("pattern" = "^[a-z]{2}(-[a-z]+)+-[0-9]{1,2}$",
        "x-expected" = "a region such as `eu-west-1`"))]
    pub region: String,
    /// IAM roles.
    #[serde(default)]
    pub roles: Roles,
    /// The network of what serves. Default: the model's.
    #[serde(default)]
    pub network: Network,
    /// The keys that what serves encrypts with. Default: the model's.
    #[serde(default)]
    pub encryption: Encryption,
    /// Tags for every resource of the model in this environment, beside the model's.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
    /// How a version gets here. Default: `commit` in the first environment of the file, `branch`
    /// from the one before it in the others.
    pub promote: Promote,
    /// How it is served.
    pub deployment: Deployment,
    /// What is watched.
    #[serde(default)]
    pub monitors: Monitors,
    /// Who is told.
    #[serde(default)]
    pub notifications: Notifications,
    /// What is done about a change that no commit made. Default: the model's.
    #[serde(default)]
    pub drift: Option<Drift>,
    /// Whether the model is to run here at all. Default: the model's.
    #[serde(default)]
    pub state: Presence,
    /// What is done about what was made here and is not asked for any more. Default: the model's.
    #[serde(default)]
    pub deletion: Deletion,
    /// That nothing is to be done, for a while: no run, no release, no change, no deletion.
    #[serde(default)]
    pub suspend: Option<Suspension>,
}

impl ConfigFile {
    /// The configuration, with its environments in the order of promotion `order`, which names
    /// every one of them.
    pub(super) fn resolve(mut self, order: &[String]) -> ModelConfig {
        let environments = order.iter().filter_map(|name| {
            let one = self.environments.remove(name)?;
            Some(one.resolve(name.clone()))
        });
        let environments = environments.collect();
        ModelConfig {
            version: self.version,
            name: self.name,
            owner: self.owner,
            description: self.description,
            tags: self.tags,
            account: self.account,
            region: self.region,
            framework: self.framework,
            roles: self.roles,
            network: self.network,
            encryption: self.encryption,
            data: self.data,
            processing: self.processing,
            training: self.training,
            evaluation: self.evaluation,
            serving: self.serving,
            registration: self.registration,
            drift: self.drift,
            state: self.state,
            deletion: self.deletion,
            suspend: self.suspend,
            environments,
        }
    }
}

impl EnvironmentFile {
    fn resolve(self, name: String) -> Environment {
        Environment {
            name,
            mode: self.mode,
            account: self.account,
            region: self.region,
            roles: self.roles,
            network: self.network,
            encryption: self.encryption,
            tags: self.tags,
            promote: self.promote,
            deployment: self.deployment,
            monitors: self.monitors,
            notifications: self.notifications,
            drift: self.drift,
            state: self.state,
            deletion: self.deletion,
            suspend: self.suspend,
        }
    }
}
