//! The code of a model: which files train, which serve, and their digests.
//!
//! The source root is the folder of the training script. What only serves is left out of the
//! training set and what only trains out of the serving set, so that a change to one does not touch
//! the other.

use std::collections::BTreeSet;

use super::{CompileError, Subject};
use crate::resource::archive::{self, ArchivedFile};

/// Files that are never code, wherever the source root is.
const NEVER_CODE: &[&str] = &["config.yaml", "quarantine.yaml"];
/// Folders that are never code.
const NEVER_CODE_FOLDERS: &[&str] = &["data", "releases", "docs", "tests", "__pycache__"];

/// The code of a model.
#[derive(Debug, Clone)]
pub struct Source {
    /// The root, relative to the model's folder; empty for the folder itself.
    pub root: String,
    /// What trains and measures.
    pub training: Vec<ArchivedFile>,
    /// What serves.
    pub serving: Vec<ArchivedFile>,
    /// The inference module, relative to the root.
    pub serving_entry: String,
}

impl Source {
    /// Digest of the serving files, `sha256:<64 hex>`.
    pub fn serving_digest(&self) -> String {
        format!("sha256:{}", archive::digest(&self.serving))
    }

    /// A script's path relative to the root.
    pub fn relative(&self, script: &str) -> Result<String, CompileError> {
        relative(&self.root, script)
    }
}

fn relative(root: &str, script: &str) -> Result<String, CompileError> {
    let outside = || CompileError::OutsideSource {
        script: script.to_owned(),
        root: root.to_owned(),
    };
    if root.is_empty() {
        return Ok(script.to_owned());
    }
    script
        .strip_prefix(root)
        .and_then(|rest| rest.strip_prefix('/'))
        .map(str::to_owned)
        .ok_or_else(outside)
}

/// Reads the code of a model from its commit.
pub fn read(subject: &Subject<'_>) -> Result<Source, CompileError> {
    let config = subject.config;
    let entry = config.training.entry_point.as_str();
    let root = entry
        .rsplit_once('/')
        .map_or("", |(folder, _)| folder)
        .to_owned();
    let serving_script = config.serving.entry_point.as_deref().unwrap_or(entry);

    let mut trains = BTreeSet::from([relative(&root, entry)?]);
    for script in config.processing.values().map(|step| &step.script) {
        trains.insert(relative(&root, script)?);
    }
    if let Some(evaluation) = &config.evaluation {
        trains.insert(relative(&root, &evaluation.script)?);
    }
    let serving_entry = relative(&root, serving_script)?;

    let files = code_files(subject, &root);
    for script in trains.iter().chain([&serving_entry]) {
        if !files.iter().any(|(path, _)| path == script) {
            let path = if root.is_empty() {
                script.clone()
            } else {
                format!("{root}/{script}")
            };
            return Err(CompileError::NoFile {
                path: subject.path(&path),
            });
        }
    }
    let only_serves = |path: &String| *path == serving_entry && !trains.contains(path);
    let only_trains = |path: &String| trains.contains(path) && *path != serving_entry;
    Ok(Source {
        training: files
            .iter()
            .filter(|(path, _)| !only_serves(path))
            .cloned()
            .collect(),
        serving: files
            .iter()
            .filter(|(path, _)| !only_trains(path))
            .cloned()
            .collect(),
        root,
        serving_entry,
    })
}

fn code_files(subject: &Subject<'_>, root: &str) -> Vec<ArchivedFile> {
    let folder = subject.path(root);
    let folder = folder.trim_end_matches('/');
    subject
        .snapshot
        .below(folder)
        .filter(|(path, _)| is_code(path))
        .map(|(path, file)| (path.to_owned(), file.clone()))
        .collect()
}

fn is_code(path: &str) -> bool {
    let mut parts = path.rsplit('/');
    let name = parts.next().unwrap_or_default();
    !NEVER_CODE.contains(&path)
        && !name
            .rsplit_once('.')
            .is_some_and(|(_, ending)| ending == "md" || ending == "pyc")
        && !parts.any(|folder| NEVER_CODE_FOLDERS.contains(&folder))
}
