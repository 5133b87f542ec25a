//! Findings as lines: for people who want one each, for GitHub, and counted.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::super::report::{Report, sentence};
use super::super::{Diagnostic, Severity};
use super::tame;
use crate::limits;

/// One line each: `path:line:column: error[S001] what is wrong`.
pub fn concise(report: &Report<'_>) -> String {
    let line = |finding: &Diagnostic| {
        let (span, severity, code) = (&finding.span, finding.severity.word(), &finding.code);
        let place = format!("{}:{}:{}", tame(&span.file), span.line, span.column);
        format!(
            "{place}: {severity}[{code}] {}\n",
            one_line(&finding.message)
        )
    };
    report.live().map(|one| line(one.finding)).collect()
}

/// Workflow commands, which GitHub shows beside the changed lines. It shows ten of each severity in a
/// step: so the worst come first, and what is more is counted.
pub fn github(report: &Report<'_>) -> String {
    let mut text = String::new();
    let mut more = 0;
    for (severity, command) in [
        (Severity::Error, "error"),
        (Severity::Warning, "warning"),
        (Severity::Info, "notice"),
    ] {
        let all = report.live().map(|one| one.finding);
        let all: Vec<_> = all.filter(|one| one.severity == severity).collect();
        more += all.len().saturating_sub(limits::GITHUB_ANNOTATIONS_MAX);
        for finding in all.iter().take(limits::GITHUB_ANNOTATIONS_MAX) {
            let (start, end) = report.range(finding);
            let properties = [
                ("file", finding.span.file.clone()),
                ("line", start.line.to_string()),
                ("col", start.column.to_string()),
                ("endLine", end.line.to_string()),
                ("endColumn", end.column.to_string()),
                ("title", finding.code.clone()),
            ];
            let properties = properties.map(|(key, value)| format!("{key}={}", property(&value)));
            let message = command_text(&sentence(finding));
            writeln!(text, "::{command} {}::{message}", properties.join(","))
                .expect("a string takes everything");
        }
    }
    if more > 0 {
        writeln!(text, "and {more} more findings").expect("a string takes everything");
    }
    text
}

fn command_text(text: &str) -> String {
    text.replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

fn property(text: &str) -> String {
    command_text(text).replace(':', "%3A").replace(',', "%2C")
}

/// How often each rule was broken: count, code, severity, and how many can be mended by themselves.
pub fn statistics(report: &Report<'_>) -> String {
    let mut counts: BTreeMap<&str, (usize, usize, Severity)> = BTreeMap::new();
    for finding in report.live().map(|one| one.finding) {
        let one = counts
            .entry(&finding.code)
            .or_insert((0, 0, finding.severity));
        one.0 += 1;
        one.1 += usize::from(finding.fix.is_some());
        one.2 = one.2.max(finding.severity);
    }
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_by(|(a, x), (b, y)| (y.0, a).cmp(&(x.0, b)));
    let line = |(code, (count, mended, severity)): (&str, (usize, usize, Severity))| {
        let title = report.rules.iter().find(|rule| rule.code == code);
        let title = title.map_or("", |rule| rule.title);
        let mended = if mended > 0 {
            format!(" ({mended} with a fix)")
        } else {
            String::new()
        };
        format!(
            "{count:>6}  {code}  {:<7}  {title}{mended}\n",
            severity.word()
        )
    };
    counts.into_iter().map(line).collect()
}

fn one_line(text: &str) -> String {
    tame(text).replace(['\n', '\t'], " ")
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::super::super::report::tests::sample;
    use super::*;
    use crate::diagnostic::Span;
    use crate::diagnostic::report::Noted;

    #[test]
    fn a_finding_is_a_line() {
        assert_snapshot!(sample(concise), @r#"
        models/a b/config.yaml:2:12: error[S001] unknown key `entry_pont`
        models/a b/config.yaml:2:1: warning[H001] <odd> "letters" | 100% & a line, a: colon \u{1b}[31m
        "#);
    }

    #[test]
    fn a_finding_is_a_command_of_one_line() {
        assert_snapshot!(sample(github), @r#"
        ::error file=models/a b/config.yaml,line=2,col=12,endLine=2,endColumn=22,title=S001::unknown key `entry_pont`; `training` takes `entry_point`
        ::warning file=models/a b/config.yaml,line=2,col=1,endLine=2,endColumn=9,title=H001::<odd> "letters" | 100%25 & a%0Aline, a: colon \u{1b}[31m
        "#);
    }

    #[test]
    fn rules_are_counted() {
        assert_snapshot!(sample(statistics), @r"
             1  H001  warning  one
             1  S001  error    three (1 with a fix)
        ");
    }

    #[test]
    fn what_github_would_not_show_is_counted() {
        let span = |line| Span {
            file: "f".to_owned(),
            start: 0,
            end: 0,
            line,
            column: 1,
        };
        let lines = 1..=limits::GITHUB_ANNOTATIONS_MAX + 3;
        let all: Vec<_> = lines
            .map(|line| Diagnostic::error("S001", span(line), "x"))
            .collect();
        let noted = all.iter().map(|finding| Noted {
            finding,
            path: String::new(),
            fingerprint: String::new(),
            ignored: None,
        });
        let report = Report {
            findings: noted.collect(),
            rules: Vec::new(),
            files: Vec::new(),
            source: &|_| None,
            version: "",
        };
        let text = github(&report);
        assert_eq!(text.lines().count(), limits::GITHUB_ANNOTATIONS_MAX + 1);
        assert!(text.ends_with("and 3 more findings\n"), "{text}");
    }
}
