//! The looks that the story waits with: at runs and endpoints over HTTP, at the daemon's word.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use tokio::sync::watch;

use super::example::MODEL;
use super::http::{Http, HttpError};
use super::person;
use super::show::Line;
use super::watch::{Look, Told};
use crate::clock::Timestamp;

/// An endpoint in service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Serving {
    /// The endpoint config that it serves.
    pub config: String,
    /// Its instances.
    pub instances: u64,
}

/// A run as it goes on: each of its steps is told once it has ended.
#[derive(Debug, Default)]
pub(super) struct RunLook {
    told: BTreeMap<String, String>,
}

impl RunLook {
    /// Looks at the newest of `number` runs; seen when it has succeeded.
    pub(super) async fn look(&mut self, http: &Http, number: usize, line: &Line) -> Look<()> {
        match self.state(http, number, line).await {
            Ok(look) => look,
            Err(error) if error.is_absent() => Look::Not("there is no pipeline yet".to_owned()),
            Err(error) => Look::Not(error.to_string()),
        }
    }

    async fn state(
        &mut self,
        http: &Http,
        number: usize,
        line: &Line,
    ) -> Result<Look<()>, HttpError> {
        let body =
            json!({"PipelineName": MODEL, "SortBy": "CreationTime", "SortOrder": "Descending"});
        let member = "PipelineExecutionSummaries";
        let runs = http.list("ListPipelineExecutions", body, member).await?;
        if runs.len() < number {
            return Ok(Look::Not("no run has started yet".to_owned()));
        }
        let arn = &runs[0]["PipelineExecutionArn"];
        let body = json!({"PipelineExecutionArn": arn, "SortOrder": "Ascending"});
        let member = "PipelineExecutionSteps";
        let steps = http
            .list("ListPipelineExecutionSteps", body, member)
            .await?;
        let now = self.tell(&steps, line);
        let body = json!({"PipelineExecutionArn": arn});
        let run = http.sagemaker("DescribePipelineExecution", &body).await?;
        Ok(match run["PipelineExecutionStatus"].as_str() {
            Some("Succeeded") => Look::Seen(()),
            Some(end @ ("Failed" | "Stopped")) => {
                let why = run["FailureReason"].as_str().unwrap_or_default();
                Look::Never(format!("the run is {end}: {why} ({now})"))
            }
            _ => Look::Not(now),
        })
    }

    fn tell(&mut self, steps: &[Value], line: &Line) -> String {
        let mut now = Vec::new();
        for step in steps {
            let name = step["StepName"].as_str().unwrap_or_default();
            let status = step["StepStatus"].as_str().unwrap_or_default();
            let reason = step["FailureReason"].as_str().unwrap_or_default();
            now.push(format!("{name} {status} {reason}").trim_end().to_owned());
            let ended = step["EndTime"].as_f64().zip(step["StartTime"].as_f64());
            if let Some((end, start)) = ended
                && self
                    .told
                    .insert(name.to_owned(), status.to_owned())
                    .is_none()
            {
                line.above(&format!(
                    "{name:<12}{status} after {:.1} s {reason}",
                    end - start
                ));
            }
        }
        now.join(", ")
    }
}

/// Looks at an endpoint; seen when it is in service on a config that `wanted` accepts.
pub(super) async fn serving(
    http: &Http,
    environment: &str,
    wanted: impl Fn(&str) -> bool,
) -> Look<Serving> {
    let name = format!("{MODEL}-{environment}");
    let body = json!({"EndpointName": name});
    let endpoint = match http.sagemaker("DescribeEndpoint", &body).await {
        Ok(endpoint) => endpoint,
        Err(error) if error.is_absent() => return Look::Not(format!("there is no {name} yet")),
        Err(error) => return Look::Not(error.to_string()),
    };
    let status = endpoint["EndpointStatus"].as_str().unwrap_or_default();
    let config = endpoint["EndpointConfigName"].as_str().unwrap_or_default();
    if status == "InService" && wanted(config) {
        let instances = endpoint["ProductionVariants"][0]["CurrentInstanceCount"].as_u64();
        return Look::Seen(Serving {
            config: config.to_owned(),
            instances: instances.unwrap_or_default(),
        });
    }
    let reason = endpoint["FailureReason"].as_str().unwrap_or_default();
    Look::Not(format!("{name} is {status} on {config} {reason}"))
}

/// Looks at the daemon's last pass; seen when it began after `since`, over the newest commit, and
/// left nothing to do.
pub(super) fn settled(
    told: &watch::Receiver<Told>,
    origin: &std::path::Path,
    since: Timestamp,
) -> Look<()> {
    let told = told.borrow();
    let tip = match person::tip(origin) {
        Ok(tip) => tip.to_string(),
        Err(error) => return Look::Not(error.message().to_owned()),
    };
    if told.settled && told.at > since && told.commit == tip {
        return Look::Seen(());
    }
    let at = told.commit.get(..8).unwrap_or("no commit");
    Look::Not(format!("pass {} over {at}: {}", told.passes, told.status))
}
