//! A broken file on main is told with its place, and stops nothing that runs.

use trueup::demo::example::{APPLICATION, CONFIG};

use super::daemon::{Daemon, endpoint};

const ENVIRONMENTS: [&str; 2] = ["staging", "production"];

/// What both endpoints serve, each of which has to answer.
async fn serving(daemon: &Daemon) -> Vec<Option<String>> {
    let mut configs = Vec::new();
    for environment in ENVIRONMENTS {
        configs.push(daemon.serving(environment).await);
        daemon
            .http
            .invoke(&endpoint(environment), APPLICATION)
            .await
            .unwrap();
    }
    configs
}

#[tokio::test]
async fn a_broken_config_is_told_with_its_place_and_stops_nothing() {
    let mut daemon = Daemon::start();
    daemon.promote().await;
    daemon.settles("the promotion").await;
    let (code, said) = daemon.trueup(&["status"]).await;
    assert_eq!(code, Some(0), "{said}");
    let before = serving(&daemon).await;
    let mark = daemon.mark().await;

    let edit = (CONFIG, "\nframework:", "\nframwork:");
    let broken = daemon.person.change("Mistype", &[edit]);
    daemon.passes_over(&broken).await;
    daemon.stays_quiet("the broken config").await;
    let (code, said) = daemon.trueup(&["status"]).await;
    assert_eq!(code, Some(1), "{said}");
    for words in [
        "error[S001]: unknown key `framwork`",
        "models/mortgage/config.yaml:7:1",
        "blocked",
    ] {
        assert!(said.contains(words), "no {words:?} in\n{said}");
    }
    assert_eq!(serving(&daemon).await, before);

    let fix = daemon.person.revert(&broken);
    daemon.passes_over(&fix).await;
    daemon.stays_quiet("the fix").await;
    let (code, said) = daemon.trueup(&["status"]).await;
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(said.matches("in sync").count(), 3, "{said}");
    assert_eq!(serving(&daemon).await, before);
    let none: [String; 0] = [];
    assert_eq!(daemon.changes_since(mark).await, none);
}
