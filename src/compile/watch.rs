//! What stands around an endpoint: alarms, topics, and what counts its instances.

use serde_json::json;

use super::alarm;
use super::serve::Serving;
use crate::config::model::{Autoscaling, Route, Variant};
use crate::resource::desired::{Key, Resource};
use crate::resource::kinds::{
    ALARM, ENDPOINT, SCALABLE_TARGET, SCALING_POLICY, SUBSCRIPTION, TOPIC,
};
use crate::resource::scalable_target::target_name;
use crate::resource::scaling_policy::policy_name;
use crate::resource::subscription::subscription_name;
use crate::resource::wire::topic_arn;

/// What a target is scaled by.
const POLICY: &str = "invocations";

impl Serving<'_> {
    /// The topics that trueup makes, each followed by its subscriptions.
    pub(super) fn topics(&self) -> Vec<Resource> {
        let routes = self.environment.notifications.routes.iter();
        let own = routes.filter(|(_, route)| route.topic_arn.is_none());
        own.flat_map(|(name, route)| self.topic(name, route))
            .collect()
    }

    fn topic(&self, route_name: &str, route: &Route) -> Vec<Resource> {
        let pointer = format!("/notifications/routes/{route_name}");
        let name = self.topic_name(route_name);
        let shown = format!("{} {}", self.subject.config.name, self.environment.name);
        let attributes = json!({"Attributes": {"DisplayName": shown}});
        let mut topic = self.resource(Key::new(&TOPIC, route_name), &TOPIC, attributes, &pointer);
        topic.stem.clone_from(&name);
        let mut resources = vec![topic];
        for (who, subscription) in &route.subscriptions {
            let protocol = subscription.protocol.name();
            let mut one = self.resource(
                Key::new(&SUBSCRIPTION, format!("{route_name}:{who}")),
                &SUBSCRIPTION,
                json!({
                    "TopicArn": topic_arn(self.scope, &name),
                    "Protocol": protocol,
                    "Endpoint": subscription.endpoint,
                }),
                &format!("{pointer}/subscriptions/{who}"),
            );
            one.stem = subscription_name(&name, protocol, &subscription.endpoint);
            one.after = vec![Key::new(&TOPIC, route_name)];
            resources.push(one);
        }
        resources
    }

    fn topic_name(&self, route: &str) -> String {
        format!("{}-{route}", self.stem())
    }

    /// The ARNs that alarms are told to.
    fn told(&self) -> Vec<String> {
        let routes = self.environment.notifications.routes.iter();
        routes
            .map(|(name, route)| {
                let own = || topic_arn(self.scope, &self.topic_name(name));
                route.topic_arn.clone().unwrap_or_else(own)
            })
            .collect()
    }

    /// The alarms that make SageMaker go back: one for each condition and variant.
    pub(super) fn rollback_alarms(&self) -> Vec<Resource> {
        let deployment = &self.environment.deployment;
        let conditions = deployment.rollout.iter().flat_map(|one| &one.rollback_on);
        let mut alarms = Vec::new();
        for (name, condition) in conditions {
            let pointer = format!("/deployment/rollout/rollback_on/{name}");
            for variant in deployment.variants.keys() {
                let mut body = alarm::body(condition, &self.stem(), variant);
                body["AlarmDescription"] = json!(format!(
                    "{}: {}. A deployment during which it goes off is taken back.",
                    self.stem(),
                    String::from(condition.clone())
                ));
                let told = self.told();
                if !told.is_empty() {
                    body["AlarmActions"] = told.into();
                }
                let role = format!("rollback:{name}:{variant}");
                let mut one = self.resource(Key::new(&ALARM, role), &ALARM, body, &pointer);
                one.stem = format!("{}-{variant}-rollback-{name}", self.stem());
                alarms.push(one);
            }
        }
        alarms
    }

    /// What counts the instances of a variant, if anything but Git does.
    pub(super) fn scaling<'v>(&'v self, variant: &'v Variant) -> Option<&'v Autoscaling> {
        let own = variant.autoscaling.as_ref();
        own.or(self.environment.deployment.autoscaling.as_ref())
    }

    /// Scalable targets and their policies.
    pub(super) fn scalings(&self) -> Vec<Resource> {
        let pointer = "/deployment/autoscaling";
        let mut resources = Vec::new();
        for (name, variant) in &self.environment.deployment.variants {
            let Some(scaling) = self.scaling(variant) else {
                continue;
            };
            let target = target_name(&self.stem(), name);
            let bounds = json!({"MinCapacity": scaling.min, "MaxCapacity": scaling.max});
            let key = Key::new(&SCALABLE_TARGET, name);
            let mut one = self.resource(key.clone(), &SCALABLE_TARGET, bounds, pointer);
            one.stem.clone_from(&target);
            one.after = vec![Key::new(&ENDPOINT, "")];
            resources.push(one);
            let policy = json!({
                "PolicyType": "TargetTrackingScaling",
                "TargetTrackingScalingPolicyConfiguration": {
                    "TargetValue": f64::from(scaling.target_invocations_per_instance),
                    "PredefinedMetricSpecification": {
                        "PredefinedMetricType": "SageMakerVariantInvocationsPerInstance",
                    },
                    "ScaleInCooldown": scaling.scale_in_cooldown.0,
                    "ScaleOutCooldown": scaling.scale_out_cooldown.0,
                    "DisableScaleIn": scaling.disable_scale_in,
                },
            });
            let mut one = self.resource(
                Key::new(&SCALING_POLICY, name),
                &SCALING_POLICY,
                policy,
                pointer,
            );
            one.stem = policy_name(&target, POLICY);
            one.after = vec![key];
            resources.push(one);
        }
        resources
    }
}
