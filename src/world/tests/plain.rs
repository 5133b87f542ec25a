//! Models, endpoint configs, tags, lists.

use serde_json::{Value, json};

use super::{BUCKET, Bench, ROLE};
use crate::resource::error::Class;

#[test]
fn a_model_is_echoed_with_what_the_service_adds() {
    let mut bench = Bench::new();
    bench.model("Churn-1");
    let mut model = bench.ask("DescribeModel", json!({"ModelName": "churn-1"}));
    assert_eq!(model["CreationTime"].take(), json!(1_790_000_000.0));
    assert_eq!(
        model,
        json!({
            "ModelName": "Churn-1",
            "ModelArn": "arn:aws:sagemaker:eu-west-1:111122223333:model/churn-1",
            "ExecutionRoleArn": ROLE,
            "EnableNetworkIsolation": false,
            "CreationTime": null,
            "PrimaryContainer": {
                "Image": "1.dkr.ecr.eu-west-1.amazonaws.com/serve:1",
                "ModelDataUrl": format!("s3://{BUCKET}/m/model.tar.gz"),
                "Environment": {"A": "b"},
                "Mode": "SingleModel",
            },
        })
    );
    let arn = "\"arn:aws:sagemaker:eu-west-1:111122223333:model/churn-1\".";
    let again = json!({"ModelName": "churn-1", "PrimaryContainer": {"Image": "i"}});
    let error = bench.refused(
        "CreateModel",
        again,
        "ValidationException",
        &format!("Cannot create already existing model {arn}"),
    );
    assert_eq!(error.class, Class::AlreadyExists);
    bench.ask("DeleteModel", json!({"ModelName": "Churn-1"}));
    for op in ["DescribeModel", "DeleteModel"] {
        let error = bench.refused(
            op,
            json!({"ModelName": "Churn-1"}),
            "ValidationException",
            &format!("Could not find model {arn}"),
        );
        assert_eq!(error.class, Class::NotFound);
    }
}

#[test]
fn model_data_must_be_there() {
    let mut bench = Bench::new();
    let model = |url: &str| {
        json!({"ModelName": "m", "ExecutionRoleArn": ROLE,
            "PrimaryContainer": {"Image": "i", "ModelDataUrl": url}})
    };
    let missing = format!("s3://{BUCKET}/none.tar.gz");
    for url in [
        missing.as_str(),
        "s3://elsewhere/x",
        "s3://sagemaker-us-east-1-111122223333/x",
    ] {
        bench.refused(
            "CreateModel",
            model(url),
            "ValidationException",
            &format!("Could not access model data at {url}."),
        );
    }
    for body in [
        json!({"ModelName": "m"}),
        json!({"ModelName": "m", "PrimaryContainer": {"Image": "i"}, "Containers": [{"Image": "i"}]}),
        json!({"ModelName": "m", "PrimaryContainer": {"Mode": "SingleModel"}}),
        json!({"ModelName": "m", "PrimaryContainer": {"Image": "i", "Environment": {"0": "x"}}}),
    ] {
        bench.refused("CreateModel", body, "ValidationException", "");
    }
}

fn check_config(change: impl FnOnce(&mut Value), message: &str) {
    let mut bench = Bench::new();
    bench.model("m");
    let mut body = json!({
        "EndpointConfigName": "c",
        "ProductionVariants": [{
            "VariantName": "v", "ModelName": "m",
            "InstanceType": "ml.m5.large", "InitialInstanceCount": 1,
        }],
        "DataCaptureConfig": {
            "InitialSamplingPercentage": 10, "DestinationS3Uri": "s3://b/p",
            "CaptureOptions": [{"CaptureMode": "Input"}],
        },
    });
    change(&mut body);
    bench.refused("CreateEndpointConfig", body, "ValidationException", message);
}

#[test]
fn endpoint_configs_are_checked() {
    check_config(
        |body| body["ProductionVariants"] = json!([]),
        "'productionVariants'",
    );
    check_config(
        |body| body["ProductionVariants"][0]["ModelName"] = json!("other"),
        "Could not find model \"arn:aws:sagemaker:eu-west-1:111122223333:model/other\".",
    );
    check_config(
        |body| body["ProductionVariants"][0]["InstanceType"] = json!("ml.m5.huge"),
        "'productionVariants.1.member.instanceType' failed to satisfy constraint",
    );
    check_config(
        |body| body["ProductionVariants"][0]["InitialInstanceCount"] = Value::Null,
        "InitialInstanceCount is required",
    );
    check_config(
        |body| {
            let variant = body["ProductionVariants"][0].clone();
            body["ProductionVariants"] = json!([variant, variant]);
        },
        "Variant names must be unique",
    );
    check_config(
        |body| {
            body["ProductionVariants"][0] = json!({"VariantName": "v", "ModelName": "m",
                "ServerlessConfig": {"MemorySizeInMB": 2048, "MaxConcurrency": 5}});
        },
        "Data capture is not supported for serverless endpoints.",
    );
    check_config(
        |body| body["DataCaptureConfig"]["InitialSamplingPercentage"] = json!(101),
        "'dataCaptureConfig.initialSamplingPercentage' failed to satisfy constraint: Member must \
         have value less than or equal to 100",
    );
}

#[test]
fn endpoint_configs_are_echoed_with_defaults() {
    let mut bench = Bench::new();
    bench.model("m");
    bench.config("c", "m");
    let config = bench.ask("DescribeEndpointConfig", json!({"EndpointConfigName": "c"}));
    assert_eq!(
        config["ProductionVariants"][0]["InitialVariantWeight"],
        json!(1.0)
    );
    assert_eq!(config["EnableNetworkIsolation"], json!(false));
    assert_eq!(config.get("DataCaptureConfig"), None);
    bench.refused(
        "DescribeEndpointConfig",
        json!({"EndpointConfigName": "d"}),
        "ValidationException",
        "Could not find endpoint configuration \
         \"arn:aws:sagemaker:eu-west-1:111122223333:endpoint-config/d\".",
    );
}

#[test]
fn lists_are_filtered_sorted_and_paged() {
    let mut bench = Bench::new();
    for at in 0..25 {
        bench.model(&format!("churn-{at:02}"));
        bench.wait(1);
    }
    bench.model("other");
    let mut names = Vec::new();
    let mut token = Value::Null;
    loop {
        let body = json!({"NameContains": "CHURN", "MaxResults": 10, "NextToken": token});
        let page = bench.ask("ListModels", body);
        for model in page["Models"].as_array().unwrap() {
            names.push(model["ModelName"].as_str().unwrap().to_owned());
        }
        // What is deleted between two pages moves nothing.
        let last = names.last().unwrap().clone();
        bench.ask("DeleteModel", json!({"ModelName": last}));
        token = page["NextToken"].clone();
        if token.is_null() {
            break;
        }
    }
    let expected: Vec<String> = (0..25).rev().map(|at| format!("churn-{at:02}")).collect();
    assert_eq!(names, expected);
    let first = bench.ask(
        "ListModels",
        json!({"SortBy": "Name", "SortOrder": "Ascending", "MaxResults": 1}),
    );
    assert_eq!(first["Models"][0]["ModelName"], "churn-01");
    let late = bench.ask("ListModels", json!({"CreationTimeAfter": 1_790_000_024.5}));
    assert_eq!(late["Models"].as_array().unwrap().len(), 1);
    bench.refused(
        "ListModels",
        json!({"NextToken": "x"}),
        "ValidationException",
        "Invalid pagination token",
    );
    let token = first["NextToken"].clone();
    bench.refused(
        "ListEndpoints",
        json!({"NextToken": token}),
        "ValidationException",
        "Invalid pagination token",
    );
}

#[test]
fn tags_live_and_die_with_their_resource() {
    let mut bench = Bench::new();
    let arn = "arn:aws:sagemaker:eu-west-1:111122223333:model/m";
    let tags = json!([{"Key": "trueup:owner", "Value": "a/b/c"}]);
    bench.ask(
        "CreateModel",
        json!({"ModelName": "m", "PrimaryContainer": {"Image": "i"}, "Tags": tags}),
    );
    let added = bench.ask(
        "AddTags",
        json!({"ResourceArn": arn, "Tags": [{"Key": "k", "Value": "v"}]}),
    );
    assert_eq!(added["Tags"].as_array().unwrap().len(), 2);
    bench.ask("DeleteTags", json!({"ResourceArn": arn, "TagKeys": ["k"]}));
    let listed = bench.ask("ListTags", json!({"ResourceArn": arn, "MaxResults": 50}));
    assert_eq!(listed, json!({"Tags": tags}));
    bench.refused(
        "AddTags",
        json!({"ResourceArn": arn, "Tags": [{"Key": "aws:x", "Value": "v"}]}),
        "ValidationException",
        "aws: prefixed tag key names are not allowed",
    );
    bench.refused(
        "ListTags",
        json!({"ResourceArn": arn, "MaxResults": 49}),
        "ValidationException",
        "greater than or equal to 50",
    );
    bench.ask("DeleteModel", json!({"ModelName": "m"}));
    let error = bench.refused(
        "ListTags",
        json!({"ResourceArn": arn}),
        "ValidationException",
        "Could not find model",
    );
    assert_eq!(error.class, Class::NotFound);
    bench.model("m");
    assert_eq!(
        bench.ask("ListTags", json!({"ResourceArn": arn})),
        json!({"Tags": []})
    );
}
