//! Findings about the user's files: values, collected, never an `Err`.

pub mod diff;
pub mod fix;
pub mod render;
pub mod report;

use serde::{Deserialize, Serialize};

use crate::limits;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// Probably wrong.
    Warning,
    /// The model is not planned until this is mended.
    Error,
}

impl Severity {
    /// What it is called.
    pub fn word(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// A place in a file: bytes `start..end`, with the line and column of `start` (both from 1, the
/// column in characters).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Span {
    /// Path from the repository's root.
    pub file: String,
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
    /// Line of `start`.
    pub line: usize,
    /// Column of `start`.
    pub column: usize,
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diagnostic {
    /// The rule, such as `S001`. Stable; the severity is not part of it.
    pub code: String,
    /// How bad.
    pub severity: Severity,
    /// What is wrong: a phrase, lower case, no final stop.
    pub message: String,
    /// Where.
    pub span: Span,
    /// What to write at the place, next to the marks.
    pub label: Option<String>,
    /// What to do about it.
    pub help: Option<String>,
    /// What would mend it.
    #[serde(default)]
    pub fix: Option<Fix>,
}

/// A change of the file that a finding is in, which mends the finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fix {
    /// Whether the file means the same after it.
    pub safe: bool,
    /// What to replace: in order, without overlap.
    pub edits: Vec<Edit>,
}

/// Bytes of a file that become others.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Edit {
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
    /// What stands there then.
    pub text: String,
}

impl Diagnostic {
    /// An error at a place.
    pub fn error(code: &str, span: Span, message: impl Into<String>) -> Self {
        Self {
            code: code.to_owned(),
            severity: Severity::Error,
            message: message.into(),
            span,
            label: None,
            help: None,
            fix: None,
        }
    }

    /// The same, with what would mend it: `text` in place of the bytes `start..end` of its file.
    #[must_use]
    pub fn mend(mut self, safe: bool, start: usize, end: usize, text: impl Into<String>) -> Self {
        let text = text.into();
        let edits = vec![Edit { start, end, text }];
        self.fix = Some(Fix { safe, edits });
        self
    }

    /// The same, with a way out.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// Whether any finding stops the model from being planned.
pub fn any_error(diagnostics: &[Diagnostic]) -> bool {
    diagnostics
        .iter()
        .any(|finding| finding.severity == Severity::Error)
}

/// Findings in the order of the files, without repetitions, and at most
/// [`limits::DIAGNOSTICS_MAX`] of them: the worst are kept, and one more counts the rest.
pub fn settle(mut findings: Vec<Diagnostic>) -> Vec<Diagnostic> {
    let order = |a: &Diagnostic, b: &Diagnostic| {
        let same = (&a.span, &a.code, &a.message).cmp(&(&b.span, &b.code, &b.message));
        // Of the same for two environments, the worse is kept.
        same.then_with(|| b.severity.cmp(&a.severity))
    };
    findings.sort_by(order);
    findings.dedup_by(|a, b| (&a.span, &a.code, &a.message) == (&b.span, &b.code, &b.message));
    let more = findings.len().saturating_sub(limits::DIAGNOSTICS_MAX);
    if more == 0 {
        return findings;
    }
    findings.sort_by(|a, b| b.severity.cmp(&a.severity).then_with(|| order(a, b)));
    findings.truncate(limits::DIAGNOSTICS_MAX);
    findings.sort_by(order);
    let last = findings.last().expect("the limit is not 0").span.clone();
    let mut rest = Diagnostic::error("S014", last, format!("{more} more findings"));
    rest.severity = Severity::Info;
    findings.push(rest);
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn findings_are_sorted_single_and_bounded_with_the_worst_kept() {
        let at = |line: usize, severity| {
            let span = Span {
                file: "f".to_owned(),
                start: line,
                end: line,
                line,
                column: 1,
            };
            let mut finding = Diagnostic::error("S002", span, "x");
            finding.severity = severity;
            finding
        };
        let few = settle(vec![
            at(2, Severity::Error),
            at(1, Severity::Info),
            at(2, Severity::Error),
        ]);
        assert_eq!(
            few.iter().map(|one| one.span.line).collect::<Vec<_>>(),
            [1, 2]
        );
        let lines = 1..limits::DIAGNOSTICS_MAX + 10;
        let mut many: Vec<_> = lines.map(|line| at(line, Severity::Warning)).collect();
        many.push(at(9000, Severity::Error));
        let many = settle(many);
        assert_eq!(many.len(), limits::DIAGNOSTICS_MAX + 1);
        assert!(any_error(&many));
        assert_eq!(many.last().unwrap().message, "10 more findings");
    }
}
