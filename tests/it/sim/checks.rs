//! What must hold at the end of a run, whatever happened on the way.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::ledger::Violation;
use super::present::present;
use super::stage::{Stage, scope};

/// Every rule, by its name.
pub(crate) const ORACLES: &[&str] = &[
    "ours only",
    "one change at a time",
    "deletes nothing",
    "keeps what is used",
    "creates what is not there",
    "in order",
    "one run an attempt",
    "one package a run",
    "keeps what autoscaling set",
    "gives up",
    "calls what it plans",
    "status is true",
    "writes releases only",
    "quarantine holds",
    "gates hold",
    "promotes what has soaked",
    "never down",
    "comes to rest",
    "quiet at rest",
    "foreign untouched",
    "git decides",
    "nothing doubled",
    "same end",
    "calls are bounded",
    "never panics",
];

/// The end of a run to the letter: equal for runs of which each did the same things once.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct End {
    /// Kind to names.
    names: BTreeMap<&'static str, BTreeSet<String>>,
    /// Endpoint to the config that it names.
    serving: BTreeMap<String, String>,
    /// The files of main's tip.
    files: BTreeMap<String, String>,
    /// Branches.
    branches: BTreeSet<String>,
}

const KINDS: &[(&str, &str)] = &[
    ("DescribeModel", "ModelName"),
    ("DescribeEndpointConfig", "EndpointConfigName"),
    ("DescribeEndpoint", "EndpointName"),
    ("DescribePipeline", "PipelineName"),
    ("DescribeModelPackageGroup", "ModelPackageGroupName"),
    ("DescribeModelPackage", "ModelPackageArn"),
    ("DescribeDataQualityJobDefinition", "JobDefinitionName"),
    ("DescribeMonitoringSchedule", "MonitoringScheduleName"),
];

/// How a run ended, to the letter.
pub(crate) fn end(stage: &Stage) -> End {
    let scope = scope();
    let text = |body: &Value, member: &str| body[member].as_str().unwrap_or_default().to_owned();
    let names = KINDS.iter().map(|(describe, name)| {
        let all = stage.world.peek_all(&scope, describe);
        (*describe, all.map(|body| text(body, name)).collect())
    });
    let endpoints = stage.world.peek_all(&scope, "DescribeEndpoint");
    let snapshot = stage.forge.snapshot(&stage.tip());
    End {
        names: names.collect(),
        serving: endpoints
            .map(|body| (text(body, "EndpointName"), text(body, "EndpointConfigName")))
            .collect(),
        files: snapshot
            .files
            .iter()
            .map(|(path, file)| (path.clone(), file.blob.0.clone()))
            .collect(),
        branches: stage.forge.branches(),
    }
}

/// What a run came to, whatever things are called: the same for every way there.
pub(crate) fn meaning(stage: &Stage) -> BTreeMap<String, Value> {
    let mut found = BTreeMap::new();
    let tip = stage.tip();
    let present = present(&stage.forge, &tip);
    for (path, file) in &present.snapshot.files {
        if !path.contains("/releases/") {
            found.insert(path.clone(), json!(file.blob.0));
        }
    }
    for model in &present.models {
        let name = &model.config.name;
        for environment in &model.config.environments {
            let place = format!("{name}-{}", environment.name);
            let release = model.loaded.releases.get(&environment.name);
            let released = release.and_then(|release| release.main()).map(|main| {
                json!([
                    main.run,
                    main.code.digest,
                    main.data,
                    main.image,
                    main.model_data.size
                ])
            });
            found.insert(format!("release {place}"), released.into());
            if release.is_none() {
                // Git asks for nothing here: what is there is nobody's business.
                continue;
            }
            found.insert(format!("endpoint {place}"), endpoint(stage, &place));
            found.insert(format!("monitor {place}"), monitor(stage, &place));
        }
        let pipeline = stage.world.peek(&scope(), "DescribePipeline", name);
        let pipeline = pipeline.map(|(body, tags)| {
            json!([
                body["PipelineDefinition"],
                body["RoleArn"],
                plain_tags(tags)
            ])
        });
        found.insert(format!("pipeline {name}"), pipeline.into());
    }
    found
}

fn plain_tags(tags: Option<&BTreeMap<String, String>>) -> BTreeMap<String, String> {
    let ours = tags.into_iter().flatten();
    ours.filter(|(key, _)| !key.starts_with("trueup:") || *key == "trueup:owner")
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect()
}

fn without(body: &Value, members: &[&str]) -> Value {
    let mut body = body.clone();
    if let Some(body) = body.as_object_mut() {
        body.retain(|key, _| !members.contains(&key.as_str()));
    }
    body
}

fn endpoint(stage: &Stage, name: &str) -> Value {
    let scope = scope();
    let Some((body, tags)) = stage.world.peek(&scope, "DescribeEndpoint", name) else {
        return Value::Null;
    };
    let config = body["EndpointConfigName"].as_str().unwrap_or_default();
    let config = stage.world.peek(&scope, "DescribeEndpointConfig", config);
    let variants = config.map(|(config, _)| {
        let variants = config["ProductionVariants"].as_array();
        let variants = variants.into_iter().flatten().map(|variant| {
            let model = variant["ModelName"].as_str().unwrap_or_default();
            json!([without(variant, &["ModelName"]), served(stage, model)])
        });
        json!([variants.collect::<Vec<_>>(), config["DataCaptureConfig"]])
    });
    let running = body["ProductionVariants"].as_array().into_iter().flatten();
    let running = running.map(|variant| without(variant, &["DeployedImages"]));
    json!({
        "status": body["EndpointStatus"],
        "tags": plain_tags(tags),
        "config": variants,
        "running": running.collect::<Vec<_>>(),
    })
}

/// What a model serves: its artefact by content.
fn served(stage: &Stage, model: &str) -> Value {
    let Some((body, tags)) = stage.world.peek(&scope(), "DescribeModel", model) else {
        return Value::Null;
    };
    let container = &body["PrimaryContainer"];
    let uri = container["ModelDataUrl"].as_str().unwrap_or_default();
    let artefact = trueup::resource::call::s3_parts(uri)
        .and_then(|(bucket, key)| stage.world.objects().head(bucket, key))
        .map(|object| object.sha256.clone());
    json!([
        without(container, &["ModelDataUrl"]),
        artefact,
        plain_tags(tags)
    ])
}

fn monitor(stage: &Stage, place: &str) -> Value {
    let scope = scope();
    let name = format!("{place}-data-quality");
    let Some((body, _)) = stage
        .world
        .peek(&scope, "DescribeMonitoringSchedule", &name)
    else {
        return Value::Null;
    };
    let definition = body["MonitoringScheduleConfig"]["MonitoringJobDefinitionName"].as_str();
    let definition = definition.and_then(|name| {
        let describe = "DescribeDataQualityJobDefinition";
        let (body, _) = stage.world.peek(&scope, describe, name)?;
        let ids = ["JobDefinitionName", "JobDefinitionArn", "CreationTime"];
        Some(without(body, &ids))
    });
    let schedule = &body["MonitoringScheduleConfig"];
    json!([
        body["MonitoringScheduleStatus"],
        schedule["ScheduleConfig"],
        definition
    ])
}

/// Git decides: what each endpoint serves is what the tip's release and configuration say, read
/// here by hand and not by the product's own comparison.
pub(crate) fn git_decides(stage: &Stage) -> Result<(), Violation> {
    let present = present(&stage.forge, &stage.tip());
    for model in &present.models {
        for environment in &model.config.environments {
            let place = format!("{}-{}", model.config.name, environment.name);
            if present.is_absent(&place) {
                taken_down(stage, &place)?;
                continue;
            }
            let release = model.loaded.releases.get(&environment.name);
            let Some(main) = release.and_then(|release| release.main()) else {
                continue;
            };
            let state = endpoint(stage, &place);
            let variant = &state["config"][0][0][0];
            let container = &state["config"][0][0][1];
            let wanted = &environment.deployment.variants["AllTraffic"];
            let artefact = trueup::resource::call::s3_parts(&main.model_data.uri)
                .and_then(|(bucket, key)| stage.world.objects().head(bucket, key))
                .map(|object| object.sha256.clone());
            let running = &state["running"][0];
            let count = json!(wanted.initial_instance_count);
            let facts = [
                (json!("InService"), &state["status"]),
                (json!(artefact), &container[1]),
                (json!(main.image), &container[0]["Image"]),
                (json!(wanted.instance_type), &variant["InstanceType"]),
                (count.clone(), &running["DesiredInstanceCount"]),
                (count, &running["CurrentInstanceCount"]),
            ];
            if let Some((wanted, found)) = facts.iter().find(|(wanted, found)| wanted != *found) {
                return Err(Violation {
                    oracle: "git decides",
                    what: format!("{place}: {found} is not {wanted}: {state:#}"),
                });
            }
        }
    }
    Ok(())
}

/// Nothing is left of what is to be absent, of what has ever had its name.
fn taken_down(stage: &Stage, place: &str) -> Result<(), Violation> {
    let scope = scope();
    for (describe, member) in KINDS {
        let names = stage.world.peek_all(&scope, describe);
        let names = names.map(|body| body[*member].as_str().unwrap_or_default());
        let mut left =
            names.filter(|name| *name == place || name.starts_with(&format!("{place}-")));
        if let Some(left) = left.next() {
            return Err(Violation {
                oracle: "git decides",
                what: format!("{place} is to be absent, and there is {left}"),
            });
        }
    }
    Ok(())
}

/// Nothing was made twice: no two models, and no two endpoint configs, of one content; one package
/// for each run and serving code.
pub(crate) fn nothing_doubled(stage: &Stage) -> Result<(), Violation> {
    let kinds: &[(&str, &[&str])] = &[
        ("DescribeModel", &["ModelName", "ModelArn", "CreationTime"]),
        (
            "DescribeEndpointConfig",
            &["EndpointConfigName", "EndpointConfigArn", "CreationTime"],
        ),
        (
            "DescribeDataQualityJobDefinition",
            &["JobDefinitionName", "JobDefinitionArn", "CreationTime"],
        ),
    ];
    let mut seen: BTreeMap<String, &Value> = BTreeMap::new();
    let scope = scope();
    for (describe, ids) in kinds {
        for body in stage.world.peek_all(&scope, describe) {
            let name = body[ids[0]].as_str().unwrap_or_default();
            if name == BY_HAND {
                continue;
            }
            let place = name.rsplit_once('-').map_or("", |(stem, _)| stem);
            let content = format!("{describe} {place} {}", without(body, ids));
            if let Some(other) = seen.insert(content, body) {
                return Err(Violation {
                    oracle: "nothing doubled",
                    what: format!("{} and {name}", other[ids[0]]),
                });
            }
        }
    }
    let mut packages = BTreeSet::new();
    for body in stage.world.peek_all(&scope, "DescribeModelPackage") {
        let what = (
            body["ModelPackageGroupName"].to_string(),
            body["ModelPackageDescription"].to_string(),
        );
        if !packages.insert(what.clone()) {
            return Err(Violation {
                oracle: "nothing doubled",
                what: format!("package {what:?}"),
            });
        }
    }
    Ok(())
}

/// What a console's edit calls its endpoint config.
pub(crate) const BY_HAND: &str = "by-hand";

const STRANGERS: [&str; 3] = ["churn-old", "churn-copied", "churn-other"];

/// Resources that look like ours and are not: same prefix, our tags copied, another installation.
/// One of them has the name that a model of ours would like to have.
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

/// The strangers as they are.
pub(crate) fn strangers(stage: &Stage) -> Vec<Value> {
    let scope = scope();
    STRANGERS
        .map(|name| {
            let found = stage.world.peek(&scope, "DescribeModelPackageGroup", name);
            json!(found)
        })
        .to_vec()
}

/// Everything that always holds at the end of a run that came to rest.
pub(crate) fn at_rest(stage: &Stage, strangers_before: &[Value]) -> Result<(), Violation> {
    if let Some(first) = stage.ledger.violations.first() {
        return Err(first.clone());
    }
    if strangers(stage) != strangers_before {
        return Err(Violation {
            oracle: "foreign untouched",
            what: format!("{:?}", strangers(stage)),
        });
    }
    git_decides(stage)?;
    nothing_doubled(stage)
}

/// The first difference between two ends.
pub(crate) fn same_meaning(
    found: &BTreeMap<String, Value>,
    expected: &BTreeMap<String, Value>,
) -> Result<(), Violation> {
    let keys: BTreeSet<_> = found.keys().chain(expected.keys()).collect();
    let null = Value::Null;
    for key in keys {
        let (one, two) = (
            found.get(key).unwrap_or(&null),
            expected.get(key).unwrap_or(&null),
        );
        if let Some(difference) = difference(key.clone(), one, two) {
            return Err(Violation {
                oracle: "same end",
                what: difference,
            });
        }
    }
    Ok(())
}

/// Where two values first differ, and how.
fn difference(place: String, one: &Value, two: &Value) -> Option<String> {
    if one == two {
        return None;
    }
    match (one, two) {
        (Value::Object(left), Value::Object(right)) => {
            let keys: BTreeSet<_> = left.keys().chain(right.keys()).collect();
            let mut found = keys
                .into_iter()
                .filter_map(|key| difference(format!("{place}/{key}"), &one[key], &two[key]));
            found.next()
        }
        (Value::Array(left), Value::Array(right)) if left.len() == right.len() => {
            let pairs = left.iter().zip(right).enumerate();
            let mut found =
                pairs.filter_map(|(at, (l, r))| difference(format!("{place}/{at}"), l, r));
            found.next()
        }
        _ => Some(format!("{place} is {one}, without faults {two}")),
    }
}
