//! Model package groups and packages.

use serde_json::{Value, json};

use super::Bench;
use crate::resource::error::Class;

const IMAGE: &str = "1.dkr.ecr.eu-west-1.amazonaws.com/serve:1";

fn version(group: &str) -> Value {
    json!({
        "ModelPackageGroupName": group,
        "InferenceSpecification": {
            "Containers": [{"Image": IMAGE, "ModelDataUrl": "s3://b/m.tar.gz"}],
            "SupportedContentTypes": ["text/csv"],
            "SupportedResponseMIMETypes": ["text/csv"],
        },
    })
}

#[test]
fn versions_count_up_and_are_never_used_twice() {
    let mut bench = Bench::new();
    let error = bench.refused(
        "CreateModelPackage",
        version("g"),
        "ValidationException",
        "ModelPackageGroup arn:aws:sagemaker:eu-west-1:111122223333:model-package-group/g does not exist.",
    );
    assert_eq!(error.class, Class::NotFound);
    bench.ask(
        "CreateModelPackageGroup",
        json!({"ModelPackageGroupName": "g"}),
    );
    let error = bench.refused(
        "CreateModelPackageGroup",
        json!({"ModelPackageGroupName": "g"}),
        "ValidationException",
        "Model Package Group already exists: ",
    );
    assert_eq!(error.class, Class::AlreadyExists);
    let arn = |number: u32| {
        json!(format!(
            "arn:aws:sagemaker:eu-west-1:111122223333:model-package/g/{number}"
        ))
    };
    for number in 1..=2 {
        let made = bench.ask("CreateModelPackage", version("g"));
        assert_eq!(made["ModelPackageArn"], arn(number));
    }
    let package = bench.ask("DescribeModelPackage", json!({"ModelPackageName": arn(2)}));
    assert_eq!(package["ModelApprovalStatus"], "PendingManualApproval");
    assert_eq!(package["ModelPackageVersion"], 2);
    let digest = &package["InferenceSpecification"]["Containers"][0]["ImageDigest"];
    assert_eq!(digest.as_str().unwrap().len(), 7 + 64);
    bench.ask("DeleteModelPackage", json!({"ModelPackageName": arn(2)}));
    assert_eq!(
        bench.ask("CreateModelPackage", version("g"))["ModelPackageArn"],
        arn(3)
    );
    let error = bench.refused(
        "DeleteModelPackageGroup",
        json!({"ModelPackageGroupName": "g"}),
        "ConflictException",
        "",
    );
    assert_eq!(error.class, Class::Busy);
    let listed = bench.ask("ListModelPackages", json!({"ModelPackageGroupName": "g"}));
    let arns: Vec<&Value> = listed["ModelPackageSummaryList"]
        .as_array()
        .unwrap()
        .iter()
        .map(|package| &package["ModelPackageArn"])
        .collect();
    assert_eq!(arns, [&arn(3), &arn(1)]);
    assert_eq!(
        bench.ask("ListModelPackages", json!({})),
        json!({"ModelPackageSummaryList": []}),
        "versions are listed by group only"
    );
    for number in [1, 3] {
        bench.ask(
            "DeleteModelPackage",
            json!({"ModelPackageName": arn(number)}),
        );
    }
    bench.ask(
        "DeleteModelPackageGroup",
        json!({"ModelPackageGroupName": "g"}),
    );
    bench.refused(
        "DescribeModelPackage",
        json!({"ModelPackageName": arn(1)}),
        "ValidationException",
        "model-package/g/1 does not exist.",
    );
}

#[test]
fn a_token_registers_once() {
    let mut bench = Bench::new();
    bench.ask(
        "CreateModelPackageGroup",
        json!({"ModelPackageGroupName": "g"}),
    );
    let mut body = version("g");
    body["ClientToken"] = json!("token-1");
    let one = bench.ask("CreateModelPackage", body.clone());
    assert_eq!(bench.ask("CreateModelPackage", body.clone()), one);
    body["ClientToken"] = json!("token-2");
    assert_ne!(bench.ask("CreateModelPackage", body), one);
}

#[test]
fn only_some_members_can_be_updated() {
    let mut bench = Bench::new();
    bench.ask(
        "CreateModelPackageGroup",
        json!({"ModelPackageGroupName": "g"}),
    );
    let arn = bench.ask("CreateModelPackage", version("g"))["ModelPackageArn"].clone();
    bench.ask(
        "UpdateModelPackage",
        json!({"ModelPackageArn": arn, "ModelApprovalStatus": "Approved",
            "CustomerMetadataProperties": {"a": "1", "b": "2"}}),
    );
    bench.ask(
        "UpdateModelPackage",
        json!({"ModelPackageArn": arn, "CustomerMetadataPropertiesToRemove": ["a"]}),
    );
    let package = bench.ask("DescribeModelPackage", json!({"ModelPackageName": arn}));
    assert_eq!(package["ModelApprovalStatus"], "Approved");
    assert_eq!(package["CustomerMetadataProperties"], json!({"b": "2"}));
    bench.refused(
        "UpdateModelPackage",
        json!({"ModelPackageArn": arn, "ModelApprovalStatus": "Maybe"}),
        "ValidationException",
        "Member must satisfy enum value set: [Approved, Rejected, PendingManualApproval]",
    );
    let approved = bench.ask(
        "ListModelPackages",
        json!({"ModelPackageGroupName": "g", "ModelApprovalStatus": "Rejected"}),
    );
    assert_eq!(approved["ModelPackageSummaryList"], json!([]));
}

#[test]
fn names_exclude_each_other() {
    let mut bench = Bench::new();
    let mut body = version("g");
    body["ModelPackageName"] = json!("p");
    bench.refused(
        "CreateModelPackage",
        body.clone(),
        "ValidationException",
        "Both ModelPackageName and ModelPackageGroupName are provided in the input. Cannot determine \
         which one to use.",
    );
    bench.refused(
        "CreateModelPackage",
        json!({}),
        "ValidationException",
        "Missing ARN.",
    );
    body.as_object_mut()
        .unwrap()
        .remove("ModelPackageGroupName");
    bench.ask("CreateModelPackage", body.clone());
    bench.refused(
        "CreateModelPackage",
        body,
        "ValidationException",
        "ModelPackage already exists",
    );
    let single = bench.ask("DescribeModelPackage", json!({"ModelPackageName": "p"}));
    assert_eq!(single.get("ModelApprovalStatus"), None);
}

#[test]
fn a_group_has_a_policy_or_says_that_there_is_none() {
    let mut bench = Bench::new();
    let group = json!({"ModelPackageGroupName": "g"});
    let ask = |policy: &str| json!({"ModelPackageGroupName": "g", "ResourcePolicy": policy});
    let put = "PutModelPackageGroupPolicy";
    bench.refused(put, ask("{}"), "ValidationException", "does not exist.");
    bench.ask("CreateModelPackageGroup", group.clone());
    for op in [
        "GetModelPackageGroupPolicy",
        "DeleteModelPackageGroupPolicy",
    ] {
        let none = "Cannot find resource policy";
        bench.refused(op, group.clone(), "ValidationException", none);
    }
    bench.refused(put, ask("{"), "ValidationException", "not valid JSON");
    bench.ask("CreateModelPackage", version("g"));
    bench.ask(put, ask("{\"Version\": \"2012-10-17\"}"));
    let found = bench.ask("GetModelPackageGroupPolicy", group.clone());
    assert_eq!(found["ResourcePolicy"], "{\"Version\": \"2012-10-17\"}");
    let second = bench.ask("CreateModelPackage", version("g"));
    let arn = second["ModelPackageArn"].as_str().unwrap();
    assert!(arn.ends_with("/g/2"), "{arn}");
    bench.ask("DeleteModelPackageGroupPolicy", group);
}

#[test]
fn a_batch_shows_what_there_is_and_names_what_there_is_not() {
    let mut bench = Bench::new();
    let group = json!({"ModelPackageGroupName": "g"});
    bench.ask("CreateModelPackageGroup", group);
    let made = bench.ask("CreateModelPackage", version("g"));
    let arn = made["ModelPackageArn"].as_str().unwrap();
    let none = arn.replace("/g/1", "/g/7");
    let found = bench.ask(
        "BatchDescribeModelPackage",
        json!({"ModelPackageArnList": [arn, none]}),
    );
    let shown = &found["ModelPackageSummaries"][arn];
    assert_eq!(shown["ModelApprovalStatus"], "PendingManualApproval");
    assert_eq!(shown["ModelPackageVersion"], 1);
    let failed = &found["BatchDescribeModelPackageErrorMap"][&none];
    assert_eq!(failed["ErrorCode"], "ValidationException");
}
