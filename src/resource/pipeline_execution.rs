//! A training run.

use serde_json::Value;

use super::kind::{Field, FieldClass, Kind, Naming, Ops, Status, never_updated};

/// `StartPipelineExecution`: run once. Its display name is `<64 hex run digest>-a<attempt>`, so
/// the list of executions tells what was tried, how often and with what end.
pub const PIPELINE_EXECUTION: Kind = Kind {
    name: "PipelineExecution",
    rank: 40,
    naming: Naming::Mutable,
    id: "PipelineExecutionDisplayName",
    arn: None,
    locate: None,
    ops: Ops {
        create: Some("StartPipelineExecution"),
        describe: "ListPipelineExecutions",
        update: None,
        delete: None,
    },
    listed: None,
    within: None,
    fields: &[
        Field::new("/PipelineName", FieldClass::CreateOnly),
        Field::new("/PipelineParameters", FieldClass::CreateOnly),
        Field::new("/PipelineExecutionDescription", FieldClass::CreateOnly),
        Field::new("/ClientRequestToken", FieldClass::WriteOnly),
        Field::new("/MlflowExperimentName", FieldClass::CreateOnly),
        Field::new("/ParallelismConfiguration", FieldClass::CreateOnly),
        Field::new("/PipelineVersionAlias", FieldClass::CreateOnly),
        Field::new("/PipelineVersionId", FieldClass::CreateOnly),
        Field::new("/RoleArn", FieldClass::CreateOnly),
        Field::new("/SelectiveExecutionConfig", FieldClass::CreateOnly),
    ],
    status,
    update: never_updated,
};

fn status(body: &Value) -> Status {
    let status = body["PipelineExecutionStatus"].as_str().unwrap_or_default();
    match status {
        "Succeeded" => Status::Ready,
        "Executing" | "Stopping" => Status::Moving(status.to_owned()),
        _ => Status::Failed(
            body["PipelineExecutionFailureReason"]
                .as_str()
                .unwrap_or(status)
                .to_owned(),
        ),
    }
}
