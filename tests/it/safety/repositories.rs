//! Pains and attacks that need a real repository: the reconciler over Git.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;

use git2::Oid;
use tempfile::TempDir;
use trueup::aws::{self, Aws};
use trueup::clock::{Clock as _, SystemClock, Timestamp};
use trueup::demo::example::{ACCOUNT, CONFIG, FILES};
use trueup::demo::http::Http;
use trueup::execute::lease::Terms;
use trueup::execute::pass::Mode;
use trueup::git::{Author, Mirror, Source};
use trueup::local::{LocalHandle, LocalOptions, serve};
use trueup::reconcile::{Leases, Options, Reconciler};
use trueup::snapshot::ObjectId;

use crate::sim::repository::PLAIN;
use crate::support::git_server::GitServer;
use crate::support::repository::TempRepository;

/// Where nobody answers.
pub(super) const NOWHERE: &str = "http://127.0.0.1:1";
pub(super) const INSTALLATION: &str =
    "version: 1\ninstallation: acme\nscopes: [\"111122223333/eu-west-1\"]\n";

async fn reconciler(source: &str, url: &str) -> (Reconciler, TempDir) {
    open(source.parse().unwrap(), url).await
}

/// A reconciler with a cache of its own.
pub(super) async fn open(source: Source, url: &str) -> (Reconciler, TempDir) {
    let cache = tempfile::tempdir().unwrap();
    let options = Options {
        source,
        cache: cache.path().to_owned(),
        author: Author::default(),
        clock: Arc::new(SystemClock),
        probe: None,
    };
    let aws = Aws::connect(aws::Options::local(url.to_owned())).await;
    (Reconciler::open(options, aws).await.unwrap(), cache)
}

/// A repository of so many models.
fn fleet(count: usize) -> TempRepository {
    let repository = TempRepository::bare();
    let mut files = vec![("trueup.yaml".to_owned(), INSTALLATION.to_owned())];
    files.extend((0..count).map(|number| {
        let config = PLAIN.replace("name: fraud", &format!("name: m{number}"));
        (format!("models/m{number}/config.yaml"), config)
    }));
    let files: Vec<_> = files
        .iter()
        .map(|(path, text)| (path.as_str(), Some(text.as_str())))
        .collect();
    repository.commit("main", &files);
    repository
}

#[tokio::test]
async fn pain_04_nor_where_the_tree_is_empty_or_unreadable() {
    let repository = TempRepository::bare();
    let all: Vec<_> = FILES
        .iter()
        .map(|file| (file.path, Some(std::str::from_utf8(file.bytes).unwrap())))
        .collect();
    repository.commit("main", &all);
    let local = serve(LocalOptions {
        account: ACCOUNT.to_owned(),
        path: String::new(),
        supervisor: Some(env!("CARGO_BIN_EXE_trueup").into()),
        ..LocalOptions::default()
    });
    let local = local.await.unwrap();
    let http = Http::new(&local.url);
    let source = format!("{}#main", repository.path());
    let (mut reconciler, _cache) = reconciler(&source, &local.url).await;
    let mut pass = async || {
        let fetched = reconciler.fetch().await.unwrap();
        let pass = reconciler.pass(&fetched, Mode::Apply).await.unwrap();
        (pass.commit, pass.models.len())
    };
    let changes = async || {
        let calls = http.calls(0).await.unwrap();
        calls.iter().filter(|call| call["mutates"] == true).count()
    };
    let (_, models) = pass().await;
    let made = changes().await;
    assert!(models == 1 && made > 3, "{models} models, {made} changes");
    let none: Vec<_> = all.iter().map(|(path, _)| (*path, None)).collect();
    let broken = "version: [";
    for files in [
        none,
        vec![("trueup.yaml", None)],
        vec![("trueup.yaml", Some(broken))],
        vec![(
            "trueup.yaml",
            Some("version: 1\ninstallation: another\nscopes: []\n"),
        )],
        vec![(CONFIG, None)],
        vec![(CONFIG, Some(broken))],
    ] {
        repository.commit("main", &all);
        let tip = repository.commit("main", &files);
        for _ in 0..2 {
            assert_eq!(pass().await.0, tip);
        }
        assert_eq!(changes().await, made, "{files:?}");
    }
}

#[tokio::test]
async fn pain_10_one_commit_of_thousands_of_models_wakes_one() {
    let repository = fleet(1_000);
    let (mut reconciler, _cache) = reconciler(&repository.path(), NOWHERE).await;
    let fetched = reconciler.fetch().await.unwrap();
    assert_eq!(reconciler.revise(&fetched).await.unwrap().len(), 1_000);
    let touch = async |reconciler: &mut Reconciler, files: &[(&str, Option<&str>)]| {
        repository.commit("main", files);
        let fetched = reconciler.fetch().await.unwrap();
        reconciler.revise(&fetched).await.unwrap()
    };
    let woken = touch(
        &mut reconciler,
        &[("models/m7/src/train.py", Some("AUC = 0.9\n"))],
    )
    .await;
    assert_eq!(woken, BTreeSet::from(["models/m7".to_owned()]));
    let woken = touch(&mut reconciler, &[("README.md", Some("# Ours\n"))]).await;
    assert_eq!(woken, BTreeSet::new());
}

#[tokio::test]
async fn pain_12_many_models_are_one_request() {
    let repository = fleet(200);
    let server = GitServer::open(repository.root());
    let (mut reconciler, _cache) = reconciler(&server.url(""), NOWHERE).await;
    let fetched = reconciler.fetch().await.unwrap();
    assert_eq!(reconciler.revise(&fetched).await.unwrap().len(), 200);
    server.requests();
    for _ in 0..3 {
        let fetched = reconciler.fetch().await.unwrap();
        reconciler.revise(&fetched).await.unwrap();
        assert_eq!(server.requests(), ["GET /repo.git/info/refs"]);
    }
}

#[test]
fn attack_03_no_program_that_a_repository_names_is_run() {
    let repository = TempRepository::with_work_tree();
    let ran = repository.root().join("ran");
    let program = format!("touch {}", ran.display());
    let mut config = repository.git.config().unwrap();
    for name in [
        "filter.evil.clean",
        "filter.evil.smudge",
        "filter.evil.process",
        "core.fsmonitor",
        "core.sshCommand",
        "core.pager",
        "core.editor",
        "diff.evil.textconv",
        "diff.external",
        "merge.evil.driver",
        "credential.helper",
        "uploadpack.packObjectsHook",
        "gpg.program",
    ] {
        config.set_str(name, &program).unwrap();
    }
    let hooks = repository.git.path().join("hooks");
    fs::create_dir_all(&hooks).unwrap();
    for hook in [
        "post-checkout",
        "reference-transaction",
        "post-index-change",
        "pre-auto-gc",
    ] {
        let path = hooks.join(hook);
        fs::write(&path, format!("#!/bin/sh\n{program}\n")).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    let files = [
        (
            ".gitattributes",
            "* filter=evil diff=evil merge=evil text eol=crlf ident\n",
        ),
        (
            ".gitmodules",
            "[submodule \"s\"]\n\tpath = s\n\turl = ext::sh -c touch% ran\n",
        ),
        (".lfsconfig", "[lfs]\n\turl = http://127.0.0.1:1/\n"),
        ("models/m/config.yaml", "a: $Id$\nb: 1\n"),
        (
            "models/m/big.bin",
            "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n",
        ),
    ];
    let files: Vec<_> = files
        .iter()
        .map(|(path, text)| (*path, Some(*text)))
        .collect();
    let tip = repository.commit("main", &files);
    let cache = tempfile::tempdir().unwrap();
    let mut mirror = Mirror::open(cache.path(), repository.path().parse().unwrap()).unwrap();
    assert_eq!(mirror.fetch(Timestamp::UNIX_EPOCH).unwrap().tip, tip);
    let snapshot = mirror.snapshot(&tip, None).unwrap();
    for (path, text) in files {
        assert_eq!(
            snapshot.text(path),
            text,
            "{path} is read as it was committed"
        );
    }
    assert!(!ran.exists(), "something was run");
}

#[tokio::test]
async fn attack_14_a_server_that_lags_behind_undoes_nothing() {
    let repository = fleet(2);
    let oid = |id: &ObjectId| Oid::from_str(&id.0).unwrap();
    let train = |auc: &str| {
        [(
            "models/m1/src/train.py".to_owned(),
            format!("AUC = {auc}\n"),
        )]
    };
    let commit = |files: &[(String, String)]| {
        let files: Vec<_> = files
            .iter()
            .map(|(path, text)| (path.as_str(), Some(text.as_str())))
            .collect();
        repository.commit("main", &files)
    };
    let first = commit(&train("0.8"));
    let second = commit(&train("0.9"));
    let (mut reconciler, _cache) = reconciler(&repository.path(), NOWHERE).await;
    let mut revise = async || {
        let fetched = reconciler.fetch().await.unwrap();
        let woken = reconciler.revise(&fetched).await.unwrap().len();
        let report = reconciler.report(Timestamp::UNIX_EPOCH, Vec::new(), Vec::new());
        let codes: Vec<_> = report.diagnostics.into_iter().map(|one| one.code).collect();
        (report.commit, woken, codes)
    };
    let held = |commit: &ObjectId| (commit.clone(), 0, vec!["O002".to_owned()]);
    assert_eq!(revise().await, (second.clone(), 2, vec![]));
    repository.point("main", oid(&first));
    assert_eq!(revise().await, held(&second), "an older commit");
    assert_eq!(revise().await, held(&second), "and again");
    let aside = commit(&train("0.7"));
    assert_eq!(revise().await, held(&second), "another history");
    repository.point("main", oid(&second));
    assert_eq!(revise().await, (second, 0, vec![]), "it has caught up");
    let third = commit(&train("0.95"));
    assert_eq!(revise().await, (third, 1, vec![]));

    let follow = format!("{INSTALLATION}history: follow\n");
    let asked = commit(&[("trueup.yaml".to_owned(), follow)]);
    assert_eq!(revise().await, (asked, 2, vec![]));
    repository.point("main", oid(&aside));
    assert_eq!(revise().await, (aside, 2, vec![]), "people said so");
}

/// A local SageMaker, for its S3.
pub(super) async fn s3() -> LocalHandle {
    let options = LocalOptions {
        account: "111122223333".to_owned(),
        ..LocalOptions::default()
    };
    serve(options).await.unwrap()
}

/// A process that begins: what it reads is in `cache`, and it acts under the installation's lease.
pub(super) async fn process(source: &str, url: &str, cache: &TempDir) -> Reconciler {
    let options = Options {
        source: source.parse().unwrap(),
        cache: cache.path().to_owned(),
        author: Author::default(),
        clock: Arc::new(SystemClock),
        probe: None,
    };
    let aws = Aws::connect(aws::Options::local(url.to_owned())).await;
    let mut reconciler = Reconciler::open(options, aws).await.unwrap();
    let session = SystemClock.now().to_string();
    reconciler.under(Leases::new(
        "a test".to_owned(),
        session,
        Terms::local(),
        None,
    ));
    reconciler
}

/// The commit in force, whether something may be changed, and what is found.
pub(super) async fn revised(reconciler: &mut Reconciler) -> (ObjectId, bool, Vec<String>) {
    let fetched = reconciler.fetch().await.unwrap();
    reconciler.revise(&fetched).await.unwrap();
    let report = reconciler.report(Timestamp::UNIX_EPOCH, Vec::new(), Vec::new());
    let codes = report.diagnostics.into_iter().map(|one| one.code).collect();
    (report.commit, reconciler.leads(), codes)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn attack_14_a_process_that_begins_anew_knows_what_was_acted_on() {
    let repository = fleet(1);
    let oid = |id: &ObjectId| Oid::from_str(&id.0).unwrap();
    let commit = |text: &str| repository.commit("main", &[("note.txt", Some(text))]);
    let (local, source) = (s3().await, repository.path());
    let caches = [(); 3].map(|()| tempfile::tempdir().unwrap());
    let o002 = || vec!["O002".to_owned()];
    let older = commit("older");
    let newest = commit("newest");

    let mut first = process(&source, &local.url, &caches[0]).await;
    assert_eq!(revised(&mut first).await, (newest.clone(), true, vec![]));
    let mut beside = process(&source, &local.url, &caches[1]).await;
    let (_, leads, codes) = revised(&mut beside).await;
    assert_eq!(
        (leads, codes),
        (false, vec!["O003".to_owned()]),
        "one at a time"
    );
    first.leave().await;
    beside.leave().await;
    drop((first, beside));

    repository.point("main", oid(&older));
    let mut same = process(&source, &local.url, &caches[0]).await;
    let held = (newest.clone(), true, o002());
    assert_eq!(revised(&mut same).await, held, "its mirror still has it");
    same.leave().await;
    drop(same);
    let mut new = process(&source, &local.url, &caches[2]).await;
    let barred = (older.clone(), false, o002());
    assert_eq!(
        revised(&mut new).await,
        barred,
        "nothing is changed on an older commit"
    );
    assert_eq!(revised(&mut new).await, barred, "nor a moment later");
    repository.point("main", oid(&newest));
    assert_eq!(
        revised(&mut new).await,
        (newest, true, vec![]),
        "it has caught up"
    );
    repository.point("main", oid(&older));
    let follow = format!("{INSTALLATION}history: follow\n");
    new.leave().await;
    drop(new);
    let follow = repository.commit("main", &[("trueup.yaml", Some(&follow))]);
    let cache = tempfile::tempdir().unwrap();
    let mut told = process(&source, &local.url, &cache).await;
    assert_eq!(
        revised(&mut told).await,
        (follow, true, vec![]),
        "people said so"
    );
    local.shutdown().await;
}
