//! Every kind of revert rolls back, and the revert of the revert rolls forward; then it stays, and
//! nothing is made for either.

use trueup::demo::example::{CONFIG, IMPROVEMENT};

use super::artefact::Trained;
use super::daemon::Daemon;
use super::person::Edit;

/// Staging gets two instances of another type.
const BIGGER_STAGING: Edit = (
    CONFIG,
    "staging: {mode: development}",
    "staging: {mode: development, deployment: {variants: {AllTraffic: {initial_instance_count: 2, \
     instance_type: ml.m5.xlarge}}}}",
);
/// Production captures half of what it answers.
const LESS_CAPTURE: Edit = (
    CONFIG,
    "variants: {AllTraffic: {initial_instance_count: 2}}",
    "variants: {AllTraffic: {initial_instance_count: 2}}\n      \
     data_capture: {sampling_percentage: 50, modes: [input, output]}",
);

/// An endpoint config, and the version of the package behind it.
type Served = (String, u32);

/// The file that says what an environment serves.
fn release(environment: &str) -> String {
    format!("models/mortgage/releases/{environment}.yaml")
}

/// Reverts a commit, which has to bring an environment back to the first of `served`, and reverts
/// the revert, which has to bring the second; gives the second revert. The other environment is
/// not concerned.
async fn back_and_forth(
    daemon: &mut Daemon,
    environment: &str,
    commit: &str,
    served: [&Served; 2],
) -> String {
    let other = ["staging", "production"]
        .into_iter()
        .find(|name| *name != environment)
        .unwrap();
    let beside = daemon.serving(other).await;
    let mut commit = commit.to_owned();
    for ((config, version), what) in served.into_iter().zip(["the revert", "its revert"]) {
        let mark = daemon.mark().await;
        commit = daemon.person.revert(&commit);
        daemon.serves(environment, what, |now| now == config).await;
        daemon.stays_quiet(what).await;
        daemon.only_moved(mark, 1).await;
        assert_eq!(daemon.serving(environment).await.as_ref(), Some(config));
        assert_eq!(daemon.serving(other).await, beside, "{other} moved");
        let named = daemon.person.read(&release(environment));
        let package = format!("model-package/mortgage/{version}\"");
        assert!(named.contains(&package), "after {what}:\n{named}");
    }
    commit
}

/// Pushes an edit of one environment's deployment, and takes it back and forth.
async fn of_a_deployment(daemon: &mut Daemon, environment: &str, edit: Edit) {
    daemon.settles("the first model").await;
    let before = daemon.serving(environment).await.unwrap();
    let commit = daemon.person.change("Deploy differently", &[edit]);
    let after = daemon
        .serves(environment, "the change", |config| config != before)
        .await;
    daemon.settles("the change").await;
    let served = [&(before, 1), &(after, 1)];
    back_and_forth(daemon, environment, &commit, served).await;
}

#[tokio::test]
async fn of_a_deployment_to_staging() {
    let mut daemon = Daemon::start();
    daemon.serves("staging", "the first model", |_| true).await;
    of_a_deployment(&mut daemon, "staging", BIGGER_STAGING).await;
}

#[tokio::test]
async fn of_a_deployment_to_production() {
    let mut daemon = Daemon::start();
    daemon.promote().await;
    of_a_deployment(&mut daemon, "production", LESS_CAPTURE).await;
}

#[tokio::test]
async fn of_a_promotion() {
    let mut daemon = Daemon::start();
    let (_, first) = daemon.promote().await;
    daemon.person.change("Learn from more", &[IMPROVEMENT]);
    let (merge, second) = daemon.promote().await;
    daemon.settles("the second promotion").await;
    let served = [&(first, 1), &(second, 2)];
    back_and_forth(&mut daemon, "production", &merge, served).await;
}

/// Staging serves a first model and then a better one; the commit that made it better, and both.
async fn improved(daemon: &mut Daemon) -> (String, [Served; 2]) {
    let first = daemon.serves("staging", "the first model", |_| true).await;
    let commit = daemon.person.change("Learn from more", &[IMPROVEMENT]);
    let second = daemon
        .serves("staging", "the better model", |config| config != first)
        .await;
    daemon.settles("the better model").await;
    (commit, [(first, 1), (second, 2)])
}

#[tokio::test]
async fn of_a_training_commit() {
    let mut daemon = Daemon::start();
    let (commit, [first, second]) = improved(&mut daemon).await;
    let worse = Trained::read(&daemon.http, first.1).await;
    let better = Trained::read(&daemon.http, second.1).await;
    assert!(better.auc > worse.auc, "{} and {}", worse.auc, better.auc);
    // The older run is the candidate again: trueup writes its release, and nothing runs.
    back_and_forth(&mut daemon, "staging", &commit, [&first, &second]).await;
}

#[tokio::test]
async fn of_a_release_that_trueup_made() {
    let mut daemon = Daemon::start();
    let (_, [first, second]) = improved(&mut daemon).await;
    let file = release("staging");
    let commit = daemon.person.last_commit(&file);
    let last = back_and_forth(&mut daemon, "staging", &commit, [&first, &second]).await;
    assert_eq!(daemon.person.last_commit(&file), last, "people win");
}
