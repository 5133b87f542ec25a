//! The training pipeline.

use serde_json::Value;

use super::kind::{Compare, Field, FieldClass, Kind, Listed, Naming, Ops, Status, Update, owned};

/// `CreatePipeline`: changed in place. Every update makes a new version, so it is compared first:
/// the definition as JSON, not as bytes.
pub const PIPELINE: Kind = Kind {
    name: "Pipeline",
    rank: 30,
    naming: Naming::Mutable,
    id: "PipelineName",
    arn: Some("PipelineArn"),
    locate: None,
    ops: Ops {
        create: Some("CreatePipeline"),
        describe: "DescribePipeline",
        update: Some("UpdatePipeline"),
        delete: Some("DeletePipeline"),
    },
    listed: Some(Listed {
        op: "Search",
        resource: Some("Pipeline"),
        request: || owned("Pipeline"),
        items: "Results",
        name: |pipeline| Some(pipeline["PipelineName"].as_str()?.to_owned()),
        members: &["CreationTime", "LastModifiedTime", "PipelineStatus"],
    }),
    within: None,
    fields: &[
        Field::new("/PipelineVersionAliases", FieldClass::OwnedElsewhere),
        Field::with("/PipelineDefinition", FieldClass::Live, Compare::JsonText),
        Field::new("/ParallelismConfiguration", FieldClass::Live),
        Field::new("/PipelineDefinitionS3Location", FieldClass::WriteOnly),
        Field::new("/PipelineDescription", FieldClass::Live),
        Field::new("/PipelineDisplayName", FieldClass::Live),
        Field::new("/RoleArn", FieldClass::Live),
        Field::new("/ClientRequestToken", FieldClass::WriteOnly),
    ],
    status,
    update,
};

fn status(body: &Value) -> Status {
    match body["PipelineStatus"].as_str().unwrap_or_default() {
        "Deleting" => Status::Deleting,
        _ => Status::Ready,
    }
}

/// Members that are left out might be cleared: everything declared is sent.
fn update(update: &Update<'_>) -> Vec<(&'static str, Value)> {
    let mut body = update.desired.clone();
    body["PipelineName"] = update.name.into();
    if let Some(members) = body.as_object_mut() {
        members.remove("ClientRequestToken");
    }
    vec![("UpdatePipeline", body)]
}
