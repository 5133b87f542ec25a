//! What somebody changes behind Git's back: put back, only reported, or left after a fight.

use serde_json::{Value, json};
use trueup::clock::SignedDuration;
use trueup::execute::pass::Mode;
use trueup::limits::FLAPS_MAX;
use trueup::plan::cause::Cause;
use trueup::plan::report::{Note, State};

use super::repository::{FleetKind, path};
use super::stage::Stage;
use super::weather::Calm;
use super::workload::{Deed, Hand};

fn edit(stage: &mut Stage, from: &str, to: &str) {
    let file = path("config.yaml");
    let text = stage.forge.text(&file).expect("the file");
    assert!(text.contains(from), "{from} in {text}");
    let text = text.replacen(from, to, 1);
    stage.forge.commit(&[(&file, Some(text.as_bytes()))]);
}

/// What a look says is left as somebody made it.
fn left(stage: &mut Stage) -> Vec<Note> {
    let pass = stage.pass(Mode::Plan, &mut Calm);
    let notes = pass.units.into_iter().flat_map(|unit| unit.report.notes);
    notes.filter(|note| note.state == State::Drifted).collect()
}

fn count(stage: &mut Stage) -> Value {
    let endpoint = json!({"EndpointName": "churn-staging"});
    let endpoint = stage.console("DescribeEndpoint", endpoint);
    endpoint["ProductionVariants"][0]["DesiredInstanceCount"].clone()
}

fn reporting() -> Stage {
    let mut stage = Stage::with(FleetKind::One);
    edit(
        &mut stage,
        "region:",
        "drift: report\ntags: {team: growth}\nregion:",
    );
    stage.play(&[Deed::Watch, Deed::Promote(0)], &mut Calm);
    stage.stays_quiet();
    stage
}

#[test]
fn what_is_only_to_be_reported_stays_and_is_told() {
    let mut stage = reporting();
    for hand in [Hand::Count, Hand::Pipeline, Hand::Untag, Hand::StopMonitor] {
        assert!(stage.by_hand(hand), "{hand:?}");
        stage.after(SignedDuration::from_mins(5), &mut Calm);
    }
    let changes = stage.ledger.changes;
    stage.linger(5, &mut Calm);
    // What was remembered in the process is gone, and nothing is put back for that.
    stage.settled = Default::default();
    stage.linger(5, &mut Calm);
    assert_eq!(stage.ledger.changes, changes);
    assert_eq!(count(&mut stage), 4);
    let told = left(&mut stage);
    let subjects: Vec<_> = told.iter().map(|note| note.subject.as_str()).collect();
    assert_eq!(
        subjects,
        [
            "Pipeline churn",
            "Endpoint churn-staging",
            "MonitoringSchedule churn-production-data-quality"
        ]
    );
    assert!(told.iter().all(|note| note.reason == Cause::Drifted));
    let pipeline = &told[0].message;
    assert!(pipeline.contains("/Tags/team differs"), "{pipeline}");
}

#[test]
fn a_later_wish_is_brought_about_where_drift_is_only_reported() {
    let mut stage = reporting();
    assert!(stage.by_hand(Hand::Count));
    stage.after(SignedDuration::from_mins(5), &mut Calm);
    stage.linger(3, &mut Calm);
    assert_eq!(count(&mut stage), 4);
    edit(
        &mut stage,
        "initial_instance_count: 1",
        "initial_instance_count: 2",
    );
    stage.settle(&mut Calm);
    assert_eq!(count(&mut stage), 2);
    assert!(left(&mut stage).is_empty());
    stage.stays_quiet();
}

#[test]
fn one_environment_reports_and_the_other_puts_back() {
    let mut stage = Stage::with(FleetKind::One);
    edit(&mut stage, "staging: {}", "staging: {drift: report}");
    stage.play(&[Deed::Watch, Deed::Promote(0)], &mut Calm);
    assert!(stage.by_hand(Hand::Count));
    assert!(stage.by_hand(Hand::StopMonitor));
    stage.after(SignedDuration::from_mins(5), &mut Calm);
    stage.linger(8, &mut Calm);
    assert_eq!(count(&mut stage), 4);
    let schedule = json!({"MonitoringScheduleName": "churn-production-data-quality"});
    let schedule = stage.console("DescribeMonitoringSchedule", schedule);
    assert_eq!(schedule["MonitoringScheduleStatus"], "Scheduled");
    assert_eq!(left(&mut stage).len(), 1);
}

#[test]
fn what_flaps_is_left_for_a_day_and_told() {
    let mut stage = Stage::with(FleetKind::One);
    stage.play(&[Deed::Watch, Deed::Promote(0)], &mut Calm);
    for _ in 0..FLAPS_MAX {
        assert!(stage.by_hand(Hand::Count));
        stage.after(SignedDuration::from_mins(5), &mut Calm);
        stage.settle(&mut Calm);
        assert_eq!(count(&mut stage), 1, "it is put back");
    }
    assert!(stage.by_hand(Hand::Count));
    stage.after(SignedDuration::from_mins(5), &mut Calm);
    let changes = stage.ledger.changes;
    stage.linger(5, &mut Calm);
    assert_eq!(stage.ledger.changes, changes);
    assert_eq!(count(&mut stage), 4, "it is left");
    let told = left(&mut stage);
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].reason, Cause::Flapping);
    // Something else is put back all the same.
    assert!(stage.by_hand(Hand::Pipeline));
    stage.linger(5, &mut Calm);
    assert_eq!(left(&mut stage).len(), 1);
    assert!(stage.ledger.changes > changes);

    stage.after(SignedDuration::from_hours(25), &mut Calm);
    stage.settle(&mut Calm);
    assert_eq!(count(&mut stage), 1, "a day later it is put back");
}

#[test]
fn a_commit_ends_a_quarantine() {
    let mut stage = Stage::with(FleetKind::One);
    stage.play(&[Deed::Watch, Deed::Promote(0)], &mut Calm);
    for _ in 0..=FLAPS_MAX {
        assert!(stage.by_hand(Hand::Count));
        stage.after(SignedDuration::from_mins(5), &mut Calm);
        stage.linger(4, &mut Calm);
    }
    assert_eq!(count(&mut stage), 4, "it is left");
    stage.play(&[Deed::Tag(0, 1)], &mut Calm);
    assert_eq!(count(&mut stage), 1);
}
