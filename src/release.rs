//! A release: the small committed file that names the model package an environment serves.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The slot of a variant that does not name one.
pub const MAIN_SLOT: &str = "main";

/// What `releases/<environment>.yaml` says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Release {
    /// Major version of the format.
    pub version: u32,
    /// Grows when a failed rollout is to be tried again.
    pub attempt: u32,
    /// Slot to package.
    pub packages: BTreeMap<String, ReleasedPackage>,
    /// What was measured, and on which bytes (`on`).
    #[serde(default)]
    pub evaluation: BTreeMap<String, Value>,
    /// What each slot served before.
    #[serde(default)]
    pub previous: BTreeMap<String, String>,
}

impl Release {
    /// The package of the main slot.
    pub fn main(&self) -> Option<&ReleasedPackage> {
        self.packages.get(MAIN_SLOT)
    }
}

/// One served package, with nothing in it that moves.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ReleasedPackage {
    /// The package's ARN.
    pub arn: String,
    /// Digest of the training run.
    pub run: String,
    /// The commit that was trained.
    pub commit: String,
    /// Dataset to content digest.
    #[serde(default)]
    pub data: BTreeMap<String, String>,
    /// The artefact.
    pub model_data: ModelData,
    /// The serving image, by digest.
    pub image: String,
    /// The serving code.
    pub code: ServingCode,
}

/// A model artefact in S3.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ModelData {
    /// Where.
    pub uri: String,
    /// `<algorithm>:<value>`, as S3 reports it.
    pub checksum: String,
    /// Bytes.
    pub size: u64,
}

/// Serving code in S3.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ServingCode {
    /// Where.
    pub uri: String,
    /// Digest of its files, `sha256:<64 hex>`.
    pub digest: String,
    /// The module to load, relative to its root.
    pub entry_point: String,
}
