//! Findings for other tools: each with what tells it apart, and where it ends.

use super::{Diagnostic, Edit, Severity};

/// Where the pages of the rules are.
const PAGES: &str = "https://github.com/trueup-dev/trueup/blob/main/docs/lints";

/// Findings for other tools.
pub struct Report<'a> {
    /// The findings, in the order of the files.
    pub findings: Vec<Noted<'a>>,
    /// The rules that they are of, by code.
    pub rules: Vec<About<'a>>,
    /// The files that were looked at, findings or not.
    pub files: Vec<String>,
    /// The text of a file, if there is one.
    pub source: &'a dyn Fn(&str) -> Option<&'a str>,
    /// This program's version.
    pub version: &'a str,
}

/// A finding, and what tells it apart.
pub struct Noted<'a> {
    /// What was found.
    pub finding: &'a Diagnostic,
    /// Where in the document, as a JSON pointer: what stays when lines move.
    pub path: String,
    /// 32 hexadecimal digits over rule, file and path; of the second such finding, over that too.
    pub fingerprint: String,
    /// Why a comment ignores it, if one does.
    pub ignored: Option<&'a str>,
}

/// What a rule is.
pub struct About<'a> {
    /// Its code.
    pub code: &'a str,
    /// What it finds.
    pub title: &'a str,
    /// Its page, in Markdown.
    pub page: String,
}

/// A line and a column, both from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Position {
    pub(super) line: usize,
    /// In characters.
    pub(super) column: usize,
    /// In bytes.
    pub(super) byte: usize,
}

impl Report<'_> {
    /// Those that no comment ignores.
    pub(super) fn live(&self) -> impl Iterator<Item = &Noted<'_>> {
        self.findings.iter().filter(|one| one.ignored.is_none())
    }

    /// Where a finding begins and ends.
    pub(super) fn range(&self, finding: &Diagnostic) -> (Position, Position) {
        let span = &finding.span;
        let Some(text) = (self.source)(&span.file) else {
            let start = Position {
                line: span.line,
                column: span.column,
                byte: span.column,
            };
            return (start, start);
        };
        (position(text, span.start), position(text, span.end))
    }

    /// Where an edit of a file begins and ends.
    pub(super) fn edited(&self, file: &str, edit: &Edit) -> Option<(Position, Position)> {
        let text = (self.source)(file)?;
        Some((position(text, edit.start), position(text, edit.end)))
    }

    /// How many there are of a severity.
    pub(super) fn count(&self, severity: Severity) -> usize {
        self.live()
            .filter(|one| one.finding.severity == severity)
            .count()
    }
}

/// The position of a byte; past the end, the end.
fn position(text: &str, byte: usize) -> Position {
    let mut at = byte.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    let before = &text[..at];
    let start = before.rfind('\n').map_or(0, |at| at + 1);
    Position {
        line: 1 + before.matches('\n').count(),
        column: 1 + before[start..].chars().count(),
        byte: 1 + at - start,
    }
}

/// Where the page of a rule is.
pub(super) fn url(code: &str) -> String {
    format!("{PAGES}/{code}.md")
}

/// A sentence for tools that have room for one: what is wrong, and what to do.
pub(super) fn sentence(finding: &Diagnostic) -> String {
    let parts = [
        Some(&finding.message),
        finding.label.as_ref(),
        finding.help.as_ref(),
    ];
    let parts: Vec<_> = parts.into_iter().flatten().map(String::as_str).collect();
    super::render::tame(&parts.join("; "))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::diagnostic::{Fix, Span};

    const SOURCE: &str = "version: 1\nträining: {entry_pont: src/train.py}\n";

    /// A report of an error that can be mended, a warning with odd letters, and an ignored one.
    pub(in crate::diagnostic) fn sample<T>(render: impl Fn(&Report<'_>) -> T) -> T {
        let span = |start: usize, end: usize, column: usize| Span {
            file: "models/a b/config.yaml".to_owned(),
            start,
            end,
            line: 2,
            column,
        };
        let mut wrong = Diagnostic::error("S001", span(23, 33, 12), "unknown key `entry_pont`");
        wrong.help = Some("`training` takes `entry_point`".to_owned());
        wrong.fix = Some(Fix {
            safe: false,
            edits: vec![Edit {
                start: 23,
                end: 33,
                text: "entry_point".to_owned(),
            }],
        });
        let message = "<odd> \"letters\" | 100% & a\nline, a: colon \u{1b}[31m";
        let mut odd = Diagnostic::error("H001", span(11, 20, 1), message);
        odd.severity = Severity::Warning;
        let mut info = Diagnostic::error("H002", span(11, 20, 1), "ignored");
        info.severity = Severity::Info;
        let noted = |finding, digit: &str, ignored| Noted {
            finding,
            path: "/training/entry_pont".to_owned(),
            fingerprint: digit.repeat(32),
            ignored,
        };
        let about = |code, title| About {
            code,
            title,
            page: format!("# {code}: {title}\n"),
        };
        render(&Report {
            findings: vec![
                noted(&wrong, "1", None),
                noted(&odd, "2", None),
                noted(&info, "3", Some("a load test")),
            ],
            rules: vec![
                about("H001", "one"),
                about("H002", "two"),
                about("S001", "three"),
            ],
            files: vec![
                "models/a b/config.yaml".to_owned(),
                "models/c/config.yaml".to_owned(),
            ],
            source: &|file| (file == "models/a b/config.yaml").then_some(SOURCE),
            version: "0.0.0",
        })
    }

    #[test]
    fn a_range_is_counted_in_lines_characters_and_bytes() {
        let of = |start, end| (position(SOURCE, start), position(SOURCE, end));
        let at = |line, column, byte| Position { line, column, byte };
        assert_eq!(of(23, 33), (at(2, 12, 13), at(2, 22, 23)));
        assert_eq!(of(0, 11), (at(1, 1, 1), at(2, 1, 1)));
        assert_eq!(position(SOURCE, 9999), at(3, 1, 1));
        // Within the two bytes of `ä`.
        assert_eq!(position(SOURCE, 14), at(2, 3, 3));
    }
}
