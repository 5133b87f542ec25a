//! A small repository to simulate with: one model, two environments.

use super::forge::Forge;
use trueup::resource::canonical::sha256;

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

fn pin() -> String {
    format!(
        "apiVersion: \"trueup/data.v1\"\nname: \"train\"\nsource:\n  file: \"data/train.csv\"\nversion:\n  content: \"sha256:{}\"\n  strength: \"sha256\"\n  objects: 1\n  bytes: {}\n",
        sha256(DATA),
        DATA.len()
    )
}

/// The path of a file of the model.
pub(crate) fn path(relative: &str) -> String {
    format!("{FOLDER}/{relative}")
}

/// Commits the first version of everything.
pub(crate) fn first_commit(forge: &mut Forge, auc: f64) {
    let train = training_script(auc);
    let pin = pin();
    let files: &[(&str, &[u8])] = &[
        ("config.yaml", CONFIG.as_bytes()),
        ("data/train.csv", DATA),
        ("data/train.pin.yaml", pin.as_bytes()),
        ("src/split.py", b"pass\n"),
        ("src/train.py", train.as_bytes()),
        ("src/evaluate.py", b"pass\n"),
        ("src/inference.py", b"pass\n"),
    ];
    let owned: Vec<_> = files
        .iter()
        .map(|(name, bytes)| (path(name), *bytes))
        .collect();
    let mut all: Vec<(&str, Option<&[u8]>)> = owned
        .iter()
        .map(|(name, bytes)| (name.as_str(), Some(*bytes)))
        .collect();
    all.push(("trueup.yaml", Some(INSTALLATION.as_bytes())));
    forge.commit(&all);
}

/// Commits another training script.
pub(crate) fn train_anew(forge: &mut Forge, auc: f64) {
    forge.commit(&[(&path("src/train.py"), Some(training_script(auc).as_bytes()))]);
}
