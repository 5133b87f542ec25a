//! Training and the gates before registration.

use serde_json::Value;

use super::{Rule, Severity, Subject};
use crate::config::document::join;
use crate::diagnostic::Diagnostic;
use crate::limits;

/// No gate.
pub(super) const Q001: Rule = Rule {
    code: "Q001",
    title: "no gate before registration",
    severity: Severity::Warning,
    docs: "Without a condition under `evaluation.gates`, whatever training writes becomes a version \
           that can be deployed, however bad it is. Name a metric of `evaluation.json` and its bound.",
    check: Some(ungated),
};

/// Hyperparameters over SageMaker's bounds.
pub(super) const T010: Rule = Rule {
    code: "T010",
    title: "hyperparameters that SageMaker refuses",
    severity: Severity::Error,
    docs: "A training job takes at most 100 hyperparameters, each value with at most 2500 \
           characters. Put longer settings into a file beside the training script.",
    check: Some(hyperparameters),
};

fn ungated(subject: &Subject<'_>, findings: &mut Vec<Diagnostic>) {
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

fn hyperparameters(subject: &Subject<'_>, findings: &mut Vec<Diagnostic>) {
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
