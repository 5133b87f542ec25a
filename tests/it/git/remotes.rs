//! Remotes: what they may be like, and what is told of them.

use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::time::Duration;

use git2::Oid;
use trueup::git::{GitError, Source, WriteError, watch};
use trueup::snapshot::ObjectId;

use super::{Cached, NOW, mirror, over_all, put, walk, whole, write};
use crate::support::git_server::GitServer;
use crate::support::repository::TempRepository;

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

        let tagged = repository
            .git
            .find_object(repository.tip("main").unwrap(), None);
        let tag = repository.git.tag_lightweight("v1", &tagged.unwrap(), true);
        tag.unwrap();
        let error = mirror(&format!("{url}#v1")).refused();
        let words = "`v1` is a tag, and tags decide nothing here";
        assert!(error.help().starts_with(words), "{url}: {error:?}");

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
fn a_token_that_is_refused_for_a_while_is_told_and_forgets_nothing() {
    let repository = TempRepository::bare();
    let first = repository.commit("main", &[("a", Some("1"))]);
    let server = GitServer::closed(repository.root(), "robot", "old");
    let mut cached = mirror(&server.url("robot:old@"));
    cached.fetch();
    server.insist_on("robot", "new");
    let second = repository.commit("main", &[("a", Some("2"))]);
    for _ in 0..2 {
        let error = cached.refused();
        assert!(
            matches!(error, GitError::Denied { given: true, .. }),
            "{error:?}"
        );
        assert!(error.help().contains("token"), "{}", error.help());
        assert_eq!(cached.all(&first).text("a"), Some("1"));
    }
    server.insist_on("robot", "old");
    assert_eq!(cached.fetch().tip, second);
}

#[test]
fn a_host_that_asks_to_be_left_alone_is_understood() {
    let repository = TempRepository::bare();
    let tip = repository.commit("main", &[("a", Some("1"))]);
    let server = GitServer::open(repository.root());
    let mut cached = mirror(&server.url(""));
    server.throttle(true);
    let error = cached.refused();
    assert!(error.is_throttling(), "{error:?}");
    assert_eq!(error.retry_after(), Some(Duration::from_mins(1)));
    server.throttle(false);
    assert_eq!(cached.fetch().tip, tip);
}

#[test]
fn a_server_that_has_only_the_newest_commits_is_told_from_one_that_is_away() {
    let repository = TempRepository::bare();
    let first = repository.commit("main", &[("a", Some("1"))]);
    let server = GitServer::open(repository.root());
    let mut cached = mirror(&server.url(""));
    cached.fetch();
    let tip = repository.commit("main", &[("a", Some("2"))]);
    repository.cut_off_at(&tip);
    let error = cached.refused();
    assert!(error.help().contains("--unshallow"), "{error:?}");
    assert_eq!(cached.all(&first).text("a"), Some("1"));
    repository.cut_off_no_more();
    assert_eq!(cached.fetch().tip, tip);
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
