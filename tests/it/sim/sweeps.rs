//! Lists tell what was changed behind Git's back, and nothing is described for it.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use trueup::clock::SignedDuration;
use trueup::cloud::drive;
use trueup::execute::inventory::Inventory;
use trueup::execute::pass::Mode;
use trueup::execute::sweep::{Grounds, Sweep, Swept};
use trueup::resource::call::Call;

use super::kinds::settled_full;
use super::present::present;
use super::repository::{FULL, path};
use super::stage::{Stage, scope};
use super::weather::Calm;

/// What a look at everything remembers.
fn inventory(stage: &mut Stage) -> Inventory {
    let sweep = stage.sweep(Mode::Plan, &mut Calm);
    let present = present(&stage.forge, &stage.tip());
    let mut inventory = Inventory::default();
    for (model, pass) in present.models.iter().zip(&sweep.models) {
        inventory.record(&model.loaded.folder, pass, stage.now);
        assert!(inventory.holds(&model.loaded.folder), "it is settled");
    }
    inventory
}

/// What a sweep finds, and the operations that it takes.
fn sweep(stage: &mut Stage, inventory: &Inventory) -> (Swept, Vec<&'static str>) {
    let present = present(&stage.forge, &stage.tip());
    let desired = present
        .models
        .iter()
        .flat_map(|model| &model.prepared.desired);
    let grounds = Grounds {
        scopes: BTreeSet::from([scope()]),
        installation: present.installation.installation.clone(),
        owners: Some(desired.map(|desired| desired.owner.clone()).collect()),
        since: stage.now - SignedDuration::from_mins(10),
        margin: SignedDuration::from_mins(1),
    };
    let (mut ops, now) = (Vec::new(), stage.now);
    let swept = drive(Sweep::new(inventory, grounds), now, |call| {
        assert!(!call.mutates());
        ops.push(call.op);
        stage.world.call(now, call)
    });
    assert_eq!(swept.gaps, []);
    (swept, ops)
}

/// The newest of what a list shows.
fn newest(stage: &mut Stage, op: &'static str, items: &str, name: &str) -> Value {
    let listed = stage.console(
        op,
        json!({"SortBy": "CreationTime", "SortOrder": "Descending"}),
    );
    listed[items][0][name].clone()
}

#[test]
fn a_sweep_over_what_is_settled_lists_and_finds_nothing() {
    let mut stage = settled_full();
    stage.after(SignedDuration::from_hours(1), &mut Calm);
    let inventory = inventory(&mut stage);
    let (swept, mut ops) = sweep(&mut stage, &inventory);
    assert_eq!(swept, Swept::default());
    ops.sort_unstable();
    ops.dedup();
    let lists = [
        "DescribeAlarms",
        "DescribeScalableTargets",
        "DescribeScalingPolicies",
        "ListMonitoringSchedules",
        "Search",
    ];
    assert_eq!(ops, lists);
}

#[test]
fn what_a_hand_changed_is_to_be_described() {
    let mut settled = settled_full();
    settled.after(SignedDuration::from_hours(1), &mut Calm);
    let inventory = inventory(&mut settled);
    let config = settled.config_of("churn-production");
    let package = {
        let group = json!({"ModelPackageGroupName": "churn"});
        settled.console("ListModelPackages", group)["ModelPackageSummaryList"][0]["ModelPackageArn"]
            .clone()
    };
    let pipeline = newest(
        &mut settled,
        "ListPipelines",
        "PipelineSummaries",
        "PipelineName",
    );
    let parameters = {
        let run = json!({"PipelineName": pipeline});
        let runs = settled.console("ListPipelineExecutions", run);
        let arn = &runs["PipelineExecutionSummaries"][0]["PipelineExecutionArn"];
        let of = json!({"PipelineExecutionArn": arn});
        settled.console("ListPipelineParametersForExecution", of)["PipelineParameters"].clone()
    };
    let endpoint_arn =
        settled.console("DescribeEndpoint", json!({"EndpointName": "churn-staging"}));
    let endpoint_arn = &endpoint_arn["EndpointArn"];
    let schedule = newest(
        &mut settled,
        "ListMonitoringSchedules",
        "MonitoringScheduleSummaries",
        "MonitoringScheduleName",
    );
    let alarm =
        settled.console("DescribeAlarms", json!({"AlarmNamePrefix": "churn"}))["MetricAlarms"][0]["AlarmName"].clone();
    let target = settled.console(
        "DescribeScalableTargets",
        json!({"ServiceNamespace": "sagemaker"}),
    );
    let target = &target["ScalableTargets"][0]["ResourceId"];
    let scaled = json!({"ServiceNamespace": "sagemaker", "ResourceId": target,
        "ScalableDimension": "sagemaker:variant:DesiredInstanceCount"});
    let with = |base: &Value, more: Value| {
        let mut body = base.clone();
        body.as_object_mut()
            .expect("an object")
            .extend(more.as_object().expect("an object").clone());
        body
    };
    let hands = [
        (
            "UpdateEndpoint",
            json!({"EndpointName": "churn-staging", "EndpointConfigName": config}),
        ),
        (
            "DeletePipeline",
            json!({"PipelineName": pipeline, "ClientRequestToken": "d".repeat(40)}),
        ),
        (
            "AddTags",
            json!({"ResourceArn": endpoint_arn, "Tags": [{"Key": "team", "Value": "them"}]}),
        ),
        (
            "UpdatePipeline",
            json!({"PipelineName": pipeline, "PipelineDescription": "by hand"}),
        ),
        (
            "StartPipelineExecution",
            json!({"PipelineName": pipeline, "PipelineParameters": parameters,
                "ClientRequestToken": "t".repeat(40)}),
        ),
        (
            "UpdateModelPackage",
            json!({"ModelPackageArn": package, "ModelApprovalStatus": "Rejected"}),
        ),
        (
            "StopMonitoringSchedule",
            json!({"MonitoringScheduleName": schedule}),
        ),
        (
            "DeleteMonitoringSchedule",
            json!({"MonitoringScheduleName": schedule}),
        ),
        (
            "RegisterScalableTarget",
            with(&scaled, json!({"MaxCapacity": 9})),
        ),
        ("DeregisterScalableTarget", scaled.clone()),
        ("DeleteAlarms", json!({"AlarmNames": [alarm]})),
    ];
    for (op, body) in hands {
        let mut stage = settled.clone();
        stage.console(op, body);
        stage.after(SignedDuration::from_mins(5), &mut Calm);
        let (swept, _) = sweep(&mut stage, &inventory);
        assert_eq!(swept.differing.len(), 1, "{op} is not noticed");
    }
}

#[test]
fn what_a_commit_no_longer_declares_is_orphaned_and_left_alone() {
    let mut stage = settled_full();
    let (before, _) = FULL.split_once("  production:\n").expect("an environment");
    stage
        .forge
        .commit(&[(&path("config.yaml"), Some(before.as_bytes()))]);
    stage.settle(&mut Calm);
    let inventory = inventory(&mut stage);
    let changes = stage.ledger.changes;
    let (swept, _) = sweep(&mut stage, &inventory);
    let orphans: Vec<_> = swept
        .orphans
        .iter()
        .map(|orphan| (orphan.kind, orphan.name.as_str(), orphan.owner.as_str()))
        .collect();
    assert_eq!(
        orphans,
        [("Endpoint", "churn-production", "acme/churn/production")]
    );
    assert_eq!(stage.ledger.changes, changes);
    let found = stage.world.call(
        stage.now,
        &Call::new(
            "DescribeEndpoint",
            &scope(),
            json!({"EndpointName": "churn-production"}),
        ),
    );
    assert_eq!(found.expect("it is there")["EndpointStatus"], "InService");
}
