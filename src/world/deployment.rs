//! A deployment: new fleets come up beside the old ones, and either take over or vanish.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::World;
use super::encode::sha256_hex;
use super::endpoint::{forget, set_status};
use super::records::Key;
use super::request::{Refusal, cut, epoch, items, text};
use super::work::{Fleet, WorkId};
use crate::clock::Timestamp;

/// Characters of a FailureReason.
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
    /// The request's DeploymentConfig.
    pub(super) policy: Option<Value>,
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
        };
        for member in ["ProductionVariants", "ShadowProductionVariants"] {
            for variant in items(config, member) {
                let mut shown = summary(variant);
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

impl World {
    /// Starts a deployment: asks for its fleets.
    pub(super) fn deploy(&mut self, key: &Key, mut plan: Deployment) {
        let Some(record) = self.records.get(key) else {
            return;
        };
        let (scope, endpoint) = (record.scope.clone(), record.name.clone());
        for (variant, container) in std::mem::take(&mut plan.containers) {
            let fleet = self.next_work();
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
                },
            );
        }
        let (pace, status) = if plan.create {
            (self.pace.endpoint_create, "Creating")
        } else {
            (self.pace.endpoint_update, "Updating")
        };
        plan.due = self.set_timer(pace, key);
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

    /// Ends a deployment whose fleets are all up, if its time has come.
    pub(super) fn deployment_step(&mut self, key: &Key) {
        let now = self.now;
        let Some((body, state)) = self.endpoint_mut(key) else {
            return;
        };
        let ready = matches!(&state.change, Some(Change::Deploy(deployment))
            if deployment.due <= now && deployment.fleets.iter().all(|placed| placed.up));
        if !ready {
            return;
        }
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
        let Some((body, state)) = self.endpoint_mut(key) else {
            return;
        };
        let Some(Change::Deploy(deployment)) = state.change.take() else {
            return;
        };
        let status = if deployment.create {
            "Failed"
        } else {
            "InService"
        };
        forget(body, "PendingDeploymentSummary");
        body["FailureReason"] = Value::from(cut(reason, REASON_MAX));
        set_status(body, status, now);
        self.retire(deployment.fleets);
    }
}

/// A variant of a config as Describe shows it once it serves.
fn summary(variant: &Value) -> Value {
    let weight = variant["InitialVariantWeight"].as_f64().unwrap_or(1.0);
    let mut shown = json!({
        "VariantName": variant["VariantName"],
        "CurrentWeight": weight,
        "DesiredWeight": weight,
    });
    if let Some(count) = variant.get("InitialInstanceCount") {
        shown["CurrentInstanceCount"] = count.clone();
        shown["DesiredInstanceCount"] = count.clone();
    }
    if let Some(config) = variant.get("ServerlessConfig") {
        shown["CurrentServerlessConfig"] = config.clone();
        shown["DesiredServerlessConfig"] = config.clone();
    }
    for member in ["ManagedInstanceScaling", "RoutingConfig"] {
        if let Some(value) = variant.get(member) {
            shown[member] = value.clone();
        }
    }
    shown
}

/// An image as deployed: its tag resolved to a digest.
fn image(image: &str, now: Timestamp) -> Value {
    let resolved = if image.contains("@sha256:") {
        image.to_owned()
    } else {
        let name = image.rfind(':').filter(|at| !image[*at..].contains('/'));
        format!(
            "{}@sha256:{}",
            &image[..name.unwrap_or(image.len())],
            sha256_hex(image.as_bytes())
        )
    };
    json!({"SpecifiedImage": image, "ResolvedImage": resolved, "ResolutionTime": epoch(now)})
}

/// Data capture of a config as Describe of an endpoint shows it.
fn captured(config: &Value) -> Value {
    let on = config["EnableCapture"] == true;
    json!({
        "EnableCapture": on,
        "CaptureStatus": if on { "Started" } else { "Stopped" },
        "CurrentSamplingPercentage": config["InitialSamplingPercentage"],
        "DestinationS3Uri": config["DestinationS3Uri"],
        "KmsKeyId": text(config, "KmsKeyId"),
    })
}

/// Keeps counts and weights of the variants that have the same name as now.
pub(super) fn retain(plan: &mut Deployment, body: &Value, kept: impl Fn(&str) -> bool) {
    for variant in &mut plan.variants {
        let name = text(variant, "VariantName").to_owned();
        let now = items(body, "ProductionVariants")
            .iter()
            .find(|one| text(one, "VariantName") == name);
        let Some(now) = now else { continue };
        for (property, current) in [
            ("DesiredInstanceCount", "CurrentInstanceCount"),
            ("DesiredWeight", "CurrentWeight"),
        ] {
            if let (true, Some(value), true) = (
                kept(property),
                now.get(property),
                variant.get(property).is_some(),
            ) {
                variant[property] = value.clone();
                variant[current] = value.clone();
            }
        }
    }
}

/// Writes what one variant is wished to be.
pub(super) fn wish(body: &mut Value, wish: &Value) {
    let name = text(wish, "VariantName");
    let variants = body["ProductionVariants"].as_array_mut();
    for variant in variants.into_iter().flatten() {
        if text(variant, "VariantName") != name {
            continue;
        }
        if let Some(weight) = wish.get("DesiredWeight").and_then(Value::as_f64) {
            variant["DesiredWeight"] = json!(weight);
        }
        if let Some(count) = wish.get("DesiredInstanceCount") {
            variant["DesiredInstanceCount"] = count.clone();
        }
        for (member, value) in wish
            .get("ServerlessUpdateConfig")
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
        {
            variant["DesiredServerlessConfig"][member] = value.clone();
        }
    }
}

/// What was desired is now current.
pub(super) fn settle(body: &mut Value) {
    let variants = body["ProductionVariants"].as_array_mut();
    for variant in variants.into_iter().flatten() {
        for (current, desired) in [
            ("CurrentWeight", "DesiredWeight"),
            ("CurrentInstanceCount", "DesiredInstanceCount"),
            ("CurrentServerlessConfig", "DesiredServerlessConfig"),
        ] {
            if let Some(value) = variant.get(desired).cloned() {
                variant[current] = value;
            }
        }
    }
}

fn put_or_forget(body: &mut Value, member: &str, value: Option<Value>) {
    match value {
        Some(value) => body[member] = value,
        None => forget(body, member),
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
