//! How traffic moves to what is new.

use serde_json::Value;

use super::{Findings, Level, Rule, Subject};
use crate::config::document::join;
use crate::config::units::{Seconds, Size};
use crate::limits;

/// Nothing stops it.
pub(super) const H003: Rule = Rule {
    code: "H003",
    title: "a rollout in steps that nothing can stop",
    level: Level::WARNING,
    page: page!("H003"),
    check: Some(unwatched),
};

/// Too many alarms.
pub(super) const H004: Rule = Rule {
    code: "H004",
    title: "more rollback alarms than SageMaker takes",
    level: Level::REFUSED,
    page: page!("H004"),
    check: Some(alarms),
};

/// A part that SageMaker refuses.
pub(super) const H005: Rule = Rule {
    code: "H005",
    title: "a step that is larger or smaller than SageMaker takes",
    level: Level::REFUSED,
    page: page!("H005"),
    check: Some(sizes),
};

/// Times that SageMaker refuses.
pub(super) const H006: Rule = Rule {
    code: "H006",
    title: "times of a rollout that SageMaker refuses",
    level: Level::REFUSED,
    page: page!("H006"),
    check: Some(times),
};

/// A fallback in silence.
pub(super) const H008: Rule = Rule {
    code: "H008",
    title: "a rollout that instances of this type do not take",
    level: Level::WARNING,
    page: page!("H008"),
    check: Some(excluded),
};

/// Rolling with several variants.
pub(super) const H009: Rule = Rule {
    code: "H009",
    title: "a rolling deployment of more than one variant",
    level: Level::REFUSED,
    page: page!("H009"),
    check: Some(rolling),
};

/// A key of another strategy.
pub(super) const H018: Rule = Rule {
    code: "H018",
    title: "a key that the strategy of a rollout does not take",
    level: Level::REFUSED,
    page: page!("H018"),
    check: Some(misplaced),
};

/// The rollouts, each with its pointer and its deployment.
fn rollouts<'a>(
    subject: &Subject<'a>,
) -> impl Iterator<Item = (String, &'a Value, &'a Value)> + use<'a> {
    subject.environments().filter_map(|(_, pointer, one)| {
        let deployment = one.get("deployment")?;
        let rollout = deployment.get("rollout")?;
        let pointer = pointer + "/deployment/rollout";
        rollout
            .is_object()
            .then_some((pointer, rollout, deployment))
    })
}

fn strategy(rollout: &Value) -> &str {
    let named = rollout.get("strategy").and_then(Value::as_str);
    named.unwrap_or("all_at_once")
}

/// A duration; what is misshapen has none.
pub(super) fn seconds(value: Option<&Value>) -> Option<u64> {
    Seconds::try_from(value?.clone()).ok().map(|read| read.0)
}

fn count(deployment: &Value) -> usize {
    let all = deployment.get("variants").and_then(Value::as_object);
    all.map_or(1, serde_json::Map::len)
}

fn unwatched(subject: &Subject<'_>, findings: &mut Findings<'_>) {
    for (pointer, rollout, _) in rollouts(subject) {
        let watched = rollout.get("rollback_on").and_then(Value::as_object);
        let watched = watched.is_some_and(|all| !all.is_empty());
        if strategy(rollout) != "all_at_once" && !watched {
            let span = subject.origins.key(&pointer);
            let finding = H003.at(span, "nothing can stop a bad version on its way");
            findings.push(finding.help("add `rollback_on: {errors: \"5xx > 1% for 3m\"}`"));
        }
    }
}

fn alarms(subject: &Subject<'_>, findings: &mut Findings<'_>) {
    for (pointer, rollout, deployment) in rollouts(subject) {
        let conditions = rollout.get("rollback_on").and_then(Value::as_object);
        let conditions = conditions.map_or(0, serde_json::Map::len);
        let all = conditions * count(deployment);
        if all > limits::ROLLBACK_ALARMS_MAX {
            let span = subject.origins.key(&(pointer + "/rollback_on"));
            let message = format!(
                "{conditions} conditions for {} variants are {all} alarms, of at most {}",
                count(deployment),
                limits::ROLLBACK_ALARMS_MAX
            );
            findings.push(H004.at(span, message));
        }
    }
}

fn sizes(subject: &Subject<'_>, findings: &mut Findings<'_>) {
    for (pointer, rollout, deployment) in rollouts(subject) {
        let instances = smallest(deployment);
        for (key, least) in [("canary_size", 1), ("step_size", 10), ("batch_size", 5)] {
            let Some(value) = rollout.get(key) else {
                continue;
            };
            let message = match Size::try_from(value.clone()) {
                Ok(Size::Percent(share)) if !(least..=50).contains(&share) => {
                    format!("{share}%, of {least}% to 50%")
                }
                Ok(Size::Instances(number)) if u64::from(number) * 2 > instances => {
                    format!("{number} of {instances} instances are more than half")
                }
                _ => continue,
            };
            let span = subject.origins.origin(&join(&pointer, key));
            findings.push(H005.at(span, message));
        }
    }
}

/// The instances of the smallest variant at the start.
fn smallest(deployment: &Value) -> u64 {
    let all = deployment.get("variants").and_then(Value::as_object);
    let counts = all.into_iter().flatten().map(|(_, variant)| {
        let count = variant.get("initial_instance_count");
        count.and_then(Value::as_u64).unwrap_or(1)
    });
    counts.min().unwrap_or(1)
}

fn times(subject: &Subject<'_>, findings: &mut Findings<'_>) {
    for (pointer, rollout, _) in rollouts(subject) {
        let mut wrong = |key: &str, message: String| {
            let span = subject.origins.origin(&join(&pointer, key));
            findings.push(H006.at(span, message));
        };
        for key in ["bake", "termination_wait"] {
            let found = seconds(rollout.get(key));
            if let Some(found) = found.filter(|found| *found > 3600) {
                wrong(key, format!("{found} seconds, of at most 3600"));
            }
        }
        let key = "max_execution_time";
        let Some(most) = seconds(rollout.get(key)) else {
            continue;
        };
        let bake = match strategy(rollout) {
            "all_at_once" => 0,
            _ => 600,
        };
        let waits = seconds(rollout.get("bake")).unwrap_or(bake)
            + seconds(rollout.get("termination_wait")).unwrap_or(0);
        if !(600..=28_800).contains(&most) {
            wrong(key, format!("{most} seconds, of 600 to 28800"));
        } else if most <= waits {
            wrong(
                key,
                format!("{most} seconds, but it waits {waits} on purpose"),
            );
        }
    }
}

fn excluded(subject: &Subject<'_>, findings: &mut Findings<'_>) {
    for (pointer, rollout, deployment) in rollouts(subject) {
        let all = deployment.get("variants").and_then(Value::as_object);
        let first = all.into_iter().flatten().find(|(_, variant)| {
            let kind = variant.get("instance_type").and_then(Value::as_str);
            kind.is_some_and(|kind| kind.starts_with("ml.inf1."))
        });
        let plain = strategy(rollout) == "all_at_once" && rollout.get("rollback_on").is_none();
        if let Some((name, _)) = first.filter(|_| !plain) {
            let span = subject.origins.key(&pointer);
            let message = format!("`{name}` is on Inf1: its traffic moves all at once, unwatched");
            findings.push(H008.at(span, message));
        }
    }
}

fn rolling(subject: &Subject<'_>, findings: &mut Findings<'_>) {
    for (pointer, rollout, deployment) in rollouts(subject) {
        if strategy(rollout) == "rolling" && count(deployment) > 1 {
            let span = subject.origins.origin(&join(&pointer, "strategy"));
            let message = format!("`rolling` with {} variants, of one", count(deployment));
            findings.push(H009.at(span, message));
        }
    }
}

fn misplaced(subject: &Subject<'_>, findings: &mut Findings<'_>) {
    for (pointer, rollout, _) in rollouts(subject) {
        let strategy = strategy(rollout);
        for (key, takes) in [
            ("canary_size", &["canary"][..]),
            ("step_size", &["linear"]),
            ("batch_size", &["rolling"]),
            ("rollback_batch_size", &["rolling"]),
            ("termination_wait", &["all_at_once", "canary", "linear"]),
        ] {
            if rollout.get(key).is_some() && !takes.contains(&strategy) {
                let span = subject.origins.key(&join(&pointer, key));
                findings.push(H018.at(span, format!("`{strategy}` has no `{key}`")));
            }
        }
    }
}
