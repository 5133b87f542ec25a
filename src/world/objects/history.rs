//! What an object was before: the versions and delete markers of keys, behind the current objects.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Object;
use crate::clock::Timestamp;

/// What versions without an id are called.
pub const NULL: &str = "null";

/// Whether a bucket keeps what is written over. It is never off again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Versioning {
    /// It never did.
    #[default]
    Off,
    /// Every write and every deletion is a version of its own.
    Enabled,
    /// Writes and deletions replace the version without an id; the others stay.
    Suspended,
}

/// One version of a key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Version {
    /// An object.
    Object(Arc<Object>),
    /// That there is none from here on.
    Marker(Marker),
}

/// A delete marker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Marker {
    /// Its id; `None` is the version `null`.
    pub version: Option<String>,
    /// When the object was deleted.
    pub modified: Timestamp,
}

impl Version {
    /// Its id as clients say it.
    pub fn id(&self) -> &str {
        let own = match self {
            Self::Object(object) => &object.version,
            Self::Marker(marker) => &marker.version,
        };
        own.as_deref().unwrap_or(NULL)
    }

    /// The object, unless it is a marker.
    pub fn object(&self) -> Option<&Arc<Object>> {
        match self {
            Self::Object(object) => Some(object),
            Self::Marker(_) => None,
        }
    }
}

/// What is behind the current objects of a bucket, by key, the oldest first. A marker may be the
/// newest of a key that has no current object.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct History {
    count: usize,
    versions: BTreeMap<String, Vec<Version>>,
}

impl History {
    /// How many versions there are of all keys.
    pub(super) fn len(&self) -> usize {
        self.count
    }

    /// The versions of a key, the oldest first.
    pub(super) fn of(&self, key: &str) -> &[Version] {
        self.versions.get(key).map_or(&[], Vec::as_slice)
    }

    /// The keys that have any, from `start` on.
    pub(super) fn keys_from(&self, start: &str) -> impl Iterator<Item = &String> {
        let from = start.to_owned();
        self.versions.range(from..).map(|(key, _)| key)
    }

    /// Every object among them.
    pub(super) fn objects(&self) -> impl Iterator<Item = &Arc<Object>> {
        self.versions.values().flatten().filter_map(Version::object)
    }

    pub(super) fn push(&mut self, key: &str, version: Version) {
        self.versions
            .entry(key.to_owned())
            .or_default()
            .push(version);
        self.count += 1;
    }

    /// Takes one out for good.
    pub(super) fn remove(&mut self, key: &str, id: &str) -> Option<Version> {
        let versions = self.versions.get_mut(key)?;
        let at = versions.iter().position(|version| version.id() == id)?;
        let removed = versions.remove(at);
        self.shrink(key);
        Some(removed)
    }

    /// Takes the newest of a key, if it is an object.
    pub(super) fn take_newest(&mut self, key: &str) -> Option<Arc<Object>> {
        let versions = self.versions.get_mut(key)?;
        let object = versions.last()?.object().cloned()?;
        versions.pop();
        self.shrink(key);
        Some(object)
    }

    /// Puts an object in the place of the one of the same id.
    pub(super) fn replace(&mut self, key: &str, object: &Arc<Object>) {
        let versions = self.versions.get_mut(key).into_iter().flatten();
        for version in versions {
            if version
                .object()
                .is_some_and(|old| old.version == object.version)
            {
                *version = Version::Object(Arc::clone(object));
            }
        }
    }

    fn shrink(&mut self, key: &str) {
        self.count -= 1;
        if self.of(key).is_empty() {
            self.versions.remove(key);
        }
    }
}
