//! The command line as a program is met: arguments in; data, talk and an exit code out.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use trueup::limits::{HOOK_SECRET_CHARS_MIN, YAML_BYTES_MAX};

use super::support::repository::TempRepository;

const BROKEN: &str = "version: 1\nnmae: churn\n";
const INSTALLATION: &str = "version: 1\ninstallation: acme\nscopes: [\"111122223333/eu-west-1\"]\n";

/// Runs the binary in `folder` with an environment that has nothing but a home.
#[expect(clippy::disallowed_methods, reason = "the binary is what is tested")]
fn trueup(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_trueup"))
        .args(arguments)
        .current_dir(folder)
        .env_clear()
        .env("HOME", folder.join("home"))
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

/// The exit code, standard output and standard error.
fn check(folder: &Path, arguments: &[&str], code: i32) -> (String, String) {
    let output = trueup(folder, arguments);
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    let (out, err) = (text(output.stdout), text(output.stderr));
    assert_eq!(
        output.status.code(),
        Some(code),
        "{arguments:?}\n{out}\n{err}"
    );
    (out, err)
}

fn broken() -> TempRepository {
    let repository = TempRepository::bare();
    repository.commit(
        "main",
        &[
            ("trueup.yaml", Some(INSTALLATION)),
            ("models/churn/config.yaml", Some(BROKEN)),
        ],
    );
    repository
}

#[test]
fn findings_are_data_and_fail() {
    let repository = broken();
    let path = repository.path();
    for arguments in [["lint", &path].as_slice(), &["lint", "--source", &path]] {
        let (out, err) = check(repository.root(), arguments, 1);
        assert!(out.contains("error[S001]: unknown key `nmae`"), "{out}");
        assert!(out.contains("2 | nmae: churn"), "{out}");
        assert!(
            !out.contains('\u{1b}'),
            "no colours where nobody looks: {out}"
        );
        assert!(err.ends_with("in 1 model\n"), "{err}");
    }
    let (out, err) = check(repository.root(), &["lint", &path, "-q", "-o", "json"], 1);
    let document: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(document["schema"], "trueup/lint.v1");
    assert_eq!(document["models"], 1);
    assert!(err.is_empty(), "{err}");
}

#[test]
fn files_on_disk_are_linted_where_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let model = folder.path().join("models/churn");
    std::fs::create_dir_all(&model).unwrap();
    std::fs::write(folder.path().join("trueup.yaml"), INSTALLATION).unwrap();
    std::fs::write(model.join("config.yaml"), BROKEN).unwrap();
    let (out, _) = check(&model, &["lint"], 1);
    assert!(out.contains("models/churn/config.yaml:2:1"), "{out}");
    check(folder.path(), &["lint", "nowhere"], 2);
}

/// Nothing is asked of AWS where no file allows a plan.
#[test]
fn a_plan_of_broken_files_is_a_failure_with_its_reasons() {
    let repository = broken();
    let path = repository.path();
    let nobody = ["--endpoint-url", "http://127.0.0.1:9"];
    let plan = ["plan", "--source", &path, nobody[0], nobody[1]];
    let (out, _) = check(repository.root(), &plan, 1);
    assert!(out.contains("error[S001]"), "{out}");
    assert!(
        out.ends_with("Not everything could be planned: see above.\n"),
        "{out}"
    );
    let (out, _) = check(repository.root(), &[&plan[..], &["-o", "json"]].concat(), 1);
    let document: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(document["schema"], "trueup/plan.v1");
    assert_eq!(document["models"][0]["state"], "blocked");
    let status = ["status", "--source", &path, nobody[0], nobody[1]];
    let (out, _) = check(repository.root(), &status, 1);
    assert!(out.contains("blocked"), "{out}");
    let apply = ["apply", "--source", &path, nobody[0], nobody[1]];
    let (out, _) = check(repository.root(), &apply, 1);
    assert!(out.ends_with("failed\n"), "{out}");
}

#[test]
fn a_wrong_command_line_is_2_but_never_looks_like_changes() {
    let folder = tempfile::tempdir().unwrap();
    check(folder.path(), &["plan", "--nonsense"], 2);
    check(
        folder.path(),
        &["plan", "--nonsense", "--detailed-exitcode"],
        1,
    );
    check(folder.path(), &["plan"], 2);
    check(folder.path(), &["run", "--source", "/x", "--port", "1"], 2);
    let secret = ["plan", "--source", "https://u:hunter2@/x"];
    let (_, err) = check(folder.path(), &secret, 2);
    assert!(!err.contains("hunter2"), "{err}");
    let (_, err) = check(folder.path(), &["plan", "--source", "/nowhere"], 1);
    assert!(
        err.starts_with("error: ") && err.contains("\nhelp: "),
        "{err}"
    );
}

#[test]
fn a_table_of_images_that_cannot_be_used_starts_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let table = folder.path().join("images.yaml");
    let told = |text: &str| {
        std::fs::write(&table, text).unwrap();
        let arguments = ["local", "--port", "0", "--images", "images.yaml"];
        check(folder.path(), &arguments, 1)
    };
    let (out, err) = told("images:\n- pattern: '**'\n  pyton: python3.9\n");
    assert!(out.is_empty(), "{out}");
    assert!(err.contains("error[S001]: unknown key `pyton`"), "{err}");
    assert!(err.contains("images.yaml:3:3"), "{err}");
    let (_, err) = told(&"#".repeat(YAML_BYTES_MAX + 1));
    assert!(err.contains("error[S000]"), "{err}");
}

#[test]
fn schemas_are_printed() {
    let folder = tempfile::tempdir().unwrap();
    for file in ["config", "trueup", "pin", "release", "images"] {
        let (out, err) = check(folder.path(), &["schema", file], 0);
        assert!(serde_json::from_str::<Value>(&out).unwrap().is_object());
        assert!(err.is_empty());
    }
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the binary is what is tested")]
fn hooks_need_a_secret_that_cannot_be_guessed() {
    let repository = broken();
    let run = |secret: &str| {
        let output = Command::new(env!("CARGO_BIN_EXE_trueup"))
            .args(["run", "--source", ".", "--hooks", "127.0.0.1:0"])
            .current_dir(repository.root())
            .env_clear()
            .env("TRUEUP_HOOK_SECRET", secret)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        (
            output.status.code(),
            String::from_utf8(output.stderr).unwrap(),
        )
    };
    for secret in ["", &"s".repeat(HOOK_SECRET_CHARS_MIN - 1)] {
        let (code, said) = run(secret);
        assert_eq!(code, Some(2), "{said}");
        assert!(said.contains("TRUEUP_HOOK_SECRET"), "{said}");
    }
}
