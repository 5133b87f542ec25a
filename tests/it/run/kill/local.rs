//! A local SageMaker that is killed before and after each change that a daemon asks for: the daemon
//! lives on, and goes on with whoever comes next.

use std::time::Duration;

use serde_json::json;
use tokio::time::{Instant, interval};
use trueup::demo::http::Http;

use super::program::Place;
use super::reaper::{Depth, Manner, Reaper};
use super::record::nothing_doubled;
use crate::run::daemon::PROMOTIONS;
use crate::run::person::Person;
use crate::support::processes::{about, descendants};
use crate::support::relay::Relay;
use crate::support::repository::TempRepository;

/// Until everything has to be there.
const DEADLINE: Duration = Duration::from_mins(3);
/// Servers that have to have been killed.
const KILLS_MIN: usize = 24;
/// Lines for people that the daemon may write of each.
const LINES_PER_KILL: usize = 12;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_local_sagemaker_that_is_killed_before_and_after_each_change_is_gone_on_with() {
    let repository = TempRepository::bare();
    let mut home = Place {
        folder: repository.root().canonicalize().unwrap(),
        source: repository.path(),
        ..Place::default()
    };
    let person = Person::found(repository.root(), &home.source);
    let mut local = home.local();
    let relay = Relay::to(&home.url).await;
    let reaper = Reaper::new(Manner::Killed, Depth::Changes);
    let judge = reaper.clone();
    relay.judged_by(move |asked| judge.judge(asked));
    reaper.watch(local.pid());
    let place = Place {
        url: relay.url.clone(),
        ..home.clone()
    };
    let daemon = place.daemon();
    let mut kills = 0;
    let mut ticks = interval(Duration::from_millis(20));
    let end = Instant::now() + DEADLINE;
    loop {
        ticks.tick().await;
        assert!(Instant::now() < end, "{kills}\n{}", daemon.log.last_words());
        if local.ended().is_some() {
            kills += 1;
            local = home.local();
            relay.leads_to(&home.url);
            reaper.watch(local.pid());
        } else if kills >= KILLS_MIN && person.unmerged(PROMOTIONS).is_some() {
            let http = Http::new(&home.url);
            let schedule = json!({"MonitoringScheduleName": "mortgage-staging-data-quality"});
            let watched = http
                .sagemaker("DescribeMonitoringSchedule", &schedule)
                .await;
            if watched.is_ok_and(|found| found["MonitoringScheduleStatus"] == "Scheduled") {
                break;
            }
        }
    }
    println!("{kills} killed, {} lines", daemon.log.lines());
    reaper.rest();
    assert_eq!(daemon.log.complaints(), [""; 0]);
    assert!(daemon.log.lines() <= kills * LINES_PER_KILL);
    daemon.end().await;
    nothing_doubled(&Http::new(&home.url)).await;
    let ours = descendants(local.pid());
    let mut left = about(&home.folder);
    left.retain(|one| one.pid != local.pid() && !ours.contains(one));
    assert_eq!(left, [], "a server that was killed left something");
}
