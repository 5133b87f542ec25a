//! Artifacts, actions, contexts and their associations; what the service tracks by itself.

use serde_json::{Value, json};

use super::pipeline::{created, one_job, start};
use super::{BUCKET, Bench, ROLE, completed};
use crate::resource::error::Class;
use crate::world::work::JobOutcome;

fn artifact(bench: &mut Bench, uri: &str, kind: &str) -> String {
    let wanted = json!({"Source": {"SourceUri": uri}, "ArtifactType": kind,
        "Properties": {"rows": "10", "by": "hand"}});
    let made = bench.ask("CreateArtifact", wanted);
    made["ArtifactArn"].as_str().unwrap().to_owned()
}

fn arns(list: &Value, member: &str, arn: &str) -> Vec<String> {
    let items = list[member].as_array().unwrap().iter();
    items
        .map(|item| item[arn].as_str().unwrap().to_owned())
        .collect()
}

fn associate(bench: &mut Bench, from: &str, to: &str) {
    let both = json!({"SourceArn": from, "DestinationArn": to, "AssociationType": "ContributedTo"});
    bench.ask("AddAssociation", both);
}

#[test]
fn an_artifact_is_its_source() {
    let mut bench = Bench::new();
    let arn = artifact(&mut bench, "s3://b/data", "DataSet");
    let other = artifact(&mut bench, "s3://b/other", "Model");
    let again = json!({"Source": {"SourceUri": "s3://b/data"}, "ArtifactType": "Other"});
    let error = bench.refused(
        "CreateArtifact",
        again,
        "ValidationException",
        "already exists",
    );
    assert_eq!(error.class, Class::AlreadyExists);
    bench.ask(
        "UpdateArtifact",
        json!({"ArtifactArn": arn, "ArtifactName": "data", "Properties": {"rows": "11"},
            "PropertiesToRemove": ["by"]}),
    );
    let found = bench.ask("DescribeArtifact", json!({"ArtifactArn": arn}));
    assert_eq!(found["Properties"], json!({"rows": "11"}));
    assert_eq!(found["ArtifactName"], "data");
    let of = json!({"SourceUri": "s3://b/other"});
    let list = bench.ask("ListArtifacts", of);
    assert_eq!(
        arns(&list, "ArtifactSummaries", "ArtifactArn"),
        [other.as_str()]
    );
    let list = bench.ask("ListArtifacts", json!({"ArtifactType": "DataSet"}));
    assert_eq!(
        arns(&list, "ArtifactSummaries", "ArtifactArn"),
        [arn.as_str()]
    );

    bench.refused(
        "DeleteArtifact",
        json!({}),
        "ValidationException",
        "Exactly one",
    );
    let gone = json!({"Source": {"SourceUri": "s3://b/data"}});
    assert_eq!(
        bench.ask("DeleteArtifact", gone.clone())["ArtifactArn"],
        arn
    );
    bench.refused("DeleteArtifact", gone, "ResourceNotFound", "does not exist");
}

#[test]
fn what_is_associated_is_found_from_both_ends_and_stays() {
    let mut bench = Bench::new();
    let data = artifact(&mut bench, "s3://b/data", "DataSet");
    let model = artifact(&mut bench, "s3://b/model", "Model");
    let source = json!({"SourceUri": "arn:x", "SourceType": "ARN"});
    let action = json!({"ActionName": "deploy", "ActionType": "ModelDeployment",
        "Source": source, "Status": "InProgress"});
    let action = bench.ask("CreateAction", action)["ActionArn"].clone();
    let action = action.as_str().unwrap();
    let context = json!({"ContextName": "live", "ContextType": "Endpoint", "Source": source});
    let context = bench.ask("CreateContext", context)["ContextArn"].clone();
    let context = context.as_str().unwrap();
    associate(&mut bench, &data, &model);
    associate(&mut bench, &model, action);
    associate(&mut bench, action, context);
    let same = json!({"SourceArn": data, "DestinationArn": model});
    bench.refused(
        "AddAssociation",
        same,
        "ValidationException",
        "already exists",
    );
    let missing = format!("{data}0");
    let none = json!({"SourceArn": data, "DestinationArn": missing});
    bench.refused("AddAssociation", none, "ResourceNotFound", "does not exist");

    let list = bench.ask("ListAssociations", json!({"DestinationArn": action}));
    let shown = &list["AssociationSummaries"][0];
    assert_eq!(shown["SourceType"], "Model");
    assert_eq!(shown["DestinationType"], "ModelDeployment");
    assert_eq!(shown["DestinationName"], "deploy");

    let mut check = |body: Value, expected: &[&str], edges: usize| {
        let mut body = body;
        body["StartArns"] = json!([model]);
        let found = bench.ask("QueryLineage", body);
        assert_eq!(arns(&found, "Vertices", "Arn"), expected);
        let all = found.get("Edges").and_then(Value::as_array);
        assert_eq!(all.map_or(0, Vec::len), edges);
    };
    check(json!({}), &[action, &data, context], 3);
    check(json!({"Direction": "Ascendants"}), &[&data], 1);
    check(json!({"Direction": "Descendants"}), &[action, context], 2);
    let near = json!({"Direction": "Descendants", "MaxDepth": 1, "IncludeEdges": false});
    check(near, &[action], 0);
    let types = json!({"Filters": {"LineageTypes": ["Context"]}});
    check(types, &[context], 3);
    let properties = json!({"Filters": {"Types": ["DataSet"], "Properties": {"by": "hand"}}});
    check(properties, &[&data], 3);
    check(json!({"Filters": {"CreatedAfter": 1.9e9}}), &[], 3);

    let page = json!({"StartArns": [model], "MaxResults": 2});
    let first = bench.ask("QueryLineage", page.clone());
    let mut rest = page;
    rest["NextToken"] = first["NextToken"].clone();
    let rest = bench.ask("QueryLineage", rest);
    assert_eq!(arns(&rest, "Vertices", "Arn"), [context]);
    assert_eq!(rest.get("NextToken"), None);

    bench.refused(
        "DeleteAction",
        json!({"ActionName": "deploy"}),
        "ValidationException",
        "associations must be deleted first",
    );
    for (from, to) in [(&*model, action), (action, context)] {
        let both = json!({"SourceArn": from, "DestinationArn": to});
        bench.ask("DeleteAssociation", both.clone());
        bench.refused(
            "DeleteAssociation",
            both,
            "ResourceNotFound",
            "does not exist",
        );
    }
    bench.ask(
        "UpdateAction",
        json!({"ActionName": "deploy", "Status": "Completed"}),
    );
    let found = bench.ask("DescribeAction", json!({"ActionName": "deploy"}));
    assert_eq!(found["Status"], "Completed");
    bench.ask("DeleteAction", json!({"ActionName": "deploy"}));
    bench.ask(
        "UpdateContext",
        json!({"ContextName": "live", "Description": "it is"}),
    );
    let found = bench.ask("DescribeContext", json!({"ContextName": "live"}));
    assert_eq!(found["Description"], "it is");
    let list = bench.ask("ListContexts", json!({"ContextType": "Endpoint"}));
    assert_eq!(arns(&list, "ContextSummaries", "ContextArn"), [context]);
    bench.ask("DeleteContext", json!({"ContextName": "live"}));
}

/// The names and types of what is found by a query.
fn found(bench: &mut Bench, arn: &str, direction: &str) -> Vec<String> {
    let query = json!({"StartArns": [arn], "Direction": direction});
    let found = bench.ask("QueryLineage", query);
    let mut types: Vec<String> = arns(&found, "Vertices", "Type");
    types.sort();
    types
}

#[test]
fn an_execution_of_a_pipeline_is_a_trial_and_leads_from_data_to_package() {
    let mut bench = created();
    let arn = start(&mut bench, 'a');
    let id = arn.rsplit('/').next().unwrap().to_owned();
    for _ in 0..2 {
        let job = one_job(&mut bench);
        let artefact = format!("s3://{BUCKET}/models/{}/output/model.tar.gz", job.name);
        bench.job(job.id, completed(Some(&artefact)));
    }
    let evaluate = one_job(&mut bench);
    let report = json!({"binary_classification_metrics": {"auc": {"value": 0.9}}}).to_string();
    let file = format!("run/{id}/evaluation/evaluation.json");
    bench.put(&file, report.as_bytes());
    bench.job(evaluate.id, completed(None));

    let trial = bench.ask("DescribeTrial", json!({"TrialName": id}));
    assert_eq!(trial["ExperimentName"], "churn");
    assert_eq!(trial["Source"]["SourceType"], "SageMakerPipeline");
    let list = bench.ask("ListTrialComponents", json!({"TrialName": id}));
    let names = arns(&list, "TrialComponentSummaries", "TrialComponentName");
    assert_eq!(names.len(), 3);
    let training = names
        .iter()
        .find(|name| name.ends_with("-aws-training-job"));
    let named = json!({"TrialComponentName": training.unwrap()});
    let component = bench.ask("DescribeTrialComponent", named);
    assert_eq!(component["Status"]["PrimaryStatus"], "Completed");
    assert_eq!(
        component["Parameters"],
        json!({"rounds": {"NumberValue": 20.0}})
    );
    assert_eq!(component["Metrics"][0]["Last"], 0.91);
    assert!(component["OutputArtifacts"]["SageMaker.ModelArtifact"]["Value"].is_string());

    let list = bench.ask("ListArtifacts", json!({"ArtifactType": "ModelPackage"}));
    let package = arns(&list, "ArtifactSummaries", "ArtifactArn")
        .pop()
        .unwrap();
    assert_eq!(
        found(&mut bench, &package, "Ascendants"),
        [
            "DataSet",
            "DataSet",
            "Image",
            "Model",
            "SageMakerProcessingJob",
            "SageMakerTrainingJob"
        ]
    );
    assert_eq!(found(&mut bench, &package, "Descendants"), ["ModelGroup"]);
}

#[test]
fn a_job_belongs_to_the_experiment_that_it_names() {
    let mut bench = Bench::new();
    let job = |name: &str, config: Value| {
        json!({
            "TrainingJobName": name, "RoleArn": ROLE, "ExperimentConfig": config,
            "AlgorithmSpecification": {"TrainingImage": "i", "TrainingInputMode": "File"},
            "OutputDataConfig": {"S3OutputPath": format!("s3://{BUCKET}/models")},
            "ResourceConfig":
                {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 30},
            "HyperParameters": {"rounds": "5", "loss": "log"},
        })
    };
    let config = json!({"ExperimentName": "ex", "TrialName": "t",
        "TrialComponentDisplayName": "first-try"});
    bench.refused(
        "CreateTrainingJob",
        job("a", config.clone()),
        "ResourceNotFound",
        "Experiment 'arn:aws:sagemaker:eu-west-1:111122223333:experiment/ex' does not exist.",
    );
    bench.ask("CreateExperiment", json!({"ExperimentName": "ex"}));
    let trial = json!({"TrialName": "t", "ExperimentName": "ex"});
    bench.ask("CreateTrial", trial);
    bench.ask("CreateTrainingJob", job("a", config));
    let name = json!({"TrialComponentName": "a-aws-training-job"});
    let component = bench.ask("DescribeTrialComponent", name.clone());
    assert_eq!(component["Status"]["PrimaryStatus"], "InProgress");
    assert_eq!(component["DisplayName"], "first-try");
    assert_eq!(
        component["Parameters"]["loss"],
        json!({"StringValue": "log"})
    );
    let list = bench.ask("ListTrialComponents", json!({"ExperimentName": "ex"}));
    let names = arns(&list, "TrialComponentSummaries", "TrialComponentName");
    assert_eq!(names, ["a-aws-training-job"]);
    let work = one_job(&mut bench);
    bench.job(work.id, JobOutcome::Failed("AlgorithmError: no".to_owned()));
    let component = bench.ask("DescribeTrialComponent", name);
    assert_eq!(
        component["Status"],
        json!({"PrimaryStatus": "Failed", "Message": "AlgorithmError: no"})
    );
    assert_eq!(component.get("OutputArtifacts"), None);

    // A job without an experiment leaves no trace.
    let mut plain = job("b", json!({}));
    plain.as_object_mut().unwrap().remove("ExperimentConfig");
    bench.ask("CreateTrainingJob", plain);
    let list = bench.ask("ListTrialComponents", json!({}));
    assert_eq!(list["TrialComponentSummaries"].as_array().unwrap().len(), 1);
}

#[test]
fn an_execution_that_has_no_experiment_leaves_no_trace() {
    let mut bench = Bench::new();
    let step = json!({"Name": "S", "Type": "Fail", "Arguments": {"ErrorMessage": "no"}});
    let mut run = |name: &str, config: Option<Value>| {
        let mut definition = json!({"Version": "2020-12-01", "Steps": [step]});
        if let Some(config) = config {
            definition["PipelineExperimentConfig"] = config;
        }
        let token = name.repeat(16);
        bench.ask(
            "CreatePipeline",
            json!({"PipelineName": name, "RoleArn": ROLE, "ClientRequestToken": token,
                "PipelineDefinition": definition.to_string()}),
        );
        let start = json!({"PipelineName": name, "ClientRequestToken": token});
        bench.ask("StartPipelineExecution", start);
        let list = bench.ask("ListExperiments", json!({}));
        arns(&list, "ExperimentSummaries", "ExperimentName")
    };
    assert_eq!(run("p1", Some(Value::Null)), Vec::<String>::new());
    assert_eq!(run("p2", None), ["p2"]);
    let other = json!({"ExperimentName": "other", "TrialName": "t"});
    assert_eq!(run("p3", Some(other)), ["other", "p2"]);
}
