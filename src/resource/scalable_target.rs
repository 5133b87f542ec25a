//! The bounds within which the instances of a variant are counted by their load.

use serde_json::{Value, json};

use super::kind::{Field, FieldClass, Kind, Listed, Naming, Ops, Update, always_ready};

/// `RegisterScalableTarget`: registered again it is changed. It is called like the variant,
/// `endpoint/<endpoint>/variant/<variant>`.
pub const SCALABLE_TARGET: Kind = Kind {
    name: "ScalableTarget",
    rank: 84,
    naming: Naming::Mutable,
    id: "ResourceId",
    arn: Some("ScalableTargetARN"),
    locate: Some(locate),
    ops: Ops {
        create: Some("RegisterScalableTarget"),
        describe: "DescribeScalableTarget",
        update: Some("RegisterScalableTarget"),
        delete: Some("DeregisterScalableTarget"),
    },
    listed: Some(Listed {
        op: "DescribeScalableTargets",
        resource: None,
        request: || json!({"ServiceNamespace": "sagemaker", "MaxResults": 50}),
        items: "ScalableTargets",
        name: |target| Some(target["ResourceId"].as_str()?.to_owned()),
        members: &["MinCapacity", "MaxCapacity", "SuspendedState"],
    }),
    within: None,
    fields: &[
        Field::new("/MaxCapacity", FieldClass::Live),
        Field::new("/MinCapacity", FieldClass::Live),
        Field::new("/RoleARN", FieldClass::WriteOnly),
        Field::new("/SuspendedState", FieldClass::Live),
    ],
    status: always_ready,
    update,
};

/// What is scaled of a variant.
pub const DIMENSION: &str = "sagemaker:variant:DesiredInstanceCount";

/// The name of a variant's target.
pub fn target_name(endpoint: &str, variant: &str) -> String {
    format!("endpoint/{endpoint}/variant/{variant}")
}

fn locate(name: &str) -> Value {
    json!({
        "ServiceNamespace": "sagemaker",
        "ResourceId": name,
        "ScalableDimension": DIMENSION,
    })
}

/// Tags are taken at the first registration only.
fn update(update: &Update<'_>) -> Vec<(&'static str, Value)> {
    let mut body = update.desired.clone();
    if let (Some(members), Value::Object(located)) = (body.as_object_mut(), locate(update.name)) {
        members.extend(located);
    }
    vec![("RegisterScalableTarget", body)]
}
