//! Where a dataset breaks the constraints of a baseline, and what is published of it.

use serde_json::{Value, json};

use super::super::{About, Analysis, Baseline};
use super::{CSV, baseline, pairs, run, written};

/// Columns and checks of the violations.
fn broken(analysis: &Analysis) -> Vec<(String, String)> {
    let violations = written(&analysis.violations);
    let violations = violations["violations"].as_array().unwrap().iter();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    violations
        .map(|one| {
            (
                text(&one["feature_name"]),
                text(&one["constraint_check_type"]),
            )
        })
        .collect()
}

/// A table with a column of numbers and one of a few letters.
fn table(
    rows: u32,
    number: impl Fn(u32) -> String,
    letter: impl Fn(u32) -> &'static str,
) -> String {
    let rows = (0..rows).map(|n| format!("{},{}\n", number(n), letter(n)));
    format!("n,l\n{}", rows.collect::<String>())
}

fn letter(n: u32) -> &'static str {
    ["a", "b"][usize::from(n.is_multiple_of(2))]
}

#[test]
fn the_same_data_breaks_nothing() {
    let text = table(500, |n| n.to_string(), letter);
    let before = baseline(run(&CSV, &[&text], None));
    assert_eq!(broken(&run(&CSV, &[&text], Some(&before))), []);
}

#[test]
fn every_check_is_broken_by_what_it_is_for() {
    let before = baseline(run(&CSV, &[&table(500, |n| n.to_string(), letter)], None));
    let check = |text: String, expected: &[(&str, &str)]| {
        let analysis = run(&CSV, &[&text], Some(&before));
        assert_eq!(broken(&analysis), pairs(expected));
        let violations = analysis.violations.unwrap().violations;
        violations
            .into_iter()
            .map(|one| one.description)
            .collect::<Vec<_>>()
    };
    let half = |n: u32| {
        if n < 5 {
            "0.5".to_owned()
        } else {
            n.to_string()
        }
    };
    let words = check(table(500, half, letter), &[("n", "data_type_check")]);
    assert_eq!(
        words,
        [
            "Data type match requirement is not met. Expected data type: Integral, Expected match: \
          100.0%. Observed: Only 99.0% of data is Integral."
        ]
    );
    let gaps = |n: u32| if n < 5 { String::new() } else { n.to_string() };
    let words = check(table(500, gaps, letter), &[("n", "completeness_check")]);
    assert_eq!(
        words,
        ["Value: 0.99 does not meet the constraint requirement! "]
    );
    let other = |n: u32| if n < 5 { "c" } else { letter(n) };
    let words = check(
        table(500, |n| n.to_string(), other),
        &[("l", "categorical_values_check")],
    );
    assert_eq!(
        words,
        ["Value: 0.99 does not meet the constraint requirement! "]
    );
    let words = check(
        table(500, |n| (n + 250).to_string(), letter),
        &[("n", "baseline_drift_check")],
    );
    let distance = 0.5 - 1.8 * (1000.0_f64 / 250_000.0).sqrt();
    let expected = format!("Baseline drift distance: {distance:?} exceeds threshold: 0.1");
    assert_eq!(words, [expected]);
    check(
        table(500, |n| n.to_string(), |_| "a"),
        &[("l", "baseline_drift_check")],
    );
    let words = check(
        "n,m\n1,2\n".to_owned(),
        &[
            ("Missing columns", "missing_column_check"),
            ("Extra columns", "extra_column_check"),
        ],
    );
    assert_eq!(
        words[0],
        "There are missing columns in current dataset. Number of columns in current dataset: 2, \
         Number of columns in baseline constraints: 2"
    );
}

#[test]
fn the_baseline_says_what_is_looked_at() {
    let text = table(500, |n| n.to_string(), letter);
    let first = run(&CSV, &[&text], None);
    let other = table(500, |n| format!("{}.5", n + 250), |_| "c");
    let with = |edit: &dyn Fn(&mut Value)| {
        let mut constraints = written(&first.constraints);
        edit(&mut constraints);
        let before = Baseline {
            constraints: serde_json::from_value(constraints).unwrap(),
            statistics: Some(first.statistics.clone()),
        };
        broken(&run(&CSV, &[&other], Some(&before)))
    };
    assert_eq!(with(&|_| {}).len(), 4);
    let off = with(&|all| all["monitoring_config"]["evaluate_constraints"] = json!("Disabled"));
    assert_eq!(off, []);
    let own = with(&|all| {
        all["features"][0]["monitoring_config_overrides"] =
            json!({"evaluate_constraints": "Disabled"});
    });
    assert!(own.iter().all(|(name, _)| name == "l"), "{own:?}");
    let apart = with(&|all| {
        let rules = &mut all["monitoring_config"];
        rules["datatype_check_threshold"] = json!(0.0);
        rules["domain_content_threshold"] = json!(0.0);
        rules["distribution_constraints"]["comparison_threshold"] = json!(0.6);
        rules["distribution_constraints"]["categorical_drift_method"] = json!("ChiSquared");
    });
    // Of the letters none is one that was expected, so that there is nothing to compare.
    assert_eq!(apart, []);
    let statistics = with(&|all| {
        all["monitoring_config"]["distribution_constraints"]["perform_comparison"] =
            json!("Disabled");
    });
    assert_eq!(
        statistics,
        pairs(&[("n", "data_type_check"), ("l", "categorical_values_check")])
    );
}

#[test]
fn counts_that_are_unlikely_by_chance_are_a_drift() {
    let text = table(500, |n| n.to_string(), letter);
    let first = run(&CSV, &[&text], None);
    let mut constraints = written(&first.constraints);
    constraints["monitoring_config"]["distribution_constraints"]["categorical_drift_method"] =
        json!("ChiSquared");
    let before = Baseline {
        constraints: serde_json::from_value(constraints).unwrap(),
        statistics: Some(first.statistics),
    };
    assert_eq!(broken(&run(&CSV, &[&text], Some(&before))), []);
    let moved = table(
        500,
        |n| n.to_string(),
        |n| ["a", "b"][usize::from(n % 5 < 2)],
    );
    let found = run(&CSV, &[&moved], Some(&before));
    assert_eq!(broken(&found), pairs(&[("l", "baseline_drift_check")]));
}

#[test]
fn metrics_say_how_much_there_is_and_how_far_off() {
    let text = table(500, |n| n.to_string(), letter);
    let before = baseline(run(&CSV, &[&text], None));
    let analysis = run(&CSV, &[&text], Some(&before));
    let about = About {
        endpoint: Some("e".to_owned()),
        schedule: None,
        time: Some("2026-01-01T00:00:00Z".to_owned()),
    };
    let lines: Vec<Value> = analysis
        .metrics
        .iter()
        .filter_map(|one| one.line(&about))
        .collect();
    let names: Vec<&str> = lines
        .iter()
        .filter_map(|line| line["MetricName"].as_str())
        .collect();
    let expected = [
        "feature_non_null_n",
        "feature_data_n",
        "feature_baseline_drift_n",
        "feature_non_null_l",
        "feature_baseline_drift_l",
    ];
    assert_eq!(names, expected);
    assert_eq!(
        lines[1],
        json!({"MetricName": "feature_data_n", "Timestamp": "2026-01-01T00:00:00Z", "Unit": "None",
            "Dimensions": [{"Name": "Endpoint", "Value": "e"}],
            "StatisticValues":
                {"SampleCount": 500, "Sum": 124_750.0, "Minimum": 0.0, "Maximum": 499.0}})
    );
    assert_eq!(lines[2]["Value"], 0.0);
}
