//! How a model is served: what is read, and what is refused.

use super::changed;
use crate::config::model::{Protocol, Strategy};
use crate::config::units::Size;

/// Changes how staging is served, and compares codes and messages.
#[track_caller]
fn check(staging: &str, expected: &[&str]) {
    let to = format!("staging: {{{staging}}}");
    let loaded = changed("staging: {}", &to);
    let found = loaded.models[0].diagnostics.iter();
    let found: Vec<_> = found
        .map(|one| format!("{} {}", one.code, one.message))
        .collect();
    assert_eq!(found, expected, "{staging}");
}

#[test]
fn a_whole_deployment_is_read() {
    let text = "deployment: {variants: {AllTraffic: {initial_instance_count: 4, \
        volume_size_in_gb: 20, routing: random, model_data_download_timeout: 10m}}, \
        environment: {WORKERS: \"2\"}, shadow: {next: {sampling_percentage: 20}}, \
        autoscaling: {min: 2, max: 8, target_invocations_per_instance: 600}, \
        rollout: {strategy: canary, canary_size: 25%, bake: 15m, \
        rollback_on: {errors: \"5xx > 1% for 3m\"}}}, \
        network: {vpc: {subnets: [subnet-a], security_group_ids: [sg-1]}}, \
        encryption: {kms_key_id: alias/acme}, notifications: {routes: {ops: {type: sns, \
        subscriptions: {ann: {protocol: email, endpoint: ann@acme.test}}}}}";
    let loaded = changed("staging: {}", &format!("staging: {{{text}}}"));
    let config = loaded.models[0].config.as_ref().unwrap();
    let [staging, production] = config.environments.as_slice() else {
        panic!("two environments");
    };
    let rollout = staging.deployment.rollout.as_ref().unwrap();
    assert_eq!(
        (rollout.strategy, rollout.canary_size, rollout.bake().0),
        (Strategy::Canary, Some(Size::Percent(25)), 900)
    );
    let ops = &staging.notifications.routes["ops"];
    assert_eq!(ops.subscriptions["ann"].protocol, Protocol::Email);
    assert!(staging.network.vpc.is_some() && production.network.vpc.is_none());
    assert_eq!(production.deployment.rollout, None);
}

#[test]
fn rollouts_that_sagemaker_would_refuse_are_found() {
    let check = |rollout: &str, expected: &[&str]| {
        let deployment = "variants: {AllTraffic: {initial_instance_count: 4}}";
        check(
            &format!("deployment: {{{deployment}, rollout: {{{rollout}}}}}"),
            expected,
        );
    };
    let watched = "rollback_on: {a: \"5xx > 1% for 3m\"}";
    check(
        "strategy: canary",
        &["H003 nothing can stop a bad version on its way"],
    );
    check(
        &format!("strategy: canary, canary_size: 60%, {watched}"),
        &["H005 60%, of 1% to 50%"],
    );
    check(
        &format!("strategy: canary, canary_size: 3, {watched}"),
        &["H005 3 of 4 instances are more than half"],
    );
    check(
        &format!("strategy: linear, step_size: 5%, {watched}"),
        &["H005 5%, of 10% to 50%"],
    );
    check(
        &format!("strategy: rolling, batch_size: 4%, {watched}"),
        &["H005 4%, of 5% to 50%"],
    );
    check("bake: 2h", &["H006 7200 seconds, of at most 3600"]);
    check(
        "max_execution_time: 9h",
        &["H006 32400 seconds, of 600 to 28800"],
    );
    check(
        &format!("strategy: canary, max_execution_time: 10m, {watched}"),
        &["H006 600 seconds, but it waits 600 on purpose"],
    );
    check(
        &format!("strategy: rolling, termination_wait: 5m, {watched}"),
        &["H018 `rolling` has no `termination_wait`"],
    );
    check(
        "canary_size: 10%",
        &["H018 `all_at_once` has no `canary_size`"],
    );
    check(
        "rollback_on: {a: \"5xx > 1 percent\"}",
        &[
            "S002 `a` is `5xx > 1 percent`, but takes a condition such as `5xx > 1% for 3m`, \
             `p95 > 200ms for 5m` or `cpu > 90% for 10m`",
        ],
    );
    let many: Vec<_> = (0..11)
        .map(|n| format!("a{n}: \"5xx > 1% for 3m\""))
        .collect();
    check(
        &format!("rollback_on: {{{}}}", many.join(", ")),
        &["H004 11 conditions for 1 variants are 11 alarms, of at most 10"],
    );
}

#[test]
fn variants_and_what_stands_around_them_fit_together() {
    check(
        "deployment: {variants: {B: {}}, rollout: {strategy: rolling, \
         rollback_on: {a: \"5xx > 1% for 3m\"}}}",
        &["H009 `rolling` with 2 variants, of one"],
    );
    check(
        "deployment: {variants: {B: {}}, shadow: {C: {}}}",
        &["H013 1 shadow variants beside 2 variants, of one beside one"],
    );
    check(
        "deployment: {shadow: {AllTraffic: {}}}",
        &["H013 `AllTraffic` is a production variant too"],
    );
    check(
        "deployment: {variants: {AllTraffic: {instance_type: ml.inf1.xlarge}}, \
         rollout: {rollback_on: {a: \"5xx > 1% for 3m\"}}}",
        &["H008 `AllTraffic` is on Inf1: its traffic moves all at once, unwatched"],
    );
    let scaling = |bounds: &str| {
        format!("deployment: {{autoscaling: {{{bounds}, target_invocations_per_instance: 9}}}}")
    };
    check(
        &scaling("min: 4, max: 2"),
        &["H014 at least 4, and at most 2 instances"],
    );
    check(
        &scaling("min: 2, max: 4"),
        &["H014 `AllTraffic` starts with 1, of 2 to 4 instances"],
    );
    check(
        &scaling("min: 1, max: 4, scale_in_cooldown: 2h"),
        &["H014 7200 seconds, of at most 3600"],
    );
    check(
        "mode: production, promote: {mode: commit}, deployment: {variants: {AllTraffic: \
         {instance_type: ml.t2.medium, initial_instance_count: 2}}}",
        &["H015 `ml.t2.medium` slows down under lasting load"],
    );
    check(
        "deployment: {variants: {AllTraffic: {container_startup_health_check_timeout: 30s}}}",
        &["H019 30 seconds, of 60 to 3600"],
    );
    check(
        "network: {isolation: true}",
        &["H020 the container cannot fetch its code from S3"],
    );
    check(
        "deployment: {environment: {TRUEUP_X: a, 1X: b}}",
        &[
            "H021 `TRUEUP_X` is set by trueup",
            "H021 letters, digits and `_`, without a digit first",
        ],
    );
    let many: Vec<_> = (0..=crate::limits::VARIABLES_MAX)
        .map(|n| format!("V{n}: x"))
        .collect();
    check(
        &format!("deployment: {{environment: {{{}}}}}", many.join(", ")),
        &["H021 91 variables, of at most 90"],
    );
    let long = "x".repeat(crate::limits::VARIABLE_CHARS_MAX + 1);
    check(
        &format!("deployment: {{environment: {{A: {long}}}}}"),
        &["H021 1025 characters, of 1024"],
    );
    check(
        "notifications: {routes: {ops: {type: sns, \
         topic_arn: \"arn:aws:sns:eu-west-1:111122223333:t\", \
         subscriptions: {a: {protocol: email, endpoint: a@b.c}}}}}",
        &["M010 the topic is not trueup's to subscribe to"],
    );
}
