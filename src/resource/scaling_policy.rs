//! How the instances of a variant are counted by their load.

use serde_json::{Value, json};

use super::kind::{Compare, Field, FieldClass, Kind, Listed, Naming, Ops, Update, always_ready};
use super::scalable_target::DIMENSION;

/// `PutScalingPolicy`: put again it is changed. It is called like its target with a name behind it,
/// has no tags, and belongs to its target.
pub const SCALING_POLICY: Kind = Kind {
    name: "ScalingPolicy",
    rank: 86,
    naming: Naming::Mutable,
    id: "PolicyName",
    arn: None,
    locate: Some(locate),
    ops: Ops {
        create: Some("PutScalingPolicy"),
        describe: "DescribeScalingPolicy",
        update: Some("PutScalingPolicy"),
        delete: Some("DeleteScalingPolicy"),
    },
    listed: Some(Listed {
        op: "DescribeScalingPolicies",
        resource: None,
        request: || json!({"ServiceNamespace": "sagemaker", "MaxResults": 50}),
        items: "ScalingPolicies",
        name: |policy| {
            let target = policy["ResourceId"].as_str()?;
            Some(policy_name(target, policy["PolicyName"].as_str()?))
        },
        members: &[
            "PolicyType",
            "StepScalingPolicyConfiguration",
            "TargetTrackingScalingPolicyConfiguration",
        ],
    }),
    within: None,
    fields: &[
        Field::new("/PolicyType", FieldClass::CreateOnly),
        Field::new("/PredictiveScalingPolicyConfiguration", FieldClass::Live),
        Field::new("/StepScalingPolicyConfiguration", FieldClass::Live),
        Field::new(
            "/TargetTrackingScalingPolicyConfiguration",
            FieldClass::Live,
        ),
        Field::with(
            "/TargetTrackingScalingPolicyConfiguration/CustomizedMetricSpecification/Dimensions",
            FieldClass::Live,
            Compare::Unordered,
        ),
    ],
    status: always_ready,
    update,
};

/// The name of a policy of a target's.
pub fn policy_name(target: &str, policy: &str) -> String {
    format!("{target}/{policy}")
}

fn locate(name: &str) -> Value {
    let (target, policy) = name.rsplit_once('/').unwrap_or(("", name));
    json!({
        "ServiceNamespace": "sagemaker",
        "ResourceId": target,
        "ScalableDimension": DIMENSION,
        "PolicyName": policy,
    })
}

/// What is left out would be cleared: everything declared is sent.
fn update(update: &Update<'_>) -> Vec<(&'static str, Value)> {
    let mut body = update.desired.clone();
    if let (Some(members), Value::Object(located)) = (body.as_object_mut(), locate(update.name)) {
        members.extend(located);
    }
    vec![("PutScalingPolicy", body)]
}
