//! Findings in the form that is asked for.

use std::collections::BTreeSet;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;

use clap::ValueEnum;
use serde_json::{Value, json};

use super::{Findings, Subject};
use crate::cli::error::CommandError;
use crate::config::lint::{Notes, RULES, pages};
use crate::diagnostic::Diagnostic;
use crate::diagnostic::render;
use crate::diagnostic::report::{About, Noted, Report};

/// The form of findings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Form {
    /// For people, with the lines that they are about
    Text,
    /// One line each
    Concise,
    /// One document
    Json,
    /// One object a line
    Jsonl,
    /// SARIF 2.1.0, for code scanning
    Sarif,
    /// Workflow commands of GitHub: notes beside the lines
    Github,
    /// A code quality report of GitLab
    Gitlab,
    /// A test report in XML
    Junit,
    /// For reviewdog, with fixes as suggestions
    Rdjson,
    /// A table, for summaries and comments
    Markdown,
}

/// The findings in a form. `coloured` is for people at a terminal.
pub(super) fn shown(form: Form, subject: &Subject, found: &Findings, coloured: bool) -> String {
    let source = |file: &str| subject.snapshot.text(file);
    match form {
        Form::Text => render::text(&found.all, source, coloured),
        Form::Json => format!("{:#}\n", document(subject, found)),
        Form::Jsonl => render::lines(&found.all),
        Form::Concise => reported(subject, found, render::concise),
        Form::Sarif => reported(subject, found, render::sarif),
        Form::Github => reported(subject, found, render::github),
        Form::Gitlab => reported(subject, found, render::gitlab),
        Form::Junit => reported(subject, found, render::junit),
        Form::Rdjson => reported(subject, found, render::rdjson),
        Form::Markdown => reported(subject, found, render::markdown),
    }
}

/// How often each rule was broken.
pub(super) fn statistics(subject: &Subject, found: &Findings) -> String {
    reported(subject, found, render::statistics)
}

/// Appends the table of all findings to the summary of a step.
pub(super) fn summarize(
    file: &Path,
    subject: &Subject,
    found: &Findings,
) -> Result<(), CommandError> {
    let text = reported(subject, found, render::markdown);
    let opened = OpenOptions::new().create(true).append(true).open(file);
    let written = opened.and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|error| CommandError::new(&error).context("the summary could not be written"))
}

/// What comments ignore: one line each.
pub(super) fn ignored(found: &Findings) -> String {
    let all = found.ignored.iter().map(|one| {
        let (span, finding) = (&one.finding.span, &one.finding);
        render::tame(&format!(
            "{}:{}:{}: ignored[{}] until {} ({}): {}\n",
            span.file, span.line, span.column, finding.code, one.until, one.reason, finding.message
        ))
    });
    all.collect()
}

fn reported(subject: &Subject, found: &Findings, render: fn(&Report<'_>) -> String) -> String {
    let mut notes = Notes::new(&subject.snapshot);
    let live = found.all.iter().map(|one| (one, None));
    let ignored = found
        .ignored
        .iter()
        .map(|one| (&one.finding, Some(one.reason.as_str())));
    let noted = |(finding, ignored)| {
        let (path, fingerprint) = notes.note(finding);
        Noted {
            finding,
            path,
            fingerprint,
            ignored,
        }
    };
    let findings: Vec<_> = live.chain(ignored).map(noted).collect();
    let codes: BTreeSet<_> = findings
        .iter()
        .map(|one| one.finding.code.as_str())
        .collect();
    let rules = RULES
        .iter()
        .zip(pages())
        .filter(|(rule, _)| codes.contains(rule.code));
    let rules = rules.map(|(rule, (_, page))| About {
        code: rule.code,
        title: rule.title,
        page,
    });
    render(&Report {
        rules: rules.collect(),
        files: found.files.clone(),
        source: &|file| subject.snapshot.text(file),
        version: env!("CARGO_PKG_VERSION"),
        findings,
    })
}

/// All that was found and passed over, as one document.
pub(super) fn document(subject: &Subject, found: &Findings) -> Value {
    let mut notes = Notes::new(&subject.snapshot);
    let mut object = |finding: &Diagnostic| {
        let line = render::lines(std::slice::from_ref(finding));
        let mut object: Value = serde_json::from_str(&line).unwrap_or_default();
        let (path, fingerprint) = notes.note(finding);
        object["path"] = path.into();
        object["fingerprint"] = fingerprint.into();
        object
    };
    let all: Vec<_> = found.all.iter().map(&mut object).collect();
    let ignored = found.ignored.iter().map(|one| {
        let mut ignored = object(&one.finding);
        ignored["until"] = one.until.clone().into();
        ignored["reason"] = one.reason.clone().into();
        ignored
    });
    json!({
        "schema": "trueup/lint.v1",
        "models": found.files.len(),
        "findings": all,
        "ignored": ignored.collect::<Vec<_>>(),
        "baseline": found.baseline,
    })
}
