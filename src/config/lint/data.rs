//! Datasets, their pins, and who reads them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{Findings, Level, Rule, Subject};
use crate::config::document::join;
use crate::config::shape::nearest;
use crate::diagnostic::Span;
use crate::limits;
use crate::resource::canonical::sha256;

/// A dataset without a pin.
pub(super) const D001: Rule = Rule {
    code: "D001",
    title: "a dataset without a pin",
    level: Level::REFUSED,
    page: page!("D001"),
    check: Some(unpinned),
};

/// A pin that does not agree with the file.
pub(super) const D002: Rule = Rule {
    code: "D002",
    title: "a pin that does not agree with the data",
    level: Level::REFUSED,
    page: page!("D002"),
    check: Some(stale),
};

/// A target that is no column.
pub(super) const D005: Rule = Rule {
    code: "D005",
    title: "a target that is not a column of the data",
    level: Level::REFUSED,
    page: page!("D005"),
    check: Some(target),
};

/// A pin that nothing uses.
pub(super) const D008: Rule = Rule {
    code: "D008",
    title: "a pin that nothing uses",
    level: Level::WARNING,
    page: page!("D008"),
    check: Some(unused),
};

/// A reader of nothing.
pub(super) const D009: Rule = Rule {
    code: "D009",
    title: "a reference to data that does not exist",
    level: Level::REFUSED,
    page: page!("D009"),
    check: Some(dangling),
};

/// Steps that read each other.
pub(super) const D010: Rule = Rule {
    code: "D010",
    title: "data with two meanings, or steps that wait for each other",
    level: Level::REFUSED,
    page: page!("D010"),
    check: Some(tangled),
};

fn pinned<'a>(subject: &Subject<'a>) -> impl Iterator<Item = (&'a str, &'a Value)> + use<'a> {
    let all = subject.entries("/data");
    all.filter(|(_, dataset)| dataset.get("pin").and_then(Value::as_str) != Some("none"))
}

fn unpinned(subject: &Subject<'_>, findings: &mut Findings<'_>) {
    for (name, dataset) in pinned(subject) {
        if subject.pin_names.contains(name) || dataset.get("file").is_none() {
            continue;
        }
        let path = subject.path(&format!("data/{name}.pin.yaml"));
        let message = format!("the dataset `{name}` is not pinned: there is no `{path}`");
        let finding = D001.at(subject.origins.key(&join("/data", name)), message);
        let help = bytes(subject, dataset).map_or_else(
            || "write the pin once the data is committed".to_owned(),
            |bytes| {
                format!(
                    "write it with content \"{}\" and bytes {}",
                    digest(bytes),
                    bytes.len()
                )
            },
        );
        findings.push(finding.help(help));
    }
}

fn stale(subject: &Subject<'_>, findings: &mut Findings<'_>) {
    for (name, dataset) in pinned(subject) {
        let Some(pin) = subject.pins.get(name) else {
            continue;
        };
        let path = subject.path(&format!("data/{name}.pin.yaml"));
        let span = Span {
            file: path,
            start: 0,
            end: 0,
            line: 1,
            column: 1,
        };
        let file = dataset.get("file").and_then(Value::as_str);
        if pin.api_version != crate::config::PIN_VERSION || pin.name != name {
            let message = format!(
                "the pin is for `{}` in the format `{}`",
                pin.name, pin.api_version
            );
            let help = format!(
                "write `name: \"{name}\"` and `apiVersion: \"{}\"`",
                crate::config::PIN_VERSION
            );
            findings.push(D002.at(span.clone(), message).help(help));
        }
        if let Some(file) = file.filter(|file| *file != pin.source.file) {
            let message = format!(
                "the pin is of `{}`, but the dataset is `{file}`",
                pin.source.file
            );
            findings.push(
                D002.at(span, message)
                    .help(format!("write `file: \"{file}\"`")),
            );
            continue;
        }
        let Some(bytes) = bytes(subject, dataset) else {
            continue;
        };
        let (content, count) = (digest(bytes), bytes.len() as u64);
        if pin.version.content != content || pin.version.bytes != count {
            let message = format!(
                "the pin does not agree with the bytes of `{}`",
                pin.source.file
            );
            let help = format!(
                "if the data is right, write `content: \"{content}\"` and `bytes: {count}`"
            );
            findings.push(D002.at(span, message).help(help));
        } else if pin.version.strength != "sha256" || pin.version.objects != 1 {
            let help = "write `strength: \"sha256\"` and `objects: 1`";
            findings.push(
                D002.at(span, "the pin of a file is one object by sha256")
                    .help(help),
            );
        }
    }
}

fn bytes<'a>(subject: &Subject<'a>, dataset: &Value) -> Option<&'a [u8]> {
    let file = dataset.get("file")?.as_str()?;
    Some(&subject.snapshot.files.get(&subject.path(file))?.bytes)
}

fn digest(bytes: &[u8]) -> String {
    format!("sha256:{}", sha256(bytes))
}

fn target(subject: &Subject<'_>, findings: &mut Findings<'_>) {
    for (name, dataset) in subject.entries("/data") {
        let csv = dataset.get("format").is_none_or(|format| format == "csv");
        let (Some(target), Some(bytes), true) = (
            dataset.get("target").and_then(Value::as_str),
            bytes(subject, dataset),
            csv,
        ) else {
            continue;
        };
        let first = bytes
            .split(|byte| *byte == b'\n')
            .next()
            .unwrap_or_default();
        let Ok(header) = std::str::from_utf8(first) else {
            continue;
        };
        let header = header.trim_start_matches('\u{feff}').trim_end();
        let columns: Vec<_> = header
            .split(',')
            .map(|one| one.trim().trim_matches('"'))
            .collect();
        if !columns.contains(&target) {
            let span = subject
                .origins
                .origin(&join(&join("/data", name), "target"));
            let message = format!("`{target}` is not a column of the dataset `{name}`");
            let mut finding = D005.at(span, message);
            finding.label = nearest(target, &columns).map(|near| format!("did you mean `{near}`?"));
            findings.push(finding.help("name a column of the first line of the file"));
        }
    }
}

fn unused(subject: &Subject<'_>, findings: &mut Findings<'_>) {
    let used: BTreeSet<_> = pinned(subject).map(|(name, _)| name).collect();
    for name in subject.pin_names {
        if !used.contains(name.as_str()) {
            let file = subject.path(&format!("data/{name}.pin.yaml"));
            let span = Span {
                file,
                start: 0,
                end: 0,
                line: 1,
                column: 1,
            };
            findings.push(D008.at(span, format!("nothing uses the pin of `{name}`")));
        }
    }
}

/// Who reads what: pointer of the reference, and the reference.
fn readers<'a>(subject: &Subject<'a>) -> Vec<(String, &'a str)> {
    let mut readers = Vec::new();
    for (step, value) in subject.entries("/processing") {
        let inputs = value.get("inputs").and_then(Value::as_array);
        for (at, input) in inputs.into_iter().flatten().enumerate() {
            let pointer = format!("{}/inputs/{at}", join("/processing", step));
            readers.extend(input.as_str().map(|input| (pointer, input)));
        }
    }
    let pointer = "/evaluation/dataset";
    readers.extend(subject.text(pointer).map(|name| (pointer.to_owned(), name)));
    for (_, environment, _) in subject.environments() {
        let pointer = environment + "/monitors/data_quality/baseline";
        let name = subject.text(&pointer);
        readers.extend(name.map(|name| (pointer, name)));
    }
    readers
}

/// Bare output name to the steps that write it.
fn writers<'a>(subject: &Subject<'a>) -> BTreeMap<&'a str, Vec<&'a str>> {
    let mut writers: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for (step, value) in subject.entries("/processing") {
        let outputs = value.get("outputs").and_then(Value::as_array);
        for output in outputs.into_iter().flatten().filter_map(Value::as_str) {
            writers.entry(output).or_default().push(step);
        }
    }
    writers
}

/// The step that writes what `reference` names, `None` for a dataset; an error for nothing.
fn resolve<'a>(
    subject: &Subject<'a>,
    writers: &BTreeMap<&'a str, Vec<&'a str>>,
    reference: &str,
) -> Result<Option<&'a str>, ()> {
    if let Some((step, output)) = reference.split_once('.') {
        let steps = writers.get(output).ok_or(())?;
        return steps
            .iter()
            .find(|one| **one == step)
            .copied()
            .map(Some)
            .ok_or(());
    }
    if is_dataset(subject, reference) {
        return Ok(None);
    }
    let steps = writers.get(reference).ok_or(())?;
    Ok(steps.first().copied())
}

fn is_dataset(subject: &Subject<'_>, name: &str) -> bool {
    subject
        .document
        .get("data")
        .is_some_and(|data| data.get(name).is_some())
}

fn dangling(subject: &Subject<'_>, findings: &mut Findings<'_>) {
    let writers = writers(subject);
    for (pointer, reference) in readers(subject) {
        if findings.len() >= limits::DIAGNOSTICS_MAX {
            return;
        }
        if reference.contains("${") || resolve(subject, &writers, reference).is_ok() {
            continue;
        }
        let datasets = subject.entries("/data").map(|(name, _)| name.to_owned());
        let outputs = writers
            .iter()
            .flat_map(|(output, steps)| steps.iter().map(move |step| format!("{step}.{output}")));
        let known: Vec<_> = datasets.chain(outputs).collect();
        let names: Vec<_> = known.iter().map(String::as_str).collect();
        let message = format!("`{reference}` is neither a dataset nor an output of a step");
        let shown = names
            .iter()
            .take(20)
            .copied()
            .collect::<Vec<_>>()
            .join(", ");
        let mut finding = D009.at(subject.origins.origin(&pointer), message);
        finding.label = nearest(reference, &names).map(|near| format!("did you mean `{near}`?"));
        findings.push(finding.help(format!("known are: {shown}")));
    }
}

fn tangled(subject: &Subject<'_>, findings: &mut Findings<'_>) {
    let writers = writers(subject);
    let mut after: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (pointer, reference) in readers(subject) {
        let steps = writers
            .get(reference)
            .map(Vec::as_slice)
            .unwrap_or_default();
        if steps.len() > 1 && !is_dataset(subject, reference) {
            let message = format!("`{reference}` is an output of {}", steps.join(" and of "));
            let help = format!("write `{}.{reference}`", steps[0]);
            findings.push(
                D010.at(subject.origins.origin(&pointer), message)
                    .help(help),
            );
        } else if let Some(step) = pointer.strip_prefix("/processing/")
            && let Some((step, _)) = step.split_once('/')
            && let Ok(Some(writer)) = resolve(subject, &writers, reference)
            && let Some((step, _)) = subject.entries("/processing").find(|(one, _)| *one == step)
        {
            after.entry(step).or_default().insert(writer);
        }
    }
    for step in circle(after) {
        let message = format!("the step `{step}` waits for itself through what it reads");
        let finding = D010.at(subject.origins.key(&join("/processing", step)), message);
        findings.push(finding.help("a step reads only what steps before it write"));
    }
}

/// What remains when everything that waits for nothing is taken out again and again.
fn circle<'a>(mut after: BTreeMap<&'a str, BTreeSet<&'a str>>) -> Vec<&'a str> {
    loop {
        let waiting: BTreeSet<_> = after.keys().copied().collect();
        let before = after.len();
        after.retain(|_, reads| reads.iter().any(|step| waiting.contains(step)));
        if after.len() == before {
            return after.into_keys().collect();
        }
    }
}
