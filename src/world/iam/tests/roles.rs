//! Roles and policies as their clients see them.

use serde_json::json;

use super::{Bench, POLICY, policy, sagemaker};
use crate::limits::IAM_VERSIONS_MAX;
use crate::world::World;

#[test]
fn a_role_is_one_for_all_regions() {
    let mut bench = Bench::new();
    let body = json!({"RoleName": "Runner", "Path": "/ml/", "Description": "runs",
        "AssumeRolePolicyDocument": sagemaker(), "Tags": [{"Key": "a", "Value": "b"}]});
    let made = bench
        .try_in("eu-west-1", "CreateRole", body.clone())
        .unwrap();
    assert_eq!(
        made["Role"]["Arn"],
        "arn:aws:iam::111122223333:role/ml/Runner"
    );
    let there = bench
        .try_in("us-east-1", "GetRole", json!({"RoleName": "runner"}))
        .unwrap();
    assert_eq!(there["Role"], made["Role"]);
    assert!(
        there["Role"]["AssumeRolePolicyDocument"]
            .as_str()
            .unwrap()
            .starts_with("%7B")
    );
    assert_eq!(bench.refused("CreateRole", body), "EntityAlreadyExists");
    bench.ask(
        "UpdateRole",
        json!({"RoleName": "Runner", "MaxSessionDuration": 7200}),
    );
    bench.ask(
        "TagRole",
        json!({"RoleName": "Runner", "Tags": [{"Key": "c", "Value": "d"}]}),
    );
    bench.ask("UntagRole", json!({"RoleName": "Runner", "TagKeys": ["a"]}));
    let role = &bench.ask("GetRole", json!({"RoleName": "Runner"}))["Role"];
    assert_eq!(
        (&role["MaxSessionDuration"], &role["Description"]),
        (&json!(7200), &json!("runs"))
    );
    assert_eq!(role["Tags"], json!([{"Key": "c", "Value": "d"}]));
    bench.role("other", &sagemaker());
    let under = bench.ask("ListRoles", json!({"PathPrefix": "/ml/"}));
    assert_eq!(under["Roles"].as_array().unwrap().len(), 1);
    let first = bench.ask("ListRoles", json!({"MaxItems": 1}));
    assert_eq!(
        (&first["Roles"][0]["RoleName"], &first["IsTruncated"]),
        (&json!("other"), &json!(true))
    );
    let second = bench.ask(
        "ListRoles",
        json!({"MaxItems": 1, "Marker": first["Marker"]}),
    );
    assert_eq!(
        (&second["Roles"][0]["RoleName"], &second["IsTruncated"]),
        (&json!("Runner"), &json!(false))
    );
}

#[test]
fn what_hangs_on_a_role_goes_first() {
    let mut bench = Bench::new();
    bench.role("runner", &sagemaker());
    let own = json!({"RoleName": "runner", "PolicyName": "own",
        "PolicyDocument": policy("Allow", "s3:*", "*")});
    bench.ask("PutRolePolicy", own);
    let read = json!({"PolicyName": "read", "PolicyDocument": policy("Allow", "s3:Get*", "*")});
    assert_eq!(
        bench.ask("CreatePolicy", read.clone())["Policy"]["Arn"],
        POLICY
    );
    assert_eq!(bench.refused("CreatePolicy", read), "EntityAlreadyExists");
    let attach = json!({"RoleName": "runner", "PolicyArn": POLICY});
    bench.ask("AttachRolePolicy", attach.clone());
    let role = json!({"RoleName": "runner"});
    let attached = bench.ask("ListAttachedRolePolicies", role.clone());
    assert_eq!(
        attached["AttachedPolicies"],
        json!([{"PolicyName": "read", "PolicyArn": POLICY}])
    );
    assert_eq!(
        bench.ask("ListRolePolicies", role.clone())["PolicyNames"],
        json!(["own"])
    );
    let arn = json!({"PolicyArn": POLICY});
    assert_eq!(
        bench.ask("GetPolicy", arn.clone())["Policy"]["AttachmentCount"],
        1
    );
    assert_eq!(bench.refused("DeletePolicy", arn.clone()), "DeleteConflict");
    assert_eq!(bench.refused("DeleteRole", role.clone()), "DeleteConflict");
    bench.ask("DetachRolePolicy", attach.clone());
    assert_eq!(bench.refused("DetachRolePolicy", attach), "NoSuchEntity");
    assert_eq!(bench.refused("DeleteRole", role.clone()), "DeleteConflict");
    let named = json!({"RoleName": "runner", "PolicyName": "own"});
    let shown = bench.ask("GetRolePolicy", named.clone());
    assert!(
        shown["PolicyDocument"]
            .as_str()
            .unwrap()
            .contains("s3%3A%2A")
    );
    bench.ask("DeleteRolePolicy", named.clone());
    assert_eq!(bench.refused("GetRolePolicy", named), "NoSuchEntity");
    bench.ask("DeletePolicy", arn);
    bench.ask("DeleteRole", role.clone());
    assert_eq!(
        bench.refused("GetRole", role),
        "NoSuchEntity",
        "it was there, and is gone"
    );
}

#[test]
fn a_policy_has_versions_and_one_of_them_counts() {
    let mut bench = Bench::new();
    let text = |action: &str| policy("Allow", action, "*");
    bench.ask(
        "CreatePolicy",
        json!({"PolicyName": "read", "PolicyDocument": text("s3:Get*")}),
    );
    let second = json!({"PolicyArn": POLICY, "PolicyDocument": text("s3:*"), "SetAsDefault": true});
    let made = bench.ask("CreatePolicyVersion", second.clone());
    assert_eq!(made["PolicyVersion"]["VersionId"], "v2");
    let version = |id: &str| json!({"PolicyArn": POLICY, "VersionId": id});
    assert_eq!(
        bench.refused("DeletePolicyVersion", version("v2")),
        "DeleteConflict"
    );
    assert_eq!(
        bench.refused("DeletePolicy", json!({"PolicyArn": POLICY})),
        "DeleteConflict"
    );
    bench.ask("SetDefaultPolicyVersion", version("v1"));
    bench.ask("DeletePolicyVersion", version("v2"));
    assert_eq!(
        bench.refused("GetPolicyVersion", version("v2")),
        "NoSuchEntity"
    );
    let first = bench.ask("GetPolicyVersion", version("v1"));
    assert_eq!(first["PolicyVersion"]["IsDefaultVersion"], true);
    for _ in 1..IAM_VERSIONS_MAX {
        bench.ask("CreatePolicyVersion", second.clone());
    }
    assert_eq!(
        bench.refused("CreatePolicyVersion", second),
        "LimitExceeded"
    );
    let all = bench.ask("ListPolicyVersions", json!({"PolicyArn": POLICY}));
    let ids: Vec<_> = all["Versions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["VersionId"])
        .collect();
    assert_eq!(ids, ["v6", "v5", "v4", "v3", "v1"]);
}

#[test]
fn roles_are_written_down() {
    let mut bench = Bench::new();
    bench.role("runner", &sagemaker());
    let text = serde_json::to_string(&bench.0).unwrap();
    assert_eq!(serde_json::from_str::<World>(&text).unwrap(), bench.0);
}
