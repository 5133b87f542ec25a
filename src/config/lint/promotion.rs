//! The way of a version through the environments.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Findings, Level, Rule, Subject};
use crate::config::model::EnvironmentMode;
use crate::config::shape::nearest;

/// A way that leads nowhere.
pub(super) const P002: Rule = Rule {
    code: "P002",
    title: "a promotion that does not lead from a first environment to each other one",
    level: Level::REFUSED,
    page: page!("P002"),
    check: Some(promotion),
};

/// Nobody looks.
pub(super) const Q004: Rule = Rule {
    code: "Q004",
    title: "a way to production that neither a person nor a number watches",
    level: Level::WARNING,
    page: page!("Q004"),
    check: Some(unwatched),
};

/// The environments in the order of promotion, each after the one that it is promoted from;
/// those that cannot be reached are left out.
pub(in crate::config) fn order(document: &Value, environments: &[String]) -> Vec<String> {
    let mut next: BTreeMap<Option<&str>, Vec<&str>> = BTreeMap::new();
    for name in environments {
        next.entry(from(document, name)).or_default().push(name);
    }
    let mut order: Vec<&str> = next.remove(&None).unwrap_or_default();
    let mut at = 0;
    while let Some(name) = order.get(at).copied() {
        order.extend(next.remove(&Some(name)).unwrap_or_default());
        at += 1;
    }
    order.into_iter().map(str::to_owned).collect()
}

fn from<'a>(document: &'a Value, environment: &str) -> Option<&'a str> {
    document
        .get("environments")?
        .get(environment)?
        .get("promote")?
        .get("from")?
        .as_str()
}

fn promotion(subject: &Subject<'_>, findings: &mut Findings<'_>) {
    let names: Vec<_> = subject.environments.iter().map(String::as_str).collect();
    let mut first = None;
    let mut unknown = false;
    for (name, pointer, _) in subject.environments() {
        match from(subject.document, name) {
            None => {
                if let Some(first) = first {
                    let span = subject.origins.key(&(pointer + "/promote"));
                    let message = format!("`{name}` is a first environment, and so is `{first}`");
                    findings.push(P002.at(span, message).help(
                        "name the environment that versions come from: `promote: {from: …}`",
                    ));
                }
                first = first.or(Some(name));
            }
            Some(from) if !names.contains(&from) => {
                unknown = true;
                let span = subject.origins.origin(&(pointer + "/promote/from"));
                let mut finding =
                    P002.at(span, format!("`{from}` is no environment of this model"));
                finding.label = nearest(from, &names).map(|near| format!("did you mean `{near}`?"));
                findings.push(finding.help(format!("it has: {}", names.join(", "))));
            }
            Some(_) => {}
        }
    }
    let reached = order(subject.document, subject.environments);
    let lost = subject
        .environments()
        .find(|(name, ..)| !reached.iter().any(|one| one == name));
    if let Some((name, pointer, _)) = lost.filter(|_| !unknown) {
        let span = subject.origins.origin(&(pointer + "/promote/from"));
        let message = format!("the promotion to `{name}` leads in a circle");
        findings.push(
            P002.at(span, message)
                .help("make one environment the first, with `promote: {from: null}`"),
        );
    }
}

fn unwatched(subject: &Subject<'_>, findings: &mut Findings<'_>) {
    let some = |place: &Value, pointer: &str| {
        let all = place.pointer(pointer).and_then(Value::as_object);
        all.is_some_and(|all| !all.is_empty())
    };
    let gated = some(subject.document, "/evaluation/gates");
    for (name, pointer, environment) in subject.environments() {
        let by_itself = environment.pointer("/promote/mode").and_then(Value::as_str);
        let watched = some(environment, "/deployment/rollout/rollback_on");
        let production = Subject::mode(environment) == EnvironmentMode::Production;
        if production && by_itself == Some("commit") && !gated && !watched {
            let message = format!("every version goes to `{name}`: no merge, no gate, no alarm");
            let finding = Q004.at(
                subject.origins.origin(&(pointer + "/promote/mode")),
                message,
            );
            findings.push_in(
                EnvironmentMode::Production,
                finding.help("write `promote: {mode: branch}`, gates, or `rollback_on`"),
            );
        }
    }
}
