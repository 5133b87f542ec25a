//! Taking down what a file declares.

use serde_json::Value;

use super::{Findings, Level, Rule, Subject};

/// Half an order.
pub(super) const G005: Rule = Rule {
    code: "G005",
    title: "a model or environment that is to be absent, without leave to delete",
    level: Level::REFUSED,
    page: page!("G005"),
    check: Some(half),
};

/// A house without a ground.
pub(super) const G006: Rule = Rule {
    code: "G006",
    title: "an environment that stands on what is to be absent",
    level: Level::REFUSED,
    page: page!("G006"),
    check: Some(groundless),
};

/// Too much at once.
pub(super) const G007: Rule = Rule {
    code: "G007",
    title: "a commit that takes down more than one commit may",
    level: Level::REFUSED,
    page: page!("G007"),
    // All models together: see `Census::removals`.
    check: None,
};

fn is_absent(place: &Value) -> bool {
    place["state"] == "absent"
}

fn half(subject: &Subject<'_>, findings: &mut Findings<'_>) {
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

fn groundless(subject: &Subject<'_>, findings: &mut Findings<'_>) {
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
