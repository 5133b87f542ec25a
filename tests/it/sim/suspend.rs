//! What is suspended: nothing is done until the time is over, and then it goes on by itself.

use serde_json::json;
use trueup::clock::{SignedDuration, Timestamp};
use trueup::execute::pass::Mode;
use trueup::plan::cause::Cause;
use trueup::plan::report::{Note, State};

use super::repository::{FleetKind, path};
use super::stage::Stage;
use super::weather::Calm;
use super::workload::{Deed, Hand};

const HOURS: i64 = 2;

/// A model at rest, and a commit that writes a suspension in place of `from`, in the form `to`.
fn suspended(from: &str, to: &str) -> (Stage, Timestamp) {
    let mut stage = Stage::with(FleetKind::One);
    stage.play(&[Deed::Watch, Deed::Promote(0)], &mut Calm);
    stage.stays_quiet();
    let until = suspend(&mut stage, from, to);
    (stage, until)
}

fn suspend(stage: &mut Stage, from: &str, to: &str) -> Timestamp {
    let until = Timestamp::from_second(stage.now.as_second() + HOURS * 3600).expect("a time");
    let to = to.replace('#', &format!("suspend: {{until: {until}, reason: a sale}}"));
    let file = path("config.yaml");
    let text = stage.forge.text(&file).expect("the file");
    assert!(text.contains(from), "{from} in {text}");
    let text = text.replacen(from, &to, 1);
    stage.forge.commit(&[(&file, Some(text.as_bytes()))]);
    until
}

fn notes(stage: &mut Stage) -> Vec<Note> {
    let pass = stage.pass(Mode::Plan, &mut Calm);
    let notes = pass.units.into_iter().flat_map(|unit| unit.report.notes);
    notes
        .filter(|note| note.reason == Cause::Suspended)
        .collect()
}

fn count(stage: &mut Stage) -> i64 {
    let endpoint = json!({"EndpointName": "churn-staging"});
    let endpoint = stage.console("DescribeEndpoint", endpoint);
    let count = &endpoint["ProductionVariants"][0]["DesiredInstanceCount"];
    count.as_i64().expect("a count")
}

#[test]
fn nothing_is_done_until_the_time_is_over() {
    let (mut stage, until) = suspended("region:", "#\nregion:");
    let wanted = count(&mut stage);
    assert!(stage.by_hand(Hand::Count));
    stage.perform(Deed::Train(0, 0.9));
    let (changes, runs) = (stage.ledger.changes, stage.made("StartPipelineExecution"));
    let tip = stage.tip();
    stage.linger(5, &mut Calm);
    assert!(stage.now < until, "it is not over yet");
    assert_eq!(stage.ledger.changes, changes, "nothing is changed");
    assert_eq!(stage.tip(), tip, "nothing is committed");
    assert_ne!(count(&mut stage), wanted);
    let told = notes(&mut stage);
    assert_eq!(told.len(), 3, "home and both environments");
    for note in &told {
        assert_eq!((note.state, note.deadline), (State::Held, Some(until)));
        assert!(note.message.contains("a sale"), "{}", note.message);
    }
    assert!(told[0].message.contains("wait"), "{}", told[0].message);

    stage.after(SignedDuration::from_hours(HOURS), &mut Calm);
    stage.settle(&mut Calm);
    assert_eq!(notes(&mut stage), []);
    assert_eq!(count(&mut stage), wanted, "it is put back");
    assert_eq!(stage.made("StartPipelineExecution"), runs + 1);
    stage.stays_quiet();
}

#[test]
fn an_environment_that_is_suspended_is_released_nothing() {
    let (mut stage, until) = suspended("staging: {}", "staging: {#}");
    let runs = stage.made("StartPipelineExecution");
    let served = stage.config_of("churn-staging");
    stage.perform(Deed::Train(0, 0.9));
    let tip = stage.tip();
    stage.linger(20, &mut Calm);
    assert!(stage.now < until, "it is not over yet");
    assert_eq!(
        stage.made("StartPipelineExecution"),
        runs + 1,
        "home goes on"
    );
    assert_eq!(stage.tip(), tip, "nothing is released");
    assert_eq!(notes(&mut stage).len(), 1);
    stage.after(SignedDuration::from_hours(HOURS), &mut Calm);
    stage.settle(&mut Calm);
    assert_ne!(stage.config_of("churn-staging"), served);
}

#[test]
fn an_order_to_roll_back_is_followed_all_the_same() {
    let mut stage = Stage::with(FleetKind::One);
    stage.play(&[Deed::Watch, Deed::Promote(0)], &mut Calm);
    let before = stage.config_of("churn-production");
    stage.play(&[Deed::Train(0, 0.9), Deed::Promote(0)], &mut Calm);
    assert_ne!(stage.config_of("churn-production"), before);
    suspend(&mut stage, "region:", "#\nregion:");
    stage.linger(3, &mut Calm);
    stage.perform(Deed::Order(0));
    stage.linger(20, &mut Calm);
    assert_eq!(stage.config_of("churn-production"), before);
}
