//! Application Auto Scaling: what counts the instances of a variant, within bounds.

use serde_json::{Value, json};

use super::World;
use super::kind::Id;
use super::list::paged;
use super::metrics::tracking::{self, Target};
use super::operations::Operation;
use super::records::{Key, Record, State};
use super::request::{Refusal, Reply, Request, default, epoch, items, text};
use super::window::{Rank, Window};
use crate::resource::call::{Call, Scope};
use crate::resource::canonical::sha256;

/// Targets or policies of a page.
const PAGE: usize = 50;

const DIMENSION: &str = "sagemaker:variant:DesiredInstanceCount";

/// The operations of Application Auto Scaling.
pub(super) const OPERATIONS: &[Operation] = &[
    Operation::special("RegisterScalableTarget", World::register_target),
    Operation::special("DescribeScalableTargets", |world, request| {
        world.describe_targets(request)
    }),
    Operation::special("DeregisterScalableTarget", World::deregister_target),
    Operation::special("PutScalingPolicy", World::put_policy),
    Operation::special("DescribeScalingPolicies", |world, request| {
        world.describe_policies(request)
    }),
    Operation::special("DeleteScalingPolicy", World::delete_policy),
];

impl World {
    pub(super) fn register_target(&mut self, request: &Request<'_>) -> Reply {
        let resource = request.text("ResourceId");
        let (endpoint, variant) = parts(request)?;
        let key = Key::new(Id::ScalableTarget, request.scope, resource);
        let old = self.records.get(&key).map(|record| record.body.clone());
        let bound = |member: &str| {
            let old = old.as_ref().and_then(|old| old[member].as_i64());
            request.get(member).and_then(Value::as_i64).or(old)
        };
        let (Some(min), Some(max)) = (bound("MinCapacity"), bound("MaxCapacity")) else {
            return Err(Refusal::invalid(
                "MinCapacity and MaxCapacity are required to register a new scalable target",
            ));
        };
        if min > max || min < 0 {
            return Err(Refusal::invalid(
                "Maximum capacity cannot be less than minimum capacity",
            ));
        }
        if self.variant(request.scope, endpoint, variant).is_none() {
            return Err(Refusal::invalid(format!(
                "SageMaker variant doesn't exist: {resource}"
            )));
        }
        let account = &request.scope.account;
        let arn = Id::ScalableTarget.kind().arn(request.scope, resource);
        let mut body = old.clone().unwrap_or_else(|| {
            json!({
                "ServiceNamespace": "sagemaker",
                "ResourceId": resource,
                "ScalableDimension": DIMENSION,
                "RoleARN": format!(
                    "arn:{}:iam::{account}:role/aws-service-role/\
                     sagemaker.application-autoscaling.amazonaws.com/\
                     AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint",
                    request.scope.partition()
                ),
                "CreationTime": epoch(request.now),
                "ScalableTargetARN": arn,
                "SuspendedState": {
                    "DynamicScalingInSuspended": false,
                    "DynamicScalingOutSuspended": false,
                    "ScheduledScalingSuspended": false,
                },
            })
        });
        body["MinCapacity"] = min.into();
        body["MaxCapacity"] = max.into();
        for (member, value) in request
            .get("SuspendedState")
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
        {
            body["SuspendedState"][member] = value.clone();
        }
        if old.is_none() {
            let tags = request.get("Tags").cloned().unwrap_or_default();
            self.put_tags(&arn, &listed(&tags))?;
        }
        self.shelve(key, request, resource, body);
        Ok(json!({"ScalableTargetARN": arn}))
    }

    pub(super) fn describe_targets(&self, request: &Request<'_>) -> Reply {
        let ids = request
            .get("ResourceIds")
            .map(|_| request.items("ResourceIds"));
        let takes = |record: &&Record| {
            ids.is_none_or(|ids| ids.contains(&record.name.as_str().into()))
                && wanted(request, "ScalableDimension", &record.body)
                && wanted(request, "ServiceNamespace", &record.body)
        };
        self.page_of(Id::ScalableTarget, "ScalableTargets", takes, request)
    }

    pub(super) fn deregister_target(&mut self, request: &Request<'_>) -> Reply {
        let resource = request.text("ResourceId");
        let key = Key::new(Id::ScalableTarget, request.scope, resource);
        if self.records.get(&key).is_none() {
            return Err(missing("No scalable target found for", request));
        }
        let policies = self.records.under(Id::ScalingPolicy, request.scope, "");
        let policies: Vec<_> = policies
            .filter(|record| record.body["ResourceId"] == resource)
            .map(|record| record.name.clone())
            .collect();
        for policy in policies {
            self.drop_policy(request.scope, &policy);
        }
        self.drop_record(&key);
        Ok(json!({}))
    }

    pub(super) fn put_policy(&mut self, request: &Request<'_>) -> Reply {
        let resource = request.text("ResourceId");
        parts(request)?;
        let target = Key::new(Id::ScalableTarget, request.scope, resource);
        if self.records.get(&target).is_none() {
            return Err(missing("No scalable target registered for", request));
        }
        let (policy, kind) = (request.text("PolicyName"), request.text("PolicyType"));
        let name = format!("{resource}/{policy}");
        let key = Key::new(Id::ScalingPolicy, request.scope, &name);
        let old = self.records.get(&key).map(|record| record.body.clone());
        let mut body = request.object();
        default(&mut body, "PolicyType", "StepScaling");
        let config = match text(&body, "PolicyType") {
            "TargetTrackingScaling" => "TargetTrackingScalingPolicyConfiguration",
            "PredictiveScaling" => "PredictiveScalingPolicyConfiguration",
            _ => "StepScalingPolicyConfiguration",
        };
        if body.get(config).is_none() {
            return Err(Refusal::invalid(format!("{config} is required for {kind}")));
        }
        let hash = sha256(name.as_bytes());
        let arn = format!(
            "arn:{}:autoscaling:{}:{}:scalingPolicy:{}:resource/sagemaker/{resource}:\
             policyName/{policy}",
            request.scope.partition(),
            request.scope.region,
            request.scope.account,
            &hash[..32]
        );
        body["PolicyARN"] = arn.as_str().into();
        let alarms = self.tracking_alarms(request.scope, &body);
        body["Alarms"] = alarms.clone();
        body["CreationTime"] = old
            .as_ref()
            .map_or_else(|| epoch(request.now), |old| old["CreationTime"].clone());
        self.shelve(key, request, &name, body);
        Ok(json!({"PolicyARN": arn, "Alarms": alarms}))
    }

    /// The alarms that a policy makes for itself, if it follows a target.
    fn tracking_alarms(&mut self, scope: &Scope, policy: &Value) -> Value {
        let Some(target) = Target::of(policy) else {
            return json!([]);
        };
        let (resource, arn) = (text(policy, "ResourceId"), text(policy, "PolicyARN"));
        let hash = sha256(arn.as_bytes());
        let alarms = ["AlarmHigh", "AlarmLow"].map(|side| {
            let name = format!("TargetTracking-{resource}-{side}-{}", &hash[..8]);
            let put = tracking::alarm(&target, &name, side, arn);
            let made = self.answer(&Call::new("PutMetricAlarm", scope, put));
            debug_assert!(made.is_ok(), "{made:?}");
            json!({"AlarmName": name, "AlarmARN": Id::Alarm.kind().arn(scope, &name)})
        });
        alarms.into_iter().collect()
    }

    pub(super) fn describe_policies(&self, request: &Request<'_>) -> Reply {
        let names = request
            .get("PolicyNames")
            .map(|_| request.items("PolicyNames"));
        let takes = |record: &&Record| {
            names.is_none_or(|names| names.contains(&record.body["PolicyName"]))
                && ["ResourceId", "ScalableDimension", "ServiceNamespace"]
                    .iter()
                    .all(|member| wanted(request, member, &record.body))
        };
        self.page_of(Id::ScalingPolicy, "ScalingPolicies", takes, request)
    }

    pub(super) fn delete_policy(&mut self, request: &Request<'_>) -> Reply {
        let name = format!(
            "{}/{}",
            request.text("ResourceId"),
            request.text("PolicyName")
        );
        if !self.drop_policy(request.scope, &name) {
            return Err(missing("No scaling policy found for", request));
        }
        Ok(json!({}))
    }

    fn drop_policy(&mut self, scope: &Scope, name: &str) -> bool {
        let key = Key::new(Id::ScalingPolicy, scope, name);
        let Some(record) = self.records.get(&key) else {
            return false;
        };
        let alarms = items(&record.body, "Alarms").to_vec();
        for alarm in alarms {
            self.drop_record(&Key::new(Id::Alarm, scope, text(&alarm, "AlarmName")));
        }
        self.drop_record(&key);
        true
    }

    fn page_of(
        &self,
        id: Id,
        member: &'static str,
        takes: impl Fn(&&Record) -> bool,
        request: &Request<'_>,
    ) -> Reply {
        let found = self.records.under(id, request.scope, "").filter(takes);
        let found = found.map(|record| ((Rank::Text(record.name.clone()), 0), record.body.clone()));
        let (page, next) = Window::ascending(request, "MaxResults", PAGE)?.whole(found)?;
        Ok(paged(member, page, next))
    }

    /// Puts a record in place of the one of its key.
    fn shelve(&mut self, key: Key, request: &Request<'_>, name: &str, body: Value) {
        if let Some(record) = self.records.get_mut(&key) {
            record.body = body;
            return;
        }
        let record = Record {
            seq: self.next(),
            scope: request.scope.clone(),
            name: name.to_owned(),
            body,
            state: State::Plain,
        };
        self.records.insert(&key, record);
    }

    /// A variant of an endpoint.
    pub(super) fn variant(&self, scope: &Scope, endpoint: &str, variant: &str) -> Option<&Value> {
        let record = self.records.get(&Key::new(Id::Endpoint, scope, endpoint))?;
        let variants = items(&record.body, "ProductionVariants");
        variants
            .iter()
            .find(|one| text(one, "VariantName") == variant)
    }

    /// Whether the instances of a variant are counted by their load.
    fn is_scaled(&self, scope: &Scope, endpoint: &str, variant: &str) -> bool {
        let resource = format!("endpoint/{endpoint}/variant/{variant}");
        let key = Key::new(Id::ScalableTarget, scope, &resource);
        self.records.get(&key).is_some()
    }

    /// Refuses to take variants away whose instances are counted by their load.
    pub(super) fn refuse_scaled<'a>(
        &self,
        op: &str,
        scope: &Scope,
        endpoint: &str,
        mut variants: impl Iterator<Item = &'a str>,
    ) -> Result<(), Refusal> {
        if variants.any(|variant| self.is_scaled(scope, endpoint, variant)) {
            return Err(Refusal::invalid(format!(
                "An Application AutoScaling scalable target exists for a variant being deleted, \
                 and the IAM identity used to invoke {op} does not have \
                 application-autoscaling:DeregisterScalableTarget permission."
            )));
        }
        Ok(())
    }

    /// Refuses an update that takes away, or puts on other instances, what is counted by its load.
    pub(super) fn check_scaled(
        &self,
        scope: &Scope,
        body: &Value,
        config: &str,
    ) -> Result<(), Refusal> {
        let endpoint = text(body, "EndpointName");
        let before = self.types(scope, text(body, "EndpointConfigName"));
        let after = self.types(scope, config);
        let variants = items(body, "ProductionVariants").iter();
        let names = variants.map(|one| text(one, "VariantName"));
        let gone = names.clone().filter(|name| !after.contains_key(*name));
        self.refuse_scaled("UpdateEndpoint", scope, endpoint, gone)?;
        for name in names {
            if before.get(name) != after.get(name) && self.is_scaled(scope, endpoint, name) {
                return Err(Refusal::invalid(format!(
                    "The instance type of variant {name} cannot be changed while it is a target \
                     for automatic scaling."
                )));
            }
        }
        Ok(())
    }

    /// Sets the number of instances of a variant as its load would, within its bounds. `false`:
    /// nothing counts it by its load, or it is in motion.
    pub fn scale(&mut self, scope: &Scope, endpoint: &str, variant: &str, wanted: u64) -> bool {
        let resource = format!("endpoint/{endpoint}/variant/{variant}");
        let key = Key::new(Id::ScalableTarget, scope, &resource);
        let Some(target) = self.records.get(&key) else {
            return false;
        };
        let bound = |member: &str| target.body[member].as_u64().unwrap_or(0);
        let (min, max) = (bound("MinCapacity"), bound("MaxCapacity"));
        let body = json!({"EndpointName": endpoint, "DesiredWeightsAndCapacities":
            [{"VariantName": variant, "DesiredInstanceCount": wanted.max(min).min(max)}]});
        let call = Call::new("UpdateEndpointWeightsAndCapacities", scope, body);
        self.answer(&call).is_ok()
    }
}

/// Endpoint and variant of a request's resource.
fn parts<'a>(request: &'a Request<'_>) -> Result<(&'a str, &'a str), Refusal> {
    let mut parts = request.text("ResourceId").split('/');
    let known = request.text("ServiceNamespace") == "sagemaker"
        && request.text("ScalableDimension") == DIMENSION;
    match (
        parts.next(),
        parts.next(),
        parts.next(),
        parts.next(),
        parts.next(),
    ) {
        (Some("endpoint"), Some(endpoint), Some("variant"), Some(variant), None) if known => {
            Ok((endpoint, variant))
        }
        _ => Err(Refusal::invalid(
            "Unsupported service namespace, resource type or scalable dimension",
        )),
    }
}

fn wanted(request: &Request<'_>, member: &str, body: &Value) -> bool {
    request
        .get(member)
        .is_none_or(|value| body[member] == *value)
}

fn missing(what: &str, request: &Request<'_>) -> Refusal {
    Refusal::new(
        "ObjectNotFoundException",
        format!(
            "{what} service namespace: {}, resource ID: {}, scalable dimension: {}",
            request.text("ServiceNamespace"),
            request.text("ResourceId"),
            request.text("ScalableDimension")
        ),
    )
}

/// A map of tags as a list.
pub(super) fn listed(tags: &Value) -> Vec<Value> {
    let pairs = tags.as_object().into_iter().flatten();
    pairs
        .map(|(key, value)| json!({"Key": key, "Value": value}))
        .collect()
}
