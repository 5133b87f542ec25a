//! An endpoint: the one thing that users call.

use serde_json::{Value, json};

use super::kind::{Compare, Field, FieldClass, Kind, Listed, Naming, Ops, Status, Update, owned};

/// `CreateEndpoint`. The config that it names is changed by `UpdateEndpoint`, weights and counts by
/// a call of their own.
pub const ENDPOINT: Kind = Kind {
    name: "Endpoint",
    rank: 80,
    naming: Naming::Mutable,
    id: "EndpointName",
    arn: Some("EndpointArn"),
    locate: None,
    ops: Ops {
        create: Some("CreateEndpoint"),
        describe: "DescribeEndpoint",
        update: Some("UpdateEndpoint"),
        delete: Some("DeleteEndpoint"),
    },
    listed: Some(Listed {
        op: "Search",
        resource: Some("Endpoint"),
        request: || owned("Endpoint"),
        items: "Results",
        name: |endpoint| Some(endpoint["EndpointName"].as_str()?.to_owned()),
        members: &[
            "CreationTime",
            "LastModifiedTime",
            "EndpointStatus",
            "EndpointConfigName",
        ],
    }),
    within: None,
    fields: &[
        Field::with(
            "/EndpointConfigName",
            FieldClass::Live,
            Compare::Reference("EndpointConfig"),
        ),
        // A description shows the last one that was used, whatever became of it.
        Field::new("/DeploymentConfig", FieldClass::WriteOnly),
        Field::with(
            "/ProductionVariants",
            FieldClass::LiveOnly,
            Compare::Keyed("VariantName"),
        ),
    ],
    status,
    update,
};

fn status(body: &Value) -> Status {
    let status = body["EndpointStatus"].as_str().unwrap_or_default();
    match status {
        "InService" => Status::Ready,
        "Deleting" => Status::Deleting,
        "Failed" | "OutOfService" | "UpdateRollbackFailed" => {
            Status::Failed(body["FailureReason"].as_str().unwrap_or(status).to_owned())
        }
        _ => Status::Moving(status.to_owned()),
    }
}

fn update(update: &Update<'_>) -> Vec<(&'static str, Value)> {
    if update
        .changes
        .iter()
        .any(|change| change.path == "/EndpointConfigName")
    {
        vec![("UpdateEndpoint", to_config(update))]
    } else {
        vec![("UpdateEndpointWeightsAndCapacities", to_weights(update))]
    }
}

/// Moves the endpoint to another config. Weights and counts that were changed while it ran (by
/// autoscaling, say) are kept, except those that Git itself changes between the two configs.
fn to_config(update: &Update<'_>) -> Value {
    let mut body = json!({
        "EndpointName": update.name,
        "EndpointConfigName": update.desired["EndpointConfigName"],
        "RetainAllVariantProperties": true,
    });
    if let Some(deployment) = update.desired.get("DeploymentConfig") {
        body["DeploymentConfig"] = deployment.clone();
    }
    let excluded: Vec<Value> = [
        ("InitialInstanceCount", "DesiredInstanceCount"),
        ("InitialVariantWeight", "DesiredWeight"),
    ]
    .into_iter()
    .filter(|(member, _)| differs(update, &variants_member(member)))
    .filter(|(_, property)| owns_all(update, property))
    .map(|(_, property)| property)
    .chain(
        differs(update, &|config| config["DataCaptureConfig"].clone())
            .then_some("DataCaptureConfig"),
    )
    .map(|property| json!({"VariantPropertyType": property}))
    .collect();
    if !excluded.is_empty() {
        body["ExcludeRetainedVariantProperties"] = excluded.into();
    }
    body
}

/// Whether the commit says of every variant what this property is. It is kept or taken for all of
/// them at once: where one variant is counted by its load, all counts are kept, and what Git counts
/// is repaired afterwards.
fn owns_all(update: &Update<'_>, property: &str) -> bool {
    let mut variants = update.desired["ProductionVariants"]
        .as_array()
        .into_iter()
        .flatten();
    variants.all(|variant| variant.get(property).is_some())
}

/// Whether something differs between the config named now and the wanted one. Where either is
/// unknown it does: then Git's value is the safe one.
fn differs(update: &Update<'_>, part: &dyn Fn(&Value) -> Value) -> bool {
    match (update.named_now, update.named_wanted) {
        (Some(now), Some(wanted)) => {
            let (now, wanted) = (part(now), part(wanted));
            !crate::resource::compare::covers(&now, &wanted)
        }
        _ => true,
    }
}

fn variants_member(member: &str) -> impl Fn(&Value) -> Value {
    move |config| {
        config["ProductionVariants"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|variant| {
                Some((
                    variant["VariantName"].as_str()?.to_owned(),
                    variant[member].clone(),
                ))
            })
            .collect::<serde_json::Map<_, _>>()
            .into()
    }
}

fn to_weights(update: &Update<'_>) -> Value {
    let wanted: Vec<_> = update.desired["ProductionVariants"]
        .as_array()
        .into_iter()
        .flatten()
        .cloned()
        .collect();
    json!({"EndpointName": update.name, "DesiredWeightsAndCapacities": wanted})
}
