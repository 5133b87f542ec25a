//! The typed `trueup.yaml` of a repository.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::resource::call::Scope;

/// What a whole repository shares.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Installation {
    /// Major version of the format.
    pub version: u32,
    /// Who owns what is created: the first part of every owner tag.
    pub installation: String,
    /// What is observed, `<account>/<region>` each.
    pub scopes: Vec<String>,
    /// Where the models' files are.
    #[serde(default = "default_models")]
    pub models: String,
    /// Accounts by id.
    #[serde(default)]
    pub accounts: BTreeMap<String, Account>,
}

/// One AWS account.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Account {
    /// A name for people.
    #[serde(default)]
    pub alias: Option<String>,
    /// Whether it had Model Monitor before AWS closed it to new customers.
    #[serde(default)]
    pub legacy: bool,
    /// Where code, data and artefacts go. Default: `sagemaker-<region>-<account>`, as in AWS's SDK.
    #[serde(default)]
    pub bucket: Option<String>,
}

fn default_models() -> String {
    "models/*/config.yaml".to_owned()
}

impl Installation {
    /// The bucket of an account and region.
    pub fn bucket(&self, scope: &Scope) -> String {
        self.accounts
            .get(&scope.account)
            .and_then(|account| account.bucket.clone())
            .unwrap_or_else(|| format!("sagemaker-{}-{}", scope.region, scope.account))
    }
}
