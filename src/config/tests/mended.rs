//! What fixes make of a file: the finding is gone, and the file means the same where that is said.

use super::{MODEL, snapshot, sound};
use crate::config::load;
use crate::diagnostic::fix::fixed;

/// Mends the sound model with `from` replaced by `to`, and compares the place of the replacement.
#[track_caller]
fn check(from: &str, to: &str, unsafe_too: bool, expected: &str) {
    assert!(MODEL.contains(from), "{from}");
    let text = MODEL.replacen(from, to, 1);
    let mut files = sound();
    files.insert("models/churn/config.yaml", text.as_bytes());
    let loaded = load(&snapshot(files));
    let (mended, _) = fixed(&text, &loaded.models[0].diagnostics, unsafe_too);
    assert_eq!(mended, MODEL.replacen(from, expected, 1));
}

#[test]
fn what_is_the_same_in_another_spelling_is_safe() {
    check(
        "entry_point: src",
        "entryPoint: src",
        false,
        "entry_point: src",
    );
    check(
        "account: \"111122223333\"",
        "account: 111122223333",
        false,
        "account: \"111122223333\"",
    );
    check(
        "name: churn",
        "name: churn\nowner: yes",
        false,
        "name: churn\nowner: \"yes\"",
    );
    check(
        "name: churn",
        "name: churn\r\nowner: me",
        false,
        "name: churn\nowner: me",
    );
    let staging = "  staging:\n    mode: development\n    region: eu-west-1  # as everywhere\n";
    check(
        "  staging: {}\n",
        staging,
        false,
        "  staging:\n    mode: development\n",
    );
}

#[test]
fn what_would_leave_nothing_or_half_a_line_is_left() {
    for staging in [
        "  staging:\n    region: eu-west-1\n",
        "  staging: {mode: development, region: eu-west-1}\n",
    ] {
        check("  staging: {}\n", staging, true, staging);
    }
}

#[test]
fn what_is_a_guess_is_not_safe() {
    check("gates: {", "gate: {", false, "gate: {");
    check("gates: {", "gate: {", true, "gates: {");
    check(
        "schedule: daily",
        "schedule: dayly",
        false,
        "schedule: dayly",
    );
    check(
        "schedule: daily",
        "schedule: dayly",
        true,
        "schedule: daily",
    );
    check(
        "account: \"111122223333\"",
        "account: 11122223333",
        false,
        "account: 11122223333",
    );
    check(
        "account: \"111122223333\"",
        "account: 11122223333",
        true,
        "account: \"011122223333\"",
    );
}
