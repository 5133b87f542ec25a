//! What is wanted of two environments proves itself in the first before the second is touched.

use serde_json::json;
use trueup::clock::SignedDuration;
use trueup::execute::pass::Mode;
use trueup::plan::cause::Cause;

use super::repository::{FleetKind, path};
use super::stage::Stage;
use super::weather::Calm;
use super::workload::Deed;

fn edit(stage: &mut Stage, from: &str, to: &str) {
    let file = path("config.yaml");
    let text = stage.forge.text(&file).expect("the file");
    assert!(text.contains(from), "{from} in {text}");
    let text = text.replacen(from, to, 1);
    stage.forge.commit(&[(&file, Some(text.as_bytes()))]);
}

fn settled(soak: &str) -> Stage {
    let mut stage = Stage::with(FleetKind::One);
    edit(&mut stage, "soak: 0s", &format!("soak: {soak}"));
    stage.settle(&mut Calm);
    stage.after(SignedDuration::from_hours(2), &mut Calm);
    stage.play(&[Deed::Watch, Deed::Promote(0)], &mut Calm);
    stage
}

fn causes(stage: &mut Stage) -> Vec<Cause> {
    let pass = stage.pass(Mode::Plan, &mut Calm);
    let notes = pass.units.into_iter().flat_map(|unit| unit.report.notes);
    notes.map(|note| note.reason).collect()
}

fn instances(stage: &mut Stage, endpoint: &str) -> String {
    let config = json!({"EndpointConfigName": stage.config_of(endpoint)});
    let config = stage.console("DescribeEndpointConfig", config);
    let kind = config["ProductionVariants"][0]["InstanceType"].as_str();
    kind.expect("an instance type").to_owned()
}

#[test]
fn a_change_of_both_soaks_in_the_first() {
    let mut stage = settled("1h");
    edit(&mut stage, "ml.m5.large", "ml.m5.xlarge");
    stage.linger(12, &mut Calm);
    assert_eq!(instances(&mut stage, "churn-staging"), "ml.m5.xlarge");
    assert_eq!(instances(&mut stage, "churn-production"), "ml.m5.large");
    assert!(causes(&mut stage).contains(&Cause::Soaking));
    stage.after(SignedDuration::from_hours(1), &mut Calm);
    stage.settle(&mut Calm);
    assert_eq!(instances(&mut stage, "churn-production"), "ml.m5.xlarge");
    stage.stays_quiet();
}

#[test]
fn a_change_that_fails_in_the_first_never_reaches_the_second() {
    let mut stage = settled("0s");
    stage.outage = true;
    edit(&mut stage, "ml.m5.large", "ml.m5.xlarge");
    stage.linger(12, &mut Calm);
    stage.outage = false;
    stage.linger(12, &mut Calm);
    assert_eq!(instances(&mut stage, "churn-staging"), "ml.m5.large");
    assert_eq!(instances(&mut stage, "churn-production"), "ml.m5.large");
    assert!(causes(&mut stage).contains(&Cause::NotProven));
    let updates = stage.made("UpdateEndpoint");
    // The revert is a rollback everywhere.
    stage.play(&[Deed::RevertLast], &mut Calm);
    assert!(causes(&mut stage).is_empty());
    assert_eq!(stage.made("UpdateEndpoint"), updates);
}

#[test]
fn what_is_wanted_in_the_second_alone_waits_for_nobody() {
    let mut stage = settled("1h");
    stage.outage = true;
    edit(
        &mut stage,
        "staging: {}",
        "staging: {deployment: {variants: {AllTraffic: {instance_type: ml.m5.4xlarge}}}}",
    );
    stage.linger(6, &mut Calm);
    stage.outage = false;
    let own = "promote: {mode: branch, from: staging, soak: 1h}\n    \
               deployment: {variants: {AllTraffic: {instance_type: ml.c6i.xlarge}}}";
    edit(
        &mut stage,
        "promote: {mode: branch, from: staging, soak: 1h}",
        own,
    );
    stage.linger(12, &mut Calm);
    assert_eq!(instances(&mut stage, "churn-staging"), "ml.m5.large");
    assert_eq!(instances(&mut stage, "churn-production"), "ml.c6i.xlarge");
}

#[test]
fn a_rollback_of_both_waits_for_nobody() {
    let mut stage = settled("1h");
    edit(&mut stage, "ml.m5.large", "ml.m5.xlarge");
    stage.linger(12, &mut Calm);
    stage.after(SignedDuration::from_hours(1), &mut Calm);
    stage.settle(&mut Calm);
    stage.forge.revert(&stage.tip());
    stage.settle(&mut Calm);
    let (now, soak) = (stage.now, SignedDuration::from_hours(1));
    assert_eq!(instances(&mut stage, "churn-production"), "ml.m5.large");
    assert!(stage.now.duration_since(now) < soak);
}
