//! A topic of SNS's: where alarms are told.

use serde_json::{Value, json};

use super::kind::{Compare, Field, FieldClass, Kind, Naming, Ops, Update, always_ready};

/// `CreateTopic`; its attributes are set one by one.
pub const TOPIC: Kind = Kind {
    name: "Topic",
    rank: 12,
    naming: Naming::Mutable,
    id: "Name",
    arn: Some("TopicArn"),
    locate: None,
    ops: Ops {
        create: Some("CreateTopic"),
        describe: "DescribeTopic",
        update: Some("SetTopicAttributes"),
        delete: Some("DeleteTopic"),
    },
    listed: None,
    within: None,
    fields: &[
        Field::new("/Attributes", FieldClass::Live),
        Field::with(
            "/Attributes/DeliveryPolicy",
            FieldClass::Live,
            Compare::JsonText,
        ),
        Field::new("/Attributes/FifoTopic", FieldClass::CreateOnly),
        Field::with("/Attributes/Policy", FieldClass::Live, Compare::JsonText),
        Field::new("/DataProtectionPolicy", FieldClass::WriteOnly),
    ],
    status: always_ready,
    update,
};

fn update(update: &Update<'_>) -> Vec<(&'static str, Value)> {
    let changed = update.changes.iter().filter_map(|change| {
        let name = change.path.strip_prefix("/Attributes/")?;
        Some((
            "SetTopicAttributes",
            json!({
                "TopicArn": update.observed["TopicArn"],
                "AttributeName": name,
                "AttributeValue": change.to,
            }),
        ))
    });
    changed.collect()
}
