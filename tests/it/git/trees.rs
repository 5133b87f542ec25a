//! Trees and histories, hostile ones too.

use std::sync::Arc;

use git2::Oid;
use trueup::git::{GitError, WriteError};
use trueup::limits::SNAPSHOT_FILES_MAX;
use trueup::snapshot::{Mode, ObjectId, Snapshot};

use super::{mirror, put, write};
use crate::support::git_server::GitServer;
use crate::support::repository::TempRepository;

#[test]
fn a_hostile_tree_is_read_without_harm() {
    let repository = TempRepository::bare();
    let blob = repository.git.blob(b"good").unwrap();
    let link = repository.git.blob(b"/etc/passwd").unwrap();
    let inner = repository.tree(&[("100644", b"config.yaml", blob)]);
    let long = vec![b'x'; 300];
    let tree = repository.tree(&[
        ("100644", b"..", blob),
        ("40000", b".GIT", inner),
        ("100644", b"/etc/passwd", blob),
        ("100644", b"back\\slash", blob),
        ("100644", b"colour\x1b[31m", blob),
        ("120000", b"config.yaml", link),
        ("100644", b"good", blob),
        ("40000", b"good", inner),
        ("100644", &long, blob),
        ("100644", b"not-\xff-text", blob),
        ("100755", b"run.sh", blob),
        ("160000", b"submodule", blob),
        ("40000", b"..", inner),
        ("100664", b"z", blob),
    ]);
    let tip = repository.commit_tree("main", tree, &[]);
    let server = GitServer::open(repository.root());
    let mut cached = mirror(&server.url(""));
    assert_eq!(cached.fetch().tip, tip);
    let snapshot = cached.all(&tip);
    let files: Vec<_> = snapshot.files.keys().map(String::as_str).collect();
    assert_eq!(files, ["good", "run.sh", "z"]);
    assert_eq!(snapshot.files["run.sh"].mode, Mode::Executable);
    assert_eq!(snapshot.files["z"].mode, Mode::Regular);
    let said = |path: &str, reason: &str| {
        let found = &snapshot.skipped[path];
        assert!(found.contains(reason), "{path}: {found}");
    };
    said("config.yaml", "symbolic link");
    said("submodule", "submodule");
    said("good", "twice");
    said("..", "leaves the folder");
    said(".GIT", "Git's own");
    said("/etc/passwd", "slash");
    said("back\\\\slash", "backslash");
    said("colour\\x1b[31m", "control");
    said("not-\\xff-text", "UTF-8");
    let shown = snapshot
        .skipped
        .keys()
        .all(|path| !path.contains(char::is_control));
    assert!(shown, "{:?}", snapshot.skipped);

    // Nothing is written through a link, out of the folder, or over what is no file.
    for path in [
        "config.yaml",
        "config.yaml/x",
        "submodule/x",
        "../x",
        ".git/config",
        "/x",
        "z/x",
    ] {
        let outcome = write(&mut cached.mirror, &put("main", &tip, path, "x"));
        assert!(
            matches!(outcome, Err(WriteError::Path { .. })),
            "{path}: {outcome:?}"
        );
    }
}

#[test]
fn a_tree_that_repeats_itself_ends() {
    let repository = TempRepository::bare();
    let blob = repository.git.blob(b"x").unwrap();
    let mut tree = repository.tree(&[("100644", b"f", blob)]);
    for _ in 0..30 {
        let names: Vec<_> = (b'a'..=b'j').map(|letter| [letter]).collect();
        let entries: Vec<_> = names
            .iter()
            .map(|name| ("40000", name.as_slice(), tree))
            .collect();
        tree = repository.tree(&entries);
    }
    let tip = repository.commit_tree("main", tree, &[]);
    let mut cached = mirror(&repository.path());
    cached.fetch();
    let snapshot = cached.all(&tip);
    assert!(snapshot.files.len() <= SNAPSHOT_FILES_MAX);
    assert!(
        snapshot
            .skipped
            .values()
            .any(|reason| reason.contains("over the limit"))
    );
}

#[test]
fn history_follows_first_parents_and_changes_only() {
    let repository = TempRepository::bare();
    let commit = |branch, path, text| repository.commit(branch, &[(path, Some(text))]);
    let config = "models/a/config.yaml";
    let a1 = commit("main", config, "1");
    commit("main", "models/b/config.yaml", "1");
    let a2 = commit("main", config, "2");
    let readme = commit("main", "README.md", "x");
    // A branch of two commits, merged with a merge commit.
    repository.point("topic", repository.tip("main").unwrap());
    commit("topic", config, "topic 1");
    commit("topic", config, "topic 2");
    let b2 = commit("main", "models/b/config.yaml", "2");
    let topic = repository.tip("topic").unwrap();
    let main = repository.tip("main").unwrap();
    let merged = repository.git.merge_commits(
        &repository.git.find_commit(main).unwrap(),
        &repository.git.find_commit(topic).unwrap(),
        None,
    );
    let tree = merged.unwrap().write_tree_to(&repository.git).unwrap();
    let merge = repository.commit_tree("main", tree, &[main, topic]);
    // A revert of the merge, something shared, and something else.
    let revert = commit("main", config, "2");
    let shared = commit("main", "trueup.yaml", "version: 1");
    let preset = commit("main", "presets/cpu.yaml", "x");
    let tip = commit("main", "README.md", "y");

    let mut cached = mirror(&repository.path());
    cached.fetch();
    let states: Vec<_> = cached
        .mirror
        .history(&tip, "models/a", 1_000)
        .map(|item| {
            let snapshot = item.unwrap();
            let text = snapshot.text(config).unwrap().to_owned();
            let foreign = |path: &String| path.starts_with("models/b") || path == "README.md";
            assert!(!snapshot.files.keys().any(foreign));
            (snapshot.commit, text)
        })
        .collect();
    let b1 = repository
        .git
        .find_commit(Oid::from_str(&a2.0).unwrap())
        .unwrap();
    let b1 = ObjectId::from(b1.parent_id(0).unwrap());
    let state = |id: &ObjectId, text: &str| (id.clone(), text.to_owned());
    let expected = [
        state(&tip, "2"),
        state(&shared, "2"),
        state(&revert, "2"),
        state(&merge, "topic 2"),
        state(&b2, "2"),
        state(&b1, "1"),
    ];
    assert_eq!(states, expected);
    assert!(
        ![a1, a2, readme, preset]
            .iter()
            .any(|id| states.iter().any(|(one, _)| one == id))
    );

    assert_eq!(
        cached.mirror.history(&tip, "models/a", 3).count(),
        2,
        "commits looked at"
    );
    let id = |commit: &ObjectId| cached.mirror.id_at(commit, "models/a").unwrap();
    assert_eq!(
        id(&tip),
        id(&b2),
        "a revert of a merge is the state before it"
    );
    assert_eq!(cached.mirror.id_at(&tip, "models/none").unwrap(), None);
    let unknown = ObjectId("0".repeat(39) + "1");
    let mut none = cached.mirror.history(&unknown, "models/a", 10);
    assert!(matches!(none.next(), Some(Err(GitError::NoCommit { .. }))));
    assert!(none.next().is_none());
}

#[test]
fn commits_share_the_bytes_that_they_share() {
    let repository = TempRepository::bare();
    let big = "x".repeat(1024 * 1024);
    let folder = "models/a";
    repository.commit("main", &[("models/a/data.csv", Some(&big))]);
    for round in 0..200 {
        repository.commit(
            "main",
            &[("models/a/config.yaml", Some(&round.to_string()))],
        );
    }
    let mut cached = mirror(&repository.path());
    let tip = cached.fetch().tip;
    let all: Vec<_> = cached
        .mirror
        .history(&tip, folder, 1_000)
        .map(Result::unwrap)
        .collect();
    assert_eq!(all.len(), 201);
    let bytes = |snapshot: &Snapshot| Arc::clone(&snapshot.files["models/a/data.csv"].bytes);
    let first = bytes(&all[0]);
    assert!(
        all.iter()
            .all(|snapshot| Arc::ptr_eq(&first, &bytes(snapshot)))
    );
}

#[test]
fn a_hundred_thousand_files_are_a_bound_of_what_is_read_and_none_of_a_repository() {
    let repository = TempRepository::bare();
    let blob = repository.git.blob(b"x").unwrap();
    let names: Vec<_> = (0..=SNAPSHOT_FILES_MAX)
        .map(|number| format!("{number:06}"))
        .collect();
    let entries: Vec<_> = names
        .iter()
        .map(|name| ("100644", name.as_bytes(), blob))
        .collect();
    let heap = repository.tree(&entries);
    let model = repository.tree(&[("100644", b"config.yaml", blob)]);
    let models = repository.tree(&[("40000", b"a", model)]);
    let root = repository.tree(&[("40000", b"heap", heap), ("40000", b"models", models)]);
    let tip = repository.commit_tree("main", root, &[]);
    let server = GitServer::open(repository.root());
    let mut cached = mirror(&server.url(""));
    assert_eq!(cached.fetch().tip, tip);
    let model = cached.mirror.snapshot(&tip, Some(&["models/a"])).unwrap();
    assert_eq!((model.files.len(), model.skipped.len()), (1, 0));
    let all = cached.all(&tip);
    assert_eq!(all.files.len(), SNAPSHOT_FILES_MAX);
    let why = &all.skipped["heap/100000"];
    assert!(why.ends_with("over the limit of 100000 files"), "{why}");
}
