//! How a model is served.

use serde_json::{Map, Value};

use super::{Findings, Level, Rule, Subject};
use crate::config::document::join;
use crate::diagnostic::Severity;
use crate::limits;

/// One instance in production.
pub(super) const H001: Rule = Rule {
    code: "H001",
    title: "one instance in production",
    level: Level::PRODUCTION,
    page: page!("H001"),
    check: Some(single),
};

/// A number that does not follow the load.
pub(super) const H002: Rule = Rule {
    code: "H002",
    title: "a number of instances that does not follow the load",
    level: Level {
        production: Some(Severity::Info),
        ..Level::PRODUCTION
    },
    page: page!("H002"),
    check: Some(fixed),
};

/// Variants that SageMaker refuses.
pub(super) const H013: Rule = Rule {
    code: "H013",
    title: "variants that SageMaker refuses",
    level: Level::REFUSED,
    page: page!("H013"),
    check: Some(variants),
};

fn single(subject: &Subject<'_>, findings: &mut Findings<'_>) {
    for (_, pointer, environment) in subject.environments() {
        let mode = Subject::mode(environment);
        let all = pointer + "/deployment/variants";
        for (name, variant) in subject.entries(&all) {
            let count = variant.get("initial_instance_count");
            if variant.is_object() && count.is_none_or(|count| count.as_u64() == Some(1)) {
                let place = join(&join(&all, name), "initial_instance_count");
                let span = match count {
                    Some(_) => subject.origins.origin(&place),
                    None => subject.origins.key(&place),
                };
                let finding = H001.at(span, format!("`{name}` has one instance"));
                let finding = finding.help("write `initial_instance_count: 2`");
                findings.push_in(mode, finding);
            }
        }
    }
}

fn fixed(subject: &Subject<'_>, findings: &mut Findings<'_>) {
    for (_, pointer, environment) in subject.environments() {
        let scales = |place: &Value| place.get("autoscaling").is_some_and(Value::is_object);
        if environment.get("deployment").is_some_and(scales) {
            continue;
        }
        let all = pointer + "/deployment/variants";
        for (name, _) in subject.entries(&all).filter(|(_, one)| !scales(one)) {
            let message = format!("`{name}` has as many instances by night as at noon");
            let finding = H002.at(subject.origins.key(&join(&all, name)), message);
            let help =
                "write `autoscaling: {min: 2, max: 8, target_invocations_per_instance: 600}`";
            findings.push_in(Subject::mode(environment), finding.help(help));
        }
    }
}

fn variants(subject: &Subject<'_>, findings: &mut Findings<'_>) {
    for (_, pointer, environment) in subject.environments() {
        let all = environment
            .pointer("/deployment/variants")
            .and_then(Value::as_object);
        let Some(all) = all else {
            continue;
        };
        let shadow = pointer.clone() + "/deployment/shadow";
        let span = subject.origins.key(&(pointer + "/deployment/variants"));
        if all.is_empty() || all.len() > limits::VARIANTS_MAX {
            let message = format!("{} variants, of 1 to {}", all.len(), limits::VARIANTS_MAX);
            findings.push(H013.at(span, message));
        } else if weight(all) <= 0.0 {
            let finding = H013.at(span, "the weights of the variants are 0 together");
            findings.push(finding.help("give one of them a share of the traffic"));
        }
        let shadows = environment
            .pointer("/deployment/shadow")
            .and_then(Value::as_object);
        let Some(shadows) = shadows.filter(|shadows| !shadows.is_empty()) else {
            continue;
        };
        let span = subject.origins.key(&shadow);
        if shadows.len() != 1 || all.len() != 1 {
            let message = format!(
                "{} shadow variants beside {} variants, of one beside one",
                shadows.len(),
                all.len()
            );
            findings.push(H013.at(span, message));
        } else if let Some(name) = shadows.keys().find(|name| all.contains_key(*name)) {
            findings.push(H013.at(span, format!("`{name}` is a production variant too")));
        }
    }
}

/// The weights of all variants together; a weight that is misshapen counts as the default.
fn weight(variants: &Map<String, Value>) -> f64 {
    let weights = variants
        .values()
        .map(|variant| variant.get("initial_weight"));
    weights
        .map(|weight| weight.and_then(Value::as_f64).unwrap_or(1.0))
        .sum()
}
