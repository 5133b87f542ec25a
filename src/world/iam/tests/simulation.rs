//! What a simulation says.

use serde_json::{Value, json};

use super::{Bench, POLICY, ROLE, policy, sagemaker};
use crate::world::FaultKind;

#[test]
fn a_simulation_says_what_policies_come_to() {
    let mut bench = Bench::new();
    let actions = ["s3:GetObject", "s3:DeleteObject", "iam:CreateRole"];
    assert_eq!(
        bench.decisions(&actions, json!({})),
        ["allowed"; 3],
        "of this role nothing is known"
    );
    bench.role("runner", &sagemaker());
    assert_eq!(bench.decisions(&actions, json!({})), ["implicitDeny"; 3]);
    let put =
        |text: String| json!({"RoleName": "runner", "PolicyName": "own", "PolicyDocument": text});
    bench.ask("PutRolePolicy", put(policy("Deny", "s3:Delete*", "*")));
    bench.ask(
        "CreatePolicy",
        json!({"PolicyName": "read", "PolicyDocument": policy("Allow", "s3:*", "*")}),
    );
    bench.ask(
        "AttachRolePolicy",
        json!({"RoleName": "runner", "PolicyArn": POLICY}),
    );
    let mixed = ["allowed", "explicitDeny", "implicitDeny"];
    assert_eq!(bench.decisions(&actions, json!({})), mixed);
    let answer = bench.ask(
        "SimulatePrincipalPolicy",
        json!({"PolicySourceArn": ROLE, "ActionNames": ["s3:GetObject"]}),
    );
    assert_eq!(
        answer["EvaluationResults"][0]["MatchedStatements"][0]["SourcePolicyId"],
        "read"
    );
    let administrator = "arn:aws:iam::aws:policy/AdministratorAccess";
    bench.ask(
        "AttachRolePolicy",
        json!({"RoleName": "runner", "PolicyArn": administrator}),
    );
    assert_eq!(
        bench.decisions(&actions, json!({})),
        ["allowed", "explicitDeny", "allowed"]
    );
    let boundary = json!({"RoleName": "runner", "PermissionsBoundary": POLICY});
    bench.ask("PutRolePermissionsBoundary", boundary);
    assert_eq!(bench.decisions(&actions, json!({})), mixed);
    bench.ask(
        "DeleteRolePermissionsBoundary",
        json!({"RoleName": "runner"}),
    );
    let around = json!({"PermissionsBoundaryPolicyInputList": [policy("Allow", "iam:*", "*")]});
    assert_eq!(
        bench.decisions(&actions, around),
        ["implicitDeny", "explicitDeny", "allowed"]
    );
    let more = json!({"PolicyInputList": [policy("Deny", "s3:Get*", "*")]});
    assert_eq!(bench.decisions(&["s3:GetObject"], more), ["explicitDeny"]);
}

#[test]
fn a_simulation_takes_what_is_known_of_a_request() {
    let mut bench = Bench::new();
    let text =
        json!({"Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": "arn:aws:s3:::b/*",
        "Condition": {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}}})
        .to_string();
    let mut check = |context: Value, resource: &str, expected: &str, missing: Value| {
        let body = json!({"PolicyInputList": [text], "ActionNames": ["s3:GetObject"],
            "ResourceArns": [resource], "ContextEntries": context});
        let answer = bench.ask("SimulateCustomPolicy", body);
        let result = &answer["EvaluationResults"][0];
        assert_eq!(result["EvalDecision"], expected);
        assert_eq!(result["MissingContextValues"], missing);
    };
    let from = |address: &str| {
        json!([{"ContextKeyName": "aws:sourceip", "ContextKeyType": "ip",
            "ContextKeyValues": [address]}])
    };
    check(from("10.1.2.3"), "arn:aws:s3:::b/k", "allowed", json!([]));
    check(
        from("11.1.2.3"),
        "arn:aws:s3:::b/k",
        "implicitDeny",
        json!([]),
    );
    check(
        json!([]),
        "arn:aws:s3:::b/k",
        "implicitDeny",
        json!(["aws:SourceIp"]),
    );
    check(
        from("10.1.2.3"),
        "arn:aws:s3:::c/k",
        "implicitDeny",
        json!([]),
    );
}

#[test]
fn a_simulation_can_be_denied_on_request() {
    let mut bench = Bench::new();
    bench
        .0
        .fail_next("SimulatePrincipalPolicy", FaultKind::AccessDenied);
    let body = json!({"PolicySourceArn": ROLE, "ActionNames": ["s3:GetObject"]});
    let refusal = bench
        .try_in("eu-west-1", "SimulatePrincipalPolicy", body.clone())
        .unwrap_err();
    assert!(refusal.starts_with("AccessDenied: "), "{refusal}");
    assert!(refusal.contains("iam:SimulatePrincipalPolicy"), "{refusal}");
    bench.ask("SimulatePrincipalPolicy", body);
}
