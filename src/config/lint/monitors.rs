//! What is watched.

use serde_json::Value;

use super::{Findings, Level, Rule, Subject};

/// Nothing to read.
pub(super) const M001: Rule = Rule {
    code: "M001",
    title: "a monitor without data capture",
    level: Level::REFUSED,
    page: page!("M001"),
    check: Some(capture),
};

/// An engine that the account does not have.
pub(super) const M004: Rule = Rule {
    code: "M004",
    title: "an engine that is closed to new customers",
    level: Level::REFUSED,
    page: page!("M004"),
    check: Some(legacy),
};

/// Alarms that nobody hears.
pub(super) const M007: Rule = Rule {
    code: "M007",
    title: "alarms that nobody hears",
    level: Level::PRODUCTION,
    page: page!("M007"),
    check: Some(unheard),
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

fn capture(subject: &Subject<'_>, findings: &mut Findings<'_>) {
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

fn legacy(subject: &Subject<'_>, findings: &mut Findings<'_>) {
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

fn unheard(subject: &Subject<'_>, findings: &mut Findings<'_>) {
    let some = |place: &Value, pointer: &str| {
        let all = place.pointer(pointer).and_then(Value::as_object);
        all.is_some_and(|all| !all.is_empty())
    };
    for (_, pointer, environment) in subject.environments() {
        let alarms = "/deployment/rollout/rollback_on";
        if some(environment, alarms) && !some(environment, "/notifications/routes") {
            let message = "the alarms take a deployment back, and nobody is told";
            let finding = M007.at(subject.origins.key(&(pointer + alarms)), message);
            let help = "write `notifications: {routes: {ops: {type: sns}}}`";
            findings.push_in(Subject::mode(environment), finding.help(help));
        }
    }
}
