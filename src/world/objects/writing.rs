//! What changes a bucket: writes, copies and deletions, each of which may be a version.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::notifications::{Change, Happened, Notifications};
use super::{Bucket, Deleted, Marker, NULL, Object, ObjectError, Objects, Version, Versioning};
use crate::clock::Timestamp;
use crate::limits::OBJECT_CHANGES_MAX;
use crate::world::encode;

impl Objects {
    /// Writes an object as described, and says how it came to be.
    pub fn write(
        &mut self,
        how: Happened,
        (bucket, key): (&str, &str),
        mut object: Object,
    ) -> Result<Arc<Object>, ObjectError> {
        let at = object.modified;
        let number = self.next();
        let held = self.bucket_mut(bucket, at)?;
        held.has_room()?;
        held.make_way(key);
        object.version = (held.versioning == Versioning::Enabled)
            .then(|| encode::version_id(&format!("{bucket}/{key}/{number}/{at}")));
        let object = Arc::new(object);
        Arc::make_mut(&mut held.keys).insert(key.to_owned(), Arc::clone(&object));
        self.note(Change {
            what: how,
            bucket: bucket.to_owned(),
            key: key.to_owned(),
            version: object.version.clone(),
            object: Some(Arc::clone(&object)),
            number,
            at,
        });
        Ok(object)
    }

    fn next(&mut self) -> u64 {
        self.counter += 1;
        self.counter
    }

    /// Notes what happened, if somebody wants to know of the bucket.
    fn note(&mut self, change: Change) {
        let held = self.buckets.get(&change.bucket);
        let heard = held.is_some_and(|held| !held.notifications.is_empty());
        if heard && self.changes.len() < OBJECT_CHANGES_MAX {
            self.changes.push(change);
        }
    }

    /// Says whether a bucket keeps what is written over.
    pub fn set_versioning(
        &mut self,
        bucket: &str,
        versioning: Versioning,
        now: Timestamp,
    ) -> Result<(), ObjectError> {
        self.bucket_mut(bucket, now)?.versioning = versioning;
        Ok(())
    }

    /// Says who is told of what happens in a bucket.
    pub(in crate::world) fn set_notifications(
        &mut self,
        bucket: &str,
        notifications: Notifications,
        now: Timestamp,
    ) -> Result<(), ObjectError> {
        self.bucket_mut(bucket, now)?.notifications = Arc::new(notifications);
        Ok(())
    }

    /// Gives a version of a key, or what is current of it, other tags.
    pub fn set_tags(
        &mut self,
        (bucket, key): (&str, &str),
        version: Option<&str>,
        tags: BTreeMap<String, String>,
    ) -> Result<Arc<Object>, ObjectError> {
        let mut object = Object::clone(self.version(bucket, key, version)?);
        object.tags = tags;
        let object = Arc::new(object);
        let buckets = Arc::make_mut(&mut self.buckets);
        let held = buckets.get_mut(bucket).ok_or(ObjectError::NoSuchBucket)?;
        match Arc::make_mut(&mut held.keys).get_mut(key) {
            Some(current) if current.version == object.version => *current = Arc::clone(&object),
            _ => Arc::make_mut(&mut held.past).replace(key, &object),
        }
        Ok(object)
    }

    /// Deletes an object. Where the bucket keeps versions a marker hides them.
    pub fn delete(
        &mut self,
        bucket: &str,
        key: &str,
        now: Timestamp,
    ) -> Result<Deleted, ObjectError> {
        self.keys(bucket)?;
        let number = self.next();
        let Some(versioning) = self.buckets.get(bucket).map(Bucket::versioning) else {
            return Ok(Deleted::default());
        };
        if versioning == Versioning::Off && self.head(bucket, key).is_none() {
            return Ok(Deleted::default());
        }
        let held = self.bucket_mut(bucket, now)?;
        held.has_room()?;
        let existed = held.make_way(key);
        let gone = Change::gone((bucket, key), None, number, now);
        if versioning == Versioning::Off {
            self.note(gone);
            return Ok(Deleted {
                existed,
                ..Deleted::default()
            });
        }
        let version = (versioning == Versioning::Enabled)
            .then(|| encode::version_id(&format!("{bucket}/{key}/{number}/{now}")));
        let marker = Marker {
            version: version.clone(),
            modified: now,
        };
        let held = self.bucket_mut(bucket, now)?;
        Arc::make_mut(&mut held.past).push(key, Version::Marker(marker));
        self.note(Change {
            what: Happened::DeleteMarkerCreated,
            version: version.clone(),
            ..gone
        });
        Ok(Deleted {
            existed,
            marker: true,
            version: Some(version.unwrap_or_else(|| NULL.to_owned())),
        })
    }

    /// Deletes one version for good; one that is not there is as good.
    pub fn delete_version(
        &mut self,
        bucket: &str,
        key: &str,
        version: &str,
        now: Timestamp,
    ) -> Result<Deleted, ObjectError> {
        self.keys(bucket)?;
        let number = self.next();
        let buckets = Arc::make_mut(&mut self.buckets);
        let removed = buckets
            .get_mut(bucket)
            .and_then(|held| held.remove_version(key, version));
        if removed.is_some() {
            let id = Some(version.to_owned()).filter(|id| id != NULL);
            self.note(Change::gone((bucket, key), id, number, now));
        }
        Ok(Deleted {
            existed: removed.is_some(),
            marker: matches!(removed, Some(Version::Marker(_))),
            version: Some(version.to_owned()),
        })
    }

    /// Copies an object, its type and its metadata.
    pub fn copy(
        &mut self,
        from: (&str, &str),
        to: (&str, &str),
        now: Timestamp,
    ) -> Result<Arc<Object>, ObjectError> {
        let mut object = Object::clone(self.get(from.0, from.1)?);
        object.modified = now;
        self.write(Happened::Copy, to, object)
    }
}
