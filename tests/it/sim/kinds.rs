//! Every declared member of every kind: changed behind our back, the plan shows exactly that.

use serde_json::{Value, json};
use trueup::execute::pass::Mode;
use trueup::plan::step::{Action, Step};
use trueup::resource::desired::Resource;
use trueup::resource::kind::{FieldClass, Naming};
use trueup::snapshot::Snapshot;

use super::repository::{FULL, path};
use super::stage::{Stage, scope};
use super::weather::Calm;
use super::workload::{Deed, FIRST_AUC};

fn settled() -> Stage {
    let mut stage = Stage::new(FIRST_AUC);
    stage.play(&[Deed::Watch, Deed::Promote(0)], &mut Calm);
    stage
}

/// The same with everything that a deployment can ask for, a package in the shadow's slot included.
pub(crate) fn settled_full() -> Stage {
    let mut stage = Stage::new(FIRST_AUC);
    let config = path("config.yaml");
    stage.forge.commit(&[(&config, Some(FULL.as_bytes()))]);
    stage.play(&[Deed::Watch, Deed::Promote(0)], &mut Calm);
    let file = path("releases/production.yaml");
    let text = stage.forge.text(&file).expect("the release");
    let from = text.find("  main:\n").expect("the slot");
    let lines = text[from..].split_inclusive('\n');
    let slot: String = lines
        .enumerate()
        .take_while(|(at, line)| *at == 0 || line.starts_with("    "))
        .map(|(_, line)| line)
        .collect();
    let both = text.replacen(
        &slot,
        &(slot.clone() + &slot.replace("main:", "challenger:")),
        1,
    );
    stage.forge.commit(&[(&file, Some(both.as_bytes()))]);
    stage.settle(&mut Calm);
    stage
}

fn steps(stage: &mut Stage) -> Vec<Step> {
    let pass = stage.pass(Mode::Plan, &mut Calm);
    pass.units
        .into_iter()
        .flat_map(|unit| unit.plan.steps)
        .collect()
}

/// The leaves of a body, as pointers.
fn leaves(value: &Value, pointer: String, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (key, member) in members {
                leaves(member, format!("{pointer}/{key}"), found);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                leaves(item, format!("{pointer}/{index}"), found);
            }
        }
        _ => found.push(pointer),
    }
}

fn other(value: &Value) -> Value {
    match value {
        Value::String(text) if text.starts_with('{') => {
            json!("{\"Version\":\"2020-12-01\",\"Steps\":[]}")
        }
        Value::String(text) if text == "Scheduled" => json!("Stopped"),
        Value::String(text) => json!(format!("{text}x")),
        Value::Number(number) => json!(number.as_f64().unwrap_or_default() + 1.0),
        Value::Bool(flag) => json!(!flag),
        other => panic!("no leaf: {other}"),
    }
}

#[test]
fn a_plan_after_convergence_is_empty() {
    assert_eq!(steps(&mut settled()), []);
    let mut full = settled_full();
    assert_eq!(steps(&mut full), []);
    full.stays_quiet();
}

#[test]
fn every_declared_member_changed_behind_our_back_is_planned() {
    check_every_member(settled(), 40);
}

#[test]
fn so_is_every_optional_member_of_every_kind() {
    check_every_member(settled_full(), 130);
}

/// Everything that a commit asks for, in all units.
fn desired(snapshot: &Snapshot) -> Vec<Resource> {
    let loaded = trueup::config::load(snapshot);
    let installation = loaded.installation.expect("trueup.yaml");
    let model = &loaded.models[0];
    let config = model.config.clone().expect("config.yaml");
    let prepared = trueup::execute::model::prepare(&installation, model, &config, snapshot);
    let units = prepared.expect("it compiles").desired;
    units
        .into_iter()
        .flat_map(|desired| desired.resources)
        .collect()
}

/// Changes each declared member of each resource, one at a time, and expects a plan of just that.
fn check_every_member(stage: Stage, least: usize) {
    let snapshot = stage.forge.snapshot(&stage.forge.tip("main"));
    let mut tried = 0;
    for resource in desired(&snapshot) {
        let kind = resource.kind;
        let mut pointers = Vec::new();
        leaves(&resource.body, String::new(), &mut pointers);
        for pointer in pointers {
            let field = kind.field(&pointer.replace("/$ref", ""));
            let field =
                field.unwrap_or_else(|| panic!("{} {pointer} has no field class", kind.name));
            if pointer.ends_with("/$ref") || field.class == FieldClass::WriteOnly {
                continue;
            }
            // Who a subscription is for, and what sort a policy is of, is what they are called.
            if kind.naming == Naming::Mutable && field.class == FieldClass::CreateOnly {
                continue;
            }
            let mut stage = stage.clone();
            let name = match kind.naming {
                Naming::Mutable => resource.stem.clone(),
                Naming::Digest => name_in_use(&mut stage, &resource),
            };
            let found = stage
                .world
                .edit(&scope(), kind.ops.describe, &name, |body| {
                    let place = body
                        .pointer_mut(&pointer)
                        .unwrap_or_else(|| panic!("{} {pointer}", kind.name));
                    *place = other(place);
                });
            assert!(found, "{} {name}", kind.name);
            let steps = steps(&mut stage);
            let own = steps
                .iter()
                .find(|step| step.kind.name == kind.name && step.action != Action::Mark);
            let own = own.unwrap_or_else(|| panic!("{} {pointer}: {steps:#?}", kind.name));
            match kind.naming {
                Naming::Digest => assert_eq!(own.action, Action::Create, "{} {pointer}", kind.name),
                Naming::Mutable => {
                    let whole = own
                        .changes
                        .iter()
                        .map(|change| change.path.as_str())
                        .collect::<Vec<_>>();
                    let shown = whole.iter().any(|path| pointer.starts_with(path));
                    assert!(
                        shown && own.changes.len() == 1,
                        "{} {pointer}: {whole:?}",
                        kind.name
                    );
                }
            }
            tried += 1;
        }
    }
    assert!(tried > least, "only {tried} members");
}

/// The object that a digest-named resource is at the moment.
fn name_in_use(stage: &mut Stage, resource: &Resource) -> String {
    let stem = &resource.stem;
    let endpoint = stem
        .trim_end_matches("-data-quality")
        .trim_end_matches("-challenger");
    let config = stage.config_of(endpoint);
    match resource.kind.name {
        "EndpointConfig" => config,
        "Model" => {
            let body = stage.describe(
                "DescribeEndpointConfig",
                json!({"EndpointConfigName": config}),
            );
            let pointer = match resource.key.role.as_str() {
                "main" => "/ProductionVariants/0/ModelName",
                _ => "/ShadowProductionVariants/0/ModelName",
            };
            text(&body.expect("the config"), pointer)
        }
        _ => {
            let body = stage.describe(
                "DescribeMonitoringSchedule",
                json!({"MonitoringScheduleName": stem}),
            );
            text(
                &body.expect("the schedule"),
                "/MonitoringScheduleConfig/MonitoringJobDefinitionName",
            )
        }
    }
}

#[test]
fn tags_are_put_back_wherever_they_are() {
    let mut stage = settled_full();
    let (mut untagged, snapshot) = (0, stage.forge.snapshot(&stage.forge.tip("main")));
    for resource in desired(&snapshot) {
        let (Some(arn), Naming::Mutable) = (resource.kind.arn, resource.kind.naming) else {
            continue;
        };
        let located = resource.kind.located(&resource.stem);
        let body = stage.describe(resource.kind.ops.describe, located);
        let arn = &body.expect("it is there")[arn];
        let (op, body) = match arn.as_str().and_then(|arn| arn.split(':').nth(2)) {
            Some("sagemaker") => ("DeleteTags", json!({"ResourceArn": arn})),
            Some("sns") => ("sns:UntagResource", json!({"ResourceArn": arn})),
            Some("cloudwatch") => ("cloudwatch:UntagResource", json!({"ResourceARN": arn})),
            _ => (
                "application-autoscaling:UntagResource",
                json!({"ResourceARN": arn}),
            ),
        };
        let mut body = body;
        body["TagKeys"] = json!(["team"]);
        stage.console(op, body);
        untagged += 1;
    }
    let plan = steps(&mut stage);
    let calls: Vec<_> = plan.iter().map(|step| step.call.op).collect();
    assert_eq!(calls, vec!["AddTags"; untagged]);
    assert!(untagged > 10, "only {untagged}");
    stage.settle(&mut Calm);
    stage.stays_quiet();
}

fn text(body: &Value, pointer: &str) -> String {
    body.pointer(pointer)
        .and_then(Value::as_str)
        .expect("a name")
        .to_owned()
}

#[test]
fn what_somebody_deletes_or_repoints_is_put_back() {
    let mut stage = settled();
    let serving = stage.config_of("churn-staging");
    stage.console(
        "DeleteMonitoringSchedule",
        json!({"MonitoringScheduleName": "churn-production-data-quality"}),
    );
    let config = stage
        .describe(
            "DescribeEndpointConfig",
            json!({"EndpointConfigName": serving}),
        )
        .expect("the config");
    let mut variants = config["ProductionVariants"].clone();
    variants[0]["InitialInstanceCount"] = json!(3);
    stage.console(
        "CreateEndpointConfig",
        json!({"EndpointConfigName": "by-hand", "ProductionVariants": variants}),
    );
    stage.console(
        "UpdateEndpoint",
        json!({"EndpointName": "churn-staging", "EndpointConfigName": "by-hand"}),
    );
    for _ in 0..20 {
        stage.tick();
    }
    assert_eq!(stage.config_of("churn-staging"), "by-hand");
    stage.settle(&mut Calm);
    stage.stays_quiet();
    assert_eq!(stage.config_of("churn-staging"), serving);
    let schedule = json!({"MonitoringScheduleName": "churn-production-data-quality"});
    assert!(
        stage
            .describe("DescribeMonitoringSchedule", schedule)
            .is_some()
    );
    let endpoint = stage
        .describe("DescribeEndpoint", json!({"EndpointName": "churn-staging"}))
        .expect("it");
    assert_eq!(
        endpoint["ProductionVariants"][0]["DesiredInstanceCount"], 1,
        "by-hand's count is gone too"
    );
}

#[test]
fn a_release_that_the_registry_does_not_bear_out_makes_no_model() {
    let mut stage = settled();
    let file = path("releases/staging.yaml");
    let text = stage.forge.text(&file).expect("the release");
    let forged = text.replace("model.tar.gz", "other.tar.gz");
    assert_ne!(forged, text);
    stage.forge.commit(&[(&file, Some(forged.as_bytes()))]);
    let (models, serving) = (stage.made("CreateModel"), stage.config_of("churn-staging"));
    for _ in 0..10 {
        stage.pass(Mode::Apply, &mut Calm);
        stage.tick();
    }
    assert_eq!(stage.made("CreateModel"), models);
    assert_eq!(stage.config_of("churn-staging"), serving);
}
