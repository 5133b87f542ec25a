//! Who may become a role.

use serde_json::{Value, json};

use super::{Bench, ROLE, pipeline, sagemaker, trust};
use crate::world::Settings;

#[test]
fn a_role_that_does_not_trust_sagemaker_is_of_no_use_to_it() {
    let mut bench = Bench::new();
    let words = "Could not assume role arn:aws:iam::111122223333:role/runner. Please ensure that the \
                 role exists and allows principal 'sagemaker.amazonaws.com' to assume the role.";
    let refused = |bench: &mut Bench| {
        let refusal = bench
            .try_in("eu-west-1", "CreatePipeline", pipeline(ROLE))
            .unwrap_err();
        assert_eq!(refusal, format!("ValidationException: {words}"));
    };
    bench.role("runner", &trust(json!({"Service": "lambda.amazonaws.com"})));
    refused(&mut bench);
    let both = json!({"Service": ["lambda.amazonaws.com", "sagemaker.amazonaws.com"]});
    let update = |document: String| json!({"RoleName": "runner", "PolicyDocument": document});
    bench.ask("UpdateAssumeRolePolicy", update(trust(both)));
    bench.ask("CreatePipeline", pipeline(ROLE));
    bench.ask("DeleteRole", json!({"RoleName": "runner"}));
    refused(&mut bench);
    bench.role("runner", &sagemaker());
    bench.ask("UpdatePipeline", pipeline(ROLE));
    let elsewhere = "arn:aws:iam::111122223333:role/ml/runner";
    assert_eq!(
        bench.refused("UpdatePipeline", pipeline(elsewhere)),
        "ValidationException"
    );
    bench.ask(
        "UpdatePipeline",
        pipeline("arn:aws:iam::111122223333:role/never-made"),
    );
    let known = Settings {
        known_roles_only: true,
        ..Settings::default()
    };
    bench.0.set(known);
    let never = pipeline("arn:aws:iam::111122223333:role/never-made");
    assert_eq!(
        bench.refused("UpdatePipeline", never),
        "ValidationException"
    );
    assert_eq!(
        bench.refused("GetRole", json!({"RoleName": "never-made"})),
        "NoSuchEntity"
    );
    bench.ask("UpdatePipeline", pipeline(ROLE));
}

#[test]
fn a_trust_policy_may_have_conditions_and_denials() {
    let mut bench = Bench::new();
    bench.role("runner", &sagemaker());
    let mut check = |condition: Value, trusted: bool| {
        let document = json!({"Statement": {"Effect": "Allow", "Action": "sts:*",
            "Principal": {"Service": "sagemaker.amazonaws.com"}, "Condition": condition}});
        let body = json!({"RoleName": "runner", "PolicyDocument": document.to_string()});
        bench.ask("UpdateAssumeRolePolicy", body);
        let asked = bench.try_in("eu-west-1", "CreatePipeline", pipeline(ROLE));
        assert_eq!(asked.is_ok(), trusted, "{condition} {asked:?}");
        if trusted {
            bench.ask(
                "DeletePipeline",
                json!({"PipelineName": "p", "ClientRequestToken": "t".repeat(32)}),
            );
        }
    };
    check(
        json!({"StringEquals": {"aws:SourceAccount": "111122223333"}}),
        true,
    );
    check(
        json!({"StringEquals": {"aws:SourceAccount": "444455556666"}}),
        false,
    );
    let arn = "arn:aws:sagemaker:*:111122223333:pipeline/*";
    check(json!({"ArnLike": {"aws:SourceArn": arn}}), true);
    check(
        json!({"ArnLike": {"aws:SourceArn": "arn:aws:sagemaker:*:111122223333:model/*"}}),
        false,
    );
    let denied = json!({"Statement": [
        {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": "*"},
        {"Effect": "Deny", "Action": "sts:AssumeRole", "Principal": {"Service": "sagemaker.amazonaws.com"}},
    ]});
    let body = json!({"RoleName": "runner", "PolicyDocument": denied.to_string()});
    bench.ask("UpdateAssumeRolePolicy", body);
    assert_eq!(
        bench.refused("CreatePipeline", pipeline(ROLE)),
        "ValidationException"
    );
}

#[test]
fn a_session_is_for_whom_the_role_trusts() {
    let mut bench = Bench::new();
    let asked = |seconds: u64| json!({"RoleArn": ROLE, "RoleSessionName": "judge", "DurationSeconds": seconds});
    let session = bench.ask("AssumeRole", asked(7200));
    assert_eq!(
        session["AssumedRoleUser"]["Arn"],
        "arn:aws:sts::111122223333:assumed-role/runner/judge"
    );
    bench.role("runner", &sagemaker());
    assert_eq!(bench.refused("AssumeRole", asked(3600)), "AccessDenied");
    let update = |document: String| json!({"RoleName": "runner", "PolicyDocument": document});
    bench.ask(
        "UpdateAssumeRolePolicy",
        update(trust(json!({"AWS": "arn:aws:iam::111122223333:root"}))),
    );
    let session = bench.ask("AssumeRole", asked(3600));
    assert_eq!(session["Credentials"]["Expiration"], 3600.0);
    assert_eq!(bench.refused("AssumeRole", asked(7200)), "ValidationError");
    let external = json!({"Statement": {"Effect": "Allow", "Action": "sts:AssumeRole",
        "Principal": {"AWS": "111122223333"},
        "Condition": {"StringEquals": {"sts:ExternalId": "secret"}}}});
    bench.ask("UpdateAssumeRolePolicy", update(external.to_string()));
    assert_eq!(bench.refused("AssumeRole", asked(3600)), "AccessDenied");
    let mut with = asked(3600);
    with["ExternalId"] = "secret".into();
    bench.ask("AssumeRole", with);
    bench.ask("DeleteRole", json!({"RoleName": "runner"}));
    assert_eq!(bench.refused("AssumeRole", asked(3600)), "AccessDenied");
}
