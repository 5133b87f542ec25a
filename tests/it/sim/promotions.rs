//! What is merged is looked at once more: a promotion that is stale or refused is held, a return is
//! not, and nothing that serves is touched meanwhile.

use serde_json::json;
use trueup::execute::pass::Mode;
use trueup::plan::report::State;

use super::forge::MAIN;
use super::repository::{CONFIG, path};
use super::stage::Stage;
use super::weather::{Calm, Moment, Weather};
use super::workload::{Deed, FIRST_AUC};

const RELEASE: &str = "releases/production.yaml";

fn package(version: u64) -> String {
    format!("arn:aws:sagemaker:eu-west-1:111122223333:model-package/churn/{version}")
}

fn newest_promotion(stage: &Stage) -> String {
    stage.forge.promotion("churn").expect("one was proposed")
}

/// Version 1 serves in production, 2 and 3 are proposed there. Returned with their branches.
fn two_proposals() -> (Stage, [String; 2]) {
    let mut stage = Stage::new(FIRST_AUC);
    stage.play(
        &[Deed::Watch, Deed::Promote(0), Deed::Train(0, 0.8)],
        &mut Calm,
    );
    let second = newest_promotion(&stage);
    stage.play(&[Deed::Train(0, 0.9)], &mut Calm);
    let third = newest_promotion(&stage);
    assert_ne!(second, third);
    (stage, [second, third])
}

/// 2 was merged and serves; then 3, which was cut when 1 served.
fn stale() -> Stage {
    let (mut stage, [second, third]) = two_proposals();
    stage.forge.merge(&second);
    stage.settle(&mut Calm);
    stage.forge.merge(&third);
    stage
}

/// What production says about its release.
fn said(stage: &mut Stage) -> Vec<(State, String)> {
    let pass = stage.pass(Mode::Plan, &mut Calm);
    let unit = pass
        .units
        .into_iter()
        .find(|unit| unit.plan.unit.place == "production")
        .expect("the unit");
    assert_eq!(unit.plan.steps, [], "nothing is planned");
    let notes = unit.report.notes.into_iter();
    let about = notes.filter(|note| note.subject == "release production");
    about.map(|note| (note.state, note.message)).collect()
}

/// Nothing moves, and the words name all of these.
fn held(stage: &mut Stage, serving: &str, words: &[&str]) {
    stage.settle(&mut Calm);
    stage.stays_quiet();
    assert_eq!(stage.config_of("churn-production"), serving);
    let said = said(stage);
    let held = said.iter().find(|(state, _)| *state == State::Held);
    let (_, message) = held.unwrap_or_else(|| panic!("{said:?}"));
    for word in words {
        assert!(message.contains(word), "{message}: no {word}");
    }
}

#[test]
fn a_promotion_that_was_not_built_on_what_is_there_is_held() {
    let mut stage = stale();
    let serving = stage.config_of("churn-production");
    let models = stage.made("CreateModel");
    let [first, second, third] = [1, 2, 3].map(package);
    let insist = format!("previous: {{main: \"{second}\"}}");
    held(
        &mut stage,
        &serving,
        &[&first, &second, &third, RELEASE, &insist],
    );
    assert_eq!(
        stage.made("CreateModel"),
        models,
        "not even a model is made"
    );
}

#[test]
fn to_insist_is_a_commit() {
    let mut stage = stale();
    let serving = stage.config_of("churn-production");
    stage.settle(&mut Calm);
    let text = stage.forge.text(&path(RELEASE)).expect("the release");
    let insisted = text.replace(&package(1), &package(2));
    assert_ne!(insisted, text);
    stage
        .forge
        .commit(&[(&path(RELEASE), Some(insisted.as_bytes()))]);
    stage.settle(&mut Calm);
    stage.stays_quiet();
    assert_ne!(stage.config_of("churn-production"), serving);
    assert_eq!(said(&mut stage), []);
}

#[test]
fn a_revert_of_what_was_held_changes_nothing_and_its_revert_is_held_too() {
    let mut stage = stale();
    let serving = stage.config_of("churn-production");
    stage.settle(&mut Calm);
    let calls = stage.world.calls().mutations();
    for held_now in [false, true, false] {
        let tip = stage.forge.tip(MAIN);
        stage.forge.revert(&tip);
        if held_now {
            held(&mut stage, &serving, &[&package(3)]);
        } else {
            stage.settle(&mut Calm);
            stage.stays_quiet();
            assert_eq!(stage.config_of("churn-production"), serving);
        }
    }
    // The registry follows Git; the endpoint does not.
    let approvals = stage.made("UpdateModelPackage");
    assert!(stage.world.calls().mutations() - calls <= approvals);
}

#[test]
fn a_return_is_a_rollback_even_under_another_configuration() {
    let (mut stage, [second, third]) = two_proposals();
    let first = stage.config_of("churn-production");
    stage.forge.merge(&second);
    stage.settle(&mut Calm);
    let merged = stage.forge.tip(MAIN);
    let bigger = CONFIG.replace("ml.m5.large", "ml.m5.xlarge");
    stage
        .forge
        .commit(&[(&path("config.yaml"), Some(bigger.as_bytes()))]);
    stage.settle(&mut Calm);
    let serving = stage.config_of("churn-production");
    // Version 1 never ran in a config like that: it returns by Git's word alone.
    stage.forge.revert(&merged);
    stage.settle(&mut Calm);
    stage.stays_quiet();
    let returned = stage.config_of("churn-production");
    assert!(![&first, &serving].contains(&&returned));
    assert_eq!(said(&mut stage)[0].0, State::Diverged);
    // And what was built on version 1 is built on what is there again.
    stage.forge.merge(&third);
    stage.settle(&mut Calm);
    assert_ne!(stage.config_of("churn-production"), returned);
    assert_eq!(said(&mut stage), []);
}

fn quarantine(stage: &mut Stage, version: u64) {
    let line = format!(
        "- {{package: \"{}\", reason: too slow, by: ada}}\n",
        package(version)
    );
    stage
        .forge
        .commit(&[(&path("quarantine.yaml"), Some(line.as_bytes()))]);
}

#[test]
fn a_quarantined_package_is_not_moved_to() {
    let (mut stage, [second, _]) = two_proposals();
    let serving = stage.config_of("churn-production");
    quarantine(&mut stage, 2);
    stage.forge.merge(&second);
    held(
        &mut stage,
        &serving,
        &[&package(2), "too slow, by ada", "quarantine.yaml", RELEASE],
    );
    stage
        .forge
        .commit(&[(&path("quarantine.yaml"), Some(b"[]\n"))]);
    stage.settle(&mut Calm);
    assert_ne!(stage.config_of("churn-production"), serving);
}

#[test]
fn a_first_release_of_a_quarantined_package_makes_nothing() {
    let mut stage = Stage::new(FIRST_AUC);
    stage.settle(&mut Calm);
    quarantine(&mut stage, 1);
    stage.play(&[Deed::Promote(0)], &mut Calm);
    stage.stays_quiet();
    let endpoint = json!({"EndpointName": "churn-production"});
    assert_eq!(stage.describe("DescribeEndpoint", endpoint), None);
    let [(State::Held, words)] = &said(&mut stage)[..] else {
        panic!("it is not held");
    };
    assert!(words.contains(&package(1)), "{words}");
}

#[test]
fn a_quarantined_package_that_serves_stays_and_is_returned_to() {
    let (mut stage, [second, _]) = two_proposals();
    let first = stage.config_of("churn-production");
    stage.forge.merge(&second);
    let merged = stage.forge.tip(MAIN);
    stage.settle(&mut Calm);
    let serving = stage.config_of("churn-production");
    quarantine(&mut stage, 2);
    stage.settle(&mut Calm);
    stage.stays_quiet();
    assert_eq!(stage.config_of("churn-production"), serving);
    // It may be served otherwise: that brings nothing new.
    let bigger = CONFIG.replace("ml.m5.large", "ml.m5.xlarge");
    stage
        .forge
        .commit(&[(&path("config.yaml"), Some(bigger.as_bytes()))]);
    stage.settle(&mut Calm);
    assert_ne!(stage.config_of("churn-production"), serving);
    let tip = stage.forge.tip(MAIN);
    stage.forge.revert(&tip);
    stage.settle(&mut Calm);
    assert_eq!(stage.config_of("churn-production"), serving);
    // Reverts are orders of people, in either direction, and both configs have held here.
    for expected in [&first, &serving] {
        let tip = if *expected == first {
            merged.clone()
        } else {
            stage.forge.tip(MAIN)
        };
        stage.forge.revert(&tip);
        stage.settle(&mut Calm);
        stage.stays_quiet();
        assert_eq!(stage.config_of("churn-production"), *expected);
    }
}

#[test]
fn quarantine_rejects_a_proposal_and_deletion_does_not() {
    let (mut stage, [_, third]) = two_proposals();
    let said = said(&mut stage);
    let [(State::Diverged, words)] = said.as_slice() else {
        panic!("it is not proposed: {said:?}");
    };
    let line = format!("- package: {}", package(3));
    for word in [third.as_str(), &line, "models/churn/quarantine.yaml"] {
        assert!(words.contains(word), "{words}: no {word}");
    }
    stage.forge.delete(&third);
    stage.settle(&mut Calm);
    assert!(stage.forge.branches().contains(&third), "proposed again");
    quarantine(&mut stage, 3);
    stage.forge.delete(&third);
    stage.settle(&mut Calm);
    stage.stays_quiet();
    assert!(!stage.forge.branches().contains(&third), "rejected");
}

/// Forks the state around every change to production.
#[derive(Default)]
struct Recorder(Vec<(String, Stage)>);

impl Weather for Recorder {
    fn around(&mut self, moment: Moment, change: &str, stage: &Stage) -> bool {
        self.0.push((format!("{moment:?} {change}"), stage.clone()));
        false
    }
}

/// The stale merge comes while the promotion before it is still on its way, at any point of it.
#[test]
fn a_stale_merge_during_a_rollout_is_held_wherever_that_stands() {
    let (mut stage, [second, third]) = two_proposals();
    stage.forge.merge(&second);
    let mut recorder = Recorder::default();
    let mut calm = stage.clone();
    calm.settle(&mut recorder);
    assert!(recorder.0.len() >= 6, "{} points", recorder.0.len());
    let ends = [&mut stage, &mut calm].map(|one| one.config_of("churn-production"));
    for (point, mut fork) in recorder.0 {
        fork.forge.merge(&third);
        for _ in 0..40 {
            fork.pass(Mode::Apply, &mut Calm);
            fork.tick();
        }
        let serving = fork.config_of("churn-production");
        assert!(ends.contains(&serving), "{point}: it serves {serving}");
        held(&mut fork, &serving, &[&package(3)]);
    }
}
