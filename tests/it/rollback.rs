//! `trueup rollback` as a program is met: what it commits, what it refuses, what it would order.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use git2::Oid;
use serde_json::{Value, json};
use trueup::config::{emit, read_quarantine};
use trueup::demo::example::{ACCOUNT, FILES, MODEL, REGION};
use trueup::limits::ROLLBACK_TRIES_MAX;
use trueup::plan::overriding::Override;
use trueup::release::Release;

use super::support::git_server::GitServer;
use super::support::repository::TempRepository;

const RELEASE: &str = "models/mortgage/releases/production.yaml";
const QUARANTINE: &str = "models/mortgage/quarantine.yaml";

fn arn(version: u32) -> String {
    format!("arn:aws:sagemaker:{REGION}:{ACCOUNT}:model-package/{MODEL}/{version}")
}

fn release(version: u32) -> String {
    let package = json!({
        "arn": arn(version), "run": "r", "commit": "c",
        "model_data": {"uri": "s3://b/k", "checksum": "crc64nvme:x", "size": 1}, "image": "i",
        "code": {"uri": "s3://b/c", "digest": "sha256:1", "entry_point": "src/inference.py"},
    });
    let release = json!({"version": 1, "attempt": 1, "packages": {"main": package}});
    let release: Release = serde_json::from_value(release).unwrap();
    // People may write what trueup does not.
    format!(
        "# version {version}\n{}",
        emit::emit_release(&release, None)
    )
}

/// The example, in which production served these versions, one after the other.
fn released(versions: &[u32]) -> TempRepository {
    let repository = TempRepository::bare();
    let text = |bytes| std::str::from_utf8(bytes).unwrap();
    let files: Vec<_> = FILES
        .iter()
        .map(|file| (file.path, Some(text(file.bytes))))
        .collect();
    repository.commit("main", &files);
    for version in versions {
        repository.commit("main", &[(RELEASE, Some(&release(*version)))]);
    }
    repository
}

#[expect(clippy::disallowed_methods, reason = "the binary is what is tested")]
fn rollback(folder: &Path, source: &str, arguments: &[&str], code: i32) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_trueup"))
        .args(["rollback", MODEL, "-e", "production", "--source", source])
        .args(["--endpoint-url", "http://127.0.0.1:9"])
        .args(arguments)
        .current_dir(folder)
        .env_clear()
        .env("HOME", folder.join("home"))
        .env("USER", "ada")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    let (out, err) = (text(output.stdout), text(output.stderr));
    assert_eq!(
        output.status.code(),
        Some(code),
        "{arguments:?}\n{out}\n{err}"
    );
    out + &err
}

fn file(repository: &TempRepository, path: &str) -> Option<String> {
    let commit = repository
        .git
        .find_commit(repository.tip("main").unwrap())
        .unwrap();
    let entry = commit.tree().unwrap().get_path(Path::new(path)).ok()?;
    let blob = repository.git.find_blob(entry.id()).unwrap();
    Some(String::from_utf8(blob.content().to_vec()).unwrap())
}

fn parent(repository: &TempRepository) -> Oid {
    let commit = repository
        .git
        .find_commit(repository.tip("main").unwrap())
        .unwrap();
    commit.parent_id(0).unwrap()
}

/// Refused: these words, and nothing is changed.
fn refused(repository: &TempRepository, arguments: &[&str], code: i32, words: &[&str]) {
    let tip = repository.tip("main");
    let said = rollback(repository.root(), &repository.path(), arguments, code);
    for word in words {
        assert!(said.contains(word), "no {word:?}: {said}");
    }
    assert_eq!(repository.tip("main"), tip, "{arguments:?}");
}

#[test]
fn one_commit_brings_the_release_before_and_quarantines_the_one_that_is_left() {
    let repository = released(&[1, 2]);
    let (root, path) = (repository.root(), repository.path());
    let tip = repository.tip("main").unwrap();
    let said = rollback(root, &path, &["--dry-run"], 0);
    assert!(said.contains("it would be committed to main"), "{said}");
    assert_eq!(repository.tip("main"), Some(tip));

    let said = rollback(
        root,
        &path,
        &["--reason", "wrong\nanswers", "-o", "json"],
        0,
    );
    let document: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(document["schema"], "trueup/rollback.v1");
    let commit = repository.tip("main").unwrap().to_string();
    assert_eq!(
        (&document["how"], &document["commit"]),
        (&json!("commit"), &json!(commit))
    );
    assert_eq!(
        (&document["left"], &document["back"]),
        (&json!(arn(2)), &json!(arn(1)))
    );
    assert_eq!(parent(&repository), tip, "one commit");
    assert_eq!(
        file(&repository, RELEASE),
        Some(release(1)),
        "byte for byte"
    );
    let list = read_quarantine(&file(&repository, QUARANTINE).unwrap()).unwrap();
    let [line] = list.try_into().unwrap();
    assert_eq!(line.package, arn(2));
    assert_eq!(
        (line.by.as_str(), line.reason.as_str()),
        ("ada", "wrong answers")
    );
    assert!(line.at.ends_with('Z'));

    // Once more would bring back what was just left.
    let quarantined = [
        &arn(2),
        "is quarantined (wrong answers, by ada)",
        "--to COMMIT",
    ];
    refused(&repository, &[], 1, &quarantined);
}

#[test]
fn what_is_asked_for_is_done_and_no_more() {
    let repository = released(&[1, 2, 3]);
    let (root, path) = (repository.root(), repository.path());
    let oldest = parent_of(&repository, 2);
    let arguments = ["--to", &oldest[..8], "--no-quarantine", "--by", "grace"];
    let said = rollback(root, &path, &arguments, 0);
    assert!(said.contains("mortgage/1 in place of mortgage/3"), "{said}");
    assert_eq!(file(&repository, RELEASE), Some(release(1)));
    assert_eq!(file(&repository, QUARANTINE), None);
}

/// The commit so many before the newest.
fn parent_of(repository: &TempRepository, back: usize) -> String {
    let mut id = repository.tip("main").unwrap();
    for _ in 0..back {
        id = repository
            .git
            .find_commit(id)
            .unwrap()
            .parent_id(0)
            .unwrap();
    }
    id.to_string()
}

#[test]
fn what_makes_no_sense_is_refused_with_a_way_out() {
    let repository = released(&[1]);
    refused(
        &repository,
        &[],
        1,
        &["never named another package", "help: "],
    );
    refused(
        &repository,
        &["--to", "0123456"],
        1,
        &["`0123456`", "trueup history"],
    );
    refused(&repository, &["--to", "v1"], 2, &["hexadecimal"]);
    refused(&repository, &["--for", "169h"], 2, &["at most 168h"]);
    refused(&repository, &["--for", "0s"], 2, &["more than nothing"]);
    let repository = released(&[]);
    refused(&repository, &[], 1, &[RELEASE, "nothing is released here"]);
    let repository = released(&[1, 2]);
    repository.commit("main", &[(QUARANTINE, Some("- churn\n"))]);
    refused(&repository, &[], 1, &[QUARANTINE, "--no-quarantine"]);
    let source = repository.path();
    let said = rollback(repository.root(), &source, &["--environment", "qa"], 2);
    assert!(said.contains("cannot be used multiple times"), "{said}");
}

#[test]
fn an_unknown_model_or_environment_is_named_with_those_that_are_known() {
    let repository = released(&[1, 2]);
    let check = |model: &str, environment: &str, words: [&str; 2]| {
        #[expect(clippy::disallowed_methods, reason = "the binary is what is tested")]
        let output = Command::new(env!("CARGO_BIN_EXE_trueup"))
            .args([
                "rollback",
                model,
                "-e",
                environment,
                "--source",
                &repository.path(),
            ])
            .env_clear()
            .env("HOME", repository.root().join("home"))
            .output()
            .unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(words.iter().all(|word| said.contains(word)), "{said}");
    };
    check(
        "mortgag",
        "production",
        ["no model `mortgag`", "`mortgage`"],
    );
    check(
        MODEL,
        "prod",
        ["no environment `prod`", "`production`, `staging`"],
    );
}

#[test]
fn a_branch_that_moves_meanwhile_is_looked_at_again() {
    let repository = released(&[1, 2]);
    let root = repository.root().to_owned();
    let server = GitServer::open(&root);
    let also = TempRepositoryAt(repository.path());
    server.before_next_push(move || also.commit("README.md", "somebody else"));
    rollback(&root, &server.url(""), &[], 0);
    assert_eq!(file(&repository, RELEASE), Some(release(1)));
    assert_eq!(
        file(&repository, "README.md").as_deref(),
        Some("somebody else")
    );
    // Where it is the release that moved, a person decides again.
    let repository = released(&[1, 2]);
    let root = repository.root().to_owned();
    let server = GitServer::open(&root);
    let also = TempRepositoryAt(repository.path());
    server.before_next_push(move || also.commit(RELEASE, &release(3)));
    let said = rollback(&root, &server.url(""), &[], 1);
    assert!(said.contains("somebody changed"), "{said}");
    assert_eq!(file(&repository, RELEASE), Some(release(3)));
}

/// Somebody is faster, each time.
fn overtake(server: &Arc<GitServer>, repository: String, so_far: usize) {
    let next = Arc::downgrade(server);
    server.before_next_push(move || {
        let text = so_far.to_string();
        TempRepositoryAt(repository.clone()).commit("README.md", &text);
        if let Some(server) = next.upgrade() {
            overtake(&server, repository, so_far + 1);
        }
    });
}

#[test]
fn a_branch_that_moves_all_the_time_is_given_up_on() {
    let repository = released(&[1, 2]);
    let server = Arc::new(GitServer::open(repository.root()));
    overtake(&server, repository.path(), 1);
    let said = rollback(repository.root(), &server.url(""), &[], 1);
    assert!(said.contains("others push all the time"), "{said}");
    let tries = file(&repository, "README.md").unwrap();
    assert_eq!(tries, ROLLBACK_TRIES_MAX.to_string());
    assert_eq!(file(&repository, RELEASE), Some(release(2)));
}

#[test]
fn a_lost_answer_makes_no_second_commit() {
    let repository = released(&[1, 2]);
    let server = GitServer::open(repository.root());
    let tip = repository.tip("main").unwrap();
    server.lose_next_answer();
    rollback(repository.root(), &server.url(""), &[], 0);
    assert_eq!(parent(&repository), tip, "one commit");
    assert_eq!(file(&repository, RELEASE), Some(release(1)));
}

/// A repository by its path, for another thread.
struct TempRepositoryAt(String);

impl TempRepositoryAt {
    fn commit(&self, path: &str, text: &str) {
        let git = git2::Repository::open(&self.0).unwrap();
        let parent = git
            .find_commit(git.refname_to_id("refs/heads/main").unwrap())
            .unwrap();
        let mut update = git2::build::TreeUpdateBuilder::new();
        let blob = git.blob(text.as_bytes()).unwrap();
        update.upsert(path, blob, git2::FileMode::Blob);
        let tree = update
            .create_updated(&git, &parent.tree().unwrap())
            .unwrap();
        let tree = git.find_tree(tree).unwrap();
        let who = git2::Signature::new("a", "a@b", &git2::Time::new(1_000, 0)).unwrap();
        let id = git
            .commit(None, &who, &who, "x", &tree, &[&parent])
            .unwrap();
        git.reference("refs/heads/main", id, true, "test").unwrap();
    }
}

#[test]
fn with_git_away_it_is_an_order_for_what_was_last_known() {
    let repository = released(&[1, 2]);
    let (root, path) = (repository.root(), repository.path());
    let away = root.join("away.git");
    // Nobody has looked at the repository from here yet.
    fs::rename(&path, &away).unwrap();
    let said = rollback(root, &path, &[], 1);
    assert!(
        said.contains("no earlier copy") && said.contains("--cache"),
        "{said}"
    );
    fs::rename(&away, &path).unwrap();
    rollback(root, &path, &["--dry-run"], 0);
    let tip = repository.tip("main").unwrap().to_string();

    fs::rename(&path, &away).unwrap();
    let arguments = [
        "--dry-run",
        "--for",
        "2h",
        "--reason",
        "wrong answers",
        "-o",
        "json",
    ];
    let document: Value = serde_json::from_str(&rollback(root, &path, &arguments, 0)).unwrap();
    assert_eq!(document["how"], "order");
    let order = &document["order"];
    assert_eq!(order["endpoint"], "mortgage-production");
    assert_eq!(order["known_commit"], json!(tip));
    let order = Override::parse(order["value"].as_str().unwrap()).unwrap();
    assert_eq!(order.on, tip[..16]);
    assert_eq!((order.until - order.at).get_seconds(), 7_200);
    assert_eq!(
        (order.by.as_str(), order.reason.as_str()),
        ("ada", "wrong answers")
    );
    let blob = |version| Oid::hash_object(git2::ObjectType::Blob, release(version).as_bytes());
    assert_eq!(order.over.0, blob(2).unwrap().to_string());
    assert_eq!(order.to.0, blob(1).unwrap().to_string());
    // Nobody answers at that address, so it cannot be given.
    let said = rollback(root, &path, &[], 1);
    assert!(said.contains("the order could not be given"), "{said}");
    fs::rename(&away, &path).unwrap();
    assert_eq!(repository.tip("main").unwrap().to_string(), tip);
}
