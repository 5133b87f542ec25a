//! Experiments, trials, components and model cards.

use serde_json::{Value, json};

use super::Bench;
use crate::resource::error::Class;

/// An experiment with a trial and a component in it.
fn bench() -> Bench {
    let mut bench = Bench::new();
    bench.ask("CreateExperiment", json!({"ExperimentName": "Ex"}));
    let trial = json!({"TrialName": "t", "ExperimentName": "ex"});
    bench.ask("CreateTrial", trial);
    let component = json!({
        "TrialComponentName": "c",
        "Parameters": {"depth": {"NumberValue": 3.0}, "loss": {"StringValue": "log"}},
        "Status": {"PrimaryStatus": "InProgress"},
    });
    bench.ask("CreateTrialComponent", component);
    bench.ask(
        "AssociateTrialComponent",
        json!({"TrialComponentName": "c", "TrialName": "t"}),
    );
    bench
}

fn names(list: &Value, member: &str, name: &str) -> Vec<String> {
    let items = list[member].as_array().unwrap().iter();
    items
        .map(|item| item[name].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn an_experiment_is_found_whatever_its_case_and_made_once() {
    let mut bench = bench();
    let found = bench.ask("DescribeExperiment", json!({"ExperimentName": "eX"}));
    assert_eq!(found["ExperimentName"], "Ex");
    assert_eq!(found["DisplayName"], "Ex");
    let arn = "arn:aws:sagemaker:eu-west-1:111122223333:experiment/ex";
    assert_eq!(found["ExperimentArn"], arn);
    let error = bench.refused(
        "CreateExperiment",
        json!({"ExperimentName": "ex"}),
        "ValidationException",
        "already exists",
    );
    assert_eq!(error.class, Class::AlreadyExists);
    let error = bench.refused(
        "CreateTrial",
        json!({"TrialName": "u", "ExperimentName": "none"}),
        "ResourceNotFound",
        "does not exist",
    );
    assert_eq!(error.class, Class::NotFound);
}

#[test]
fn an_update_adds_to_maps_and_takes_out_what_is_named() {
    let mut bench = bench();
    bench.wait(10);
    let update = json!({
        "TrialComponentName": "c",
        "Status": {"PrimaryStatus": "Completed", "Message": "done"},
        "Parameters": {"depth": {"NumberValue": 4.0}, "rate": {"NumberValue": 0.1}},
        "ParametersToRemove": ["loss", "never"],
    });
    bench.ask("UpdateTrialComponent", update);
    let found = bench.ask("DescribeTrialComponent", json!({"TrialComponentName": "c"}));
    assert_eq!(
        found["Parameters"],
        json!({"depth": {"NumberValue": 4.0}, "rate": {"NumberValue": 0.1}})
    );
    assert_eq!(found["Status"]["PrimaryStatus"], "Completed");
    assert!(found["LastModifiedTime"].as_f64() > found["CreationTime"].as_f64());
}

#[test]
fn lists_follow_what_is_part_of_what() {
    let mut bench = bench();
    bench.ask(
        "CreateTrial",
        json!({"TrialName": "u", "ExperimentName": "Ex"}),
    );
    bench.ask("CreateTrialComponent", json!({"TrialComponentName": "d"}));
    let mut check = |op: &str, body: Value, member: &str, name: &str, expect: &[&str]| {
        assert_eq!(names(&bench.ask(op, body), member, name), expect, "{op}");
    };
    let (trials, components) = ("TrialSummaries", "TrialComponentSummaries");
    check(
        "ListTrials",
        json!({"ExperimentName": "Ex"}),
        trials,
        "TrialName",
        &["u", "t"],
    );
    let of = json!({"TrialComponentName": "c"});
    check("ListTrials", of, trials, "TrialName", &["t"]);
    let mut list = |body, expect| {
        check(
            "ListTrialComponents",
            body,
            components,
            "TrialComponentName",
            expect,
        );
    };
    list(json!({}), &["d", "c"]);
    list(json!({"TrialName": "t"}), &["c"]);
    list(json!({"TrialName": "u"}), &[]);
    list(json!({"ExperimentName": "Ex"}), &["c"]);
    bench.refused(
        "ListTrialComponents",
        json!({"ExperimentName": "Ex", "TrialName": "t"}),
        "ValidationException",
        "Only one of",
    );
    let query = json!({
        "Resource": "ExperimentTrialComponent",
        "SearchExpression": {"Filters": [
            {"Name": "Parents.ExperimentName", "Operator": "Equals", "Value": "Ex"}]},
    });
    let found = bench.ask("Search", query);
    let found = &found["Results"].as_array().unwrap()[..];
    assert_eq!(found.len(), 1);
    let parents = json!([{"TrialName": "t", "ExperimentName": "Ex"}]);
    assert_eq!(found[0]["TrialComponent"]["Parents"], parents);
}

#[test]
fn what_has_parts_and_what_is_a_part_stays() {
    let mut bench = bench();
    let deletions = [
        ("DeleteExperiment", json!({"ExperimentName": "Ex"})),
        ("DeleteTrial", json!({"TrialName": "t"})),
        ("DeleteTrialComponent", json!({"TrialComponentName": "c"})),
    ];
    for (op, body) in &deletions {
        bench.refused(op, body.clone(), "ValidationException", "first");
    }
    bench.ask(
        "DisassociateTrialComponent",
        json!({"TrialComponentName": "c", "TrialName": "t"}),
    );
    for (op, body) in deletions.into_iter().rev() {
        let answer = bench.ask(op, body.clone());
        assert!(answer.as_object().unwrap().values().any(Value::is_string));
        bench.refused(op, body, "ResourceNotFound", "does not exist");
    }
}

#[test]
fn a_new_content_of_a_card_is_a_new_version() {
    let mut bench = Bench::new();
    let card = |content: &str| json!({"ModelCardName": "card", "Content": content, "ModelCardStatus": "Draft"});
    bench.refused(
        "CreateModelCard",
        card("[]"),
        "ValidationException",
        "JSON object",
    );
    bench.ask("CreateModelCard", card("{}"));
    let again = bench.refused("CreateModelCard", card("{}"), "ConflictException", "exists");
    assert_eq!(again.class, Class::AlreadyExists);
    let content = r#"{"model_overview": {"model_owner": "a"}}"#;
    bench.ask(
        "UpdateModelCard",
        json!({"ModelCardName": "card", "Content": content}),
    );
    bench.ask(
        "UpdateModelCard",
        json!({"ModelCardName": "card", "ModelCardStatus": "Approved"}),
    );
    bench.refused(
        "UpdateModelCard",
        card("{}"),
        "ValidationException",
        "in one call",
    );
    let check = |bench: &mut Bench, version: Value, content: &str, status: &str| {
        let mut body = json!({"ModelCardName": "card"});
        if !version.is_null() {
            body["ModelCardVersion"] = version;
        }
        let found = bench.ask("DescribeModelCard", body);
        assert_eq!(
            (&found["Content"], &found["ModelCardStatus"]),
            (&json!(content), &json!(status))
        );
    };
    check(&mut bench, Value::Null, content, "Approved");
    check(&mut bench, json!(1), "{}", "Draft");
    let none = json!({"ModelCardName": "card", "ModelCardVersion": 3});
    bench.refused(
        "DescribeModelCard",
        none,
        "ResourceNotFound",
        "no version 3",
    );
    let list = json!({"ModelCardName": "card", "MaxResults": 1});
    let first = bench.ask("ListModelCardVersions", list.clone());
    assert_eq!(
        first["ModelCardVersionSummaryList"][0]["ModelCardVersion"],
        2
    );
    let mut rest = list;
    rest["NextToken"] = first["NextToken"].clone();
    let rest = bench.ask("ListModelCardVersions", rest);
    assert_eq!(
        rest["ModelCardVersionSummaryList"][0]["ModelCardVersion"],
        1
    );
    assert_eq!(rest.get("NextToken"), None);
    let approved = bench.ask("ListModelCards", json!({"ModelCardStatus": "Approved"}));
    assert_eq!(
        names(&approved, "ModelCardSummaries", "ModelCardName"),
        ["card"]
    );
    bench.ask("DeleteModelCard", json!({"ModelCardName": "card"}));
}
