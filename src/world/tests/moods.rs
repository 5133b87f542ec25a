//! What is unlike the ideal service: late readers, quotas, regions without capacity; and Search.

use serde_json::{Value, json};

use super::super::Settings;
use super::{Bench, ROLE};
use crate::clock::SignedDuration;
use crate::resource::error::Class;

fn moody(settings: Settings) -> Bench {
    let mut bench = Bench::new();
    bench.world.set(settings);
    bench.model("m");
    bench.config("one", "m");
    bench
}

fn names(answer: &Value, list: &str, pointer: &str) -> Vec<String> {
    let items = answer[list].as_array().unwrap().iter();
    items
        .map(|item| item.pointer(pointer).unwrap().as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn lists_lag_and_descriptions_do_not() {
    let mut bench = moody(Settings {
        lists_lag: SignedDuration::from_secs(30),
        ..Settings::default()
    });
    let listed = |bench: &mut Bench| {
        let answer = bench.ask("ListEndpointConfigs", json!({}));
        names(&answer, "EndpointConfigs", "/EndpointConfigName")
    };
    assert_eq!(listed(&mut bench), [""; 0]);
    bench.ask(
        "DescribeEndpointConfig",
        json!({"EndpointConfigName": "one"}),
    );
    bench.wait(30);
    assert_eq!(listed(&mut bench), ["one"]);
    bench.ask("DeleteEndpointConfig", json!({"EndpointConfigName": "one"}));
    bench.config("two", "m");
    assert_eq!(listed(&mut bench), ["one"]);
    bench.wait(29);
    assert_eq!(listed(&mut bench), ["one"]);
    bench.wait(1);
    assert_eq!(listed(&mut bench), ["two"]);
}

#[test]
fn a_new_config_is_not_seen_for_a_while() {
    let mut bench = moody(Settings {
        configs_lag: SignedDuration::from_secs(45),
        ..Settings::default()
    });
    let create = json!({"EndpointName": "e", "EndpointConfigName": "one"});
    let error = bench.refused(
        "CreateEndpoint",
        create.clone(),
        "ValidationException",
        "Could not find endpoint configuration",
    );
    assert_eq!(error.class, Class::NotYet);
    bench.wait(45);
    bench.ask("CreateEndpoint", create);
}

#[test]
fn a_quota_counts_both_fleets() {
    let mut bench = moody(Settings {
        quotas: [("ml.m5.large".to_owned(), 1)].into(),
        ..Settings::default()
    });
    bench.config("two", "m");
    bench.ask(
        "CreateEndpoint",
        json!({"EndpointName": "e", "EndpointConfigName": "one"}),
    );
    bench.fleets(None);
    bench.wait(240);
    let words = "The account-level service limit 'ml.m5.large for endpoint usage' is 1 Instances, \
                 with current utilization of 1 Instances and a request delta of 1 Instances.";
    for (op, body) in [
        (
            "UpdateEndpoint",
            json!({"EndpointName": "e", "EndpointConfigName": "two"}),
        ),
        (
            "CreateEndpoint",
            json!({"EndpointName": "f", "EndpointConfigName": "two"}),
        ),
        (
            "UpdateEndpointWeightsAndCapacities",
            json!({"EndpointName": "e", "DesiredWeightsAndCapacities":
                [{"VariantName": "main", "DesiredInstanceCount": 2}]}),
        ),
    ] {
        let error = bench.refused(op, body, "ResourceLimitExceeded", words);
        assert_eq!(error.class, Class::Quota);
    }
    bench.world.set(Settings::default());
    bench.ask(
        "UpdateEndpoint",
        json!({"EndpointName": "e", "EndpointConfigName": "two"}),
    );
}

#[test]
fn without_capacity_nothing_comes_up() {
    let mut bench = moody(Settings::default());
    bench.config("two", "m");
    bench.ask(
        "CreateEndpoint",
        json!({"EndpointName": "e", "EndpointConfigName": "one"}),
    );
    bench.fleets(None);
    bench.wait(240);
    bench.world.set(Settings {
        without_capacity: ["ml.m5.large".to_owned()].into(),
        ..Settings::default()
    });
    bench.ask(
        "UpdateEndpoint",
        json!({"EndpointName": "e", "EndpointConfigName": "two"}),
    );
    assert_eq!(bench.wait(299), []);
    bench.wait(1);
    let endpoint = bench.ask("DescribeEndpoint", json!({"EndpointName": "e"}));
    assert_eq!(endpoint["EndpointStatus"], "InService");
    assert_eq!(endpoint["EndpointConfigName"], "one");
    let reason = endpoint["FailureReason"].as_str().unwrap();
    assert!(reason.contains("InsufficientInstanceCapacity"), "{reason}");
}

#[test]
fn search_shows_a_model_with_what_is_around_it() {
    let mut bench = moody(Settings::default());
    bench.model("served");
    bench.model("idle");
    bench.config("config", "served");
    bench.ask(
        "CreateEndpoint",
        json!({"EndpointName": "e", "EndpointConfigName": "config"}),
    );
    let filter =
        json!({"Filters": [{"Name": "ModelName", "Operator": "Equals", "Value": "served"}]});
    let answer = bench.ask(
        "Search",
        json!({"Resource": "Model", "SearchExpression": filter}),
    );
    let found = &answer["Results"].as_array().unwrap()[..];
    assert_eq!(found.len(), 1, "{answer}");
    let model = &found[0]["Model"];
    assert_eq!(model["Model"]["ModelName"], "served");
    assert_eq!(model["Endpoints"][0]["EndpointName"], "e");
    assert_eq!(model["MonitoringSchedules"], json!([]));
    let answer = bench.ask("Search", json!({"Resource": "Model"}));
    assert_eq!(names(&answer, "Results", "/Model/Model/ModelName").len(), 3);
}

#[test]
fn search_shows_versions_of_pipelines() {
    let mut bench = moody(Settings::default());
    let definition = json!({"Version": "2020-12-01", "Steps": [{"Name": "No", "Type": "Fail",
        "Arguments": {"ErrorMessage": "no"}}]})
    .to_string();
    let token = "t".repeat(32);
    bench.ask(
        "CreatePipeline",
        json!({"PipelineName": "p", "PipelineDefinition": definition, "RoleArn": ROLE,
            "ClientRequestToken": token}),
    );
    let update = json!({"PipelineName": "p", "PipelineVersionAliases": ["prod"]});
    let arn = bench.ask("UpdatePipeline", update)["PipelineArn"].clone();
    let mut check = |expression: Value, expected: Value| {
        let answer = bench.ask(
            "Search",
            json!({"Resource": "PipelineVersion", "SearchExpression": expression}),
        );
        let results = answer["Results"].as_array().unwrap().iter();
        let versions: Vec<_> = results
            .map(|one| one["PipelineVersion"]["PipelineVersionId"].clone())
            .collect();
        assert_eq!(json!(versions), expected, "{answer}");
    };
    check(json!({}), json!([2, 1]));
    let alias = json!({"Name": "PipelineVersionAliases", "Operator": "Equals", "Value": "prod"});
    check(json!({"Filters": [alias]}), json!([2]));
    let of = json!({"Name": "PipelineArn", "Operator": "NotEquals", "Value": arn});
    check(json!({"Filters": [of]}), json!([]));
}

#[test]
fn search_shows_whole_records_by_property_and_tag() {
    let mut bench = moody(Settings::default());
    for (name, owner) in [("a", "x"), ("b", "y"), ("c", "x")] {
        bench.ask(
            "CreateModelPackageGroup",
            json!({"ModelPackageGroupName": name, "ModelPackageGroupDescription": format!("d{name}"),
                "Tags": [{"Key": "trueup:owner", "Value": owner}]}),
        );
    }
    let mut check = |expression: Value, expected: &[&str]| {
        let body = json!({"Resource": "ModelPackageGroup", "SearchExpression": expression,
            "SortBy": "CreationTime", "SortOrder": "Ascending"});
        let answer = bench.ask("Search", body);
        let found = names(
            &answer,
            "Results",
            "/ModelPackageGroup/ModelPackageGroupName",
        );
        assert_eq!(found, expected, "{expression}");
    };
    let filter = |name: &str, operator: &str, value: &str| json!({"Name": name, "Operator": operator, "Value": value});
    let name = "ModelPackageGroupName";
    check(json!({}), &["a", "b", "c"]);
    check(
        json!({"Filters": [filter("Tags.trueup:owner", "Equals", "x")]}),
        &["a", "c"],
    );
    check(
        json!({"Filters": [filter("Tags.trueup:owner", "Equals", "x"), filter(name, "NotEquals", "a")]}),
        &["c"],
    );
    check(
        json!({"Operator": "Or", "Filters": [filter(name, "Equals", "b"), filter(name, "In", "c,d")]}),
        &["b", "c"],
    );
    check(
        json!({"SubExpressions": [{"Operator": "Or", "Filters":
            [filter(name, "Equals", "a"), filter(name, "Equals", "b")]}],
            "Filters": [filter("ModelPackageGroupDescription", "Contains", "db")]}),
        &["b"],
    );
    check(
        json!({"Filters": [{"Name": "Tags.none", "Operator": "NotExists"}, filter("CreationTime", "GreaterThan", "0")]}),
        &["a", "b", "c"],
    );
    let since = |time: &str| json!({"Filters": [filter("CreationTime", "GreaterThan", time)]});
    check(since("2020-01-01T00:00:00"), &["a", "b", "c"]);
    check(since("2120-01-01T00:00:00"), &[]);
    let page = bench.ask(
        "Search",
        json!({"Resource": "ModelPackageGroup", "MaxResults": 2}),
    );
    assert_eq!(page["Results"].as_array().unwrap().len(), 2);
    let next = json!({"Resource": "ModelPackageGroup", "NextToken": page["NextToken"]});
    let last = bench.ask("Search", next);
    assert_eq!(last["Results"].as_array().unwrap().len(), 1);
    assert_eq!(last.get("NextToken"), None);
    bench.refused(
        "Search",
        json!({"Resource": "Image"}),
        "ValidationException",
        "not supported",
    );
}

#[test]
fn unknown_members_are_dropped_and_refused_where_that_is_asked_for() {
    let look = json!({"EndpointConfigName": "one", "Colour": "red"});
    let mut bench = moody(Settings::default());
    bench.ask("DescribeEndpointConfig", look.clone());
    let mut bench = moody(Settings {
        strict: true,
        ..Settings::default()
    });
    bench.refused(
        "DescribeEndpointConfig",
        look,
        "ParamValidationError",
        "Unknown parameter in input",
    );
    let nested = json!({"EndpointConfigName": "two", "ProductionVariants": [
        {"VariantName": "main", "ModelName": "m", "InstanceType": "ml.m5.large",
         "InitialInstanceCount": 1, "Colour": "red"},
    ]});
    bench.refused(
        "CreateEndpointConfig",
        nested,
        "ParamValidationError",
        "Unknown parameter in input",
    );
}
