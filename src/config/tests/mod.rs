//! Whole repositories in, configuration and findings out.

mod commits;
mod data;
mod document;
mod hostile;
mod mended;
mod pages;
mod repository;
mod rules;
mod serving;
mod settings;
mod shipped;

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Loaded, load};
use crate::clock::Timestamp;
use crate::diagnostic::Diagnostic;
use crate::snapshot::{File, Mode, ObjectId, Snapshot};

const TRUEUP: &str = "version: 1\ninstallation: example\nscopes: [\"111122223333/eu-west-1\"]\n\
    accounts:\n  \"111122223333\": {alias: main, legacy: true}\n\
    lint: {rules: {A001: ignore, A002: ignore, A005: ignore, H002: ignore}}\n";

const PIN: &str = "apiVersion: \"trueup/data.v1\"\nname: \"train\"\nsource:\n  file: \"data/t.csv\"\nversion:\n  \
    content: \"sha256:81bf9fa83c6f7f151bd491a98cd7d933de3965289e3ebd77c6c425f7eaa16392\"\n  \
    strength: \"sha256\"\n  objects: 1\n  bytes: 8\n";

/// A sound model.
const MODEL: &str = "\
version: 1
name: churn
account: \"111122223333\"
region: eu-west-1
framework: sklearn@1.2-1
data:
  train: {file: data/t.csv, target: y}
processing:
  split: {script: src/split.py, inputs: [train], outputs: [train, validation]}
training:
  entry_point: src/train.py
  instance_count: 1.0
  max_runtime: 1h
  hyperparameters: {l2: 0.001, kernel: rbf, shuffle: true}
evaluation:
  script: src/evaluate.py
  dataset: validation
  gates: {auc: \">= 0.7 and <= 0.99\"}
deployment:
  variants:
    AllTraffic: {instance_type: ml.m5.large, initial_instance_count: 1}
  data_capture: {sampling_percentage: 100}
monitors:
  data_quality: {engine: model_monitor, schedule: daily, baseline: train}
environments:
  staging: {}
  production:
    promote: {soak: 2h}
    deployment:
      variants: {AllTraffic: {initial_instance_count: 2}}
";

fn snapshot<'a>(files: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Snapshot {
    let file = |bytes: &[u8]| File {
        mode: Mode::Regular,
        blob: ObjectId(String::new()),
        bytes: Arc::from(bytes),
    };
    Snapshot {
        commit: ObjectId("0".repeat(40)),
        time: Timestamp::UNIX_EPOCH,
        files: files
            .into_iter()
            .map(|(path, bytes)| (path.to_owned(), file(bytes)))
            .collect(),
        skipped: BTreeMap::new(),
    }
}

/// The files of a repository with one sound model in `models/churn`.
fn sound() -> BTreeMap<&'static str, &'static [u8]> {
    BTreeMap::from([
        ("trueup.yaml", TRUEUP.as_bytes()),
        ("models/churn/config.yaml", MODEL.as_bytes()),
        ("models/churn/data/t.csv", b"x,y\n1,2\n".as_slice()),
        ("models/churn/data/train.pin.yaml", PIN.as_bytes()),
        ("models/churn/src/train.py", b"".as_slice()),
        ("models/churn/src/split.py", b"".as_slice()),
        ("models/churn/src/evaluate.py", b"".as_slice()),
    ])
}

fn shown(findings: &[Diagnostic]) -> Vec<String> {
    let one = |one: &Diagnostic| {
        format!(
            "{} {}:{} {}",
            one.code, one.span.line, one.span.column, one.message
        )
    };
    findings.iter().map(one).collect()
}

/// Loads the sound repository with one file replaced (or, with `None`, removed) and compares the
/// findings of the model as `code line:column message`. Returns what was loaded.
#[track_caller]
fn check(path: &'static str, text: Option<&str>, expected: &[&str]) -> Loaded {
    let mut files = sound();
    files.remove(path);
    let mut all: Vec<_> = files.into_iter().collect();
    all.extend(text.map(|text| (path, text.as_bytes())));
    let loaded = load(&snapshot(all));
    assert_eq!(shown(&loaded.diagnostics), [""; 0]);
    assert_eq!(shown(&loaded.models[0].diagnostics), expected);
    loaded
}

/// The same with `from` replaced by `to` in the model's file.
#[track_caller]
fn change(from: &str, to: &str, expected: &[&str]) -> Loaded {
    let loaded = changed(from, to);
    assert_eq!(shown(&loaded.models[0].diagnostics), expected);
    loaded
}

/// Loads the sound repository with `from` replaced by `to` in the model's file.
#[track_caller]
fn changed(from: &str, to: &str) -> Loaded {
    assert!(MODEL.contains(from), "{from}");
    let text = MODEL.replacen(from, to, 1);
    let path = "models/churn/config.yaml";
    let mut files = sound();
    files.insert(path, text.as_bytes());
    let loaded = load(&snapshot(files));
    assert_eq!(shown(&loaded.diagnostics), [""; 0]);
    loaded
}
