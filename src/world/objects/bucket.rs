//! One bucket: what is current in it, and what it keeps of what was.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::history::{History, NULL, Version, Versioning};
use super::notifications::Notifications;
use super::{Object, ObjectError};
use crate::clock::Timestamp;
use crate::limits::BUCKET_VERSIONS_MAX;
use crate::resource::call::Scope;

/// A bucket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bucket {
    /// Whose it is and where.
    pub owner: Scope,
    /// When it was created, or first written to.
    pub created: Timestamp,
    pub(super) keys: Arc<BTreeMap<String, Arc<Object>>>,
    #[serde(default)]
    pub(super) versioning: Versioning,
    #[serde(default)]
    pub(super) past: Arc<History>,
    /// Who is told of what happens in it.
    #[serde(default)]
    pub(super) notifications: Arc<Notifications>,
}

impl Bucket {
    pub(super) fn new(owner: Scope, created: Timestamp) -> Self {
        Self {
            owner,
            created,
            keys: Arc::default(),
            versioning: Versioning::Off,
            past: Arc::default(),
            notifications: Arc::default(),
        }
    }

    /// Whether it keeps what is written over.
    pub fn versioning(&self) -> Versioning {
        self.versioning
    }

    /// Who is told of what happens in it.
    pub fn notifications(&self) -> &Notifications {
        &self.notifications
    }

    /// Refuses what would keep more versions than a bucket may have.
    pub(super) fn has_room(&self) -> Result<(), ObjectError> {
        let full = self.versioning == Versioning::Enabled && self.past.len() >= BUCKET_VERSIONS_MAX;
        if full {
            return Err(ObjectError::TooManyVersions);
        }
        Ok(())
    }

    /// Makes way for a new version of a key: what was current is kept where it has an id, or where
    /// everything is kept, and the version without an id goes where it is to be replaced.
    pub(super) fn make_way(&mut self, key: &str) -> bool {
        let current = Arc::make_mut(&mut self.keys).remove(key);
        let keeps_all = self.versioning == Versioning::Enabled;
        let existed = current.is_some();
        if !keeps_all && !self.past.of(key).is_empty() {
            Arc::make_mut(&mut self.past).remove(key, NULL);
        }
        if let Some(object) = current.filter(|object| keeps_all || object.version.is_some()) {
            Arc::make_mut(&mut self.past).push(key, Version::Object(object));
        }
        existed
    }

    /// Takes one version of a key out for good. What was behind it is current again.
    pub(super) fn remove_version(&mut self, key: &str, id: &str) -> Option<Version> {
        let current = self.keys.get(key).cloned().map(Version::Object);
        let removed = if let Some(version) = current.filter(|version| version.id() == id) {
            Arc::make_mut(&mut self.keys).remove(key);
            version
        } else {
            self.past.of(key).iter().find(|one| one.id() == id)?;
            Arc::make_mut(&mut self.past).remove(key, id)?
        };
        if !self.keys.contains_key(key)
            && let Some(object) = Arc::make_mut(&mut self.past).take_newest(key)
        {
            Arc::make_mut(&mut self.keys).insert(key.to_owned(), object);
        }
        Some(removed)
    }
}
