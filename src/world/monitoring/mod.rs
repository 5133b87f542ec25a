//! Executions of monitoring schedules: each is a processing job over what was captured, and ends as
//! that job says.

mod job;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::World;
use super::jobs::Owner;
use super::kind::Id;
use super::records::{Key, Record, State};
use super::request::{Refusal, Reply, Request, epoch, text};
use crate::clock::Timestamp;
use crate::limits::MONITORING_EXECUTIONS_MAX;

/// What an execution remembers besides its summary.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct ExecutionState {
    schedule: Key,
    at: Timestamp,
    job: Option<Key>,
}

impl World {
    /// Answers `ListMonitoringExecutions`: the history of a schedule outlives it.
    pub(super) fn list_monitoring(&self, request: &Request<'_>) -> Reply {
        let schedule = request.text("MonitoringScheduleName").to_ascii_lowercase();
        let start = match schedule.as_str() {
            "" => String::new(),
            schedule => format!("{schedule}/"),
        };
        self.list(Id::MonitoringExecution.kind(), &start, request)
    }

    /// Starts an execution of a schedule that is to run at an instant.
    pub(super) fn monitor(&mut self, schedule: &Key, at: Timestamp) {
        let seq = self.next();
        let Some(record) = self.records.get(schedule) else {
            return;
        };
        let (scope, body) = (record.scope.clone(), &record.body);
        let mut summary = json!({
            "MonitoringScheduleName": record.name,
            "ScheduledTime": epoch(at),
            "CreationTime": epoch(self.now),
            "LastModifiedTime": epoch(self.now),
            "MonitoringExecutionStatus": "Pending",
        });
        let definition = body.pointer("/MonitoringScheduleConfig/MonitoringJobDefinitionName");
        for (member, value) in [
            ("EndpointName", body.get("EndpointName")),
            ("MonitoringType", body.get("MonitoringType")),
            ("MonitoringJobDefinitionName", definition),
        ] {
            if let Some(value) = value {
                summary[member] = value.clone();
            }
        }
        // In the order of names is in the order of time.
        let name = format!("{}/{seq:020}", record.name);
        let key = Key::new(Id::MonitoringExecution, &scope, &name);
        let state = ExecutionState {
            schedule: schedule.clone(),
            at,
            job: None,
        };
        let record = Record {
            seq,
            scope,
            name,
            body: summary,
            state: State::Monitoring(state),
        };
        self.records.insert(&key, record);
        self.show(&key);
        self.forget_executions(&key);
        self.set_timer(self.pace.schedule_pending, &key);
    }

    /// An execution has waited long enough: its job is created, or it has failed.
    pub(super) fn monitoring_due(&mut self, key: &Key) {
        let Some((record, state)) = self.monitoring(key) else {
            return;
        };
        if record.body["MonitoringExecutionStatus"] != "Pending" {
            return;
        }
        let (scope, schedule) = (record.scope.clone(), state.schedule.clone());
        let wanted = self.monitoring_job(&schedule, state.at, &record.name);
        let launched = wanted.and_then(|body| {
            let request = Request {
                op: "CreateProcessingJob",
                scope: &scope,
                body: std::borrow::Cow::Owned(body),
                now: self.now,
            };
            let name = request.text("ProcessingJobName").to_owned();
            let answer = self.launch(&request, Some(Owner::Monitoring(key.clone())));
            let answer = answer.map_err(|refusal| refusal.message)?;
            Ok((name, text(&answer, "ProcessingJobArn").to_owned()))
        });
        match launched {
            Ok((name, arn)) => {
                let job = Key::new(Id::ProcessingJob, &scope, &name);
                let schedule_arn = self.records.get(&schedule);
                let schedule_arn =
                    schedule_arn.map(|record| record.body["MonitoringScheduleArn"].clone());
                if let Some(record) = self.records.get_mut(&job) {
                    record.body["MonitoringScheduleArn"] = schedule_arn.unwrap_or_default();
                }
                self.settle_monitoring(key, "InProgress", |body, state| {
                    body["ProcessingJobArn"] = json!(arn);
                    state.job = Some(job);
                });
            }
            Err(reason) => self.settle_monitoring(key, "Failed", |body, _| {
                body["FailureReason"] = json!(reason);
            }),
        }
    }

    /// The job of an execution has ended.
    pub(super) fn monitoring_done(&mut self, key: &Key, job: &Key) {
        let Some(record) = self.records.get(job) else {
            return;
        };
        let said = text(&record.body, "ExitMessage");
        let status = match text(&record.body, "ProcessingJobStatus") {
            "Completed" if said.starts_with("CompletedWithViolations") => "CompletedWithViolations",
            "Completed" => "Completed",
            "Stopped" => "Stopped",
            _ => "Failed",
        };
        let reason = record.body.get("FailureReason").cloned();
        self.settle_monitoring(key, status, |body, _| {
            if let Some(reason) = reason {
                body["FailureReason"] = reason;
            }
        });
    }

    /// Refuses what may not happen to a schedule while one of its executions is under way.
    pub(super) fn check_idle(&self, record: &Record) -> Result<(), Refusal> {
        let start = format!("{}/", record.name.to_ascii_lowercase());
        let mut executions = self
            .records
            .under(Id::MonitoringExecution, &record.scope, &start);
        if executions.any(|execution| is_going(&execution.body)) {
            return Err(Refusal::invalid(format!(
                "Monitoring schedule {} has an in-progress execution.",
                text(&record.body, "MonitoringScheduleArn")
            )));
        }
        Ok(())
    }

    fn monitoring(&self, key: &Key) -> Option<(&Record, &ExecutionState)> {
        let record = self.records.get(key)?;
        match &record.state {
            State::Monitoring(state) => Some((record, state)),
            _ => None,
        }
    }

    fn settle_monitoring(
        &mut self,
        key: &Key,
        status: &str,
        change: impl FnOnce(&mut Value, &mut ExecutionState),
    ) {
        let now = self.now;
        if let Some(record) = self.records.get_mut(key)
            && let State::Monitoring(state) = &mut record.state
        {
            record.body["MonitoringExecutionStatus"] = json!(status);
            record.body["LastModifiedTime"] = epoch(now);
            change(&mut record.body, state);
        }
        self.show(key);
    }

    /// Shows an execution in its schedule, unless a newer one is shown there.
    fn show(&mut self, key: &Key) {
        let Some((record, state)) = self.monitoring(key) else {
            return;
        };
        let (summary, schedule) = (record.body.clone(), state.schedule.clone());
        if let Some(schedule) = self.records.get_mut(&schedule) {
            let shown = &schedule.body["LastMonitoringExecutionSummary"];
            let newer = shown["ScheduledTime"].as_f64() > summary["ScheduledTime"].as_f64();
            if !newer {
                schedule.body["LastMonitoringExecutionSummary"] = summary;
            }
        }
    }

    /// Forgets the oldest executions of the schedule of one, and their jobs.
    fn forget_executions(&mut self, newest: &Key) {
        let Some(record) = self.records.get(newest) else {
            return;
        };
        let (schedule, _) = record.name.split_once('/').unwrap_or_default();
        let start = format!("{}/", schedule.to_ascii_lowercase());
        let all = self
            .records
            .under(Id::MonitoringExecution, &record.scope, &start);
        let all: Vec<_> = all.map(|one| (is_going(&one.body), &one.name)).collect();
        let many = all.len().saturating_sub(MONITORING_EXECUTIONS_MAX);
        let old = all.into_iter().take(many).filter(|(going, _)| !going);
        let old: Vec<Key> = old
            .map(|(_, name)| Key::new(Id::MonitoringExecution, &record.scope, name))
            .collect();
        for key in old {
            let job = self
                .monitoring(&key)
                .and_then(|(_, state)| state.job.clone());
            if let Some(job) = job {
                self.drop_record(&job);
            }
            self.records.remove(&key);
        }
    }
}

fn is_going(summary: &Value) -> bool {
    matches!(
        text(summary, "MonitoringExecutionStatus"),
        "Pending" | "InProgress" | "Stopping"
    )
}
