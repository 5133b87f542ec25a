//! Taking down what a file declares.

use serde_json::Value;

use super::{Rule, Severity, Subject};
use crate::diagnostic::Diagnostic;

/// Half an order.
pub(super) const G005: Rule = Rule {
    code: "G005",
    title: "a model or environment that is to be absent, without leave to delete",
    severity: Severity::Error,
    docs: "`state: absent` takes down what was made for a model, or for one of its environments. It \
           counts only with `deletion: destroy` beside it: two words, so that none of them does it by \
           mistake. Packages, artefacts, code and data stay in any case.",
    check: Some(half),
};

/// A house without a ground.
pub(super) const G006: Rule = Rule {
    code: "G006",
    title: "an environment that stands on what is to be absent",
    severity: Severity::Error,
    docs: "An environment serves what the model's home trains, and is promoted from another \
           environment. While it is to run, neither the home nor that environment can be absent. \
           Make the environment absent too, or promote it from another one.",
    check: Some(groundless),
};

/// Too much at once.
pub(super) const G007: Rule = Rule {
    code: "G007",
    title: "a commit that takes down more than one commit may",
    severity: Severity::Error,
    docs: "`state: absent` is said for more than three units (a model's home, or one environment of \
           it) and for more than a tenth of those in an account and region. None of them is taken \
           down until `confirm_removals` in trueup.yaml holds the digest that the finding names. It \
           stands for exactly these units: one more, and it is another digest.",
    // All models together: see `Census::removals`.
    check: None,
};

fn is_absent(place: &Value) -> bool {
    place["state"] == "absent"
}

fn half(subject: &Subject<'_>, findings: &mut Vec<Diagnostic>) {
    let home = (String::new(), subject.document);
    let environments = subject.environments();
    let places = environments.map(|(_, pointer, value)| (pointer, value));
    let mut told = Vec::new();
    for (pointer, place) in std::iter::once(home).chain(places) {
        if !is_absent(place) || place["deletion"] == "destroy" {
            continue;
        }
        let span = subject.origins.origin(&format!("{pointer}/state"));
        // What an environment inherits is said once.
        if told.contains(&span) {
            continue;
        }
        told.push(span.clone());
        let message = "`state: absent` without `deletion: destroy`";
        findings.push(
            G005.at(span, message)
                .help("write `deletion: destroy` beside it, or take `state` out"),
        );
    }
}

fn groundless(subject: &Subject<'_>, findings: &mut Vec<Diagnostic>) {
    for (name, pointer, place) in subject.environments() {
        if is_absent(place) {
            continue;
        }
        let from = place["promote"]["from"].as_str();
        let from = from.filter(|from| is_absent(&subject.document["environments"][*from]));
        let on = match from {
            Some(from) => format!("`{from}`, which it is promoted from,"),
            None if is_absent(subject.document) => "the model's home".to_owned(),
            None => continue,
        };
        let message = format!("`{name}` is to run, and {on} is to be absent");
        findings.push(G006.at(subject.origins.key(&pointer), message));
    }
}
