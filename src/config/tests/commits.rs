//! Whose commits are acted on, by trueup.yaml and its list of keys.

use super::{TRUEUP, snapshot, sound};
use crate::config::{Asked, Policy, load, load_installation};
use crate::diagnostic::Diagnostic;
use crate::limits::ROBOTS_MAX;
use crate::signing::SigningKey;

const LIST: &str = include_str!("../../signing/vectors/allowed_signers");
const REFUSED: &str = include_str!("../../signing/vectors/refused.txt");
const GPG: &str = include_str!("../../signing/vectors/gpg.asc");
const KEY: &str = include_str!("../../signing/vectors/ed25519.key");

/// What the sound repository asks for with these commits and this list of keys, and its findings.
fn read(commits: &str, list: Option<&str>) -> (Policy, Vec<Diagnostic>) {
    read_with(commits, list, None)
}

/// The same, with a file of keys of GPG's.
fn read_with(commits: &str, list: Option<&str>, gpg: Option<&str>) -> (Policy, Vec<Diagnostic>) {
    let trueup = format!("{TRUEUP}commits: {commits}\n");
    let mut files = sound();
    files.insert("trueup.yaml", trueup.as_bytes());
    if let Some(list) = list {
        files.insert(".trueup/allowed_signers", list.as_bytes());
    }
    if let Some(gpg) = gpg {
        files.insert(".trueup/gpg.asc", gpg.as_bytes());
    }
    let snapshot = snapshot(files);
    let installation = load_installation(&snapshot).0.expect("a sound file");
    let (policy, findings) = Policy::read(&snapshot, &installation);
    let all = load(&snapshot).diagnostics;
    assert!(
        findings.iter().all(|finding| all.contains(finding)),
        "{all:?}"
    );
    assert_eq!(policy == Policy::Unusable, !findings.is_empty());
    (policy, findings)
}

fn asked(commits: &str) -> Asked {
    match read(commits, Some(LIST)).0 {
        Policy::Asked(asked) => asked,
        other => panic!("{commits}: {other:?}"),
    }
}

#[test]
fn signatures_are_asked_for_where_that_is_written() {
    assert_eq!(read("{}", None).0, Policy::Off);
    assert_eq!(read("{verify: off, robots: [nobody]}", None).0, Policy::Off);
    assert!(!asked("{verify: head}").every);
    assert!(asked("{verify: every}").every);
}

#[test]
fn a_list_that_cannot_be_used_is_told_in_its_place() {
    let check = |commits: &str, list, file: &str, place: (usize, usize), words: &str| {
        let (policy, findings) = read(commits, list);
        assert_eq!(policy, Policy::Unusable);
        let finding = &findings[0];
        assert_eq!(
            (finding.code.as_str(), finding.span.file.as_str()),
            ("G011", file)
        );
        assert_eq!(
            (finding.span.line, finding.span.column),
            place,
            "{finding:?}"
        );
        assert!(finding.message.contains(words), "{}", finding.message);
    };
    let line = TRUEUP.lines().count() + 1;
    let (shared, list) = ("trueup.yaml", ".trueup/allowed_signers");
    check(
        "{verify: head}",
        None,
        shared,
        (line, 1),
        "`.trueup/allowed_signers` is not there",
    );
    let other = "{verify: head, allowed_signers: keys}";
    check(other, Some(LIST), shared, (line, 25), "`keys` is not there");
    check(
        "{verify: every}",
        Some("# nobody\n"),
        shared,
        (line, 1),
        "has no key",
    );
    check(
        "{verify: head}",
        Some("\nada x"),
        list,
        (2, 5),
        "there is no",
    );
    let both = format!("{LIST}{REFUSED}");
    check("{verify: head}", Some(&both), list, (5, 18), "nistp521");
    assert_eq!(
        read("{verify: head}", Some(&both)).1.len(),
        2,
        "every fault"
    );
    let bot = "{verify: head, robots: [rsa@example.com, bot]}";
    check(bot, Some(LIST), shared, (line, 25), "is called `bot`");
}

#[test]
fn keys_of_gpg_count_where_their_files_are_named_and_can_be_used() {
    let file = ".trueup/gpg.asc";
    let people = format!("{{verify: head, gpg_keys: {file}}}");
    let (Policy::Asked(asked), _) = read_with(&people, Some(LIST), Some(GPG)) else {
        panic!("keys that can be used");
    };
    assert!(asked.gpg.is_some() && asked.gpg_merges.is_none());
    let hosts = format!("{{verify: head, gpg_merge_keys: {file}}}");
    let (Policy::Asked(asked), _) = read_with(&hosts, Some(LIST), Some(GPG)) else {
        panic!("keys that can be used");
    };
    assert!(asked.gpg.is_none() && asked.gpg_merges.is_some());
    let check = |commits: &str, gpg, place: (&str, usize, usize), words: &str| {
        let (policy, findings) = read_with(commits, Some(LIST), gpg);
        assert_eq!(
            (policy, findings.len()),
            (Policy::Unusable, 1),
            "{findings:?}"
        );
        let span = &findings[0].span;
        assert_eq!((span.file.as_str(), span.line, span.column), place);
        let said = &findings[0].message;
        assert!(said.contains(words), "{said}");
    };
    let line = TRUEUP.lines().count() + 1;
    let broken = format!("# Ada\n{GPG}Eve:\n");
    let place = (file, broken.lines().count(), 1);
    for commits in [&people, &hosts] {
        let here = ("trueup.yaml", line, 25);
        check(commits, None, here, "`.trueup/gpg.asc` is not there");
        check(commits, Some("# nobody\n"), (file, 1, 1), "has no key");
        check(commits, Some(&broken), place, "nor a comment");
    }
    // trueup signs with a key of SSH's, so there is always one of those.
    let none = read_with(&people, None, Some(GPG)).1;
    assert!(
        none[0]
            .message
            .contains("`.trueup/allowed_signers` is not there")
    );
}

#[test]
fn programs_write_what_trueup_writes_and_nothing_else() {
    let check = |path: &str, expect: bool| {
        assert_eq!(
            asked("{verify: head}").lets_robots_write(path),
            expect,
            "{path}"
        );
    };
    check("models/churn/releases/staging.yaml", true);
    check("models/churn/quarantine.yaml", true);
    check("releases/staging.yaml", true);
    for path in [
        "trueup.yaml",
        ".trueup/allowed_signers",
        "models/churn/config.yaml",
        "models/churn/src/train.py",
        "models/churn/src/releases/staging.yaml",
        "models/churn/releases/staging.yml",
        "models/churn/releases/deep/staging.yaml",
        "models/churn/data/t.pin.yaml",
        "elsewhere/churn/releases/staging.yaml",
        "presets/quarantine.yaml",
        "",
    ] {
        check(path, false);
    }
}

#[test]
fn a_commit_of_its_own_needs_a_key_of_the_list() {
    let key = SigningKey::read(KEY).unwrap();
    let check = |policy: &Policy, key, words: &str| {
        let said = policy.objection_to_own(key).unwrap_or_default();
        assert!(
            said.contains(words) && said.is_empty() == words.is_empty(),
            "{said}"
        );
    };
    let listed = read("{verify: head}", Some(LIST)).0;
    check(&listed, Some(&key), "");
    check(&listed, None, "no key to sign with");
    let (_, fewer) = LIST.split_once('\n').unwrap();
    check(
        &read("{verify: head}", Some(fewer)).0,
        Some(&key),
        "does not have trueup's own, SHA256:",
    );
    check(&Policy::Off, None, "");
}

#[test]
fn there_are_so_many_programs_at_most() {
    let trueup = |count: usize| {
        let robots = vec!["bot"; count].join(", ");
        let text = format!("{TRUEUP}commits: {{robots: [{robots}]}}\n");
        let mut files = sound();
        files.insert("trueup.yaml", text.as_bytes());
        load_installation(&snapshot(files)).0.is_some()
    };
    assert!(trueup(ROBOTS_MAX));
    assert!(!trueup(ROBOTS_MAX + 1));
}
