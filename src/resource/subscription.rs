//! Who is told by a topic.

use serde_json::{Value, json};

use super::kind::{Field, FieldClass, Kind, Naming, Ops, always_ready, never_updated};

/// `Subscribe`: it has no name of its own, so it is called `<topic>/<protocol>/<endpoint>`. It has no
/// tags either and belongs to its topic. Whether a person has confirmed it is that person's affair.
pub const SUBSCRIPTION: Kind = Kind {
    name: "Subscription",
    rank: 14,
    naming: Naming::Mutable,
    id: "SubscriptionArn",
    arn: None,
    locate: Some(locate),
    ops: Ops {
        create: Some("Subscribe"),
        describe: "DescribeSubscription",
        update: None,
        delete: None,
    },
    listed: None,
    within: None,
    fields: &[
        Field::new("/Attributes", FieldClass::WriteOnly),
        Field::new("/Endpoint", FieldClass::CreateOnly),
        Field::new("/Protocol", FieldClass::CreateOnly),
        Field::new("/ReturnSubscriptionArn", FieldClass::WriteOnly),
        Field::new("/TopicArn", FieldClass::CreateOnly),
    ],
    status: always_ready,
    update: never_updated,
};

/// The name of the subscription of an endpoint to a topic.
pub fn subscription_name(topic: &str, protocol: &str, endpoint: &str) -> String {
    format!("{topic}/{protocol}/{endpoint}")
}

fn locate(name: &str) -> Value {
    let mut parts = name.splitn(3, '/');
    let mut part = || parts.next().unwrap_or_default().to_owned();
    json!({"TopicName": part(), "Protocol": part(), "Endpoint": part()})
}
