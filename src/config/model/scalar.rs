//! A value that is kept as it was written.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// A scalar of the configuration: kept as it was written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "serde_json::Value", into = "serde_json::Value")]
pub struct Scalar(serde_json::Value);

impl JsonSchema for Scalar {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Scalar".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": ["string", "number", "boolean"]})
    }
}

impl TryFrom<serde_json::Value> for Scalar {
    type Error = String;

    fn try_from(value: serde_json::Value) -> Result<Self, Self::Error> {
        match value {
            serde_json::Value::String(_)
            | serde_json::Value::Number(_)
            | serde_json::Value::Bool(_) => Ok(Self(value)),
            other => Err(format!(
                "expected a string, a number or a boolean, found `{other}`"
            )),
        }
    }
}

impl From<Scalar> for serde_json::Value {
    fn from(scalar: Scalar) -> Self {
        scalar.0
    }
}

impl Scalar {
    /// As text: strings as they are, numbers and booleans in JSON's notation.
    pub fn text(&self) -> String {
        match &self.0 {
            serde_json::Value::String(text) => text.clone(),
            other => other.to_string(),
        }
    }
}
