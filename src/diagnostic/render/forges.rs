//! Findings for GitLab's code quality reports and for reviewdog.

use serde_json::{Value, json};

use super::super::Severity;
use super::super::report::{Noted, Position, Report, sentence, url};

/// GitLab's code quality report. Two entries of one fingerprint would be shown as one.
pub fn gitlab(report: &Report<'_>) -> String {
    let entry = |one: &Noted<'_>| {
        let finding = one.finding;
        json!({
            "description": sentence(finding),
            "check_name": finding.code,
            "fingerprint": one.fingerprint,
            "severity": match finding.severity {
                Severity::Error => "critical",
                Severity::Warning => "minor",
                Severity::Info => "info",
            },
            "location": {"path": finding.span.file, "lines": {"begin": finding.span.line}},
        })
    };
    let all: Value = report.live().map(entry).collect();
    format!("{all:#}\n")
}

/// reviewdog's own form, with the fixes as suggestions. It counts columns in bytes.
pub fn rdjson(report: &Report<'_>) -> String {
    let entry = |one: &Noted<'_>| {
        let finding = one.finding;
        let mut entry = json!({
            "message": sentence(finding),
            "location": {"path": finding.span.file, "range": range(report.range(finding))},
            "severity": match finding.severity {
                Severity::Error => "ERROR",
                Severity::Warning => "WARNING",
                Severity::Info => "INFO",
            },
            "code": {"value": finding.code, "url": url(&finding.code)},
        });
        if let Some(fix) = &finding.fix {
            let edits = fix.edits.iter().filter_map(|edit| {
                let place = report.edited(&finding.span.file, edit)?;
                Some(json!({"range": range(place), "text": edit.text}))
            });
            entry["suggestions"] = edits.collect();
        }
        entry
    };
    let document = json!({
        "source": {"name": "trueup", "url": "https://github.com/trueup-dev/trueup"},
        "diagnostics": report.live().map(entry).collect::<Vec<_>>(),
    });
    format!("{document:#}\n")
}

fn range((start, end): (Position, Position)) -> Value {
    let position = |one: Position| json!({"line": one.line, "column": one.byte});
    json!({"start": position(start), "end": position(end)})
}

#[cfg(test)]
mod tests {
    use super::super::super::report::tests::sample;
    use super::*;

    fn read(text: &str) -> Value {
        serde_json::from_str(text).expect("JSON")
    }

    #[test]
    fn gitlab_gets_a_fingerprint_each_and_nothing_that_is_ignored() {
        let all = read(&sample(gitlab));
        let [wrong, odd] = all.as_array().expect("a list").as_slice() else {
            panic!("two entries");
        };
        assert_eq!(
            wrong["location"],
            json!({"path": "models/a b/config.yaml", "lines": {"begin": 2}})
        );
        assert_eq!(
            (&wrong["severity"], &odd["severity"]),
            (&json!("critical"), &json!("minor"))
        );
        assert_ne!(wrong["fingerprint"], odd["fingerprint"]);
    }

    #[test]
    fn reviewdog_gets_bytes_and_suggestions() {
        let document = read(&sample(rdjson));
        let wrong = &document["diagnostics"][0];
        let range = json!({"start": {"line": 2, "column": 13}, "end": {"line": 2, "column": 23}});
        assert_eq!(wrong["location"]["range"], range);
        assert_eq!(
            wrong["suggestions"],
            json!([{"range": range, "text": "entry_point"}])
        );
        assert_eq!(document["diagnostics"][1].get("suggestions"), None);
    }
}
