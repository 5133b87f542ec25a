//! What is to roll here proves itself first in the environment that this one follows.
//!
//! A change concerns both where the same is wanted in both. What is wanted only here (its own instance
//! type, say) waits for nobody, and a rollback never does: see [`super::rollout`].

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::Value;

use super::cause::Cause;
use super::observed::Object;
use super::planner::{Planner, subject};
use super::resolve::Resolved;
use crate::clock::{SignedDuration, Timestamp};
use crate::resource::broken::Broken;
use crate::resource::compare::changes;
use crate::resource::desired::{Key, Resource};
use crate::resource::kind::Kind;
use crate::resource::kinds::{ENDPOINT, ENDPOINT_CONFIG, MODEL};

/// The environment that a unit follows.
#[derive(Debug, Clone)]
pub struct Upstream {
    /// Its name.
    pub environment: String,
    /// The models and the endpoint config that it is to serve with.
    pub wanted: Arc<[Resource]>,
    /// Since when its endpoint has run exactly that.
    pub converged_since: Option<Timestamp>,
    /// Whether something of it moves that will come to rest.
    pub moves: bool,
    /// How long it is to have run it.
    pub soak: SignedDuration,
}

impl Planner<'_> {
    /// Whether the endpoint may be moved to the config that is wanted; else the report says why not.
    pub(super) fn is_proven(&mut self, endpoint: &str, seen: &Object) -> bool {
        let Some(upstream) = &self.hints.upstream else {
            return true;
        };
        if self.desired.broken == Broken::IgnoreSoak || !self.is_shared(seen, upstream) {
            return true;
        }
        let name = &upstream.environment;
        let soaked = upstream
            .converged_since
            .and_then(|since| since.checked_add(upstream.soak).ok());
        let (cause, words) = match soaked {
            Some(soaked) if soaked <= self.now => return true,
            Some(soaked) => (
                Cause::Soaking,
                format!("its update soaks in {name} until {soaked}"),
            ),
            None if upstream.moves => (
                Cause::Soaking,
                format!("its update waits until {name} has converged on it"),
            ),
            None => (
                Cause::NotProven,
                format!("its update waits: {name} has not converged on it"),
            ),
        };
        self.report.note(cause, subject(&ENDPOINT, endpoint), words);
        false
    }

    /// Whether anything that differs is wanted upstream as well.
    fn is_shared(&self, seen: &Object, upstream: &Upstream) -> bool {
        let wanted = |key: &Key| match self.resolution.resources.get(key) {
            Some(Resolved::Create { name, body } | Resolved::Exists { name, body, .. }) => {
                Some((name, body))
            }
            _ => None,
        };
        let theirs = |key: &Key| {
            let mut all = upstream.wanted.iter();
            all.find(|one| one.key == *key).map(|one| &*one.body)
        };
        let config = Key::new(&ENDPOINT_CONFIG, "");
        let now = seen.body["EndpointConfigName"].as_str();
        let now = now.and_then(|name| self.observed.object(&ENDPOINT_CONFIG, name));
        let (Some((_, body)), Some(now)) = (wanted(&config), now) else {
            return true;
        };
        let models = self
            .desired
            .resources
            .iter()
            .filter(|one| *one.kind == MODEL);
        let mut models = models.filter_map(|one| Some((&one.key, wanted(&one.key)?)));
        common(&ENDPOINT_CONFIG, body, Some(&now.body), theirs(&config))
            || models.any(|(key, (name, model))| {
                let served = served_for(name, body, &now.body);
                let served = served.and_then(|name| self.observed.object(&MODEL, name));
                let served = served.map(|object| &object.body);
                common(&MODEL, model, served, theirs(key))
            })
    }
}

/// The model that the variant of a model serves in another config.
fn served_for<'a>(model: &str, wanted: &Value, config: &'a Value) -> Option<&'a str> {
    let lists = ["ProductionVariants", "ShadowProductionVariants"];
    lists.into_iter().find_map(|list| {
        let mut wanted = wanted[list].as_array()?.iter();
        let variant = wanted.find(|one| one["ModelName"] == model)?;
        let mut now = config[list].as_array()?.iter();
        let twin = now.find(|one| one["VariantName"] == variant["VariantName"])?;
        twin["ModelName"].as_str()
    })
}

/// Whether something is wanted here that is not so yet and is wanted there as well. Where a whole map
/// or list differs from both it may be.
fn common(
    kind: &'static Kind,
    wanted: &Value,
    now: Option<&Value>,
    theirs: Option<&Value>,
) -> bool {
    let Some(theirs) = theirs else { return false };
    let own: BTreeSet<_> = changes(kind, wanted, theirs)
        .into_iter()
        .filter(|change| !change.to.is_object() && !change.to.is_array())
        .map(|change| change.path)
        .collect();
    let differs = changes(kind, wanted, now.unwrap_or(&Value::Null));
    differs.iter().any(|change| !own.contains(&change.path))
}
