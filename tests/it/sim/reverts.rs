//! Every kind of revert rolls back, and the revert of the revert rolls forward.

use serde_json::json;

use super::forge::MAIN;
use super::repository::{CONFIG, path, train_anew};
use super::stage::Stage;
use super::weather::Calm;
use super::workload::{Deed, FIRST_AUC};

/// Two versions are released and promoted; the second serves.
fn two_versions() -> Stage {
    let mut stage = Stage::new(FIRST_AUC);
    stage.play(
        &[
            Deed::Watch,
            Deed::Promote(0),
            Deed::Train(0, 0.9),
            Deed::Promote(0),
        ],
        &mut Calm,
    );
    stage
}

/// What must not grow: things that cost money or time to make.
fn made(stage: &Stage) -> [u64; 3] {
    [
        "CreateModel",
        "CreateEndpointConfig",
        "StartPipelineExecution",
    ]
    .map(|op| stage.made(op))
}

fn both(stage: &mut Stage) -> [String; 2] {
    ["churn-staging", "churn-production"].map(|endpoint| stage.config_of(endpoint))
}

#[test]
fn of_a_deployment_only_commit() {
    let mut stage = two_versions();
    let before = both(&mut stage);
    let bigger = CONFIG.replace("ml.m5.large", "ml.m5.xlarge");
    stage
        .forge
        .commit(&[(&path("config.yaml"), Some(bigger.as_bytes()))]);
    let runs = stage.made("StartPipelineExecution");
    stage.settle(&mut Calm);
    let bigger = both(&mut stage);
    assert_ne!(bigger, before);
    assert_eq!(
        stage.made("StartPipelineExecution"),
        runs,
        "a deployment does not train"
    );
    let after_change = made(&stage);
    for expected in [&before, &bigger, &before] {
        let tip = stage.forge.tip(MAIN);
        stage.forge.revert(&tip);
        stage.settle(&mut Calm);
        stage.stays_quiet();
        assert_eq!(both(&mut stage), *expected);
        assert_eq!(made(&stage), after_change, "nothing new is created");
    }
}

#[test]
fn of_a_promotion() {
    let mut stage = Stage::new(FIRST_AUC);
    stage.play(&[Deed::Watch, Deed::Promote(0)], &mut Calm);
    let old = stage.config_of("churn-production");
    stage.play(&[Deed::Train(0, 0.9), Deed::Promote(0)], &mut Calm);
    let new = stage.config_of("churn-production");
    let staging = stage.config_of("churn-staging");
    let before = made(&stage);
    for expected in [&old, &new, &old] {
        let tip = stage.forge.tip(MAIN);
        stage.forge.revert(&tip);
        stage.settle(&mut Calm);
        stage.stays_quiet();
        assert_eq!(stage.config_of("churn-production"), *expected);
        assert_eq!(
            stage.config_of("churn-staging"),
            staging,
            "staging is nobody's promotion"
        );
        assert_eq!(made(&stage), before, "nothing new is created");
    }
}

#[test]
fn of_a_release_that_trueup_made() {
    let mut stage = Stage::new(FIRST_AUC);
    stage.play(&[Deed::Watch, Deed::Promote(0)], &mut Calm);
    let old = stage.config_of("churn-staging");
    stage.play(&[Deed::Train(0, 0.9)], &mut Calm);
    let new = stage.config_of("churn-staging");
    let before = made(&stage);
    for expected in [&old, &new, &old] {
        let tip = stage.forge.tip(MAIN);
        stage.forge.revert(&tip);
        stage.settle(&mut Calm);
        stage.stays_quiet();
        assert_eq!(stage.config_of("churn-staging"), *expected, "people win");
        assert_eq!(made(&stage), before, "nothing new is created");
    }
}

#[test]
fn of_a_training_commit() {
    let mut stage = Stage::new(FIRST_AUC);
    stage.play(&[Deed::Watch, Deed::Promote(0)], &mut Calm);
    let old = stage.config_of("churn-staging");
    train_anew(&mut stage.forge, 0.9);
    let trained = stage.forge.tip(MAIN);
    stage.settle(&mut Calm);
    stage.play(&[Deed::Promote(0)], &mut Calm);
    let new = stage.config_of("churn-staging");
    let before = made(&stage);

    stage.forge.revert(&trained);
    let reverted = stage.forge.tip(MAIN);
    stage.settle(&mut Calm);
    stage.stays_quiet();
    assert_eq!(
        stage.config_of("churn-staging"),
        old,
        "the older package is the candidate again"
    );
    assert_eq!(made(&stage), before, "no run, nothing new");

    stage.forge.revert(&reverted);
    stage.settle(&mut Calm);
    stage.stays_quiet();
    assert_eq!(stage.config_of("churn-staging"), new);
    assert_eq!(made(&stage), before, "no run, nothing new");
}

#[test]
fn fifty_commits_of_trueups_own_kind_do_not_train() {
    let mut stage = two_versions();
    let runs = stage.made("StartPipelineExecution");
    for round in 0..50 {
        let note = format!(
            "- {{package: \"arn:aws:sagemaker:eu-west-1:111122223333:model-package/other/{round}\", reason: \"r\", by: \"b\", at: \"2026-11-22T00:00:00Z\"}}\n"
        );
        stage.forge.commit(&[
            (&path("quarantine.yaml"), Some(note.as_bytes())),
            (&path("README.md"), Some(note.as_bytes())),
        ]);
        stage.pass(trueup::execute::pass::Mode::Apply, &mut Calm);
        stage.tick();
    }
    stage.settle(&mut Calm);
    assert_eq!(stage.made("StartPipelineExecution"), runs);
}

#[test]
fn a_gate_that_is_not_reached_registers_nothing() {
    let mut stage = two_versions();
    let before = both(&mut stage);
    let strict = CONFIG.replace(">= 0.6", ">= 0.99");
    stage.forge.commit(&[
        (&path("config.yaml"), Some(strict.as_bytes())),
        (&path("src/train.py"), Some(b"AUC = 0.95\n")),
    ]);
    for _ in 0..40 {
        stage.pass(trueup::execute::pass::Mode::Apply, &mut Calm);
        stage.tick();
    }
    let packages = stage.console(
        "ListModelPackages",
        json!({"ModelPackageGroupName": "churn"}),
    );
    assert_eq!(
        packages["ModelPackageSummaryList"].as_array().map(Vec::len),
        Some(2)
    );
    assert_eq!(both(&mut stage), before);
    assert_eq!(
        stage.made("StartPipelineExecution"),
        3,
        "a gate is no reason to train again"
    );

    let lenient = CONFIG.replace(">= 0.6", ">= 0.9");
    stage
        .forge
        .commit(&[(&path("config.yaml"), Some(lenient.as_bytes()))]);
    stage.settle(&mut Calm);
    assert_ne!(
        stage.config_of("churn-staging"),
        before[0],
        "another gate is a reason to try again"
    );
}

#[test]
fn other_serving_code_packages_the_same_artefact_again() {
    let mut stage = two_versions();
    let runs = stage.made("StartPipelineExecution");
    let before = both(&mut stage);
    stage
        .forge
        .commit(&[(&path("src/inference.py"), Some(b"other = True\n"))]);
    stage.settle(&mut Calm);
    stage.stays_quiet();
    assert_eq!(
        stage.made("StartPipelineExecution"),
        runs,
        "nothing is trained"
    );
    let packages = stage.console(
        "ListModelPackages",
        json!({"ModelPackageGroupName": "churn"}),
    );
    assert_eq!(
        packages["ModelPackageSummaryList"].as_array().map(Vec::len),
        Some(3)
    );
    assert_ne!(stage.config_of("churn-staging"), before[0]);
    let tip = stage.forge.tip(MAIN);
    assert!(
        stage
            .forge
            .text(&path("releases/staging.yaml"))
            .is_some_and(|text| text.contains("churn/3")),
        "{tip}"
    );
}
