//! A registered version. Runs create them; only the approval is ever changed.

use serde_json::{Value, json};

use super::kind::{Field, FieldClass, Kind, Naming, Ops, Status, Update};

/// `UpdateModelPackage`. Named by its ARN; a version cannot carry tags and belongs to its group.
pub const MODEL_PACKAGE: Kind = Kind {
    name: "ModelPackage",
    rank: 50,
    naming: Naming::Mutable,
    id: "ModelPackageName",
    arn: None,
    locate: None,
    ops: Ops {
        create: None,
        describe: "DescribeModelPackage",
        update: Some("UpdateModelPackage"),
        delete: None,
    },
    listed: None,
    within: None,
    fields: &[Field::new("/ModelApprovalStatus", FieldClass::Live)],
    status,
    update,
};

fn status(body: &Value) -> Status {
    let status = body["ModelPackageStatus"].as_str().unwrap_or_default();
    match status {
        "Completed" => Status::Ready,
        "Deleting" => Status::Deleting,
        "Failed" => Status::Failed(status.to_owned()),
        _ => Status::Moving(status.to_owned()),
    }
}

/// A status that is sent again starts every rule that listens to approvals: it is sent only when it
/// differs, and alone.
fn update(update: &Update<'_>) -> Vec<(&'static str, Value)> {
    let status = &update.desired["ModelApprovalStatus"];
    vec![(
        "UpdateModelPackage",
        json!({"ModelPackageArn": update.name, "ModelApprovalStatus": status}),
    )]
}
