//! What environments served, commit by commit.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::Paint;
use super::status::version;
use super::words::{ago, instant, line, short, table};
use crate::clock::Timestamp;
use crate::config::read_release;
use crate::git::Change;
use crate::release::Release;
use crate::snapshot::ObjectId;

/// What a change of a release was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// A package that the environment had not served.
    Release,
    /// Back to one that it had.
    Rollback,
    /// The same package, tried again.
    Retry,
    /// Away, or to something that cannot be read.
    Removal,
}

impl How {
    /// In one word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Release => "release",
            Self::Rollback => "rollback",
            Self::Retry => "retry",
            Self::Removal => "removal",
        }
    }
}

/// One change of one environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The environment.
    pub environment: String,
    /// The commit.
    pub commit: ObjectId,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub author: String,
    /// The first line of the commit's message.
    pub title: String,
    /// What it was.
    pub how: How,
    /// The package served before: its ARN.
    pub was: Option<String>,
    /// The package served since.
    pub is: Option<String>,
}

/// The changes as entries, in their order: the newest first.
pub fn entries(changes: &[Change]) -> Vec<Entry> {
    let mut served: BTreeSet<(String, String)> = BTreeSet::new();
    let oldest_first = changes.iter().rev().map(|change| {
        let environment = environment(&change.path);
        let (was, is) = (
            package(change.before.as_ref()),
            package(change.after.as_ref()),
        );
        let how = match &is {
            None => How::Removal,
            Some(_) if was == is => How::Retry,
            Some(is) if served.contains(&(environment.clone(), is.clone())) => How::Rollback,
            Some(_) => How::Release,
        };
        let packages = was.iter().chain(&is);
        served.extend(packages.map(|package| (environment.clone(), package.clone())));
        Entry {
            environment,
            commit: change.commit.clone(),
            at: change.at,
            author: change.author.clone(),
            title: change.title.clone(),
            how,
            was,
            is,
        }
    });
    let mut entries: Vec<_> = oldest_first.collect();
    entries.reverse();
    entries
}

fn environment(path: &str) -> String {
    let file = path.rsplit('/').next().unwrap_or(path);
    file.strip_suffix(".yaml").unwrap_or(file).to_owned()
}

fn package(text: Option<&String>) -> Option<String> {
    let release: Release = read_release(text?.as_bytes())?;
    release.main().map(|main| main.arn.clone())
}

/// The entries as a table.
pub fn text(entries: &[Entry], now: Timestamp, paint: Paint) -> String {
    if entries.is_empty() {
        return "nothing was released yet\n".to_owned();
    }
    let titles = [
        "WHEN",
        "COMMIT",
        "ENVIRONMENT",
        "HOW",
        "WAS",
        "IS",
        "BY",
        "TITLE",
    ];
    let mut cells = vec![titles.map(str::to_owned).to_vec()];
    let shown = |arn: &Option<String>| arn.as_deref().map_or("-", version).to_owned();
    cells.extend(entries.iter().map(|entry| {
        vec![
            ago(entry.at, now),
            short(&entry.commit.0).to_owned(),
            line(&entry.environment),
            entry.how.word().to_owned(),
            line(&shown(&entry.was)),
            line(&shown(&entry.is)),
            line(&entry.author),
            line(&entry.title),
        ]
    }));
    table(&cells, |at, _, cell| match at {
        0 => paint.dim(cell),
        _ => cell.to_owned(),
    })
}

/// The entries for programs: `trueup/history.v1`.
pub fn json(model: &str, entries: &[Entry]) -> Value {
    let changes = entries.iter().map(|entry| {
        json!({
            "environment": entry.environment,
            "commit": entry.commit.to_string(),
            "at": instant(entry.at),
            "author": entry.author,
            "title": entry.title,
            "how": entry.how.word(),
            "was": entry.was,
            "is": entry.is,
        })
    });
    json!({
        "schema": "trueup/history.v1",
        "model": model,
        "changes": changes.collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn release(version: u32, attempt: u32) -> String {
        format!(
            r#"version: 1
attempt: {attempt}
packages:
  main:
    arn: "arn:aws:sagemaker:eu-west-1:111122223333:model-package/churn/{version}"
    run: "00"
    commit: "11"
    model_data: {{uri: "s3://b/k", checksum: "sha256:x", size: 1}}
    image: "i@sha256:y"
    code: {{uri: "s3://b/c", digest: "sha256:z", entry_point: "inference.py"}}
"#
        )
    }

    fn change(at: i64, before: Option<String>, after: Option<String>) -> Change {
        Change {
            commit: ObjectId(format!("{at:040}")),
            at: Timestamp::from_second(at).unwrap(),
            author: "ada".to_owned(),
            title: "a change".to_owned(),
            path: "models/churn/releases/production.yaml".to_owned(),
            before,
            after,
        }
    }

    #[test]
    fn each_change_is_called_what_it_was() {
        let (first, again, second) = (release(1, 1), release(1, 2), release(2, 1));
        let changes = [
            change(5, Some(first.clone()), None),
            change(4, Some(second.clone()), Some(first.clone())),
            change(3, Some(again.clone()), Some(second)),
            change(2, Some(first.clone()), Some(again)),
            change(1, None, Some(first)),
        ];
        let entries = entries(&changes);
        let words: Vec<_> = entries.iter().map(|entry| entry.how.word()).collect();
        assert_eq!(
            words,
            ["removal", "rollback", "release", "retry", "release"]
        );
        assert_eq!(entries[1].environment, "production");
        let now = Timestamp::from_second(61).unwrap();
        let shown = text(&entries[1..2], now, Paint::new(false));
        let row = shown.lines().nth(1).unwrap();
        let expected = "57s ago  00000000  production   rollback  churn/2  churn/1  ada  a change";
        assert_eq!(row, expected);
    }
}
