//! What is well written and still cannot be deployed.

use super::{MODEL, TRUEUP, change, check};

#[test]
fn promotion_leads_from_one_environment_to_every_other() {
    change(
        "promote: {soak: 2h}",
        "promote: {from: null}",
        &["P002 28:5 `production` is a first environment, and so is `staging`"],
    );
    change(
        "staging: {}",
        "staging: {promote: {from: production}}",
        &["P002 26:29 the promotion to `staging` leads in a circle"],
    );
    change(
        "staging: {}",
        "staging: {promote: {from: staging}}",
        &["P002 26:29 the promotion to `staging` leads in a circle"],
    );
    let text = MODEL
        .replace("  staging: {}\n", "")
        .replace("promote: {soak: 2h}", "promote: {from: staging}")
        + "  staging: {promote: {from: null}}\n";
    let loaded = check("models/churn/config.yaml", Some(&text), &[]);
    let names = loaded.models[0]
        .config
        .as_ref()
        .unwrap()
        .environments
        .iter();
    assert_eq!(
        names.map(|one| one.name.as_str()).collect::<Vec<_>>(),
        ["staging", "production"]
    );
}

#[test]
fn names_fit_what_is_made_of_them() {
    let long = format!("name: {}", "a".repeat(30));
    change(
        "name: churn",
        &long,
        &[
            "N001 27:3 names made of `aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa-production` get 65 characters, 2 too many",
        ],
    );
    change(
        "name: churn",
        "name: churn-staging",
        &["N003 2:7 the name ends in `staging`, which is added to derived names"],
    );
    change(
        "name: churn",
        "name: churn--x",
        &[
            "N001 2:7 `name` is `churn--x`, but takes lower-case letters, digits and single hyphens between them",
        ],
    );
    change(
        "name: churn",
        "name: \"${x}\"",
        &["S004 2:7 a variable in a name: what it names would change with it"],
    );
    change(
        "  staging: {}",
        "  Staging: {}",
        &["N001 26:3 `Staging` is no name for an environment"],
    );
}

#[test]
fn what_runs_must_be_seen_and_possible() {
    change(
        "staging: {}",
        "staging: {account: \"444455556666\", monitors: null}",
        &["G004 26:22 444455556666/eu-west-1 is not among the scopes of trueup.yaml"],
    );
    let loaded = change(
        "staging: {}",
        "staging: {region: us-east-1}",
        &[
            "G004 26:21 111122223333/us-east-1 is not among the scopes of trueup.yaml",
            "R004 26:21 `staging` is in us-east-1, but the model's home is in eu-west-1",
        ],
    );
    assert!(loaded.models[0].config.is_none());
    let legacy = TRUEUP.replace("legacy: true", "legacy: false");
    check(
        "trueup.yaml",
        Some(&legacy),
        &["M004 24:26 the account 111122223333 is not known to have Model Monitor"],
    );
    change(
        "sampling_percentage: 100",
        "sampling_percentage: 0",
        &["M001 24:3 the monitor has nothing to read: nothing is captured"],
    );
    change(
        "AllTraffic: {instance_type: ml.m5.large, initial_instance_count: 1}",
        "AllTraffic: {initial_weight: 0}",
        &[
            "H013 20:3 the weights of the variants are 0 together",
            "H013 30:7 the weights of the variants are 0 together",
        ],
    );
    change(
        "gates: {auc: \">= 0.7 and <= 0.99\"}",
        "gates: {}",
        &["Q001 15:1 no gate: any version can be registered"],
    );
}

#[test]
fn what_is_to_be_absent_says_so_in_two_words_and_bears_nothing() {
    change(
        "  staging: {}",
        "  staging: {state: absent}",
        &[
            "G005 26:20 `state: absent` without `deletion: destroy`",
            "G006 27:3 `production` is to run, and `staging`, which it is promoted from, is to be absent",
        ],
    );
    let loaded = change(
        "name: churn",
        "state: absent\ndeletion: destroy\nname: churn",
        &[],
    );
    let config = loaded.models[0].config.as_ref().expect("it is sound");
    assert!(
        config
            .environments
            .iter()
            .all(|one| one.state == config.state)
    );
    change(
        "name: churn",
        "state: absent\ndeletion: destroy\ndrift: report\nname: churn",
        &[],
    );
    change(
        "  staging: {}",
        "  staging: {drift: sometimes}",
        &["S002 26:20 `drift` is `sometimes`, but takes `revert` or `report`"],
    );
}

#[test]
fn a_suspension_ends_and_has_a_reason() {
    let suspended = |suspend: &str, findings: &[&str]| {
        let staging = format!("  staging: {{suspend: {suspend}}}");
        change("  staging: {}", &staging, findings);
    };
    suspended("{until: 2026-12-01T09:00:00Z, reason: a sale}", &[]);
    suspended(
        "{until: 2026-12-01T09:00:00Z}",
        &["S002 26:13 `suspend` lacks `reason`"],
    );
    suspended("{reason: a sale}", &["S002 26:13 `suspend` lacks `until`"]);
    suspended(
        "{until: 2026-12-01T09:00:00Z, reason: \"\"}",
        &["S002 26:60 `reason` is ``, but takes 1 or more characters"],
    );
    for never in ["tomorrow", "2026-02-30T09:00:00Z", "\"2026-12-01\""] {
        let bare = never.trim_matches('"');
        let finding = format!(
            "S002 26:30 `until` is `{bare}`, but takes a time such as `2026-12-01T09:00:00Z`"
        );
        let suspend = format!("{{until: {never}, reason: a sale}}");
        suspended(&suspend, &[finding.as_str()]);
    }
}

/// No rule has anything to say about what is well made, with all of them as strict as they are.
#[test]
fn a_repository_that_is_well_made_has_no_finding() {
    let shared = "version: 1\ninstallation: example\n\
        scopes: [\"111122223333/eu-west-1\", \"444455556666/eu-west-1\"]\n\
        accounts:\n  \"111122223333\": {alias: main, legacy: true}\n  \
        \"444455556666\": {alias: trial, legacy: true}\n";
    let text = MODEL
        .replace(
            "deployment:\n  variants:\n    AllTraffic: {instance_type: ml.m5.large, initial_instance_count: 1}\n",
            "network: {vpc: {subnets: [subnet-a, subnet-b], security_group_ids: [sg-1]}}\n\
             encryption: {kms_key_id: alias/acme-ml}\n\
             notifications: {routes: {ops: {type: sns}}}\ndeployment:\n",
        )
        .replace("staging: {}", "staging: {account: \"444455556666\"}")
        .replace(
            "      variants: {AllTraffic: {initial_instance_count: 2}}\n",
            "      variants: {AllTraffic: {initial_instance_count: 2}}\n      \
             autoscaling: {min: 2, max: 8, target_invocations_per_instance: 600}\n      \
             rollout: {strategy: canary, canary_size: 50%, rollback_on: {errors: \"5xx > 1% for 3m\"}}\n",
        );
    let mut files = super::sound();
    files.insert("trueup.yaml", shared.as_bytes());
    files.insert("models/churn/config.yaml", text.as_bytes());
    let loaded = crate::config::load(&super::snapshot(files));
    assert_eq!(super::shown(&loaded.diagnostics), [""; 0]);
    assert_eq!(super::shown(&loaded.models[0].diagnostics), [""; 0]);
    assert!(loaded.models[0].config.is_some());
}
