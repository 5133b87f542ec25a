//! Commits that are signed with GPG, with keys and signatures of `gpg`.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use trueup::limits::{GPGV_ANSWER_BYTES_MAX, GPGV_DEADLINE};
use trueup::snapshot::ObjectId;

use super::signed::{Stage, note, oid, trueup};
use crate::support::gpg::GpgKeys;

const KEYS: &str = ".trueup/gpg.asc";
const MERGE_KEYS: &str = ".trueup/hosts.asc";

/// A stage where Ada's commit asks for `verify` and takes these keys of GPG's: people's and hosts'.
async fn stage(verify: &str, people: &str, hosts: &str, gpgv: Option<&Path>) -> (Stage, ObjectId) {
    let begun = Stage::with("{verify: head}", |source| {
        if let Some(gpgv) = gpgv {
            gpgv.clone_into(&mut source.gpgv);
        }
    });
    let (mut stage, _) = begun.await;
    let asked = trueup(&format!(
        "{{verify: {verify}, gpg_keys: {KEYS}, gpg_merge_keys: {MERGE_KEYS}}}"
    ));
    let files = [
        ("trueup.yaml", Some(asked.as_str())),
        (KEYS, Some(people)),
        (MERGE_KEYS, Some(hosts)),
    ];
    let asks = stage.signed("ada", &files);
    stage.follows(&asks).await;
    (stage, asks)
}

#[tokio::test]
async fn attack_13_a_commit_that_is_signed_with_gpg_counts_by_a_key_of_the_list() {
    let gpg = GpgKeys::of(&["ada", "bob", "eve", "host"]);
    let people = gpg.export(&["ada", "bob"]);
    let (mut stage, _) = stage("head", &people, &gpg.export(&["host"]), None).await;
    let mut last = None;
    for name in ["ada", "bob"] {
        let signed = gpg.commit(&stage.repository, name, &[], &note(name));
        stage.follows(&signed).await;
        last = Some(signed);
    }
    let bobs = last.unwrap();
    gpg.commit(&stage.repository, "eve", &[], &note("eve"));
    stage.holds(&bobs, "which is not in the list of keys").await;
    let signed = gpg.commit(&stage.repository, "ada", &[], &note("x"));
    stage.forge(&signed);
    stage.holds(&bobs, "was changed after it was made").await;
    let weak = ["--digest-algo", "SHA1"];
    gpg.commit(&stage.repository, "bob", &weak, &note("y"));
    stage.holds(&bobs, "a digest that can be forged").await;
    let text = ["--textmode"];
    gpg.commit(&stage.repository, "bob", &text, &note("y"));
    stage.holds(&bobs, "not one over bytes").await;
}

#[tokio::test]
async fn attack_13_keys_of_gpg_whose_time_is_over_or_that_were_revoked_do_not_count() {
    let gpg = GpgKeys::of(&["gone"]);
    let then = ["--faked-system-time", "20200101T000000!"];
    gpg.generate("old", &["ed25519", "sign", "1y"], &then);
    gpg.generate("brief", &["ed25519", "sign", "never"], &then);
    let before = gpg.copy();
    gpg.revoke("gone");
    let people = gpg.export(&["gone", "old", "brief"]);
    let (mut stage, asks) = stage("head", &people, &people, None).await;
    gpg.commit(&stage.repository, "old", &then, &note("old"));
    stage.holds(&asks, "its time is over").await;
    let brief = [&then[..], &["--default-sig-expire", "1d"]].concat();
    gpg.commit(&stage.repository, "brief", &brief, &note("brief"));
    stage.holds(&asks, "for a time that is over").await;
    // `gpg` signs with no key that was revoked: one that does not know of that does.
    before.commit(&stage.repository, "gone", &[], &note("gone"));
    stage.holds(&asks, "it was revoked").await;
}

#[tokio::test]
async fn what_git_itself_signs_with_gpg_is_followed() {
    let gpg = GpgKeys::of(&["ada"]);
    let (mut stage, asks) =
        stage("every", &gpg.export(&["ada"]), &gpg.export(&["ada"]), None).await;
    let folder = stage.cache.path().join("clone");
    let clone = git2::Repository::clone(&stage.repository.path(), &folder).unwrap();
    gpg.git_commit(folder.to_str().unwrap(), "ada");
    let mut remote = clone.find_remote("origin").unwrap();
    remote.push(&["refs/heads/main"], None).unwrap();
    // A key that is in both lists is a host's.
    stage.keeps(&asks, "`commits.gpg_merge_keys`").await;
    let trueup = trueup(&format!("{{verify: every, gpg_keys: {KEYS}}}"));
    stage.repository.point("main", oid(&asks));
    let fewer = stage.signed("ada", &[("trueup.yaml", Some(&trueup))]);
    stage.follows(&fewer).await;
    clone
        .find_remote("origin")
        .unwrap()
        .fetch(&["main"], None, None)
        .unwrap();
    clone
        .reset(
            clone.find_object(oid(&fewer), None).as_ref().unwrap(),
            git2::ResetType::Hard,
            None,
        )
        .unwrap();
    gpg.git_commit(folder.to_str().unwrap(), "ada");
    remote.push(&["refs/heads/main"], None).unwrap();
    let tip = clone.head().unwrap().target().unwrap().into();
    stage.follows(&tip).await;
}

/// A branch beside `main` with one commit of `file`, signed by Ada's SSH key or not at all.
fn aside(stage: &Stage, of: &ObjectId, signed: bool, file: (&str, Option<&str>)) -> ObjectId {
    stage.repository.point("main", oid(of));
    let commit = if signed {
        stage.signed("ada", &[file])
    } else {
        stage.unsigned(&[file])
    };
    stage.repository.point("main", oid(of));
    commit
}

/// The host's merge of two commits with the files that merging them gives, and perhaps one more.
fn host_merges(
    stage: &Stage,
    gpg: &GpgKeys,
    parents: [&ObjectId; 2],
    more: Option<(&str, Option<&str>)>,
) -> ObjectId {
    let git = &stage.repository.git;
    let [ours, theirs] = parents.map(|id| git.find_commit(oid(id)).unwrap());
    let mut index = git.merge_commits(&ours, &theirs, None).unwrap();
    let tree = index.write_tree_to(git).unwrap();
    let parents = parents.map(oid);
    let mut merge = stage.repository.commit_tree("main", tree, &parents);
    if let Some(file) = more {
        let above = stage.repository.commit("main", &[file]);
        let tree = git.find_commit(oid(&above)).unwrap().tree_id();
        merge = stage.repository.commit_tree("main", tree, &parents);
    }
    gpg.sign_again(&stage.repository, "host", &[], &merge)
}

#[tokio::test]
async fn attack_21_a_host_may_merge_what_people_signed_and_nothing_else() {
    let gpg = GpgKeys::of(&["ada", "host"]);
    for verify in ["head", "every"] {
        let (people, hosts) = (gpg.export(&["ada"]), gpg.export(&["host"]));
        let (mut stage, asks) = stage(verify, &people, &hosts, None).await;
        let both = "1\n2\n3\n4\n5\n";
        let begun = stage.signed("ada", &[("both.txt", Some(both))]);
        stage.follows(&begun).await;
        assert_ne!(begun, asks);
        // Both sides changed the same file, in other places.
        let (top, end) = (both.replace('1', "one"), both.replace('5', "five"));
        let main = aside(&stage, &begun, true, ("both.txt", Some(&top)));
        let good = aside(&stage, &begun, true, ("both.txt", Some(&end)));
        let bad = aside(&stage, &begun, false, ("both.txt", Some(&end)));

        host_merges(&stage, &gpg, [&main, &bad], None);
        stage.holds(&begun, "it is not signed").await;
        host_merges(&stage, &gpg, [&bad, &main], None);
        stage.holds(&begun, "it is not signed").await;
        let more = ("note.txt", Some("a change of its own"));
        host_merges(&stage, &gpg, [&main, &good], Some(more));
        stage.holds(&begun, "without a change of its own").await;
        gpg.commit(&stage.repository, "host", &[], &note("edited on a page"));
        stage.holds(&begun, "without a change of its own").await;

        let merged = host_merges(&stage, &gpg, [&main, &good], None);
        stage.follows(&merged).await;
        // What is in force already is not judged once more: here, an unsigned commit below.
        let next = aside(&stage, &good, true, ("late.txt", Some("x")));
        let again = host_merges(&stage, &gpg, [&merged, &next], None);
        stage.follows(&again).await;
    }
}

/// A program in the place of `gpgv`.
fn program(folder: &Path, script: &str) -> PathBuf {
    let path = folder.join("gpgv");
    fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path
}

/// The good words of `gpgv`, for whom anything is good.
const GOOD: &str = "echo '[GNUPG:] NEWSIG'; echo '[GNUPG:] GOODSIG 1 x'; \
    echo '[GNUPG:] VALIDSIG F 2026-01-01 1 0 4 0 22 8 00 F'";

#[tokio::test]
async fn a_gpgv_that_does_not_say_whether_a_signature_is_good_opens_nothing() {
    let gpg = GpgKeys::of(&["ada"]);
    let folder = tempfile::tempdir().unwrap();
    let keys = gpg.export(&["ada"]);
    let hang = format!("no answer within {} s", GPGV_DEADLINE.as_secs());
    let long = format!("more than {GPGV_ANSWER_BYTES_MAX} bytes");
    let flood = format!("{GOOD}; head -c {GPGV_ANSWER_BYTES_MAX} /dev/zero | tr '\\0' x");
    let cases = [
        ("exec sleep 600", hang.as_str()),
        (&format!("{GOOD}; exit 2"), "ended with exit status: 2"),
        (&flood, &long),
        ("exit 0", "did not say whether one signature is good"),
    ];
    let path = program(folder.path(), "exit 0");
    let (mut stage, asks) = stage("head", &keys, &keys, Some(&path)).await;
    gpg.commit(&stage.repository, "ada", &[], &note("x"));
    for (script, why) in cases {
        program(folder.path(), script);
        stage.keeps(&asks, why).await;
    }
    fs::remove_file(&path).unwrap();
    stage
        .keeps(
            &asks,
            "Debian's package gpgv), gave no answer: No such file",
        )
        .await;
    // Nothing of it is left.
    let paths = |folder: &Path| {
        let entries = fs::read_dir(folder).unwrap();
        entries.map(|one| one.unwrap().path()).collect::<Vec<_>>()
    };
    let below = paths(stage.cache.path())
        .into_iter()
        .filter(|path| path.is_dir());
    let all: Vec<_> = below.flat_map(|folder| paths(&folder)).collect();
    assert!(all.iter().any(|path| path.ends_with("HEAD")), "{all:?}");
    let left = |path: &PathBuf| path.to_string_lossy().contains("tmp_gpgv_");
    assert!(!all.iter().any(left), "{all:?}");
}
