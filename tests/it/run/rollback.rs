//! A rollback by the command, with Git away and with Git there.

use trueup::demo::example::IMPROVEMENT;

use super::daemon::{Daemon, endpoint};

const RELEASE: &str = "models/mortgage/releases/production.yaml";
const QUARANTINE: &str = "models/mortgage/quarantine.yaml";
/// What is said of a repository that is not there.
const GONE: &str = "there is no repository";

#[tokio::test]
async fn pain_09_a_rollback_while_git_is_away_is_followed_at_once_and_filed_once() {
    let mut daemon = Daemon::start();
    let (_, first) = daemon.promote().await;
    let text = daemon.person.read(RELEASE);
    daemon.person.change("Learn from more", &[IMPROVEMENT]);
    let (_, second) = daemon.promote().await;
    assert_ne!(first, second);
    daemon.settles("the second promotion").await;
    let commits = daemon.person.commits_of(".");
    let mark = daemon.mark().await;

    let here = daemon.repository.root().join("repo.git");
    let away = daemon.repository.root().join("away.git");
    std::fs::rename(&here, &away).unwrap();
    let gone = async |daemon: &Daemon| daemon.log.said(GONE).map(drop);
    daemon.wait("the daemon to say so", gone).await;
    let order = [
        "rollback",
        "mortgage",
        "-e",
        "production",
        "--reason",
        "wrong",
    ];
    let (code, words) = daemon.trueup(&order).await;
    assert_eq!(code, Some(0), "{words}");
    let endpoint = endpoint("production");
    let said = [
        "Git cannot be reached",
        GONE,
        "trueup:override",
        &endpoint,
        "until 20",
        "apply",
    ];
    for word in said {
        assert!(words.contains(word), "no {word:?}: {words}");
    }
    daemon
        .serves("production", "the first model", |now| now == first)
        .await;
    daemon.only_moved(mark, 1).await;

    std::fs::rename(&away, &here).unwrap();
    daemon
        .wait("the commit", async |daemon: &Daemon| {
            (daemon.person.commits_of(".") > commits).then_some(())
        })
        .await;
    daemon.stays_quiet("the rollback").await;
    assert_eq!(daemon.person.commits_of("."), commits + 1, "one commit");
    assert_eq!(daemon.person.read(RELEASE), text, "byte for byte");
    let list = daemon.person.read(QUARANTINE);
    assert!(
        list.contains("model-package/mortgage/2\"") && list.contains("wrong"),
        "{list}"
    );
    assert_eq!(daemon.serving("production").await, Some(first));
    daemon.only_moved(mark, 1).await;
}
