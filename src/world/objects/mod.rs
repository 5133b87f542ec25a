//! The index of S3: buckets, keys, and what is known of each object.
//!
//! Small objects carry their bytes; the bytes of large ones may be kept elsewhere by whoever calls
//! [`Objects::put_stored`]. The bucket `sagemaker-<region>-<account>` exists without being created.
//! What is current lies in one map; [`history`] holds what was there before, where a bucket keeps it.

mod bucket;
mod history;
mod listing;
pub mod notifications;
#[cfg(test)]
mod tests;
mod writing;

pub use bucket::Bucket;
pub use history::{Marker, NULL, Version, Versioning};
pub use listing::{ListedVersion, Listing, VersionListing, Wanted};

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::resource::call::Scope;
use crate::resource::canonical::sha256;
use notifications::{Change, Happened};

/// One object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Object {
    /// Its length in bytes.
    pub size: u64,
    /// SHA-256 of its bytes in 64 lower-case hexadecimal digits.
    pub sha256: String,
    /// Its entity tag, without quotes.
    pub etag: String,
    /// Its media type.
    pub content_type: Option<String>,
    /// User metadata: names in lower case, without `x-amz-meta-`.
    pub metadata: BTreeMap<String, String>,
    /// When it was written.
    pub modified: Timestamp,
    /// Its bytes. `None`: they are kept elsewhere. An object of at most
    /// [`crate::limits::TEXT_OBJECT_BYTES_MAX`] must carry them, or pipelines cannot read it.
    #[serde(with = "super::encode::bytes")]
    pub inline: Option<Arc<[u8]>>,
    /// Which version of its key it is; `None` is the version `null`, the only one of a bucket that
    /// keeps none.
    #[serde(default)]
    pub version: Option<String>,
    /// Its tags.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
    /// The checksums that it came with, in base64, by the names that S3's headers have (`crc32`).
    /// Those of an upload in parts may end in a dash and the number of parts.
    #[serde(default)]
    pub checksums: BTreeMap<String, String>,
}

impl Object {
    /// An object that carries its bytes.
    pub fn inline(bytes: Arc<[u8]>, modified: Timestamp) -> Self {
        let sha256 = sha256(&bytes);
        Self {
            size: bytes.len() as u64,
            etag: sha256[..32].to_owned(),
            sha256,
            content_type: None,
            metadata: BTreeMap::new(),
            modified,
            inline: Some(bytes),
            version: None,
            tags: BTreeMap::new(),
            checksums: BTreeMap::new(),
        }
    }
}

/// What came of a deletion.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Deleted {
    /// Whether something is gone that was there.
    pub existed: bool,
    /// Whether a delete marker was made, or taken away.
    pub marker: bool,
    /// The version that was made or taken away, where there are versions.
    pub version: Option<String>,
}

/// Why S3 refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ObjectError {
    /// `NoSuchBucket`
    #[error("The specified bucket does not exist")]
    NoSuchBucket,
    /// `NoSuchKey`
    #[error("The specified key does not exist.")]
    NoSuchKey,
    /// `NoSuchVersion`
    #[error("The specified version does not exist.")]
    NoSuchVersion,
    /// `MethodNotAllowed`: what is asked for is a delete marker.
    #[error("The specified method is not allowed against this resource.")]
    MethodNotAllowed,
    /// More versions than [`crate::limits::BUCKET_VERSIONS_MAX`] would be kept.
    #[error("The bucket keeps too many versions.")]
    TooManyVersions,
    /// `BucketAlreadyOwnedByYou`
    #[error("Your previous request to create the named bucket succeeded and you already own it.")]
    BucketAlreadyOwnedByYou,
    /// `BucketAlreadyExists`
    #[error("The requested bucket name is not available.")]
    BucketAlreadyExists,
    /// `BucketNotEmpty`
    #[error("The bucket you tried to delete is not empty")]
    BucketNotEmpty,
}

impl ObjectError {
    /// S3's code.
    pub fn code(self) -> &'static str {
        match self {
            Self::NoSuchBucket => "NoSuchBucket",
            Self::NoSuchKey => "NoSuchKey",
            Self::NoSuchVersion => "NoSuchVersion",
            Self::MethodNotAllowed => "MethodNotAllowed",
            Self::TooManyVersions => "InvalidRequest",
            Self::BucketAlreadyOwnedByYou => "BucketAlreadyOwnedByYou",
            Self::BucketAlreadyExists => "BucketAlreadyExists",
            Self::BucketNotEmpty => "BucketNotEmpty",
        }
    }
}

/// All buckets. A clone shares everything until one of the two is written to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Objects {
    buckets: Arc<BTreeMap<String, Bucket>>,
    /// Writes so far: the seed of the ids of versions, and the order of what happened.
    #[serde(default)]
    counter: u64,
    /// What somebody is to be told of. Told of within the step in which it happens.
    #[serde(skip)]
    changes: Vec<Change>,
}

impl Objects {
    /// Creates a bucket; names are one space for all accounts.
    pub fn create_bucket(
        &mut self,
        owner: &Scope,
        bucket: &str,
        now: Timestamp,
    ) -> Result<(), ObjectError> {
        match self.owner(bucket) {
            Some(holder) if holder == *owner => Err(ObjectError::BucketAlreadyOwnedByYou),
            Some(_) => Err(ObjectError::BucketAlreadyExists),
            None => {
                self.insert(bucket, owner.clone(), now);
                Ok(())
            }
        }
    }

    /// Deletes an empty bucket.
    pub fn delete_bucket(&mut self, bucket: &str) -> Result<(), ObjectError> {
        let past = self.buckets.get(bucket).map_or(0, |held| held.past.len());
        if !self.keys(bucket)?.is_empty() || past > 0 {
            return Err(ObjectError::BucketNotEmpty);
        }
        Arc::make_mut(&mut self.buckets).remove(bucket);
        Ok(())
    }

    /// Buckets that were created or written to, by name.
    pub fn buckets(&self) -> impl Iterator<Item = (&str, &Bucket)> {
        self.buckets.iter().map(|(name, bucket)| (&**name, bucket))
    }

    /// Whose a bucket is, if it exists; a default bucket always does.
    pub fn owner(&self, bucket: &str) -> Option<Scope> {
        self.buckets
            .get(bucket)
            .map(|bucket| bucket.owner.clone())
            .or_else(|| implicit_owner(bucket))
    }

    /// Writes an object that carries its bytes.
    pub fn put(
        &mut self,
        bucket: &str,
        key: &str,
        bytes: Arc<[u8]>,
        now: Timestamp,
    ) -> Result<Arc<Object>, ObjectError> {
        self.put_stored(bucket, key, Object::inline(bytes, now))
    }

    /// Writes an object as described: with its type and metadata, and with bytes kept elsewhere if
    /// it carries none. Where the bucket keeps versions it gets an id of its own.
    pub fn put_stored(
        &mut self,
        bucket: &str,
        key: &str,
        object: Object,
    ) -> Result<Arc<Object>, ObjectError> {
        self.write(Happened::Put, (bucket, key), object)
    }

    /// What happened since this was last asked, where somebody wants to know of it.
    pub(super) fn changes(&mut self) -> Vec<Change> {
        std::mem::take(&mut self.changes)
    }

    /// A bucket to write to; a default bucket comes to be with that.
    fn bucket_mut(&mut self, bucket: &str, now: Timestamp) -> Result<&mut Bucket, ObjectError> {
        if !self.buckets.contains_key(bucket) {
            let owner = implicit_owner(bucket).ok_or(ObjectError::NoSuchBucket)?;
            self.insert(bucket, owner, now);
        }
        let buckets = Arc::make_mut(&mut self.buckets);
        buckets.get_mut(bucket).ok_or(ObjectError::NoSuchBucket)
    }

    /// A bucket as far as something was ever said of it.
    pub fn bucket(&self, bucket: &str) -> Result<Option<&Bucket>, ObjectError> {
        self.keys(bucket)?;
        Ok(self.buckets.get(bucket))
    }

    /// An object.
    pub fn get(&self, bucket: &str, key: &str) -> Result<&Arc<Object>, ObjectError> {
        self.keys(bucket)?.get(key).ok_or(ObjectError::NoSuchKey)
    }

    /// A version of a key, or what is current of it.
    pub fn version(
        &self,
        bucket: &str,
        key: &str,
        version: Option<&str>,
    ) -> Result<&Arc<Object>, ObjectError> {
        let Some(id) = version else {
            return self.get(bucket, key);
        };
        let current = self.keys(bucket)?.get(key);
        if let Some(object) = current
            && object.version.as_deref().unwrap_or(NULL) == id
        {
            return Ok(object);
        }
        let held = self.buckets.get(bucket);
        let past = held.map_or(&[][..], |held| held.past.of(key));
        let found = past.iter().find(|one| one.id() == id);
        match found.ok_or(ObjectError::NoSuchVersion)? {
            Version::Object(object) => Ok(object),
            Version::Marker(_) => Err(ObjectError::MethodNotAllowed),
        }
    }

    /// The delete marker that is the newest version of a key.
    pub fn marker(&self, bucket: &str, key: &str) -> Option<&Marker> {
        let held = self.buckets.get(bucket)?;
        if held.keys.contains_key(key) {
            return None;
        }
        match held.past.of(key).last()? {
            Version::Marker(marker) => Some(marker),
            Version::Object(_) => None,
        }
    }

    /// Every object that there is, current or not.
    pub fn every(&self) -> impl Iterator<Item = &Arc<Object>> {
        let buckets = self.buckets.values();
        buckets.flat_map(|held| held.keys.values().chain(held.past.objects()))
    }

    /// An object, or nothing.
    pub fn head(&self, bucket: &str, key: &str) -> Option<&Arc<Object>> {
        self.buckets.get(bucket)?.keys.get(key)
    }

    /// Whether any key starts with `prefix`.
    pub fn any(&self, bucket: &str, prefix: &str) -> bool {
        self.list(bucket, &Wanted::all(prefix, 1), None)
            .is_ok_and(|page| !page.objects.is_empty())
    }

    /// Keys that are wanted and come after `start_after`.
    pub fn list(
        &self,
        bucket: &str,
        wanted: &Wanted<'_>,
        start_after: Option<&str>,
    ) -> Result<Listing, ObjectError> {
        Ok(listing::objects(self.keys(bucket)?, wanted, start_after))
    }

    /// Versions of the keys that are wanted, after a key or after one version of it.
    pub fn list_versions(
        &self,
        bucket: &str,
        wanted: &Wanted<'_>,
        after: Option<(&str, Option<&str>)>,
    ) -> Result<VersionListing, ObjectError> {
        let held = self.bucket(bucket)?;
        Ok(held.map_or_else(VersionListing::default, |held| {
            listing::versions(held, wanted, after)
        }))
    }

    fn keys(&self, bucket: &str) -> Result<&BTreeMap<String, Arc<Object>>, ObjectError> {
        static NONE: BTreeMap<String, Arc<Object>> = BTreeMap::new();
        match self.buckets.get(bucket) {
            Some(bucket) => Ok(&bucket.keys),
            None if implicit_owner(bucket).is_some() => Ok(&NONE),
            None => Err(ObjectError::NoSuchBucket),
        }
    }

    fn insert(&mut self, bucket: &str, owner: Scope, created: Timestamp) {
        let made = Bucket::new(owner, created);
        Arc::make_mut(&mut self.buckets).insert(bucket.to_owned(), made);
    }
}

/// Bucket and key of `s3://bucket/key`; the key may be empty.
pub fn split_uri(uri: &str) -> Option<(&str, &str)> {
    let rest = uri.strip_prefix("s3://")?;
    let (bucket, key) = rest.split_once('/').unwrap_or((rest, ""));
    (!bucket.is_empty()).then_some((bucket, key))
}

/// Whose default bucket `sagemaker-<region>-<account>` is.
fn implicit_owner(bucket: &str) -> Option<Scope> {
    let (region, account) = bucket.strip_prefix("sagemaker-")?.rsplit_once('-')?;
    let digits = account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
    (digits && region.split('-').count() >= 3).then(|| Scope {
        account: account.to_owned(),
        region: region.to_owned(),
    })
}
