//! Whole analyses: bytes in, the three files out.

mod checks;

use std::io;

use serde_json::{Value, json};

use super::{Analysis, AnalyzeError, Baseline, Format, analyze};
use crate::limits::{ANALYZED_COLUMNS_MAX, ANALYZED_RECORD_BYTES_MAX};

const CSV: Format = Format::Csv { header: true };
const LINES: Format = Format::Json { lines: true };
const CAPTURE: Format = Format::Capture {
    input: true,
    output: true,
};

fn run(format: &Format, texts: &[&str], baseline: Option<&Baseline>) -> Analysis {
    analyze(format, files(texts), baseline).unwrap()
}

fn files<'a>(texts: &'a [&str]) -> impl Iterator<Item = io::Result<&'a [u8]>> {
    texts.iter().map(|text| Ok(text.as_bytes()))
}

fn failed(format: &Format, text: &str) -> AnalyzeError {
    analyze(format, files(&[text]), None).unwrap_err()
}

fn baseline(of: Analysis) -> Baseline {
    Baseline {
        constraints: of.constraints,
        statistics: Some(of.statistics),
    }
}

fn written(part: &impl serde::Serialize) -> Value {
    serde_json::to_value(part).unwrap()
}

/// Names and types of the columns.
fn columns(analysis: &Analysis) -> Vec<(String, String)> {
    let statistics = written(&analysis.statistics);
    let features = statistics["features"].as_array().unwrap().iter();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    features
        .map(|feature| (text(&feature["name"]), text(&feature["inferred_type"])))
        .collect()
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    let pairs = pairs.iter();
    pairs
        .map(|(one, other)| ((*one).to_owned(), (*other).to_owned()))
        .collect()
}

#[test]
fn statistics_and_constraints_of_a_table() {
    let analysis = run(
        &CSV,
        &["age,city,none\n1,x,\n2,y,\n,x,\n", "age,city,none\n4,y,\n"],
        None,
    );
    assert_eq!(analysis.violations, None);
    let statistics = written(&analysis.statistics);
    assert_eq!(statistics["dataset"], json!({"item_count": 4}));
    let age = &statistics["features"][0];
    assert_eq!(
        (&age["name"], &age["inferred_type"]),
        (&json!("age"), &json!("Integral"))
    );
    let numbers = &age["numerical_statistics"];
    assert_eq!(
        numbers["common"],
        json!({"num_present": 3, "num_missing": 1})
    );
    assert_eq!(
        (&numbers["sum"], &numbers["min"]),
        (&json!(7.0), &json!(1.0))
    );
    let kll = &numbers["distribution"]["kll"];
    let buckets = kll["buckets"].as_array().unwrap();
    assert_eq!(buckets.len(), 10);
    assert_eq!(
        buckets[9],
        json!({"lower_bound": 3.7, "upper_bound": 4.0, "count": 1.0})
    );
    let counts: f64 = buckets
        .iter()
        .filter_map(|bucket| bucket["count"].as_f64())
        .sum();
    assert_eq!(counts.to_string(), "3");
    assert_eq!(kll["sketch"]["data"], json!([[1.0, 2.0, 4.0]]));
    assert_eq!(
        statistics["features"][1]["string_statistics"],
        json!({"common": {"num_present": 4, "num_missing": 0}, "distinct_count": 2.0,
            "distribution": {"categorical": {"buckets": [
                {"value": "x", "count": 2}, {"value": "y", "count": 2}]}}})
    );
    assert_eq!(
        written(&analysis.constraints)["features"],
        json!([
            {"name": "age", "inferred_type": "Integral", "completeness": 0.75,
                "num_constraints": {"is_non_negative": true}},
            {"name": "city", "inferred_type": "String", "completeness": 1.0,
                "string_constraints": {"domains": ["x", "y"]}},
            {"name": "none", "inferred_type": "Unknown", "completeness": 0.0},
        ])
    );
}

#[test]
fn columns_without_names_have_those_of_the_baseline() {
    let plain = Format::Csv { header: false };
    let bare = run(&plain, &["1,x\n2,y,z\n"], None);
    let expected = [("_c0", "Integral"), ("_c1", "String"), ("_c2", "String")];
    assert_eq!(columns(&bare), pairs(&expected));
    let before = baseline(run(&CSV, &["a,b\n1,x\n"], None));
    let named = run(&plain, &["1,x\n2,y\n"], Some(&before));
    assert_eq!(
        columns(&named),
        pairs(&[("a", "Integral"), ("b", "String")])
    );
    let twice = run(&CSV, &["a,a,\n1,2,3\n"], None);
    let names = columns(&twice).into_iter().map(|(name, _)| name);
    assert_eq!(names.collect::<Vec<_>>(), ["a", "_c1", "_c2"]);
}

#[test]
fn json_is_flattened() {
    let analysis = run(
        &LINES,
        &[r#"{"a": 1, "b": {"c": [0.5, true]}, "d": null}
[{"a": 2}, {"a": null}]
nonsense
"#],
        None,
    );
    assert_eq!(analysis.skipped, 1);
    let expected = [
        ("a", "Integral"),
        ("b_c_0", "Fractional"),
        ("b_c_1", "String"),
        ("d", "Unknown"),
    ];
    assert_eq!(columns(&analysis), pairs(&expected));
    let statistics = written(&analysis.statistics);
    assert_eq!(statistics["dataset"]["item_count"], 3);
    let whole = Format::Json { lines: false };
    let analysis = run(&whole, &["[{\"a\": 1},\n {\"a\": 2}]"], None);
    assert_eq!(written(&analysis.statistics)["dataset"]["item_count"], 2);
}

fn captured(input: (&str, &str), output: (&str, &str)) -> String {
    let side = |mode: &str, (encoding, data): (&str, &str)| json!({"observedContentType": "text/csv", "mode": mode, "data": data, "encoding": encoding});
    json!({
        "captureData": {
            "endpointInput": side("INPUT", input), "endpointOutput": side("OUTPUT", output),
        },
        "eventMetadata": {"eventId": "1", "inferenceTime": "2026-01-01T00:00:00Z"},
        "eventVersion": "0",
    })
    .to_string()
}

#[test]
fn captured_answers_come_before_what_was_asked() {
    let before = baseline(run(&CSV, &["label,age,city\n0.5,1,x\n"], None));
    let lines = [
        captured(("CSV", "7,x"), ("CSV", "0.9")),
        // Two rows, with an answer a line, and with both answers in one line.
        captured(("CSV", "8,x\n9,x"), ("CSV", "0.1\n0.2")),
        captured(("CSV", "8,x\n9,x"), ("CSV", "0.1,0.2")),
        captured(("BASE64", "NyxM"), ("JSON", "0.3")),
        // Three rows and two answers.
        captured(("CSV", "1,x\n2,x\n3,x"), ("CSV", "0.1\n0.2")),
        captured(("BASE64", "!"), ("CSV", "0.1")),
        "{}".to_owned(),
    ];
    let analysis = run(&CAPTURE, &[&lines.join("\n")], Some(&before));
    assert_eq!(analysis.skipped, 3);
    let expected = [
        ("label", "Fractional"),
        ("age", "Integral"),
        ("city", "String"),
    ];
    assert_eq!(columns(&analysis), pairs(&expected));
    assert_eq!(written(&analysis.statistics)["dataset"]["item_count"], 6);

    let json = captured(("JSON", r#"{"age": 3}"#), ("JSON", r#"{"score": 0.5}"#));
    let analysis = run(&CAPTURE, &[&json], None);
    assert_eq!(
        columns(&analysis),
        pairs(&[("score", "Fractional"), ("age", "Integral")])
    );
    let input = Format::Capture {
        input: true,
        output: false,
    };
    let analysis = run(&input, &[&json], None);
    assert_eq!(columns(&analysis), pairs(&[("age", "Integral")]));
}

#[test]
fn numbers_that_are_not_finite_are_words_and_are_read_again() {
    let huge = format!("n\n{}1e308\n", "1e308\n".repeat(20));
    let analysis = run(&CSV, &[&huge], None);
    let statistics = written(&analysis.statistics);
    assert_eq!(
        statistics["features"][0]["numerical_statistics"]["sum"],
        "Infinity"
    );
    let again: super::Statistics = serde_json::from_value(statistics).unwrap();
    let numbers = written(&again);
    assert_eq!(numbers["features"][0]["numerical_statistics"]["max"], 1e308);
}

#[test]
fn what_has_no_bound_is_refused() {
    let most = ANALYZED_RECORD_BYTES_MAX;
    let long = format!("\"{}", "x,\n".repeat(most / 3 + 1));
    assert!(matches!(failed(&CSV, &long), AnalyzeError::Long));
    let long = format!("\"{}\"", "x".repeat(most));
    assert!(matches!(failed(&LINES, &long), AnalyzeError::Long));
    let whole = Format::Json { lines: false };
    assert!(matches!(failed(&whole, &long), AnalyzeError::Long));
    let wide = |columns| format!("{}\n", vec!["1"; columns].join(","));
    let bare = Format::Csv { header: false };
    let most = wide(ANALYZED_COLUMNS_MAX);
    assert_eq!(
        columns(&run(&bare, &[&most], None)).len(),
        ANALYZED_COLUMNS_MAX
    );
    let wider = wide(ANALYZED_COLUMNS_MAX + 1);
    assert!(matches!(failed(&bare, &wider), AnalyzeError::Wide));
}

#[test]
fn an_empty_dataset_is_no_dataset() {
    assert!(matches!(
        failed(&CSV, "a,b\n"),
        AnalyzeError::Empty { skipped: 0 }
    ));
    assert!(matches!(
        failed(&LINES, "x\ny\n"),
        AnalyzeError::Empty { skipped: 2 }
    ));
    let lost = std::iter::once(Err::<&[u8], _>(io::Error::other("lost")));
    assert!(matches!(
        analyze(&CSV, lost, None),
        Err(AnalyzeError::Read(_))
    ));
}
