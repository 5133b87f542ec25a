//! One model's trouble is no other's: a fleet of which most misbehave, over a real repository and
//! the local SageMaker.

use std::time::Duration;

use serde_json::json;
use tokio::task::JoinSet;
use tokio::time::interval;
use trueup::aws::Aws;
use trueup::daemon::Cadence;
use trueup::demo::example::{ACCOUNT, REGION};
use trueup::plan::report::State;
use trueup::resource::call::{Call, Scope};

use super::support::fleet::{Fleet, in_sync, model};

/// Deletes the monitor of `restless` again and again, as a person with a console might.
async fn meddle(aws: Aws) {
    let scope = Scope {
        account: ACCOUNT.to_owned(),
        region: REGION.to_owned(),
    };
    let mut ticks = interval(Duration::from_millis(50));
    let body = json!({"MonitoringScheduleName": "restless-staging-data-quality"});
    let delete = Call::new("DeleteMonitoringSchedule", &scope, body);
    loop {
        ticks.tick().await;
        // Not before it exists.
        aws.call(&delete).await.ok();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_model_that_panics_is_broken_or_never_ends_keeps_no_other_waiting() {
    fn probe(folder: &str) {
        assert!(!folder.ends_with("panics"), "a defect in this model's pass");
    }
    let models = ["broken", "panics", "restless", "sound"];
    let mut fleet = Fleet::start(&models, probe, Cadence::local()).await;
    let config = "models/broken/config.yaml";
    fleet
        .repository
        .commit("main", &[(config, Some("version: 1\nname: [broken\n"))]);
    let mut meddler = JoinSet::new();
    meddler.spawn(meddle(fleet.aws.clone()));

    fleet
        .until("sound", |report, _| in_sync(report, "staging"))
        .await;
    fleet
        .until("models/broken", |report, _| {
            report.state() == State::Blocked
        })
        .await;
    fleet
        .until("models/panics", |report, count| {
            let defect = report.defect.as_deref().unwrap_or_default();
            count > 1 && defect.contains("broke off")
        })
        .await;
    fleet
        .until("restless", |report, count| report.changed() && count > 20)
        .await;
    let body = json!({"EndpointName": "sound-staging"});
    let endpoint = fleet
        .call("DescribeEndpoint", body)
        .await
        .expect("an endpoint");
    assert_eq!(endpoint["EndpointStatus"], "InService");

    let mended = model("broken");
    let mended: Vec<_> = mended
        .iter()
        .map(|(path, text)| (path.as_str(), Some(text.as_str())))
        .collect();
    fleet.repository.commit("main", &mended);
    fleet
        .until("broken", |report, _| report.pass.is_some())
        .await;
}
