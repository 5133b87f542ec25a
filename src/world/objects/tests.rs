//! What a bucket shows of what was written to it.

use super::*;
use crate::limits::BUCKET_VERSIONS_MAX;

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
    let wanted = Wanted {
        prefix,
        delimiter,
        max,
    };
    loop {
        let page = objects.list(BUCKET, &wanted, after.as_deref()).unwrap();
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
    assert!(objects.delete("other", "k", now).unwrap().existed);
    assert!(!objects.delete("other", "k", now).unwrap().existed);
    objects.delete_bucket("other").unwrap();
}

#[test]
fn a_clone_does_not_see_later_writes() {
    let before = filled(&["k"]);
    let mut after = before.clone();
    after.delete(BUCKET, "k", Timestamp::UNIX_EPOCH).unwrap();
    assert!(before.head(BUCKET, "k").is_some());
    let text = serde_json::to_string(&before).unwrap();
    assert_eq!(serde_json::from_str::<Objects>(&text).unwrap(), before);
}

/// Writes a key at a second, and says which version that is.
fn written(objects: &mut Objects, key: &str, text: &str, second: i64) -> String {
    let now = Timestamp::from_second(second).unwrap();
    let object = objects.put(BUCKET, key, Arc::from(text.as_bytes()), now);
    object
        .unwrap()
        .version
        .clone()
        .unwrap_or_else(|| NULL.to_owned())
}

fn deleted(objects: &mut Objects, key: &str, second: i64) -> Deleted {
    let now = Timestamp::from_second(second).unwrap();
    objects.delete(BUCKET, key, now).unwrap()
}

fn versioned(versioning: Versioning) -> Objects {
    let mut objects = filled(&["k"]);
    objects
        .set_versioning(BUCKET, versioning, Timestamp::UNIX_EPOCH)
        .unwrap();
    objects
}

/// The versions of a bucket, each as its key, its text or `-` for a marker, and `*` if it is the newest.
fn shown(objects: &Objects, prefix: &str, delimiter: Option<&str>, max: usize) -> Vec<Vec<String>> {
    let wanted = Wanted {
        prefix,
        delimiter,
        max,
    };
    let mut pages = Vec::new();
    let mut after: Option<(String, String)> = None;
    loop {
        let from = after
            .as_ref()
            .map(|(key, id)| (key.as_str(), Some(id.as_str())));
        let page = objects.list_versions(BUCKET, &wanted, from).unwrap();
        let each = page.versions.iter().map(|one| {
            let text = one.version.object().map_or_else(
                || "-".to_owned(),
                |object| String::from_utf8(object.inline.as_deref().unwrap().to_vec()).unwrap(),
            );
            format!("{}={text}{}", one.key, if one.latest { "*" } else { "" })
        });
        pages.push(each.chain(page.common_prefixes).collect());
        after = page.next;
        if after.is_none() {
            return pages;
        }
    }
}

#[test]
fn what_is_written_over_is_kept() {
    let mut objects = versioned(Versioning::Enabled);
    let first = written(&mut objects, "k", "1", 1);
    let second = written(&mut objects, "k", "2", 2);
    assert_ne!(first, second);
    assert_eq!(first.len(), 32);
    assert_eq!(shown(&objects, "", None, 100), [["k=2*", "k=1", "k=k"]]);
    let text = |objects: &Objects, version: Option<&str>| {
        let object = objects.version(BUCKET, "k", version)?;
        Ok(object.inline.as_deref().unwrap().to_vec())
    };
    assert_eq!(text(&objects, Some(&first)), Ok(b"1".to_vec()));
    assert_eq!(text(&objects, Some(NULL)), Ok(b"k".to_vec()));
    assert_eq!(text(&objects, None), Ok(b"2".to_vec()));
    assert_eq!(text(&objects, Some("x")), Err(ObjectError::NoSuchVersion));
    assert_eq!(
        objects.delete_bucket(BUCKET),
        Err(ObjectError::BucketNotEmpty)
    );
}

#[test]
fn a_deletion_is_a_marker_that_can_be_taken_away() {
    let mut objects = versioned(Versioning::Enabled);
    written(&mut objects, "k", "1", 1);
    let marker = deleted(&mut objects, "k", 2);
    assert!(marker.marker && marker.existed);
    let id = marker.version.unwrap();
    assert_eq!(objects.get(BUCKET, "k"), Err(ObjectError::NoSuchKey));
    let hidden = objects.version(BUCKET, "k", Some(&id));
    assert_eq!(hidden, Err(ObjectError::MethodNotAllowed));
    assert_eq!(
        objects.marker(BUCKET, "k").unwrap().version.as_deref(),
        Some(&*id)
    );
    assert_eq!(shown(&objects, "", None, 100), [["k=-*", "k=1", "k=k"]]);
    assert!(
        objects
            .list(BUCKET, &Wanted::all("", 10), None)
            .unwrap()
            .objects
            .is_empty()
    );
    let now = Timestamp::from_second(3).unwrap();
    let back = objects.delete_version(BUCKET, "k", &id, now).unwrap();
    assert!(back.marker && back.existed);
    assert_eq!(shown(&objects, "", None, 100), [["k=1*", "k=k"]]);
    let again = objects.delete_version(BUCKET, "k", &id, now).unwrap();
    assert!(!again.existed, "what is not there is as good");
    let never = deleted(&mut objects, "never", 4);
    assert!(never.marker && !never.existed);
}

#[test]
fn every_version_can_be_taken_away_and_then_the_bucket() {
    let mut objects = versioned(Versioning::Enabled);
    let now = Timestamp::from_second(9).unwrap();
    for (at, key) in (1..).zip(["a", "k", "a", "k"]) {
        written(&mut objects, key, "x", at);
    }
    deleted(&mut objects, "a", 8);
    let wanted = Wanted {
        prefix: "",
        delimiter: None,
        max: 2,
    };
    let mut after: Option<(String, String)> = None;
    let mut count = 0;
    loop {
        let from = after
            .as_ref()
            .map(|(key, id)| (key.as_str(), Some(id.as_str())));
        let page = objects.list_versions(BUCKET, &wanted, from).unwrap();
        for one in page.versions {
            count += 1;
            objects
                .delete_version(BUCKET, &one.key, one.version.id(), now)
                .unwrap();
        }
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(count, 6);
    assert_eq!(objects.every().count(), 0);
    objects.delete_bucket(BUCKET).unwrap();
}

#[test]
fn a_suspended_bucket_replaces_the_version_without_an_id() {
    let mut objects = versioned(Versioning::Enabled);
    written(&mut objects, "k", "1", 1);
    objects
        .set_versioning(BUCKET, Versioning::Suspended, Timestamp::UNIX_EPOCH)
        .unwrap();
    assert_eq!(written(&mut objects, "k", "2", 2), NULL);
    assert_eq!(shown(&objects, "", None, 100), [["k=2*", "k=1"]]);
    assert_eq!(written(&mut objects, "k", "3", 3), NULL);
    assert_eq!(shown(&objects, "", None, 100), [["k=3*", "k=1"]]);
    let marker = deleted(&mut objects, "k", 4);
    assert_eq!(marker.version.as_deref(), Some(NULL));
    assert_eq!(shown(&objects, "", None, 100), [["k=-*", "k=1"]]);
    deleted(&mut objects, "k", 5);
    assert_eq!(shown(&objects, "", None, 100), [["k=-*", "k=1"]]);
    written(&mut objects, "k", "6", 6);
    assert_eq!(shown(&objects, "", None, 100), [["k=6*", "k=1"]]);
}

#[test]
fn versions_are_listed_page_by_page() {
    let mut objects = versioned(Versioning::Enabled);
    for (at, key) in (1..).zip(["a/1", "a/2", "b", "b", "c/3"]) {
        written(&mut objects, key, "x", at);
    }
    deleted(&mut objects, "b", 9);
    let pages = shown(&objects, "", None, 3);
    let expected: [&[&str]; 3] = [
        &["a/1=x*", "a/2=x*", "b=-*"],
        &["b=x", "b=x", "c/3=x*"],
        &["k=k*"],
    ];
    assert_eq!(pages, expected);
    let pages = shown(&objects, "", Some("/"), 2);
    let expected: [&[&str]; 3] = [&["b=-*", "a/"], &["b=x", "b=x"], &["k=k*", "c/"]];
    assert_eq!(pages, expected);
    assert_eq!(shown(&objects, "a/", Some("/"), 9), [["a/1=x*", "a/2=x*"]]);
}

#[test]
fn tags_are_one_versions() {
    let mut objects = versioned(Versioning::Enabled);
    let first = written(&mut objects, "k", "1", 1);
    written(&mut objects, "k", "2", 2);
    let tags = BTreeMap::from([("a".to_owned(), "b".to_owned())]);
    objects
        .set_tags((BUCKET, "k"), Some(&first), tags.clone())
        .unwrap();
    assert!(objects.get(BUCKET, "k").unwrap().tags.is_empty());
    assert_eq!(
        objects.version(BUCKET, "k", Some(&first)).unwrap().tags,
        tags
    );
    objects.set_tags((BUCKET, "k"), None, tags.clone()).unwrap();
    assert_eq!(objects.get(BUCKET, "k").unwrap().tags, tags);
}

#[test]
fn a_bucket_keeps_so_many_versions_and_no_more() {
    let mut objects = versioned(Versioning::Enabled);
    let mut refused = None;
    let most = i64::try_from(BUCKET_VERSIONS_MAX).unwrap();
    for at in 0..=most {
        let now = Timestamp::from_second(at).unwrap();
        refused = objects.put(BUCKET, "k", Arc::from(&b""[..]), now).err();
        assert_eq!(refused.is_some(), at == most);
    }
    assert_eq!(refused, Some(ObjectError::TooManyVersions));
}
