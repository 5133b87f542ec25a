//! `--fix` and `--diff`: what can be mended by itself.

use std::collections::BTreeMap;
use std::fs;

use super::{Subject, lint};
use crate::cli::error::CommandError;
use crate::diagnostic::diff::diff;
use crate::diagnostic::fix::fixed;
use crate::limits;

/// Files that were mended, and how many findings less there are.
pub(super) struct Mended {
    /// Path to what the file was before.
    before: BTreeMap<String, String>,
    /// How many fixes there were.
    pub(super) count: usize,
}

/// Mends the files of a subject in memory. What a fix uncovers is mended in the next round.
pub(super) fn mend(subject: &mut Subject, unsafe_too: bool) -> Mended {
    let mut mended = Mended {
        before: BTreeMap::new(),
        count: 0,
    };
    for _ in 0..limits::FIX_ROUNDS_MAX {
        let mut found: BTreeMap<String, Vec<_>> = BTreeMap::new();
        for finding in lint(subject).all {
            found
                .entry(finding.span.file.clone())
                .or_default()
                .push(finding);
        }
        let before = mended.count;
        for (path, findings) in found {
            let Some(text) = subject.snapshot.text(&path).map(str::to_owned) else {
                continue;
            };
            let (new, count) = fixed(&text, &findings, unsafe_too);
            if count > 0
                && new != text
                && let Some(file) = subject.snapshot.files.get_mut(&path)
            {
                file.bytes = new.into_bytes().into();
                mended.before.entry(path).or_insert(text);
                mended.count += count;
            }
        }
        if mended.count == before {
            break;
        }
    }
    mended
}

impl Mended {
    /// How many files.
    pub(super) fn files(&self) -> usize {
        self.before.len()
    }

    /// What became of the files, as `diff -u` shows it.
    pub(super) fn diff(&self, subject: &Subject) -> String {
        let all = self.before.iter().map(|(path, old)| {
            let new = subject.snapshot.text(path).unwrap_or_default();
            diff(path, old, new)
        });
        all.collect()
    }

    /// Writes the files. One that is not what was read any more is left, and that is a failure.
    pub(super) fn write(&self, subject: &Subject) -> Result<(), CommandError> {
        let Some(root) = &subject.root else {
            return Err(CommandError::usage("`--fix` is for files on disk"));
        };
        for (path, old) in &self.before {
            let file = root.join(path);
            let failed = |error: std::io::Error| {
                CommandError::new(&error).context(format!("`{path}` could not be written"))
            };
            if fs::read(&file).map_err(failed)? != old.as_bytes() {
                let words = format!("`{path}` was changed meanwhile, and is left as it is");
                return Err(CommandError::message(words));
            }
            fs::write(&file, subject.snapshot.text(path).unwrap_or_default()).map_err(failed)?;
        }
        Ok(())
    }
}
