//! Monitoring schedules: every change passes through Pending, in which no other is taken; and when
//! their hour comes, they run.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::World;
use super::endpoint_config::{input_defaults, output_defaults};
use super::kind::Id;
use super::records::{Key, State};
use super::request::{Refusal, Reply, Request, default, epoch, items, text};
use super::timetable::Timetable;
use crate::clock::Timestamp;
use crate::resource::call::Scope;

/// What a schedule remembers besides its Describe.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct ScheduleState {
    due: Timestamp,
    then: Then,
    /// When it runs next.
    #[serde(default)]
    next: Option<Timestamp>,
    /// Whether it has run since it was last told when to.
    #[serde(default)]
    ran: bool,
}

/// What comes after Pending.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Then {
    Scheduled,
    Stopped,
    Gone,
}

impl World {
    pub(super) fn create_schedule(&mut self, request: &Request<'_>) -> Reply {
        let kind = Id::Schedule.kind();
        let name = request.text("MonitoringScheduleName");
        self.free(kind, request.scope, name)?;
        let mut body = json!({
            "MonitoringScheduleName": name,
            "LastModifiedTime": epoch(request.now),
        });
        self.configure(&mut body, request)?;
        let state = State::Schedule(ScheduleState {
            due: request.now,
            then: Then::Scheduled,
            next: None,
            ran: false,
        });
        let answer = self.put(kind, request, name, body, state)?;
        self.pend(
            &Key::new(Id::Schedule, request.scope, name),
            Then::Scheduled,
        );
        Ok(answer)
    }

    pub(super) fn update_schedule(&mut self, request: &Request<'_>) -> Reply {
        let (key, mut body, then) = self.idle_schedule(request, "update")?;
        self.configure(&mut body, request)?;
        let answer = json!({"MonitoringScheduleArn": body["MonitoringScheduleArn"]});
        if let Some(record) = self.records.get_mut(&key) {
            record.body = body;
            if let State::Schedule(state) = &mut record.state {
                state.ran = false;
            }
        }
        self.pend(&key, then);
        Ok(answer)
    }

    pub(super) fn start_schedule(&mut self, request: &Request<'_>) -> Reply {
        self.turn(request, "start", Then::Scheduled)
    }

    pub(super) fn stop_schedule(&mut self, request: &Request<'_>) -> Reply {
        self.turn(request, "stop", Then::Stopped)
    }

    pub(super) fn delete_schedule(&mut self, request: &Request<'_>) -> Reply {
        self.idle_schedule(request, "delete")?;
        self.check_idle(self.find(Id::Schedule.kind(), request)?)?;
        self.turn(request, "delete", Then::Gone)
    }

    fn turn(&mut self, request: &Request<'_>, verb: &str, then: Then) -> Reply {
        let (key, ..) = self.idle_schedule(request, verb)?;
        self.pend(&key, then);
        Ok(json!({}))
    }

    /// A schedule that is not Pending, and the state that it is in.
    fn idle_schedule(
        &self,
        request: &Request<'_>,
        verb: &str,
    ) -> Result<(Key, Value, Then), Refusal> {
        let record = self.find(Id::Schedule.kind(), request)?;
        let then = match text(&record.body, "MonitoringScheduleStatus") {
            "Pending" => {
                return Err(Refusal::invalid(format!(
                    "Can't {verb} Monitoring schedule in status Pending."
                )));
            }
            "Stopped" => Then::Stopped,
            _ => Then::Scheduled,
        };
        let key = Key::new(Id::Schedule, &record.scope, &record.name);
        Ok((key, record.body.clone(), then))
    }

    fn pend(&mut self, key: &Key, then: Then) {
        let due = self.set_timer(self.pace.schedule_pending, key);
        let now = self.now;
        if let Some(record) = self.records.get_mut(key) {
            record.body["MonitoringScheduleStatus"] = json!("Pending");
            record.body["LastModifiedTime"] = epoch(now);
            if let State::Schedule(state) = &mut record.state {
                (state.due, state.then, state.next) = (due, then, None);
            }
        }
    }

    /// A timer of a schedule has come.
    pub(super) fn schedule_due(&mut self, key: &Key) {
        let now = self.now;
        let Some(record) = self.records.get_mut(key) else {
            return;
        };
        let State::Schedule(state) = &record.state else {
            return;
        };
        match text(&record.body, "MonitoringScheduleStatus") {
            "Pending" if state.due <= now => {}
            "Scheduled" if state.next.is_some_and(|next| next <= now) => {
                return self.run_schedule(key);
            }
            _ => return,
        }
        let status = match state.then {
            Then::Scheduled => "Scheduled",
            Then::Stopped => "Stopped",
            Then::Gone => return self.drop_record(key),
        };
        record.body["MonitoringScheduleStatus"] = json!(status);
        record.body["LastModifiedTime"] = epoch(now);
        if status == "Scheduled" {
            self.plan_schedule(key, now);
        }
    }

    /// Starts the execution that is due, and waits for the next.
    fn run_schedule(&mut self, key: &Key) {
        let due = self.records.get_mut(key).and_then(|record| {
            let State::Schedule(state) = &mut record.state else {
                return None;
            };
            state.ran = true;
            state.next.take()
        });
        if let Some(due) = due {
            self.monitor(key, due);
            self.plan_schedule(key, due);
        }
    }

    /// Waits for when a schedule runs first after an instant, or runs it at once.
    fn plan_schedule(&mut self, key: &Key, after: Timestamp) {
        let now = self.now;
        let Some(record) = self.records.get_mut(key) else {
            return;
        };
        let State::Schedule(state) = &mut record.state else {
            return;
        };
        let config = record
            .body
            .pointer("/MonitoringScheduleConfig/ScheduleConfig");
        state.next = match Timetable::of(config).map(|timetable| timetable.after(after)) {
            Ok(None) if !state.ran => Some(after),
            Ok(next) => next,
            // Was checked when it was configured.
            Err(_) => None,
        };
        if let Some(next) = state.next {
            self.set_timer(next.duration_since(now), key);
        }
    }

    /// Writes the whole config of a request into the body, with what the service fills in.
    fn configure(&self, body: &mut Value, request: &Request<'_>) -> Result<(), Refusal> {
        let mut config = request
            .get("MonitoringScheduleConfig")
            .cloned()
            .unwrap_or_default();
        Timetable::of(config.get("ScheduleConfig")).map_err(Refusal::invalid)?;
        let name = text(&config, "MonitoringJobDefinitionName").to_owned();
        let inline = config.get_mut("MonitoringJobDefinition");
        let endpoint = match (inline, name.is_empty()) {
            (Some(definition), true) => {
                let endpoint = inline_defaults(definition);
                default(&mut config, "MonitoringType", "DataQuality");
                endpoint
            }
            (None, false) => self.definition_endpoint(request.scope, &name, &config)?,
            _ => {
                return Err(Refusal::invalid(
                    "Exactly one of MonitoringJobDefinition and MonitoringJobDefinitionName must \
                     be provided.",
                ));
            }
        };
        body["MonitoringType"] = config["MonitoringType"].clone();
        body["MonitoringScheduleConfig"] = config;
        match endpoint {
            Some(endpoint) => body["EndpointName"] = Value::from(endpoint),
            None => super::endpoint::forget(body, "EndpointName"),
        }
        Ok(())
    }

    /// The endpoint that a named job definition watches.
    fn definition_endpoint(
        &self,
        scope: &Scope,
        name: &str,
        config: &Value,
    ) -> Result<Option<String>, Refusal> {
        let kind = text(config, "MonitoringType");
        if kind.is_empty() {
            return Err(Refusal::invalid(
                "MonitoringType is required with MonitoringJobDefinitionName.",
            ));
        }
        let id = match kind {
            "ModelQuality" => Id::ModelQuality,
            "ModelBias" => Id::ModelBias,
            "ModelExplainability" => Id::ModelExplainability,
            _ => Id::DataQuality,
        };
        let record = self.records.get(&Key::new(id, scope, name));
        let record = record.ok_or_else(|| {
            Refusal::invalid(format!("{kind} job definition {name} does not exist."))
        })?;
        let endpoint = format!("/{kind}JobInput/EndpointInput/EndpointName");
        let endpoint = record.body.pointer(&endpoint).and_then(Value::as_str);
        Ok(endpoint.map(str::to_owned))
    }
}

/// Fills in an inline definition; the endpoint that it watches.
fn inline_defaults(definition: &mut Value) -> Option<String> {
    default(
        definition,
        "StoppingCondition",
        json!({"MaxRuntimeInSeconds": 3600}),
    );
    output_defaults(definition.pointer_mut("/MonitoringOutputConfig/MonitoringOutputs"));
    for input in definition["MonitoringInputs"]
        .as_array_mut()
        .into_iter()
        .flatten()
    {
        for member in ["EndpointInput", "BatchTransformInput"] {
            if let Some(input) = input.get_mut(member) {
                input_defaults(input);
            }
        }
    }
    items(definition, "MonitoringInputs")
        .iter()
        .find_map(|input| input.pointer("/EndpointInput/EndpointName"))
        .and_then(Value::as_str)
        .map(str::to_owned)
}
