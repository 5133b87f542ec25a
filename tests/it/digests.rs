//! Digests are for ever: what is in them, what is not, and their values.

use trueup::compile::run::Identity;
use trueup::config::load;
use trueup::execute::model::prepare;
use trueup::resource::name::digest_name;
use trueup::snapshot::Snapshot;

use crate::sim::forge::{Forge, MAIN};
use crate::sim::repository::{CONFIG, FleetKind, first_commit, path};

fn snapshot(edits: &[(&str, &[u8])]) -> Snapshot {
    let mut forge = Forge::default();
    first_commit(&mut forge, FleetKind::One);
    let owned: Vec<_> = edits
        .iter()
        .map(|(name, bytes)| (path(name), *bytes))
        .collect();
    let edits: Vec<_> = owned
        .iter()
        .map(|(name, bytes)| (name.as_str(), Some(*bytes)))
        .collect();
    forge.commit(&edits);
    forge.snapshot(&forge.tip(MAIN))
}

fn identity(edits: &[(&str, &[u8])]) -> Identity {
    let snapshot = snapshot(edits);
    let loaded = load(&snapshot);
    let model = &loaded.models[0];
    let config = model
        .config
        .as_ref()
        .unwrap_or_else(|| panic!("{:#?}", model.diagnostics));
    let installation = loaded.installation.as_ref().expect("trueup.yaml");
    prepare(installation, model, config, &snapshot)
        .expect("it compiles")
        .identity
}

/// The identity after one replacement in `config.yaml`.
fn configured(from: &str, to: &str) -> Identity {
    assert!(CONFIG.contains(from), "{from}");
    identity(&[("config.yaml", CONFIG.replace(from, to).as_bytes())])
}

#[test]
fn version_1_does_not_change() {
    let identity = identity(&[]);
    assert_eq!(
        identity.run,
        "1e8bd2f6da5ce45cfd047f2bdaae3248d9a4c538a9bc978bac704a2f62ce46e5"
    );
    assert_eq!(
        identity.serving,
        "sha256:3c4cac7796ada306cc0dfe0bf32cf4d083224ed15b5ca15ca5b11a03dcc9a316"
    );
    let body = serde_json::json!({"ProductionVariants": [{"VariantName": "AllTraffic", "InitialInstanceCount": 1}]});
    assert_eq!(
        digest_name("EndpointConfig", "churn-staging", &body, 0),
        "churn-staging-63cb41818e"
    );
}

#[test]
fn what_a_trained_model_depends_on_trains_anew() {
    let base = identity(&[]);
    for (from, to) in [
        ("depth: 3", "depth: 4"),
        ("sklearn@1.2-1", "sklearn@1.0-1"),
        (
            "entry_point: src/train.py",
            "entry_point: src/train.py\n  instance_count: 2",
        ),
        (
            "outputs: [fit, validation]",
            "outputs: [fit, validation, rest]",
        ),
    ] {
        assert_ne!(configured(from, to).run, base.run, "{to}");
    }
    assert_ne!(identity(&[("src/train.py", b"AUC = 0.8\n")]).run, base.run);
    assert_ne!(identity(&[("src/shared.py", b"x = 1\n")]).run, base.run);
}

#[test]
fn nothing_else_does() {
    let base = identity(&[]);
    for (from, to) in [
        (">= 0.6", ">= 0.5"),
        ("instance_type: ml.m5.large", "instance_type: ml.m5.xlarge"),
        ("initial_instance_count: 1", "initial_instance_count: 3"),
        ("sampling_percentage: 100", "sampling_percentage: 10"),
        ("schedule: daily", "schedule: hourly"),
        ("soak: 0s", "soak: 2h"),
        (
            "name: churn\n",
            "name: churn\nowner: growth\ntags: {a: b}\n",
        ),
        (
            "entry_point: src/train.py",
            "entry_point: src/train.py\n  instance_type: ml.m5.2xlarge\n  max_runtime: 2h",
        ),
    ] {
        assert_eq!(configured(from, to), base, "{to}");
    }
    for file in [
        "README.md",
        "docs/notes.md",
        "tests/test_train.py",
        "src/notes.md",
        "src/__pycache__/a.pyc",
    ] {
        assert_eq!(identity(&[(file, b"text")]), base, "{file}");
    }
}

#[test]
fn serving_code_is_packaged_again_and_not_trained() {
    let base = identity(&[]);
    let served = identity(&[("src/inference.py", b"other\n")]);
    assert_eq!(served.run, base.run);
    assert_ne!(served.serving, base.serving);
    let trained = identity(&[("src/train.py", b"AUC = 0.8\n")]);
    assert_eq!(
        trained.serving, base.serving,
        "what only trains does not serve"
    );
}
