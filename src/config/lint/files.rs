//! Paths in the file, and the files of the commit that they name.

use serde_json::Value;

use super::{Findings, Level, Rule, Subject};
use crate::config::document::join;
use crate::config::shape::nearest;
use crate::limits;

/// A path that leaves the model's folder.
pub(super) const F001: Rule = Rule {
    code: "F001",
    title: "a path that is not one below the model's folder",
    level: Level::REFUSED,
    page: page!("F001"),
    check: Some(paths),
};

/// A file that the commit does not have.
pub(super) const F002: Rule = Rule {
    code: "F002",
    title: "a file that is not in the commit",
    level: Level::REFUSED,
    page: page!("F002"),
    check: Some(present),
};

/// Files that do not make a model.
pub(super) const F003: Rule = Rule {
    code: "F003",
    title: "files of which no model can be made",
    level: Level::REFUSED,
    page: page!("F003"),
    // Found when all is put together: see `execute::model::prepare`.
    check: None,
};

fn paths(subject: &Subject<'_>, findings: &mut Findings<'_>) {
    for (pointer, path) in named(subject) {
        if !is_below(path) {
            let message = format!(
                "`{}` is no path below the model's folder",
                path.escape_debug()
            );
            let finding = F001.at(subject.origins.origin(&pointer), message);
            findings.push(finding.help("write it relative to config.yaml, such as `src/train.py`"));
        }
    }
}

fn present(subject: &Subject<'_>, findings: &mut Findings<'_>) {
    for (pointer, relative) in named(subject) {
        let path = subject.path(relative);
        if findings.len() >= limits::DIAGNOSTICS_MAX {
            return;
        }
        if !is_below(relative)
            || relative.contains("${")
            || subject.snapshot.files.contains_key(&path)
        {
            continue;
        }
        let span = subject.origins.origin(&pointer);
        let message = format!("`{relative}` is not a file of the commit");
        let mut finding = F002.at(span, message);
        if let Some(why) = subject.snapshot.skipped.get(&path) {
            finding.message = format!("`{relative}` was left out of the commit's files: {why}");
        } else {
            let all: Vec<_> = subject
                .snapshot
                .below(subject.folder)
                .map(|(path, _)| path)
                .collect();
            let near = all
                .iter()
                .find(|path| path.eq_ignore_ascii_case(relative))
                .copied();
            let near = near.or_else(|| nearest(relative, &all));
            finding.label = near.map(|near| format!("did you mean `{near}`?"));
        }
        findings.push(finding.help(format!("commit `{path}`")));
    }
}

/// Every path that the file names, with its pointer.
fn named<'a>(subject: &Subject<'a>) -> Vec<(String, &'a str)> {
    let mut named = Vec::new();
    for pointer in [
        "/training/entry_point",
        "/evaluation/script",
        "/serving/entry_point",
    ] {
        let path = subject.text(pointer);
        named.extend(path.map(|path| (pointer.to_owned(), path)));
    }
    for (all, key) in [("/data", "file"), ("/processing", "script")] {
        for (name, value) in subject.entries(all) {
            let path = value.get(key).and_then(Value::as_str);
            named.extend(path.map(|path| (join(&join(all, name), key), path)));
        }
    }
    named
}

/// Whether a path is relative, `/`-separated and without anything that leads elsewhere.
fn is_below(path: &str) -> bool {
    let part = |part: &str| !matches!(part, "" | "." | "..");
    path.len() <= limits::PATH_BYTES_MAX
        && path.split('/').all(part)
        && !path.contains(['\\', ':'])
        && !path.chars().any(char::is_control)
}
