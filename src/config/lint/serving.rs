//! What serves, beside its variants: its load, its container, its network, and who is told.

use serde_json::Value;

use super::rollout::seconds;
use super::{Findings, Level, Rule, Subject};
use crate::config::document::join;
use crate::limits;

/// Bounds of autoscaling that contradict each other.
pub(super) const H014: Rule = Rule {
    code: "H014",
    title: "autoscaling that cannot hold",
    level: Level::REFUSED,
    page: page!("H014"),
    check: Some(scaling),
};

/// A type that tires.
pub(super) const H015: Rule = Rule {
    code: "H015",
    title: "instances that slow down in production",
    level: Level::PRODUCTION,
    page: page!("H015"),
    check: Some(burstable),
};

/// Times of a container that SageMaker refuses.
pub(super) const H019: Rule = Rule {
    code: "H019",
    title: "a time for a container to start that SageMaker refuses",
    level: Level::REFUSED,
    page: page!("H019"),
    check: Some(timeouts),
};

/// No way to the code.
pub(super) const H020: Rule = Rule {
    code: "H020",
    title: "a container that is kept from its code",
    level: Level::WARNING,
    page: page!("H020"),
    check: Some(isolated),
};

/// Variables that a container does not get.
pub(super) const H021: Rule = Rule {
    code: "H021",
    title: "environment variables that cannot be set",
    level: Level::REFUSED,
    page: page!("H021"),
    check: Some(environment),
};

/// A route that is two things.
pub(super) const M010: Rule = Rule {
    code: "M010",
    title: "subscribers of a topic that is not trueup's",
    level: Level::REFUSED,
    page: page!("M010"),
    check: Some(subscribed),
};

fn scaling(subject: &Subject<'_>, findings: &mut Findings<'_>) {
    for (_, pointer, one) in subject.environments() {
        let deployment = pointer + "/deployment";
        let variants = deployment.clone() + "/variants";
        let base = one.pointer("/deployment/autoscaling");
        if let Some(base) = base.filter(|base| base.is_object()) {
            bounds(
                subject,
                &(deployment.clone() + "/autoscaling"),
                base,
                findings,
            );
        }
        for (name, variant) in subject.entries(&variants) {
            let pointer = join(&variants, name);
            let own = variant.get("autoscaling").filter(|own| own.is_object());
            if let Some(own) = own {
                bounds(subject, &(pointer.clone() + "/autoscaling"), own, findings);
            }
            let Some(scaling) = own.or(base) else {
                continue;
            };
            let number = |key: &str| scaling.get(key).and_then(Value::as_u64);
            let count = variant.get("initial_instance_count");
            let count = count.and_then(Value::as_u64).unwrap_or(1);
            let (Some(min), Some(max)) = (number("min"), number("max")) else {
                continue;
            };
            if min <= max && !(min..=max).contains(&count) {
                let place = pointer + "/initial_instance_count";
                let message = format!("`{name}` starts with {count}, of {min} to {max} instances");
                findings.push(H014.at(subject.origins.key(&place), message));
            }
        }
    }
}

fn bounds(subject: &Subject<'_>, pointer: &str, one: &Value, findings: &mut Findings<'_>) {
    let number = |key: &str| one.get(key).and_then(Value::as_u64);
    if let (Some(min), Some(max)) = (number("min"), number("max"))
        && min > max
    {
        let span = subject.origins.origin(&join(pointer, "min"));
        findings.push(H014.at(span, format!("at least {min}, and at most {max} instances")));
    }
    for key in ["scale_in_cooldown", "scale_out_cooldown"] {
        if let Some(found) = seconds(one.get(key)).filter(|found| *found > 3600) {
            let span = subject.origins.origin(&join(pointer, key));
            findings.push(H014.at(span, format!("{found} seconds, of at most 3600")));
        }
    }
}

fn burstable(subject: &Subject<'_>, findings: &mut Findings<'_>) {
    for (_, pointer, one) in subject.environments() {
        let all = pointer + "/deployment/variants";
        for (name, variant) in subject.entries(&all) {
            let kind = variant.get("instance_type").and_then(Value::as_str);
            if let Some(kind) = kind.filter(|kind| kind.starts_with("ml.t2.")) {
                let span = subject
                    .origins
                    .origin(&(join(&all, name) + "/instance_type"));
                let finding = H015.at(span, format!("`{kind}` slows down under lasting load"));
                findings.push_in(Subject::mode(one), finding);
            }
        }
    }
}

fn timeouts(subject: &Subject<'_>, findings: &mut Findings<'_>) {
    for (_, pointer, _) in subject.environments() {
        let all = pointer + "/deployment/variants";
        for (name, variant) in subject.entries(&all) {
            for key in [
                "model_data_download_timeout",
                "container_startup_health_check_timeout",
            ] {
                let found = seconds(variant.get(key));
                if let Some(found) = found.filter(|found| !(60..=3600).contains(found)) {
                    let span = subject.origins.origin(&join(&join(&all, name), key));
                    findings.push(H019.at(span, format!("{found} seconds, of 60 to 3600")));
                }
            }
        }
    }
}

fn isolated(subject: &Subject<'_>, findings: &mut Findings<'_>) {
    for (_, pointer, one) in subject.environments() {
        if one.pointer("/network/isolation") == Some(&Value::Bool(true)) {
            let span = subject.origins.origin(&(pointer + "/network/isolation"));
            findings.push(H020.at(span, "the container cannot fetch its code from S3"));
        }
    }
}

fn environment(subject: &Subject<'_>, findings: &mut Findings<'_>) {
    for (_, pointer, _) in subject.environments() {
        let all = pointer + "/deployment/environment";
        let mut count = 0;
        for (key, value) in subject.entries(&all) {
            count += 1;
            let long = value.as_str().unwrap_or_default().chars().count();
            let message = if is_reserved(key) {
                format!("`{key}` is set by trueup")
            } else if !is_variable(key) {
                "letters, digits and `_`, without a digit first".to_owned()
            } else if long > limits::VARIABLE_CHARS_MAX {
                format!("{long} characters, of {}", limits::VARIABLE_CHARS_MAX)
            } else {
                continue;
            };
            findings.push(H021.at(subject.origins.key(&join(&all, key)), message));
        }
        if count > limits::VARIABLES_MAX {
            let message = format!("{count} variables, of at most {}", limits::VARIABLES_MAX);
            findings.push(H021.at(subject.origins.key(&all), message));
        }
    }
}

fn is_reserved(key: &str) -> bool {
    key.starts_with("TRUEUP_")
        || key.starts_with("SAGEMAKER_SUBMIT_")
        || ["SAGEMAKER_PROGRAM", "SAGEMAKER_REGION"].contains(&key)
}

fn is_variable(key: &str) -> bool {
    key.len() <= 1024
        && key.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

fn subscribed(subject: &Subject<'_>, findings: &mut Findings<'_>) {
    for (_, pointer, _) in subject.environments() {
        let all = pointer + "/notifications/routes";
        for (name, route) in subject.entries(&all) {
            let subscribers = route.get("subscriptions").and_then(Value::as_object);
            let some = subscribers.is_some_and(|all| !all.is_empty());
            if some && route.get("topic_arn").is_some_and(Value::is_string) {
                let span = subject.origins.key(&(join(&all, name) + "/subscriptions"));
                findings.push(M010.at(span, "the topic is not trueup's to subscribe to"));
            }
        }
    }
}
