//! Where there are many models, lists say which of them to look at.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{interval, timeout};
use trueup::daemon::Cadence;
use trueup::demo::example::MODEL;
use trueup::demo::http::Http;
use trueup::execute::pass::UnitPass;

use super::support::fleet::{Fleet, in_sync};

/// Sweeps to look at.
const SWEEPS: usize = 4;

/// What was called since a moment, as operations.
async fn calls(local: &Http, since: u64) -> Vec<String> {
    let calls = local.calls(since).await.expect("the call log");
    let name = |call: &Value| Some(call["op"].as_str()?.to_owned());
    calls.iter().filter_map(name).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_settled_is_listed_and_what_a_hand_changed_is_put_back() {
    let cadence = Cadence {
        listed: 1,
        ..Cadence::local()
    };
    let mut fleet = Fleet::start(&[MODEL], |_| (), cadence).await;
    fleet
        .until(MODEL, |report, _| {
            let mut units = report.pass.iter().flat_map(|pass| &pass.units);
            in_sync(report, "staging") && report.is_settled() && units.all(UnitPass::is_settled)
        })
        .await;
    let local = Http::new(&fleet.local.url);
    let last = |calls: Vec<Value>| calls.last().and_then(|call| call["seq"].as_u64());
    let since = last(local.calls(0).await.expect("the call log")).expect("there were calls");
    let searches = async {
        let mut ticks = interval(Duration::from_millis(100));
        loop {
            ticks.tick().await;
            let searched = calls(&local, since)
                .await
                .into_iter()
                .filter(|op| op == "Search");
            // One for each kind that is searched, and two for what grows.
            if searched.count() >= 5 * SWEEPS {
                return;
            }
        }
    };
    timeout(Duration::from_mins(1), searches)
        .await
        .expect("sweeps");
    let quiet = calls(&local, since).await;
    let described = quiet.iter().filter(|op| op.starts_with("Describe"));
    assert_eq!(described.count(), 0, "{quiet:?}");

    let name = format!("{MODEL}-staging-data-quality");
    let schedule = json!({"MonitoringScheduleName": name});
    fleet
        .call("DeleteMonitoringSchedule", schedule.clone())
        .await
        .expect("there is a schedule");
    fleet.until(MODEL, |report, _| report.changed()).await;
    let found = fleet.call("DescribeMonitoringSchedule", schedule).await;
    assert!(found.is_some(), "it is back");
}
