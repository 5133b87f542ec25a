//! Runs are of what was looked at, and what is refused for good is left at rest.

use serde_json::{Value, json};
use trueup::execute::pass::Mode;
use trueup::plan::report::State;
use trueup::resource::call::Call;

use super::repository::train_anew;
use super::stage::Stage;
use super::weather::{Calm, Fate, Weather};
use super::workload::FIRST_AUC;

/// Somebody changes the pipeline between the look and the start.
struct Meddler {
    armed: bool,
}

impl Weather for Meddler {
    fn meddle(&mut self, change: &str, stage: &mut Stage) {
        if change == "StartPipelineExecution" && std::mem::take(&mut self.armed) {
            let pipeline = stage.console("DescribePipeline", json!({"PipelineName": "churn"}));
            let text = pipeline["PipelineDefinition"].as_str().expect("a text");
            let mut definition: Value = serde_json::from_str(text).expect("JSON");
            let parameters = definition["Parameters"].as_array_mut().expect("a list");
            parameters.push(json!({"Name": "Other", "Type": "String", "DefaultValue": "x"}));
            let other = json!({
                "PipelineName": "churn",
                "PipelineDefinition": definition.to_string(),
            });
            stage.console("UpdatePipeline", other);
        }
    }
}

/// The versions that the executions ran, the newest first.
fn versions(stage: &mut Stage) -> Vec<Value> {
    let listed = stage.console("ListPipelineExecutions", json!({"PipelineName": "churn"}));
    let arn = |execution: &Value| execution["PipelineExecutionArn"].clone();
    let arns: Vec<_> = listed["PipelineExecutionSummaries"]
        .as_array()
        .expect("a list")
        .iter()
        .map(arn)
        .collect();
    arns.into_iter()
        .map(|arn| {
            let look = json!({"PipelineExecutionArn": arn});
            let execution = stage.console("DescribePipelineExecution", look);
            assert_eq!(execution["PipelineExecutionStatus"], "Succeeded");
            execution["PipelineVersionId"].clone()
        })
        .collect()
}

#[test]
fn a_run_is_of_the_pipeline_that_was_looked_at() {
    let mut stage = Stage::new(FIRST_AUC);
    stage.settle(&mut Meddler { armed: true });
    stage.stays_quiet();
    assert_eq!(versions(&mut stage), [1], "not of the other definition");
    train_anew(&mut stage.forge, 0.9);
    stage.settle(&mut Calm);
    assert_eq!(versions(&mut stage), [3, 1], "it was put back first");
}

/// A step that is refused for good is a person's to mend.
struct Refusing;

impl Weather for Refusing {
    fn fate(&mut self, change: &Call, _: &Stage) -> Fate {
        match change.op {
            "CreateEndpointConfig" => Fate::Denied,
            _ => Fate::Made,
        }
    }
}

#[test]
fn what_is_refused_for_good_is_blocked_and_at_rest() {
    let mut stage = Stage::new(FIRST_AUC);
    for _ in 0..60 {
        stage.pass(Mode::Apply, &mut Refusing);
        stage.tick();
    }
    let pass = stage.pass(Mode::Apply, &mut Refusing);
    let staging = &pass.units[1];
    assert_eq!(staging.state(), State::Blocked);
    assert!(!staging.in_motion(), "{:#?}", staging.report.notes);
    assert!(!staging.is_settled());
    let words = &staging.report.notes;
    assert!(
        words
            .iter()
            .any(|note| note.message.contains("AccessDenied"))
    );
    stage.settle(&mut Calm);
    stage.stays_quiet();
}
