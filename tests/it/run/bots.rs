//! Commits of every kind that bots make train nothing.

use serde_json::{Value, json};

use super::daemon::Daemon;

/// Commits in one push.
const TOGETHER: usize = 50;
/// Pushes of one commit each, after that.
const ALONE: usize = 5;

/// What bot number `number` writes: documents, notes of releases, tests, settings of tools.
pub(super) fn writes(number: usize) -> Vec<(String, String)> {
    let paths = [
        "README.md",
        "CHANGELOG.md",
        "docs/index.md",
        "releases/notes.md",
        ".github/workflows/ci.yml",
        "tests/test_everything.py",
        "models/mortgage/MODEL_CARD.md",
        "models/mortgage/docs/model.md",
        "models/mortgage/tests/test_model.py",
        "models/mortgage/src/README.md",
        "models/mortgage/src/tests/test_features.py",
    ];
    let path = paths[number % paths.len()];
    vec![(path.to_owned(), format!("# {number}\n"))]
}

/// The names of the runs of the pipeline: each begins with the digest of what it trains.
async fn runs(daemon: &Daemon) -> Vec<Value> {
    let pipeline = json!({"PipelineName": "mortgage"});
    let list = daemon.http.list(
        "ListPipelineExecutions",
        pipeline,
        "PipelineExecutionSummaries",
    );
    let mut runs = list.await.unwrap();
    runs.iter_mut()
        .map(|run| run["PipelineExecutionDisplayName"].take())
        .collect()
}

#[tokio::test]
async fn fifty_commits_of_bots_train_nothing() {
    let mut daemon = Daemon::start();
    let config = daemon.serves("staging", "the first model", |_| true).await;
    daemon.settles("the first model").await;
    let before = runs(&daemon).await;
    assert_eq!(before.len(), 1);
    let (refs, mark) = (daemon.person.refs(), daemon.mark().await);

    let together: Vec<_> = (0..TOGETHER).map(writes).collect();
    let mut tip = daemon.person.write(&together);
    daemon.passes_over(&tip).await;
    for number in TOGETHER..TOGETHER + ALONE {
        tip = daemon.person.write(&[writes(number)]);
        daemon.passes_over(&tip).await;
    }
    daemon.stays_quiet("the bots").await;
    assert_eq!(runs(&daemon).await, before);
    assert_eq!(daemon.serving("staging").await, Some(config));
    let none: [String; 0] = [];
    assert_eq!(daemon.changes_since(mark).await, none);
    let mut expected = refs;
    for name in ["HEAD", "refs/heads/main"] {
        expected.insert(name.to_owned(), tip.clone());
    }
    assert_eq!(
        daemon.person.refs(),
        expected,
        "trueup has nothing to write"
    );
}
