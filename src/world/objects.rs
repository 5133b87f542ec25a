//! The index of S3: buckets, keys, and what is known of each object.
//!
//! Small objects carry their bytes; the bytes of large ones may be kept elsewhere by whoever calls
//! [`Objects::put_stored`]. The bucket `sagemaker-<region>-<account>` exists without being created.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::resource::call::Scope;
use crate::resource::canonical::sha256;

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
        }
    }
}

/// A bucket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bucket {
    /// Whose it is and where.
    pub owner: Scope,
    /// When it was created, or first written to.
    pub created: Timestamp,
    keys: Arc<BTreeMap<String, Arc<Object>>>,
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
            Self::BucketAlreadyOwnedByYou => "BucketAlreadyOwnedByYou",
            Self::BucketAlreadyExists => "BucketAlreadyExists",
            Self::BucketNotEmpty => "BucketNotEmpty",
        }
    }
}

/// One page of a listing, in the order of keys.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listing {
    /// Keys and objects.
    pub objects: Vec<(String, Arc<Object>)>,
    /// Keys cut after the first delimiter behind the prefix, each once.
    pub common_prefixes: Vec<String>,
    /// Where the next page starts (as `start_after`), if there is one.
    pub next: Option<String>,
}

/// All buckets. A clone shares everything until one of the two is written to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Objects {
    buckets: Arc<BTreeMap<String, Bucket>>,
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
        if !self.keys(bucket)?.is_empty() {
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
    /// it carries none.
    pub fn put_stored(
        &mut self,
        bucket: &str,
        key: &str,
        object: Object,
    ) -> Result<Arc<Object>, ObjectError> {
        if !self.buckets.contains_key(bucket) {
            let owner = implicit_owner(bucket).ok_or(ObjectError::NoSuchBucket)?;
            self.insert(bucket, owner, object.modified);
        }
        let object = Arc::new(object);
        let buckets = Arc::make_mut(&mut self.buckets);
        let held = buckets.get_mut(bucket).ok_or(ObjectError::NoSuchBucket)?;
        Arc::make_mut(&mut held.keys).insert(key.to_owned(), Arc::clone(&object));
        Ok(object)
    }

    /// An object.
    pub fn get(&self, bucket: &str, key: &str) -> Result<&Arc<Object>, ObjectError> {
        self.keys(bucket)?.get(key).ok_or(ObjectError::NoSuchKey)
    }

    /// An object, or nothing.
    pub fn head(&self, bucket: &str, key: &str) -> Option<&Arc<Object>> {
        self.buckets.get(bucket)?.keys.get(key)
    }

    /// Whether any key starts with `prefix`.
    pub fn any(&self, bucket: &str, prefix: &str) -> bool {
        self.list(bucket, prefix, None, None, 1)
            .is_ok_and(|page| !page.objects.is_empty())
    }

    /// Keys that start with `prefix` and come after `start_after`, at most `max` keys and common
    /// prefixes together.
    pub fn list(
        &self,
        bucket: &str,
        prefix: &str,
        delimiter: Option<&str>,
        start_after: Option<&str>,
        max: usize,
    ) -> Result<Listing, ObjectError> {
        let keys = self.keys(bucket)?;
        let from = match start_after {
            Some(after) if after >= prefix => Bound::Excluded(after.to_owned()),
            _ => Bound::Included(prefix.to_owned()),
        };
        let mut page = Listing::default();
        let mut groups = BTreeSet::new();
        let mut last = None;
        for (key, object) in keys.range((from, Bound::Unbounded)) {
            let Some(rest) = key.strip_prefix(prefix) else {
                break;
            };
            let group = delimiter
                .filter(|delimiter| !delimiter.is_empty())
                .and_then(|delimiter| Some((rest.find(delimiter)? + delimiter.len(), delimiter)))
                .map(|(end, _)| &key[..prefix.len() + end]);
            if group.is_some_and(|group| start_after.is_some_and(|after| after.starts_with(group)))
            {
                continue;
            }
            if group.is_none_or(|group| !groups.contains(group)) {
                if page.objects.len() + groups.len() == max {
                    page.next = last;
                    break;
                }
                match group {
                    Some(group) => drop(groups.insert(group.to_owned())),
                    None => page.objects.push((key.clone(), Arc::clone(object))),
                }
            }
            last = Some(key.clone());
        }
        page.common_prefixes = groups.into_iter().collect();
        Ok(page)
    }

    /// Deletes an object. Whether it was there.
    pub fn delete(&mut self, bucket: &str, key: &str) -> Result<bool, ObjectError> {
        if self.keys(bucket)?.contains_key(key) {
            let buckets = Arc::make_mut(&mut self.buckets);
            let held = buckets.get_mut(bucket).ok_or(ObjectError::NoSuchBucket)?;
            return Ok(Arc::make_mut(&mut held.keys).remove(key).is_some());
        }
        Ok(false)
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
        self.put_stored(to.0, to.1, object)
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
        let bucket_made = Bucket {
            owner,
            created,
            keys: Arc::default(),
        };
        Arc::make_mut(&mut self.buckets).insert(bucket.to_owned(), bucket_made);
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

#[cfg(test)]
mod tests {
    use super::*;

    const BUCKET: &str = "sagemaker-eu-west-1-111122223333";

    fn filled(keys: &[&str]) -> Objects {
        let mut objects = Objects::default();
        for key in keys {
            objects
                .put(
                    BUCKET,
                    key,
                    Arc::from(key.as_bytes()),
                    Timestamp::UNIX_EPOCH,
                )
                .unwrap();
        }
        objects
    }

    fn check(prefix: &str, delimiter: Option<&str>, max: usize, pages: &[&[&str]]) {
        let objects = filled(&["a/1", "a/2", "a/b/3", "b", "c/4", "c/5", "d"]);
        let mut seen: Vec<Vec<String>> = Vec::new();
        let mut after: Option<String> = None;
        loop {
            let page = objects
                .list(BUCKET, prefix, delimiter, after.as_deref(), max)
                .unwrap();
            let mut names: Vec<String> = page.objects.into_iter().map(|(key, _)| key).collect();
            names.extend(page.common_prefixes);
            names.sort();
            seen.push(names);
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(seen, pages, "{prefix} {delimiter:?} {max}");
    }

    #[test]
    fn lists_page_by_page() {
        check(
            "",
            None,
            100,
            &[&["a/1", "a/2", "a/b/3", "b", "c/4", "c/5", "d"]],
        );
        check("a/", None, 2, &[&["a/1", "a/2"], &["a/b/3"]]);
        check("", Some("/"), 100, &[&["a/", "b", "c/", "d"]]);
        check("", Some("/"), 1, &[&["a/"], &["b"], &["c/"], &["d"]]);
        check("a/", Some("/"), 100, &[&["a/1", "a/2", "a/b/"]]);
        check("x", None, 100, &[&[]]);
    }

    #[test]
    fn the_default_bucket_exists_and_others_do_not() {
        let mut objects = filled(&["k"]);
        let bytes: Arc<[u8]> = Arc::from(&b"x"[..]);
        let now = Timestamp::UNIX_EPOCH;
        assert_eq!(
            objects.put("other", "k", Arc::clone(&bytes), now),
            Err(ObjectError::NoSuchBucket)
        );
        assert_eq!(objects.get(BUCKET, "none"), Err(ObjectError::NoSuchKey));
        let owner = objects.owner(BUCKET).unwrap();
        assert_eq!(owner.region, "eu-west-1");
        objects.create_bucket(&owner, "other", now).unwrap();
        objects.put("other", "k", bytes, now).unwrap();
        assert_eq!(
            objects.delete_bucket("other"),
            Err(ObjectError::BucketNotEmpty)
        );
        objects
            .copy(("other", "k"), (BUCKET, "copied"), now)
            .unwrap();
        assert_eq!(objects.get(BUCKET, "copied").unwrap().size, 1);
        assert_eq!(objects.delete("other", "k"), Ok(true));
        assert_eq!(objects.delete("other", "k"), Ok(false));
        objects.delete_bucket("other").unwrap();
    }

    #[test]
    fn a_clone_does_not_see_later_writes() {
        let before = filled(&["k"]);
        let mut after = before.clone();
        after.delete(BUCKET, "k").unwrap();
        assert!(before.head(BUCKET, "k").is_some());
        let text = serde_json::to_string(&before).unwrap();
        assert_eq!(serde_json::from_str::<Objects>(&text).unwrap(), before);
    }
}
