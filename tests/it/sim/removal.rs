//! What is taken down, what is collected, and what stays whatever happens.

use serde_json::{Value, json};
use trueup::clock::SignedDuration;
use trueup::execute::pass::Mode;
use trueup::limits::COLLECTED_MAX;
use trueup::plan::cause::Cause;

use super::checks::{at_rest, plant_strangers, strangers};
use super::kinds::settled_full;
use super::repository::{FleetKind, add_model, path};
use super::stage::{Stage, scope};
use super::weather::Calm;
use super::workload::Deed;

const ABSENT: &str = "state: absent\ndeletion: destroy\nregion:";

fn count(stage: &Stage, describe: &str) -> usize {
    stage.world.peek_all(&scope(), describe).count()
}

fn edit(stage: &mut Stage, file: &str, from: &str, to: &str) {
    let text = stage.forge.text(file).expect("the file");
    assert!(text.contains(from), "{from} in {text}");
    let text = text.replacen(from, to, 1);
    stage.forge.commit(&[(file, Some(text.as_bytes()))]);
}

/// The reasons that a pass without steps gives.
fn causes(stage: &mut Stage) -> Vec<Cause> {
    let sweep = stage.sweep(Mode::Plan, &mut Calm);
    let units = sweep.models.into_iter().flat_map(|model| model.units);
    let notes = units.flat_map(|unit| unit.report.notes);
    notes.map(|note| note.reason).collect()
}

#[test]
fn what_is_to_be_absent_goes_whole_and_the_registry_stays() {
    let mut stage = settled_full();
    let packages = count(&stage, "DescribeModelPackage");
    edit(&mut stage, &path("config.yaml"), "region:", ABSENT);
    stage.settle(&mut Calm);
    for describe in [
        "DescribeEndpoint",
        "DescribeEndpointConfig",
        "DescribeModel",
        "DescribePipeline",
        "DescribeMonitoringSchedule",
        "DescribeDataQualityJobDefinition",
    ] {
        assert_eq!(count(&stage, describe), 0, "{describe}");
    }
    let list = |stage: &mut Stage, op, member: &str, body: Value| {
        let answer = stage.console(op, body);
        answer[member].as_array().expect("a list").len()
    };
    let targets = json!({"ServiceNamespace": "sagemaker"});
    assert_eq!(
        list(&mut stage, "DescribeAlarms", "MetricAlarms", json!({})),
        0
    );
    assert_eq!(list(&mut stage, "ListTopics", "Topics", json!({})), 0);
    assert_eq!(
        list(
            &mut stage,
            "DescribeScalableTargets",
            "ScalableTargets",
            targets
        ),
        0
    );
    assert_eq!(count(&stage, "DescribeModelPackage"), packages);
    assert_eq!(count(&stage, "DescribeModelPackageGroup"), 1);
    stage.stays_quiet();
}

#[test]
fn one_environment_goes_and_the_other_stays() {
    let mut stage = settled_full();
    let absent = "production:\n    state: absent\n    deletion: destroy\n";
    edit(&mut stage, &path("config.yaml"), "production:\n", absent);
    stage.settle(&mut Calm);
    let scope = scope();
    let endpoints = stage.world.peek_all(&scope, "DescribeEndpoint");
    let names: Vec<_> = endpoints.map(|one| one["EndpointName"].clone()).collect();
    assert_eq!(names, ["churn-staging"]);
    stage.stays_quiet();
}

#[test]
fn what_a_commit_no_longer_mentions_goes_only_where_it_says_so() {
    let mut stage = Stage::with(FleetKind::One);
    stage.play(&[Deed::Watch, Deed::Promote(0)], &mut Calm);
    stage.survey = true;
    let config = path("config.yaml");
    let monitor = "  data_quality: {engine: model_monitor, schedule: daily, baseline: train}";
    edit(&mut stage, &config, monitor, "  data_quality: null");
    stage.settle(&mut Calm);
    assert_eq!(count(&stage, "DescribeMonitoringSchedule"), 2, "retained");
    edit(&mut stage, &config, "region:", "deletion: destroy\nregion:");
    stage.settle(&mut Calm);
    assert_eq!(count(&stage, "DescribeMonitoringSchedule"), 0);
    assert_eq!(count(&stage, "DescribeEndpoint"), 2);
    stage.stays_quiet();
}

#[test]
fn what_is_not_ours_stays_where_everything_of_ours_goes() {
    let mut stage = Stage::with(FleetKind::One);
    plant_strangers(&mut stage);
    stage.play(&[Deed::Watch, Deed::Promote(0)], &mut Calm);
    let untouched = strangers(&stage);
    // Of our name's beginning, with tags copied from ours.
    let model = stage.console("ListModels", json!({}))["Models"][0].clone();
    let tags = stage.console("ListTags", json!({"ResourceArn": model["ModelArn"]}));
    let seen = json!({"ModelName": model["ModelName"]});
    let seen = stage.console("DescribeModel", seen);
    let body = json!({"ModelName": "churn-staging-copied", "Tags": tags["Tags"],
        "PrimaryContainer": seen["PrimaryContainer"], "ExecutionRoleArn": seen["ExecutionRoleArn"]});
    stage.console("CreateModel", body);
    edit(&mut stage, &path("config.yaml"), "region:", ABSENT);
    stage.settle(&mut Calm);
    let names: Vec<_> = stage
        .world
        .peek_all(&scope(), "DescribeModel")
        .map(|one| one["ModelName"].clone())
        .collect();
    assert_eq!(names, ["churn-staging-copied"]);
    assert_eq!(strangers(&stage), untouched);
}

#[test]
fn a_gap_forbids_every_deletion() {
    let mut stage = Stage::with(FleetKind::One);
    stage.play(&[Deed::Watch, Deed::Promote(0)], &mut Calm);
    edit(&mut stage, &path("config.yaml"), "region:", ABSENT);
    let before = stage.ledger.changes;
    for _ in 0..4 {
        stage.sweep(Mode::Apply, &mut Denies("ListModels"));
        stage.tick();
    }
    let home = stage.ledger.changes - before;
    assert_eq!(home, 1, "the pipeline, of which everything could be read");
    assert_eq!(count(&stage, "DescribeEndpoint"), 2);
    stage.settle(&mut Calm);
    assert_eq!(count(&stage, "DescribeEndpoint"), 0);
}

/// Refuses to read by one operation.
struct Denies(&'static str);

impl super::weather::Weather for Denies {
    fn sight(
        &mut self,
        call: &trueup::resource::call::Call,
        _: &mut Stage,
    ) -> super::weather::Sight {
        if call.op == self.0 {
            super::weather::Sight::Denied
        } else {
            super::weather::Sight::Clear
        }
    }
}

#[test]
fn a_commit_that_takes_down_much_is_held_until_it_is_said_twice() {
    let mut stage = Stage::with(FleetKind::Tiny);
    for name in ["one", "two", "three"] {
        add_model(&mut stage.forge, name);
    }
    stage.settle(&mut Calm);
    let all = count(&stage, "DescribeEndpoint");
    let shared = "models/one/config.yaml";
    edit(&mut stage, shared, "region:", ABSENT);
    edit(&mut stage, "models/two/config.yaml", "region:", ABSENT);
    let changes = stage.ledger.changes;
    stage.linger(5, &mut Calm);
    assert_eq!(stage.ledger.changes, changes, "nothing is taken down");
    assert_eq!(count(&stage, "DescribeEndpoint"), all);
    assert!(causes(&mut stage).contains(&Cause::RemovalHeld));
    let held = super::present::present(&stage.forge, &stage.tip());
    let words = held.removals.values().next().expect("it is held").clone();
    let digest = words.rsplit('"').nth(1).expect("a digest");
    assert!(words.contains("takes down 6 of 11"), "{words}");
    let confirm = format!("version: 1\nconfirm_removals: [\"{digest}\"]\n");
    edit(&mut stage, "trueup.yaml", "version: 1\n", &confirm);
    stage.settle(&mut Calm);
    assert_eq!(count(&stage, "DescribeEndpoint"), all - 4);
    stage.stays_quiet();
    // One more is another digest.
    edit(&mut stage, "models/three/config.yaml", "region:", ABSENT);
    stage.linger(5, &mut Calm);
    assert_eq!(count(&stage, "DescribeEndpoint"), all - 4);
}

#[test]
fn what_nobody_needs_is_collected_and_what_a_rollback_needs_is_kept() {
    let mut stage = Stage::with(FleetKind::Tiny);
    stage.play(&[Deed::Watch], &mut Calm);
    for n in 0..8 {
        stage.play(&[Deed::Train(1, 0.71 + f64::from(n) / 100.0)], &mut Calm);
    }
    let configs = count(&stage, "DescribeEndpointConfig");
    assert_eq!(configs, 9);
    stage.survey = true;
    stage.stays_quiet();
    stage.after(SignedDuration::from_hours(31 * 24), &mut Calm);
    stage.sweep(Mode::Plan, &mut Calm);
    let left = count(&stage, "DescribeEndpointConfig");
    assert_eq!(left, configs, "a look collects nothing");
    stage.settle(&mut Calm);
    let kept = trueup::limits::KEPT_RELEASES;
    assert_eq!(count(&stage, "DescribeEndpointConfig"), kept);
    assert_eq!(count(&stage, "DescribeModel"), kept);
    assert_eq!(count(&stage, "DescribeModelPackage"), 9);
    assert!(configs - kept < COLLECTED_MAX);
    // A rollback finds what it goes back to.
    let made = stage.made("CreateEndpointConfig");
    for _ in 0..2 {
        stage.play(&[Deed::RevertLast], &mut Calm);
    }
    stage.survey = false;
    stage.settle(&mut Calm);
    assert_eq!(stage.made("CreateEndpointConfig"), made);
    let nothing = strangers(&stage);
    at_rest(&stage, &nothing).expect("nothing that is used is gone");
}

#[test]
fn only_so_much_is_collected_at_a_time() {
    let mut stage = Stage::with(FleetKind::Tiny);
    stage.play(&[Deed::Watch], &mut Calm);
    let mut quality = 0.7;
    for _ in 0..COLLECTED_MAX {
        quality += 0.01;
        stage.play(&[Deed::Train(1, quality)], &mut Calm);
    }
    stage.after(SignedDuration::from_hours(31 * 24), &mut Calm);
    stage.survey = true;
    let deleted = |stage: &Stage| stage.made("DeleteEndpointConfig") + stage.made("DeleteModel");
    stage.sweep(Mode::Apply, &mut Calm);
    assert_eq!(deleted(&stage), COLLECTED_MAX as u64);
    stage.settle(&mut Calm);
    let kept = trueup::limits::KEPT_RELEASES as u64;
    assert_eq!(deleted(&stage), 2 * (COLLECTED_MAX as u64 + 1 - kept));
}

#[test]
fn what_somebody_elses_endpoint_uses_is_not_collected() {
    let mut stage = Stage::with(FleetKind::Tiny);
    stage.play(&[Deed::Watch], &mut Calm);
    let first = stage.config_of("fraud-staging");
    let theirs = json!({"EndpointName": "theirs", "EndpointConfigName": first});
    stage.console("CreateEndpoint", theirs);
    for n in 0..8 {
        stage.play(&[Deed::Train(1, 0.71 + f64::from(n) / 100.0)], &mut Calm);
    }
    stage.after(SignedDuration::from_hours(31 * 24), &mut Calm);
    stage.survey = true;
    stage.linger(12, &mut Calm);
    let named = json!({"EndpointConfigName": first});
    let config = stage.describe("DescribeEndpointConfig", named);
    let model = config.expect("it is in use")["ProductionVariants"][0]["ModelName"].clone();
    let named = json!({"ModelName": model});
    assert!(stage.describe("DescribeModel", named).is_some());
}
