//! Hyperparameter tuning jobs: training jobs side by side, until one is the best.
//!
//! Random and grid search. Bayesian and Hyperband choose at random here, too: which values they would
//! try next is the service's own.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::World;
use super::encode::letters;
use super::jobs::Owner;
use super::kind::Id;
use super::list::paged;
use super::records::{Key, Record, State};
use super::request::{Refusal, Reply, Request, epoch, items, picked, text};
use super::search_space::{Space, order_of};
use super::shape;
use super::window::{Rank, Window};

/// What a tuning job remembers besides its Describe.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct TuningState {
    /// The training jobs so far, with what was tried in them.
    tried: Vec<Tried>,
    /// What it is a part of.
    owner: Option<Owner>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Tried {
    job: Key,
    values: Map<String, Value>,
}

/// What cannot be asked for here.
const UNSUPPORTED: [&str; 3] = ["TrainingJobDefinitions", "WarmStartConfig", "Autotune"];

/// Members of a training job's request that its definition has under the same name.
const DEFINED: [&str; 12] = [
    "RoleArn",
    "InputDataConfig",
    "VpcConfig",
    "OutputDataConfig",
    "ResourceConfig",
    "StoppingCondition",
    "EnableNetworkIsolation",
    "EnableInterContainerTrafficEncryption",
    "EnableManagedSpotTraining",
    "CheckpointConfig",
    "RetryStrategy",
    "Environment",
];

/// What a tuning job shows of a training job as it is.
const SHOWN: [&str; 7] = [
    "TrainingJobName",
    "TrainingJobArn",
    "CreationTime",
    "TrainingStartTime",
    "TrainingEndTime",
    "TrainingJobStatus",
    "FailureReason",
];

impl World {
    pub(super) fn create_tuning(&mut self, request: &Request<'_>) -> Reply {
        self.launch_tuning(request, None)
    }

    /// Creates a tuning job of a Create request, and starts its first training jobs.
    pub(super) fn launch_tuning(&mut self, request: &Request<'_>, owner: Option<Owner>) -> Reply {
        let kind = Id::TuningJob.kind();
        let name = request.text(kind.name);
        self.free(kind, request.scope, name)?;
        if let Some(member) = UNSUPPORTED.iter().find(|one| request.get(one).is_some()) {
            return Err(Refusal::invalid(format!("{member} is not supported here.")));
        }
        if request.get("TrainingJobDefinition").is_none() {
            return Err(Refusal::invalid("TrainingJobDefinition must be provided."));
        }
        Space::of(config(&request.object())).map_err(Refusal::invalid)?;
        let mut body = Value::Object(shape::echo(kind.describe, &request.body));
        body["HyperParameterTuningJobStatus"] = json!("InProgress");
        body["LastModifiedTime"] = epoch(request.now);
        let state = State::Tuning(TuningState::default());
        let answer = self.put(kind, request, name, body, state)?;
        let key = Key::new(kind.id, request.scope, name);
        self.tune(&key);
        let Some(record) = self.records.get_mut(&key) else {
            return Ok(answer);
        };
        // A training job that cannot even be created is a wrong definition, and nobody's end.
        if record.body["HyperParameterTuningJobStatus"] == "Failed" {
            let reason = text(&record.body, "FailureReason").to_owned();
            self.drop_record(&key);
            return Err(Refusal::invalid(reason));
        }
        if let State::Tuning(state) = &mut record.state {
            state.owner = owner;
        }
        Ok(answer)
    }

    /// Starts as many training jobs as may run at a time, and ends when all have.
    pub(super) fn tune(&mut self, key: &Key) {
        while let Some((name, values)) = self.next_try(key) {
            if let Err(refusal) = self.try_values(key, &name, values) {
                self.end_tuning(key, "Failed", Some(refusal.message));
                break;
            }
        }
        self.count(key);
        let Some((record, state)) = self.tuning(key) else {
            return;
        };
        let running = state.tried.iter().any(|tried| self.runs(tried));
        let reason = no_objective(&record.body, state.tried.len());
        match text(&record.body, "HyperParameterTuningJobStatus") {
            _ if running => {}
            "Stopping" => self.end_tuning(key, "Stopped", None),
            "InProgress" if reason.is_some() => self.end_tuning(key, "Failed", reason),
            "InProgress" => self.end_tuning(key, "Completed", None),
            _ => {}
        }
    }

    /// The name and the values of the next training job, if there is to be one now.
    fn next_try(&self, key: &Key) -> Option<(String, Map<String, Value>)> {
        let (record, state) = self.tuning(key)?;
        if record.body["HyperParameterTuningJobStatus"] != "InProgress" {
            return None;
        }
        let space = Space::of(config(&record.body)).ok()?;
        let running = state.tried.iter().filter(|tried| self.runs(tried)).count();
        let at = state.tried.len();
        if running >= space.parallel || at >= space.total {
            return None;
        }
        let seed = format!("{}/{}", record.name, record.seq);
        let suffix = letters(&format!("{seed}/{at}"), 8);
        let name = format!("{}-{:03}-{suffix}", record.name, at + 1);
        Some((name, space.values(&seed, at)))
    }

    fn try_values(
        &mut self,
        key: &Key,
        name: &str,
        values: Map<String, Value>,
    ) -> Result<(), Refusal> {
        let Some((record, _)) = self.tuning(key) else {
            return Ok(());
        };
        let scope = record.scope.clone();
        let mut request = training(&record.body, &values);
        request["TrainingJobName"] = json!(name);
        let arn = record.body["HyperParameterTuningJobArn"].clone();
        self.invoke("CreateTrainingJob", &scope, &request, |world, request| {
            world.launch(request, Some(Owner::Tuning(key.clone())))
        })?;
        let job = Key::new(Id::TrainingJob, &scope, name);
        if let Some(record) = self.records.get_mut(&job) {
            record.body["TuningJobArn"] = arn;
        }
        if let Some(record) = self.records.get_mut(key)
            && let State::Tuning(state) = &mut record.state
        {
            state.tried.push(Tried { job, values });
        }
        Ok(())
    }

    fn end_tuning(&mut self, key: &Key, status: &str, reason: Option<String>) {
        let now = self.now;
        if let Some(record) = self.records.get_mut(key) {
            record.body["HyperParameterTuningJobStatus"] = json!(status);
            record.body["HyperParameterTuningEndTime"] = epoch(now);
            record.body["LastModifiedTime"] = epoch(now);
            if let Some(reason) = reason {
                record.body["FailureReason"] = json!(reason);
            }
        }
        let owner = self.tuning(key).and_then(|(_, state)| state.owner.clone());
        if let Some(Owner::Step(execution, step)) = owner {
            self.step_job_done(&execution, &step, key);
        }
    }

    /// Writes down how the training jobs stand, and which is the best.
    fn count(&mut self, key: &Key) {
        let Some((record, _)) = self.tuning(key) else {
            return;
        };
        let shown = self.tries(record);
        let of = |member: &str, status: &str| {
            let such = shown.iter().filter(|one| one[member] == status);
            such.count()
        };
        let jobs = |status: &str| of("TrainingJobStatus", status);
        let objectives = |status: &str| of("ObjectiveStatus", status);
        let counters = json!({
            "Completed": jobs("Completed"),
            "InProgress": jobs("InProgress") + jobs("Stopping"),
            "RetryableError": 0,
            "NonRetryableError": jobs("Failed"),
            "Stopped": jobs("Stopped"),
        });
        let objectives = json!({
            "Succeeded": objectives("Succeeded"),
            "Pending": objectives("Pending"),
            "Failed": objectives("Failed"),
        });
        let maximize = objective(&record.body)["Type"] == "Maximize";
        let better = |one: &Value| {
            order_of(if maximize {
                measure(one)
            } else {
                -measure(one)
            })
        };
        let succeeded = shown
            .iter()
            .filter(|one| one["ObjectiveStatus"] == "Succeeded");
        // Of two that are as good, the first one.
        let best = succeeded.rev().max_by_key(|one| better(one)).cloned();
        if let Some(record) = self.records.get_mut(key) {
            record.body["TrainingJobStatusCounters"] = counters;
            record.body["ObjectiveStatusCounters"] = objectives;
            if let Some(best) = best {
                record.body["BestTrainingJob"] = best;
            }
        }
    }

    pub(super) fn stop_tuning(&mut self, request: &Request<'_>) -> Reply {
        let record = self.find(Id::TuningJob.kind(), request)?;
        let status = text(&record.body, "HyperParameterTuningJobStatus");
        if !matches!(status, "InProgress" | "Stopping") {
            return Err(Refusal::invalid(format!(
                "The request was rejected because the tuning job {} is in status {status}.",
                record.name
            )));
        }
        let key = Key::new(Id::TuningJob, &record.scope, &record.name);
        self.halt_tuning(&key);
        Ok(json!({}))
    }

    /// Starts no more training jobs, and asks those that run to stop.
    pub(super) fn halt_tuning(&mut self, key: &Key) {
        let now = self.now;
        let Some(record) = self.records.get_mut(key) else {
            return;
        };
        record.body["HyperParameterTuningJobStatus"] = json!("Stopping");
        record.body["LastModifiedTime"] = epoch(now);
        let tried = match &record.state {
            State::Tuning(state) => state.tried.clone(),
            _ => Vec::new(),
        };
        for one in &tried {
            self.stop_running(&one.job);
        }
        self.tune(key);
    }

    pub(super) fn list_tries(&self, request: &Request<'_>) -> Reply {
        let record = self.find(Id::TuningJob.kind(), request)?;
        let wanted = request.get("StatusEquals");
        let tries = self.tries(record).into_iter().zip(0..);
        let tries =
            tries.filter(|(one, _)| wanted.is_none_or(|it| one["TrainingJobStatus"] == *it));
        let placed = tries.map(|(one, at)| {
            let rank = match request.text("SortBy") {
                "CreationTime" => Rank::None,
                "Status" => Rank::Text(text(&one, "TrainingJobStatus").to_owned()),
                "FinalObjectiveMetricValue" => Rank::Bits(order_of(measure(&one))),
                _ => Rank::Text(text(&one, "TrainingJobName").to_owned()),
            };
            ((rank, at), one)
        });
        let window = match request.text("SortOrder") {
            "Descending" => Window::of(request, 10)?,
            _ => Window::ascending(request, "MaxResults", 10)?,
        };
        let (page, next) = window.whole(placed)?;
        Ok(paged("TrainingJobSummaries", page, next))
    }

    /// What is shown of each training job of a tuning job, the first one first.
    fn tries(&self, record: &Record) -> Vec<Value> {
        let State::Tuning(state) = &record.state else {
            return Vec::new();
        };
        let objective = objective(&record.body);
        let tried = state.tried.iter();
        tried
            .filter_map(|tried| {
                let job = &self.records.get(&tried.job)?.body;
                Some(shown(job, &tried.values, objective))
            })
            .collect()
    }

    fn runs(&self, tried: &Tried) -> bool {
        let job = self.records.get(&tried.job);
        job.is_some_and(|job| {
            let status = text(&job.body, "TrainingJobStatus");
            matches!(status, "InProgress" | "Stopping")
        })
    }

    fn tuning(&self, key: &Key) -> Option<(&Record, &TuningState)> {
        let record = self.records.get(key)?;
        match &record.state {
            State::Tuning(state) => Some((record, state)),
            _ => None,
        }
    }
}

fn config(body: &Value) -> &Value {
    &body["HyperParameterTuningJobConfig"]
}

fn objective(body: &Value) -> &Value {
    &config(body)["HyperParameterTuningJobObjective"]
}

/// The measure that a shown training job came to.
fn measure(shown: &Value) -> f64 {
    let metric = &shown["FinalHyperParameterTuningJobObjectiveMetric"];
    metric["Value"].as_f64().unwrap_or(f64::NEG_INFINITY)
}

/// Why a tuning job has failed, if no training job told its measure.
fn no_objective(body: &Value, tried: usize) -> Option<String> {
    let none = body["ObjectiveStatusCounters"]["Succeeded"] == 0;
    none.then(|| {
        format!(
            "No objective metrics found after running {tried} training jobs. Please ensure that \
             the custom algorithm is emitting the objective metric as defined by the regular \
             expression provided."
        )
    })
}

/// The request of a training job with these values.
fn training(body: &Value, values: &Map<String, Value>) -> Value {
    let definition = &body["TrainingJobDefinition"];
    let mut request = picked(definition, &DEFINED);
    let tuned = &definition["HyperParameterTuningResourceConfig"];
    if tuned.is_object() {
        let mut resources = tuned.clone();
        if let Some(members) = resources.as_object_mut() {
            members.retain(|name, _| {
                !matches!(name.as_str(), "AllocationStrategy" | "InstanceConfigs")
            });
        }
        request.insert("ResourceConfig".to_owned(), resources);
    }
    let mut parameters = definition["StaticHyperParameters"].as_object().cloned();
    let parameters = parameters.get_or_insert_default();
    let metric = &objective(body)["MetricName"];
    // The service tells the algorithm what it is tuned for.
    parameters.insert("_tuning_objective_metric".to_owned(), metric.clone());
    parameters.extend(values.clone());
    request.insert("HyperParameters".to_owned(), json!(parameters));
    let mut algorithm = definition["AlgorithmSpecification"].clone();
    if let Some(members) = algorithm.as_object_mut() {
        members.retain(|_, value| !value.is_null());
    }
    request.insert("AlgorithmSpecification".to_owned(), algorithm);
    Value::Object(request)
}

/// What a tuning job shows of one of its training jobs.
fn shown(job: &Value, values: &Map<String, Value>, objective: &Value) -> Value {
    let mut shown = picked(job, &SHOWN);
    shown.insert("TunedHyperParameters".to_owned(), json!(values));
    let name = &objective["MetricName"];
    let mut metrics = items(job, "FinalMetricDataList").iter();
    let value = metrics.find(|metric| metric["MetricName"] == *name);
    let status = match (value, text(job, "TrainingJobStatus")) {
        (Some(_), "Completed") => "Succeeded",
        (_, "InProgress" | "Stopping") => "Pending",
        _ => "Failed",
    };
    shown.insert("ObjectiveStatus".to_owned(), json!(status));
    if let (Some(metric), "Succeeded") = (value, status) {
        let metric = json!({
            "Type": objective["Type"],
            "MetricName": name,
            "Value": metric["Value"],
        });
        shown.insert(
            "FinalHyperParameterTuningJobObjectiveMetric".to_owned(),
            metric,
        );
    }
    Value::Object(shown)
}
