//! Pages of keys and of versions, in the order of keys.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::Arc;

use super::history::Version;
use super::{Bucket, Object};

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

/// One page of the versions of a bucket: by key, the newest of a key first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct VersionListing {
    /// What is on it.
    pub versions: Vec<ListedVersion>,
    /// Keys cut after the first delimiter behind the prefix, each once.
    pub common_prefixes: Vec<String>,
    /// The key and the version after which the next page starts, if there is one.
    pub next: Option<(String, String)>,
}

/// A version in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedVersion {
    /// The key.
    pub key: String,
    /// What it is.
    pub version: Version,
    /// Whether it is the newest of its key.
    pub latest: bool,
}

/// What a list is of.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// What keys start with.
    pub prefix: &'a str,
    /// Behind what keys are cut.
    pub delimiter: Option<&'a str>,
    /// Keys, versions and common prefixes on a page, together.
    pub max: usize,
}

impl<'a> Wanted<'a> {
    /// Whole keys that start with `prefix`.
    pub fn all(prefix: &'a str, max: usize) -> Self {
        Self {
            prefix,
            delimiter: None,
            max,
        }
    }

    /// The common prefix that a key is shown as.
    fn group<'k>(&self, key: &'k str) -> Option<&'k str> {
        let delimiter = self.delimiter.filter(|delimiter| !delimiter.is_empty())?;
        let end = key[self.prefix.len()..].find(delimiter)? + delimiter.len();
        Some(&key[..self.prefix.len() + end])
    }
}

/// The page of objects that come after `start_after`.
pub(super) fn objects(
    keys: &BTreeMap<String, Arc<Object>>,
    wanted: &Wanted<'_>,
    start_after: Option<&str>,
) -> Listing {
    let from = match start_after {
        Some(after) if after >= wanted.prefix => Bound::Excluded(after.to_owned()),
        _ => Bound::Included(wanted.prefix.to_owned()),
    };
    let mut page = Listing::default();
    let mut groups = BTreeSet::new();
    let mut last = None;
    for (key, object) in keys.range((from, Bound::Unbounded)) {
        if !key.starts_with(wanted.prefix) {
            break;
        }
        let group = wanted.group(key);
        if is_behind(group, start_after) {
            continue;
        }
        if group.is_none_or(|group| !groups.contains(group)) {
            if page.objects.len() + groups.len() == wanted.max {
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
    page
}

/// The page of versions that come after a key, or after one version of it.
pub(super) fn versions(
    bucket: &Bucket,
    wanted: &Wanted<'_>,
    after: Option<(&str, Option<&str>)>,
) -> VersionListing {
    let after_key = after.map(|(key, _)| key);
    let start = after_key.unwrap_or_default().max(wanted.prefix);
    let mut page = VersionListing::default();
    let mut groups = BTreeSet::new();
    let mut last = None;
    for key in every_key(bucket, start) {
        if !key.starts_with(wanted.prefix) {
            break;
        }
        let group = wanted.group(key);
        if is_behind(group, after_key) || group.is_some_and(|group| groups.contains(group)) {
            continue;
        }
        let full = |page: &VersionListing| page.versions.len() + groups.len() == wanted.max;
        if let Some(group) = group {
            if full(&page) {
                page.next = last;
                break;
            }
            groups.insert(group.to_owned());
            last = Some((group.to_owned(), String::new()));
            continue;
        }
        for listed in following(bucket, key, after) {
            if full(&page) {
                page.next = last;
                page.common_prefixes = groups.into_iter().collect();
                return page;
            }
            last = Some((key.clone(), listed.version.id().to_owned()));
            page.versions.push(listed);
        }
    }
    page.common_prefixes = groups.into_iter().collect();
    page
}

/// Whether a common prefix was on an earlier page.
fn is_behind(group: Option<&str>, after: Option<&str>) -> bool {
    group.is_some_and(|group| after.is_some_and(|after| after.starts_with(group)))
}

/// The keys that have an object or had one, from `start` on, in their order.
fn every_key<'a>(bucket: &'a Bucket, start: &str) -> impl Iterator<Item = &'a String> {
    let current = bucket.keys.range(start.to_owned()..).map(|(key, _)| key);
    let mut current = current.peekable();
    let mut past = bucket.past.keys_from(start).peekable();
    std::iter::from_fn(move || match (current.peek(), past.peek()) {
        (Some(one), Some(other)) if one == other => {
            past.next();
            current.next()
        }
        (Some(one), Some(other)) if one > other => past.next(),
        (Some(_), _) => current.next(),
        (None, _) => past.next(),
    })
}

/// The versions of a key, the newest first, that come after the place where a page begins.
fn following(
    bucket: &Bucket,
    key: &str,
    after: Option<(&str, Option<&str>)>,
) -> Vec<ListedVersion> {
    let current = bucket.keys.get(key).cloned().map(Version::Object);
    let past = bucket.past.of(key).iter().rev().cloned();
    let all = current.into_iter().chain(past);
    let listed = all.enumerate().map(|(at, version)| ListedVersion {
        key: key.to_owned(),
        version,
        latest: at == 0,
    });
    match after {
        Some((at, Some(id))) if at == key && !id.is_empty() => {
            let mut listed: Vec<_> = listed.collect();
            // Whoever empties a bucket page by page has deleted it: what is left was not shown yet.
            let shown = listed.iter().position(|one| one.version.id() == id);
            listed.drain(..shown.map_or(0, |shown| shown + 1));
            listed
        }
        Some((at, _)) if at == key => Vec::new(),
        _ => listed.collect(),
    }
}
