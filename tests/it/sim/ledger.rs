//! What trueup did, and the rules that hold at every single call.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde_json::Value;
use trueup::clock::{SignedDuration, Timestamp};
use trueup::execute::pass::UnitPass;
use trueup::plan::step::{Expect, Step};
use trueup::resource::call::{Answer, Call};
use trueup::resource::desired::Desired;
use trueup::snapshot::Write;
use trueup::world::World;

use super::forge::Forge;
use super::stage::scope;

/// A rule that was broken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Violation {
    /// Which rule.
    pub(crate) oracle: &'static str,
    /// How.
    pub(crate) what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}] {}", self.oracle, self.what)
    }
}

/// The books.
#[derive(Debug, Clone)]
pub(crate) struct Ledger {
    /// Calls that trueup made.
    pub(crate) asked: u64,
    /// Of those, changes.
    pub(crate) changes: u64,
    /// What was broken, in order.
    pub(crate) violations: Vec<Violation>,
    /// Only one daemon is at work, and what it reads is true: what the service refuses for the
    /// state of a thing, it could have known.
    pub(crate) alone: bool,
    pub(crate) honest: bool,
    /// A daemon's clock was wrong at some time: what it wrote down is wrong as well.
    pub(crate) skewed: bool,
    /// Pipelines that the pass at hand made itself: they are ours until somebody looks again.
    made: BTreeSet<String>,
    /// Display name to the executions that were started for it.
    runs: BTreeMap<String, BTreeSet<String>>,
    /// Content of a package that was made of another, and how often.
    packaged: BTreeMap<String, BTreeSet<String>>,
    /// What the update at hand brings, where it follows one that failed.
    again: Option<(String, String)>,
    /// Endpoint and config to the updates after failed ones that were accepted.
    pub(crate) updates: BTreeMap<(String, String), usize>,
}

impl Default for Ledger {
    fn default() -> Self {
        Self {
            asked: 0,
            changes: 0,
            violations: Vec::new(),
            alone: true,
            honest: true,
            skewed: false,
            made: BTreeSet::new(),
            runs: BTreeMap::new(),
            packaged: BTreeMap::new(),
            again: None,
            updates: BTreeMap::new(),
        }
    }
}

/// Updates of one endpoint to one config, each after one that failed, for one attempt of a release.
const AGAIN: usize = 4;

/// Operation, Describe of what it is about, member that names that.
const SUBJECTS: &[(&str, &str, &str)] = &[
    ("UpdateEndpoint", "DescribeEndpoint", "EndpointName"),
    (
        "UpdateEndpointWeightsAndCapacities",
        "DescribeEndpoint",
        "EndpointName",
    ),
    ("DeleteEndpoint", "DescribeEndpoint", "EndpointName"),
    ("UpdatePipeline", "DescribePipeline", "PipelineName"),
    ("StartPipelineExecution", "DescribePipeline", "PipelineName"),
    (
        "UpdateMonitoringSchedule",
        "DescribeMonitoringSchedule",
        "MonitoringScheduleName",
    ),
    (
        "StartMonitoringSchedule",
        "DescribeMonitoringSchedule",
        "MonitoringScheduleName",
    ),
    (
        "DeleteMonitoringSchedule",
        "DescribeMonitoringSchedule",
        "MonitoringScheduleName",
    ),
    ("DeletePipeline", "DescribePipeline", "PipelineName"),
    ("DeleteModel", "DescribeModel", "ModelName"),
    (
        "DeleteEndpointConfig",
        "DescribeEndpointConfig",
        "EndpointConfigName",
    ),
    (
        "DeleteDataQualityJobDefinition",
        "DescribeDataQualityJobDefinition",
        "JobDefinitionName",
    ),
    (
        "CreateModelPackage",
        "DescribeModelPackageGroup",
        "ModelPackageGroupName",
    ),
];

/// Create operation, Describe, member that names it.
const CREATES: &[(&str, &str, &str)] = &[
    ("CreateModel", "DescribeModel", "ModelName"),
    (
        "CreateEndpointConfig",
        "DescribeEndpointConfig",
        "EndpointConfigName",
    ),
    ("CreateEndpoint", "DescribeEndpoint", "EndpointName"),
    ("CreatePipeline", "DescribePipeline", "PipelineName"),
    (
        "CreateModelPackageGroup",
        "DescribeModelPackageGroup",
        "ModelPackageGroupName",
    ),
    (
        "CreateDataQualityJobDefinition",
        "DescribeDataQualityJobDefinition",
        "JobDefinitionName",
    ),
    (
        "CreateMonitoringSchedule",
        "DescribeMonitoringSchedule",
        "MonitoringScheduleName",
    ),
];

/// A step's call with what its guards read right before it.
fn filled(step: &Step, called: &Call) -> Call {
    let mut call = step.call.clone();
    for guard in &step.guards {
        if let Expect::Yields { into, .. } = guard.expect {
            call.body[into] = called.body[into].clone();
        }
    }
    call
}

/// Whether the commit has this deleted: all of the unit, or what it does not mention any more.
fn left_over(call: &Call, desired: &Desired) -> bool {
    if desired.lifecycle.is_absent() {
        return true;
    }
    let name = match call.op {
        "DeleteMonitoringSchedule" => &call.body["MonitoringScheduleName"],
        "DeleteAlarm" => &call.body["AlarmName"],
        _ => return false,
    };
    let declared = desired
        .resources
        .iter()
        .any(|one| *name == one.stem.as_str());
    desired.lifecycle.destroys() && !declared
}

/// Endpoint, and config with the release's attempt, where an update follows one that failed.
fn again(call: &Call, world: &World) -> Option<(String, String)> {
    let text = |member: &str| call.body[member].as_str().unwrap_or_default();
    let (endpoint, config) = (text("EndpointName"), text("EndpointConfigName"));
    let (found, _) = world.peek(&scope(), "DescribeEndpoint", endpoint)?;
    let failed = call.op == "UpdateEndpoint" && found.get("FailureReason").is_some();
    let tags = world.peek(&scope(), "DescribeEndpointConfig", config);
    let tag = tags.and_then(|(_, tags)| tags?.get("trueup:update").cloned());
    let attempt = tag.as_deref().and_then(|tag| tag.split('.').next());
    let wanted = format!("{config} {}", attempt.unwrap_or_default());
    failed.then(|| (endpoint.to_owned(), wanted))
}

impl Ledger {
    pub(crate) fn violate(&mut self, oracle: &'static str, what: String) {
        if self.violations.len() < 8 {
            self.violations.push(Violation { oracle, what });
        }
    }

    /// Right before a change of a unit's is sent.
    pub(crate) fn before(&mut self, call: &Call, desired: &Desired, world: &World) {
        let owner = desired.owner.as_str();
        self.changes += 1;
        let text = |member: &str| call.body[member].as_str().unwrap_or_default();
        let scope = scope();
        for (op, describe, member) in SUBJECTS.iter().filter(|(op, ..)| *op == call.op) {
            let name = text(member);
            if *op == "StartPipelineExecution" && self.made.contains(name) {
                continue;
            }
            let Some((body, tags)) = world.peek(&scope, describe, name) else {
                continue;
            };
            let tag = |key: &str| tags.and_then(|tags| tags.get(key)).map(String::as_str);
            if tag("trueup:owner") != Some(owner) || tag("trueup:self") != Some(name) {
                self.violate("ours only", format!("{op} {name}: its tags are {tags:?}"));
            }
            let status = ["EndpointStatus", "MonitoringScheduleStatus"]
                .iter()
                .find_map(|member| body[*member].as_str());
            let moving =
                status.is_some_and(|status| status.ends_with("ing") || status == "Pending");
            if moving && self.alone && self.honest {
                self.violate(
                    "one change at a time",
                    format!("{op} {name}: it is {status:?}"),
                );
            }
            let may_go = status == Some("Failed") || desired.lifecycle.is_absent();
            if *op == "DeleteEndpoint" && !may_go {
                self.violate("deletes nothing", format!("{op} {name}: it is {status:?}"));
            }
        }
        if call.op.starts_with("Delete") && !left_over(call, desired) {
            self.collecting(call, world);
        }
        self.again = again(call, world);
        self.tagging(call, owner, world);
        self.creating(call, world);
    }

    /// What is named for its content goes when nothing names it any more; nothing else does.
    fn collecting(&mut self, call: &Call, world: &World) {
        let (op, scope) = (call.op, scope());
        let users: &[(&str, &str, &str)] = match op {
            "DeleteEndpoint" => return,
            "DeleteEndpointConfig" => &[("DescribeEndpoint", op, "EndpointConfigName")],
            "DeleteModel" => &[("DescribeEndpointConfig", op, "ModelName")],
            "DeleteDataQualityJobDefinition" => &[(
                "DescribeMonitoringSchedule",
                "JobDefinitionName",
                "MonitoringJobDefinitionName",
            )],
            _ => return self.violate("deletes nothing", op.to_owned()),
        };
        for (describe, by, member) in users {
            let by = if *by == op { member } else { by };
            let wanted = format!("\"{member}\":{}", call.body[*by]);
            let mut all = world.peek_all(&scope, describe);
            if let Some(user) = all.find(|body| body.to_string().contains(&wanted)) {
                self.violate("keeps what is used", format!("{op} {}: {user}", call.body));
            }
        }
    }

    fn tagging(&mut self, call: &Call, owner: &str, world: &World) {
        if call.op != "AddTags" {
            return;
        }
        let arn = call.body["ResourceArn"].as_str().unwrap_or_default();
        let name = arn.rsplit('/').next().unwrap_or_default();
        let found = CREATES
            .iter()
            .find_map(|(_, describe, _)| Some((world.peek(&scope(), describe, arn)?, describe)));
        let Some(((_, tags), _)) = found else { return };
        let tag = |key: &str| tags.and_then(|tags| tags.get(key)).map(String::as_str);
        if tag("trueup:owner") != Some(owner) || tag("trueup:self") != Some(name) {
            self.violate("ours only", format!("AddTags {arn}: its tags are {tags:?}"));
        }
    }

    fn creating(&mut self, call: &Call, world: &World) {
        if !(self.alone && self.honest) {
            return;
        }
        for (op, describe, member) in CREATES.iter().filter(|(op, ..)| *op == call.op) {
            let name = call.body[*member].as_str().unwrap_or_default();
            if world.peek(&scope(), describe, name).is_some() {
                self.violate("creates what is not there", format!("{op} {name}"));
            }
        }
        let wanted = match call.op {
            "CreateMonitoringSchedule" | "CreateDataQualityJobDefinition" => {
                let name = call.body[if call.op == "CreateMonitoringSchedule" {
                    "MonitoringScheduleName"
                } else {
                    "JobDefinitionName"
                }]
                .as_str()
                .unwrap_or_default();
                name.split("-data-quality").next()
            }
            _ => None,
        };
        if let Some(endpoint) = wanted {
            let found = world.peek(&scope(), "DescribeEndpoint", endpoint);
            let status = found.map(|(body, _)| body["EndpointStatus"].clone());
            // It was ready when it was looked at; a step of the same plan may move it since.
            let up = ["InService", "Updating"].map(|status| Some(status.into()));
            if !up.contains(&status) {
                self.violate(
                    "in order",
                    format!("{} while {endpoint} is {status:?}", call.op),
                );
            }
        }
    }

    /// What the service really made of a change.
    pub(crate) fn after(&mut self, call: &Call, answer: &Answer) {
        let Ok(answer) = answer else { return };
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        match call.op {
            "CreatePipeline" => {
                self.made.insert(text(&call.body["PipelineName"]));
            }
            "StartPipelineExecution" => {
                let (pipeline, name) = ("PipelineName", "PipelineExecutionDisplayName");
                let name = format!("{} {}", text(&call.body[pipeline]), text(&call.body[name]));
                let started = self.runs.entry(name.clone()).or_default();
                started.insert(text(&answer["PipelineExecutionArn"]));
                if started.len() > 1 {
                    self.violate("one run an attempt", name);
                }
            }
            "CreateModelPackage" => {
                let (group, name) = ("ModelPackageGroupName", "ModelPackageDescription");
                let name = format!("{} {}", text(&call.body[group]), text(&call.body[name]));
                let made = self.packaged.entry(name.clone()).or_default();
                made.insert(text(&answer["ModelPackageArn"]));
                if made.len() > 1 {
                    self.violate("one package a run", name);
                }
            }
            "UpdateEndpoint" => self.updated(call),
            _ => {}
        }
    }

    /// An update that was accepted.
    fn updated(&mut self, call: &Call) {
        if call.body["RetainAllVariantProperties"] != true {
            let name = call.body["EndpointName"].to_string();
            self.violate("keeps what autoscaling set", name);
        }
        let Some(key) = self.again.take() else { return };
        let count = self.updates.entry(key.clone()).or_default();
        *count += 1;
        if *count > AGAIN {
            let words = format!("{key:?}: {AGAIN} updates after failed ones");
            self.violate("gives up", words);
        }
    }

    /// A unit's pass ended: what it called is what it planned, and what it says is so.
    pub(crate) fn unit_done(&mut self, unit: &UnitPass, called: &[Call], world: &World) {
        self.made.clear();
        let mut steps = unit.plan.steps.iter().zip(called);
        let same = called.len() <= unit.plan.steps.len()
            && steps.all(|(step, called)| filled(step, called) == *called);
        if !same {
            self.violate("calls what it plans", unit.plan.unit.to_string());
        }
        if !unit.is_settled() || !self.honest {
            return;
        }
        let place = &unit.plan.unit.place;
        let endpoint = format!("{}-{place}", unit.plan.unit.model);
        let Some((body, _)) = world.peek(&scope(), "DescribeEndpoint", &endpoint) else {
            return;
        };
        if self.alone && body["EndpointStatus"] != "InService" {
            let what = format!(
                "{endpoint} is {}, the status says settled",
                body["EndpointStatus"]
            );
            self.violate("status is true", what);
        }
    }

    /// Before a commit of trueup's.
    pub(crate) fn write(&mut self, write: &Write, forge: &Forge, world: &World, now: Timestamp) {
        let base = forge.snapshot(&write.base);
        let rollback = write.message.contains("rollback(");
        for (path, text) in &write.files {
            let Some((folder, file)) = path.split_once("/releases/") else {
                // What a rollback leaves is quarantined by the same commit.
                if !(rollback && path.ends_with("/quarantine.yaml")) {
                    self.violate("writes releases only", path.clone());
                }
                continue;
            };
            let of = |name: &str| base.text(&format!("{folder}/{name}")).unwrap_or_default();
            let arn = field(text, "arn:").unwrap_or_default();
            if of("quarantine.yaml").contains(&format!("\"{arn}\"")) {
                self.violate("quarantine holds", format!("{arn} in {path}"));
            }
            let gate = of("config.yaml").split("auc: \">= ").nth(1);
            let gate = gate.and_then(|rest| rest.split('"').next()?.parse::<f64>().ok());
            let auc = field(text, "auc:").and_then(|value| value.parse::<f64>().ok());
            if file == "staging.yaml"
                && let (Some(gate), Some(auc)) = (gate, auc)
                && auc < gate
            {
                self.violate("gates hold", format!("{auc} < {gate} in {path}"));
            }
            if file == "production.yaml" && !rollback && self.honest && self.alone && !self.skewed {
                self.promotion(folder, of("config.yaml"), &arn, (world, now));
            }
        }
    }

    /// What is promoted was served where it comes from, long enough.
    fn promotion(&mut self, folder: &str, config: &str, arn: &str, at: (&World, Timestamp)) {
        let (world, now) = at;
        let name = field(config, "name:").unwrap_or_else(|| folder.to_owned());
        let served = world
            .peek(&scope(), "DescribeEndpoint", &format!("{name}-staging"))
            .and_then(|(endpoint, _)| {
                let config = endpoint["EndpointConfigName"].as_str()?;
                world.peek(&scope(), "DescribeEndpointConfig", config)
            });
        let since =
            served.and_then(|(_, tags)| tags?.get("trueup:converged")?.parse::<Timestamp>().ok());
        let soak = if config.contains("soak: 10m") { 600 } else { 0 };
        let soak = SignedDuration::from_secs(soak - 60);
        if since.is_none_or(|since| now.duration_since(since) < soak) {
            let what = format!("{arn} in {folder}: it holds in staging since {since:?}");
            self.violate("promotes what has soaked", what);
        }
    }
}

/// The text after `key` in a YAML line.
pub(crate) fn field(text: &str, key: &str) -> Option<String> {
    let line = text
        .lines()
        .map(|line| line.trim_start_matches([' ', '-']))
        .find(|line| line.starts_with(key))?;
    Some(line[key.len()..].trim().trim_matches('"').to_owned())
}
