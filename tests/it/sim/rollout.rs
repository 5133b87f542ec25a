//! Rollouts in steps, alarms, counts that somebody else keeps, and a service that is not ideal.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use trueup::clock::SignedDuration;
use trueup::execute::pass::Mode;
use trueup::plan::report::State;
use trueup::world::Settings;

use super::checks::{end, nothing_doubled};
use super::repository::{FULL, path};
use super::stage::{Stage, scope};
use super::weather::Calm;
use super::workload::{Deed, FIRST_AUC, RELEASE_AND_REVERT};

const STAGING: &str = "churn-staging";
const ALARM: &str = "churn-staging-AllTraffic-rollback-errors";

fn with(config: &str) -> Stage {
    let mut stage = Stage::new(FIRST_AUC);
    recommit(&mut stage, config);
    stage.play(&[Deed::Watch, Deed::Promote(0)], &mut Calm);
    stage
}

fn recommit(stage: &mut Stage, config: &str) {
    let file = path("config.yaml");
    stage.forge.commit(&[(&file, Some(config.as_bytes()))]);
}

fn endpoint(stage: &mut Stage) -> Value {
    let body = stage.describe("DescribeEndpoint", json!({"EndpointName": STAGING}));
    body.expect("the endpoint")
}

/// Desired instances by variant.
fn counts(stage: &mut Stage) -> BTreeMap<String, u64> {
    let endpoint = endpoint(stage);
    let variants = endpoint["ProductionVariants"].as_array();
    let variants = variants.expect("variants").iter();
    variants
        .map(|one| {
            let name = one["VariantName"].as_str().expect("a name").to_owned();
            (name, one["DesiredInstanceCount"].as_u64().expect("a count"))
        })
        .collect()
}

fn set_alarm(stage: &mut Stage, state: &str) {
    stage.console(
        "SetAlarmState",
        json!({"AlarmName": ALARM, "StateValue": state, "StateReason": "a test"}),
    );
}

/// Passes until the endpoint is being updated.
fn until_updating(stage: &mut Stage) {
    for _ in 0..200 {
        stage.pass(Mode::Apply, &mut Calm);
        if endpoint(stage)["EndpointStatus"] == "Updating" {
            return;
        }
        stage.tick();
    }
    panic!("it is never updated");
}

/// The notes of staging's last plan.
fn notes(stage: &mut Stage) -> Vec<(State, String)> {
    let pass = stage.pass(Mode::Plan, &mut Calm);
    let unit = pass.units.into_iter().nth(1).expect("staging");
    let notes = unit.report.notes.into_iter();
    notes.map(|note| (note.state, note.message)).collect()
}

#[test]
fn a_release_goes_by_canary_and_a_revert_goes_all_at_once() {
    let mut stage = with(FULL);
    stage.perform(Deed::Train(0, 0.9));
    until_updating(&mut stage);
    let mut shares = Vec::new();
    for _ in 0..40 {
        let body = endpoint(&mut stage);
        let pending = &body["PendingDeploymentSummary"]["ProductionVariants"][0]["CurrentWeight"];
        if let Some(weight) = pending.as_f64() {
            shares.push(weight);
        }
        stage.pass(Mode::Apply, &mut Calm);
        stage.tick();
    }
    shares.dedup();
    assert_eq!(shares, [0.0, 1.5, 3.0], "of a weight of 3");
    stage.settle(&mut Calm);
    let last = endpoint(&mut stage)["LastDeploymentConfig"].clone();
    let routing = "/BlueGreenUpdatePolicy/TrafficRoutingConfiguration/Type";
    assert_eq!(last.pointer(routing), Some(&json!("CANARY")));
    // Whatever the alarms say, what held before is better.
    set_alarm(&mut stage, "ALARM");
    let before = stage.config_of(STAGING);
    stage.perform(Deed::RevertLast);
    stage.settle(&mut Calm);
    assert_ne!(stage.config_of(STAGING), before);
    assert_eq!(endpoint(&mut stage)["FailureReason"], Value::Null);
}

#[test]
fn an_alarm_that_goes_off_holds_an_update_until_it_is_over() {
    let mut stage = with(FULL);
    let before = stage.config_of(STAGING);
    set_alarm(&mut stage, "ALARM");
    let updates = stage.made("UpdateEndpoint");
    stage.perform(Deed::Train(0, 0.9));
    for _ in 0..100 {
        stage.pass(Mode::Apply, &mut Calm);
        stage.tick();
    }
    assert_eq!(stage.made("UpdateEndpoint"), updates);
    let notes = notes(&mut stage);
    let held = notes.iter().find(|(_, words)| words.contains(ALARM));
    let (state, words) = held.unwrap_or_else(|| panic!("{notes:?}"));
    assert_eq!(*state, State::Waiting);
    assert!(words.contains("is going off: a test"), "{words}");
    set_alarm(&mut stage, "OK");
    stage.settle(&mut Calm);
    assert_ne!(stage.config_of(STAGING), before);
}

#[test]
fn what_an_alarm_took_back_is_degraded_and_not_tried_again() {
    let mut stage = with(FULL);
    let before = stage.config_of(STAGING);
    stage.perform(Deed::Train(0, 0.9));
    until_updating(&mut stage);
    for _ in 0..12 {
        stage.tick();
    }
    set_alarm(&mut stage, "ALARM");
    for _ in 0..4 {
        stage.tick();
    }
    set_alarm(&mut stage, "OK");
    assert_eq!(stage.config_of(STAGING), before);
    let updates = stage.made("UpdateEndpoint");
    for _ in 0..20 {
        stage.pass(Mode::Apply, &mut Calm);
        stage.tick();
    }
    assert_eq!(stage.made("UpdateEndpoint"), updates);
    let notes = notes(&mut stage);
    let told = notes
        .iter()
        .any(|(state, words)| *state == State::Degraded && words.contains("SageMaker rolled back"));
    assert!(told, "{notes:?}");
}

#[test]
fn counts_belong_to_the_load_where_it_counts_and_to_git_elsewhere() {
    let mut stage = with(FULL);
    assert!(stage.world.scale(&scope(), STAGING, "AllTraffic", 5));
    for _ in 0..4 {
        stage.tick();
    }
    stage.stays_quiet();
    stage.console(
        "UpdateEndpointWeightsAndCapacities",
        json!({"EndpointName": STAGING, "DesiredWeightsAndCapacities": [
            {"VariantName": "Other", "DesiredInstanceCount": 7},
            {"VariantName": "AllTraffic", "DesiredWeight": 9.0}]}),
    );
    for _ in 0..4 {
        stage.tick();
    }
    stage.settle(&mut Calm);
    let expect = BTreeMap::from([("AllTraffic".to_owned(), 5), ("Other".to_owned(), 2)]);
    assert_eq!(counts(&mut stage), expect);
    assert_eq!(
        endpoint(&mut stage)["ProductionVariants"][0]["DesiredWeight"],
        3.0
    );
    // A release keeps them, and so does a commit that asks for another count at the start.
    stage.play(&[Deed::Train(0, 0.9)], &mut Calm);
    assert_eq!(counts(&mut stage), expect);
    let more = FULL.replace("initial_instance_count: 2\n", "initial_instance_count: 3\n");
    recommit(
        &mut stage,
        &more.replace(
            "xlarge, initial_instance_count: 2",
            "xlarge, initial_instance_count: 4",
        ),
    );
    stage.settle(&mut Calm);
    stage.stays_quiet();
    let expect = BTreeMap::from([("AllTraffic".to_owned(), 5), ("Other".to_owned(), 4)]);
    assert_eq!(counts(&mut stage), expect);
}

#[test]
fn a_target_makes_way_for_other_instances_and_comes_back() {
    let mut stage = with(FULL);
    let target = json!({"ServiceNamespace": "sagemaker", "ScalableDimension":
        "sagemaker:variant:DesiredInstanceCount", "ResourceId":
        "endpoint/churn-staging/variant/AllTraffic"});
    recommit(
        &mut stage,
        &FULL.replace("instance_type: ml.m5.large", "instance_type: ml.c5.large"),
    );
    stage.settle(&mut Calm);
    stage.stays_quiet();
    assert_eq!(
        stage.made("DeregisterScalableTarget"),
        2,
        "one in each environment"
    );
    assert!(
        stage
            .describe("DescribeScalableTarget", target.clone())
            .is_some()
    );
    // Without autoscaling, Git counts from then on.
    let plain = FULL.replace("ml.m5.large", "ml.c5.large");
    let from = plain.find("      autoscaling:").unwrap();
    let to = plain.find("  environment: {WORKERS").unwrap();
    recommit(&mut stage, &(plain[..from].to_owned() + &plain[to..]));
    assert!(stage.world.scale(&scope(), STAGING, "AllTraffic", 5));
    for _ in 0..4 {
        stage.tick();
    }
    stage.settle(&mut Calm);
    stage.stays_quiet();
    assert!(stage.describe("DescribeScalableTarget", target).is_none());
    assert_eq!(counts(&mut stage)["AllTraffic"], 2);
}

#[test]
fn a_target_of_somebody_elses_keeps_its_counts() {
    let mut stage = with(super::repository::CONFIG);
    let target = json!({"ServiceNamespace": "sagemaker", "ScalableDimension":
        "sagemaker:variant:DesiredInstanceCount", "ResourceId":
        "endpoint/churn-staging/variant/AllTraffic", "MinCapacity": 1, "MaxCapacity": 9});
    stage.console("RegisterScalableTarget", target);
    assert!(stage.world.scale(&scope(), STAGING, "AllTraffic", 4));
    for _ in 0..4 {
        stage.tick();
    }
    stage.settle(&mut Calm);
    stage.stays_quiet();
    assert_eq!(counts(&mut stage)["AllTraffic"], 4);
}

#[test]
fn late_readers_come_to_the_same_end() {
    let play = |settings: Settings| {
        let mut stage = Stage::new(FIRST_AUC);
        stage.world.set(Settings {
            strict: true,
            ..settings
        });
        stage.play(RELEASE_AND_REVERT, &mut Calm);
        stage.stays_quiet();
        nothing_doubled(&stage).expect("nothing is doubled");
        end(&stage)
    };
    let late = Settings {
        lists_lag: SignedDuration::from_secs(75),
        configs_lag: SignedDuration::from_secs(50),
        ..Settings::default()
    };
    assert_eq!(play(late), play(Settings::default()));
}

#[test]
fn a_full_workload_ends_as_it_should_with_everything_on() {
    let mut stage = Stage::new(FIRST_AUC);
    recommit(&mut stage, FULL);
    stage.play(RELEASE_AND_REVERT, &mut Calm);
    stage.stays_quiet();
    nothing_doubled(&stage).expect("nothing is doubled");
}
