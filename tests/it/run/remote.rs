//! A remote that goes away for a while.

use std::time::Duration;

use tokio::time::{interval, timeout};
use trueup::demo::example::{CONFIG, Edit};

use super::daemon::Daemon;
use super::kill::program::{Place, Program};
use crate::support::repository::TempRepository;

const LESS_CAPTURE: Edit = (
    CONFIG,
    "sampling_percentage: 100",
    "sampling_percentage: 50",
);
/// What is said of a repository that is not there.
const GONE: &str = "there is no repository";

#[tokio::test]
async fn pain_13_a_remote_that_is_away_is_told_and_rolls_nothing_back() {
    let mut daemon = Daemon::start();
    let config = daemon.serves("staging", "the first model", |_| true).await;
    daemon.settles("the first model").await;
    let mark = daemon.mark().await;
    let seen = daemon.person.refs()["refs/heads/main"][..8].to_owned();
    let here = daemon.repository.root().join("repo.git");
    let away = daemon.repository.root().join("away.git");
    std::fs::rename(&here, &away).unwrap();
    let saying =
        |words: &'static str| async move |daemon: &Daemon| daemon.log.said(words).map(drop);
    daemon.wait("the daemon to say so", saying(GONE)).await;
    let (code, words) = daemon.trueup(&["status"]).await;
    assert!(code == Some(1) && words.contains(GONE), "{words}");
    assert!(
        words.contains("error[O006]") && words.contains(&format!("about {seen}")),
        "{words}"
    );
    assert!(words.contains("staging      in sync"), "{words}");
    assert_eq!(daemon.serving("staging").await.as_ref(), Some(&config));
    std::fs::rename(&away, &here).unwrap();
    let back = "the repository can be read again";
    daemon.wait(back, saying(back)).await;
    let none: [String; 0] = [];
    assert_eq!(daemon.changes_since(mark).await, none);
    // Nobody has to start it again.
    daemon.person.change("Capture less", &[LESS_CAPTURE]);
    daemon
        .serves("staging", "the next commit", |now| now != config)
        .await;
}

/// Waits until a daemon has said these words.
async fn said(daemon: &Program, words: &str) {
    let saying = async {
        let mut ticks = interval(Duration::from_millis(50));
        while daemon.log.said(words).is_none() {
            ticks.tick().await;
        }
    };
    let said = timeout(Duration::from_mins(1), saying).await;
    said.unwrap_or_else(|_| panic!("{words}: not said\n{}", daemon.log.last_words()));
}

#[tokio::test]
async fn pain_13_a_daemon_that_begins_while_the_remote_is_away_goes_on_with_what_was_seen() {
    let repository = TempRepository::bare();
    let installation = "version: 1\ninstallation: a\nscopes: [\"111122223333/eu-west-1\"]\n";
    let tip = repository.commit("main", &[("trueup.yaml", Some(installation))]);
    let folder = tempfile::tempdir().unwrap();
    let mut place = Place {
        folder: folder.path().to_owned(),
        source: repository.path(),
        url: String::new(),
    };
    let _local = place.local();
    let (code, words) = place.ask(&["status"]).await;
    assert_eq!(code, Some(0), "{words}");

    let here = repository.root().join("repo.git");
    let away = repository.root().join("away.git");
    std::fs::rename(&here, &away).unwrap();
    let daemon = place.daemon();
    said(&daemon, GONE).await;
    let in_force = format!("stays in force: {}", tip.short());
    said(&daemon, &in_force).await;
    let (code, words) = place.ask(&["status"]).await;
    let told = format!("about {} of main", tip.short());
    assert!(code == Some(1) && words.contains(&told), "{words}");
    std::fs::rename(&away, &here).unwrap();
    said(&daemon, "the repository can be read again").await;
    assert_eq!(daemon.log.complaints(), [""; 0]);
    daemon.end().await;
}
