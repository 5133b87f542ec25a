//! Findings as a page of Markdown: for the summary of a job, or a comment.

use std::fmt::Write as _;

use super::super::Severity;
use super::super::report::{Report, sentence, url};
use super::tame;
use crate::limits;

/// A table of the findings, the worst first, as many as such a page takes; the rest is counted.
pub fn markdown(report: &Report<'_>) -> String {
    let [errors, warnings, infos] =
        [Severity::Error, Severity::Warning, Severity::Info].map(|one| report.count(one));
    let files = report.files.len();
    let mut text = format!(
        "## trueup lint\n\n{errors} errors, {warnings} warnings, {infos} info in {files} models\n"
    );
    let mut all: Vec<_> = report.live().map(|one| one.finding).collect();
    all.sort_by_key(|one| std::cmp::Reverse(one.severity));
    if all.is_empty() {
        return text;
    }
    text += "\n| | Rule | Where | What |\n|---|---|---|---|\n";
    for finding in all.iter().take(limits::SUMMARY_ROWS_MAX) {
        let (code, place) = (&finding.code, &finding.span);
        writeln!(
            text,
            "| {} | [{code}]({}) | `{}:{}` | {} |",
            finding.severity.word(),
            url(code),
            cell(&place.file).replace('`', ""),
            place.line,
            cell(&sentence(finding)),
        )
        .expect("writing to a string succeeds");
    }
    let more = all.len().saturating_sub(limits::SUMMARY_ROWS_MAX);
    if more > 0 {
        writeln!(text, "\nand {more} more").expect("writing to a string succeeds");
    }
    text
}

/// Text for a cell of a table: it neither ends the cell nor is taken for HTML.
fn cell(text: &str) -> String {
    let text = tame(text).replace(['\n', '\t'], " ");
    text.replace('|', "\\|").replace('<', "&lt;")
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::super::super::report::tests::sample;
    use super::*;
    use crate::diagnostic::report::Noted;

    #[test]
    fn a_finding_is_a_row() {
        assert_snapshot!(sample(markdown), @r#"
        ## trueup lint

        1 errors, 1 warnings, 0 info in 2 models

        | | Rule | Where | What |
        |---|---|---|---|
        | error | [S001](https://github.com/trueup-dev/trueup/blob/main/docs/lints/S001.md) | `models/a b/config.yaml:2` | unknown key `entry_pont`; `training` takes `entry_point` |
        | warning | [H001](https://github.com/trueup-dev/trueup/blob/main/docs/lints/H001.md) | `models/a b/config.yaml:2` | &lt;odd> "letters" \| 100% & a line, a: colon \u{1b}[31m |
        "#);
    }

    #[test]
    fn a_page_has_an_end() {
        sample(|report| {
            let one = &report.findings[0];
            let many = (0..limits::SUMMARY_ROWS_MAX + 7).map(|_| Noted {
                finding: one.finding,
                path: String::new(),
                fingerprint: String::new(),
                ignored: None,
            });
            let text = markdown(&Report {
                findings: many.collect(),
                rules: Vec::new(),
                files: Vec::new(),
                source: &|_| None,
                version: "",
            });
            assert!(text.ends_with("\nand 7 more\n"), "{text}");
        });
    }
}
