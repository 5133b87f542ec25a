//! A pin: the small committed file that names the exact bytes of a dataset.

use serde::{Deserialize, Serialize};

/// What `data/<dataset>.pin.yaml` says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Pin {
    /// The format: `trueup/data.v1`.
    pub api_version: String,
    /// The dataset's name.
    pub name: String,
    /// Where the bytes come from.
    pub source: PinSource,
    /// Which bytes.
    pub version: PinVersion,
}

/// Where pinned bytes come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PinSource {
    /// A file of the repository, relative to the model's folder.
    pub file: String,
}

/// Which bytes a pin names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PinVersion {
    /// Digest of the content, `sha256:<64 hex>`: the key of retraining.
    pub content: String,
    /// The weakest kind of checksum behind `content`.
    pub strength: String,
    /// How many objects.
    pub objects: u64,
    /// How many bytes.
    pub bytes: u64,
}
