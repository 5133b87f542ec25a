//! `trueup lint`: what is wrong with the files, before anything is deployed.

mod forms;
mod mend;
mod subject;

use std::fs;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use super::error::CommandError;
use super::shell::Shell;
use super::{connect, exit};
use crate::config::lint::{Baseline, Ignored, Notes};
use crate::config::settings::FailOn as Setting;
use crate::config::{INSTALLATION_FILE, MODEL_FILE, below, load};
use crate::diagnostic::render::summary;
use crate::diagnostic::{Diagnostic, Severity};
use crate::execute::model::prepare;
use crate::git::worktree;
use crate::limits;
use forms::Form;
use subject::Subject;

/// Check the files of a repository
///
/// Looks at what is on disk, as the next commit would hold it, or at the newest commit of a source.
/// Nothing is sent to AWS. Exits with 1 where there are findings that fail.
#[derive(Debug, Args)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of the command line"
)]
pub(super) struct Lint {
    /// A folder of a working tree, or a bare repository. Findings outside of the folder are left
    /// out, those in `trueup.yaml` excepted
    #[arg(default_value = ".", conflicts_with = "source")]
    path: PathBuf,
    /// A repository and a branch of it, in place of files on disk
    #[arg(long, value_name = "URL[#BRANCH]")]
    source: Option<String>,
    /// The least severity that fails. Default: `lint.fail_on` of `trueup.yaml`, else `error`
    #[arg(long, value_enum)]
    fail_on: Option<FailOn>,
    /// The form of the findings
    #[arg(long, short, value_enum, default_value_t = Form::Text)]
    output: Form,
    /// How often each rule was broken, in place of the findings
    #[arg(long, conflicts_with = "output")]
    statistics: bool,
    /// Also what comments ignore, with until when and why
    #[arg(long)]
    show_ignored: bool,
    /// Only models with files that are not as they were where the branch left `--base`; all, where
    /// `trueup.yaml` changed
    #[arg(long, conflicts_with = "source")]
    changed: bool,
    /// What the branch is compared with
    #[arg(
        long,
        value_name = "REF",
        default_value = "origin/main",
        requires = "changed"
    )]
    base: String,
    /// A file with findings that are passed over. Errors are told all the same
    #[arg(long, value_name = "FILE")]
    baseline: Option<PathBuf>,
    /// Write what is found now to the file of `--baseline`
    #[arg(long, requires = "baseline", conflicts_with_all = ["changed", "fix"])]
    write_baseline: bool,
    /// Mend what can be mended by itself, where the files mean the same after it
    #[arg(long, conflicts_with = "source")]
    fix: bool,
    /// With `--fix` or `--diff`: also where the fix is a guess
    #[arg(long = "unsafe")]
    unsafe_too: bool,
    /// Show what `--fix` would write, and write nothing. Exits with 1 where that is something
    #[arg(long, conflicts_with_all = ["fix", "source", "output"])]
    diff: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum FailOn {
    /// What stops a model from being deployed
    Error,
    /// Also what is probably wrong
    Warning,
}

/// What was found.
struct Findings {
    all: Vec<Diagnostic>,
    /// What comments ignore.
    ignored: Vec<Ignored>,
    /// How many are in the baseline.
    baseline: usize,
    /// The files of the models that were looked at.
    files: Vec<String>,
    /// What `trueup.yaml` says about failing.
    fail_on: Option<Setting>,
}

impl Lint {
    pub(super) fn run(self, shell: &Shell) -> Result<u8, CommandError> {
        let mut subject = self.subject(shell)?;
        if self.changed {
            subject.only_since(&self.base)?;
        }
        let mut news = String::new();
        if self.diff || self.fix {
            let mended = mend::mend(&mut subject, self.unsafe_too);
            if self.diff {
                let text = mended.diff(&subject);
                shell.streams.data(&text);
                return Ok(if text.is_empty() {
                    exit::OK
                } else {
                    exit::FAILED
                });
            }
            mended.write(&subject)?;
            news = format!("{} mended in {} files; ", mended.count, mended.files());
        }
        let mut found = lint(&subject);
        if let Some(file) = &self.baseline {
            if self.write_baseline {
                return write_baseline(file, &subject, &found, shell);
            }
            pass_over(file, &subject, &mut found)?;
        }
        self.tell(&subject, &found, &news, shell)?;
        let fails = self.fails(&found);
        let failed = found.all.iter().any(|one| one.severity >= fails);
        Ok(if failed { exit::FAILED } else { exit::OK })
    }

    fn tell(
        &self,
        subject: &Subject,
        found: &Findings,
        news: &str,
        shell: &Shell,
    ) -> Result<(), CommandError> {
        let coloured = shell.streams.paint.is_on();
        let mut text = if self.statistics {
            forms::statistics(subject, found)
        } else {
            forms::shown(self.output, subject, found, coloured)
        };
        let lines = matches!(self.output, Form::Text | Form::Concise);
        if self.show_ignored && lines {
            text += &forms::ignored(found);
        }
        shell.streams.data(&text);
        if lines {
            shell.streams.talk(&format!("{news}{}", said(found)));
        }
        match &shell.environment.step_summary {
            Some(file) if self.output == Form::Github => forms::summarize(file, subject, found),
            _ => Ok(()),
        }
    }

    fn fails(&self, found: &Findings) -> Severity {
        match self.fail_on {
            Some(FailOn::Error) => Severity::Error,
            Some(FailOn::Warning) => Severity::Warning,
            None => found.fail_on.map_or(Severity::Error, Setting::severity),
        }
    }

    fn subject(&self, shell: &Shell) -> Result<Subject, CommandError> {
        if let Some(text) = &self.source {
            return Subject::of_source(connect::source(text, shell)?, shell);
        }
        if !self.path.is_dir() {
            let words = format!("`{}` is no folder", self.path.display());
            return Err(CommandError::usage(words));
        }
        if worktree::is_bare(&self.path) {
            let source = connect::source(&self.path.to_string_lossy(), shell)?;
            return Subject::of_source(source, shell);
        }
        Subject::on_disk(&self.path)
    }
}

/// One line that counts all that was found and passed over.
fn said(found: &Findings) -> String {
    let mut line = summary(&found.all, found.files.len());
    for (count, what) in [
        (found.ignored.len(), "ignored"),
        (found.baseline, "in the baseline"),
    ] {
        if count > 0 {
            line = format!("{line}, {count} {what}");
        }
    }
    line
}

/// Loads and compiles everything; nothing is looked up.
fn lint(subject: &Subject) -> Findings {
    let loaded = load(&subject.snapshot);
    let mut findings = Findings {
        all: loaded.diagnostics.clone(),
        ignored: Vec::new(),
        baseline: 0,
        files: Vec::new(),
        fail_on: loaded
            .installation
            .as_ref()
            .and_then(|one| one.lint.fail_on),
    };
    for model in &loaded.models {
        if !subject.asks_for(&model.folder) {
            continue;
        }
        findings.files.push(below(&model.folder, MODEL_FILE));
        findings.all.extend(model.diagnostics.iter().cloned());
        findings.ignored.extend(model.ignored.iter().cloned());
        if let (Some(installation), Some(config)) = (&loaded.installation, &model.config) {
            let prepared = prepare(installation, model, config, &subject.snapshot);
            findings.all.extend(prepared.err().map(|finding| *finding));
        }
    }
    findings
}

/// Takes what is in the baseline out of the findings.
fn pass_over(file: &Path, subject: &Subject, found: &mut Findings) -> Result<(), CommandError> {
    let failed = |error| {
        let words = format!("the baseline `{}` cannot be read", file.display());
        CommandError::new(&error).context(words)
    };
    let about = fs::metadata(file).map_err(failed)?;
    if about.len() > limits::LINT_BASELINE_BYTES_MAX {
        let most = limits::LINT_BASELINE_BYTES_MAX;
        let words = format!("the baseline has {} bytes, of at most {most}", about.len());
        return Err(CommandError::message(words));
    }
    let text = fs::read_to_string(file).map_err(failed)?;
    let baseline = Baseline::read(&text).map_err(|line| {
        let words = format!("line {line} of the baseline is none: code, severity, file and path");
        CommandError::message(words).help("write it anew with `--write-baseline`")
    })?;
    let asked = |one: &str| one == INSTALLATION_FILE || found.files.iter().any(|file| file == one);
    let mut notes = Notes::new(&subject.snapshot);
    let shown = file.to_string_lossy();
    found.baseline = baseline.pass_over(&shown, &mut found.all, &mut notes, asked);
    Ok(())
}

fn write_baseline(
    file: &Path,
    subject: &Subject,
    found: &Findings,
    shell: &Shell,
) -> Result<u8, CommandError> {
    let text = Baseline::write(&found.all, &mut Notes::new(&subject.snapshot));
    fs::write(file, &text).map_err(|error| {
        let words = format!("the baseline `{}` could not be written", file.display());
        CommandError::new(&error).context(words)
    })?;
    let errors = found
        .all
        .iter()
        .filter(|one| one.severity == Severity::Error);
    let (errors, lines) = (errors.count(), text.lines().count() - 1);
    let words = format!("{lines} findings written; {errors} errors are told all the same");
    shell.streams.talk(&words);
    Ok(exit::OK)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_is_where_trueup_yaml_is() {
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("example/models/a");
        fs::create_dir_all(&inner).unwrap();
        fs::create_dir(folder.path().join(".git")).unwrap();
        let yaml = folder.path().join("example").join(INSTALLATION_FILE);
        fs::write(yaml, "nonsense: true\n").unwrap();
        fs::write(inner.join("config.yaml"), "version: 1\n").unwrap();
        let subject = Subject::on_disk(&inner).unwrap();
        assert_eq!(subject.folder, "models/a");
        let found = lint(&subject);
        assert_eq!(found.files, ["models/a/config.yaml"]);
        let has = |file: &str| found.all.iter().any(|one| one.span.file == file);
        assert!(has(INSTALLATION_FILE) && has("models/a/config.yaml"));
        assert_eq!(
            forms::document(&subject, &found)["schema"],
            "trueup/lint.v1"
        );
    }
}
