use super::*;
use crate::cloud::drive;
use crate::execute::inventory::{Mark, in_order};
use crate::resource::kinds::{ENDPOINT, MONITORING_SCHEDULE};
use crate::resource::owner::{SELF, to_list};

const OURS: &str = "acme/churn/staging";

fn scope() -> Scope {
    Scope {
        account: "111122223333".to_owned(),
        region: "eu-west-1".to_owned(),
    }
}

fn tags(owner: &str, own_name: &str) -> Tags {
    let tags = [(OWNER, owner), (SELF, own_name), (COMMIT, "1a2b")];
    let owned = tags.map(|(key, value)| (key.to_owned(), value.to_owned()));
    owned.into_iter().collect()
}

fn endpoint(name: &str, modified: f64) -> Value {
    json!({"EndpointName": name, "EndpointStatus": "InService", "EndpointConfigName": "c",
           "CreationTime": 1.0, "LastModifiedTime": modified})
}

fn mark(kind: &'static Kind, name: &str, body: &Value, tags: &Tags) -> Mark {
    let listed = kind.listed.as_ref().expect("a kind that is listed");
    Mark {
        kind,
        name: name.into(),
        stamp: Stamp::of(listed, body, in_order(tags)),
    }
}

fn schedule(modified: f64) -> Value {
    json!({"MonitoringScheduleName": "quality", "MonitoringScheduleStatus": "Scheduled",
           "CreationTime": 1.0, "LastModifiedTime": modified})
}

/// One model in `models/churn` with an endpoint, a schedule and a pipeline, as they were described.
fn inventory() -> Inventory {
    let pipeline = json!({"PipelineName": "churn", "PipelineStatus": "Active",
                          "CreationTime": 1.0, "LastModifiedTime": 2.0});
    let marks = vec![
        mark(
            &ENDPOINT,
            "churn-staging",
            &endpoint("churn-staging", 5.0),
            &tags(OURS, "churn-staging"),
        ),
        mark(
            &MONITORING_SCHEDULE,
            "quality",
            &schedule(3.0),
            &Tags::new(),
        ),
        mark(&PIPELINE, "churn", &pipeline, &Tags::new()),
    ];
    let mut inventory = Inventory::default();
    inventory.insert(
        "models/churn",
        vec![(scope(), marks)],
        Timestamp::UNIX_EPOCH,
    );
    inventory
}

fn grounds(owners: Option<&[&str]>) -> Grounds {
    let owners = owners.map(|owners| owners.iter().map(|&owner| owner.to_owned()).collect());
    Grounds {
        scopes: BTreeSet::from([scope()]),
        installation: "acme".to_owned(),
        owners,
        since: "2026-11-02T09:10:00.7Z".parse().expect("a time"),
        margin: SignedDuration::from_mins(10),
    }
}

/// What the service lists, and how it refuses.
struct Service {
    endpoints: Vec<(Value, Tags)>,
    schedules: Vec<Value>,
    executions: Vec<Value>,
    refuses: Option<(&'static str, &'static str)>,
}

/// Everything as it was described.
fn same() -> Service {
    Service {
        endpoints: vec![(endpoint("churn-staging", 5.0), tags(OURS, "churn-staging"))],
        schedules: vec![schedule(3.0)],
        executions: Vec::new(),
        refuses: None,
    }
}

impl Service {
    fn answer(&self, call: &Call) -> Answer {
        let resource = call.body["Resource"].as_str().unwrap_or(call.op);
        if let Some((_, code)) = self.refuses.filter(|(what, _)| *what == resource) {
            return Err(OpError::refused(call.op, code, "words"));
        }
        let results = |items: Vec<Value>| Ok(json!({"Results": items}));
        match resource {
            "Endpoint" => results(self.endpoints.iter().map(tagged).collect()),
            "Pipeline" => results(vec![json!({"Pipeline": {
                "PipelineName": "churn", "PipelineStatus": "Active",
                "CreationTime": 1.0, "LastModifiedTime": 2.0}})]),
            "PipelineExecution" => {
                let from = &call.body["SearchExpression"]["Filters"][0]["Value"];
                assert_eq!(
                    from, "2026-11-02T09:00:00",
                    "whole seconds, and not too late"
                );
                results(self.executions.clone())
            }
            "ListMonitoringSchedules" => Ok(json!({"MonitoringScheduleSummaries": self.schedules})),
            _ => results(Vec::new()),
        }
    }
}

fn tagged((body, tags): &(Value, Tags)) -> Value {
    let mut body = body.clone();
    body["Tags"] = to_list(tags);
    json!({"Endpoint": body})
}

fn sweep(service: &Service, owners: Option<&[&str]>) -> Swept {
    let machine = Sweep::new(&inventory(), grounds(owners));
    drive(machine, Timestamp::UNIX_EPOCH, |call| service.answer(call))
}

/// Whether the model is to be described.
fn differs(change: impl FnOnce(&mut Service)) -> bool {
    let mut service = same();
    change(&mut service);
    !sweep(&service, None).differing.is_empty()
}

#[test]
fn what_is_as_it_was_is_not_described() {
    assert_eq!(sweep(&same(), Some(&[OURS])), Swept::default());
}

#[test]
fn what_looks_otherwise_or_is_not_shown_is_described() {
    assert!(differs(
        |service| service.endpoints[0].0["LastModifiedTime"] = json!(5.001)
    ));
    assert!(differs(
        |service| service.endpoints[0].0["EndpointStatus"] = json!("Updating")
    ));
    assert!(differs(|service| drop(
        service.endpoints[0]
            .1
            .insert("team".to_owned(), "x".to_owned())
    )));
    assert!(differs(|service| service.endpoints.clear()));
    assert!(differs(|service| service.schedules.clear()));
    assert!(differs(
        |service| service.schedules[0]["LastModifiedTime"] = json!(4.0)
    ));
}

#[test]
fn what_grew_below_ours_is_described() {
    let run = |pipeline: &str, modified: f64| {
        let arn = format!("arn:aws:sagemaker:eu-west-1:111122223333:pipeline/{pipeline}");
        json!({"PipelineExecution": {"PipelineArn": arn, "LastModifiedTime": modified}})
    };
    // It was described at the epoch; what shows late may be ten minutes old.
    assert!(differs(|service| service
        .executions
        .push(run("churn", 1.0))));
    assert!(differs(|service| service
        .executions
        .push(run("churn", -600.0))));
    assert!(!differs(|service| service
        .executions
        .push(run("churn", -600.1))));
    assert!(!differs(|service| service
        .executions
        .push(run("theirs", 1.0))));
}

#[test]
fn a_list_that_fails_for_now_is_a_gap_and_one_that_always_will_is_gone_around() {
    for what in ["Endpoint", "ListMonitoringSchedules", "PipelineExecution"] {
        let mut service = same();
        service.refuses = Some((what, "ThrottlingException"));
        let swept = sweep(&service, None);
        assert_eq!((swept.differing.len(), swept.gaps.len()), (0, 1), "{what}");
        service.refuses = Some((what, "AccessDeniedException"));
        let swept = sweep(&service, None);
        assert_eq!((swept.differing.len(), swept.gaps.len()), (1, 1), "{what}");
    }
}

#[test]
fn a_list_that_never_ends_is_given_up() {
    let mut pages = 0;
    let machine = Sweep::new(&inventory(), grounds(None));
    let swept = drive(machine, Timestamp::UNIX_EPOCH, |call| {
        if call.body["Resource"] != "Endpoint" {
            return same().answer(call);
        }
        pages += 1;
        Ok(json!({"Results": [], "NextToken": "again"}))
    });
    assert_eq!(pages, SWEEP_PAGES_MAX);
    assert!(
        swept.gaps[0].error.to_string().contains("more than"),
        "{swept:?}"
    );
    assert!(
        swept.differing.is_empty(),
        "what is on no page yet may be on the next"
    );
}

#[test]
fn what_is_ours_and_declared_by_nobody_is_orphaned() {
    let orphans = |owner: &str, own_name: &str, owners: Option<&[&str]>| {
        let mut service = same();
        let theirs = (endpoint("old", 1.0), tags(owner, own_name));
        service.endpoints.push(theirs);
        sweep(&service, owners).orphans
    };
    let [orphan] = orphans("acme/gone/staging", "old", Some(&[OURS]))
        .try_into()
        .expect("one");
    let Orphan {
        kind,
        name,
        owner,
        commit,
        ..
    } = orphan;
    assert_eq!((kind, name.as_str()), ("Endpoint", "old"));
    assert_eq!(
        (owner.as_str(), commit.as_deref()),
        ("acme/gone/staging", Some("1a2b"))
    );
    assert_eq!(
        orphans("other/gone/staging", "old", Some(&[OURS])),
        [],
        "another installation's"
    );
    assert_eq!(
        orphans("acme/gone/staging", "new", Some(&[OURS])),
        [],
        "copied tags"
    );
    assert_eq!(
        orphans(OURS, "old", Some(&[OURS])),
        [],
        "declared, if not described yet"
    );
    assert_eq!(
        orphans("acme/gone/staging", "old", None),
        [],
        "not every model could be read"
    );
}

/// Pages of a hundred of `all`, as the services cut them.
fn paged(call: &Call, items: &str, all: &[Value]) -> Value {
    let from = call.body["NextToken"].as_str();
    let from: usize = from.map_or(0, |from| from.parse().expect("our own token"));
    let until = all.len().min(from + 100);
    let mut page = json!({items: all[from..until]});
    if until < all.len() {
        page["NextToken"] = until.to_string().into();
    }
    page
}

/// The calls of a sweep over ten thousand models in which nothing changed, by what is listed.
#[test]
fn a_sweep_of_ten_thousand_models_keeps_within_its_budget() {
    const MODELS: usize = 10_000;
    let item = |kind: &'static Kind, n: usize| match kind.name {
        "Endpoint" => endpoint(&format!("m{n}"), 5.0),
        "MonitoringSchedule" => json!({"MonitoringScheduleName": format!("m{n}")}),
        "Pipeline" => json!({"PipelineName": format!("m{n}")}),
        _ => json!({"ModelPackageGroupName": format!("m{n}")}),
    };
    let kinds = [
        &ENDPOINT,
        &PIPELINE,
        &MODEL_PACKAGE_GROUP,
        &MONITORING_SCHEDULE,
    ];
    let shelves: BTreeMap<_, Vec<_>> = kinds
        .iter()
        .map(|kind| {
            let wrapped = |n| match kind.name {
                "MonitoringSchedule" => item(kind, n),
                searched => json!({searched: item(kind, n)}),
            };
            (kind.name, (0..MODELS).map(wrapped).collect())
        })
        .collect();
    let mut inventory = Inventory::default();
    for n in 0..MODELS {
        let marks = kinds.map(|kind| mark(kind, &format!("m{n}"), &item(kind, n), &Tags::new()));
        let units = vec![(scope(), marks.to_vec())];
        inventory.insert(&format!("models/m{n}"), units, Timestamp::UNIX_EPOCH);
    }
    let mut calls: BTreeMap<String, usize> = BTreeMap::new();
    let machine = Sweep::new(&inventory, grounds(None));
    let swept = drive(machine, Timestamp::UNIX_EPOCH, |call| {
        let what = call.body["Resource"]
            .as_str()
            .unwrap_or("MonitoringSchedule");
        *calls.entry(what.to_owned()).or_default() += 1;
        let shelf = shelves.get(what).map_or(&[][..], Vec::as_slice);
        let items = match call.op {
            "Search" => "Results",
            _ => "MonitoringScheduleSummaries",
        };
        Ok(paged(call, items, shelf))
    });
    assert_eq!(swept, Swept::default());
    let hundred_each = [
        "Endpoint",
        "ModelPackageGroup",
        "MonitoringSchedule",
        "Pipeline",
    ];
    for what in hundred_each {
        assert_eq!(calls[what], 100, "{what}");
    }
    let all: usize = calls.values().sum();
    assert!(all <= 600, "{calls:?}");
}
