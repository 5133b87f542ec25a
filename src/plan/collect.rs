//! Which of the things that are named for their content nobody needs any more.
//!
//! Kept are: what the commit asks for; what an endpoint, a deployment under way or a schedule names;
//! what is younger than [`KEPT_PERIOD`], or was first seen to hold within it; and what serves an
//! artefact of the last [`crate::limits::KEPT_RELEASES`] releases, which only history can tell: see
//! [`Collectable::is_kept`]. An endpoint config goes before the models that it names. Packages,
//! artefacts, code and data are never collected.

use std::collections::BTreeSet;

use serde_json::Value;

use super::observed::{Look, Observed};
use super::resolve::{Resolved, resolution};
use super::step::{Effect, Expect, Guard, Reason, Step};
use super::survey::Found;
use crate::clock::{SignedDuration, Timestamp};
use crate::limits::KEPT_PERIOD;
use crate::plan::run::timestamp;
use crate::resource::broken::Broken;
use crate::resource::call::Call;
use crate::resource::desired::Desired;
use crate::resource::kind::{Naming, values_at};
use crate::resource::kinds::{ENDPOINT_CONFIG, MODEL};
use crate::resource::owner::{CONVERGED, owns};

/// Something that may go, unless history needs it.
#[derive(Debug, Clone, PartialEq)]
pub struct Collectable {
    /// How it goes.
    pub step: Step,
    /// The artefacts that it serves.
    pub artefacts: BTreeSet<String>,
    /// The models that it names.
    pub models: BTreeSet<String>,
}

impl Collectable {
    /// Whether it serves one of these artefacts.
    pub fn is_kept(&self, artefacts: &BTreeSet<String>) -> bool {
        !self.artefacts.is_disjoint(artefacts)
    }
}

/// What of a unit at rest may go, in this order. Nothing, where anything could not be read.
pub fn collectable(desired: &Desired, observed: &Observed, now: Timestamp) -> Vec<Collectable> {
    let Some(survey) = observed.survey.as_ref().filter(|survey| !survey.partial) else {
        return Vec::new();
    };
    let needed = needed(desired, observed);
    let (old, stays): (Vec<_>, Vec<_>) = survey.found.iter().rev().partition(|found| {
        let ours = owns(&found.object.tags, &desired.owner, &found.name);
        let named = needed.contains(&(found.kind.name, found.name.clone()));
        let free = !named || desired.broken == Broken::CollectInUse;
        ours && free && found.kind.naming == Naming::Digest && is_old(found, desired, now)
    });
    let named: BTreeSet<String> = stays.iter().flat_map(|found| models(found)).collect();
    let old = old
        .into_iter()
        .filter(|found| *found.kind != MODEL || !named.contains(&found.name));
    old.filter_map(|found| {
        let models = models(found);
        Some(Collectable {
            artefacts: artefacts(desired, found, &models, &survey.found)?,
            models,
            step: step(desired, found)?,
        })
    })
    .collect()
}

/// Kind and name of what the commit asks for, and of what anything refers to that was described.
fn needed(desired: &Desired, observed: &Observed) -> BTreeSet<(&'static str, String)> {
    let resolution = resolution(desired, observed);
    let resolved = resolution.resources.iter();
    let resolved = resolved
        .filter_map(|(key, resolved)| Some((key.kind, Resolved::name(resolved)?.to_owned())));
    let mut needed: BTreeSet<_> = resolved.collect();
    for (kind, _, look) in observed.looks() {
        let (Some(kind), Look::Present(object)) = (crate::resource::kinds::kind(kind), look) else {
            continue;
        };
        let pending = &object.body["PendingDeploymentSummary"]["EndpointConfigName"];
        let pending = pending
            .as_str()
            .map(|name| (ENDPOINT_CONFIG.name, name.to_owned()));
        needed.extend(pending);
        for (path, target) in kind.references() {
            let names = values_at(&object.body, path).into_iter();
            let names = names.filter_map(Value::as_str);
            needed.extend(names.map(|name| (target, name.to_owned())));
        }
    }
    needed
}

/// Whether it was made, and first seen to hold, long ago. What does not say is young.
fn is_old(found: &Found, desired: &Desired, now: Timestamp) -> bool {
    if desired.broken == Broken::CollectInUse {
        return true;
    }
    let period = SignedDuration::try_from(KEPT_PERIOD).unwrap_or(SignedDuration::MAX);
    let long_ago = |at: Timestamp| now.duration_since(at) > period;
    let made = found.object.body["CreationTime"]
        .as_f64()
        .and_then(timestamp);
    let held = found.object.tags.get(CONVERGED);
    made.is_some_and(long_ago) && held.is_none_or(|held| held.parse().is_ok_and(long_ago))
}

/// The models that an endpoint config names.
fn models(found: &Found) -> BTreeSet<String> {
    let mut models = BTreeSet::new();
    for (path, target) in found.kind.references() {
        if target == MODEL.name {
            let names = values_at(&found.object.body, path).into_iter();
            models.extend(names.filter_map(Value::as_str).map(str::to_owned));
        }
    }
    models
}

/// The artefacts of a model, or of the models that a config names; `None` where one is not known.
fn artefacts(
    desired: &Desired,
    found: &Found,
    models: &BTreeSet<String>,
    all: &[Found],
) -> Option<BTreeSet<String>> {
    if desired.broken == Broken::CollectInUse {
        return Some(BTreeSet::new());
    }
    let artefact = |model: &Value| {
        let uri = model["PrimaryContainer"]["ModelDataUrl"].as_str();
        Some(uri?.to_owned())
    };
    if *found.kind == MODEL {
        return Some(BTreeSet::from([artefact(&found.object.body)?]));
    }
    let of = |name: &String| {
        let model = all
            .iter()
            .find(|one| *one.kind == MODEL && one.name == *name)?;
        artefact(&model.object.body)
    };
    models.iter().map(of).collect()
}

fn step(desired: &Desired, found: &Found) -> Option<Step> {
    let reason = Reason {
        text: "nothing has named it for a long time".to_owned(),
        commit: desired.commit.clone(),
        origin: None,
    };
    let mut step = Step::deletion(desired, found, Effect::None, reason)?;
    // Somebody else's endpoint may have been put on it by hand.
    if *found.kind == ENDPOINT_CONFIG {
        step.guards.push(Guard {
            call: Call::new("Search", &desired.scope, endpoints_on(&found.name)),
            expect: Expect::Nothing("/Results"),
        });
    }
    Some(step)
}

fn endpoints_on(config: &str) -> Value {
    serde_json::json!({
        "Resource": "Endpoint",
        "SearchExpression": {"Filters": [
            {"Name": "EndpointConfigName", "Operator": "Equals", "Value": config},
        ]},
        "MaxResults": 1,
    })
}
