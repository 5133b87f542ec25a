//! Training and the gates before registration.

use serde_json::Value;

use super::{Findings, Level, Rule, Subject};
use crate::config::document::join;
use crate::facts::images;
use crate::limits;

/// No gate.
pub(super) const Q001: Rule = Rule {
    code: "Q001",
    title: "no gate before registration",
    level: Level::WARNING,
    page: page!("Q001"),
    check: Some(ungated),
};

/// Hyperparameters over SageMaker's bounds.
pub(super) const T010: Rule = Rule {
    code: "T010",
    title: "hyperparameters that SageMaker refuses",
    level: Level::REFUSED,
    page: page!("T010"),
    check: Some(hyperparameters),
};

/// A container that there is not.
pub(super) const T013: Rule = Rule {
    code: "T013",
    title: "a framework without an image",
    level: Level::REFUSED,
    page: page!("T013"),
    check: Some(imageless),
};

fn imageless(subject: &Subject<'_>, findings: &mut Findings<'_>) {
    let (Some(framework), Some(region)) = (subject.text("/framework"), subject.text("/region"))
    else {
        return;
    };
    // What lacks its version is said to be misshapen.
    if framework.contains("${") || !framework.contains('@') {
        return;
    }
    if let Err(why) = images::uri(framework, region) {
        findings.push(T013.at(subject.origins.origin("/framework"), why.to_string()));
    }
}

fn ungated(subject: &Subject<'_>, findings: &mut Findings<'_>) {
    let gates = subject.document.pointer("/evaluation/gates");
    let gated = gates
        .and_then(Value::as_object)
        .is_none_or(|gates| !gates.is_empty());
    if gates.is_some() && gated {
        return;
    }
    let pointer = if subject.document.get("evaluation").is_some() {
        "/evaluation"
    } else {
        ""
    };
    let finding = Q001.at(
        subject.origins.key(pointer),
        "no gate: any version can be registered",
    );
    findings.push(finding.help("add a metric and its bound, such as `gates: {auc: \">= 0.80\"}`"));
}

fn hyperparameters(subject: &Subject<'_>, findings: &mut Findings<'_>) {
    let all = "/training/hyperparameters";
    let count = subject.entries(all).count();
    if count > limits::HYPERPARAMETERS_MAX {
        let message = format!(
            "{count} hyperparameters, of at most {}",
            limits::HYPERPARAMETERS_MAX
        );
        findings.push(T010.at(subject.origins.key(all), message));
    }
    for (name, value) in subject.entries(all) {
        let length = value.as_str().map_or(0, |text| text.chars().count());
        if length > limits::HYPERPARAMETER_CHARS_MAX {
            let message = format!(
                "`{name}` has {length} characters, of at most {}",
                limits::HYPERPARAMETER_CHARS_MAX
            );
            findings.push(T010.at(subject.origins.key(&join(all, name)), message));
        }
    }
}
