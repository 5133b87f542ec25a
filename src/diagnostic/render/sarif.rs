//! Findings in SARIF 2.1.0, which code hosts take in.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::super::report::{Noted, Position, Report, sentence, url};
use super::super::{Fix, Severity};
use super::tame;

/// One run of the linter. What tells results apart does not depend on lines, so that a result that
/// moves is not a new one; what comments ignore is in it, as suppressed.
pub fn sarif(report: &Report<'_>) -> String {
    let rules = report.rules.iter().map(|rule| {
        json!({
            "id": rule.code,
            "shortDescription": {"text": rule.title},
            "helpUri": url(rule.code),
            "help": {"text": rule.page, "markdown": rule.page},
        })
    });
    let results = report.findings.iter().map(|one| result(report, one));
    let document = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "trueup",
                "version": report.version,
                "informationUri": "https://github.com/trueup-dev/trueup",
                "rules": rules.collect::<Vec<_>>(),
            }},
            "automationDetails": {"id": "trueup/lint/"},
            "columnKind": "unicodeCodePoints",
            "results": results.collect::<Vec<_>>(),
        }],
    });
    format!("{document:#}\n")
}

fn result(report: &Report<'_>, one: &Noted<'_>) -> Value {
    let finding = one.finding;
    let mut result = json!({
        "ruleId": finding.code,
        "level": level(finding.severity),
        "message": {"text": sentence(finding)},
        "locations": [{
            "physicalLocation": {
                "artifactLocation": artifact(&finding.span.file),
                "region": region(report.range(finding)),
            },
            "logicalLocations": [{"fullyQualifiedName": tame(&one.path)}],
        }],
        "partialFingerprints": {"trueup/v1": one.fingerprint},
    });
    if let Some(at) = report
        .rules
        .iter()
        .position(|rule| rule.code == finding.code)
    {
        result["ruleIndex"] = at.into();
    }
    if let Some(fix) = &finding.fix {
        result["fixes"] = json!([change(report, &finding.span.file, fix)]);
    }
    if let Some(reason) = one.ignored {
        result["suppressions"] = json!([{"kind": "inSource", "justification": reason}]);
    }
    result
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "note",
    }
}

fn region((start, end): (Position, Position)) -> Value {
    json!({
        "startLine": start.line,
        "startColumn": start.column,
        "endLine": end.line,
        "endColumn": end.column,
    })
}

fn change(report: &Report<'_>, file: &str, fix: &Fix) -> Value {
    let replacements = fix.edits.iter().filter_map(|edit| {
        let range = report.edited(file, edit)?;
        Some(json!({"deletedRegion": region(range), "insertedContent": {"text": edit.text}}))
    });
    json!({"artifactChanges": [{
        "artifactLocation": artifact(file),
        "replacements": replacements.collect::<Vec<_>>(),
    }]})
}

/// A file, as a relative reference: what a URI does not take is escaped.
fn artifact(file: &str) -> Value {
    let mut uri = String::with_capacity(file.len());
    for byte in file.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            write!(uri, "%{byte:02X}").expect("a string takes everything");
        }
    }
    json!({"uri": uri, "uriBaseId": "%SRCROOT%"})
}

#[cfg(test)]
mod tests {
    use super::super::super::report::tests::sample;
    use super::*;

    #[test]
    fn a_result_has_a_place_a_fingerprint_a_fix_and_its_suppression() {
        let document: Value = serde_json::from_str(&sample(sarif)).expect("JSON");
        let run = &document["runs"][0];
        let [wrong, odd, ignored] = run["results"].as_array().expect("results").as_slice() else {
            panic!("three results");
        };
        let place = &wrong["locations"][0]["physicalLocation"];
        assert_eq!(place["artifactLocation"]["uri"], "models/a%20b/config.yaml");
        let region = json!({"startLine": 2, "startColumn": 12, "endLine": 2, "endColumn": 22});
        assert_eq!(place["region"], region);
        assert_eq!(wrong["partialFingerprints"]["trueup/v1"], "1".repeat(32));
        let replacement = &wrong["fixes"][0]["artifactChanges"][0]["replacements"][0];
        assert_eq!(replacement["deletedRegion"], region);
        assert_eq!(replacement["insertedContent"]["text"], "entry_point");
        let rule = usize::try_from(wrong["ruleIndex"].as_u64().expect("an index")).expect("small");
        assert_eq!(run["tool"]["driver"]["rules"][rule]["id"], "S001");
        assert_eq!(
            (&odd["level"], &ignored["level"]),
            (&json!("warning"), &json!("note"))
        );
        assert!(
            !odd["message"]["text"]
                .as_str()
                .expect("text")
                .contains('\u{1b}')
        );
        assert_eq!(odd.get("suppressions"), None);
        assert_eq!(ignored["suppressions"][0]["justification"], "a load test");
    }
}
