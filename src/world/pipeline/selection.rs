//! Selective execution: some steps run, and what they need of others an earlier execution did.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::definition::Definition;
use super::execution::{ExecutionState, StepStatus, Taken};
use crate::world::World;
use crate::world::kind::Id;
use crate::world::records::{Key, Record, State};
use crate::world::request::{Refusal, items, text};

impl World {
    /// Takes over from an earlier execution what the chosen steps need; what is shown of that.
    pub(super) fn choose(
        &self,
        execution: &mut ExecutionState,
        pipeline: &Key,
        config: &Value,
    ) -> Result<Value, Refusal> {
        let (record, source) = self.source(pipeline, text(config, "SourcePipelineExecutionArn"))?;
        let arn = text(&record.body, "PipelineExecutionArn");
        let definition = Definition::read(&execution.document).map_err(Refusal::invalid)?;
        let chosen = items(config, "SelectedSteps").iter();
        let chosen: BTreeSet<String> = chosen.map(|one| text(one, "StepName").to_owned()).collect();
        let mut needed: Vec<&str> = Vec::new();
        for name in &chosen {
            let step = definition.step(name).ok_or_else(|| {
                Refusal::invalid(format!("The pipeline has no step {name} to select."))
            })?;
            needed.extend(&step.after);
        }
        while let Some(name) = needed.pop() {
            if chosen.contains(name) || execution.steps.contains_key(name) {
                continue;
            }
            let done = source.steps.get(name);
            let done = done.filter(|done| done.status == StepStatus::Succeeded);
            let Some(done) = done else {
                return Err(Refusal::invalid(format!(
                    "Step {name} is needed by a selected step, and did not succeed in {arn}."
                )));
            };
            let mut done = done.clone();
            done.taken = Some(Taken::Asked(arn.to_owned()));
            execution.steps.insert(name.to_owned(), done);
            needed.extend(
                definition
                    .step(name)
                    .into_iter()
                    .flat_map(|step| &step.after),
            );
        }
        execution.chosen = Some(chosen);
        let mut shown = config.clone();
        shown["SourcePipelineExecutionArn"] = json!(arn);
        Ok(shown)
    }

    /// The execution of this pipeline that has the ARN, or the newest one.
    fn source(&self, pipeline: &Key, arn: &str) -> Result<(&Record, &ExecutionState), Refusal> {
        let missing = || {
            let what = if arn.is_empty() {
                "to take over from"
            } else {
                arn
            };
            Refusal::invalid(format!("The pipeline has no execution {what}."))
        };
        let record = self.records.get(pipeline).ok_or_else(missing)?;
        let start = format!("{}/execution/", record.name.to_ascii_lowercase());
        let all = self.records.under(Id::Execution, &record.scope, &start);
        let fits =
            |record: &&Record| arn.is_empty() || text(&record.body, "PipelineExecutionArn") == arn;
        let newest = all.filter(fits).max_by_key(|record| record.seq);
        let record = newest.ok_or_else(missing)?;
        match &record.state {
            State::Execution(state) => Ok((record, state)),
            _ => Err(missing()),
        }
    }
}
