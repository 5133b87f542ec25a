//! The files beside `config.yaml`, and `trueup.yaml`: read, judged by their schema, typed.

use std::collections::{BTreeMap, BTreeSet};

use serde::de::DeserializeOwned;

use super::document::split;
use super::shape::{self, Shape};
use super::{Quarantined, below, yaml};
use crate::diagnostic::{Diagnostic, any_error};
use crate::pin::Pin;
use crate::release::Release;
use crate::snapshot::Snapshot;

/// What stands beside one model's `config.yaml`.
#[derive(Debug, Default)]
pub(super) struct Companions {
    /// Dataset to pin, where it could be read.
    pub(super) pins: BTreeMap<String, Pin>,
    /// All datasets that have a pin.
    pub(super) pin_names: BTreeSet<String>,
    /// Environment to release, where it could be read.
    pub(super) releases: BTreeMap<String, Release>,
    /// All environments that have a release.
    pub(super) release_names: BTreeSet<String>,
    /// Packages that automation must not use.
    pub(super) quarantine: Vec<Quarantined>,
}

/// Reads what stands beside a model.
pub(super) fn read(
    snapshot: &Snapshot,
    folder: &str,
    findings: &mut Vec<Diagnostic>,
) -> Companions {
    let mut all = Companions::default();
    for (path, file) in snapshot.below(folder) {
        let whole = below(folder, path);
        if let Some(name) = named(path, "data/", ".pin.yaml") {
            all.pin_names.insert(name.to_owned());
            let pin = typed(&whole, &file.bytes, &shape::PIN, findings);
            all.pins.extend(pin.map(|pin| (name.to_owned(), pin)));
        } else if let Some(name) = named(path, "releases/", ".yaml") {
            all.release_names.insert(name.to_owned());
            let release = typed(&whole, &file.bytes, &shape::RELEASE, findings);
            all.releases
                .extend(release.map(|release| (name.to_owned(), release)));
        } else if path == QUARANTINE {
            let list = typed(&whole, &file.bytes, &shape::QUARANTINE, findings);
            all.quarantine = list.unwrap_or_default();
        }
    }
    all
}

/// The path of an environment's release file, for a model in `folder`.
pub fn release_file(folder: &str, environment: &str) -> String {
    below(folder, &format!("releases/{environment}.yaml"))
}

/// The path of the packages that automation must not use again, for a model in `folder`.
pub fn quarantine_file(folder: &str) -> String {
    below(folder, QUARANTINE)
}

/// Whether a path from a model's folder is that of a file which trueup itself commits.
pub(super) fn is_written_by_trueup(path: &str) -> bool {
    path == QUARANTINE || named(path, "releases/", ".yaml").is_some()
}

const QUARANTINE: &str = "quarantine.yaml";

fn named<'a>(path: &'a str, folder: &str, ending: &str) -> Option<&'a str> {
    let name = path.strip_prefix(folder)?.strip_suffix(ending)?;
    (!name.is_empty() && !name.contains('/')).then_some(name)
}

/// Reads one file as a type; without a value there is a finding that is an error.
pub(super) fn typed<T: DeserializeOwned>(
    path: &str,
    bytes: &[u8],
    shape: &Shape,
    findings: &mut Vec<Diagnostic>,
) -> Option<T> {
    let read = yaml::read(path, bytes);
    let mut found = read.diagnostics;
    let value = read.root.and_then(|root| {
        let (mut value, origins) = split(path, &root);
        found.extend(shape.check(&value, &origins));
        if any_error(&found) {
            return None;
        }
        shape.settle(&mut value);
        let typed = serde_json::from_value(shape.known(&value));
        typed
            .map_err(|error| {
                let message = format!("the file cannot be used: {error}");
                found.push(Diagnostic::error("S002", origins.key(""), message));
            })
            .ok()
    });
    findings.extend(found);
    value
}
