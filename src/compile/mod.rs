//! From a snapshot to what it asks for: a pure function for the home of a model, and one for each
//! environment.

pub mod definition;
pub mod home;
pub mod run;
pub mod serve;
pub mod source;

mod alarm;
mod monitor;
mod network;
mod rollout;
mod watch;

use std::collections::BTreeMap;

use crate::config::below;
use crate::config::installation::Installation;
use crate::config::model::{ExecutionRole, ModelConfig, Roles};
use crate::facts::images::NoImage;
use crate::pin::Pin;
use crate::release::Release;
use crate::resource::call::Scope;
use crate::resource::desired::Origin;
use crate::resource::lifecycle::{Deletion, Drift, Lifecycle, Presence};
use crate::resource::owner::Tags;
use crate::snapshot::Snapshot;

/// One model of one commit, as everything here reads it.
#[derive(Clone, Copy)]
pub struct Subject<'a> {
    /// The repository's settings.
    pub installation: &'a Installation,
    /// The model's folder, empty for the repository's root.
    pub folder: &'a str,
    /// The model.
    pub config: &'a ModelConfig,
    /// Pins by dataset.
    pub pins: &'a BTreeMap<String, Pin>,
    /// Releases by environment.
    pub releases: &'a BTreeMap<String, Release>,
    /// The commit's files.
    pub snapshot: &'a Snapshot,
    /// Where the value at a pointer of the configuration was written.
    pub origin: &'a dyn Fn(&str) -> Option<Origin>,
}

/// What cannot be compiled. The loader has checked the shape; this is about what it means.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CompileError {
    /// No container image.
    #[error("no image for `framework`")]
    Image(#[from] NoImage),
    /// A script outside the folder of the training script.
    #[error(
        "`{script}` is not below `{root}`, the folder of `training.entry_point`: move it there"
    )]
    OutsideSource {
        /// The script.
        script: String,
        /// The folder.
        root: String,
    },
    /// A name that leads nowhere.
    #[error("`{name}` is neither a dataset nor the output of exactly one processing step")]
    NoInput {
        /// The name.
        name: String,
    },
    /// A file that the commit does not hold.
    #[error("`{path}` is not in the commit")]
    NoFile {
        /// The path.
        path: String,
    },
    /// A processing step with the name of a step of the pipeline's own.
    #[error("a processing step cannot be called `{name}`: the pipeline has a step of that name")]
    ReservedStep {
        /// The name.
        name: String,
    },
}

impl CompileError {
    /// The pointer of the configuration that it is about.
    pub fn pointer(&self) -> &'static str {
        match self {
            Self::Image(_) => "/framework",
            Self::OutsideSource { .. } => "/training/entry_point",
            Self::NoInput { .. } | Self::ReservedStep { .. } => "/processing",
            Self::NoFile { .. } => "/data",
        }
    }
}

impl Subject<'_> {
    /// Where the model lives.
    pub fn home_scope(&self) -> Scope {
        Scope {
            account: self.config.account.clone(),
            region: self.config.region.clone(),
        }
    }

    /// A path from the repository's root.
    fn path(&self, relative: &str) -> String {
        below(self.folder, relative)
    }

    /// What is wanted of what runs otherwise, or is not asked for.
    fn lifecycle(&self, drift: Option<Drift>, presence: Presence, deletion: Deletion) -> Lifecycle {
        Lifecycle {
            drift: drift.unwrap_or(self.installation.drift),
            presence,
            deletion,
        }
    }

    /// The package group's name.
    pub fn group(&self) -> &str {
        self.config
            .registration
            .model_package_group
            .as_deref()
            .unwrap_or(&self.config.name)
    }

    /// `s3://<bucket>/trueup/<model>` of a scope.
    fn prefix(&self, scope: &Scope) -> String {
        format!(
            "s3://{}/trueup/{}",
            self.installation.bucket(scope),
            self.config.name
        )
    }
}

/// The ARN of a role, or of the default one: `trueup-<model>` in the account.
fn role_arn(roles: &Roles, account: &str, model: &str) -> String {
    match &roles.execution {
        Some(ExecutionRole { arn }) => arn.clone(),
        None => format!("arn:aws:iam::{account}:role/trueup-{model}"),
    }
}

/// Configured tags, with the owner's name where there is one.
fn tags(config: &ModelConfig, tags: &Tags) -> Tags {
    let mut tags = tags.clone();
    if let Some(owner) = &config.owner {
        tags.entry("owner".to_owned())
            .or_insert_with(|| owner.clone());
    }
    tags
}
