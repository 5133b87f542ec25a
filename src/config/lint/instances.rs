//! Instance types: what they are taken for, and where there are any.

use serde_json::Value;

use super::{Findings, Level, Rule, Subject};
use crate::config::document::join;
use crate::config::model::EnvironmentMode;
use crate::config::shape::nearest;
use crate::diagnostic::Diagnostic;
use crate::facts::images;
use crate::facts::instances::{self, Use, Verdict};

/// A type for something else.
pub(super) const T001: Rule = Rule {
    code: "T001",
    title: "an instance type that is not taken for this use",
    level: Level::ERROR,
    page: page!("T001"),
    check: Some(unfit),
};

/// A type that is not sold here.
pub(super) const T002: Rule = Rule {
    code: "T002",
    title: "an instance type that is not sold in the region",
    level: Level::STRICTEST,
    page: page!("T002"),
    check: Some(unsold),
};

/// A GPU that nothing uses.
pub(super) const T003: Rule = Rule {
    code: "T003",
    title: "a GPU for a framework that does not use it",
    level: Level::STRICTEST,
    page: page!("T003"),
    check: Some(idle),
};

/// A type that is not known.
pub(super) const T012: Rule = Rule {
    code: "T012",
    title: "an instance type that is not known",
    level: Level::WARNING,
    page: page!("T012"),
    check: Some(unknown),
};

/// An instance type in the file, and what it is for.
struct Place<'a> {
    kind: &'a str,
    pointer: String,
    used: Use,
    region: Option<&'a str>,
    /// The mode of its environment; at home, none.
    mode: Option<EnvironmentMode>,
}

impl Place<'_> {
    fn words(&self) -> &'static str {
        words(self.used)
    }
}

fn words(used: Use) -> &'static str {
    match used {
        Use::Hosting => "endpoints",
        Use::Processing => "processing jobs",
        Use::Training => "training jobs",
    }
}

/// Every instance type that the file names.
fn places<'a>(subject: &Subject<'a>) -> Vec<Place<'a>> {
    let document = subject.document;
    let kind = |pointer: &str| document.pointer(pointer)?.as_str();
    let home = subject.text("/region");
    let mut places = Vec::new();
    let mut add = |pointer: String, used, region, mode| {
        let place = kind(&pointer).map(|kind| Place {
            kind,
            pointer,
            used,
            region,
            mode,
        });
        places.extend(place);
    };
    let key = "instance_type";
    add(format!("/training/{key}"), Use::Training, home, None);
    add(format!("/evaluation/{key}"), Use::Processing, home, None);
    for (step, _) in subject.entries("/processing") {
        let pointer = join(&join("/processing", step), key);
        add(pointer, Use::Processing, home, None);
    }
    for (_, pointer, environment) in subject.environments() {
        let region = environment.get("region").and_then(Value::as_str);
        let mode = Some(Subject::mode(environment));
        for all in ["/deployment/variants", "/deployment/shadow"] {
            let all = pointer.clone() + all;
            for (name, _) in subject.entries(&all) {
                add(join(&join(&all, name), key), Use::Hosting, region, mode);
            }
        }
        let monitor = pointer + "/monitors/data_quality/" + key;
        add(monitor, Use::Processing, region, mode);
    }
    places
}

fn put(findings: &mut Findings<'_>, place: &Place<'_>, finding: Diagnostic) {
    match place.mode {
        Some(mode) => findings.push_in(mode, finding),
        None => findings.push(finding),
    }
}

fn unfit(subject: &Subject<'_>, findings: &mut Findings<'_>) {
    for place in places(subject) {
        let (kind, used) = (place.kind, place.used);
        if instances::verdict(kind, used) != Verdict::Elsewhere {
            continue;
        }
        let others: Vec<_> = instances::uses(kind).map(words).collect();
        let message = format!(
            "`{kind}` is not taken for {}, only for {}",
            place.words(),
            others.join(" and ")
        );
        let mut finding = T001.at(subject.origins.origin(&place.pointer), message);
        finding.help = alike(kind, used);
        put(findings, &place, finding);
    }
}

/// What to take in place of a type: the same family, or the same size of a common one.
fn alike(kind: &str, used: Use) -> Option<String> {
    let (family, size) = kind.strip_prefix("ml.")?.split_once('.')?;
    let same = |head: String| {
        let all = || instances::types(used).filter(|one| one.starts_with(&head));
        let fits = |one: &String| one.ends_with(&format!(".{size}"));
        all().find(fits).or_else(|| all().next())
    };
    let found = same(format!("ml.{family}.")).or_else(|| same("ml.m5.".to_owned()))?;
    Some(format!("take `{found}`, for example"))
}

fn unsold(subject: &Subject<'_>, findings: &mut Findings<'_>) {
    for place in places(subject) {
        let Some(region) = place.region else {
            continue;
        };
        let Some(sold) = instances::sold_elsewhere(place.kind, place.used, region) else {
            continue;
        };
        let message = format!(
            "`{}` is not sold for {} in {region}, as of {}",
            place.kind,
            place.words(),
            instances::read_on()
        );
        let finding = T002.at(subject.origins.origin(&place.pointer), message);
        let near: Vec<_> = sold.iter().take(4).map(String::as_str).collect();
        let more = sold.len().saturating_sub(near.len());
        let more = if more == 0 {
            String::new()
        } else {
            format!(" and {more} more regions")
        };
        let help = format!("it is in {}{more}", near.join(", "));
        put(findings, &place, finding.help(help));
    }
}

fn idle(subject: &Subject<'_>, findings: &mut Findings<'_>) {
    let Some(framework) = subject.text("/framework") else {
        return;
    };
    if !images::is_without_gpu(framework) {
        return;
    }
    for place in places(subject) {
        if instances::has_gpu(place.kind) {
            let message = format!("`{}` has a GPU, which {framework} does not use", place.kind);
            let finding = T003.at(subject.origins.origin(&place.pointer), message);
            put(
                findings,
                &place,
                finding.help("take a type without one, such as `ml.m5.xlarge`"),
            );
        }
    }
}

fn unknown(subject: &Subject<'_>, findings: &mut Findings<'_>) {
    for place in places(subject) {
        if place.kind.contains("${")
            || instances::verdict(place.kind, place.used) != Verdict::Unknown
        {
            continue;
        }
        let day = instances::read_on();
        let message = format!("`{}` was no instance type on {day}", place.kind);
        let mut finding = T012.at(subject.origins.origin(&place.pointer), message);
        let known: Vec<_> = instances::types(place.used).collect();
        let names: Vec<_> = known.iter().map(String::as_str).collect();
        finding.label = nearest(place.kind, &names).map(|near| format!("did you mean `{near}`?"));
        put(findings, &place, finding);
    }
}
