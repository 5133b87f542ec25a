use std::convert::Infallible;

use serde_json::json;

use super::*;
use crate::config::emit::emit_release;
use crate::config::read_quarantine;
use crate::snapshot::{File, Mode};

const FILE: &str = "models/churn/releases/production.yaml";

fn arn(version: char) -> String {
    format!("arn:aws:sagemaker:eu-west-1:111122223333:model-package/churn/{version}")
}

fn release(version: char, attempt: u32) -> Release {
    let package = json!({
        "arn": arn(version), "run": "r", "commit": "c",
        "model_data": {"uri": "s3://b/k", "checksum": "crc64nvme:x", "size": 1}, "image": "i",
        "code": {"uri": "s3://b/c", "digest": "sha256:1", "entry_point": "src/inference.py"},
    });
    let release = json!({"version": 1, "attempt": attempt, "packages": {"main": package}});
    serde_json::from_value(release).unwrap()
}

fn id(digit: char) -> ObjectId {
    ObjectId(digit.to_string().repeat(40))
}

/// A blob's text: a digit is a version, a letter the same version tried again; `!` is no release.
fn text(blob: &ObjectId) -> Option<String> {
    match blob.0.chars().next().unwrap() {
        'f' => Some("nothing of the kind\n".to_owned()),
        'e' => None,
        digit @ 'a'..='d' => {
            let version = char::from(b'1' + (digit as u8 - b'a'));
            Some(emit_release(&release(version, 2), None))
        }
        digit => Some(emit_release(&release(digit, 1), None)),
    }
}

/// Commit and file, the newest first; a package that is quarantined; what is asked for. The commit and
/// version that come of it.
fn check(history: &str, quarantined: Option<char>, to: Option<char>) -> Result<String, Nowhere> {
    let versions: Vec<_> = history
        .split(' ')
        .map(|one| {
            let (commit, file) = one.split_once('=').unwrap();
            match file {
                "!" => Err("the pack is broken".to_owned()),
                file => Ok(Version {
                    commit: id(commit.parse().unwrap()),
                    file: file.parse().ok().filter(|file| *file != '-').map(id),
                }),
            }
        })
        .collect();
    let now = versions[0].as_ref().unwrap().file.as_ref().unwrap();
    let now = text(now).unwrap();
    let now = read_release(now.as_bytes()).unwrap();
    let quarantine: Vec<_> = quarantined.into_iter().map(entry).collect();
    let left = Left {
        file: FILE,
        release: &now,
        quarantine: &quarantine,
    };
    let to = to.map(|digit| digit.to_string().repeat(7));
    let earlier = left.earlier(to.as_deref(), versions.into_iter(), |blob| Ok(text(blob)))?;
    let commit = &earlier.commit.0[..1];
    let package = &earlier.release.main().unwrap().arn;
    Ok(format!("{commit}: {}", package.rsplit('/').next().unwrap()))
}

fn entry(version: char) -> Quarantined {
    Quarantined {
        package: arn(version),
        reason: "slow".to_owned(),
        by: String::new(),
        at: String::new(),
    }
}

#[test]
fn the_newest_state_with_another_package_is_the_earlier_one() {
    let good = |history, expect: &str| assert_eq!(check(history, None, None).unwrap(), expect);
    good("2=2 1=1", "1: 1");
    good("4=2 3=2 2=1 1=1", "2: 1");
    good("4=3 3=2 2=1", "3: 2");
    // The same package, tried again, is not worth going back to.
    good("3=b 2=2 1=1", "1: 1");
    // The file was gone, or nobody could read it, in between.
    good("5=2 4=- 3=f 2=e 1=1", "1: 1");
    // Back and forth: what was there last comes first.
    good("3=1 2=2 1=1", "2: 2");
    // It is read no further than needed.
    good("3=2 2=1 1=!", "2: 1");
}

#[test]
fn a_commit_may_be_asked_for() {
    let to = |commit| check("5=3 4=2 3=- 2=f 1=1 0=c", None, Some(commit));
    assert_eq!(to('4').unwrap(), "4: 2");
    assert_eq!(to('1').unwrap(), "1: 1");
    assert!(matches!(to('5'), Err(Nowhere::Same { .. })));
    assert!(
        matches!(to('0'), Err(Nowhere::Same { .. })),
        "the same package"
    );
    assert!(matches!(to('3'), Err(Nowhere::Unreadable { .. })));
    assert!(matches!(to('2'), Err(Nowhere::Unreadable { .. })));
    assert!(matches!(to('9'), Err(Nowhere::NoCommit { .. })));
}

#[test]
fn where_there_is_nothing_to_go_back_to_it_is_said() {
    let refused = |history, quarantined, expect: &str| {
        let refused = check(history, quarantined, None).unwrap_err();
        assert_eq!(refused.to_string(), expect);
        assert!(!refused.help().is_empty());
    };
    let never = format!("`{FILE}` never named another package");
    refused("1=1", None, &never);
    refused("2=a 1=1", None, &never);
    let commit = "1".repeat(8);
    let package = arn('1');
    let slow = format!("`{package}`, which `{FILE}` named in {commit}, is quarantined (slow)");
    refused("2=2 1=1", Some('1'), &slow);
    let broken = format!("the history of `{FILE}` could not be read: the pack is broken");
    refused("2=2 1=!", None, &broken);
    // Another may still be asked for.
    assert_eq!(check("3=3 2=2 1=1", Some('2'), Some('1')).unwrap(), "1: 1");
}

#[test]
fn no_more_commits_are_looked_at_than_allowed() {
    let versions = |count: usize| {
        let same = (0..count).map(|_| Version {
            commit: id('3'),
            file: Some(id('2')),
        });
        let old = Version {
            commit: id('1'),
            file: Some(id('1')),
        };
        same.chain([old]).map(Ok::<_, Infallible>)
    };
    let now = release('2', 1);
    let left = Left {
        file: FILE,
        release: &now,
        quarantine: &[],
    };
    let read = |blob: &ObjectId| Ok(text(blob));
    let within = left.earlier(None, versions(REVIEW_COMMITS_MAX - 1), read);
    assert!(within.is_ok());
    let beyond = left.earlier(None, versions(REVIEW_COMMITS_MAX), read);
    assert!(matches!(beyond, Err(Nowhere::Nothing { .. })));
}

/// A commit with version 2 in two environments, and this list.
fn snapshot(list: Option<&str>) -> Snapshot {
    let file = |text: &str| File {
        mode: Mode::Regular,
        blob: id('2'),
        bytes: text.as_bytes().into(),
    };
    let now = emit_release(&release('2', 1), None);
    let mut files = BTreeMap::from([
        (FILE.to_owned(), file(&now)),
        ("models/churn/releases/staging.yaml".to_owned(), file(&now)),
    ]);
    files.extend(list.map(|text| ("models/churn/quarantine.yaml".to_owned(), file(text))));
    Snapshot {
        commit: id('9'),
        time: Timestamp::UNIX_EPOCH,
        files,
        skipped: BTreeMap::new(),
    }
}

fn back(environment: &str) -> Return {
    Return {
        environment: environment.to_owned(),
        text: emit_release(&release('1', 1), None),
        release: release('1', 1),
        quarantine: true,
        by: "ada".to_owned(),
        reason: "wrong answers".to_owned(),
        at: Timestamp::UNIX_EPOCH,
    }
}

fn commit(list: Option<&str>, returns: &[Return]) -> Option<Write> {
    let snapshot = snapshot(list);
    let quarantine = list.map_or_else(Vec::new, |text| read_quarantine(text).unwrap_or_default());
    let releases = ["staging", "production"].map(|name| (name.to_owned(), release('2', 1)));
    let place = Place {
        model: "churn",
        folder: "models/churn",
        branch: "main",
        snapshot: &snapshot,
        releases: &BTreeMap::from(releases),
        quarantine: &quarantine,
    };
    place.commit(returns)
}

#[test]
fn one_commit_takes_the_release_back_and_quarantines_what_is_left() {
    let write = commit(None, &[back("production")]).unwrap();
    assert_eq!(
        (write.branch.as_str(), write.expected),
        ("main", Some(id('9')))
    );
    assert_eq!(write.files[FILE], back("production").text);
    let list = read_quarantine(&write.files["models/churn/quarantine.yaml"]).unwrap();
    let [one] = list.try_into().unwrap();
    assert_eq!(one.package, arn('2'));
    assert_eq!(
        (one.reason.as_str(), one.by.as_str()),
        ("wrong answers", "ada")
    );
    assert_eq!(one.at, "1970-01-01T00:00:00Z");
    let title = "rollback(churn): production returns to version 1\n";
    assert!(write.message.starts_with(title), "{}", write.message);
    for words in [
        arn('1'),
        arn('2'),
        "[skip ci]".to_owned(),
        "Because: wrong".to_owned(),
    ] {
        assert!(write.message.contains(&words), "{}", write.message);
    }
}

#[test]
fn two_environments_are_one_commit_with_one_line() {
    let returns = [back("staging"), back("production")];
    let write = commit(None, &returns).unwrap();
    assert_eq!(write.files.len(), 3);
    let list = read_quarantine(&write.files["models/churn/quarantine.yaml"]).unwrap();
    assert_eq!(list.len(), 1);
}

#[test]
fn only_what_is_not_so_yet_is_written() {
    let keep = Return {
        quarantine: false,
        ..back("production")
    };
    assert_eq!(commit(None, &[keep]).unwrap().files.len(), 1);
    let listed = format!("- package: \"{}\"\n", arn('2'));
    let write = commit(Some(&listed), &[back("production")]).unwrap();
    assert_eq!(write.files.len(), 1, "it is quarantined already");
    let unreadable = commit(Some("- churn\n"), &[back("production")]).unwrap();
    assert_eq!(unreadable.files.len(), 1, "what people wrote is left alone");
    let now = Return {
        text: emit_release(&release('2', 1), None),
        ..back("production")
    };
    assert_eq!(commit(None, &[now]), None);
}
