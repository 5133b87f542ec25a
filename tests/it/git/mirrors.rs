//! Mirrors: one writer each, and mended where they are damaged.

use std::path::Path;
use std::thread;

use trueup::git::{GitError, Mirror, Source};

use super::{Cached, NOW, mirror, walk};
use crate::support::repository::TempRepository;

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
fn what_a_killed_process_left_behind_goes() {
    let repository = TempRepository::bare();
    repository.commit("main", &[("a", Some("1"))]);
    let cache = tempfile::tempdir().unwrap();
    let source: Source = repository.path().parse().unwrap();
    drop(Mirror::open(cache.path(), source.clone()).unwrap());
    let git = cache.path().join(format!("{}.git", source.key()));
    let litter = [
        "refs/heads/main.lock",
        "packed-refs.lock",
        "objects/tmp_object_git2_a1",
        "objects/pack/pack_git2_a1",
    ];
    for name in litter {
        std::fs::write(git.join(name), "half").unwrap();
    }
    let folder = git.join("tmp_gpgv_a1");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("payload"), "half").unwrap();
    drop(Mirror::open(cache.path(), source).unwrap());
    for name in litter {
        assert!(!git.join(name).exists(), "{name} stays");
    }
    assert!(!folder.exists());
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
