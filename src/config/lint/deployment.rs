//! How a model is served.

use serde_json::{Map, Value};

use super::{Rule, Severity, Subject};
use crate::config::document::join;
use crate::diagnostic::Diagnostic;
use crate::limits;

/// One instance in production.
pub(super) const H001: Rule = Rule {
    code: "H001",
    title: "one instance in production",
    severity: Severity::Info,
    docs: "With one instance, an endpoint is down while that instance is replaced, and lies in one \
           availability zone. Two instances are spread over two.",
    check: Some(single),
};

/// Variants that SageMaker refuses.
pub(super) const H013: Rule = Rule {
    code: "H013",
    title: "variants that SageMaker refuses",
    severity: Severity::Error,
    docs: "An endpoint has 1 to 10 variants, and the weights of all of them are more than 0 \
           together: they are the shares of the traffic. A shadow variant stands beside exactly one \
           production variant, alone, and under a name of its own.",
    check: Some(variants),
};

fn single(subject: &Subject<'_>, findings: &mut Vec<Diagnostic>) {
    for (_, pointer, environment) in subject.environments() {
        if environment.get("mode").and_then(Value::as_str) != Some("production") {
            continue;
        }
        let all = pointer + "/deployment/variants";
        for (name, variant) in subject.entries(&all) {
            let count = variant.get("initial_instance_count");
            if variant.is_object() && count.is_none_or(|count| count.as_u64() == Some(1)) {
                let place = join(&join(&all, name), "initial_instance_count");
                let span = match count {
                    Some(_) => subject.origins.origin(&place),
                    None => subject.origins.key(&place),
                };
                let finding = H001.at(span, format!("`{name}` has one instance in production"));
                findings.push(finding.help("write `initial_instance_count: 2`"));
            }
        }
    }
}

fn variants(subject: &Subject<'_>, findings: &mut Vec<Diagnostic>) {
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
