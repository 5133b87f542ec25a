//! `quarantine.yaml`: model packages that automation must not use again.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One package that automation must not use again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Quarantined {
    /// The package's ARN.
    #[schemars(extend("pattern" = "^arn:aws[a-z-]*:sagemaker:[a-z0-9-]+:[0-9]{12}:model-package/.+$",
        "x-expected" = "the ARN of a model package"))]
    pub package: String,
    /// Why.
    #[serde(default)]
    pub reason: String,
    /// Who said so.
    #[serde(default)]
    pub by: String,
    /// When, in RFC 3339.
    #[serde(default)]
    pub at: String,
}
