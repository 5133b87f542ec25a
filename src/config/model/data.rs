//! What a model is trained and measured on.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A dataset.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Dataset {
    /// A file of the repository, relative to the model's folder.
    pub file: String,
    /// How the bytes are laid out.
    #[serde(default)]
    pub format: DataFormat,
    /// The column to predict.
    #[serde(default)]
    pub target: Option<String>,
    /// Whether `data/<name>.pin.yaml` must name the exact bytes.
    #[serde(default)]
    pub pin: PinMode,
}

/// How a dataset is laid out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum DataFormat {
    /// Comma-separated values with a header line.
    #[default]
    Csv,
    /// One JSON document a line.
    Jsonl,
}

/// Whether a dataset is pinned.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum PinMode {
    /// A pin must exist and agree.
    #[default]
    Required,
    /// The bytes of the commit are used as they are.
    None,
}
