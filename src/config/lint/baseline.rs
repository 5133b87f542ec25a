//! A baseline: findings that were there when the linter came, each a line of a file that is reviewed
//! like any other: code, severity, file and path in its document.
//!
//! It passes over advice only. An error stops a model from being planned, and a list does not change
//! that. A finding that has become worse than the line says is told again.

use std::collections::BTreeMap;

use super::noted::Notes;
use super::{Level, Rule};
use crate::diagnostic::{Diagnostic, Severity, Span};

/// A line for nothing.
pub(super) const G010: Rule = Rule {
    code: "G010",
    title: "a line of a baseline that is about nothing",
    level: Level::WARNING,
    page: page!("G010"),
    // See `Baseline::pass_over`.
    check: None,
};

const HEAD: &str =
    "# Findings that `trueup lint --baseline` passes over: code, severity, file, path.\n";

/// What a line is about, and how bad it may be.
type Key = (String, String, String);

/// A baseline, as it was read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Baseline {
    /// The severity, and the line in the file, of each finding that is passed over.
    lines: BTreeMap<Key, Vec<(Severity, usize)>>,
}

impl Baseline {
    /// Reads a baseline; the number of a line that is none, where there is one.
    pub fn read(text: &str) -> Result<Self, usize> {
        let mut lines: BTreeMap<Key, Vec<_>> = BTreeMap::new();
        for (index, line) in text.lines().enumerate() {
            if line.trim().is_empty() || line.starts_with('#') {
                continue;
            }
            let mut parts = line.splitn(4, '\t');
            let mut next = || parts.next().map(str::to_owned).ok_or(index + 1);
            let (code, severity, file, path) = (next()?, next()?, next()?, next()?);
            let all = [Severity::Info, Severity::Warning];
            let severity = all.into_iter().find(|one| one.word() == severity);
            let severity = severity.ok_or(index + 1)?;
            lines
                .entry((code, file, path))
                .or_default()
                .push((severity, index + 1));
        }
        Ok(Self { lines })
    }

    /// The text of a baseline that passes over all of `findings` that are no errors.
    pub fn write(findings: &[Diagnostic], notes: &mut Notes<'_>) -> String {
        let advice = findings.iter().filter(|one| one.severity < Severity::Error);
        let mut lines: Vec<_> = advice
            .map(|one| {
                let (severity, path) = (one.severity.word(), notes.path(one));
                format!("{}\t{severity}\t{}\t{path}\n", one.code, one.span.file)
            })
            .collect();
        lines.sort();
        HEAD.to_owned() + &lines.concat()
    }

    /// Takes what is in the baseline out of `findings`, and gives their number. Puts in what is wrong
    /// with the baseline, which is at `file`; only lines about files that `asked` holds are judged.
    pub fn pass_over(
        mut self,
        file: &str,
        findings: &mut Vec<Diagnostic>,
        notes: &mut Notes<'_>,
        asked: impl Fn(&str) -> bool,
    ) -> usize {
        let before = findings.len();
        findings.retain(|one| {
            let key = (one.code.clone(), one.span.file.clone(), notes.path(one));
            let Some(lines) = self.lines.get_mut(&key) else {
                return true;
            };
            let at = lines
                .iter()
                .position(|(severity, _)| one.severity <= *severity);
            at.map(|at| lines.remove(at)).is_none()
        });
        let count = before - findings.len();
        let left = self.lines.into_iter().filter(|((_, one, _), _)| asked(one));
        let left =
            left.flat_map(|(key, lines)| lines.into_iter().map(move |line| (key.clone(), line)));
        findings.extend(left.map(|((code, about, _), (severity, line))| {
            let span = Span {
                file: file.to_owned(),
                start: 0,
                end: 0,
                line,
                column: 1,
            };
            let word = severity.word();
            let message =
                format!("there is no {code} of severity {word} there in `{about}` any more");
            let mut finding = G010.at(span, message).help("remove the line");
            finding.severity = Severity::Warning;
            finding
        }));
        count
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;
    use crate::snapshot::{File, Mode, ObjectId, Snapshot};

    const TEXT: &str = "a: 1\nb: 2\n";

    fn snapshot() -> Snapshot {
        let file = File {
            mode: Mode::Regular,
            blob: ObjectId(String::new()),
            bytes: TEXT.as_bytes().into(),
        };
        Snapshot {
            commit: ObjectId("0".repeat(40)),
            time: Timestamp::UNIX_EPOCH,
            files: BTreeMap::from([("config.yaml".to_owned(), file)]),
            skipped: BTreeMap::new(),
        }
    }

    fn finding(code: &str, severity: Severity, at: &str) -> Diagnostic {
        let start = TEXT.find(at).expect("it is there");
        let span = Span {
            file: "config.yaml".to_owned(),
            start,
            end: start + 1,
            line: 1 + TEXT[..start].matches('\n').count(),
            column: 1,
        };
        let mut finding = Diagnostic::error(code, span, "x");
        finding.severity = severity;
        finding
    }

    /// What is told of `now` where `then` was written down.
    fn check(then: &[Diagnostic], now: &[Diagnostic], count: usize, told: &[&str]) {
        let snapshot = snapshot();
        let mut notes = Notes::new(&snapshot);
        let text = Baseline::write(then, &mut notes);
        let baseline = Baseline::read(&text).expect("what was written is read");
        let mut findings = now.to_vec();
        let passed = baseline.pass_over("baseline", &mut findings, &mut notes, |_| true);
        let left: Vec<_> = findings.iter().map(|one| one.code.as_str()).collect();
        assert_eq!((passed, left.as_slice()), (count, told), "{text}");
    }

    #[test]
    fn what_was_there_is_passed_over_and_nothing_else() {
        let one = |severity| finding("H001", severity, "a");
        let (info, warning, error) = (Severity::Info, Severity::Warning, Severity::Error);
        check(&[one(warning)], &[one(warning)], 1, &[]);
        check(&[one(warning)], &[one(info)], 1, &[]);
        check(&[one(info)], &[one(warning)], 0, &["H001", "G010"]);
        check(&[one(error)], &[one(error)], 0, &["H001"]);
        check(&[one(warning)], &[one(warning), one(warning)], 1, &["H001"]);
        check(
            &[one(warning)],
            &[finding("H001", warning, "b")],
            0,
            &["H001", "G010"],
        );
        check(&[one(warning)], &[], 0, &["G010"]);
    }

    #[test]
    fn a_line_that_is_none_has_a_number() {
        assert_eq!(Baseline::read("# x\n\nnonsense\n"), Err(3));
        assert_eq!(Baseline::read("H001\terror\tf\t/a\n"), Err(1));
        assert_eq!(Baseline::read(""), Ok(Baseline::default()));
    }
}
