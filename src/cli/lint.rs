//! `trueup lint`: what is wrong with the files, before anything is deployed.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use super::error::CommandError;
use super::shell::Shell;
use super::{Output, connect, exit};
use crate::clock::{Clock as _, SystemClock};
use crate::config::{INSTALLATION_FILE, below, load};
use crate::diagnostic::render::{array, summary, text};
use crate::diagnostic::{Diagnostic, Severity};
use crate::execute::model::prepare;
use crate::git::{Source, worktree};
use crate::snapshot::Snapshot;

/// Check the files of a repository
///
/// Looks at what is on disk, as the next commit would hold it, or at the newest commit of a source.
/// Nothing is sent to AWS. Exits with 1 where there are findings that fail.
#[derive(Debug, Args)]
pub(super) struct Lint {
    /// A folder of a working tree, or a bare repository. Findings outside of the folder are left
    /// out, those in `trueup.yaml` excepted
    #[arg(default_value = ".", conflicts_with = "source")]
    path: PathBuf,
    /// A repository and a branch of it, in place of files on disk
    #[arg(long, value_name = "URL[#BRANCH]")]
    source: Option<String>,
    /// The least severity that fails
    #[arg(long, value_enum, default_value_t = FailOn::Error)]
    fail_on: FailOn,
    /// The form of the findings
    #[arg(long, short, value_enum, default_value_t = Output::Text)]
    output: Output,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum FailOn {
    /// What stops a model from being deployed
    Error,
    /// Also what is probably wrong
    Warning,
}

/// Files, and which of them are asked about.
struct Subject {
    snapshot: Snapshot,
    /// A folder below the root; empty for all.
    folder: String,
}

/// What was found.
struct Findings {
    all: Vec<Diagnostic>,
    models: usize,
}

impl Lint {
    pub(super) fn run(self, shell: &Shell) -> Result<u8, CommandError> {
        let subject = self.subject(shell)?;
        let findings = lint(&subject);
        let line = summary(&findings.all, findings.models);
        match self.output {
            Output::Text => {
                let source = |file: &str| subject.snapshot.text(file);
                let shown = text(&findings.all, source, shell.streams.paint.is_on());
                shell.streams.data(&shown);
                shell.streams.talk(&line);
            }
            Output::Json => shell.streams.data(&format!("{:#}\n", document(&findings))),
        }
        let fails = self.fail_on.severity();
        let failed = findings.all.iter().any(|one| one.severity >= fails);
        Ok(if failed { exit::FAILED } else { exit::OK })
    }

    fn subject(&self, shell: &Shell) -> Result<Subject, CommandError> {
        if let Some(text) = &self.source {
            return of_source(connect::source(text, shell)?, shell);
        }
        if !self.path.is_dir() {
            let words = format!("`{}` is no folder", self.path.display());
            return Err(CommandError::usage(words));
        }
        if worktree::is_bare(&self.path) {
            return of_source(connect::source(&self.path.to_string_lossy(), shell)?, shell);
        }
        on_disk(&self.path)
    }
}

impl FailOn {
    fn severity(self) -> Severity {
        match self {
            Self::Error => Severity::Error,
            Self::Warning => Severity::Warning,
        }
    }
}

/// The newest commit of a repository.
fn of_source(source: Source, shell: &Shell) -> Result<Subject, CommandError> {
    let mut mirror = connect::mirror_to_look(source, shell)?;
    let fetched = mirror.fetch(SystemClock.now())?;
    Ok(Subject {
        snapshot: mirror.snapshot(&fetched.tip, None)?,
        folder: String::new(),
    })
}

/// The files of the repository that `folder` is in: its root is the nearest folder at or above it
/// with a `trueup.yaml`, else the working tree's.
fn on_disk(folder: &Path) -> Result<Subject, CommandError> {
    let failed = |error| CommandError::new(&error).context("the folder cannot be read");
    let folder = folder.canonicalize().map_err(failed)?;
    let tree = worktree::root(&folder);
    let inside = |one: &&Path| tree.as_ref().is_none_or(|tree| one.starts_with(tree));
    let mut around = folder.ancestors().take_while(inside);
    let marked = around.find(|one| one.join(INSTALLATION_FILE).is_file());
    let root = marked.or(tree.as_deref()).unwrap_or(&folder);
    let rest = folder.strip_prefix(root).unwrap_or_else(|_| Path::new(""));
    let steps = rest.iter().map(|step| step.to_string_lossy());
    let snapshot = worktree::snapshot(root, SystemClock.now());
    Ok(Subject {
        snapshot: snapshot.map_err(|error| CommandError::new(&error))?,
        folder: steps.collect::<Vec<_>>().join("/"),
    })
}

/// Loads and compiles everything; nothing is looked up.
fn lint(subject: &Subject) -> Findings {
    let loaded = load(&subject.snapshot);
    let mut findings = Findings {
        all: loaded.diagnostics.clone(),
        models: 0,
    };
    for model in &loaded.models {
        if !is_asked_for(&model.folder, &subject.folder) {
            continue;
        }
        findings.models += 1;
        findings.all.extend(model.diagnostics.iter().cloned());
        if let (Some(installation), Some(config)) = (&loaded.installation, &model.config) {
            let prepared = prepare(installation, model, config, &subject.snapshot);
            findings.all.extend(prepared.err().map(|finding| *finding));
        }
    }
    findings
}

/// Whether a model's folder lies in the folder asked for, or the other way about.
fn is_asked_for(model: &str, folder: &str) -> bool {
    let holds = |outer: &str, inner: &str| {
        outer.is_empty() || inner == outer || inner.starts_with(&below(outer, ""))
    };
    holds(folder, model) || holds(model, folder)
}

fn document(findings: &Findings) -> Value {
    let all: Value = serde_json::from_str(&array(&findings.all)).unwrap_or_default();
    json!({"schema": "trueup/lint.v1", "models": findings.models, "findings": all})
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(model: &str, folder: &str, expect: bool) {
        assert_eq!(is_asked_for(model, folder), expect, "{model:?} {folder:?}");
    }

    #[test]
    fn a_folder_asks_for_the_models_in_it_and_around_it() {
        check("models/churn", "", true);
        check("models/churn", "models", true);
        check("models/churn", "models/churn", true);
        check("models/churn", "models/churn/src", true);
        check("", "src", true);
        check("models/churn-b", "models/churn", false);
        check("models/fraud", "models/churn", false);
    }

    #[test]
    fn the_root_is_where_trueup_yaml_is() {
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("example/models/a");
        std::fs::create_dir_all(&inner).unwrap();
        std::fs::create_dir(folder.path().join(".git")).unwrap();
        let yaml = folder.path().join("example").join(INSTALLATION_FILE);
        std::fs::write(yaml, "nonsense: true\n").unwrap();
        std::fs::write(inner.join("config.yaml"), "version: 1\n").unwrap();
        let subject = on_disk(&inner).unwrap();
        assert_eq!(subject.folder, "models/a");
        let found = lint(&subject);
        assert_eq!(found.models, 1);
        assert!(
            found
                .all
                .iter()
                .any(|one| one.span.file == INSTALLATION_FILE)
        );
        assert!(
            found
                .all
                .iter()
                .any(|one| one.span.file == "models/a/config.yaml")
        );
        assert_eq!(document(&found)["schema"], "trueup/lint.v1");
    }
}
