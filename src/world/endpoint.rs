//! Endpoints: what may be asked of them, and when.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::World;
use super::deployment::{Change, Deployment, Placed};
use super::kind::Id;
use super::records::{Key, Record, State};
use super::request::{Refusal, Reply, Request, epoch, items, text};
use super::variants;
use crate::clock::Timestamp;
use crate::resource::call::Scope;

/// What an endpoint remembers besides its Describe.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct EndpointState {
    /// The fleets that serve.
    pub(super) live: Vec<Placed>,
    /// The data capture in effect, in the shape of an endpoint config's.
    pub(super) capture: Option<Value>,
    /// What is going on.
    pub(super) change: Option<Change>,
}

impl World {
    pub(super) fn create_endpoint(&mut self, request: &Request<'_>) -> Reply {
        let kind = Id::Endpoint.kind();
        let (name, config) = (
            request.text("EndpointName"),
            request.text("EndpointConfigName"),
        );
        self.free(kind, request.scope, name)?;
        let plan = self.plan(request.scope, config)?;
        let policy = request.get("DeploymentConfig").cloned();
        self.check_alarms(request.scope, policy.as_ref())?;
        let mut plan = plan.with_policy(policy)?;
        plan.create = true;
        self.check_quota(request.scope, plan.instances())?;
        let body = json!({
            "EndpointName": name,
            "EndpointConfigName": config,
            "EndpointStatus": "Creating",
            "LastModifiedTime": epoch(request.now),
        });
        let state = State::Endpoint(EndpointState::default());
        let answer = self.put(kind, request, name, body, state)?;
        self.deploy(&Key::new(Id::Endpoint, request.scope, name), plan);
        Ok(answer)
    }

    pub(super) fn update_endpoint(&mut self, request: &Request<'_>) -> Reply {
        let config = request.text("EndpointConfigName");
        let (key, body) = self.settled(request)?;
        let mut plan = self.plan(request.scope, config)?;
        // The service reads the old config too: without it the endpoint cannot be updated.
        self.config(request.scope, text(&body, "EndpointConfigName"))?;
        let mut policy = request.get("DeploymentConfig").cloned();
        if request.get("RetainDeploymentConfig") == Some(&Value::Bool(true)) {
            policy = body.get("LastDeploymentConfig").cloned();
        }
        self.check_alarms(request.scope, policy.as_ref())?;
        self.check_scaled(request.scope, &body, config)?;
        if request.get("RetainAllVariantProperties") == Some(&Value::Bool(true)) {
            let excluded = request.items("ExcludeRetainedVariantProperties");
            let kept = |property: &str| {
                !excluded
                    .iter()
                    .any(|item| text(item, "VariantPropertyType") == property)
            };
            variants::retain(plan.variants_mut(), &body, kept);
            if kept("DataCaptureConfig") {
                plan.capture = self
                    .endpoint(&key)
                    .and_then(|(_, state)| state.capture.clone());
            }
        }
        let plan = plan.with_policy(policy)?;
        if !plan.steps.rolling {
            self.check_quota(request.scope, plan.instances())?;
        }
        self.deploy(&key, plan);
        Ok(json!({"EndpointArn": body["EndpointArn"]}))
    }

    pub(super) fn update_weights(&mut self, request: &Request<'_>) -> Reply {
        let (key, body) = self.settled(request)?;
        let wishes = request.items("DesiredWeightsAndCapacities");
        let variants = items(&body, "ProductionVariants");
        for wish in wishes {
            let name = text(wish, "VariantName");
            let Some(variant) = variants.iter().find(|one| text(one, "VariantName") == name) else {
                return Err(Refusal::invalid(format!(
                    "The variant name(s) \"{name}\" is/are not present within endpoint \
                     configuration \"{}\".",
                    text(&body, "EndpointConfigName")
                )));
            };
            if variant.get("DesiredInstanceCount").is_none()
                && wish.get("DesiredInstanceCount").is_some()
            {
                return Err(Refusal::invalid(format!(
                    "DesiredInstanceCount is not supported for serverless variant \"{name}\"."
                )));
            }
        }
        let more = self.more_instances(request.scope, &body, wishes);
        self.check_quota(
            request.scope,
            more.iter().map(|(kind, n)| (kind.as_str(), *n)),
        )?;
        let due = self.set_timer(self.pace.endpoint_weights, &key);
        let now = self.now;
        if let Some((body, state)) = self.endpoint_mut(&key) {
            for wish in wishes {
                variants::wish(body, wish);
            }
            set_status(body, "Updating", now);
            forget(body, "FailureReason");
            state.change = Some(Change::Weights(due));
        }
        Ok(json!({"EndpointArn": body["EndpointArn"]}))
    }

    pub(super) fn delete_endpoint(&mut self, request: &Request<'_>) -> Reply {
        let record = self.find(Id::Endpoint.kind(), request)?;
        if record.body["EndpointStatus"] != "Failed" {
            self.settled(request)?;
        }
        let names = items(&record.body, "ProductionVariants").iter();
        let names: Vec<_> = names
            .map(|one| text(one, "VariantName").to_owned())
            .collect();
        let names = names.iter().map(String::as_str);
        self.refuse_scaled("DeleteEndpoint", request.scope, &record.name, names)?;
        let key = Key::new(Id::Endpoint, request.scope, request.text("EndpointName"));
        let due = self.set_timer(self.pace.endpoint_delete, &key);
        let now = self.now;
        let mut live = Vec::new();
        if let Some((body, state)) = self.endpoint_mut(&key) {
            set_status(body, "Deleting", now);
            live = std::mem::take(&mut state.live);
            state.change = Some(Change::Delete(due));
        }
        self.retire(live);
        Ok(json!({}))
    }

    /// The endpoint that a request names, if it is one that may be changed now.
    fn settled(&self, request: &Request<'_>) -> Result<(Key, Value), Refusal> {
        let record = self.find(Id::Endpoint.kind(), request)?;
        let arn = text(&record.body, "EndpointArn");
        match text(&record.body, "EndpointStatus") {
            "InService" | "OutOfService" | "UpdateRollbackFailed" => Ok((
                Key::new(Id::Endpoint, &record.scope, &record.name),
                record.body.clone(),
            )),
            "Failed" => Err(Refusal::invalid(format!(
                "Cannot update endpoint \"{arn}\" in status Failed; it can only be deleted."
            ))),
            _ => Err(Refusal::invalid(format!(
                "Cannot update in-progress endpoint \"{arn}\"."
            ))),
        }
    }

    /// An endpoint config, or the refusal that there is none.
    pub(super) fn config(&self, scope: &Scope, name: &str) -> Result<&Value, Refusal> {
        self.records
            .get(&Key::new(Id::EndpointConfig, scope, name))
            .map(|record| &record.body)
            .filter(|body| self.settings.sees_config(body, self.now))
            .ok_or_else(|| Id::EndpointConfig.kind().missing(scope, name))
    }

    /// The record of an endpoint and its state.
    pub(super) fn endpoint(&self, key: &Key) -> Option<(&Record, &EndpointState)> {
        let record = self.records.get(key)?;
        match &record.state {
            State::Endpoint(state) => Some((record, state)),
            _ => None,
        }
    }

    /// The body and state of an endpoint, to change them.
    pub(super) fn endpoint_mut(&mut self, key: &Key) -> Option<(&mut Value, &mut EndpointState)> {
        let record = self.records.get_mut(key)?;
        match &mut record.state {
            State::Endpoint(state) => Some((&mut record.body, state)),
            _ => None,
        }
    }

    /// A timer of an endpoint has come.
    pub(super) fn endpoint_due(&mut self, key: &Key) {
        let now = self.now;
        let Some((body, state)) = self.endpoint_mut(key) else {
            return;
        };
        match &state.change {
            Some(Change::Deploy(_)) => self.deployment_step(key),
            Some(Change::Weights(due)) if *due <= now => {
                state.change = None;
                variants::settle(body);
                set_status(body, "InService", now);
                self.resize(key);
            }
            Some(Change::Delete(due)) if *due <= now => self.drop_record(key),
            _ => {}
        }
    }

    pub(super) fn retire(&mut self, fleets: impl IntoIterator<Item = Placed>) {
        for placed in fleets {
            self.works.retire(placed.fleet);
        }
    }

    /// A deployment of a config by name: every variant with its container.
    fn plan(&self, scope: &Scope, config: &str) -> Result<Deployment, Refusal> {
        let body = self.config(scope, config)?;
        Deployment::plan(body, self.now, |model| {
            self.container(scope, model).map_err(Refusal::invalid)
        })
    }
}

/// Sets the status. Every change of it moves `LastModifiedTime`, also within one instant.
pub(super) fn set_status(body: &mut Value, status: &str, now: Timestamp) {
    body["EndpointStatus"] = Value::from(status);
    let before = body["LastModifiedTime"].as_f64().unwrap_or(0.0);
    let next = epoch(now).as_f64().unwrap_or(0.0);
    let moved = if next > before {
        next
    } else {
        ((before * 1000.0).round() + 1.0) / 1000.0
    };
    body["LastModifiedTime"] = Value::from(moved);
}

/// Takes a member away.
pub(super) fn forget(body: &mut Value, member: &str) {
    if let Some(body) = body.as_object_mut() {
        body.remove(member);
    }
}
