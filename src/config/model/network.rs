//! Where jobs and endpoints run, and what they encrypt with.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The network of jobs and endpoints.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Network {
    /// The VPC that they are connected to.
    #[serde(default)]
    pub vpc: Option<Vpc>,
    /// Whether serving containers are kept from all networks, S3 included.
    #[serde(default)]
    pub isolation: bool,
    /// Whether the instances of one training or processing job encrypt what they tell each other.
    #[serde(default)]
    pub encrypt_inter_container: bool,
}

/// A VPC.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Vpc {
    /// Ids of its subnets.
    #[schemars(length(min = 1, max = 16), extend("items" = {
        "type": "string", "pattern": "^[-0-9a-zA-Z]{1,32}$",
        "x-expected": "the id of a subnet, such as `subnet-0a1b2c3d`",
    }))]
    pub subnets: Vec<String>,
    /// Ids of its security groups.
    #[schemars(length(min = 1, max = 5), extend("items" = {
        "type": "string", "pattern": "^[-0-9a-zA-Z]{1,32}$",
        "x-expected": "the id of a security group, such as `sg-0a1b2c3d`",
    }))]
    pub security_group_ids: Vec<String>,
}

/// What is encrypted with which key.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Encryption {
    /// The KMS key of volumes, outputs and captured data: an id, an ARN or an alias.
    #[serde(default)]
    #[schemars(length(min = 1, max = 2048), extend("pattern" = "^[a-zA-Z0-9:/_-]+$",
        "x-expected" = "the id, the ARN or the alias of a KMS key"))]
    pub kms_key_id: Option<String>,
}
