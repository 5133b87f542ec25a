//! What is watched.

use serde_json::Value;

use super::{Rule, Severity, Subject};
use crate::diagnostic::Diagnostic;

/// Nothing to read.
pub(super) const M001: Rule = Rule {
    code: "M001",
    title: "a monitor without data capture",
    severity: Severity::Error,
    docs: "A data-quality monitor reads the requests that the endpoint captured. Without \
           `deployment.data_capture`, or with a share of 0, every one of its jobs fails for want of \
           data.",
    check: Some(capture),
};

/// An engine that the account does not have.
pub(super) const M004: Rule = Rule {
    code: "M004",
    title: "an engine that is closed to new customers",
    severity: Severity::Error,
    docs: "AWS closed Model Monitor to new customers in 2026. An account that used it before keeps \
           it: say so in trueup.yaml with `accounts.<id>.legacy: true`. In any other account its \
           calls are refused.",
    check: Some(legacy),
};

fn monitored<'a>(
    subject: &Subject<'a>,
) -> impl Iterator<Item = (String, &'a Value, &'a Value)> + use<'a> {
    subject
        .environments()
        .filter_map(|(_, pointer, environment)| {
            let monitor = environment.pointer("/monitors/data_quality")?;
            let pointer = pointer + "/monitors/data_quality";
            monitor
                .is_object()
                .then_some((pointer, environment, monitor))
        })
}

fn capture(subject: &Subject<'_>, findings: &mut Vec<Diagnostic>) {
    for (pointer, environment, _) in monitored(subject) {
        let capture = environment.pointer("/deployment/data_capture");
        let share = capture.and_then(|capture| capture.get("sampling_percentage"));
        let none = capture.is_none_or(Value::is_null)
            || share.is_some_and(|share| share.as_u64() == Some(0));
        if none {
            let finding = M001.at(
                subject.origins.key(&pointer),
                "the monitor has nothing to read: nothing is captured",
            );
            let help = "add `data_capture: {sampling_percentage: 100}` to the deployment";
            findings.push(finding.help(help));
        }
    }
}

fn legacy(subject: &Subject<'_>, findings: &mut Vec<Diagnostic>) {
    let Some(installation) = subject.installation else {
        return;
    };
    for (pointer, environment, monitor) in monitored(subject) {
        if monitor.get("engine").and_then(Value::as_str) != Some("model_monitor") {
            continue;
        }
        let Some(account) = environment.get("account").and_then(Value::as_str) else {
            continue;
        };
        if !installation
            .accounts
            .get(account)
            .is_some_and(|known| known.legacy)
        {
            let message = format!("the account {account} is not known to have Model Monitor");
            let finding = M004.at(subject.origins.origin(&(pointer + "/engine")), message);
            let help = format!(
                "if it has, write `accounts: {{\"{account}\": {{legacy: true}}}}` in trueup.yaml"
            );
            findings.push(finding.help(help));
        }
    }
}
