//! Findings as the report of a test run, in the XML that `JUnit` made common.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::super::Severity;
use super::super::report::{Noted, Report, sentence};

/// A suite for each file that was looked at, a case for each finding; a file without any has one case
/// that passes. What is only worth knowing fails nothing.
pub fn junit(report: &Report<'_>) -> String {
    let mut suites: BTreeMap<&str, Vec<&Noted<'_>>> = BTreeMap::new();
    for file in &report.files {
        suites.entry(file).or_default();
    }
    for one in report.live() {
        suites.entry(&one.finding.span.file).or_default().push(one);
    }
    let tests: usize = suites.values().map(|all| all.len().max(1)).sum();
    let failures = suites.values().flatten().filter(|one| fails(one)).count();
    let mut text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <testsuites name=\"trueup lint\" tests=\"{tests}\" failures=\"{failures}\" errors=\"0\">\n"
    );
    for (file, all) in suites {
        suite(&mut text, file, &all);
    }
    text + "</testsuites>\n"
}

fn fails(one: &Noted<'_>) -> bool {
    one.finding.severity > Severity::Info
}

fn suite(text: &mut String, file: &str, all: &[&Noted<'_>]) {
    let file = escaped(file);
    let failures = all.iter().filter(|one| fails(one)).count();
    writeln!(text, "  <testsuite name=\"{file}\" tests=\"{}\" failures=\"{failures}\" errors=\"0\" skipped=\"0\">",
        all.len().max(1)).expect("a string takes everything");
    if all.is_empty() {
        writeln!(text, "    <testcase name=\"lint\" classname=\"{file}\"/>")
            .expect("a string takes everything");
    }
    for one in all {
        let (finding, words) = (one.finding, escaped(&sentence(one.finding)));
        let (line, column) = (finding.span.line, finding.span.column);
        let name = format!("{} {line}:{column}", escaped(&finding.code));
        writeln!(text, "    <testcase name=\"{name}\" classname=\"{file}\">")
            .expect("a string takes everything");
        let inner = if fails(one) {
            let kind = finding.severity.word();
            format!("<failure type=\"{kind}\" message=\"{words}\">{file}:{line}:{column}</failure>")
        } else {
            format!("<system-out>{words}</system-out>")
        };
        writeln!(text, "      {inner}\n    </testcase>").expect("a string takes everything");
    }
    *text += "  </testsuite>\n";
}

/// Text for XML, in an attribute too; what XML has no letters for is left out.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in super::tame(text).chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\n' | '\t' => escaped.push(' '),
            '\u{fffe}' | '\u{ffff}' => {}
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::super::super::report::tests::sample;
    use super::*;

    #[test]
    fn a_file_is_a_suite_and_a_finding_a_case() {
        assert_snapshot!(sample(junit), @r#"
        <?xml version="1.0" encoding="UTF-8"?>
        <testsuites name="trueup lint" tests="3" failures="2" errors="0">
          <testsuite name="models/a b/config.yaml" tests="2" failures="2" errors="0" skipped="0">
            <testcase name="S001 2:12" classname="models/a b/config.yaml">
              <failure type="error" message="unknown key `entry_pont`; `training` takes `entry_point`">models/a b/config.yaml:2:12</failure>
            </testcase>
            <testcase name="H001 2:1" classname="models/a b/config.yaml">
              <failure type="warning" message="&lt;odd&gt; &quot;letters&quot; | 100% &amp; a line, a: colon \u{1b}[31m">models/a b/config.yaml:2:1</failure>
            </testcase>
          </testsuite>
          <testsuite name="models/c/config.yaml" tests="1" failures="0" errors="0" skipped="0">
            <testcase name="lint" classname="models/c/config.yaml"/>
          </testsuite>
        </testsuites>
        "#);
    }
}
