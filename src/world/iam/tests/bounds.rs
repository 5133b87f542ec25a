//! What is too much.

use serde_json::json;

use super::{Bench, policy, sagemaker};
use crate::limits::{
    IAM_ATTACHED_MAX, IAM_INLINE_CHARS_MAX, IAM_POLICIES_MAX, IAM_POLICY_CHARS_MAX, IAM_ROLES_MAX,
    IAM_TAGS_MAX, IAM_TRUST_CHARS_MAX, SIMULATED_MAX,
};

#[test]
fn documents_have_bounds() {
    let mut bench = Bench::new();
    let long = |chars: usize, base: &str| {
        let room = chars - super::super::size(base);
        base.replacen(
            "\"Effect\"",
            &format!("\"Sid\":\"{}\",\"Effect\"", "x".repeat(room - 9)),
            1,
        )
    };
    let base = sagemaker();
    let role =
        |text: String, name: &str| json!({"RoleName": name, "AssumeRolePolicyDocument": text});
    bench.ask(
        "CreateRole",
        role(long(IAM_TRUST_CHARS_MAX, &base), "runner"),
    );
    let refused = bench.refused(
        "CreateRole",
        role(long(IAM_TRUST_CHARS_MAX + 1, &base), "b"),
    );
    assert_eq!(refused, "LimitExceeded");
    assert_eq!(
        bench.refused("CreateRole", role("{".to_owned(), "b")),
        "MalformedPolicyDocument"
    );
    let base = policy("Allow", "s3:*", "*");
    let named = |text: String, name: &str| json!({"PolicyName": name, "PolicyDocument": text});
    bench.ask(
        "CreatePolicy",
        named(long(IAM_POLICY_CHARS_MAX, &base), "a"),
    );
    let refused = bench.refused(
        "CreatePolicy",
        named(long(IAM_POLICY_CHARS_MAX + 1, &base), "b"),
    );
    assert_eq!(refused, "LimitExceeded");
    let own = |text: String, name: &str| json!({"RoleName": "runner", "PolicyName": name, "PolicyDocument": text});
    let half = IAM_INLINE_CHARS_MAX / 2;
    bench.ask("PutRolePolicy", own(long(half, &base), "a"));
    bench.ask("PutRolePolicy", own(long(half, &base), "b"));
    bench.ask("PutRolePolicy", own(long(half, &base), "b"));
    assert_eq!(
        bench.refused("PutRolePolicy", own(base, "c")),
        "LimitExceeded"
    );
}

#[test]
fn an_account_has_bounds() {
    let mut bench = Bench::new();
    for at in 0..IAM_ROLES_MAX {
        bench.role(&format!("r{at}"), &sagemaker());
    }
    let one = json!({"RoleName": "more", "AssumeRolePolicyDocument": sagemaker()});
    assert_eq!(bench.refused("CreateRole", one), "LimitExceeded");
    let text = policy("Allow", "s3:*", "*");
    for at in 0..IAM_POLICIES_MAX {
        bench.ask(
            "CreatePolicy",
            json!({"PolicyName": format!("p{at}"), "PolicyDocument": text}),
        );
    }
    let one = json!({"PolicyName": "more", "PolicyDocument": text});
    assert_eq!(bench.refused("CreatePolicy", one), "LimitExceeded");
    let attach = |at: usize| json!({"RoleName": "r0", "PolicyArn": format!("arn:aws:iam::111122223333:policy/p{at}")});
    for at in 0..IAM_ATTACHED_MAX {
        bench.ask("AttachRolePolicy", attach(at));
    }
    bench.ask("AttachRolePolicy", attach(0));
    assert_eq!(
        bench.refused("AttachRolePolicy", attach(IAM_ATTACHED_MAX)),
        "LimitExceeded"
    );
    let tags = |count: usize| {
        let all = (0..count).map(|at| json!({"Key": format!("k{at}"), "Value": "v"}));
        json!({"RoleName": "r0", "Tags": all.collect::<Vec<_>>()})
    };
    bench.ask("TagRole", tags(IAM_TAGS_MAX));
    let one = json!({"RoleName": "r0", "Tags": [{"Key": "more", "Value": "v"}]});
    assert_eq!(bench.refused("TagRole", one), "LimitExceeded");
    let actions = vec!["s3:GetObject"; SIMULATED_MAX / 100 + 1];
    let resources = vec!["*"; 100];
    let many =
        json!({"PolicyInputList": [text], "ActionNames": actions, "ResourceArns": resources});
    assert_eq!(bench.refused("SimulateCustomPolicy", many), "InvalidInput");
    for at in 1..IAM_ROLES_MAX {
        bench.ask("DeleteRole", json!({"RoleName": format!("r{at}")}));
    }
    for at in 0..2 {
        bench.role(&format!("x{at}"), &sagemaker());
        bench.ask("DeleteRole", json!({"RoleName": format!("x{at}")}));
    }
    assert_eq!(
        bench.refused("GetRole", json!({"RoleName": "x1"})),
        "NoSuchEntity"
    );
    bench.ask("GetRole", json!({"RoleName": "r1"}));
}
