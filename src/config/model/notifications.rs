//! Who is told.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Who is told when an alarm of the model's goes off.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Notifications {
    /// Ways to people, by name.
    #[serde(default)]
    pub routes: BTreeMap<String, Route>,
}

/// A way to people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Route {
    /// What carries it.
    #[serde(rename = "type")]
    pub kind: RouteType,
    /// A topic that exists. Default: trueup makes one, `<model>-<environment>-<route>`.
    #[serde(default)]
    #[schemars(extend("pattern" = "^arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[a-zA-Z0-9_-]{1,256}$",
        "x-expected" = "the ARN of an SNS topic"))]
    pub topic_arn: Option<String>,
    /// Who subscribes to the topic that trueup makes, by name.
    #[serde(default)]
    pub subscriptions: BTreeMap<String, Subscription>,
}

/// What carries a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RouteType {
    /// An SNS topic.
    Sns,
}

/// One subscriber of a topic.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Subscription {
    /// How it is reached.
    pub protocol: Protocol,
    /// Where: an address, a URL or an ARN, as the protocol wants.
    #[schemars(length(min = 1, max = 2048))]
    pub endpoint: String,
}

/// How a subscriber is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// Mail, once its owner has confirmed.
    Email,
    /// A URL, once its server has confirmed.
    Https,
    /// A queue.
    Sqs,
    /// A function.
    Lambda,
}

impl Protocol {
    /// SNS's word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Https => "https",
            Self::Sqs => "sqs",
            Self::Lambda => "lambda",
        }
    }
}
