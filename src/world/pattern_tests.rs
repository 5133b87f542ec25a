//! What patterns of the service model match, and how fast.

use super::*;

fn check(pattern: &'static str, yes: &[&str], no: &[&str]) {
    let compiled = Pattern::new(pattern);
    for text in yes {
        assert!(compiled.matches(text), "{pattern} should match {text:?}");
    }
    for text in no {
        assert!(
            !compiled.matches(text),
            "{pattern} should not match {text:?}"
        );
    }
}

#[test]
fn names() {
    let long = "a".repeat(63);
    let longer = "a".repeat(64);
    check(
        "[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}",
        &["a", "a-b", "a--b", "Churn-1", &long],
        &["", "-a", "a-", "a_b", "a.b", "é", &longer],
    );
    check(
        "[a-zA-Z0-9]([\\-a-zA-Z0-9]*[a-zA-Z0-9])?",
        &["a", "a-b"],
        &["a-", ""],
    );
}

#[test]
fn uris_and_arns() {
    check(
        "(https|s3)://([^/]+)/?(.*)",
        &["s3://b", "s3://b/k/l"],
        &["s3:///", "http://b/k"],
    );
    check(
        "arn:aws[a-z\\-]*:iam::\\d{12}:role/?[a-zA-Z_0-9+=,.@\\-_/]+",
        &[
            "arn:aws:iam::123456789012:role/a/b",
            "arn:aws-cn:iam::123456789012:role/x",
        ],
        &["arn:aws:iam::12345678901:role/x", "role"],
    );
    check(
        "(arn:aws[a-z\\-]*:sagemaker:[a-z0-9\\-]*:[0-9]{12}:[a-z\\-]*\\/)?([a-zA-Z0-9]([a-zA-Z0-9-]){0,62})(?<!-)(\\/[0-9]{1,9})?",
        &[
            "g",
            "g/1",
            "arn:aws:sagemaker:eu-west-1:123456789012:model-package/g/12",
        ],
        &["g-", "g-/1", "g/x"],
    );
}

#[test]
fn hostile_values_are_quick() {
    let compiled = Pattern::new("([\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]*)");
    assert!(!compiled.matches(&format!("{}!", "a ".repeat(20_000))));
    let nested = Pattern::new("[a-zA-Z0-9]+(-[a-zA-Z0-9]+)*");
    assert!(!nested.matches(&format!("{}-", "a-a".repeat(5_000))));
}

#[test]
fn classes_are_of_ascii_and_any_letter_is_any() {
    check("\\d+K", &["12K"], &["١٢K", "K"]);
    check("[-\\w]+\\/.+", &["a_1-b/c\nd"], &["é/c", "/c"]);
    check("[\\p{Alnum}\\-]+", &["aws-cn"], &["é", "a_b"]);
    check(
        "([\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]*)",
        &["", "Größe 1 m"],
        &["a!"],
    );
}
