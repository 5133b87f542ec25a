//! What a model's file says: typed, and each mistake told in its place.

use super::{MODEL, change, check};
use crate::config::model::{EnvironmentMode, PromoteMode};

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
        &["H001 21:70 `AllTraffic` has one instance"],
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
