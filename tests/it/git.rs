//! Git: every transport, hostile trees, rewritten history, racing writers.
#![expect(
    clippy::unwrap_used,
    reason = "a helper of a test may fail like the test"
)]

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::Write as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Duration;

use git2::Oid;
use tempfile::TempDir;
use trueup::clock::Timestamp;
use trueup::git::{Author, Fetched, GitError, Mirror, Source, WriteError, Written, watch};
use trueup::snapshot::{Mode, ObjectId, Snapshot, Write};

use crate::support::git_server::GitServer;
use crate::support::repository::TempRepository;

const NOW: Timestamp = Timestamp::UNIX_EPOCH;

/// A mirror in a cache of its own.
struct Cached {
    mirror: Mirror,
    cache: TempDir,
}

fn mirror(url: &str) -> Cached {
    let cache = tempfile::tempdir().unwrap();
    let mirror = Mirror::open(cache.path(), url.parse().unwrap()).unwrap();
    Cached { mirror, cache }
}

impl Cached {
    fn fetch(&mut self) -> Fetched {
        self.mirror.fetch(NOW).unwrap()
    }

    fn refused(&mut self) -> GitError {
        let error = self.mirror.fetch(NOW).unwrap_err();
        assert!(!error.help().is_empty());
        error
    }

    fn all(&self, commit: &ObjectId) -> Snapshot {
        self.mirror.snapshot(commit, None).unwrap()
    }
}

/// A write of one file on top of `expected`.
fn put(branch: &str, expected: &ObjectId, path: &str, text: &str) -> Write {
    Write {
        branch: branch.to_owned(),
        expected: Some(expected.clone()),
        base: expected.clone(),
        files: BTreeMap::from([(path.to_owned(), text.to_owned())]),
        message: "release churn".to_owned(),
        reason: "a test".to_owned(),
    }
}

fn write(mirror: &mut Mirror, write: &Write) -> Result<Written, WriteError> {
    mirror.write(write, &Author::default(), NOW)
}

/// An error and all its causes, both as people and as logs see it.
fn whole(error: &dyn Error) -> String {
    let mut text = format!("{error:?}");
    let mut next = Some(error);
    while let Some(one) = next {
        write!(text, "\n{one}").unwrap();
        next = one.source();
    }
    text
}

/// The same repository over every transport.
fn over_all(check: impl Fn(&TempRepository, &str)) {
    let repository = TempRepository::bare();
    check(&repository, &repository.path());
    let repository = TempRepository::bare();
    check(&repository, &format!("file://{}", repository.path()));
    let repository = TempRepository::bare();
    let server = GitServer::open(repository.root());
    check(&repository, &server.url(""));
    let repository = TempRepository::bare();
    let server = GitServer::closed(repository.root(), "robot", "s3cr3t/token");
    check(&repository, &server.url("robot:s3cr3t%2Ftoken@"));
}

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
fn a_look_that_finds_nothing_new_is_one_request() {
    let repository = TempRepository::bare();
    repository.commit("main", &[("a", Some("1"))]);
    let server = GitServer::open(repository.root());
    let mut cached = mirror(&server.url(""));
    let refs = "GET /repo.git/info/refs".to_owned();
    let pack = "POST /repo.git/git-upload-pack".to_owned();
    cached.fetch();
    assert_eq!(server.requests(), [refs.clone(), pack.clone()]);
    cached.fetch();
    assert_eq!(server.requests(), std::slice::from_ref(&refs));
    repository.commit("other", &[("a", Some("2"))]);
    assert!(cached.fetch().moved);
    let first = server.requests();
    assert_eq!(first[0], refs);
    assert!(
        first[1..].iter().all(|request| *request == pack),
        "{first:?}"
    );
}

#[test]
fn secrets_are_never_shown() {
    let repository = TempRepository::bare();
    let base = repository.commit("main", &[("a", Some("1"))]);
    let server = GitServer::closed(repository.root(), "robot", "hunter2");
    for user in ["", "robot:wr0ng-hunter2@", "wr0ng-hunter2@"] {
        let mut cached = mirror(&server.url(user));
        let error = cached.refused();
        let given = !user.is_empty();
        let right = matches!(&error, GitError::Denied { given: found, .. } if *found == given);
        assert!(right, "{error:?}");
        for shown in [whole(&error), format!("{:?}", cached.mirror)] {
            assert!(
                !shown.contains("wr0ng") && !shown.contains("hunter2"),
                "{shown}"
            );
        }
    }
    let mut cached = mirror(&server.url("robot:hunter2@"));
    cached.fetch();
    drop(server);
    let error = write(&mut cached.mirror, &put("main", &base, "a", "2")).unwrap_err();
    let shown = format!(
        "{}{:?}{}",
        whole(&error),
        cached.mirror,
        cached.mirror.source()
    );
    assert!(!shown.contains("hunter2"), "{shown}");
    // Nor are they kept on disk.
    for entry in walk(cached.cache.path()) {
        let bytes = std::fs::read(&entry).unwrap();
        let found = bytes.windows(7).any(|seven| seven == b"hunter2");
        assert!(!found, "{}", entry.display());
    }
}

fn walk(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(walk(&path));
        } else {
            files.push(path);
        }
    }
    files
}

#[test]
fn a_server_that_says_nothing_is_given_up_on() {
    let repository = TempRepository::bare();
    let base = repository.commit("main", &[("a", Some("1"))]);
    let server = GitServer::open(repository.root());
    let Cached { mirror, cache } = mirror(&server.url(""));
    let mut mirror = mirror.with_deadline(Duration::from_millis(500));
    mirror.fetch(NOW).unwrap();
    server.fall_silent();
    let error = mirror.fetch(NOW).unwrap_err();
    assert!(matches!(error, GitError::Deadline { .. }), "{error:?}");
    let error = write(&mut mirror, &put("main", &base, "a", "2")).unwrap_err();
    assert!(matches!(error, WriteError::Unknown { .. }), "{error:?}");
    drop((server, cache));
}

#[test]
fn what_is_not_there_is_said() {
    over_all(|repository, url| {
        let mut cached = mirror(url);
        let error = cached.refused();
        assert!(matches!(error, GitError::Empty { .. }), "{url}: {error:?}");
        repository.commit("main", &[("a", Some("1"))]);

        let error = mirror(&format!("{url}#trunk")).refused();
        let GitError::NoBranch { branches, .. } = &error else {
            panic!("{url}: {error:?}");
        };
        assert_eq!(branches, &["main"]);

        let error = mirror(&url.replace("repo.git", "none.git")).refused();
        assert!(
            matches!(error, GitError::NotFound { .. }),
            "{url}: {error:?}"
        );

        std::fs::create_dir(repository.root().join("plain")).unwrap();
        let error = mirror(&url.replace("repo.git", "plain")).refused();
        assert!(
            matches!(error, GitError::NotFound { .. }),
            "{url}: {error:?}"
        );

        repository.delete("main");
        repository.commit("other", &[("a", Some("2"))]);
        let error = mirror(url).refused();
        assert!(
            matches!(error, GitError::NoDefaultBranch { .. }),
            "{url}: {error:?}"
        );
    });
}

#[test]
fn a_branch_that_was_renamed_or_deleted_is_said_to_be_gone() {
    over_all(|repository, url| {
        let tip = repository.commit("trunk", &[("a", Some("1"))]);
        repository.commit("main", &[("a", Some("2"))]);
        let mut cached = mirror(&format!("{url}#trunk"));
        cached.fetch();
        repository.point("renamed", repository.tip("trunk").unwrap());
        repository.delete("trunk");
        for _ in 0..2 {
            let error = cached.refused();
            let GitError::BranchGone { last, renamed, .. } = &error else {
                panic!("{url}: {error:?}");
            };
            assert_eq!((last, renamed.as_deref()), (&tip, Some("renamed")), "{url}");
            assert!(error.help().contains("#renamed"));
        }
        assert_eq!(
            cached.all(&tip).text("a"),
            Some("1"),
            "what was seen can be read"
        );
        repository.delete("renamed");
        let error = cached.refused();
        assert!(
            error.help().contains(&format!("{tip}:refs/heads/trunk")),
            "{}",
            error.help()
        );
        repository.commit("trunk", &[("a", Some("3"))]);
        cached.fetch();
    });
}

#[test]
fn a_rewritten_history_is_followed_and_told() {
    over_all(|repository, url| {
        let first = repository.commit("main", &[("a", Some("1"))]);
        let second = repository.commit("main", &[("a", Some("2"))]);
        let mut cached = mirror(url);
        assert_eq!(cached.fetch().rewritten, None);
        repository.point("main", Oid::from_str(&first.0).unwrap());
        let third = repository.commit("main", &[("a", Some("3"))]);
        let fetched = cached.fetch();
        assert_eq!(fetched.tip, third, "{url}");
        assert_eq!(fetched.rewritten, Some(second.clone()), "{url}");
        assert!(cached.mirror.contains(&third, &first));
        assert!(cached.mirror.contains(&third, &third));
        assert!(!cached.mirror.contains(&third, &second));
        assert!(!cached.mirror.contains(&first, &third));
        for nonsense in ["", "zz", "0000000000000000000000000000000000000001"] {
            assert!(
                !cached
                    .mirror
                    .contains(&third, &ObjectId(nonsense.to_owned()))
            );
        }
        // A branch may become a folder of branches.
        repository.point("x", Oid::from_str(&first.0).unwrap());
        cached.fetch();
        repository.delete("x");
        repository.point("x/y", Oid::from_str(&first.0).unwrap());
        let fetched = cached.fetch();
        assert_eq!(
            fetched.branches.keys().collect::<Vec<_>>(),
            ["main", "x/y"],
            "{url}"
        );
    });
}

#[test]
fn a_mirror_has_one_writer() {
    let repository = TempRepository::bare();
    let tip = repository.commit("main", &[("a", Some("1"))]);
    let Cached { mut mirror, cache } = mirror(&repository.path());
    mirror.fetch(NOW).unwrap();
    let source: Source = repository.path().parse().unwrap();
    let second = Mirror::open(cache.path(), source.clone());
    assert!(matches!(second, Err(GitError::Locked { .. })));
    drop(mirror);
    let again = Mirror::open(cache.path(), source).unwrap();
    assert_eq!(again.snapshot(&tip, None).unwrap().text("a"), Some("1"));
    // It may be handed to another thread.
    thread::spawn(move || again.snapshot(&tip, None).unwrap())
        .join()
        .unwrap();
}

/// Damages the mirror between two fetches and expects the second to mend it.
fn mended(damage: impl Fn(&Path)) {
    let repository = TempRepository::bare();
    let tip = repository.commit("main", &[("a", Some("1"))]);
    let Cached { mut mirror, cache } = mirror(&repository.path());
    mirror.fetch(NOW).unwrap();
    let git = std::fs::read_dir(cache.path())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.extension().is_some_and(|extension| extension == "git"))
        .unwrap();
    drop(mirror);
    damage(&git);
    let source = repository.path().parse().unwrap();
    let mut mirror = Mirror::open(cache.path(), source).unwrap();
    // A damage that only reading finds is mended by the fetch after it.
    let read = |mirror: &Mirror| mirror.snapshot(&tip, None);
    mirror.fetch(NOW).unwrap();
    if read(&mirror).is_err() {
        mirror.fetch(NOW).unwrap();
    }
    assert_eq!(read(&mirror).unwrap().text("a"), Some("1"));
}

#[test]
fn a_damaged_mirror_is_fetched_anew() {
    mended(|git| std::fs::remove_dir_all(git).unwrap());
    mended(|git| std::fs::remove_dir_all(git.join("objects")).unwrap());
    mended(|git| std::fs::write(git.join("HEAD"), "\0\0").unwrap());
    mended(|git| std::fs::write(git.join("packed-refs"), "rubbish\n").unwrap());
    mended(|git| std::fs::write(git.join("config"), "[core\n").unwrap());
    mended(|git| std::fs::write(git.join("refs/heads/main"), "short").unwrap());
    mended(|git| {
        std::fs::remove_dir_all(git).unwrap();
        std::fs::write(git, "a file").unwrap();
    });
    mended(|git| {
        for pack in walk(&git.join("objects/pack")) {
            std::fs::remove_file(pack).unwrap();
        }
    });
    mended(|git| {
        for pack in walk(&git.join("objects/pack")) {
            let mut bytes = std::fs::read(&pack).unwrap();
            let middle = bytes.len() / 2;
            bytes[middle..].fill(0xff);
            drop(std::fs::remove_file(&pack));
            std::fs::write(&pack, bytes).unwrap();
        }
    });
    // What a killed process leaves behind.
    mended(|git| std::fs::write(git.join("refs/heads/main.lock"), "").unwrap());
    mended(|git| std::fs::write(git.join("packed-refs.lock"), "").unwrap());
    mended(|git| std::fs::create_dir(git.with_extension("new")).unwrap());
}

#[test]
fn many_packs_become_one() {
    let repository = TempRepository::bare();
    let mut cached = mirror(&repository.path());
    let mut commits = Vec::new();
    let rounds = trueup::limits::MIRROR_PACKS_MAX + 2;
    for round in 0..rounds {
        commits.push(repository.commit("main", &[("a", Some(&round.to_string()))]));
        cached.fetch();
    }
    let packs = walk(cached.cache.path())
        .into_iter()
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "pack")
        })
        .count();
    assert!(packs <= 2, "{packs} packs");
    for (round, commit) in commits.iter().enumerate() {
        assert_eq!(
            cached.all(commit).text("a"),
            Some(round.to_string().as_str())
        );
    }
}

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
fn a_branch_with_an_odd_name_is_left_out() {
    let repository = TempRepository::bare();
    let tip = repository.commit("main", &[("a", Some("1"))]);
    let odd = std::ffi::OsStr::from_bytes(b"odd-\xff-name");
    let odd = Path::new(&repository.path()).join("refs/heads").join(odd);
    std::fs::write(odd, format!("{tip}\n")).unwrap();
    let server = GitServer::open(repository.root());
    let mut cached = mirror(&server.url(""));
    let fetched = cached.fetch();
    assert_eq!(fetched.branches.keys().collect::<Vec<_>>(), ["main"]);
    assert!(!cached.fetch().moved);
}

#[test]
fn credentials_do_not_follow_a_redirect_to_another_server() {
    let repository = TempRepository::bare();
    repository.commit("main", &[("a", Some("1"))]);
    let other = GitServer::closed(repository.root(), "robot", "hunter2");
    let server = GitServer::open(repository.root());
    server.redirect_to(&other.url(""));
    let mut cached = mirror(&server.url("robot:hunter2@"));
    let error = cached.refused();
    assert!(matches!(error, GitError::Denied { .. }), "{error:?}");
    assert!(other.requests().is_empty(), "nothing was let in");
    let mut direct = mirror(&other.url("robot:hunter2@"));
    direct.fetch();
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
    assert!(snapshot.files.len() <= trueup::limits::SNAPSHOT_FILES_MAX);
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

#[tokio::test]
async fn a_local_repository_hints_that_it_moved() {
    const QUIET: Duration = Duration::from_millis(600);
    let deadline = Duration::from_secs(20);
    for repository in [TempRepository::bare(), TempRepository::with_work_tree()] {
        repository.commit("main", &[("a", Some("1"))]);
        let source: Source = format!("file://{}", repository.path()).parse().unwrap();
        let mut watch = watch::watch(&source).unwrap().unwrap();
        let mut cached = mirror(&repository.path());
        for (round, branch) in ["main", "feature/deep/one", "main"].iter().enumerate() {
            repository.commit(branch, &[("a", Some(&round.to_string()))]);
            tokio::time::timeout(deadline, watch.hint())
                .await
                .unwrap()
                .unwrap();
            assert!(cached.fetch().moved);
        }
        // Looking is no change.
        while tokio::time::timeout(QUIET, watch.hint()).await.is_ok() {}
        cached.fetch();
        let quiet = tokio::time::timeout(QUIET, watch.hint()).await;
        assert!(quiet.is_err(), "a fetch hinted at itself");
    }
    let source: Source = "https://example.org/repo.git".parse().unwrap();
    assert!(watch::watch(&source).unwrap().is_none());
    let source: Source = "/nowhere/at/all".parse().unwrap();
    assert!(matches!(
        watch::watch(&source),
        Err(GitError::NotFound { .. })
    ));
}
