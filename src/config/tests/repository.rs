//! Several models, what they share, and the files beside theirs.

use serde_json::json;

use super::{MODEL, TRUEUP, shown, snapshot, sound};
use crate::config::{emit, load};

#[test]
fn two_models_never_own_one_endpoint() {
    let mut files = sound();
    let first = MODEL
        .replace("name: churn", "name: a-b")
        .replace("staging:", "c:")
        .replace("production:", "d:");
    let second = MODEL
        .replace("name: churn", "name: a")
        .replace("staging:", "b-c:")
        .replace("production:", "d:");
    for (path, bytes) in sound() {
        if let Some(rest) = path.strip_prefix("models/churn/") {
            files.insert(format!("models/other/{rest}").leak(), bytes);
        }
    }
    files.insert("models/churn/config.yaml", first.as_bytes());
    files.insert("models/other/config.yaml", second.as_bytes());
    let loaded = load(&snapshot(files.clone()));
    for (model, rival) in [(0, "other"), (1, "churn")] {
        let message = format!(
            "the endpoint `a-b-c` in 111122223333/eu-west-1 is the model's in `models/{rival}` too"
        );
        let codes: Vec<_> = loaded.models[model]
            .diagnostics
            .iter()
            .map(|one| (one.code.as_str(), one.message.as_str()))
            .collect();
        assert_eq!(codes, [("N002", message.as_str())]);
        assert!(loaded.models[model].config.is_none());
    }
    files.insert("models/other/config.yaml", first.as_bytes());
    let same = load(&snapshot(files.clone()));
    assert_eq!(
        shown(&same.models[0].diagnostics)[0],
        "N002 2:7 the model in `models/other` is called `a-b` too"
    );
    // A model that is broken anyhow takes nothing from a sound one.
    let broken = first.replace("version: 1", "version: 7");
    files.insert("models/other/config.yaml", broken.as_bytes());
    let loaded = load(&snapshot(files));
    assert!(loaded.models[0].config.is_some() && loaded.models[1].config.is_none());
}

#[test]
fn the_repository_has_an_installation_and_models_by_pattern() {
    let mut files = sound();
    files.remove("trueup.yaml");
    let loaded = load(&snapshot(files.clone()));
    assert_eq!(
        shown(&loaded.diagnostics),
        ["S002 1:1 there is no trueup.yaml at the repository's root"]
    );
    assert!(loaded.models[0].config.is_some() && loaded.installation.is_none());
    let wrong = "version: 1\ninstallation: Acme\nscopes: [\"1/eu-west-1\", 5]\naccounts: {111122223333: {legcy: true}}\n";
    files.insert("trueup.yaml", wrong.as_bytes());
    let loaded = load(&snapshot(files.clone()));
    assert_eq!(
        shown(&loaded.diagnostics),
        [
            "S002 2:15 `installation` is `Acme`, but takes lower-case letters, digits and single hyphens between them",
            "S002 3:10 item 1 of `scopes` is `1/eu-west-1`, but takes an account and a region, such as `111122223333/eu-west-1`",
            "S002 3:25 item 2 of `scopes` is the number 5, but takes an account and a region, such as `111122223333/eu-west-1`",
            "S007 4:12 the account id 111122223333 is a number, which loses zeros",
            "S001 4:27 unknown key `legcy`",
        ]
    );
    // The pattern decides, and a model at the root counts too.
    let pattern = format!("{TRUEUP}models: teams/**/config.yaml\n");
    files.insert("trueup.yaml", pattern.as_bytes());
    files.insert("config.yaml", b"a: [");
    files.insert("teams/x/y/config.yaml", b"");
    let loaded = load(&snapshot(files));
    let models: Vec<_> = loaded
        .models
        .iter()
        .map(|model| (model.folder.as_str(), model.diagnostics[0].code.as_str()))
        .collect();
    assert_eq!(models, [("", "S000"), ("teams/x/y", "S002")]);
}

#[test]
fn companions_are_read() {
    let release = json!({"version": 1, "attempt": 1, "packages": {"main": {
        "arn": "arn:aws:sagemaker:eu-west-1:111122223333:model-package/churn/1", "run": "r", "commit": "c",
        "model_data": {"uri": "s3://b/k", "checksum": "crc64nvme:x", "size": 1}, "image": "i", "signed": true,
        "code": {"uri": "s3://b/c", "digest": "sha256:1", "entry_point": "src/inference.py"}}}});
    let release = emit::emit(&release, &[]);
    let mut files = sound();
    files.insert("models/churn/releases/staging.yaml", release.as_bytes());
    files.insert("models/churn/releases/old.yaml", release.as_bytes());
    let quarantine = b"- {package: \"arn:aws:sagemaker:eu-west-1:111122223333:model-package/churn/1\", reason: slow, by: ann, at: \"2026-01-01T00:00:00Z\"}\n";
    files.insert("models/churn/quarantine.yaml", quarantine);
    let loaded = load(&snapshot(files.clone()));
    let model = &loaded.models[0];
    assert_eq!(
        shown(&model.diagnostics),
        ["G001 1:1 the release of `old`, which is no environment of the model"]
    );
    assert_eq!(model.releases["staging"].main().unwrap().commit, "c");
    assert_eq!(model.pins["train"].version.bytes, 8);
    assert_eq!(model.quarantine[0].by, "ann");
    assert!(model.config.is_some());
    let text = emit::emit_quarantine(&model.quarantine);
    assert!(text.starts_with("- package: \"arn:"), "{text}");
    files.insert("models/churn/quarantine.yaml", b"- {package: churn/1}\n");
    files.insert(
        "models/churn/releases/staging.yaml",
        b"version: 1\nattempt: one\n",
    );
    let loaded = load(&snapshot(files));
    let codes: Vec<_> = loaded.models[0]
        .diagnostics
        .iter()
        .map(|one| one.code.as_str())
        .collect();
    assert_eq!(codes, ["S002", "G001", "S002", "S002"]);
    assert!(loaded.models[0].config.is_none());
}

#[test]
fn a_commit_that_takes_down_too_much_says_so_twice() {
    let mut files = sound();
    let absent = |name: &str| {
        let text = MODEL.replace(
            "name: churn",
            &format!("state: absent\ndeletion: destroy\nname: {name}"),
        );
        &*text.leak()
    };
    for folder in ["a", "b"] {
        for (path, bytes) in sound() {
            if let Some(rest) = path.strip_prefix("models/churn/") {
                files.insert(format!("models/{folder}/{rest}").leak(), bytes);
            }
        }
        let config = format!("models/{folder}/config.yaml").leak();
        files.insert(
            config,
            MODEL
                .replace("name: churn", &format!("name: {folder}"))
                .leak()
                .as_bytes(),
        );
    }
    files.insert("models/a/config.yaml", absent("a").as_bytes());
    assert!(
        load(&snapshot(files.clone())).diagnostics.is_empty(),
        "three units"
    );
    files.insert("models/b/config.yaml", absent("b").as_bytes());
    let found = shown(&load(&snapshot(files.clone())).diagnostics);
    let [held] = found.as_slice() else {
        panic!("{found:?}")
    };
    assert!(
        held.starts_with("G007 1:1 the commit takes down 6 of 9 units"),
        "{held}"
    );
    let digest = held.rsplit('"').nth(1).expect("a digest");
    let confirmed = format!("{TRUEUP}confirm_removals: [\"{digest}\"]\n");
    files.insert("trueup.yaml", confirmed.as_bytes());
    assert!(
        load(&snapshot(files.clone())).diagnostics.is_empty(),
        "confirmed"
    );
    files.insert("models/churn/config.yaml", absent("churn").as_bytes());
    let found = shown(&load(&snapshot(files)).diagnostics);
    assert!(
        found[0].contains("9 of 9"),
        "one more is another digest: {found:?}"
    );
}
