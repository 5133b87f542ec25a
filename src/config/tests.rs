//! Whole repositories in, configuration and findings out.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;
use serde_json::json;

use super::model::{EnvironmentMode, PromoteMode};
use super::{Loaded, load};
use crate::clock::Timestamp;
use crate::diagnostic::Diagnostic;
use crate::limits;
use crate::snapshot::{File, Mode, ObjectId, Snapshot};

const TRUEUP: &str = "version: 1\ninstallation: example\nscopes: [\"111122223333/eu-west-1\"]\n\
    accounts:\n  \"111122223333\": {alias: main, legacy: true}\n";

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
pub(super) fn changed(from: &str, to: &str) -> Loaded {
    assert!(MODEL.contains(from), "{from}");
    let text = MODEL.replacen(from, to, 1);
    let path = "models/churn/config.yaml";
    let mut files = sound();
    files.insert(path, text.as_bytes());
    let loaded = load(&snapshot(files));
    assert_eq!(shown(&loaded.diagnostics), [""; 0]);
    loaded
}

#[test]
fn a_sound_model_is_typed_with_its_environments_resolved() {
    let loaded = check("", None, &[]);
    assert_eq!(loaded.installation.as_ref().unwrap().scopes().len(), 1);
    let model = &loaded.models[0];
    let config = model.config.as_ref().unwrap();
    assert_eq!(
        (model.folder.as_str(), model.name.as_deref()),
        ("models/churn", Some("churn"))
    );
    assert_eq!(config.training.max_runtime.0, 3600);
    assert_eq!(config.training.hyperparameters["shuffle"].text(), "true");
    let [staging, production] = config.environments.as_slice() else {
        panic!("two environments");
    };
    assert_eq!(staging.mode, EnvironmentMode::Development);
    assert_eq!(
        (staging.promote.mode, staging.promote.from.as_deref()),
        (PromoteMode::Commit, None)
    );
    assert_eq!(production.mode, EnvironmentMode::Production);
    assert_eq!(production.promote.mode, PromoteMode::Branch);
    assert_eq!(production.promote.from.as_deref(), Some("staging"));
    assert_eq!(production.promote.soak.0, 7200);
    let variant = &production.deployment.variants["AllTraffic"];
    assert_eq!(
        (
            variant.instance_type.as_str(),
            variant.initial_instance_count
        ),
        ("ml.m5.large", 2)
    );
    assert_eq!(
        production.monitors.data_quality.as_ref().unwrap().baseline,
        "train"
    );
    let origin = |pointer: &str| {
        let span = model.origins.origin(pointer);
        (MODEL[span.start..span.end].to_owned(), span.line)
    };
    let variant = "/environments/production/deployment/variants/AllTraffic";
    assert_eq!(
        origin(&format!("{variant}/instance_type")),
        ("ml.m5.large".to_owned(), 21)
    );
    assert_eq!(
        origin(&format!("{variant}/initial_instance_count")),
        ("2".to_owned(), 30)
    );
    assert_eq!(origin("/environments/production/promote/from").1, 27);
}

#[test]
fn unknown_keys_suggest_what_was_meant() {
    for wrong in ["entry_pont", "EntryPoint", "entrypoint", "entry-point"] {
        let text = MODEL.replacen("entry_point", wrong, 1);
        let loaded = check(
            "models/churn/config.yaml",
            Some(&text),
            &[
                "S002 10:1 `training` lacks `entry_point`",
                &format!("S001 11:3 unknown key `{wrong}`"),
            ],
        );
        let finding = &loaded.models[0].diagnostics[1];
        assert_eq!(
            finding.label.as_deref(),
            Some("did you mean `entry_point`?")
        );
        assert!(
            finding
                .help
                .as_deref()
                .unwrap()
                .contains("`volume_size_in_gb`")
        );
        assert!(loaded.models[0].config.is_none());
    }
}

#[test]
fn every_problem_of_a_file_is_told_once_in_its_place() {
    let text = "\
version: 2
name: Churn_Prod
account: 11122223333
region: eu-west
data:
  train: {file: ../secret.csv, file: a, format: xml}
training: {entry_point: src/gone.py, instance_count: 0, max_runtime: 2 weeks, hyperparameters: {a: [1]}}
evaluation: {script: src\\evaluate.py, dataset: valid, gates: {auc: \"> champion\"}}
deployment: {variants: {All_Traffic: {initial_weight: heavy}}, InstanceType: x}
environments:
  staging: {mode: prod, tags: {\"aws:x\": y}}
  home: {promote: {from: stagin}, description: \"${name}\"}
  ${env}: null
";
    let findings = [
        "S002 1:1 the file lacks `framework`",
        "S002 1:10 `version` is the number 2, but takes `1`",
        "N001 2:7 `name` is `Churn_Prod`, but takes lower-case letters, digits and single hyphens between them",
        "S007 3:10 `account` is the number 11122223333, but takes 12 digits in quotes",
        "S002 4:9 `region` is `eu-west`, but takes a region such as `eu-west-1`",
        "F001 6:17 `../secret.csv` is no path below the model's folder",
        "S007 6:32 the key `file` is written twice",
        "S002 6:49 `format` is `xml`, but takes `csv` or `jsonl`",
        "F002 7:25 `src/gone.py` is not a file of the commit",
        "S002 7:54 `instance_count` is the number 0, but takes at least 1",
        "S002 7:70 `max_runtime` is `2 weeks`, but takes a duration such as `90s`, `15m`, `2h` or `7d`",
        "S002 7:97 `a` is a list, but takes `true` or `false`, or a number, or text (quote it if it is a number)",
        "F001 8:22 `src\\\\evaluate.py` is no path below the model's folder",
        "D009 8:48 `valid` is neither a dataset nor an output of a step",
        "S002 8:68 `auc` is `> champion`, but takes comparisons with a number joined by `and`, such as `>= 0.80 and <= 0.99`",
        "N005 9:25 `All_Traffic` cannot be used as a name here",
        "S002 9:55 `initial_weight` is `heavy`, but takes a number",
        "S001 9:64 unknown key `InstanceType`",
        "S002 11:19 `mode` is `prod`, but takes `development` or `production`",
        "N004 11:32 tags that start with `aws:` are reserved",
        "N005 12:3 `home` is where the model is trained, no environment",
        "P002 12:26 `stagin` is no environment of this model",
        "S001 12:35 unknown key `description`",
        "S003 12:48 a variable that is not resolved",
        "S004 13:3 a variable in a name: what it names would change with it",
        "S002 13:13 `${env}` is empty, but takes a map",
        "D002 1:1 the pin is of `data/t.csv`, but the dataset is `../secret.csv`",
    ];
    let text = text.replace("${env}: null", "\"${env}\": null");
    let loaded = check("models/churn/config.yaml", Some(&text), &findings);
    assert!(loaded.models[0].config.is_none());
}

#[test]
fn an_inherited_mistake_is_told_where_it_was_written() {
    change(
        "data_capture: {sampling_percentage: 100}",
        "data_capture: {modes: [input]}",
        &["S002 22:3 `data_capture` lacks `sampling_percentage`"],
    );
    let partly = MODEL.replace(
        "data_capture: {sampling_percentage: 100}",
        "data_capture: {modes: [input]}",
    );
    let partly = partly.replace(
        "staging: {}",
        "staging: {deployment: {data_capture: {sampling_percentage: 5}}}",
    );
    let partly = partly.replace(
        "promote: {soak: 2h}",
        "monitors: null\n    deployment: {data_capture: null}\n    tags: {}",
    );
    let partly = partly.replace(
        "    deployment:\n      variants: {AllTraffic: {initial_instance_count: 2}}\n",
        "",
    );
    let loaded = check(
        "models/churn/config.yaml",
        Some(&partly),
        &["H001 21:70 `AllTraffic` has one instance in production"],
    );
    let environments = &loaded.models[0].config.as_ref().unwrap().environments;
    assert_eq!(
        environments[0]
            .deployment
            .data_capture
            .as_ref()
            .unwrap()
            .sampling_percentage,
        5
    );
    assert_eq!(environments[1].deployment.data_capture, None);
    assert_eq!(environments[1].monitors.data_quality, None);
}

#[test]
fn data_is_pinned_to_its_bytes() {
    let path = "models/churn/data/train.pin.yaml";
    let missing = "D001 7:3 the dataset `train` is not pinned: there is no `models/churn/data/train.pin.yaml`";
    let loaded = check(path, None, &[missing]);
    let help = loaded.models[0].diagnostics[0].help.clone().unwrap();
    let digest = PIN
        .split('"')
        .find(|part| part.starts_with("sha256:"))
        .unwrap();
    assert!(help.contains(digest) && help.contains("bytes 8"), "{help}");
    let stale = check(
        path,
        Some(&PIN.replace("bytes: 8", "bytes: 9")),
        &["D002 1:1 the pin does not agree with the bytes of `data/t.csv`"],
    );
    let help = stale.models[0].diagnostics[0].help.clone().unwrap();
    assert!(help.contains(digest) && help.contains("bytes: 8"), "{help}");
    check(
        path,
        Some(&PIN.replace("data/t.csv", "data/u.csv")),
        &["D002 1:1 the pin is of `data/u.csv`, but the dataset is `data/t.csv`"],
    );
    check(
        path,
        Some(&PIN.replace("objects", "objcts")),
        &["S002 5:1 `version` lacks `objects`"],
    );
    check(path, Some(&format!("{PIN}note: by ann\n")), &[]);
    change(
        "target: y",
        "target: z",
        &["D005 7:37 `z` is not a column of the dataset `train`"],
    );
    change(
        "file: data/t.csv,",
        "file: data/t.csv, pin: none,",
        &["D008 1:1 nothing uses the pin of `train`"],
    );
}

#[test]
fn references_lead_to_data() {
    change("dataset: validation", "dataset: split.validation", &[]);
    change(
        "dataset: validation",
        "dataset: split.test",
        &["D009 17:12 `split.test` is neither a dataset nor an output of a step"],
    );
    change(
        "baseline: train",
        "baseline: trian",
        &["D009 24:68 `trian` is neither a dataset nor an output of a step"],
    );
    change(
        "training:\n",
        "  more: {script: src/split.py, inputs: [split.train], outputs: [validation]}\ntraining:\n",
        &["D010 18:12 `validation` is an output of more and of split"],
    );
    change(
        "inputs: [train], outputs: [train, validation]}\n",
        "inputs: [other.a], outputs: [validation]}\n  other: {script: src/split.py, inputs: [validation], outputs: [a]}\n",
        &[
            "D010 9:3 the step `split` waits for itself through what it reads",
            "D010 10:3 the step `other` waits for itself through what it reads",
        ],
    );
}

#[test]
fn promotion_leads_from_one_environment_to_every_other() {
    change(
        "promote: {soak: 2h}",
        "promote: {from: null}",
        &["P002 28:5 `production` is a first environment, and so is `staging`"],
    );
    change(
        "staging: {}",
        "staging: {promote: {from: production}}",
        &["P002 26:29 the promotion to `staging` leads in a circle"],
    );
    change(
        "staging: {}",
        "staging: {promote: {from: staging}}",
        &["P002 26:29 the promotion to `staging` leads in a circle"],
    );
    let text = MODEL
        .replace("  staging: {}\n", "")
        .replace("promote: {soak: 2h}", "promote: {from: staging}")
        + "  staging: {promote: {from: null}}\n";
    let loaded = check("models/churn/config.yaml", Some(&text), &[]);
    let names = loaded.models[0]
        .config
        .as_ref()
        .unwrap()
        .environments
        .iter();
    assert_eq!(
        names.map(|one| one.name.as_str()).collect::<Vec<_>>(),
        ["staging", "production"]
    );
}

#[test]
fn names_fit_what_is_made_of_them() {
    let long = format!("name: {}", "a".repeat(30));
    change(
        "name: churn",
        &long,
        &[
            "N001 27:3 names made of `aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa-production` get 65 characters, 2 too many",
        ],
    );
    change(
        "name: churn",
        "name: churn-staging",
        &["N003 2:7 the name ends in `staging`, which is added to derived names"],
    );
    change(
        "name: churn",
        "name: churn--x",
        &[
            "N001 2:7 `name` is `churn--x`, but takes lower-case letters, digits and single hyphens between them",
        ],
    );
    change(
        "name: churn",
        "name: \"${x}\"",
        &["S004 2:7 a variable in a name: what it names would change with it"],
    );
    change(
        "  staging: {}",
        "  Staging: {}",
        &["N001 26:3 `Staging` is no name for an environment"],
    );
}

#[test]
fn what_runs_must_be_seen_and_possible() {
    change(
        "staging: {}",
        "staging: {account: \"444455556666\", monitors: null}",
        &["G004 26:22 444455556666/eu-west-1 is not among the scopes of trueup.yaml"],
    );
    let loaded = change(
        "staging: {}",
        "staging: {region: us-east-1}",
        &[
            "G004 26:21 111122223333/us-east-1 is not among the scopes of trueup.yaml",
            "R004 26:21 `staging` is in us-east-1, but the model's home is in eu-west-1",
        ],
    );
    assert!(loaded.models[0].config.is_none());
    let legacy = TRUEUP.replace("legacy: true", "legacy: false");
    check(
        "trueup.yaml",
        Some(&legacy),
        &["M004 24:26 the account 111122223333 is not known to have Model Monitor"],
    );
    change(
        "sampling_percentage: 100",
        "sampling_percentage: 0",
        &["M001 24:3 the monitor has nothing to read: nothing is captured"],
    );
    change(
        "AllTraffic: {instance_type: ml.m5.large, initial_instance_count: 1}",
        "AllTraffic: {initial_weight: 0}",
        &[
            "H013 20:3 the weights of the variants are 0 together",
            "H013 30:7 the weights of the variants are 0 together",
        ],
    );
    change(
        "gates: {auc: \">= 0.7 and <= 0.99\"}",
        "gates: {}",
        &["Q001 15:1 no gate: any version can be registered"],
    );
}

#[test]
fn two_models_never_own_one_endpoint() {
    let mut files = sound();
    let first = MODEL
        .replace("name: churn", "name: a-b")
        .replace("staging:", "c:")
        .replace("production:", "d:");
    let second = MODEL
        .replace("name: churn", "name: a")
        .replace("staging:", "b-c:")
        .replace("production:", "d:");
    for (path, bytes) in sound() {
        if let Some(rest) = path.strip_prefix("models/churn/") {
            files.insert(format!("models/other/{rest}").leak(), bytes);
        }
    }
    files.insert("models/churn/config.yaml", first.as_bytes());
    files.insert("models/other/config.yaml", second.as_bytes());
    let loaded = load(&snapshot(files.clone()));
    for (model, rival) in [(0, "other"), (1, "churn")] {
        let message = format!(
            "the endpoint `a-b-c` in 111122223333/eu-west-1 is the model's in `models/{rival}` too"
        );
        let codes: Vec<_> = loaded.models[model]
            .diagnostics
            .iter()
            .map(|one| (one.code.as_str(), one.message.as_str()))
            .collect();
        assert_eq!(codes, [("N002", message.as_str())]);
        assert!(loaded.models[model].config.is_none());
    }
    files.insert("models/other/config.yaml", first.as_bytes());
    let same = load(&snapshot(files.clone()));
    assert_eq!(
        shown(&same.models[0].diagnostics)[0],
        "N002 2:7 the model in `models/other` is called `a-b` too"
    );
    // A model that is broken anyhow takes nothing from a sound one.
    let broken = first.replace("version: 1", "version: 7");
    files.insert("models/other/config.yaml", broken.as_bytes());
    let loaded = load(&snapshot(files));
    assert!(loaded.models[0].config.is_some() && loaded.models[1].config.is_none());
}

#[test]
fn the_repository_has_an_installation_and_models_by_pattern() {
    let mut files = sound();
    files.remove("trueup.yaml");
    let loaded = load(&snapshot(files.clone()));
    assert_eq!(
        shown(&loaded.diagnostics),
        ["S002 1:1 there is no trueup.yaml at the repository's root"]
    );
    assert!(loaded.models[0].config.is_some() && loaded.installation.is_none());
    let wrong = "version: 1\ninstallation: Acme\nscopes: [\"1/eu-west-1\", 5]\naccounts: {111122223333: {legcy: true}}\n";
    files.insert("trueup.yaml", wrong.as_bytes());
    let loaded = load(&snapshot(files.clone()));
    assert_eq!(
        shown(&loaded.diagnostics),
        [
            "S002 2:15 `installation` is `Acme`, but takes lower-case letters, digits and single hyphens between them",
            "S002 3:10 item 1 of `scopes` is `1/eu-west-1`, but takes an account and a region, such as `111122223333/eu-west-1`",
            "S002 3:25 item 2 of `scopes` is the number 5, but takes an account and a region, such as `111122223333/eu-west-1`",
            "S007 4:12 the account id 111122223333 is a number, which loses zeros",
            "S001 4:27 unknown key `legcy`",
        ]
    );
    // The pattern decides, and a model at the root counts too.
    let pattern = format!("{TRUEUP}models: teams/**/config.yaml\n");
    files.insert("trueup.yaml", pattern.as_bytes());
    files.insert("config.yaml", b"a: [");
    files.insert("teams/x/y/config.yaml", b"");
    let loaded = load(&snapshot(files));
    let models: Vec<_> = loaded
        .models
        .iter()
        .map(|model| (model.folder.as_str(), model.diagnostics[0].code.as_str()))
        .collect();
    assert_eq!(models, [("", "S000"), ("teams/x/y", "S002")]);
}

#[test]
fn companions_are_read() {
    let release = json!({"version": 1, "attempt": 1, "packages": {"main": {
        "arn": "arn:aws:sagemaker:eu-west-1:111122223333:model-package/churn/1", "run": "r", "commit": "c",
        "model_data": {"uri": "s3://b/k", "checksum": "crc64nvme:x", "size": 1}, "image": "i", "signed": true,
        "code": {"uri": "s3://b/c", "digest": "sha256:1", "entry_point": "src/inference.py"}}}});
    let release = super::emit::emit(&release, &[]);
    let mut files = sound();
    files.insert("models/churn/releases/staging.yaml", release.as_bytes());
    files.insert("models/churn/releases/old.yaml", release.as_bytes());
    let quarantine = b"- {package: \"arn:aws:sagemaker:eu-west-1:111122223333:model-package/churn/1\", reason: slow, by: ann, at: \"2026-01-01T00:00:00Z\"}\n";
    files.insert("models/churn/quarantine.yaml", quarantine);
    let loaded = load(&snapshot(files.clone()));
    let model = &loaded.models[0];
    assert_eq!(
        shown(&model.diagnostics),
        ["G001 1:1 the release of `old`, which is no environment of the model"]
    );
    assert_eq!(model.releases["staging"].main().unwrap().commit, "c");
    assert_eq!(model.pins["train"].version.bytes, 8);
    assert_eq!(model.quarantine[0].by, "ann");
    assert!(model.config.is_some());
    let text = super::emit::emit_quarantine(&model.quarantine);
    assert!(text.starts_with("- package: \"arn:"), "{text}");
    files.insert("models/churn/quarantine.yaml", b"- {package: churn/1}\n");
    files.insert(
        "models/churn/releases/staging.yaml",
        b"version: 1\nattempt: one\n",
    );
    let loaded = load(&snapshot(files));
    let codes: Vec<_> = loaded.models[0]
        .diagnostics
        .iter()
        .map(|one| one.code.as_str())
        .collect();
    assert_eq!(codes, ["S002", "G001", "S002", "S002"]);
    assert!(loaded.models[0].config.is_none());
}

#[test]
fn hostile_files_are_bounded() {
    let many =
        |count: usize, line: &dyn Fn(usize) -> String| (0..count).map(line).collect::<String>();
    let variants = many(1500, &|n| format!("    v{n}: {{}}\n"));
    let environments = many(90, &|n| format!("  e{n}: {{}}\n"));
    let bomb = format!("deployment:\n  variants:\n{variants}environments:\n{environments}");
    let steps = many(2000, &|n| {
        format!("  s{n}: {{script: x, inputs: [a, b], outputs: [c]}}\n")
    });
    for text in [
        bomb,
        format!("processing:\n{steps}"),
        format!("{MODEL}unknown: {}\n", "[".repeat(60)),
    ] {
        let loaded = load(&snapshot([("config.yaml", text.as_bytes())]));
        let findings = &loaded.models[0].diagnostics;
        assert!(loaded.models[0].config.is_none());
        assert!(!findings.is_empty() && findings.len() <= limits::DIAGNOSTICS_MAX + 1);
    }
    let unknown = many(300, &|n| format!("k{n}: 1\n"));
    let loaded = load(&snapshot([("config.yaml", unknown.as_bytes())]));
    assert_eq!(loaded.models[0].diagnostics.last().unwrap().code, "S014");
}

proptest! {
    #[test]
    fn mangled_files_never_panic(at in 0..MODEL.len(), cut in 0..40_usize, put in "[-?:,\\[\\]{}#&*!|>'\"%@` \n~0-9a-z$é]{0,12}") {
        let mut text = MODEL.to_owned();
        text.replace_range(at..(at + cut).min(MODEL.len()), &put);
        let mut files = sound();
        files.insert("models/churn/config.yaml", text.as_bytes());
        let model = &load(&snapshot(files)).models[0];
        prop_assert!(!model.diagnostics.iter().any(|one| one.message.contains("defect")));
        let errors = crate::diagnostic::any_error(&model.diagnostics);
        prop_assert_eq!(model.config.is_none(), errors);
    }
}
