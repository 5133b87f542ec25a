//! What is particular about endpoints: they roll back without saying so, and they take time.

use serde_json::Value;

use super::attempt::{self, Next};
use super::cause::Cause;
use super::observed::{Look, Object, Observed};
use super::planner::{Planner, subject};
use super::resolve::{Resolved, resolution};
use super::scaling::{self, About};
use super::step::{Effect, Expect, Guard};
use crate::clock::Timestamp;
use crate::resource::broken::Broken;
use crate::resource::call::Call;
use crate::resource::desired::{Change, Desired, Key, Resource};
use crate::resource::kind::{Kind, Status};
use crate::resource::kinds::{ALARM, ENDPOINT, ENDPOINT_CONFIG, MODEL};
use crate::resource::owner::{CONVERGED, Tags, UPDATE, owns};

const CONFIG: &str = "/EndpointConfigName";

/// What changes of a kind mean for traffic.
pub(super) fn update_effect(kind: &Kind, changes: &[Change]) -> Effect {
    if *kind == ENDPOINT && changes.iter().any(|change| change.path == CONFIG) {
        Effect::Roll
    } else {
        Effect::Live
    }
}

/// A ready resource that differs.
///
/// An endpoint that goes back to a config that it has held before does so first of all, all at once
/// and unwatched: whatever the alarms say, it is better off there.
pub(super) fn update(
    planner: &mut Planner<'_>,
    resource: &Resource,
    name: &str,
    body: &Value,
    object: &Object,
    changes: &[Change],
) {
    if *resource.kind == ENDPOINT && planner.desired.broken == Broken::ReplaceEndpoints {
        return planner.delete(resource, name, object, "broken on purpose".to_owned());
    }
    let moves = *resource.kind == ENDPOINT && changes.iter().any(|change| change.path == CONFIG);
    let from = planner.steps.len();
    if !moves {
        if *resource.kind == ENDPOINT
            && !scaling::released(planner, resource, object, body, About::Counts)
        {
            return;
        }
        planner.update(resource, name, body, object, changes);
        return;
    }
    let returns = has_held(planner);
    let guards = if returns {
        Vec::new()
    } else if !planner.is_proven(name, object) {
        return;
    } else if let Some(guards) = alarms(planner, name, body) {
        guards
    } else {
        return;
    };
    if !note_attempt(planner, name, object)
        || !scaling::released(planner, resource, object, body, About::Config)
    {
        planner.steps.truncate(from);
        return;
    }
    let mut body = body.clone();
    if let Some(members) = body.as_object_mut().filter(|_| returns) {
        members.remove("DeploymentConfig");
    }
    planner.update(resource, name, &body, object, changes);
    if let Some(step) = planner.steps.last_mut() {
        step.guards.extend(guards);
    }
    if returns {
        if let Some(step) = planner.steps.last_mut() {
            step.effect = Effect::Rollback;
        }
        planner.first = from..planner.steps.len();
    }
}

/// Whether the wanted config was seen to hold on the endpoint before.
fn has_held(planner: &Planner<'_>) -> bool {
    let wanted = planner
        .resolution
        .resources
        .get(&Key::new(&ENDPOINT_CONFIG, ""));
    let Some(Resolved::Exists { name, .. }) = wanted else {
        return false;
    };
    planner
        .observed
        .object(&ENDPOINT_CONFIG, name)
        .is_some_and(|config| config.tags.contains_key(CONVERGED))
}

/// Reads the alarms that are to watch a deployment: one that goes off before it has begun would end
/// it. `None`: it is not begun, and the report says why.
fn alarms(planner: &mut Planner<'_>, endpoint: &str, body: &Value) -> Option<Vec<Guard>> {
    let mut guards = Vec::new();
    let alarms = body.pointer("/DeploymentConfig/AutoRollbackConfiguration/Alarms");
    for alarm in alarms.and_then(Value::as_array).into_iter().flatten() {
        let name = alarm["AlarmName"].as_str().unwrap_or_default();
        let (cause, words) = match planner.observed.look(&ALARM, name) {
            Some(Look::Present(seen)) if seen.body["StateValue"] == "ALARM" => {
                let why = seen.body["StateReason"].as_str().unwrap_or_default();
                let words = format!("its update waits: the alarm `{name}` is going off: {why}");
                (Cause::AlarmFiring, words)
            }
            Some(Look::Present(seen)) => {
                let state = &seen.body["StateValue"];
                let call = Call::new(
                    ALARM.ops.describe,
                    &planner.desired.scope,
                    ALARM.located(name),
                );
                guards.push(Guard {
                    call,
                    expect: Expect::Covers(serde_json::json!({"StateValue": state})),
                });
                continue;
            }
            // It is made before the update, in this very plan.
            Some(Look::Absent) => continue,
            Some(Look::Unknown(_)) | None => {
                let words = format!("its update waits: the alarm `{name}` could not be read");
                (Cause::AlarmFiring, words)
            }
        };
        let subject = subject(&ENDPOINT, endpoint);
        planner.report.note(cause, subject, words);
        return None;
    }
    Some(guards)
}

/// What a new endpoint config is told at its creation: that an endpoint is about to be moved to it.
pub(super) fn creation_tags(planner: &Planner<'_>, resource: &Resource) -> Tags {
    let endpoint = planner.desired.get(&Key::new(&ENDPOINT, ""));
    let moved = endpoint.and_then(|endpoint| planner.observed.object(&ENDPOINT, &endpoint.stem));
    let moved = moved.filter(|_| planner.desired.broken != Broken::ForgetUpdates);
    match moved.map(|moved| attempt::next(&Tags::new(), &moved.body, planner.desired.attempt)) {
        Some(Next::Try(first)) if *resource.kind == ENDPOINT_CONFIG => {
            Tags::from([(UPDATE.to_owned(), first.text())])
        }
        _ => Tags::new(),
    }
}

/// Writes down that the endpoint is about to be moved. `false`: it is not, and the report says why.
fn note_attempt(planner: &mut Planner<'_>, endpoint: &str, object: &Object) -> bool {
    if planner.desired.broken == Broken::ForgetUpdates {
        return true;
    }
    let key = Key::new(&ENDPOINT_CONFIG, "");
    let Some(config) = planner.desired.get(&key) else {
        return true;
    };
    let Some(resolved) = planner.resolution.resources.get(&key) else {
        return false;
    };
    // A config made in this very pass has no ARN to tag yet, and no attempt to remember either.
    let Resolved::Exists { name, .. } = resolved else {
        return true;
    };
    let Some(wanted) = planner.observed.object(&ENDPOINT_CONFIG, name) else {
        return false;
    };
    match attempt::next(&wanted.tags, &object.body, planner.desired.attempt) {
        Next::Failed(_) if planner.desired.broken == Broken::RetryForever => true,
        Next::Failed(reason) => {
            let words = format!(
                "SageMaker rolled back to `{}`: {reason}",
                object.body["EndpointConfigName"]
                    .as_str()
                    .unwrap_or_default()
            );
            planner
                .report
                .note(Cause::UpdateRolledBack, subject(&ENDPOINT, endpoint), words);
            false
        }
        Next::Try(next) => {
            let text = next.text();
            if wanted.tags.get(UPDATE) != Some(&text) {
                let arn = &wanted.body["EndpointConfigArn"];
                let words = format!("attempt {} to bring it to {endpoint} is noted", next.count);
                planner.mark(config, name, arn, (UPDATE, text), words);
            }
            true
        }
    }
}

/// A resource that is broken. An endpoint that never came up, or broke, and is to run something
/// else is made anew: it accepts nothing but its deletion, and serves nobody.
pub(super) fn failed(
    planner: &mut Planner<'_>,
    resource: &Resource,
    name: &str,
    object: &Object,
    changes: &[Change],
    reason: &str,
) {
    let status = object.body["EndpointStatus"].as_str();
    let wants_other = changes.iter().any(|change| change.path == CONFIG);
    if *resource.kind == ENDPOINT && status == Some("Failed") && wants_other {
        if !scaling::released(planner, resource, object, &Value::Null, About::Deletion) {
            return;
        }
        planner.delete(
            resource,
            name,
            object,
            format!("it failed and accepts nothing else: {reason}"),
        );
    } else {
        planner
            .report
            .note(Cause::Failed, subject(resource.kind, name), reason);
    }
}

/// A resource that is as it should be. The first time that an endpoint is seen so, its config is
/// marked: the soak counts from there, and a later return to it is a rollback.
pub(super) fn settled(planner: &mut Planner<'_>, resource: &Resource, name: &str, object: &Object) {
    if *resource.kind != ENDPOINT {
        return;
    }
    if let Some(lagging) = variant_not_up(&object.body) {
        let words = format!("variant {lagging} has fewer instances than wanted");
        planner.report.note(
            Cause::WaitingForInstances,
            subject(resource.kind, name),
            words,
        );
        return;
    }
    let key = Key::new(&ENDPOINT_CONFIG, "");
    let Some(config) = planner.desired.get(&key) else {
        return;
    };
    let Some(Resolved::Exists { name, .. }) = planner.resolution.resources.get(&key) else {
        return;
    };
    let Some(seen) = planner.observed.object(&ENDPOINT_CONFIG, name) else {
        return;
    };
    if !seen.tags.contains_key(CONVERGED) && planner.desired.broken != Broken::NeverConverged {
        let arn = &seen.body["EndpointConfigArn"];
        let words = format!("it was seen to hold on {}", resource.stem);
        planner.mark(
            config,
            name,
            arn,
            (CONVERGED, planner.now.to_string()),
            words,
        );
    }
}

/// Whether the unit is to be brought a package that its endpoint does not serve, in a config that it
/// never held: neither more of the same nor a rollback. What could not be seen counts as never held.
pub fn brings(desired: &Desired, observed: &Observed) -> bool {
    let resolution = resolution(desired, observed);
    let resources = &resolution.resources;
    let wanted = |resource: &&Resource| *resource.kind == MODEL;
    let mut models = desired.resources.iter().filter(wanted);
    let Some(endpoint) = desired.get(&Key::new(&ENDPOINT, "")) else {
        let made = |model: &Resource| resources.get(&model.key).and_then(Resolved::name);
        return models.any(|model| made(model).is_none_or(|name| !seen(observed, name)));
    };
    if let Some(Resolved::Exists { name, .. }) = resources.get(&Key::new(&ENDPOINT_CONFIG, ""))
        && let Some(config) = observed.object(&ENDPOINT_CONFIG, name)
        && config.tags.contains_key(CONVERGED)
        && owns(&config.tags, &desired.owner, name)
    {
        return false;
    }
    let served = served(observed, &endpoint.stem);
    models.any(|model| !served.contains(&package(&model.body)))
}

fn seen(observed: &Observed, model: &str) -> bool {
    observed.object(&MODEL, model).is_some()
}

/// What the models of an endpoint were made of.
fn served(observed: &Observed, endpoint: &str) -> Vec<[Value; 2]> {
    let config = observed
        .object(&ENDPOINT, endpoint)
        .and_then(|endpoint| endpoint.body["EndpointConfigName"].as_str())
        .and_then(|name| observed.object(&ENDPOINT_CONFIG, name));
    let variants = ["ProductionVariants", "ShadowProductionVariants"];
    variants
        .iter()
        .filter_map(|member| config?.body[*member].as_array())
        .flatten()
        .filter_map(|variant| observed.object(&MODEL, variant["ModelName"].as_str()?))
        .map(|model| package(&model.body))
        .collect()
}

/// What of a model comes from its package alone: the artefact, and the code that serves it.
fn package(model: &Value) -> [Value; 2] {
    let container = &model["PrimaryContainer"];
    let code = &container["Environment"]["SAGEMAKER_SUBMIT_DIRECTORY"];
    [container["ModelDataUrl"].clone(), code.clone()]
}

fn variant_not_up(endpoint: &Value) -> Option<String> {
    endpoint["ProductionVariants"]
        .as_array()
        .into_iter()
        .flatten()
        .find_map(|variant| {
            let count = |member: &str| variant[member].as_u64().unwrap_or_default();
            (count("CurrentInstanceCount") < count("DesiredInstanceCount")).then(|| {
                variant["VariantName"]
                    .as_str()
                    .unwrap_or_default()
                    .to_owned()
            })
        })
}

/// Since when the endpoint of a unit has run exactly what its commit asks for; `None` while it does
/// not, or while that was not noted yet.
pub fn converged_since(desired: &Desired, observed: &Observed) -> Option<Timestamp> {
    if desired.broken == Broken::IgnoreSoak {
        return Some(Timestamp::UNIX_EPOCH);
    }
    let resolution = resolution(desired, observed);
    let Some(Resolved::Exists { name, changes, .. }) =
        resolution.resources.get(&Key::new(&ENDPOINT, ""))
    else {
        return None;
    };
    let endpoint = observed.object(&ENDPOINT, name)?;
    let ready = (ENDPOINT.status)(&endpoint.body) == Status::Ready;
    if !ready || !changes.is_empty() || variant_not_up(&endpoint.body).is_some() {
        return None;
    }
    let config = observed.object(
        &ENDPOINT_CONFIG,
        endpoint.body["EndpointConfigName"].as_str()?,
    )?;
    let name = config.body["EndpointConfigName"].as_str()?;
    let since = config
        .tags
        .get(CONVERGED)
        .filter(|_| owns(&config.tags, &desired.owner, name))?;
    since.parse().ok()
}
