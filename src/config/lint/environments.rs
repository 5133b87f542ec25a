//! Where a model is served, against what the repository observes.

use serde_json::Value;

use super::{Findings, Level, Rule, Subject};
use crate::config::release_file;
use crate::diagnostic::Span;

/// A release of no environment.
pub(super) const G001: Rule = Rule {
    code: "G001",
    title: "a release of an environment that is not in the file",
    level: Level::WARNING,
    page: page!("G001"),
    check: Some(orphaned),
};

/// A scope that is not observed.
pub(super) const G004: Rule = Rule {
    code: "G004",
    title: "an account and region that is not observed",
    level: Level::REFUSED,
    page: page!("G004"),
    check: Some(unobserved),
};

/// Another region.
pub(super) const R004: Rule = Rule {
    code: "R004",
    title: "an environment in another region than the model's home",
    level: Level::REFUSED,
    page: page!("R004"),
    check: Some(elsewhere),
};

fn orphaned(subject: &Subject<'_>, findings: &mut Findings<'_>) {
    for name in subject.release_names {
        if !subject.environments.contains(name) {
            let file = release_file(subject.folder, name);
            let span = Span {
                file,
                start: 0,
                end: 0,
                line: 1,
                column: 1,
            };
            let message = format!("the release of `{name}`, which is no environment of the model");
            findings
                .push(G001.at(span, message).help(
                    "bring the environment back, or remove the file once nothing runs there",
                ));
        }
    }
}

fn unobserved(subject: &Subject<'_>, findings: &mut Findings<'_>) {
    let Some(installation) = subject.installation else {
        return;
    };
    let home = (String::new(), subject.document);
    let environments = subject
        .environments()
        .map(|(_, pointer, value)| (pointer, value));
    for (pointer, place) in std::iter::once(home).chain(environments) {
        let text = |key: &str| place.get(key).and_then(Value::as_str);
        let (Some(account), Some(region)) = (text("account"), text("region")) else {
            continue;
        };
        let scope = format!("{account}/{region}");
        let is_scope = crate::config::installation::parse_scope(&scope).is_some();
        if is_scope && !installation.scopes.contains(&scope) {
            let head = format!("{account}/");
            let known = installation
                .scopes
                .iter()
                .any(|scope| scope.starts_with(&head));
            let key = if known { "/region" } else { "/account" };
            let span = subject.origins.origin(&(pointer + key));
            let finding = G004.at(
                span,
                format!("{scope} is not among the scopes of trueup.yaml"),
            );
            findings.push(finding.help(format!("add \"{scope}\" to `scopes`")));
        }
    }
}

fn elsewhere(subject: &Subject<'_>, findings: &mut Findings<'_>) {
    let Some(home) = subject.text("/region") else {
        return;
    };
    for (name, pointer, environment) in subject.environments() {
        let region = environment.get("region").and_then(Value::as_str);
        if let Some(region) = region.filter(|region| *region != home) {
            let message = format!("`{name}` is in {region}, but the model's home is in {home}");
            let finding = R004.at(subject.origins.origin(&(pointer + "/region")), message);
            findings
                .push(finding.help("serve it in the home region, or make it a model of its own"));
        }
    }
}
