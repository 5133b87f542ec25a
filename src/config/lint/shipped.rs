//! What goes to SageMaker besides the files that config.yaml names: those beside the training script.

use super::{Findings, Level, Rule, Subject};
use crate::limits;

/// Bytes that are somewhere else.
pub(super) const F004: Rule = Rule {
    code: "F004",
    title: "a pointer of Git LFS in the place of a file",
    level: Level::REFUSED,
    page: page!("F004"),
    check: Some(pointers),
};

/// What does not go along.
pub(super) const F005: Rule = Rule {
    code: "F005",
    title: "a file beside the code that is left out",
    level: Level::WARNING,
    page: page!("F005"),
    check: Some(left_out),
};

/// How a pointer begins (Git LFS's specification, version 1), and how long it is at most.
const POINTER: &[u8] = b"version https://git-lfs.github.com/spec/v1\n";
const POINTER_BYTES_MAX: usize = 1024;

fn pointers(subject: &Subject<'_>, findings: &mut Findings<'_>) {
    let is_named = |path: &str| {
        let files = subject.entries("/data");
        let mut files = files.filter_map(|(_, data)| data.get("file")?.as_str());
        files.any(|file| file == path)
    };
    for (path, file) in subject.snapshot.below(subject.folder) {
        if findings.len() >= limits::DIAGNOSTICS_MAX {
            return;
        }
        let is_pointer = file.bytes.len() < POINTER_BYTES_MAX && file.bytes.starts_with(POINTER);
        if !is_pointer || !(is_code(subject, path) || is_named(path)) {
            continue;
        }
        let message =
            format!("`{path}` holds a pointer of Git LFS: its bytes are not in the repository");
        let finding = F004.at(place(subject), message);
        findings.push(finding.help(format!(
            "commit the file itself: `git lfs untrack {path}`, or keep the data in S3"
        )));
    }
}

fn left_out(subject: &Subject<'_>, findings: &mut Findings<'_>) {
    for (path, why) in &subject.snapshot.skipped {
        if findings.len() >= limits::DIAGNOSTICS_MAX {
            return;
        }
        let below = if subject.folder.is_empty() {
            Some(path.as_str())
        } else {
            let rest = path.strip_prefix(subject.folder);
            rest.and_then(|rest| rest.strip_prefix('/'))
        };
        if let Some(path) = below.filter(|path| is_code(subject, path)) {
            let message = format!("`{path}` does not go along with the code: {why}");
            let finding = F005.at(place(subject), message);
            findings.push(finding.help("commit a file in its place, or remove it"));
        }
    }
}

/// Whether a path is in the folder of the training script, or below it.
fn is_code(subject: &Subject<'_>, path: &str) -> bool {
    let entry = subject.text("/training/entry_point").unwrap_or_default();
    match entry.rsplit_once('/') {
        Some((folder, _)) => path
            .strip_prefix(folder)
            .is_some_and(|rest| rest.starts_with('/')),
        None => !entry.is_empty(),
    }
}

/// Where the code is named.
fn place(subject: &Subject<'_>) -> crate::diagnostic::Span {
    subject.origins.origin("/training/entry_point")
}
