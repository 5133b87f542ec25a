//! The way of a version through the environments.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Rule, Severity, Subject};
use crate::config::shape::nearest;
use crate::diagnostic::Diagnostic;

/// A way that leads nowhere.
pub(super) const P002: Rule = Rule {
    code: "P002",
    title: "a promotion that does not lead from a first environment to each other one",
    severity: Severity::Error,
    docs: "`promote.from` names the environment that a version comes from; by default it is the one \
           before in the file. Exactly one environment is the first and has none, and from there \
           the way must reach every other one without a circle. `from: null` makes an environment \
           the first.",
    check: Some(promotion),
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

fn promotion(subject: &Subject<'_>, findings: &mut Vec<Diagnostic>) {
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
