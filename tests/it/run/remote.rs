//! A remote that goes away for a while.

use trueup::demo::example::{CONFIG, Edit};

use super::daemon::Daemon;

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
    let here = daemon.repository.root().join("repo.git");
    let away = daemon.repository.root().join("away.git");
    std::fs::rename(&here, &away).unwrap();
    let said = |words: &'static str| async move |daemon: &Daemon| daemon.log.said(words).map(drop);
    daemon.wait("the daemon to say so", said(GONE)).await;
    let (code, words) = daemon.trueup(&["status"]).await;
    assert!(code == Some(1) && words.contains(GONE), "{words}");
    assert_eq!(daemon.serving("staging").await.as_ref(), Some(&config));
    std::fs::rename(&away, &here).unwrap();
    let back = "the repository can be read again";
    daemon.wait(back, said(back)).await;
    let none: [String; 0] = [];
    assert_eq!(daemon.changes_since(mark).await, none);
    // Nobody has to start it again.
    daemon.person.change("Capture less", &[LESS_CAPTURE]);
    daemon
        .serves("staging", "the next commit", |now| now != config)
        .await;
}
