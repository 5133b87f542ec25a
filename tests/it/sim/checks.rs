//! What must hold at the end of a run, whatever happened on the way.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use trueup::world::World;

use super::forge::MAIN;
use super::repository::path;
use super::stage::{Stage, scope};

/// The end of a run, as far as it must be the same for all runs of a workload.
#[derive(Debug, PartialEq)]
pub(crate) struct End {
    /// Kind to names.
    names: BTreeMap<&'static str, BTreeSet<String>>,
    /// Endpoint to the config that it names.
    serving: BTreeMap<&'static str, String>,
    /// The release files.
    releases: BTreeMap<&'static str, Option<String>>,
    /// Branches.
    branches: BTreeSet<String>,
}

const LISTS: &[(&str, &str, &str)] = &[
    ("ListModels", "Models", "ModelName"),
    (
        "ListEndpointConfigs",
        "EndpointConfigs",
        "EndpointConfigName",
    ),
    ("ListEndpoints", "Endpoints", "EndpointName"),
    ("ListPipelines", "PipelineSummaries", "PipelineName"),
    (
        "ListModelPackageGroups",
        "ModelPackageGroupSummaryList",
        "ModelPackageGroupName",
    ),
    (
        "ListDataQualityJobDefinitions",
        "JobDefinitionSummaries",
        "MonitoringJobDefinitionName",
    ),
    (
        "ListMonitoringSchedules",
        "MonitoringScheduleSummaries",
        "MonitoringScheduleName",
    ),
];

/// How a run ended.
pub(crate) fn end(stage: &mut Stage) -> End {
    let mut names = BTreeMap::new();
    for (op, items, name) in LISTS {
        let listed = stage.console(
            World::operation(op).expect("a list"),
            json!({"MaxResults": 100}),
        );
        let listed = listed[*items].as_array().cloned().unwrap_or_default();
        names.insert(
            *op,
            listed
                .iter()
                .filter_map(|item| item[*name].as_str().map(str::to_owned))
                .collect(),
        );
    }
    let serving =
        ["churn-staging", "churn-production"].map(|endpoint| (endpoint, stage.config_of(endpoint)));
    let releases = ["releases/staging.yaml", "releases/production.yaml"]
        .map(|file| (file, stage.forge.text(&path(file))));
    End {
        names,
        serving: serving.into(),
        releases: releases.into(),
        branches: stage.forge.branches(),
    }
}

/// Nothing was made twice: every create that succeeded was of another name, and there is one
/// execution and one package for each run.
pub(crate) fn nothing_doubled(stage: &mut Stage, runs: usize) {
    let mut seen = BTreeSet::new();
    for entry in stage
        .world
        .calls()
        .iter()
        .filter(|entry| entry.error.is_none() && entry.op.starts_with("Create"))
    {
        assert!(
            seen.insert((entry.op.clone(), entry.name.clone())),
            "{} {} twice",
            entry.op,
            entry.name
        );
    }
    let executions = stage.console("ListPipelineExecutions", json!({"PipelineName": "churn"}));
    assert_eq!(
        executions["PipelineExecutionSummaries"]
            .as_array()
            .map_or(0, Vec::len),
        runs,
        "executions"
    );
    let packages = stage.console(
        "ListModelPackages",
        json!({"ModelPackageGroupName": "churn"}),
    );
    assert_eq!(
        packages["ModelPackageSummaryList"]
            .as_array()
            .map_or(0, Vec::len),
        runs,
        "packages"
    );
}

/// Resources that look like ours and are not: same prefix, our tags copied, another installation.
pub(crate) fn plant_strangers(stage: &mut Stage) {
    let tags = |owner: &str, name: &str| json!([{"Key": "trueup:owner", "Value": owner}, {"Key": "trueup:self", "Value": name}]);
    let group = |name: &str, tags: Value| json!({"ModelPackageGroupName": name, "Tags": tags});
    stage.console("CreateModelPackageGroup", group("churn-old", json!([])));
    stage.console(
        "CreateModelPackageGroup",
        group("churn-copied", tags("acme/churn/home", "churn")),
    );
    stage.console(
        "CreateModelPackageGroup",
        group("churn-other", tags("other/churn/home", "churn-other")),
    );
}

/// The strangers are as they were.
pub(crate) fn strangers(stage: &mut Stage) -> Vec<Value> {
    ["churn-old", "churn-copied", "churn-other"]
        .map(|name| {
            let body = stage.console(
                "DescribeModelPackageGroup",
                json!({"ModelPackageGroupName": name}),
            );
            let tags = stage.console(
                "ListTags",
                json!({"ResourceArn": body["ModelPackageGroupArn"]}),
            );
            json!({"body": body, "tags": tags})
        })
        .to_vec()
}

/// Everything that always holds at the end.
pub(crate) fn all(stage: &mut Stage, reference: &End, strangers_before: &[Value], runs: usize) {
    stage.stays_quiet();
    assert_eq!(end(stage), *reference, "another end than without a fault");
    nothing_doubled(stage, runs);
    assert_eq!(
        strangers(stage),
        strangers_before,
        "something foreign was touched"
    );
    assert!(stage.forge.branches().contains(MAIN));
    assert_eq!(scope().account, "111122223333");
}
