//! A deployment: new fleets come up beside the old ones, and either take over or vanish.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::World;
use super::endpoint::{forget, set_status};
use super::records::Key;
use super::request::{Refusal, cut, epoch, items, text};
use super::traffic::{self, Phase, Steps};
use super::variants::{captured, image, put_or_forget, settle, summary};
use super::work::{Fleet, WorkId};
use crate::clock::{SignedDuration, Timestamp};

/// Characters of a `FailureReason`.
const REASON_MAX: usize = 1024;

/// A variant's fleet.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Placed {
    pub(super) variant: String,
    pub(super) fleet: WorkId,
    /// Whether it came up.
    up: bool,
}

/// What is going on with an endpoint, and until when at least.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) enum Change {
    Deploy(Box<Deployment>),
    Weights(Timestamp),
    Delete(Timestamp),
}

/// A config that is to be served.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Deployment {
    /// The config's name.
    config: String,
    /// Whether the endpoint is new: then there is nothing to go back to.
    pub(super) create: bool,
    /// Not done before this.
    due: Timestamp,
    /// The new fleets.
    fleets: Vec<Placed>,
    /// Variants by name with their containers, until their fleets are asked for.
    containers: Vec<(String, Value)>,
    /// Variants as Describe will show them.
    variants: Vec<Value>,
    shadows: Vec<Value>,
    /// Data capture in the shape of the config.
    pub(super) capture: Option<Value>,
    /// The config's part for asynchronous inference.
    asynchronous: Option<Value>,
    /// The request's `DeploymentConfig`.
    pub(super) policy: Option<Value>,
    /// In which steps traffic moves.
    pub(super) steps: Steps,
    /// Where it stands.
    phase: Phase,
    /// When it is given up.
    expires: Option<Timestamp>,
    /// Instance types by variant.
    types: Vec<(String, String)>,
    /// Why its fleets cannot come up.
    doomed: Option<String>,
}

impl Deployment {
    /// What serving `config` takes. `container` finds the container of a model.
    pub(super) fn plan(
        config: &Value,
        now: Timestamp,
        container: impl Fn(&str) -> Result<Value, Refusal>,
    ) -> Result<Self, Refusal> {
        let mut plan = Self {
            config: text(config, "EndpointConfigName").to_owned(),
            create: false,
            due: now,
            fleets: Vec::new(),
            containers: Vec::new(),
            variants: Vec::new(),
            shadows: Vec::new(),
            capture: config.get("DataCaptureConfig").cloned(),
            asynchronous: config.get("AsyncInferenceConfig").cloned(),
            policy: None,
            steps: Steps::of(None, 1)?,
            phase: Phase::Starting,
            expires: None,
            types: Vec::new(),
            doomed: None,
        };
        for member in ["ProductionVariants", "ShadowProductionVariants"] {
            for variant in items(config, member) {
                let mut shown = summary(variant);
                let types = ["VariantName", "InstanceType"].map(|name| text(variant, name));
                plan.types.push(types.map(str::to_owned).into());
                let model = text(variant, "ModelName");
                if !model.is_empty() {
                    let container = container(model)?;
                    shown["DeployedImages"] = json!([image(text(&container, "Image"), now)]);
                    let name = text(variant, "VariantName").to_owned();
                    plan.containers.push((name, container));
                }
                if member == "ProductionVariants" {
                    plan.variants.push(shown);
                } else {
                    plan.shadows.push(shown);
                }
            }
        }
        Ok(plan)
    }

    /// Reads the request's `DeploymentConfig`.
    pub(super) fn with_policy(mut self, policy: Option<Value>) -> Result<Self, Refusal> {
        let counts = self.variants.iter();
        let counts = counts.filter_map(|variant| variant["DesiredInstanceCount"].as_u64());
        let smallest = counts.min().unwrap_or(1);
        self.steps = Steps::of(policy.as_ref(), smallest)?;
        if self.steps.rolling && self.variants.len() > 1 {
            return Err(Refusal::invalid(
                "A rolling update is supported for endpoints with one production variant only.",
            ));
        }
        self.policy = policy;
        Ok(self)
    }

    /// The share of the traffic that the new fleets have, in percent.
    pub(super) fn share(&self) -> u32 {
        match &self.phase {
            Phase::Watching { taken, .. } => self.steps.share(*taken),
            Phase::Starting | Phase::Returning { .. } => 0,
        }
    }

    /// The name of the config.
    pub(super) fn config(&self) -> &str {
        &self.config
    }

    /// The new fleet of a variant.
    pub(super) fn fleet(&self, variant: &str) -> Option<WorkId> {
        let placed = self.fleets.iter().find(|placed| placed.variant == variant);
        placed.map(|placed| placed.fleet)
    }

    /// Instances by type that it needs besides those that serve.
    pub(super) fn instances(&self) -> impl Iterator<Item = (&str, u64)> {
        let all = self.variants.iter().chain(&self.shadows);
        all.filter_map(|variant| {
            let count = variant["DesiredInstanceCount"].as_u64()?;
            let name = text(variant, "VariantName");
            let (_, kind) = self.types.iter().find(|(one, _)| one == name)?;
            Some((kind.as_str(), count))
        })
    }

    /// A variant, as it will be shown.
    fn shown(&self, variant: &str) -> &Value {
        let mut all = self.variants.iter().chain(&self.shadows);
        all.find(|one| text(one, "VariantName") == variant)
            .unwrap_or(&Value::Null)
    }

    /// The variants that will serve.
    pub(super) fn variants(&self) -> &[Value] {
        &self.variants
    }

    /// The variants as they will be shown.
    pub(super) fn variants_mut(&mut self) -> &mut [Value] {
        &mut self.variants
    }

    fn pending(&self, now: Timestamp) -> Value {
        let pending = |variants: &[Value]| -> Vec<Value> {
            variants
                .iter()
                .map(|variant| {
                    let mut variant = variant.clone();
                    if variant.get("CurrentInstanceCount").is_some() {
                        variant["CurrentInstanceCount"] = json!(0);
                    }
                    variant["CurrentWeight"] = json!(0.0);
                    variant["VariantStatus"] =
                        json!([{"Status": "Creating", "StartTime": epoch(now)}]);
                    variant
                })
                .collect()
        };
        let mut summary = json!({
            "EndpointConfigName": self.config,
            "ProductionVariants": pending(&self.variants),
            "StartTime": epoch(now),
        });
        if !self.shadows.is_empty() {
            summary["ShadowProductionVariants"] = Value::from(pending(&self.shadows));
        }
        summary
    }
}

/// The instances of a variant; one where they are not counted.
fn instances(variant: &Value) -> u64 {
    variant["DesiredInstanceCount"].as_u64().unwrap_or(1)
}

/// Requests at a time, where a variant is serverless.
fn at_once(variant: &Value) -> Option<u64> {
    variant["DesiredServerlessConfig"]["MaxConcurrency"].as_u64()
}

impl World {
    /// Starts a deployment: asks for its fleets.
    pub(super) fn deploy(&mut self, key: &Key, mut plan: Deployment) {
        let Some(record) = self.records.get(key) else {
            return;
        };
        let (scope, endpoint) = (record.scope.clone(), record.name.clone());
        plan.doomed = self
            .settings
            .starved(plan.instances())
            .or_else(|| self.settings.ill(&endpoint));
        let containers = std::mem::take(&mut plan.containers);
        for (variant, container) in containers.into_iter().filter(|_| plan.doomed.is_none()) {
            let fleet = self.next_work();
            let shown = plan.shown(&variant);
            let (count, serverless) = (instances(shown), at_once(shown));
            plan.fleets.push(Placed {
                variant: variant.clone(),
                fleet,
                up: false,
            });
            self.works.serve(
                key.clone(),
                Fleet {
                    id: fleet,
                    scope: scope.clone(),
                    endpoint: endpoint.clone(),
                    variant,
                    container,
                    count,
                    serverless,
                },
            );
        }
        let (pace, status) = if plan.create {
            (self.pace.endpoint_create, "Creating")
        } else {
            (self.pace.endpoint_update, "Updating")
        };
        plan.due = self.set_timer(pace, key);
        plan.expires = plan.steps.most.map(|most| self.set_timer(most, key));
        let now = self.now;
        if let Some((body, state)) = self.endpoint_mut(key) {
            set_status(body, status, now);
            forget(body, "FailureReason");
            body["PendingDeploymentSummary"] = plan.pending(now);
            state.change = Some(Change::Deploy(Box::new(plan)));
        }
    }

    /// A fleet came up, or failed to.
    pub(super) fn fleet_done(&mut self, id: WorkId, failure: Option<String>) {
        let Some(key) = self.works.fleet(id).cloned() else {
            return;
        };
        let Some((_, state)) = self.endpoint_mut(&key) else {
            return;
        };
        let Some(Change::Deploy(deployment)) = &mut state.change else {
            return;
        };
        let Some(placed) = deployment
            .fleets
            .iter_mut()
            .find(|placed| placed.fleet == id)
        else {
            return;
        };
        match failure {
            None => {
                placed.up = true;
                self.deployment_step(&key);
            }
            Some(reason) if !placed.up => {
                let reason = explained(&placed.variant, &reason);
                self.deployment_failed(&key, &reason);
            }
            // It was up and is being restarted by whoever runs it.
            Some(_) => {}
        }
    }

    /// Takes a deployment as far as it can go by now.
    pub(super) fn deployment_step(&mut self, key: &Key) {
        while self.deployment_turn(key) {}
    }

    /// One turn of it; whether there may be another.
    fn deployment_turn(&mut self, key: &Key) -> bool {
        let now = self.now;
        let firing = self.firing(key);
        let Some((_, state)) = self.endpoint_mut(key) else {
            return false;
        };
        let Some(Change::Deploy(deployment)) = &state.change else {
            return false;
        };
        let phase = deployment.phase.clone();
        let expired = deployment.expires.is_some_and(|expires| expires <= now);
        match phase {
            Phase::Returning { until, reason } => {
                if until <= now {
                    self.deployment_failed(key, &reason);
                }
                false
            }
            _ if expired => {
                let reason = "The deployment took longer than MaximumExecutionTimeoutInSeconds \
                              and was rolled back.";
                self.go_back(key, reason.to_owned());
                false
            }
            Phase::Starting if deployment.due > now => false,
            Phase::Starting if deployment.doomed.is_some() => {
                let reason = deployment.doomed.clone().unwrap_or_default();
                self.deployment_failed(key, &reason);
                false
            }
            Phase::Starting if !deployment.fleets.iter().all(|placed| placed.up) => false,
            _ if firing.is_some() && !deployment.create => {
                let alarm = firing.unwrap_or_default();
                let reason = format!(
                    "The deployment was rolled back because the CloudWatch alarm {alarm} was in \
                     ALARM state."
                );
                self.go_back(key, reason);
                false
            }
            Phase::Starting => self.shift(key, 1),
            Phase::Watching { until, .. } if until > now => false,
            Phase::Watching { taken, .. } if deployment.steps.are_all(taken) => {
                self.deployment_done(key);
                false
            }
            Phase::Watching { taken, .. } => self.shift(key, taken + 1),
        }
    }

    /// Moves traffic one step on.
    fn shift(&mut self, key: &Key, taken: usize) -> bool {
        let Some((_, state)) = self.endpoint_mut(key) else {
            return false;
        };
        let Some(Change::Deploy(deployment)) = &state.change else {
            return false;
        };
        let steps = deployment.steps.clone();
        let wait = steps.wait(taken).min(self.pace.traffic_wait_most);
        let until = if wait > SignedDuration::ZERO {
            self.set_timer(wait, key)
        } else {
            self.now
        };
        let now = self.now;
        if let Some((body, state)) = self.endpoint_mut(key)
            && let Some(Change::Deploy(deployment)) = &mut state.change
        {
            deployment.phase = Phase::Watching { taken, until };
            if !deployment.create {
                traffic::show(body, &steps, steps.share(taken), "Baking", now);
            }
        }
        true
    }

    /// Takes traffic back from the new fleets at once; they go a little later.
    fn go_back(&mut self, key: &Key, reason: String) {
        let until = self.set_timer(self.pace.endpoint_weights, key);
        let now = self.now;
        if let Some((body, state)) = self.endpoint_mut(key)
            && let Some(Change::Deploy(deployment)) = &mut state.change
        {
            deployment.phase = Phase::Returning { until, reason };
            let steps = deployment.steps.clone();
            traffic::show(body, &steps, 0, "Deleting", now);
        }
    }

    /// The alarm in the state `ALARM` that the deployment of an endpoint is watched by.
    fn firing(&self, key: &Key) -> Option<String> {
        let (record, state) = self.endpoint(key)?;
        let Some(Change::Deploy(deployment)) = &state.change else {
            return None;
        };
        traffic::alarms(deployment.policy.as_ref())
            .find(|name| self.is_in_alarm(&record.scope, name))
            .map(str::to_owned)
    }

    /// Everything is moved: the new fleets are what serves.
    fn deployment_done(&mut self, key: &Key) {
        let now = self.now;
        let Some((body, state)) = self.endpoint_mut(key) else {
            return;
        };
        let Some(Change::Deploy(deployment)) = state.change.take() else {
            return;
        };
        let Deployment {
            config,
            fleets,
            variants,
            shadows,
            capture,
            asynchronous,
            policy,
            ..
        } = *deployment;
        body["EndpointConfigName"] = Value::from(config);
        body["ProductionVariants"] = Value::from(variants);
        put_or_forget(
            body,
            "ShadowProductionVariants",
            (!shadows.is_empty()).then(|| Value::from(shadows)),
        );
        put_or_forget(body, "DataCaptureConfig", capture.as_ref().map(captured));
        put_or_forget(body, "AsyncInferenceConfig", asynchronous);
        if policy.is_some() {
            put_or_forget(body, "LastDeploymentConfig", policy);
        }
        forget(body, "PendingDeploymentSummary");
        settle(body);
        set_status(body, "InService", now);
        state.capture = capture;
        let old = std::mem::replace(&mut state.live, fleets);
        self.retire(old);
    }

    /// Gives a deployment up: a new endpoint has failed, an old one goes on with its old config and
    /// only the reason tells that anything happened.
    fn deployment_failed(&mut self, key: &Key, reason: &str) {
        let now = self.now;
        let rollback_fails = self.settings.rollback_fails;
        let Some((body, state)) = self.endpoint_mut(key) else {
            return;
        };
        let Some(Change::Deploy(deployment)) = state.change.take() else {
            return;
        };
        let status = if deployment.create {
            "Failed"
        } else if rollback_fails && deployment.steps.rolling {
            "UpdateRollbackFailed"
        } else {
            "InService"
        };
        forget(body, "PendingDeploymentSummary");
        settle(body);
        body["FailureReason"] = Value::from(cut(reason, REASON_MAX));
        set_status(body, status, now);
        self.retire(deployment.fleets);
    }
}

/// A reason in the service's words: a whole sentence of the service's is kept as it is.
fn explained(variant: &str, reason: &str) -> String {
    if reason.starts_with("The ") || reason.starts_with("Request to service failed") {
        return reason.to_owned();
    }
    format!(
        "The primary container for production variant {variant} did not pass the ping health \
         check. Please check CloudWatch logs for this endpoint. {reason}"
    )
    .trim_end()
    .to_owned()
}
