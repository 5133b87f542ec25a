//! Commits by compare-and-swap, over every transport.

use std::path::Path;
use std::sync::{Arc, Barrier};
use std::thread;

use git2::Oid;
use trueup::git::{Author, WriteError, Written};
use trueup::snapshot::ObjectId;

use super::{NOW, mirror, over_all, put, write};
use crate::support::git_server::GitServer;
use crate::support::repository::TempRepository;

#[test]
fn fetches_reads_and_writes_over_every_transport() {
    over_all(|repository, url| {
        let first = repository.commit("main", &[("models/a/config.yaml", Some("version: 1\n"))]);
        let mut cached = mirror(url);
        let fetched = cached.fetch();
        assert_eq!((&fetched.tip, fetched.moved), (&first, true), "{url}");
        assert_eq!(fetched.branch, "main");
        assert!(!cached.fetch().moved);
        assert_eq!(
            cached.all(&first).text("models/a/config.yaml"),
            Some("version: 1\n")
        );

        let path = "models/a/releases/staging.yaml";
        let release = put("main", &first, path, "attempt: 1\n");
        let Written::Commit(second) = write(&mut cached.mirror, &release).unwrap() else {
            panic!("{url}: nothing written");
        };
        assert_eq!(
            repository.tip("main"),
            Some(Oid::from_str(&second.0).unwrap()),
            "{url}"
        );
        let fetched = cached.fetch();
        assert_eq!((&fetched.tip, fetched.moved), (&second, true), "{url}");
        let snapshot = cached.all(&second);
        assert_eq!(snapshot.text(path), Some("attempt: 1\n"));
        assert_eq!(snapshot.text("models/a/config.yaml"), Some("version: 1\n"));
        let commit = repository
            .git
            .find_commit(Oid::from_str(&second.0).unwrap())
            .unwrap();
        assert_eq!(commit.author().to_string(), "trueup <trueup@localhost>");
        assert_eq!(commit.message().unwrap(), "release churn\n");
        assert_eq!(commit.parent_count(), 1);

        // The same again is no commit, and on the old tip it is too late.
        let again = put("main", &second, path, "attempt: 1\n");
        assert_eq!(write(&mut cached.mirror, &again).unwrap(), Written::Nothing);
        let late = write(
            &mut cached.mirror,
            &put("main", &first, path, "attempt: 2\n"),
        );
        let Err(WriteError::Moved { actual, .. }) = late else {
            panic!("{url}: {late:?}");
        };
        assert_eq!(actual, Some(second), "{url}");
    });
}

#[test]
fn a_branch_is_created_only_where_it_is_absent() {
    over_all(|repository, url| {
        let base = repository.commit("main", &[("a", Some("1"))]);
        let mut cached = mirror(url);
        cached.fetch();
        let mut create = put("trueup/promote/a", &base, "a", "2");
        create.expected = None;
        let Written::Commit(made) = write(&mut cached.mirror, &create).unwrap() else {
            panic!("{url}: not created");
        };
        create.files.insert("a".to_owned(), "3".to_owned());
        let again = write(&mut cached.mirror, &create).unwrap();
        assert_eq!(again, Written::Exists(made.clone()), "{url}");
        assert_eq!(cached.fetch().branches["trueup/promote/a"], made, "{url}");

        // A branch that was deleted meanwhile is not made again.
        repository.delete("trueup/promote/a");
        let gone = write(
            &mut cached.mirror,
            &put("trueup/promote/a", &made, "a", "4"),
        );
        assert!(
            matches!(gone, Err(WriteError::Moved { actual: None, .. })),
            "{url}: {gone:?}"
        );
        assert_eq!(repository.tip("trueup/promote/a"), None, "{url}");
    });
}

#[test]
fn of_two_racing_writers_exactly_one_wins() {
    over_all(|repository, url| {
        for round in 0..3 {
            let base = repository.commit("main", &[("round", Some(&round.to_string()))]);
            let barrier = Arc::new(Barrier::new(2));
            let racers: Vec<_> = ["x", "y"]
                .map(|name| {
                    let mut cached = mirror(url);
                    cached.fetch();
                    let (base, barrier) = (base.clone(), Arc::clone(&barrier));
                    thread::spawn(move || {
                        let mut cached = cached;
                        barrier.wait();
                        let text = round.to_string();
                        write(&mut cached.mirror, &put("main", &base, name, &text))
                    })
                })
                .into();
            let outcomes: Vec<_> = racers
                .into_iter()
                .map(|racer| racer.join().unwrap())
                .collect();
            let won: Vec<_> = outcomes
                .iter()
                .filter_map(|outcome| match outcome {
                    Ok(Written::Commit(id)) => Some(id.0.clone()),
                    Err(WriteError::Moved { .. }) => None,
                    other => panic!("{url}: {other:?}"),
                })
                .collect();
            assert_eq!(won.len(), 1, "{url}: {outcomes:?}");
            assert_eq!(repository.tip("main").unwrap().to_string(), won[0], "{url}");
        }
    });
}

#[test]
fn a_push_that_is_overtaken_after_its_look_has_moved() {
    let repository = TempRepository::bare();
    let base = repository.commit("main", &[("a", Some("1"))]);
    let server = GitServer::open(repository.root());
    let mut cached = mirror(&server.url(""));
    cached.fetch();
    let path = repository.path();
    let overtake = move |branch: &'static str| {
        let git = git2::Repository::open(path.clone()).unwrap();
        let base = git.refname_to_id("refs/heads/main").unwrap();
        let parent = git.find_commit(base).unwrap();
        let who = git2::Signature::new("b", "b@c", &git2::Time::new(2, 0)).unwrap();
        let tree = parent.tree().unwrap();
        let id = git
            .commit(None, &who, &who, "first", &tree, &[&parent])
            .unwrap();
        git.reference(&format!("refs/heads/{branch}"), id, true, "")
            .unwrap();
    };
    let also = overtake.clone();
    server.before_next_push(move || overtake("main"));
    let outcome = write(&mut cached.mirror, &put("main", &base, "a", "2"));
    assert!(
        matches!(outcome, Err(WriteError::Moved { .. })),
        "{outcome:?}"
    );

    server.before_next_push(move || also("new"));
    let mut create = put("new", &base, "a", "2");
    create.expected = None;
    let outcome = write(&mut cached.mirror, &create).unwrap();
    let theirs = repository.tip("new").unwrap();
    assert_eq!(outcome, Written::Exists(theirs.into()));
}

#[test]
fn a_lost_answer_is_looked_for() {
    let repository = TempRepository::bare();
    let base = repository.commit("main", &[("a", Some("1"))]);
    let server = GitServer::open(repository.root());
    let mut cached = mirror(&server.url(""));
    cached.fetch();
    server.lose_next_answer();
    let outcome = write(&mut cached.mirror, &put("main", &base, "a", "2")).unwrap();
    assert_eq!(
        outcome,
        Written::Commit(repository.tip("main").unwrap().into())
    );
}

#[test]
fn a_hook_that_says_no_is_quoted() {
    let repository = TempRepository::bare();
    let base = repository.commit("main", &[("a", Some("1"))]);
    let hook = Path::new(&repository.path()).join("hooks/pre-receive");
    std::fs::create_dir_all(hook.parent().unwrap()).unwrap();
    std::fs::write(&hook, "#!/bin/sh\necho 'main is protected' >&2\nexit 1\n").unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&hook, mode).unwrap();
    let server = GitServer::open(repository.root());
    let mut cached = mirror(&server.url(""));
    cached.fetch();
    let outcome = write(&mut cached.mirror, &put("main", &base, "a", "2"));
    let Err(WriteError::Refused { reason, .. }) = outcome else {
        panic!("{outcome:?}");
    };
    assert!(
        reason.contains("hook declined") && reason.contains("main is protected"),
        "{reason}"
    );
    assert_eq!(repository.tip("main").map(ObjectId::from), Some(base));
}

#[test]
fn a_write_that_makes_no_sense_is_refused() {
    let repository = TempRepository::bare();
    let first = repository.commit("main", &[("a", Some("1"))]);
    let second = repository.commit("main", &[("a", Some("2"))]);
    let mut cached = mirror(&repository.path());
    cached.fetch();
    let good = put("main", &second, "a", "3");
    let mut bad = good.clone();
    bad.base = first;
    let outcome = write(&mut cached.mirror, &bad);
    assert!(
        matches!(outcome, Err(WriteError::Base { .. })),
        "{outcome:?}"
    );
    for branch in ["", "a b", "x:refs/heads/main", "../main", "-f\n"] {
        branch.clone_into(&mut bad.branch);
        let outcome = write(&mut cached.mirror, &bad);
        assert!(
            matches!(outcome, Err(WriteError::Branch { .. })),
            "{branch}: {outcome:?}"
        );
    }
    let nobody = Author {
        name: "<>".to_owned(),
        email: String::new(),
    };
    let outcome = cached.mirror.write(&good, &nobody, NOW);
    assert!(
        matches!(outcome, Err(WriteError::Author { .. })),
        "{outcome:?}"
    );
    assert_eq!(repository.tip("main").map(ObjectId::from), Some(second));
}

#[test]
fn a_checked_out_branch_is_written_only_where_its_owner_says_so() {
    let repository = TempRepository::with_work_tree();
    let base = repository.commit("main", &[("a", Some("1")), ("b", Some("1"))]);
    let git = &repository.git;
    git.checkout_head(Some(git2::build::CheckoutBuilder::new().force()))
        .unwrap();
    let mut cached = mirror(&repository.path());
    cached.fetch();
    let change = put("main", &base, "releases/x.yaml", "1");
    let outcome = write(&mut cached.mirror, &change);
    assert!(
        matches!(outcome, Err(WriteError::CheckedOut { .. })),
        "{outcome:?}"
    );

    // Another branch of it is free.
    let mut other = change.clone();
    "trueup/state".clone_into(&mut other.branch);
    other.expected = None;
    assert!(matches!(
        write(&mut cached.mirror, &other),
        Ok(Written::Commit(_))
    ));

    git.config()
        .unwrap()
        .set_str("receive.denyCurrentBranch", "updateInstead")
        .unwrap();
    let folder = Path::new(&repository.path()).to_owned();
    std::fs::write(folder.join("a"), "being edited").unwrap();
    let outcome = write(&mut cached.mirror, &change);
    assert!(
        matches!(outcome, Err(WriteError::CheckedOut { .. })),
        "{outcome:?}"
    );
    std::fs::write(folder.join("a"), "1").unwrap();
    let Ok(Written::Commit(tip)) = write(&mut cached.mirror, &change) else {
        panic!("not written");
    };
    assert_eq!(repository.tip("main").map(ObjectId::from), Some(tip));
    assert_eq!(
        std::fs::read_to_string(folder.join("releases/x.yaml")).unwrap(),
        "1"
    );
    let clean = git2::Repository::open(&folder)
        .unwrap()
        .statuses(None)
        .unwrap()
        .is_empty();
    assert!(clean);
}
