//! The registry's group of a model's versions.

use serde_json::Value;

use super::kind::{Field, FieldClass, Kind, Listed, Naming, Ops, Status, never_updated, owned};

/// `CreateModelPackageGroup`; only tags and the policy can be changed.
pub const MODEL_PACKAGE_GROUP: Kind = Kind {
    name: "ModelPackageGroup",
    rank: 20,
    naming: Naming::Mutable,
    id: "ModelPackageGroupName",
    arn: Some("ModelPackageGroupArn"),
    locate: None,
    ops: Ops {
        create: Some("CreateModelPackageGroup"),
        describe: "DescribeModelPackageGroup",
        update: None,
        delete: Some("DeleteModelPackageGroup"),
    },
    listed: Some(Listed {
        op: "Search",
        resource: Some("ModelPackageGroup"),
        request: || owned("ModelPackageGroup"),
        items: "Results",
        name: |group| Some(group["ModelPackageGroupName"].as_str()?.to_owned()),
        members: &["CreationTime", "ModelPackageGroupStatus"],
    }),
    within: None,
    fields: &[
        Field::new("/ModelPackageGroupDescription", FieldClass::CreateOnly),
        Field::new("/ManagedConfiguration", FieldClass::CreateOnly),
    ],
    status,
    update: never_updated,
};

fn status(body: &Value) -> Status {
    match body["ModelPackageGroupStatus"].as_str().unwrap_or_default() {
        "Completed" => Status::Ready,
        "Deleting" => Status::Deleting,
        failed @ ("Failed" | "DeleteFailed") => Status::Failed(failed.to_owned()),
        moving => Status::Moving(moving.to_owned()),
    }
}
