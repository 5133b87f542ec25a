//! Findings as text, in the look of rustc's.

use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};

use super::super::{Diagnostic, Severity};
use super::tame;

/// Renders findings, each with the lines that it is about and a line of space behind it.
/// `source` gives the text of a file, if there is one; `coloured` says whether a terminal's colours
/// are used.
pub fn text<'a>(
    findings: &[Diagnostic],
    source: impl Fn(&str) -> Option<&'a str>,
    coloured: bool,
) -> String {
    let renderer = if coloured {
        Renderer::styled()
    } else {
        Renderer::plain()
    };
    let one = |finding| render(finding, source(&finding.span.file), &renderer) + "\n\n";
    findings.iter().map(one).collect()
}

fn render(finding: &Diagnostic, source: Option<&str>, renderer: &Renderer) -> String {
    let level = match finding.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Info => Level::INFO,
    };
    let title = level
        .primary_title(tame(&finding.message))
        .id(finding.code.clone());
    let mut group = place(title, finding, source);
    if let Some(help) = &finding.help {
        group = group.element(Level::HELP.message(tame(help)));
    }
    renderer.render(&[group])
}

fn place<'a>(
    title: annotate_snippets::Title<'a>,
    finding: &Diagnostic,
    source: Option<&'a str>,
) -> Group<'a> {
    let (span, path) = (&finding.span, tame(&finding.span.file));
    let held = source.filter(|source| !source.is_empty() && source.is_char_boundary(span.start));
    let Some(source) = held else {
        let origin = Origin::path(path).line(span.line).char_column(span.column);
        return title.element(origin);
    };
    // What goes on in further lines is marked in its first one.
    let line = source[span.start..]
        .find(['\n', '\r'])
        .map_or(source.len(), |at| span.start + at);
    let end = span.end.clamp(span.start, line);
    let end = if source.is_char_boundary(end) {
        end
    } else {
        span.start
    };
    let mut mark = AnnotationKind::Primary.span(span.start..end);
    if let Some(label) = &finding.label {
        mark = mark.label(tame(label));
    }
    title.element(Snippet::source(source).path(path).annotation(mark))
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::*;
    use crate::diagnostic::Span;
    use crate::diagnostic::render::summary;

    const SOURCE: &str =
        "version: 1\nträining: {entry_pont: src/train.py}\ndata:\n  train:\n    file: x\n";

    fn finding(held: &str) -> Diagnostic {
        let start = SOURCE.find(held).unwrap();
        let line = 1 + SOURCE[..start].matches('\n').count();
        let span = Span {
            file: "config.yaml".to_owned(),
            start,
            end: start + held.len(),
            line,
            column: 1,
        };
        Diagnostic::error("S001", span, "unknown key `entry_pont`")
    }

    fn check(finding: Diagnostic, source: Option<&str>) -> String {
        let colourless = text(std::slice::from_ref(&finding), |_| source, false);
        let coloured = text(&[finding], |_| source, true);
        assert!(!colourless.contains('\u{1b}') && coloured.contains('\u{1b}'));
        colourless
    }

    #[test]
    fn a_finding_looks_like_rustc() {
        let mut wrong = finding("entry_pont").help("`training` takes `entry_point`");
        wrong.label = Some("did you mean `entry_point`?".to_owned());
        assert_snapshot!(check(wrong, Some(SOURCE)), @r"
        error[S001]: unknown key `entry_pont`
         --> config.yaml:2:12
          |
        2 | träining: {entry_pont: src/train.py}
          |            ^^^^^^^^^^ did you mean `entry_point`?
          |
          = help: `training` takes `entry_point`
        ");
    }

    #[test]
    fn a_finding_of_many_lines_marks_the_first() {
        assert_snapshot!(check(finding("train:\n    file: x"), Some(SOURCE)), @r"
        error[S001]: unknown key `entry_pont`
         --> config.yaml:4:3
          |
        4 |   train:
          |   ^^^^^^
        ");
    }

    #[test]
    fn a_finding_without_text_has_its_place() {
        let mut wrong = finding("data");
        wrong.severity = Severity::Warning;
        assert_snapshot!(check(wrong, None), @r"
        warning[S001]: unknown key `entry_pont`
        --> config.yaml:3:1
        ");
    }

    #[test]
    fn places_outside_of_the_text_and_hostile_text_do_no_harm() {
        for (start, end) in [
            (0, 0),
            (0, 9999),
            (13, 14),
            (14, 14),
            (9999, 10_000),
            (SOURCE.len(), SOURCE.len()),
        ] {
            let mut odd = finding("data");
            (odd.span.start, odd.span.end) = (start, end);
            odd.message = "evil \u{1b}[31m\u{202e} text".to_owned();
            let shown = check(odd, Some(SOURCE));
            assert!(!shown.contains('\u{202e}'), "{shown}");
        }
        assert!(!check(finding("data"), Some("")).is_empty());
    }

    #[test]
    fn the_summary_counts() {
        let mut warning = finding("data");
        warning.severity = Severity::Warning;
        let all = [finding("data"), finding("train"), warning];
        assert_eq!(summary(&all, 3), "2 errors, 1 warning in 3 models");
        assert_eq!(summary(&[], 1), "0 errors, 0 warnings in 1 model");
    }
}
