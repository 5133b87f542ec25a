//! Who counts the instances of a variant: Git, or its load.
//!
//! Whether something counts them by their load is looked at only where it matters: when the endpoint
//! is about to be changed.

use serde_json::Value;

use super::cause::Cause;
use super::observed::{Look, Object, Observed};
use super::planner::{Planner, subject};

use super::resolve::Resolved;
use crate::resource::desired::{Change, Desired, Key, Resource};
use crate::resource::kind::Kind;
use crate::resource::kinds::{ENDPOINT, ENDPOINT_CONFIG, SCALABLE_TARGET};
use crate::resource::owner::owns;
use crate::resource::scalable_target::target_name;

/// What is to be looked at beside a resource that differs: the targets of an endpoint's variants.
pub(super) fn beside(resource: &Resource, observed: &Observed) -> Vec<(&'static Kind, String)> {
    if *resource.kind != ENDPOINT {
        return Vec::new();
    }
    let Some(endpoint) = observed.object(&ENDPOINT, &resource.stem) else {
        return Vec::new();
    };
    variants(&endpoint.body)
        .map(|variant| (&SCALABLE_TARGET, target_name(&resource.stem, variant)))
        .collect()
}

fn variants(endpoint: &Value) -> impl Iterator<Item = &str> {
    let all = endpoint["ProductionVariants"].as_array();
    all.into_iter()
        .flatten()
        .filter_map(|variant| variant["VariantName"].as_str())
}

/// Leaves out counts that somebody else keeps: a target that is not ours, or that could not be read,
/// counts the variant's instances.
pub(super) fn keep_ours(
    desired: &Desired,
    resource: &Resource,
    body: &Value,
    observed: &Observed,
    changes: &mut Vec<Change>,
) {
    if *resource.kind != ENDPOINT {
        return;
    }
    changes.retain(|change| {
        let Some(variant) = change.path.strip_suffix("/DesiredInstanceCount") else {
            return true;
        };
        let variant = body.pointer(variant).map(|one| &one["VariantName"]);
        let variant = variant.and_then(Value::as_str).unwrap_or_default();
        let target = target_name(&resource.stem, variant);
        match observed.look(&SCALABLE_TARGET, &target) {
            Some(Look::Present(found)) => owns(&found.tags, &desired.owner, &target),
            Some(Look::Unknown(_)) => false,
            Some(Look::Absent) | None => true,
        }
    });
}

/// What is about to happen to an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum About {
    /// Its weights or counts change.
    Counts,
    /// It moves to another config.
    Config,
    /// It goes.
    Deletion,
}

/// Deregisters the targets that stand in the way of a change: of a variant that goes, or that gets
/// other instances, and of one that Git counts from now on. They are registered again once the
/// endpoint is ready, where Git wants them. `false`: one is not ours, and the report says so.
pub(super) fn released(
    planner: &mut Planner<'_>,
    endpoint: &Resource,
    object: &Object,
    body: &Value,
    about: About,
) -> bool {
    let names: Vec<String> = variants(&object.body).map(str::to_owned).collect();
    for variant in names {
        let target = target_name(&endpoint.stem, &variant);
        let Some(found) = planner.observed.object(&SCALABLE_TARGET, &target).cloned() else {
            continue;
        };
        let ours = owns(&found.tags, &planner.desired.owner, &target);
        let blocks = match about {
            About::Counts => false,
            About::Config => !stays_on_its_type(planner, object, &variant),
            About::Deletion => true,
        };
        let is_gits = ours && counted_by_git(body, &variant);
        if blocks && !ours {
            let words = format!(
                "`{target}` is not ours and counts the instances of `{variant}`: it has to be \
                 deregistered before the endpoint can be changed"
            );
            let subject = subject(&ENDPOINT, &endpoint.stem);
            planner.report.note(Cause::NotOurs, subject, words);
            return false;
        }
        if blocks || is_gits {
            let resource = Resource {
                key: Key::new(&SCALABLE_TARGET, &variant),
                kind: &SCALABLE_TARGET,
                stem: target.clone(),
                ..endpoint.clone()
            };
            let words = if is_gits {
                format!("the commit counts the instances of `{variant}` itself")
            } else {
                format!("`{variant}` cannot be exchanged while its instances are counted by load")
            };
            planner.delete(&resource, &target, &found, words);
        }
    }
    true
}

/// Whether the body of an endpoint says how many instances a variant has.
fn counted_by_git(body: &Value, variant: &str) -> bool {
    let all = body["ProductionVariants"].as_array().into_iter().flatten();
    all.filter(|one| one["VariantName"] == variant)
        .any(|one| one["DesiredInstanceCount"].is_number())
}

/// Whether a variant is on the same instance type in the config named now and in the wanted one.
fn stays_on_its_type(planner: &Planner<'_>, endpoint: &Object, variant: &str) -> bool {
    let kind = |config: &Value| {
        let all = config["ProductionVariants"].as_array()?.iter();
        let mut own = all.filter(|one| one["VariantName"] == variant);
        own.next()?["InstanceType"].as_str().map(str::to_owned)
    };
    let now = endpoint.body["EndpointConfigName"].as_str();
    let now = now.and_then(|name| planner.observed.object(&ENDPOINT_CONFIG, name));
    let wanted = planner
        .resolution
        .resources
        .get(&Key::new(&ENDPOINT_CONFIG, ""));
    match (now, wanted) {
        (Some(now), Some(Resolved::Exists { body, .. } | Resolved::Create { body, .. })) => {
            kind(&now.body).is_some() && kind(&now.body) == kind(body)
        }
        _ => false,
    }
}
