//! Small repositories to simulate with: one model with everything, and two beside it.

use trueup::resource::canonical::sha256;
use trueup::snapshot::ObjectId;

use super::forge::Forge;

pub(crate) const FOLDER: &str = "models/churn";
const DATA: &[u8] = b"tenure,churned\n1,0\n9,1\n";

pub(crate) const CONFIG: &str = r#"version: 1
name: churn
account: "111122223333"
region: eu-west-1
framework: sklearn@1.2-1
data:
  train: {file: data/train.csv, pin: required}
processing:
  split: {script: src/split.py, inputs: [train], outputs: [fit, validation]}
training:
  entry_point: src/train.py
  hyperparameters: {depth: 3}
evaluation:
  script: src/evaluate.py
  dataset: validation
  gates: {auc: ">= 0.6"}
serving: {entry_point: src/inference.py}
deployment:
  variants:
    AllTraffic: {instance_type: ml.m5.large, initial_instance_count: 1}
  data_capture: {sampling_percentage: 100}
monitors:
  data_quality: {engine: model_monitor, schedule: daily, baseline: train}
environments:
  staging: {}
  production:
    promote: {mode: branch, from: staging, soak: 0s}
"#;

/// The same model with everything that a deployment can ask for.
pub(crate) const FULL: &str = r#"version: 1
name: churn
account: "111122223333"
region: eu-west-1
framework: sklearn@1.2-1
owner: team-growth
tags: {team: growth}
network:
  vpc: {subnets: [subnet-a, subnet-b], security_group_ids: [sg-1]}
  isolation: true
  encrypt_inter_container: true
encryption: {kms_key_id: alias/acme}
data:
  train: {file: data/train.csv, pin: required}
processing:
  split: {script: src/split.py, inputs: [train], outputs: [fit, validation]}
training:
  entry_point: src/train.py
  hyperparameters: {depth: 3}
evaluation:
  script: src/evaluate.py
  dataset: validation
  gates: {auc: ">= 0.6"}
serving: {entry_point: src/inference.py}
deployment:
  variants:
    AllTraffic:
      instance_type: ml.m5.large
      initial_instance_count: 2
      initial_weight: 3
      volume_size_in_gb: 20
      model_data_download_timeout: 10m
      container_startup_health_check_timeout: 5m
      routing: least_outstanding_requests
      autoscaling:
        min: 2
        max: 6
        target_invocations_per_instance: 600
        scale_in_cooldown: 10m
        scale_out_cooldown: 1m
        disable_scale_in: true
  environment: {WORKERS: "2"}
  data_capture: {sampling_percentage: 100, modes: [output, input]}
  rollout:
    strategy: canary
    canary_size: 50%
    bake: 2m
    termination_wait: 1m
    max_execution_time: 1h
    rollback_on: {errors: "5xx > 1% for 3m", latency: "p95 > 200ms for 5m"}
monitors:
  data_quality: {engine: model_monitor, schedule: daily, baseline: train}
notifications:
  routes:
    ops:
      type: sns
      subscriptions: {ann: {protocol: email, endpoint: ann@acme.test}}
    theirs: {type: sns, topic_arn: "arn:aws:sns:eu-west-1:111122223333:ml-ops"}
environments:
  staging:
    deployment:
      variants:
        Other: {instance_type: ml.m5.xlarge, initial_instance_count: 2}
  production:
    promote: {mode: branch, from: staging, soak: 0s}
    deployment:
      shadow: {challenger: {instance_type: ml.m5.xlarge, sampling_percentage: 20}}
"#;

/// A model without processing, evaluation or monitors, promoted by itself after a soak.
pub(crate) const PLAIN: &str = r#"version: 1
name: fraud
account: "111122223333"
region: eu-west-1
framework: sklearn@1.2-1
data:
  train: {file: data/train.csv, pin: required}
training:
  entry_point: src/train.py
serving: {entry_point: src/inference.py}
deployment:
  variants:
    AllTraffic: {instance_type: ml.m5.large, initial_instance_count: 1}
environments:
  staging: {}
  production:
    promote: {mode: commit, from: staging, soak: 10m}
"#;

/// Which models a repository has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum FleetKind {
    /// `churn`: everything that a model can have.
    One,
    /// `fraud`: little.
    Plain,
    /// `fraud` in one environment.
    Tiny,
    /// Both.
    Two,
}

/// The quality of the first version of every model.
pub(crate) const FIRST_AUC: f64 = 0.7;

const INSTALLATION: &str = r#"version: 1
installation: acme
scopes: ["111122223333/eu-west-1"]
accounts:
  "111122223333": {legacy: true}
"#;

/// The training script of a version: the world's stand-in for training reads its quality from it.
pub(crate) fn training_script(auc: f64) -> String {
    format!("AUC = {auc}\n")
}

fn pin(data: &[u8]) -> String {
    format!(
        "apiVersion: \"trueup/data.v1\"\nname: \"train\"\nsource:\n  file: \"data/train.csv\"\nversion:\n  content: \"sha256:{}\"\n  strength: \"sha256\"\n  objects: 1\n  bytes: {}\n",
        sha256(data),
        data.len()
    )
}

/// The path of a file of the first model.
pub(crate) fn path(relative: &str) -> String {
    format!("{FOLDER}/{relative}")
}

/// Commits the first version of everything.
pub(crate) fn first_commit(forge: &mut Forge, fleet: FleetKind) {
    let mut all: Vec<(String, Vec<u8>)> =
        vec![("trueup.yaml".to_owned(), INSTALLATION.as_bytes().to_vec())];
    if matches!(fleet, FleetKind::One | FleetKind::Two) {
        all.extend(full(FOLDER));
    }
    if fleet != FleetKind::One {
        let whole = PLAIN.split("  production:").next().unwrap_or_default();
        let config = if fleet == FleetKind::Tiny {
            whole
        } else {
            PLAIN
        };
        all.extend(plain("models/fraud", config));
    }
    commit_all(forge, &all);
}

/// Commits a model that was not there before.
pub(crate) fn add_model(forge: &mut Forge, name: &str) {
    let config = PLAIN.replace("name: fraud", &format!("name: {name}"));
    commit_all(forge, &plain(&format!("models/{name}"), &config));
}

fn commit_all(forge: &mut Forge, files: &[(String, Vec<u8>)]) {
    let files: Vec<(&str, Option<&[u8]>)> = files
        .iter()
        .map(|(path, bytes)| (path.as_str(), Some(bytes.as_slice())))
        .collect();
    forge.commit(&files);
}

fn full(folder: &str) -> Vec<(String, Vec<u8>)> {
    let train = training_script(FIRST_AUC);
    let files: &[(&str, &[u8])] = &[
        ("config.yaml", CONFIG.as_bytes()),
        ("data/train.csv", DATA),
        ("data/train.pin.yaml", &pin(DATA).into_bytes()),
        ("src/split.py", b"pass\n"),
        ("src/train.py", train.as_bytes()),
        ("src/evaluate.py", b"pass\n"),
        ("src/inference.py", b"pass\n"),
    ];
    files
        .iter()
        .map(|(name, bytes)| (format!("{folder}/{name}"), bytes.to_vec()))
        .collect()
}

fn plain(folder: &str, config: &str) -> Vec<(String, Vec<u8>)> {
    vec![
        (format!("{folder}/config.yaml"), config.as_bytes().to_vec()),
        (
            format!("{folder}/src/train.py"),
            training_script(FIRST_AUC).into_bytes(),
        ),
        (format!("{folder}/src/inference.py"), b"pass\n".to_vec()),
        (format!("{folder}/data/train.csv"), DATA.to_vec()),
        (
            format!("{folder}/data/train.pin.yaml"),
            pin(DATA).into_bytes(),
        ),
    ]
}

/// Commits another training script.
pub(crate) fn train_anew(forge: &mut Forge, auc: f64) {
    forge.commit(&[(&path("src/train.py"), Some(training_script(auc).as_bytes()))]);
}

/// Commits other data and its pin.
pub(crate) fn pin_anew(forge: &mut Forge, folder: &str, rows: u64) {
    let data = format!("tenure,churned\n1,0\n{rows},1\n");
    forge.commit(&[
        (&format!("{folder}/data/train.csv"), Some(data.as_bytes())),
        (
            &format!("{folder}/data/train.pin.yaml"),
            Some(pin(data.as_bytes()).as_bytes()),
        ),
    ]);
}

/// The folder of the model that a job's request is about, at a commit.
pub(crate) fn folder_of_job(forge: &Forge, commit: &ObjectId, request: &str) -> String {
    let snapshot = forge.snapshot(commit);
    let folders = snapshot
        .files
        .keys()
        .filter_map(|path| path.strip_suffix("/config.yaml"));
    let mut mine = folders.filter(|folder| {
        let text = snapshot
            .text(&format!("{folder}/config.yaml"))
            .unwrap_or_default();
        let name = super::ledger::field(text, "name:").unwrap_or_default();
        request.contains(&format!("trueup/{name}/"))
    });
    mine.next().unwrap_or(FOLDER).to_owned()
}

/// The quality that a commit's training script trains to; `None`: it fails.
pub(crate) fn quality(forge: &Forge, commit: &ObjectId, folder: &str) -> Option<f64> {
    let snapshot = forge.snapshot(commit);
    let script = snapshot.text(&format!("{folder}/src/train.py"))?;
    script.trim().strip_prefix("AUC = ")?.parse().ok()
}
