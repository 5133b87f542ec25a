//! A daemon that cannot reach Git looks for what people order meanwhile.

use std::fs;
use std::path::Path;
use std::time::Duration;

use serde_json::json;
use tokio::time::{interval, timeout};
use trueup::clock::{Clock as _, SignedDuration, SystemClock};
use trueup::daemon::Cadence;
use trueup::demo::example::MODEL;
use trueup::plan::cause::Cause;
use trueup::plan::overriding::{Override, place};
use trueup::reconcile::ModelReport;
use trueup::resource::owner::{self, OVERRIDE};
use trueup::snapshot::ObjectId;

use super::support::fleet::{Fleet, in_sync};
use super::support::repository::TempRepository;

const RELEASE: &str = "models/mortgage/releases/staging.yaml";

/// A file of main's newest commit: its blob and its text.
fn file(repository: &TempRepository, path: &str) -> (ObjectId, String) {
    let git = &repository.git;
    let tip = repository.tip("main").expect("main");
    let tree = git.find_commit(tip).expect("it").tree().expect("it");
    let entry = tree.get_path(Path::new(path)).expect("the file");
    let blob = git.find_blob(entry.id()).expect("a blob");
    let text = String::from_utf8(blob.content().to_vec()).expect("text");
    (entry.id().into(), text)
}

fn is_rolled_back(report: &ModelReport) -> bool {
    let units = report.pass.iter().flat_map(|pass| &pass.units);
    let mut notes = units.flat_map(|unit| &unit.report.notes);
    notes.any(|note| note.reason == Cause::RolledBack)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_ordered_while_git_is_away_is_heard_of_and_filed_when_it_is_back() {
    // Nothing but a search can tell: no sweep comes, and no model is passed over by itself.
    let cadence = Cadence {
        sweep: Duration::from_hours(1),
        ..Cadence::local()
    };
    let mut fleet = Fleet::start(&[MODEL], |_| (), cadence).await;
    fleet
        .until(MODEL, |report, _| in_sync(report, "staging"))
        .await;
    let (first, text) = file(&fleet.repository, RELEASE);
    let again = text.replace("attempt: 1", "attempt: 2");
    fleet.repository.commit("main", &[(RELEASE, Some(&again))]);
    fleet
        .until(MODEL, |report, _| {
            let attempt = report
                .releases
                .get("staging")
                .map(|release| release.attempt);
            in_sync(report, "staging") && attempt == Some(2)
        })
        .await;
    let (second, _) = file(&fleet.repository, RELEASE);
    let tip = fleet.repository.tip("main").expect("main");
    let here = fleet.repository.path();
    let away = fleet.repository.root().join("away.git");
    fs::rename(&here, &away).expect("it goes away");

    let now = SystemClock.now();
    let name = json!({"EndpointName": format!("{MODEL}-staging")});
    let endpoint = fleet.call("DescribeEndpoint", name).await.expect("it");
    let request = json!({"ResourceArn": endpoint["EndpointArn"]});
    let tags = fleet.call("ListTags", request).await.expect("tags");
    let owner = owner::from_list(&tags["Tags"])[owner::OWNER].clone();
    let order = Override {
        place: place(&owner, &format!("{MODEL}-staging")),
        over: second,
        on: tip.to_string(),
        to: first.clone(),
        at: now,
        until: now + SignedDuration::from_hours(1),
        quarantine: true,
        by: "ada".to_owned(),
        reason: String::new(),
    };
    let tags = json!([{"Key": OVERRIDE, "Value": order.fitted().text()}]);
    let request = json!({"ResourceArn": endpoint["EndpointArn"], "Tags": tags});
    fleet.call("AddTags", request).await.expect("tags");
    fleet.until(MODEL, |report, _| is_rolled_back(report)).await;

    fs::rename(&away, &here).expect("it is back");
    let filed = async {
        let mut ticks = interval(Duration::from_millis(100));
        while file(&fleet.repository, RELEASE).0 != first {
            ticks.tick().await;
        }
    };
    timeout(Duration::from_mins(1), filed)
        .await
        .expect("a commit");
    let new = fleet.repository.tip("main").expect("main");
    let new = fleet.repository.git.find_commit(new).expect("it");
    let parent = new.parent_id(0).expect("a parent");
    drop(new);
    assert_eq!(parent, tip, "one commit");
    fleet
        .until(MODEL, |report, _| {
            in_sync(report, "staging") && !is_rolled_back(report)
        })
        .await;
}
