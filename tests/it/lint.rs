//! The linter as it is met in CI: forms, exit codes, what changed, what is passed over, what is mended.

#![expect(clippy::disallowed_methods, reason = "the binary is what is tested")]

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use git2::{IndexAddOption, Repository, Signature};
use serde_json::Value;
use tempfile::TempDir;
use trueup::limits::LINT_BASELINE_BYTES_MAX;

const SHARED: &str = "version: 1\ninstallation: acme\nscopes: [\"111122223333/eu-west-1\"]\n\
    lint: {rules: {A001: ignore, A002: ignore, A005: ignore, H002: ignore}}\n";

/// A model without an error, and with one piece of advice: one instance in production.
const MODEL: &str = "version: 1\nname: NAME\naccount: \"111122223333\"\nregion: eu-west-1\n\
    framework: sklearn@1.2-1\ndata:\n  train: {file: t.csv, pin: none}\n\
    processing:\n  split: {script: src/train.py, inputs: [train], outputs: [all, part]}\n\
    training: {entry_point: src/train.py}\n\
    evaluation: {script: src/train.py, dataset: part, gates: {auc: \">= 0.8\"}}\n\
    environments:\n  staging: {}\n  production: {}\n";

/// Two models in a working tree.
fn tree() -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    write(&folder, "trueup.yaml", SHARED);
    for name in ["churn", "fraud"] {
        let model = MODEL.replace("NAME", name);
        write(&folder, &format!("models/{name}/config.yaml"), &model);
        write(&folder, &format!("models/{name}/t.csv"), "x,y\n1,2\n");
        write(&folder, &format!("models/{name}/src/train.py"), "pass\n");
    }
    folder
}

fn write(folder: &TempDir, path: &str, text: &str) {
    let file = folder.path().join(path);
    fs::create_dir_all(file.parent().expect("a folder")).expect("it is made");
    fs::write(file, text).expect("it is written");
}

fn replace(folder: &TempDir, path: &str, from: &str, to: &str) {
    let text = fs::read_to_string(folder.path().join(path)).expect("it is there");
    assert!(text.contains(from), "{path}: {from}");
    write(folder, path, &text.replacen(from, to, 1));
}

/// Commits all files, and calls that `origin/main`.
fn commit(folder: &TempDir) {
    let repository = Repository::init(folder.path()).expect("a repository");
    let mut index = repository.index().expect("an index");
    let all = index.add_all(["*"], IndexAddOption::DEFAULT, None);
    all.expect("all is added");
    let tree = index.write_tree().expect("a tree");
    index.write().expect("the index is kept");
    let tree = repository.find_tree(tree).expect("it was written");
    let who = Signature::now("t", "t@example.test").expect("a name");
    let id = repository.commit(Some("HEAD"), &who, &who, "m", &tree, &[]);
    let id = id.expect("a commit");
    repository
        .reference("refs/remotes/origin/main", id, true, "")
        .expect("a branch of the remote");
}

/// Standard output and standard error of `trueup lint`, with what else is in the environment.
fn lint(
    folder: &Path,
    arguments: &[&str],
    variables: &[(&str, &Path)],
    code: i32,
) -> (String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_trueup"))
        .arg("lint")
        .args(arguments)
        .current_dir(folder)
        .env_clear()
        .env("HOME", folder.join("home"))
        .envs(variables.iter().copied())
        .stdin(Stdio::null())
        .output()
        .expect("it runs");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    let (out, err) = (text(output.stdout), text(output.stderr));
    assert_eq!(
        output.status.code(),
        Some(code),
        "{arguments:?}\n{out}\n{err}"
    );
    (out, err)
}

fn check(folder: &TempDir, arguments: &[&str], code: i32) -> (String, String) {
    lint(folder.path(), arguments, &[], code)
}

#[test]
fn what_fails_is_said_by_trueup_yaml_or_on_the_command_line() {
    let folder = tree();
    let (_, err) = check(&folder, &[], 0);
    assert_eq!(err, "0 errors, 2 warnings in 2 models\n");
    check(&folder, &["--fail-on", "warning"], 1);
    replace(
        &folder,
        "trueup.yaml",
        "lint: {",
        "lint: {fail_on: warning, ",
    );
    check(&folder, &[], 1);
    check(&folder, &["--fail-on", "error"], 0);
    check(&folder, &["--base", "main"], 2);
    check(&folder, &["--changed"], 2);
}

#[test]
fn every_form_says_the_same_and_twice_the_same_bytes() {
    let folder = tree();
    replace(
        &folder,
        "models/churn/config.yaml",
        "training:",
        "trainning:",
    );
    for form in [
        "text", "concise", "json", "jsonl", "sarif", "github", "gitlab", "junit", "rdjson",
        "markdown",
    ] {
        let (out, _) = check(&folder, &["-o", form], 1);
        assert!(
            out.contains("S001") && out.contains("H001"),
            "{form}: {out}"
        );
        assert_eq!(check(&folder, &["-o", form], 1).0, out, "{form}");
    }
    let (out, _) = check(&folder, &["-o", "json"], 1);
    let document: Value = serde_json::from_str(&out).expect("JSON");
    let all = document["findings"].as_array().expect("a list");
    let unknown = all.iter().find(|one| one["code"] == "S001");
    let unknown = unknown.expect("the key is not known");
    assert_eq!(unknown["path"], "/trainning");
    assert_eq!(unknown["fix"]["safe"], false);
    let (out, _) = check(&folder, &["--statistics"], 1);
    assert!(
        out.contains("     2  H001  warning  one instance in production\n"),
        "{out}"
    );
    let summary = folder.path().join("summary.md");
    let github = [("GITHUB_STEP_SUMMARY", summary.as_path())];
    lint(folder.path(), &["-o", "github"], &github, 1);
    let table = fs::read_to_string(&summary).expect("a summary");
    assert!(table.contains("| error | [S001]"), "{table}");
}

#[test]
fn only_models_that_changed_are_asked_about() {
    let folder = tree();
    commit(&folder);
    let models = |expect: &str| {
        let (_, err) = check(&folder, &["--changed"], 0);
        assert!(err.ends_with(expect), "{err}");
    };
    models("in 0 models\n");
    write(&folder, "models/fraud/src/new.py", "pass\n");
    write(&folder, "README.md", "x\n");
    models("in 1 model\n");
    replace(&folder, "trueup.yaml", "acme", "acme-ml");
    models("in 2 models\n");
    check(&folder, &["--changed", "--base", "nowhere"], 2);
}

#[test]
fn a_baseline_passes_over_what_was_there_and_no_error() {
    let folder = tree();
    let base = ["--baseline", "baseline.txt", "--fail-on", "warning"];
    check(&folder, &base, 1);
    let (_, err) = check(
        &folder,
        &["--baseline", "baseline.txt", "--write-baseline"],
        0,
    );
    assert_eq!(err, "2 findings written; 0 errors are told all the same\n");
    let (_, err) = check(&folder, &base, 0);
    assert_eq!(err, "0 errors, 0 warnings in 2 models, 2 in the baseline\n");
    replace(
        &folder,
        "models/churn/config.yaml",
        "name: churn",
        "name: churn\nowner: yes",
    );
    let (out, _) = check(&folder, &[&base[..], &["-o", "concise"]].concat(), 1);
    assert!(
        out.contains("warning[S015]") && !out.contains("H001"),
        "{out}"
    );
    replace(
        &folder,
        "trueup.yaml",
        "A001: ignore",
        "A001: ignore, H001: error",
    );
    check(&folder, &base, 1);
    write(&folder, "baseline.txt", "nonsense\n");
    check(&folder, &base, 1);
    let most = usize::try_from(LINT_BASELINE_BYTES_MAX).expect("it fits");
    write(&folder, "baseline.txt", &"\n".repeat(most + 1));
    let (_, err) = check(&folder, &base, 1);
    assert!(err.contains(&format!("of at most {most}")), "{err}");
}

#[test]
fn what_is_mended_is_shown_or_written_and_what_is_guessed_only_when_asked_for() {
    let folder = tree();
    let file = "models/churn/config.yaml";
    replace(&folder, file, "training:", "trainning:");
    replace(&folder, file, "name: churn", "name: churn\nowner: yes");
    let before = fs::read_to_string(folder.path().join(file)).expect("it is there");
    let (out, _) = check(&folder, &["--diff"], 1);
    assert!(
        out.contains("-owner: yes\n+owner: \"yes\"\n") && !out.contains("training"),
        "{out}"
    );
    let (out, _) = check(&folder, &["--diff", "--unsafe"], 1);
    assert!(out.contains("-trainning: "), "{out}");
    let now = || fs::read_to_string(folder.path().join(file)).expect("it is there");
    assert_eq!(now(), before);
    let (_, err) = check(&folder, &["--fix"], 1);
    assert!(err.starts_with("1 mended in 1 files; "), "{err}");
    assert_eq!(now(), before.replace("yes", "\"yes\""));
    check(&folder, &["--fix", "--unsafe"], 0);
    assert_eq!(
        now(),
        before
            .replace("yes", "\"yes\"")
            .replace("trainning", "training")
    );
    let (out, _) = check(&folder, &["--diff", "--unsafe"], 0);
    assert!(out.is_empty(), "{out}");
}

#[test]
fn what_comments_ignore_is_counted_and_listed_with_its_reason() {
    let folder = tree();
    let comment =
        "  # trueup: ignore[H001] until=2999-01-31 reason=\"a load test\"\n  production: {}";
    replace(
        &folder,
        "models/churn/config.yaml",
        "  production: {}",
        comment,
    );
    let (out, err) = check(&folder, &["--show-ignored"], 0);
    assert_eq!(err, "0 errors, 1 warning in 2 models, 1 ignored\n");
    assert!(
        out.contains("ignored[H001] until 2999-01-31 (a load test): "),
        "{out}"
    );
    let (out, _) = check(&folder, &["-o", "sarif"], 0);
    assert!(out.contains("\"justification\": \"a load test\""), "{out}");
}
