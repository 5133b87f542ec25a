//! Which object a desired resource is: the one that already is so, or a new one, and its name.
//!
//! Whether a new immutable object is needed is decided by comparing contents, not names: what the
//! endpoint uses now is compared first, then the object of the computed name. So an upgrade that
//! would compute other names rolls nothing out.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::Value;

use super::observed::{Look, Observed};
use super::scaling;
use crate::resource::broken::Broken;
use crate::resource::compare;
use crate::resource::desired::{Change, Desired, Key, Resource};
use crate::resource::kind::{Kind, Naming, values_at};
use crate::resource::kinds::kind;
use crate::resource::name::{NAME_TRIES, digest_name};
use crate::resource::owner::owns;

/// What became of one desired resource.
#[derive(Debug, Clone, PartialEq)]
pub enum Resolved {
    /// It exists and is ours; what differs can be brought in place, or not.
    Exists {
        /// Its name.
        name: String,
        /// The desired body with names in place of references.
        body: Arc<Value>,
        /// What differs.
        changes: Vec<Change>,
    },
    /// It is to be created.
    Create {
        /// The name of the new one.
        name: String,
        /// The body with names in place of references.
        body: Arc<Value>,
    },
    /// Something of that name is not ours.
    Foreign {
        /// The name.
        name: String,
    },
    /// It could not be read.
    Unknown {
        /// The name.
        name: String,
    },
    /// It depends on something that is foreign, unknown or not looked at.
    Stuck {
        /// On what.
        on: Key,
    },
}

impl Resolved {
    /// The name, where it is settled.
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::Exists { name, .. } | Self::Create { name, .. } => Some(name),
            _ => None,
        }
    }
}

/// The outcome for every resource, and the names that must be looked at before more can be said.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Resolution {
    /// By key; complete when `wanted` is empty.
    pub resources: BTreeMap<Key, Resolved>,
    /// Kind and name of what is to be looked at next.
    pub wanted: BTreeSet<(&'static str, String)>,
}

/// The resolution that the observation came to, or, where it broke off, as far as it goes.
pub fn resolution<'a>(desired: &Desired, observed: &'a Observed) -> Cow<'a, Resolution> {
    match &observed.resolution {
        Some(known) => Cow::Borrowed(known),
        None => Cow::Owned(resolve(desired, observed)),
    }
}

/// Resolves every desired resource as far as what was observed allows.
pub fn resolve(desired: &Desired, observed: &Observed) -> Resolution {
    let mut resolution = Resolution::default();
    for resource in desired
        .resources
        .iter()
        .filter(|resource| resource.kind.naming == Naming::Mutable)
    {
        resolution.want(observed, resource.kind, &resource.stem);
    }
    if !resolution.wanted.is_empty() {
        return resolution;
    }
    let referred = referred(observed, &mut resolution);
    if !resolution.wanted.is_empty() {
        return resolution;
    }
    for resource in &desired.resources {
        let resolved = match with_names(resource, &resolution) {
            Err(on) => Some(Resolved::Stuck { on }),
            Ok(body) => match resource.kind.naming {
                Naming::Mutable => Some(mutable(desired, resource, body, observed)),
                Naming::Digest => immutable(
                    desired,
                    resource,
                    body,
                    observed,
                    &referred,
                    &mut resolution,
                ),
            },
        };
        // What depends on a name that is not known yet is for a later round; the others' looks are
        // asked for in this one.
        if let Some(resolved) = resolved {
            resolution.resources.insert(resource.key.clone(), resolved);
        }
    }
    if !resolution.wanted.is_empty() {
        return resolution;
    }
    for resource in &desired.resources {
        let resolved = resolution.resources.get(&resource.key);
        if let Some(Resolved::Exists { changes, .. }) = resolved
            && !changes.is_empty()
        {
            for (kind, name) in scaling::beside(resource, observed) {
                resolution.want(observed, kind, &name);
            }
        }
        if let Some(Resolved::Exists { body, changes, .. }) =
            resolution.resources.get_mut(&resource.key)
        {
            scaling::keep_ours(desired, resource, body, observed, changes);
        }
    }
    resolution
}

impl Resolution {
    fn want(&mut self, observed: &Observed, kind: &'static Kind, name: &str) -> bool {
        let missing = observed.look(kind, name).is_none();
        if missing {
            self.wanted.insert((kind.name, name.to_owned()));
        }
        missing
    }
}

/// The names that observed objects refer to, by kind; those not looked at yet are wanted.
fn referred(
    observed: &Observed,
    resolution: &mut Resolution,
) -> BTreeMap<&'static str, BTreeSet<String>> {
    let mut referred: BTreeMap<&'static str, BTreeSet<String>> = BTreeMap::new();
    for (name, _, look) in observed.looks() {
        let (Some(from), Look::Present(object)) = (kind(name), look) else {
            continue;
        };
        for (path, target) in from.references() {
            let Some(target) = kind(target) else { continue };
            for value in values_at(&object.body, path) {
                if let Some(name) = value.as_str() {
                    resolution.want(observed, target, name);
                    referred
                        .entry(target.name)
                        .or_default()
                        .insert(name.to_owned());
                }
            }
        }
    }
    referred
}

/// The body with every `{"$ref": role}` replaced by the name of what it refers to.
fn with_names(resource: &Resource, resolution: &Resolution) -> Result<Arc<Value>, Key> {
    let mut body = resource.body.clone();
    for (path, target) in resource.kind.references() {
        let mut values = values_at(&resource.body, path).into_iter();
        if values.any(|value| value["$ref"].is_string()) {
            let name = |role: &str| {
                let role = role.to_owned();
                let key = Key { kind: target, role };
                let named = resolution.resources.get(&key).and_then(Resolved::name);
                named.map(Value::from).ok_or(key)
            };
            let body = Arc::make_mut(&mut body);
            name_at(body, path.split('/').skip(1), &name)?;
        }
    }
    Ok(body)
}

/// Puts names in place of the references at a pattern.
fn name_at<'p>(
    value: &mut Value,
    mut parts: impl Iterator<Item = &'p str> + Clone,
    name: &impl Fn(&str) -> Result<Value, Key>,
) -> Result<(), Key> {
    match parts.next() {
        None => {
            if let Some(role) = value["$ref"].as_str() {
                *value = name(role)?;
            }
        }
        Some("*") => {
            for item in value.as_array_mut().into_iter().flatten() {
                name_at(item, parts.clone(), name)?;
            }
        }
        Some(member) => {
            if let Some(value) = value.get_mut(member) {
                name_at(value, parts, name)?;
            }
        }
    }
    Ok(())
}

fn mutable(
    desired: &Desired,
    resource: &Resource,
    body: Arc<Value>,
    observed: &Observed,
) -> Resolved {
    let name = resource.stem.clone();
    match observed.look(resource.kind, &name) {
        None | Some(Look::Unknown(_)) => Resolved::Unknown { name },
        Some(Look::Absent) => Resolved::Create { name, body },
        Some(Look::Present(object)) => {
            let ours =
                owns(&object.tags, &desired.owner, &name) || desired.broken == Broken::SkipOwner;
            if resource.kind.arn.is_some() && !ours {
                return Resolved::Foreign { name };
            }
            let mut changes = compare::changes(resource.kind, &body, &object.body);
            if desired.broken == Broken::BlindToDrift {
                changes.clear();
            }
            Resolved::Exists {
                name,
                body,
                changes,
            }
        }
    }
}

/// `None` while a name has yet to be looked at.
fn immutable(
    desired: &Desired,
    resource: &Resource,
    body: Arc<Value>,
    observed: &Observed,
    referred: &BTreeMap<&'static str, BTreeSet<String>>,
    resolution: &mut Resolution,
) -> Option<Resolved> {
    let is_it = |name: &str| {
        observed.object(resource.kind, name).is_some_and(|object| {
            owns(&object.tags, &desired.owner, name)
                && compare::changes(resource.kind, &body, &object.body).is_empty()
        })
    };
    let in_use = referred.get(resource.kind.name).into_iter().flatten();
    if let Some(name) = in_use.into_iter().find(|name| is_it(name)) {
        return Some(Resolved::Exists {
            name: name.clone(),
            body,
            changes: Vec::new(),
        });
    }
    for attempt in 0..NAME_TRIES {
        let name = digest_name(resource.kind.name, &resource.stem, &body, attempt);
        match observed.look(resource.kind, &name) {
            None => {
                resolution.want(observed, resource.kind, &name);
                return None;
            }
            Some(Look::Unknown(_)) => return Some(Resolved::Unknown { name }),
            Some(Look::Absent) => return Some(Resolved::Create { name, body }),
            Some(Look::Present(_)) if is_it(&name) => {
                return Some(Resolved::Exists {
                    name,
                    body,
                    changes: Vec::new(),
                });
            }
            Some(Look::Present(_)) => {}
        }
    }
    Some(Resolved::Foreign {
        name: digest_name(resource.kind.name, &resource.stem, &body, 0),
    })
}
